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

// reserved are the addresses of a subnet that AWS keeps for itself.
const reserved = 5

func (s *Service) createSubnet(ctx context.Context, in *api.CreateSubnetInput) (*api.CreateSubnetOutput, error) {
	err := refuse("CreateSubnet", "an IPv6 block", in.Ipv6CidrBlock != nil || in.Ipv6IpamPoolId != nil || yes(in.Ipv6Native),
		"an IPAM pool", in.Ipv4IpamPoolId != nil, "OutpostArn", in.OutpostArn != nil)
	if err != nil {
		return nil, err
	}
	c := bus.From(ctx)
	zone, err := findZone(c.Region, in.AvailabilityZone, in.AvailabilityZoneId)
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
	tags, err := s.subnets.newTags(c, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	var made api.Subnet
	err = s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		v, err := s.vpcs.get(tx, c, *in.VpcId)
		if err != nil {
			return err
		}
		whole, err := block(*v.CidrBlock)
		if err != nil {
			return err
		}
		if p.Bits() < whole.Bits() || p.Bits() > 28 || !whole.Contains(p.Addr()) {
			return awserr.New(400, "InvalidSubnet.Range", "The CIDR '%s' is invalid.", *in.CidrBlock)
		}
		others, err := s.subnets.list(tx, c, func(o *api.Subnet) bool { return *o.VpcId == *v.VpcId })
		if err != nil {
			return err
		}
		for _, o := range others {
			if q, err := netip.ParsePrefix(*o.CidrBlock); err == nil && q.Overlaps(p) {
				return awserr.New(400, "InvalidSubnet.Conflict", "The CIDR '%s' conflicts with another subnet", *in.CidrBlock)
			}
		}
		made, err = s.makeSubnet(tx, c, *v.VpcId, p, zone, tags, false)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateSubnetOutput{Subnet: &made}, nil
}

func (s *Service) makeSubnet(tx *store.Tx, c bus.Caller, vpcID string, p netip.Prefix, z zone, tags []api.Tag, isDefault bool) (api.Subnet, error) {
	id := s.newID("subnet-")
	n := api.Subnet{
		SubnetId: id, VpcId: &vpcID, CidrBlock: new(p.String()), AvailabilityZone: &z.name, AvailabilityZoneId: &z.id, OwnerId: &c.Account,
		AvailableIpAddressCount: new(int64(1)<<(32-p.Bits()) - reserved), DefaultForAz: &isDefault, MapPublicIpOnLaunch: &isDefault, State: new("available"),
		AssignIpv6AddressOnCreation: new(false), Ipv6CidrBlockAssociationSet: []api.SubnetIpv6CidrBlockAssociation{}, Tags: tags,
		SubnetArn: new(c.ARN("ec2", "subnet/"+*id)), EnableDns64: new(false), Ipv6Native: new(false), MapCustomerOwnedIpOnLaunch: new(false),
		PrivateDnsNameOptionsOnLaunch: &api.PrivateDnsNameOptionsOnLaunch{HostnameType: new("ip-name"),
			EnableResourceNameDnsARecord: new(false), EnableResourceNameDnsAAAARecord: new(false)},
	}
	acls, err := s.acls.list(tx, c, func(a *api.NetworkAcl) bool { return *a.VpcId == vpcID && yes(a.IsDefault) })
	if err != nil {
		return n, err
	}
	for _, a := range acls {
		a.Associations = append(a.Associations, api.NetworkAclAssociation{NetworkAclAssociationId: s.newID("aclassoc-"), NetworkAclId: a.NetworkAclId, SubnetId: id})
		if err := s.acls.put(tx, c, a); err != nil {
			return n, err
		}
	}
	return n, s.subnets.put(tx, c, n)
}

func (s *Service) describeSubnets(ctx context.Context, in *api.DescribeSubnetsInput) (*api.DescribeSubnetsOutput, error) {
	page, next, err := s.subnets.describe(ctx, s, in.SubnetIds, in.Filters, in.NextToken, in.MaxResults)
	return &api.DescribeSubnetsOutput{Subnets: page, NextToken: next}, err
}

func (s *Service) modifySubnetAttribute(ctx context.Context, in *api.ModifySubnetAttributeInput) (*api.ModifySubnetAttributeOutput, error) {
	err := refuse("ModifySubnetAttribute", "AssignIpv6AddressOnCreation", in.AssignIpv6AddressOnCreation != nil, "EnableDns64", in.EnableDns64 != nil,
		"MapCustomerOwnedIpOnLaunch", in.MapCustomerOwnedIpOnLaunch != nil, "EnableLniAtDeviceIndex", in.EnableLniAtDeviceIndex != nil)
	if err != nil {
		return nil, err
	}
	err = s.subnets.change(ctx, s, *in.SubnetId, func(_ *store.Tx, _ bus.Caller, n *api.Subnet) error {
		set(n.MapPublicIpOnLaunch, in.MapPublicIpOnLaunch)
		set(n.PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsARecord, in.EnableResourceNameDnsARecordOnLaunch)
		set(n.PrivateDnsNameOptionsOnLaunch.EnableResourceNameDnsAAAARecord, in.EnableResourceNameDnsAAAARecordOnLaunch)
		if in.PrivateDnsHostnameTypeOnLaunch != nil {
			n.PrivateDnsNameOptionsOnLaunch.HostnameType = in.PrivateDnsHostnameTypeOnLaunch
		}
		return nil
	})
	return &api.ModifySubnetAttributeOutput{}, err
}

func (s *Service) deleteSubnet(ctx context.Context, in *api.DeleteSubnetInput) (*api.DeleteSubnetOutput, error) {
	err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		n, err := s.subnets.get(tx, c, *in.SubnetId)
		if err != nil {
			return err
		}
		id := *n.SubnetId
		used, err := s.interfaces.list(tx, c, func(i *api.NetworkInterface) bool { return *i.SubnetId == id })
		if err != nil {
			return err
		}
		if len(used) > 0 {
			return inUse("subnet", id)
		}
		if err := s.disassociate(tx, c, func(a *api.RouteTableAssociation) bool { return text(a.SubnetId) == id }); err != nil {
			return err
		}
		acls, err := s.acls.list(tx, c, func(a *api.NetworkAcl) bool { return *a.VpcId == *n.VpcId })
		if err != nil {
			return err
		}
		for _, a := range acls {
			a.Associations = slices.DeleteFunc(a.Associations, func(x api.NetworkAclAssociation) bool { return *x.SubnetId == id })
			if err := s.acls.put(tx, c, a); err != nil {
				return err
			}
		}
		return s.subnets.remove(tx, c, id)
	})
	return &api.DeleteSubnetOutput{}, err
}

