package ec2

import (
	"context"
	"encoding/hex"
	"fmt"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) createInternetGateway(ctx context.Context, in *api.CreateInternetGatewayInput) (*api.CreateInternetGatewayOutput, error) {
	c := bus.From(ctx)
	tags, err := s.gateways.newTags(c, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	g := api.InternetGateway{InternetGatewayId: s.newID("igw-"), OwnerId: &c.Account, Attachments: []api.InternetGatewayAttachment{}, Tags: tags}
	if err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error { return s.gateways.put(tx, c, g) }); err != nil {
		return nil, err
	}
	return &api.CreateInternetGatewayOutput{InternetGateway: &g}, nil
}

// attached is the VPC of an internet gateway, "" where it has none.
func attached(g *api.InternetGateway) string {
	if len(g.Attachments) == 0 {
		return ""
	}
	return *g.Attachments[0].VpcId
}

func (s *Service) attachInternetGateway(ctx context.Context, in *api.AttachInternetGatewayInput) (*api.AttachInternetGatewayOutput, error) {
	err := s.gateways.change(ctx, s, *in.InternetGatewayId, func(tx *store.Tx, c bus.Caller, g *api.InternetGateway) error {
		if _, err := s.vpcs.get(tx, c, *in.VpcId); err != nil {
			return err
		}
		if old := attached(g); old != "" {
			return awserr.New(400, "Resource.AlreadyAssociated", "resource %s is already attached to network %s", *g.InternetGatewayId, old)
		}
		others, err := s.gateways.list(tx, c, func(o *api.InternetGateway) bool { return attached(o) == *in.VpcId })
		if err != nil {
			return err
		}
		if len(others) > 0 {
			return invalid("Network %s already has an internet gateway attached", *in.VpcId)
		}
		g.Attachments = []api.InternetGatewayAttachment{{VpcId: in.VpcId, State: new("available")}}
		return nil
	})
	return &api.AttachInternetGatewayOutput{}, err
}

func (s *Service) detachInternetGateway(ctx context.Context, in *api.DetachInternetGatewayInput) (*api.DetachInternetGatewayOutput, error) {
	err := s.gateways.change(ctx, s, *in.InternetGatewayId, func(tx *store.Tx, c bus.Caller, g *api.InternetGateway) error {
		if attached(g) != *in.VpcId {
			return awserr.New(400, "Gateway.NotAttached", "resource %s is not attached to network %s", *g.InternetGatewayId, *in.VpcId)
		}
		mapped, err := s.addresses.list(tx, c, func(a *address) bool { return a.NAT != "" })
		if err != nil {
			return err
		}
		for _, a := range mapped {
			if nat, err := s.nats.get(tx, c, a.NAT); err == nil && *nat.VpcId == *in.VpcId {
				return awserr.New(400, "DependencyViolation", "Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", *in.VpcId)
			}
		}
		g.Attachments = []api.InternetGatewayAttachment{}
		if err := s.blackhole(tx, c, func(r *api.Route) bool { return text(r.GatewayId) == *g.InternetGatewayId }); err != nil {
			return err
		}
		return nil
	})
	return &api.DetachInternetGatewayOutput{}, err
}

func (s *Service) deleteInternetGateway(ctx context.Context, in *api.DeleteInternetGatewayInput) (*api.DeleteInternetGatewayOutput, error) {
	err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		g, err := s.gateways.get(tx, c, *in.InternetGatewayId)
		if err != nil {
			return err
		}
		if attached(&g) != "" {
			return inUse("internetGateway", *g.InternetGatewayId)
		}
		return s.gateways.remove(tx, c, *g.InternetGatewayId)
	})
	return &api.DeleteInternetGatewayOutput{}, err
}

func (s *Service) describeInternetGateways(ctx context.Context, in *api.DescribeInternetGatewaysInput) (*api.DescribeInternetGatewaysOutput, error) {
	page, next, err := s.gateways.describe(ctx, s, in.InternetGatewayIds, in.Filters, in.NextToken, in.MaxResults)
	return &api.DescribeInternetGatewaysOutput{InternetGateways: page, NextToken: next}, err
}

