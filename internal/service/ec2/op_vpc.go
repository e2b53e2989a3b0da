package ec2

import (
	"context"
	"net/netip"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// block parses a CIDR block; its host bits are cleared, as EC2 does.
func block(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return p, invalid("Value (%s) for parameter cidrBlock is invalid. This is not a valid CIDR block.", s)
	}
	return p.Masked(), nil
}

func (s *Service) createVpc(ctx context.Context, in *api.CreateVpcInput) (*api.CreateVpcOutput, error) {
	err := refuse("CreateVpc", "an IPv6 block", yes(in.AmazonProvidedIpv6CidrBlock) || in.Ipv6CidrBlock != nil || in.Ipv6Pool != nil || in.Ipv6IpamPoolId != nil,
		"an IPAM pool", in.Ipv4IpamPoolId != nil)
	if err != nil {
		return nil, err
	}
	if in.CidrBlock == nil {
		return nil, awserr.New(400, "MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.")
	}
	p, err := block(*in.CidrBlock)
	if err != nil {
		return nil, err
	}
	if p.Bits() < 16 || p.Bits() > 28 {
		return nil, awserr.New(400, "InvalidVpc.Range", "The CIDR '%s' is invalid.", *in.CidrBlock)
	}
	tags, err := s.vpcs.newTags(bus.From(ctx), in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	var v vpc
	err = s.update(ctx, func(tx *store.Tx, c bus.Caller) (err error) {
		v, err = s.makeVpc(tx, c, p.String(), text(in.InstanceTenancy), tags, false)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateVpcOutput{Vpc: &v.Vpc}, nil
}

// makeVpc makes a VPC with its main route table, network ACL and default
// security group.
func (s *Service) makeVpc(tx *store.Tx, c bus.Caller, cidr, tenancy string, tags []api.Tag, isDefault bool) (v vpc, err error) {
	options, err := s.defaultOptions(tx, c)
	if err != nil {
		return v, err
	}
	if tenancy == "" {
		tenancy = "default"
	}
	v = vpc{DNSSupport: true, DNSHostnames: isDefault, Vpc: api.Vpc{
		VpcId: s.newID("vpc-"), CidrBlock: &cidr, DhcpOptionsId: options, State: new("available"), OwnerId: &c.Account, InstanceTenancy: &tenancy,
		IsDefault: &isDefault, Tags: tags, CidrBlockAssociationSet: []api.VpcCidrBlockAssociation{{
			AssociationId: s.newID("vpc-cidr-assoc-"), CidrBlock: &cidr, CidrBlockState: &api.VpcCidrBlockState{State: new("associated")}}},
	}}
	if err := s.vpcs.put(tx, c, v); err != nil {
		return v, err
	}
	table := api.RouteTable{RouteTableId: s.newID("rtb-"), VpcId: v.VpcId, OwnerId: &c.Account, Routes: []api.Route{localRoute(cidr)}}
	table.Associations = []api.RouteTableAssociation{{Main: new(true), RouteTableAssociationId: s.newID("rtbassoc-"), RouteTableId: table.RouteTableId,
		AssociationState: &api.RouteTableAssociationState{State: new("associated")}}}
	if err := s.tables.put(tx, c, table); err != nil {
		return v, err
	}
	everything := func(number int64, action string, egress bool) api.NetworkAclEntry {
		return api.NetworkAclEntry{CidrBlock: new("0.0.0.0/0"), Egress: &egress, Protocol: new("-1"), RuleAction: &action, RuleNumber: &number}
	}
	acl := api.NetworkAcl{NetworkAclId: s.newID("acl-"), VpcId: v.VpcId, OwnerId: &c.Account, IsDefault: new(true), Entries: []api.NetworkAclEntry{
		everything(100, "allow", true), everything(32767, "deny", true), everything(100, "allow", false), everything(32767, "deny", false)}}
	if err := s.acls.put(tx, c, acl); err != nil {
		return v, err
	}
	g := s.newGroup(c, *v.VpcId, "default", "default VPC security group", nil)
	g.Rules = append(g.Rules, api.SecurityGroupRule{SecurityGroupRuleId: s.newID("sgr-"), GroupId: g.GroupId, GroupOwnerId: &c.Account, IsEgress: new(false),
		IpProtocol: new("-1"), FromPort: new(int64(-1)), ToPort: new(int64(-1)), ReferencedGroupInfo: &api.ReferencedSecurityGroup{GroupId: g.GroupId, UserId: &c.Account}})
	return v, s.groups.put(tx, c, g)
}

func localRoute(cidr string) api.Route {
	return api.Route{DestinationCidrBlock: &cidr, GatewayId: new("local"), Origin: new("CreateRouteTable"), State: new("active")}
}

func (s *Service) defaultOptions(tx *store.Tx, c bus.Caller) (*string, error) {
	all, err := s.options.list(tx, c, nil)
	if err != nil {
		return nil, err
	}
	if len(all) > 0 {
		return all[0].DhcpOptionsId, nil
	}
	domain := "ec2.internal"
	if c.Region != "us-east-1" {
		domain = c.Region + ".compute.internal"
	}
	o := api.DhcpOptions{DhcpOptionsId: s.newID("dopt-"), OwnerId: &c.Account, DhcpConfigurations: []api.DhcpConfiguration{
		{Key: new("domain-name"), Values: []api.AttributeValue{{Value: &domain}}},
		{Key: new("domain-name-servers"), Values: []api.AttributeValue{{Value: new("AmazonProvidedDNS")}}}}}
	return o.DhcpOptionsId, s.options.put(tx, c, o)
}

func (s *Service) createDefaultVpc(ctx context.Context, _ *api.CreateDefaultVpcInput) (*api.CreateDefaultVpcOutput, error) {
	var v vpc
	err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		old, err := s.vpcs.list(tx, c, func(v *vpc) bool { return yes(v.IsDefault) })
		if err != nil {
			return err
		}
		if len(old) > 0 {
			return awserr.New(400, "DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
		}
		v, err = s.makeDefault(tx, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateDefaultVpcOutput{Vpc: &v.Vpc}, nil
}

func (s *Service) describeVpcs(ctx context.Context, in *api.DescribeVpcsInput) (*api.DescribeVpcsOutput, error) {
	page, next, err := s.vpcs.describe(ctx, s, in.VpcIds, in.Filters, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeVpcsOutput{Vpcs: []api.Vpc{}, NextToken: next}
	for _, v := range page {
		out.Vpcs = append(out.Vpcs, v.Vpc)
	}
	return out, nil
}

func (s *Service) describeVpcAttribute(ctx context.Context, in *api.DescribeVpcAttributeInput) (*api.DescribeVpcAttributeOutput, error) {
	page, _, err := s.vpcs.describe(ctx, s, []string{*in.VpcId}, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	v, out := page[0], &api.DescribeVpcAttributeOutput{VpcId: in.VpcId}
	switch *in.Attribute {
	case "enableDnsSupport":
		out.EnableDnsSupport = &api.AttributeBooleanValue{Value: &v.DNSSupport}
	case "enableDnsHostnames":
		out.EnableDnsHostnames = &api.AttributeBooleanValue{Value: &v.DNSHostnames}
	case "enableNetworkAddressUsageMetrics":
		out.EnableNetworkAddressUsageMetrics = &api.AttributeBooleanValue{Value: &v.Metrics}
	default:
		return nil, invalid("Value (%s) for parameter attribute is invalid.", *in.Attribute)
	}
	return out, nil
}

func (s *Service) modifyVpcAttribute(ctx context.Context, in *api.ModifyVpcAttributeInput) (*api.ModifyVpcAttributeOutput, error) {
	given := 0
	for _, a := range []*api.AttributeBooleanValue{in.EnableDnsSupport, in.EnableDnsHostnames, in.EnableNetworkAddressUsageMetrics} {
		if a != nil {
			given++
		}
	}
	if given != 1 {
		return nil, awserr.New(400, "InvalidParameterCombination", "Exactly one attribute must be specified")
	}
	err := s.vpcs.change(ctx, s, *in.VpcId, func(_ *store.Tx, _ bus.Caller, v *vpc) error {
		set(&v.DNSSupport, in.EnableDnsSupport)
		set(&v.DNSHostnames, in.EnableDnsHostnames)
		set(&v.Metrics, in.EnableNetworkAddressUsageMetrics)
		return nil
	})
	return &api.ModifyVpcAttributeOutput{}, err
}

func set(to *bool, v *api.AttributeBooleanValue) {
	if v != nil {
		*to = yes(v.Value)
	}
}

func (s *Service) deleteVpc(ctx context.Context, in *api.DeleteVpcInput) (*api.DeleteVpcOutput, error) {
	err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		v, err := s.vpcs.get(tx, c, *in.VpcId)
		if err != nil {
			return err
		}
		if err := s.vpcFree(tx, c, *v.VpcId); err != nil {
			return err
		}
		return s.removeVpc(tx, c, *v.VpcId)
	})
	return &api.DeleteVpcOutput{}, err
}

// vpcFree is nil where nothing is in a VPC but what was made with it.
func (s *Service) vpcFree(tx *store.Tx, c bus.Caller, id string) error {
	for _, count := range []func() (int, error){
		counts(tx, c, s.subnets, func(v *api.Subnet) bool { return *v.VpcId == id }),
		counts(tx, c, s.gateways, func(v *api.InternetGateway) bool { return attached(v) == id }),
		counts(tx, c, s.groups, func(v *group) bool { return *v.VpcId == id && *v.GroupName != "default" }),
		counts(tx, c, s.tables, func(v *api.RouteTable) bool { return *v.VpcId == id && !isMain(v) }),
		counts(tx, c, s.endpoints, func(v *api.VpcEndpoint) bool { return *v.VpcId == id }),
	} {
		switch n, err := count(); {
		case err != nil:
			return err
		case n > 0:
			return inUse("vpc", id)
		}
	}
	return nil
}

func counts[T any](tx *store.Tx, c bus.Caller, k kind[T], wanted func(*T) bool) func() (int, error) {
	return func() (int, error) {
		all, err := k.list(tx, c, wanted)
		return len(all), err
	}
}

// removeVpc removes a VPC and what was made with it.
func (s *Service) removeVpc(tx *store.Tx, c bus.Caller, id string) error {
	err := removeWhere(tx, c, s.groups, func(v *group) bool { return *v.VpcId == id })
	if err == nil {
		err = removeWhere(tx, c, s.tables, func(v *api.RouteTable) bool { return *v.VpcId == id })
	}
	if err == nil {
		err = removeWhere(tx, c, s.acls, func(v *api.NetworkAcl) bool { return *v.VpcId == id })
	}
	if err == nil {
		err = removeWhere(tx, c, s.nats, func(v *api.NatGateway) bool { return *v.VpcId == id })
	}
	if err == nil {
		err = s.vpcs.remove(tx, c, id)
	}
	return err
}

func removeWhere[T any](tx *store.Tx, c bus.Caller, k kind[T], wanted func(*T) bool) error {
	all, err := k.list(tx, c, wanted)
	for i := range all {
		if err == nil {
			err = k.remove(tx, c, *k.id(&all[i]))
		}
	}
	return err
}
