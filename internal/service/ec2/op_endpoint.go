package ec2

import (
	"context"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// gatewayServices are those that have gateway endpoints; interfaceServices those
// that have interface endpoints (of the services that there are here).
var (
	gatewayServices   = []string{"dynamodb", "s3"}
	interfaceServices = []string{"ec2", "ecr.api", "ecr.dkr", "events", "glue", "kms", "lambda", "logs", "monitoring", "redshift", "redshift-data",
		"redshift-serverless", "s3", "secretsmanager", "sns", "sqs", "ssm", "states", "sts", "cloudformation", "scheduler"}
)

const openPolicy = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

// offered says whether a service has endpoints of a type in a region.
func offered(c bus.Caller, name, kind string) bool {
	service, ok := strings.CutPrefix(name, "com.amazonaws."+c.Region+".")
	if kind == "Gateway" {
		return ok && slices.Contains(gatewayServices, service)
	}
	return ok && slices.Contains(interfaceServices, service)
}

func (s *Service) createVpcEndpoint(ctx context.Context, in *api.CreateVpcEndpointInput) (*api.CreateVpcEndpointOutput, error) {
	kind := text(in.VpcEndpointType)
	if kind == "" {
		kind = "Gateway"
	}
	err := refuse("CreateVpcEndpoint", "the type "+kind, kind != "Gateway" && kind != "Interface", "SubnetConfigurations", len(in.SubnetConfigurations) > 0,
		"the address type "+text(in.IpAddressType), text(in.IpAddressType) != "" && *in.IpAddressType != "ipv4")
	c := bus.From(ctx)
	switch {
	case err != nil:
		return nil, err
	case !offered(c, *in.ServiceName, kind):
		return nil, awserr.New(400, "InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", *in.ServiceName)
	case kind == "Gateway" && len(in.SubnetIds)+len(in.SecurityGroupIds) > 0:
		return nil, awserr.New(400, "InvalidParameter", "SubnetIds and SecurityGroupIds are not supported for VPC endpoints of the type Gateway")
	case kind == "Interface" && len(in.RouteTableIds) > 0:
		return nil, awserr.New(400, "InvalidParameter", "Route table IDs are only supported for Gateway type VPC Endpoint.")
	}
	tags, err := s.endpoints.newTags(c, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	e := api.VpcEndpoint{VpcEndpointId: s.newID("vpce-"), VpcEndpointType: &kind, VpcId: in.VpcId, ServiceName: in.ServiceName, State: new("available"),
		PolicyDocument: in.PolicyDocument, RouteTableIds: []string{}, SubnetIds: []string{}, Groups: []api.SecurityGroupIdentifier{}, NetworkInterfaceIds: []string{},
		PrivateDnsEnabled: new(false), RequesterManaged: new(false), DnsEntries: []api.DnsEntry{}, CreationTimestamp: new(s.Clock.Now()), Tags: tags, OwnerId: &c.Account}
	if text(e.PolicyDocument) == "" {
		e.PolicyDocument = new(openPolicy)
	}
	err = s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		if _, err := s.vpcs.get(tx, c, *in.VpcId); err != nil {
			return err
		}
		if kind == "Gateway" {
			if err := s.routeTo(tx, c, &e, in.RouteTableIds); err != nil {
				return err
			}
			return s.endpoints.put(tx, c, e)
		}
		e.IpAddressType, e.DnsOptions = new("ipv4"), &api.DnsOptions{DnsRecordIpType: new("ipv4")}
		e.PrivateDnsEnabled = new(in.PrivateDnsEnabled == nil || *in.PrivateDnsEnabled)
		if err := s.endpointGroups(tx, c, &e, in.SecurityGroupIds); err != nil {
			return err
		}
		if err := s.plug(tx, c, &e, in.SubnetIds); err != nil {
			return err
		}
		e.DnsEntries = dnsEntries(c, &e)
		return s.endpoints.put(tx, c, e)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateVpcEndpointOutput{VpcEndpoint: &e, ClientToken: in.ClientToken}, nil
}

func dnsEntries(c bus.Caller, e *api.VpcEndpoint) []api.DnsEntry {
	service := strings.TrimPrefix(*e.ServiceName, "com.amazonaws."+c.Region+".")
	name := *e.VpcEndpointId + "-" + (*e.VpcEndpointId)[len(*e.VpcEndpointId)-8:] + "." + service + "." + c.Region + ".vpce.amazonaws.com"
	entries := []api.DnsEntry{{DnsName: &name}}
	if yes(e.PrivateDnsEnabled) {
		entries = append(entries, api.DnsEntry{DnsName: new(service + "." + c.Region + ".amazonaws.com")})
	}
	return entries
}

// routeTo puts a gateway endpoint into route tables. Its routes have a prefix
// list as destination; they are described with the endpoint, not in the tables.
func (s *Service) routeTo(tx *store.Tx, c bus.Caller, e *api.VpcEndpoint, tables []string) error {
	for _, id := range tables {
		t, err := s.tables.get(tx, c, id)
		if err != nil {
			return err
		}
		if *t.VpcId != *e.VpcId {
			return invalid("Route table %s and VPC endpoint belong to different networks", id)
		}
		taken, err := s.endpoints.list(tx, c, func(o *api.VpcEndpoint) bool {
			return *o.ServiceName == *e.ServiceName && slices.Contains(o.RouteTableIds, id)
		})
		if err != nil {
			return err
		}
		if len(taken) > 0 && *taken[0].VpcEndpointId != *e.VpcEndpointId {
			return awserr.New(400, "RouteAlreadyExists", "route table %s already has a route with destination-prefix-list-id of the service %s", id, *e.ServiceName)
		}
		if !slices.Contains(e.RouteTableIds, id) {
			e.RouteTableIds = append(e.RouteTableIds, id)
		}
	}
	return nil
}

// endpointGroups gives an interface endpoint its security groups: the VPC's
// default one where none is named.
func (s *Service) endpointGroups(tx *store.Tx, c bus.Caller, e *api.VpcEndpoint, ids []string) error {
	if len(ids) == 0 {
		all, err := s.groups.list(tx, c, func(g *group) bool { return *g.VpcId == *e.VpcId && *g.GroupName == "default" })
		if err != nil {
			return err
		}
		for _, g := range all {
			ids = append(ids, *g.GroupId)
		}
	}
	for _, id := range ids {
		g, err := s.groups.get(tx, c, id)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(e.Groups, func(x api.SecurityGroupIdentifier) bool { return *x.GroupId == id }) {
			e.Groups = append(e.Groups, api.SecurityGroupIdentifier{GroupId: g.GroupId, GroupName: g.GroupName})
		}
	}
	return nil
}

// plug gives an endpoint an interface in each of the subnets.
func (s *Service) plug(tx *store.Tx, c bus.Caller, e *api.VpcEndpoint, subnets []string) error {
	var groups []api.GroupIdentifier
	for _, g := range e.Groups {
		groups = append(groups, api.GroupIdentifier{GroupId: g.GroupId, GroupName: g.GroupName})
	}
	for _, id := range subnets {
		n, err := s.subnets.get(tx, c, id)
		if err != nil {
			return err
		}
		if *n.VpcId != *e.VpcId {
			return awserr.New(400, "InvalidParameter", "The subnet ID '%s' does not belong to the VPC '%s'", id, *e.VpcId)
		}
		if slices.Contains(e.SubnetIds, id) {
			continue
		}
		i, err := s.newInterface(tx, c, id, "vpc_endpoint", "VPC Endpoint Interface "+*e.VpcEndpointId, nil, groups)
		if err != nil {
			return err
		}
		e.SubnetIds, e.NetworkInterfaceIds = append(e.SubnetIds, id), append(e.NetworkInterfaceIds, *i.NetworkInterfaceId)
	}
	return nil
}

// unplug removes the interface of an endpoint in a subnet.
func (s *Service) unplug(tx *store.Tx, c bus.Caller, e *api.VpcEndpoint, subnet string) error {
	i := slices.Index(e.SubnetIds, subnet)
	if i < 0 {
		return awserr.New(400, "InvalidParameter", "The subnet ID '%s' is not associated with the VPC endpoint '%s'", subnet, *e.VpcEndpointId)
	}
	if err := s.dropInterface(tx, c, e.NetworkInterfaceIds[i]); err != nil {
		return err
	}
	e.SubnetIds, e.NetworkInterfaceIds = slices.Delete(e.SubnetIds, i, i+1), slices.Delete(e.NetworkInterfaceIds, i, i+1)
	return nil
}

func (s *Service) modifyVpcEndpoint(ctx context.Context, in *api.ModifyVpcEndpointInput) (*api.ModifyVpcEndpointOutput, error) {
	err := refuse("ModifyVpcEndpoint", "SubnetConfigurations", len(in.SubnetConfigurations) > 0, "IpAddressType", in.IpAddressType != nil, "DnsOptions", in.DnsOptions != nil)
	if err != nil {
		return nil, err
	}
	err = s.endpoints.change(ctx, s, *in.VpcEndpointId, func(tx *store.Tx, c bus.Caller, e *api.VpcEndpoint) error {
		if in.PolicyDocument != nil {
			e.PolicyDocument = in.PolicyDocument
		}
		if yes(in.ResetPolicy) {
			e.PolicyDocument = new(openPolicy)
		}
		if err := s.routeTo(tx, c, e, in.AddRouteTableIds); err != nil {
			return err
		}
		e.RouteTableIds = slices.DeleteFunc(e.RouteTableIds, func(id string) bool { return slices.Contains(in.RemoveRouteTableIds, id) })
		if len(in.AddSecurityGroupIds) > 0 {
			if err := s.endpointGroups(tx, c, e, in.AddSecurityGroupIds); err != nil {
				return err
			}
		}
		e.Groups = slices.DeleteFunc(e.Groups, func(g api.SecurityGroupIdentifier) bool {
			return slices.Contains(in.RemoveSecurityGroupIds, *g.GroupId)
		})
		if err := s.plug(tx, c, e, in.AddSubnetIds); err != nil {
			return err
		}
		for _, id := range in.RemoveSubnetIds {
			if err := s.unplug(tx, c, e, id); err != nil {
				return err
			}
		}
		if in.PrivateDnsEnabled != nil {
			e.PrivateDnsEnabled = in.PrivateDnsEnabled
			e.DnsEntries = dnsEntries(c, e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ModifyVpcEndpointOutput{Return: new(true)}, nil
}

func (s *Service) deleteVpcEndpoints(ctx context.Context, in *api.DeleteVpcEndpointsInput) (*api.DeleteVpcEndpointsOutput, error) {
	out := &api.DeleteVpcEndpointsOutput{Unsuccessful: []api.UnsuccessfulItem{}}
	err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		out.Unsuccessful = []api.UnsuccessfulItem{}
		for _, id := range in.VpcEndpointIds {
			e, err := s.endpoints.get(tx, c, id)
			if w := awserr.From(err); w != nil {
				out.Unsuccessful = append(out.Unsuccessful, api.UnsuccessfulItem{ResourceId: &id, Error: &api.UnsuccessfulItemError{Code: &w.Code, Message: &w.Message}})
				continue
			}
			for err == nil && len(e.SubnetIds) > 0 {
				err = s.unplug(tx, c, &e, e.SubnetIds[0])
			}
			if err == nil {
				err = s.endpoints.remove(tx, c, id)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) describeVpcEndpoints(ctx context.Context, in *api.DescribeVpcEndpointsInput) (*api.DescribeVpcEndpointsOutput, error) {
	page, next, err := s.endpoints.describe(ctx, s, in.VpcEndpointIds, in.Filters, in.NextToken, in.MaxResults)
	return &api.DescribeVpcEndpointsOutput{VpcEndpoints: page, NextToken: next}, err
}

func (s *Service) describeEndpointServices(ctx context.Context, in *api.DescribeVpcEndpointServicesInput) (*api.DescribeVpcEndpointServicesOutput, error) {
	c := bus.From(ctx)
	out := &api.DescribeVpcEndpointServicesOutput{ServiceNames: []string{}, ServiceDetails: []api.ServiceDetail{}}
	names := slices.Concat(gatewayServices, interfaceServices)
	slices.Sort(names)
	var zoneNames []string
	for _, z := range zones(c.Region) {
		zoneNames = append(zoneNames, z.name)
	}
	filters := kind[api.ServiceDetail]{tags: func(d *api.ServiceDetail) *[]api.Tag { return &d.Tags }, filters: map[string]func(*api.ServiceDetail) []string{
		"service-name": func(d *api.ServiceDetail) []string { return one(d.ServiceName) }, "owner": func(d *api.ServiceDetail) []string { return one(d.Owner) },
		"service-type": func(d *api.ServiceDetail) []string {
			return each(d.ServiceType, func(t api.ServiceTypeDetail) *string { return t.ServiceType })
		},
	}}
	for _, short := range slices.Compact(names) {
		name := "com.amazonaws." + c.Region + "." + short
		d := api.ServiceDetail{ServiceName: &name, Owner: new("amazon"), AvailabilityZones: zoneNames, VpcEndpointPolicySupported: new(true),
			AcceptanceRequired: new(false), ManagesVpcEndpoints: new(false), BaseEndpointDnsNames: []string{short + "." + c.Region + ".vpce.amazonaws.com"}}
		for _, kind := range []string{"Gateway", "Interface"} {
			if offered(c, name, kind) {
				d.ServiceType = append(d.ServiceType, api.ServiceTypeDetail{ServiceType: &kind})
			}
		}
		wanted := len(in.ServiceNames) == 0 || slices.Contains(in.ServiceNames, name)
		for _, f := range in.Filters {
			has, err := filters.filter(c, text(f.Name))
			if err != nil {
				return nil, err
			}
			wanted = wanted && matches(has(&d), f.Values)
		}
		if wanted {
			out.ServiceNames, out.ServiceDetails = append(out.ServiceNames, name), append(out.ServiceDetails, d)
		}
	}
	for _, name := range in.ServiceNames {
		if !slices.Contains(out.ServiceNames, name) && len(in.Filters) == 0 {
			return nil, awserr.New(400, "InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name)
		}
	}
	return out, nil
}
