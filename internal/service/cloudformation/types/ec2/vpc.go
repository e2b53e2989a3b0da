package ec2type

import (
	"context"

	"stepwell/internal/awsapi/ec2"
	"stepwell/internal/service/cloudformation/resource"
)

func vpcType() resource.Type {
	return resource.Type{
		Name:        "AWS::EC2::VPC",
		Required:    []string{"CidrBlock"},
		Optional:    []string{"EnableDnsHostnames", "EnableDnsSupport", "InstanceTenancy", "Tags"},
		Refused:     []string{"Ipv4IpamPoolId", "Ipv4NetmaskLength"},
		Attributes:  []string{"CidrBlock", "CidrBlockAssociations", "DefaultNetworkAcl", "DefaultSecurityGroup", "Ipv6CidrBlocks", "VpcId"},
		Replacement: []string{"CidrBlock"},
		Create:      createVpc, Update: updateVpc,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteVpc", &ec2.DeleteVpcInput{VpcId: &r.ID}), "InvalidVpcID.NotFound")
		},
	}
}

var attributesOfVpc = map[string]string{"EnableDnsHostnames": "", "EnableDnsSupport": "", "Tags": ""}

func createVpc(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &ec2.CreateVpcInput{TagSpecifications: tags(r, "vpc")}
	if err := resource.Decode(r.Properties, in, attributesOfVpc); err != nil {
		return nil, err
	}
	id := ""
	if r.Again {
		out, err := call[ec2.DescribeVpcsOutput](ctx, r, "DescribeVpcs", &ec2.DescribeVpcsInput{Filters: ours(r)})
		if err != nil {
			return nil, err
		}
		if len(out.Vpcs) > 0 {
			id = *out.Vpcs[0].VpcId
		}
	}
	if id == "" {
		out, err := call[ec2.CreateVpcOutput](ctx, r, "CreateVpc", in)
		if err != nil {
			return nil, err
		}
		id = *out.Vpc.VpcId
	}
	return describeVpc(ctx, r, id)
}

func updateVpc(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if err := retag(ctx, r, r.ID); err != nil {
		return nil, err
	}
	return describeVpc(ctx, r, r.ID)
}

// describeVpc sets the attributes that CreateVpc does not and returns what the
// VPC has.
func describeVpc(ctx context.Context, r *resource.Request, id string) (*resource.Made, error) {
	bare := made(id)
	for _, in := range []*ec2.ModifyVpcAttributeInput{
		{VpcId: &id, EnableDnsSupport: switched(r, "EnableDnsSupport", true)},
		{VpcId: &id, EnableDnsHostnames: switched(r, "EnableDnsHostnames", false)},
	} {
		if err := do(ctx, r, "ModifyVpcAttribute", in); err != nil {
			return bare, err
		}
	}
	of := []ec2.Filter{{Name: new("vpc-id"), Values: []string{id}}}
	vpcs, err := call[ec2.DescribeVpcsOutput](ctx, r, "DescribeVpcs", &ec2.DescribeVpcsInput{VpcIds: []string{id}})
	if err != nil {
		return bare, err
	}
	groups, err := call[ec2.DescribeSecurityGroupsOutput](ctx, r, "DescribeSecurityGroups", &ec2.DescribeSecurityGroupsInput{
		Filters: append(of, ec2.Filter{Name: new("group-name"), Values: []string{"default"}})})
	if err != nil {
		return bare, err
	}
	acls, err := call[ec2.DescribeNetworkAclsOutput](ctx, r, "DescribeNetworkAcls", &ec2.DescribeNetworkAclsInput{
		Filters: append(of, ec2.Filter{Name: new("default"), Values: []string{"true"}})})
	if err != nil {
		return bare, err
	}
	v, associations := vpcs.Vpcs[0], []any{}
	for _, a := range v.CidrBlockAssociationSet {
		associations = append(associations, *a.AssociationId)
	}
	m := made(id, "CidrBlock", *v.CidrBlock, "CidrBlockAssociations", associations, "DefaultNetworkAcl", "", "DefaultSecurityGroup", "", "Ipv6CidrBlocks", []any{}, "VpcId", id)
	if len(groups.SecurityGroups) > 0 {
		m.Attributes["DefaultSecurityGroup"] = *groups.SecurityGroups[0].GroupId
	}
	if len(acls.NetworkAcls) > 0 {
		m.Attributes["DefaultNetworkAcl"] = *acls.NetworkAcls[0].NetworkAclId
	}
	return m, nil
}