// describeVpnGateways finds none: they cannot be made. The CDK asks for those of
// a VPC that it looks up.
func (s *Service) describeVpnGateways(_ context.Context, in *api.DescribeVpnGatewaysInput) (*api.DescribeVpnGatewaysOutput, error) {
	if len(in.VpnGatewayIds) > 0 {
		return nil, awserr.New(400, "InvalidVpnGatewayID.NotFound", "The vpnGateway ID '%s' does not exist", in.VpnGatewayIds[0])
	}
	return &api.DescribeVpnGatewaysOutput{VpnGateways: []api.VpnGateway{}}, nil
}

// Elastic addresses are of 203.0.113.0/24, which documents use for addresses
// that nobody has (RFC 5737), and of 198.51.100.0/24 when those are taken.
func (s *Service) publicIP(tx *store.Tx, c bus.Caller) (string, error) {
	all, err := s.addresses.list(tx, c, nil)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, a := range all {
		taken[*a.PublicIp] = true
	}
	b, err := hex.DecodeString(s.IDs.Hex(2))
	if err != nil {
		return "", err
	}
	for _, network := range []string{"203.0.113.", "198.51.100."} {
		for i := range 254 {
			if ip := fmt.Sprint(network, (int(b[1])+i)%254+1); !taken[ip] {
				return ip, nil
			}
		}
	}
	return "", awserr.New(400, "AddressLimitExceeded", "The maximum number of addresses has been reached.")
}

func (s *Service) allocateAddress(ctx context.Context, in *api.AllocateAddressInput) (*api.AllocateAddressOutput, error) {
	err := refuse("AllocateAddress", "Address", in.Address != nil, "PublicIpv4Pool", in.PublicIpv4Pool != nil && *in.PublicIpv4Pool != "amazon",
		"CustomerOwnedIpv4Pool", in.CustomerOwnedIpv4Pool != nil, "the domain standard", text(in.Domain) == "standard")
	if err != nil {
		return nil, err
	}
	tags, err := s.addresses.newTags(bus.From(ctx), in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	var a address
	err = s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		ip, err := s.publicIP(tx, c)
		if err != nil {
			return err
		}
		a = address{Address: api.Address{AllocationId: s.newID("eipalloc-"), PublicIp: &ip, Domain: new("vpc"), PublicIpv4Pool: new("amazon"), NetworkBorderGroup: &c.Region, Tags: tags}}
		return s.addresses.put(tx, c, a)
	})
	if err != nil {
		return nil, err
	}
	return &api.AllocateAddressOutput{AllocationId: a.AllocationId, PublicIp: a.PublicIp, Domain: a.Domain, PublicIpv4Pool: a.PublicIpv4Pool, NetworkBorderGroup: a.NetworkBorderGroup}, nil
}

func (s *Service) releaseAddress(ctx context.Context, in *api.ReleaseAddressInput) (*api.ReleaseAddressOutput, error) {
	err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		if in.AllocationId == nil {
			return awserr.New(400, "MissingParameter", "You must specify an allocation id when releasing a VPC elastic IP address")
		}
		a, err := s.addresses.get(tx, c, *in.AllocationId)
		if err != nil {
			return err
		}
		if a.AssociationId != nil {
			return awserr.New(400, "InvalidIPAddress.InUse", "Address %s is in use.", *a.PublicIp)
		}
		return s.addresses.remove(tx, c, *a.AllocationId)
	})
	return &api.ReleaseAddressOutput{}, err
}

func (s *Service) describeAddresses(ctx context.Context, in *api.DescribeAddressesInput) (*api.DescribeAddressesOutput, error) {
	filters := in.Filters
	if len(in.PublicIps) > 0 {
		filters = append(filters, api.Filter{Name: new("public-ip"), Values: in.PublicIps})
	}
	page, _, err := s.addresses.describe(ctx, s, in.AllocationIds, filters, nil, nil)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeAddressesOutput{Addresses: []api.Address{}}
	for _, a := range page {
		out.Addresses = append(out.Addresses, a.Address)
	}
	for _, ip := range in.PublicIps {
		if len(page) < len(in.PublicIps) {
			return nil, awserr.New(400, "InvalidAddress.NotFound", "Address '%s' not found.", ip)
		}
	}
	return out, nil
}
