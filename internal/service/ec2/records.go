package ec2

import (
	"time"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/store"
)

// vpc is a VPC and its attributes.
type vpc struct {
	api.Vpc
	DNSSupport, DNSHostnames, Metrics bool
}

// address is an elastic address; NAT is the gateway that has it.
type address struct {
	api.Address
	NAT string
}

// group is a security group, whose permissions are made of its rules.
type group struct {
	api.SecurityGroup
	Rules []api.SecurityGroupRule
}

// regionRecord says that an account has its default VPC in a region, or had.
type regionRecord struct{ Made time.Time }

var (
	regions = store.NewTable[regionRecord]("ec2_regions")

	vpcKind = kind[vpc]{table: store.NewTable[vpc]("ec2_vpcs"), name: "vpc", prefix: "vpc-", broken: "InvalidVpcID.Malformed",
		missing: notFound("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist"),
		id:      func(v *vpc) *string { return v.VpcId }, tags: func(v *vpc) *[]api.Tag { return &v.Tags },
		filters: map[string]func(*vpc) []string{
			"vpc-id": func(v *vpc) []string { return one(v.VpcId) }, "cidr": func(v *vpc) []string { return one(v.CidrBlock) },
			"cidr-block-association.cidr-block": func(v *vpc) []string { return one(v.CidrBlock) }, "dhcp-options-id": func(v *vpc) []string { return one(v.DhcpOptionsId) },
			"state": func(v *vpc) []string { return one(v.State) }, "is-default": func(v *vpc) []string { return truth(v.IsDefault) },
			"isDefault": func(v *vpc) []string { return truth(v.IsDefault) },
		}}

	subnetKind = kind[api.Subnet]{table: store.NewTable[api.Subnet]("ec2_subnets"), name: "subnet", prefix: "subnet-", broken: "InvalidSubnetID.Malformed",
		missing: notFound("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist"),
		id:      func(v *api.Subnet) *string { return v.SubnetId }, tags: func(v *api.Subnet) *[]api.Tag { return &v.Tags },
		filters: map[string]func(*api.Subnet) []string{
			"subnet-id": func(v *api.Subnet) []string { return one(v.SubnetId) }, "vpc-id": func(v *api.Subnet) []string { return one(v.VpcId) },
			"availability-zone": func(v *api.Subnet) []string { return one(v.AvailabilityZone) }, "availabilityZone": func(v *api.Subnet) []string { return one(v.AvailabilityZone) },
			"availability-zone-id": func(v *api.Subnet) []string { return one(v.AvailabilityZoneId) }, "cidr-block": func(v *api.Subnet) []string { return one(v.CidrBlock) },
			"cidr": func(v *api.Subnet) []string { return one(v.CidrBlock) }, "state": func(v *api.Subnet) []string { return one(v.State) },
			"default-for-az": func(v *api.Subnet) []string { return truth(v.DefaultForAz) }, "defaultForAz": func(v *api.Subnet) []string { return truth(v.DefaultForAz) },
			"map-public-ip-on-launch": func(v *api.Subnet) []string { return truth(v.MapPublicIpOnLaunch) }, "subnet-arn": func(v *api.Subnet) []string { return one(v.SubnetArn) },
		}}

	gatewayKind = kind[api.InternetGateway]{table: store.NewTable[api.InternetGateway]("ec2_internet_gateways"), name: "internet-gateway", prefix: "igw-",
		broken: "InvalidInternetGatewayId.Malformed", missing: notFound("InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist"),
		id: func(v *api.InternetGateway) *string { return v.InternetGatewayId }, tags: func(v *api.InternetGateway) *[]api.Tag { return &v.Tags },
		filters: map[string]func(*api.InternetGateway) []string{
			"internet-gateway-id": func(v *api.InternetGateway) []string { return one(v.InternetGatewayId) },
			"attachment.vpc-id": func(v *api.InternetGateway) []string {
				return each(v.Attachments, func(a api.InternetGatewayAttachment) *string { return a.VpcId })
			},
			"attachment.state": func(v *api.InternetGateway) []string {
				return each(v.Attachments, func(a api.InternetGatewayAttachment) *string { return a.State })
			},
		}}

	natKind = kind[api.NatGateway]{table: store.NewTable[api.NatGateway]("ec2_nat_gateways"), name: "natgateway", prefix: "nat-", broken: "NatGatewayMalformed",
		missing: notFound("NatGatewayNotFound", "NatGateway %s was not found"),
		id:      func(v *api.NatGateway) *string { return v.NatGatewayId }, tags: func(v *api.NatGateway) *[]api.Tag { return &v.Tags },
		filters: map[string]func(*api.NatGateway) []string{
			"nat-gateway-id": func(v *api.NatGateway) []string { return one(v.NatGatewayId) }, "state": func(v *api.NatGateway) []string { return one(v.State) },
			"subnet-id": func(v *api.NatGateway) []string { return one(v.SubnetId) }, "vpc-id": func(v *api.NatGateway) []string { return one(v.VpcId) },
		}}

	addressKind = kind[address]{table: store.NewTable[address]("ec2_addresses"), name: "elastic-ip", prefix: "eipalloc-", broken: "InvalidAllocationID.Malformed",
		missing: notFound("InvalidAllocationID.NotFound", "The allocation ID '%s' does not exist"),
		id:      func(v *address) *string { return v.AllocationId }, tags: func(v *address) *[]api.Tag { return &v.Tags },
		filters: map[string]func(*address) []string{
			"allocation-id": func(v *address) []string { return one(v.AllocationId) }, "association-id": func(v *address) []string { return one(v.AssociationId) },
			"domain": func(v *address) []string { return one(v.Domain) }, "public-ip": func(v *address) []string { return one(v.PublicIp) },
			"instance-id": func(v *address) []string { return one(v.InstanceId) }, "network-interface-id": func(v *address) []string { return one(v.NetworkInterfaceId) },
			"private-ip-address": func(v *address) []string { return one(v.PrivateIpAddress) },
		}}

	groupKind = kind[group]{table: store.NewTable[group]("ec2_security_groups"), name: "security-group", prefix: "sg-", broken: "InvalidGroupId.Malformed",
		missing: notFound("InvalidGroup.NotFound", "The security group '%s' does not exist"),
		id:      func(v *group) *string { return v.GroupId }, tags: func(v *group) *[]api.Tag { return &v.Tags },
		filters: map[string]func(*group) []string{
			"group-id": func(v *group) []string { return one(v.GroupId) }, "group-name": func(v *group) []string { return one(v.GroupName) },
			"vpc-id": func(v *group) []string { return one(v.VpcId) }, "description": func(v *group) []string { return one(v.Description) },
			"ip-permission.cidr": func(v *group) []string {
				return each(v.Rules, func(r api.SecurityGroupRule) *string { return ingress(r, r.CidrIpv4) })
			},
			"ip-permission.protocol": func(v *group) []string {
				return each(v.Rules, func(r api.SecurityGroupRule) *string { return ingress(r, r.IpProtocol) })
			},
			"ip-permission.group-id": func(v *group) []string {
				return each(v.Rules, func(r api.SecurityGroupRule) *string {
					if r.ReferencedGroupInfo == nil {
						return nil
					}
					return ingress(r, r.ReferencedGroupInfo.GroupId)
				})
			},
		}}

	optionsKind = kind[api.DhcpOptions]{table: store.NewTable[api.DhcpOptions]("ec2_dhcp_options"), name: "dhcp-options", prefix: "dopt-",
		broken: "InvalidDhcpOptionsId.Malformed", missing: notFound("InvalidDhcpOptionID.NotFound", "The dhcpOption ID '%s' does not exist"),
		id: func(v *api.DhcpOptions) *string { return v.DhcpOptionsId }, tags: func(v *api.DhcpOptions) *[]api.Tag { return &v.Tags },
		filters: map[string]func(*api.DhcpOptions) []string{"dhcp-options-id": func(v *api.DhcpOptions) []string { return one(v.DhcpOptionsId) }}}
)

// ingress is a field of a rule for incoming traffic.
func ingress(r api.SecurityGroupRule, field *string) *string {
	if yes(r.IsEgress) {
		return nil
	}
	return field
}

// each is a field of every item.
func each[T any](items []T, field func(T) *string) (values []string) {
	for _, item := range items {
		values = append(values, one(field(item))...)
	}
	return values
}