func subnetType() resource.Type {
	return resource.Type{
		Name:     "AWS::EC2::Subnet",
		Required: []string{"VpcId"},
		Optional: []string{"AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "MapPublicIpOnLaunch", "PrivateDnsNameOptionsOnLaunch", "Tags"},
		Refused: []string{"AssignIpv6AddressOnCreation", "EnableDns64", "EnableLniAtDeviceIndex", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "Ipv6CidrBlock",
			"Ipv6IpamPoolId", "Ipv6Native", "Ipv6NetmaskLength", "OutpostArn"},
		Attributes:  []string{"AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "Ipv6CidrBlocks", "NetworkAclAssociationId", "SubnetId", "VpcId"},
		Replacement: []string{"AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "VpcId"},
		Create:      createSubnet, Update: updateSubnet,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteSubnet", &ec2.DeleteSubnetInput{SubnetId: &r.ID}), "InvalidSubnetID.NotFound")
		},
	}
}

func createSubnet(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &ec2.CreateSubnetInput{TagSpecifications: tags(r, "subnet")}
	if err := resource.Decode(r.Properties, in, map[string]string{"MapPublicIpOnLaunch": "", "PrivateDnsNameOptionsOnLaunch": "", "Tags": ""}); err != nil {
		return nil, err
	}
	id := ""
	if r.Again {
		out, err := call[ec2.DescribeSubnetsOutput](ctx, r, "DescribeSubnets", &ec2.DescribeSubnetsInput{Filters: ours(r)})
		if err != nil {
			return nil, err
		}
		if len(out.Subnets) > 0 {
			id = *out.Subnets[0].SubnetId
		}
	}
	if id == "" {
		out, err := call[ec2.CreateSubnetOutput](ctx, r, "CreateSubnet", in)
		if err != nil {
			return nil, err
		}
		id = *out.Subnet.SubnetId
	}
	return describeSubnet(ctx, r, id)
}

func updateSubnet(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if err := retag(ctx, r, r.ID); err != nil {
		return nil, err
	}
	return describeSubnet(ctx, r, r.ID)
}

func describeSubnet(ctx context.Context, r *resource.Request, id string) (*resource.Made, error) {
	bare := made(id)
	if err := do(ctx, r, "ModifySubnetAttribute", &ec2.ModifySubnetAttributeInput{SubnetId: &id, MapPublicIpOnLaunch: switched(r, "MapPublicIpOnLaunch", false)}); err != nil {
		return bare, err
	}
	if p := r.Properties["PrivateDnsNameOptionsOnLaunch"]; p != nil {
		var options struct {
			Options ec2.PrivateDnsNameOptionsOnLaunch
		}
		if err := resource.Decode(map[string]any{"Options": p}, &options, nil); err != nil {
			return bare, err
		}
		in := &ec2.ModifySubnetAttributeInput{SubnetId: &id, PrivateDnsHostnameTypeOnLaunch: options.Options.HostnameType}
		if v := options.Options.EnableResourceNameDnsARecord; v != nil {
			in.EnableResourceNameDnsARecordOnLaunch = &ec2.AttributeBooleanValue{Value: v}
		}
		if v := options.Options.EnableResourceNameDnsAAAARecord; v != nil {
			in.EnableResourceNameDnsAAAARecordOnLaunch = &ec2.AttributeBooleanValue{Value: v}
		}
		if err := do(ctx, r, "ModifySubnetAttribute", in); err != nil {
			return bare, err
		}
	}
	out, err := call[ec2.DescribeSubnetsOutput](ctx, r, "DescribeSubnets", &ec2.DescribeSubnetsInput{SubnetIds: []string{id}})
	if err != nil {
		return bare, err
	}
	acls, err := call[ec2.DescribeNetworkAclsOutput](ctx, r, "DescribeNetworkAcls", &ec2.DescribeNetworkAclsInput{
		Filters: []ec2.Filter{{Name: new("association.subnet-id"), Values: []string{id}}}})
	if err != nil {
		return bare, err
	}
	association := ""
	for _, acl := range acls.NetworkAcls {
		for _, a := range acl.Associations {
			if *a.SubnetId == id {
				association = *a.NetworkAclAssociationId
			}
		}
	}
	n := out.Subnets[0]
	return made(id, "AvailabilityZone", *n.AvailabilityZone, "AvailabilityZoneId", *n.AvailabilityZoneId, "CidrBlock", *n.CidrBlock,
		"Ipv6CidrBlocks", []any{}, "NetworkAclAssociationId", association, "SubnetId", id, "VpcId", *n.VpcId), nil
}