// newInterface makes a network interface with the lowest free address of its
// subnet, or with the address asked for.
func (s *Service) newInterface(tx *store.Tx, c bus.Caller, subnetID, kind, description string, asked *string, groups []api.GroupIdentifier) (api.NetworkInterface, error) {
	n, err := s.subnets.get(tx, c, subnetID)
	if err != nil {
		return api.NetworkInterface{}, err
	}
	p, err := block(*n.CidrBlock)
	if err != nil {
		return api.NetworkInterface{}, err
	}
	others, err := s.interfaces.list(tx, c, func(i *api.NetworkInterface) bool { return *i.SubnetId == subnetID })
	if err != nil {
		return api.NetworkInterface{}, err
	}
	used := func(a netip.Addr) bool {
		return slices.ContainsFunc(others, func(i api.NetworkInterface) bool { return *i.PrivateIpAddress == a.String() })
	}
	a := p.Addr()
	for range 4 { // network, router, DNS, future use
		a = a.Next()
	}
	if asked != nil {
		a, err = netip.ParseAddr(*asked)
		if err != nil || !p.Contains(a) {
			return api.NetworkInterface{}, invalid("Address %s does not fall within the subnet's address range", *asked)
		}
		if used(a) {
			return api.NetworkInterface{}, awserr.New(400, "InvalidIPAddress.InUse", "Address %s is in use.", *asked)
		}
	}
	for used(a) {
		a = a.Next()
	}
	if *n.AvailableIpAddressCount == 0 {
		return api.NetworkInterface{}, awserr.New(400, "InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough free addresses to satisfy the request.")
	}
	*n.AvailableIpAddressCount--
	if err := s.subnets.put(tx, c, n); err != nil {
		return api.NetworkInterface{}, err
	}
	mac := s.IDs.Hex(5)
	i := api.NetworkInterface{NetworkInterfaceId: s.newID("eni-"), SubnetId: &subnetID, VpcId: n.VpcId, AvailabilityZone: n.AvailabilityZone, OwnerId: &c.Account,
		Description: &description, InterfaceType: &kind, Groups: groups, PrivateIpAddress: new(a.String()), RequesterManaged: new(true), SourceDestCheck: new(kind != "nat_gateway"),
		Status: new("in-use"), MacAddress: new("02:" + mac[0:2] + ":" + mac[2:4] + ":" + mac[4:6] + ":" + mac[6:8] + ":" + mac[8:10]),
		PrivateIpAddresses: []api.NetworkInterfacePrivateIpAddress{{Primary: new(true), PrivateIpAddress: new(a.String())}}}
	return i, s.interfaces.put(tx, c, i)
}

// dropInterface removes a network interface and frees its address.
func (s *Service) dropInterface(tx *store.Tx, c bus.Caller, id string) error {
	i, err := s.interfaces.get(tx, c, id)
	if err != nil {
		return err
	}
	n, err := s.subnets.get(tx, c, *i.SubnetId)
	if err != nil {
		return err
	}
	*n.AvailableIpAddressCount++
	if err := s.subnets.put(tx, c, n); err != nil {
		return err
	}
	return s.interfaces.remove(tx, c, id)
}
