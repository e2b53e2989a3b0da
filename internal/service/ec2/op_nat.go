package ec2

import (
	"context"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) createNatGateway(ctx context.Context, in *api.CreateNatGatewayInput) (*api.CreateNatGatewayOutput, error) {
	public := text(in.ConnectivityType) != "private"
	err := refuse("CreateNatGateway", "secondary addresses", len(in.SecondaryAllocationIds)+len(in.SecondaryPrivateIpAddresses) > 0 || in.SecondaryPrivateIpAddressCount != nil)
	switch {
	case err != nil:
		return nil, err
	case public && in.AllocationId == nil:
		return nil, awserr.New(400, "MissingParameter", "The request must include the AllocationId parameter. Add the required parameter and retry the request.")
	case !public && in.AllocationId != nil:
		return nil, awserr.New(400, "InvalidParameterCombination", "An Elastic IP cannot be associated with a private NAT gateway.")
	}
	tags, err := s.nats.newTags(bus.From(ctx), in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	var n api.NatGateway
	err = s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		sub, err := s.subnets.get(tx, c, *in.SubnetId)
		if err != nil {
			return err
		}
		n = api.NatGateway{NatGatewayId: s.newID("nat-"), SubnetId: in.SubnetId, VpcId: sub.VpcId, State: new("available"), CreateTime: new(s.Clock.Now()),
			ConnectivityType: new("public"), Tags: tags}
		if !public {
			n.ConnectivityType = in.ConnectivityType
		}
		used := api.NatGatewayAddress{IsPrimary: new(true), Status: new("succeeded")}
		if public {
			if err := s.take(tx, c, *in.AllocationId, *n.NatGatewayId, &used); err != nil {
				return err
			}
			if err := s.internet(tx, c, *sub.VpcId); err != nil {
				return err
			}
		}
		i, err := s.newInterface(tx, c, *in.SubnetId, "nat_gateway", "Interface for NAT Gateway "+*n.NatGatewayId, in.PrivateIpAddress, []api.GroupIdentifier{})
		if err != nil {
			return err
		}
		used.NetworkInterfaceId, used.PrivateIp = i.NetworkInterfaceId, i.PrivateIpAddress
		if public {
			a, err := s.addresses.get(tx, c, *in.AllocationId)
			if err != nil {
				return err
			}
			a.NetworkInterfaceId, a.NetworkInterfaceOwnerId, a.PrivateIpAddress = i.NetworkInterfaceId, &c.Account, i.PrivateIpAddress
			if err := s.addresses.put(tx, c, a); err != nil {
				return err
			}
		}
		n.NatGatewayAddresses = []api.NatGatewayAddress{used}
		return s.nats.put(tx, c, n)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateNatGatewayOutput{NatGateway: &n, ClientToken: in.ClientToken}, nil
}

// take gives an elastic address to a NAT gateway.
func (s *Service) take(tx *store.Tx, c bus.Caller, allocation, nat string, used *api.NatGatewayAddress) error {
	a, err := s.addresses.get(tx, c, allocation)
	if err != nil {
		return err
	}
	if a.AssociationId != nil {
		return awserr.New(400, "Resource.AlreadyAssociated", "Elastic IP address [%s] is already associated", allocation)
	}
	a.AssociationId, a.NAT = s.newID("eipassoc-"), nat
	used.AllocationId, used.PublicIp, used.AssociationId = a.AllocationId, a.PublicIp, a.AssociationId
	return s.addresses.put(tx, c, a)
}

// internet is nil where a VPC has an internet gateway.
func (s *Service) internet(tx *store.Tx, c bus.Caller, vpcID string) error {
	all, err := s.gateways.list(tx, c, func(g *api.InternetGateway) bool { return attached(g) == vpcID })
	if err == nil && len(all) == 0 {
		err = awserr.New(400, "Gateway.NotAttached", "Network %s has no Internet gateway attached", vpcID)
	}
	return err
}

// deleteNatGateway removes a NAT gateway. It stays described as deleted, as on
// AWS for about an hour; here until its VPC goes.
func (s *Service) deleteNatGateway(ctx context.Context, in *api.DeleteNatGatewayInput) (*api.DeleteNatGatewayOutput, error) {
	err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		n, err := s.nats.get(tx, c, *in.NatGatewayId)
		if err != nil || *n.State == "deleted" {
			return err
		}
		for _, used := range n.NatGatewayAddresses {
			if err := s.dropInterface(tx, c, *used.NetworkInterfaceId); err != nil {
				return err
			}
			if used.AllocationId == nil {
				continue
			}
			a, err := s.addresses.get(tx, c, *used.AllocationId)
			if err != nil {
				return err
			}
			a.AssociationId, a.NAT, a.NetworkInterfaceId, a.NetworkInterfaceOwnerId, a.PrivateIpAddress = nil, "", nil, nil, nil
			if err := s.addresses.put(tx, c, a); err != nil {
				return err
			}
		}
		n.State, n.DeleteTime = new("deleted"), new(s.Clock.Now())
		if err := s.blackhole(tx, c, func(r *api.Route) bool { return text(r.NatGatewayId) == *n.NatGatewayId }); err != nil {
			return err
		}
		return s.nats.put(tx, c, n)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteNatGatewayOutput{NatGatewayId: in.NatGatewayId}, nil
}

func (s *Service) describeNatGateways(ctx context.Context, in *api.DescribeNatGatewaysInput) (*api.DescribeNatGatewaysOutput, error) {
	page, next, err := s.nats.describe(ctx, s, in.NatGatewayIds, in.Filter, in.NextToken, in.MaxResults)
	return &api.DescribeNatGatewaysOutput{NatGateways: page, NextToken: next}, err
}
