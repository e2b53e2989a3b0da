package ec2

import (
	"context"
	"net/netip"
	"slices"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func isMain(t *api.RouteTable) bool {
	return slices.ContainsFunc(t.Associations, func(a api.RouteTableAssociation) bool { return yes(a.Main) })
}

func (s *Service) createRouteTable(ctx context.Context, in *api.CreateRouteTableInput) (*api.CreateRouteTableOutput, error) {
	tags, err := s.tables.newTags(bus.From(ctx), in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	var t api.RouteTable
	err = s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		v, err := s.vpcs.get(tx, c, *in.VpcId)
		if err != nil {
			return err
		}
		t = api.RouteTable{RouteTableId: s.newID("rtb-"), VpcId: v.VpcId, OwnerId: &c.Account, Routes: []api.Route{localRoute(*v.CidrBlock)},
			Associations: []api.RouteTableAssociation{}, PropagatingVgws: []api.PropagatingVgw{}, Tags: tags}
		return s.tables.put(tx, c, t)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateRouteTableOutput{RouteTable: &t, ClientToken: in.ClientToken}, nil
}

func (s *Service) deleteRouteTable(ctx context.Context, in *api.DeleteRouteTableInput) (*api.DeleteRouteTableOutput, error) {
	err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		t, err := s.tables.get(tx, c, *in.RouteTableId)
		if err != nil {
			return err
		}
		if len(t.Associations) > 0 {
			return inUse("routeTable", *t.RouteTableId)
		}
		leading, err := s.endpoints.list(tx, c, func(e *api.VpcEndpoint) bool { return slices.Contains(e.RouteTableIds, *t.RouteTableId) })
		if err != nil {
			return err
		}
		for _, e := range leading {
			e.RouteTableIds = slices.DeleteFunc(e.RouteTableIds, func(id string) bool { return id == *t.RouteTableId })
			if err := s.endpoints.put(tx, c, e); err != nil {
				return err
			}
		}
		return s.tables.remove(tx, c, *t.RouteTableId)
	})
	return &api.DeleteRouteTableOutput{}, err
}

func (s *Service) describeRouteTables(ctx context.Context, in *api.DescribeRouteTablesInput) (*api.DescribeRouteTablesOutput, error) {
	page, next, err := s.tables.describe(ctx, s, in.RouteTableIds, in.Filters, in.NextToken, in.MaxResults)
	return &api.DescribeRouteTablesOutput{RouteTables: page, NextToken: next}, err
}

func (s *Service) associateRouteTable(ctx context.Context, in *api.AssociateRouteTableInput) (*api.AssociateRouteTableOutput, error) {
	switch {
	case in.GatewayId != nil:
		return nil, refused("AssociateRouteTable", "GatewayId")
	case in.SubnetId == nil:
		return nil, awserr.New(400, "MissingParameter", "Either 'gatewayId' or 'subnetId' should be provided.")
	}
	out := &api.AssociateRouteTableOutput{AssociationState: &api.RouteTableAssociationState{State: new("associated")}}
	err := s.tables.change(ctx, s, *in.RouteTableId, func(tx *store.Tx, c bus.Caller, t *api.RouteTable) error {
		n, err := s.subnets.get(tx, c, *in.SubnetId)
		if err != nil {
			return err
		}
		if *n.VpcId != *t.VpcId {
			return invalid("Route table %s and network interface belong to different networks", *t.RouteTableId)
		}
		taken, err := s.tables.list(tx, c, func(o *api.RouteTable) bool {
			return slices.ContainsFunc(o.Associations, func(a api.RouteTableAssociation) bool { return text(a.SubnetId) == *in.SubnetId })
		})
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			return awserr.New(400, "Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", *t.RouteTableId)
		}
		out.AssociationId = s.newID("rtbassoc-")
		t.Associations = append(t.Associations, api.RouteTableAssociation{Main: new(false), RouteTableAssociationId: out.AssociationId, RouteTableId: t.RouteTableId,
			SubnetId: in.SubnetId, AssociationState: out.AssociationState})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// disassociate removes associations from route tables.
func (s *Service) disassociate(tx *store.Tx, c bus.Caller, which func(*api.RouteTableAssociation) bool) error {
	all, err := s.tables.list(tx, c, func(t *api.RouteTable) bool {
		return slices.ContainsFunc(t.Associations, func(a api.RouteTableAssociation) bool { return which(&a) })
	})
	for _, t := range all {
		if err != nil {
			break
		}
		t.Associations = slices.DeleteFunc(t.Associations, func(a api.RouteTableAssociation) bool { return which(&a) })
		err = s.tables.put(tx, c, t)
	}
	return err
}

// associated finds the table of an association and its place there.
func (s *Service) associated(tx *store.Tx, c bus.Caller, id string) (api.RouteTable, int, error) {
	all, err := s.tables.list(tx, c, nil)
	if err != nil {
		return api.RouteTable{}, 0, err
	}
	for _, t := range all {
		if i := slices.IndexFunc(t.Associations, func(a api.RouteTableAssociation) bool { return *a.RouteTableAssociationId == id }); i >= 0 {
			return t, i, nil
		}
	}
	return api.RouteTable{}, 0, awserr.New(400, "InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
}

func (s *Service) disassociateRouteTable(ctx context.Context, in *api.DisassociateRouteTableInput) (*api.DisassociateRouteTableOutput, error) {
	err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		t, i, err := s.associated(tx, c, *in.AssociationId)
		if err != nil {
			return err
		}
		if yes(t.Associations[i].Main) {
			return invalid("cannot disassociate the main route table association %s", *in.AssociationId)
		}
		t.Associations = slices.Delete(t.Associations, i, i+1)
		return s.tables.put(tx, c, t)
	})
	return &api.DisassociateRouteTableOutput{}, err
}

func (s *Service) replaceRouteTableAssociation(ctx context.Context, in *api.ReplaceRouteTableAssociationInput) (*api.ReplaceRouteTableAssociationOutput, error) {
	out := &api.ReplaceRouteTableAssociationOutput{AssociationState: &api.RouteTableAssociationState{State: new("associated")}}
	err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		t, i, err := s.associated(tx, c, *in.AssociationId)
		if err != nil {
			return err
		}
		moved := t.Associations[i]
		t.Associations = slices.Delete(t.Associations, i, i+1)
		if err := s.tables.put(tx, c, t); err != nil {
			return err
		}
		to, err := s.tables.get(tx, c, *in.RouteTableId)
		if err != nil {
			return err
		}
		if *to.VpcId != *t.VpcId {
			return invalid("Route table %s and association %s belong to different networks", *to.RouteTableId, *in.AssociationId)
		}
		out.NewAssociationId = s.newID("rtbassoc-")
		moved.RouteTableAssociationId, moved.RouteTableId = out.NewAssociationId, to.RouteTableId
		to.Associations = append(to.Associations, moved)
		return s.tables.put(tx, c, to)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// target is where a route leads.
func (s *Service) target(tx *store.Tx, c bus.Caller, operation string, t *api.RouteTable, in *api.CreateRouteInput) (api.Route, error) {
	r := api.Route{State: new("active"), Origin: new("CreateRoute")}
	err := refuse(operation, "DestinationIpv6CidrBlock", in.DestinationIpv6CidrBlock != nil, "DestinationPrefixListId", in.DestinationPrefixListId != nil,
		"EgressOnlyInternetGatewayId", in.EgressOnlyInternetGatewayId != nil, "InstanceId", in.InstanceId != nil, "TransitGatewayId", in.TransitGatewayId != nil,
		"LocalGatewayId", in.LocalGatewayId != nil, "CarrierGatewayId", in.CarrierGatewayId != nil, "VpcPeeringConnectionId", in.VpcPeeringConnectionId != nil,
		"CoreNetworkArn", in.CoreNetworkArn != nil, "VpcEndpointId", in.VpcEndpointId != nil)
	if err != nil {
		return r, err
	}
	if in.DestinationCidrBlock == nil {
		return r, awserr.New(400, "MissingParameter", "The request must contain the parameter destinationCidrBlock or destinationIpv6CidrBlock")
	}
	p, err := netip.ParsePrefix(*in.DestinationCidrBlock)
	if err != nil || !p.Addr().Is4() {
		return r, invalid("Value (%s) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.", *in.DestinationCidrBlock)
	}
	r.DestinationCidrBlock = new(p.Masked().String())
	switch {
	case in.NatGatewayId != nil:
		n, err := s.nats.get(tx, c, *in.NatGatewayId)
		if err != nil || *n.State != "available" {
			return r, awserr.New(400, "InvalidNatGatewayID.NotFound", "The natGateway ID '%s' does not exist", *in.NatGatewayId)
		}
		r.NatGatewayId = in.NatGatewayId
	case in.NetworkInterfaceId != nil:
		if _, err := s.interfaces.get(tx, c, *in.NetworkInterfaceId); err != nil {
			return r, err
		}
		r.NetworkInterfaceId = in.NetworkInterfaceId
	case in.GatewayId != nil:
		if *in.GatewayId == "local" && operation == "ReplaceRoute" {
			r.GatewayId = in.GatewayId
			break
		}
		g, err := s.gateways.get(tx, c, *in.GatewayId)
		if err != nil {
			return r, awserr.New(400, "InvalidGatewayID.NotFound", "The gateway ID '%s' does not exist", *in.GatewayId)
		}
		if attached(&g) != *t.VpcId {
			return r, invalid("route table %s and network gateway %s belong to different networks", *t.RouteTableId, *in.GatewayId)
		}
		r.GatewayId = in.GatewayId
	default:
		return r, awserr.New(400, "MissingParameter", "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, transitGatewayId")
	}
	return r, nil
}

func place(t *api.RouteTable, destination string) int {
	return slices.IndexFunc(t.Routes, func(r api.Route) bool { return text(r.DestinationCidrBlock) == destination })
}

func (s *Service) createRoute(ctx context.Context, in *api.CreateRouteInput) (*api.CreateRouteOutput, error) {
	err := s.tables.change(ctx, s, *in.RouteTableId, func(tx *store.Tx, c bus.Caller, t *api.RouteTable) error {
		r, err := s.target(tx, c, "CreateRoute", t, in)
		if err != nil {
			return err
		}
		if i := place(t, *r.DestinationCidrBlock); i >= 0 {
			same := text(t.Routes[i].GatewayId) == text(r.GatewayId) && text(t.Routes[i].NatGatewayId) == text(r.NatGatewayId) &&
				text(t.Routes[i].NetworkInterfaceId) == text(r.NetworkInterfaceId) && *t.Routes[i].State == "active"
			if same {
				return nil // EC2 answers the same route again with success
			}
			return awserr.New(400, "RouteAlreadyExists", "The route identified by %s already exists.", *r.DestinationCidrBlock)
		}
		t.Routes = append(t.Routes, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateRouteOutput{Return: new(true)}, nil
}

func noRoute(t *api.RouteTable, destination string) *awserr.Error {
	return awserr.New(400, "InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", destination, *t.RouteTableId)
}

func (s *Service) replaceRoute(ctx context.Context, in *api.ReplaceRouteInput) (*api.ReplaceRouteOutput, error) {
	err := s.tables.change(ctx, s, *in.RouteTableId, func(tx *store.Tx, c bus.Caller, t *api.RouteTable) error {
		same := &api.CreateRouteInput{DestinationCidrBlock: in.DestinationCidrBlock, DestinationIpv6CidrBlock: in.DestinationIpv6CidrBlock,
			DestinationPrefixListId: in.DestinationPrefixListId, VpcEndpointId: in.VpcEndpointId, EgressOnlyInternetGatewayId: in.EgressOnlyInternetGatewayId,
			GatewayId: in.GatewayId, InstanceId: in.InstanceId, NatGatewayId: in.NatGatewayId, TransitGatewayId: in.TransitGatewayId, LocalGatewayId: in.LocalGatewayId,
			CarrierGatewayId: in.CarrierGatewayId, NetworkInterfaceId: in.NetworkInterfaceId, VpcPeeringConnectionId: in.VpcPeeringConnectionId, CoreNetworkArn: in.CoreNetworkArn}
		if yes(in.LocalTarget) {
			same.GatewayId = new("local")
		}
		r, err := s.target(tx, c, "ReplaceRoute", t, same)
		if err != nil {
			return err
		}
		i := place(t, *r.DestinationCidrBlock)
		if i < 0 {
			return noRoute(t, *r.DestinationCidrBlock)
		}
		r.Origin = t.Routes[i].Origin
		t.Routes[i] = r
		return nil
	})
	return &api.ReplaceRouteOutput{}, err
}

func (s *Service) deleteRoute(ctx context.Context, in *api.DeleteRouteInput) (*api.DeleteRouteOutput, error) {
	err := s.tables.change(ctx, s, *in.RouteTableId, func(_ *store.Tx, _ bus.Caller, t *api.RouteTable) error {
		destination := text(in.DestinationCidrBlock)
		i := place(t, destination)
		switch {
		case i < 0:
			return noRoute(t, destination)
		case text(t.Routes[i].Origin) == "CreateRouteTable":
			return invalid("cannot remove local route %s in route table %s", destination, *t.RouteTableId)
		}
		t.Routes = slices.Delete(t.Routes, i, i+1)
		return nil
	})
	return &api.DeleteRouteOutput{}, err
}

// blackhole marks the routes to what has gone.
func (s *Service) blackhole(tx *store.Tx, c bus.Caller, which func(*api.Route) bool) error {
	all, err := s.tables.list(tx, c, func(t *api.RouteTable) bool {
		return slices.ContainsFunc(t.Routes, func(r api.Route) bool { return which(&r) })
	})
	for _, t := range all {
		if err != nil {
			break
		}
		for i := range t.Routes {
			if which(&t.Routes[i]) {
				t.Routes[i].State = new("blackhole")
			}
		}
		err = s.tables.put(tx, c, t)
	}
	return err
}
