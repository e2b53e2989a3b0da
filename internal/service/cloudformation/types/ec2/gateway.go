package ec2type

import (
	"context"
	"errors"
	"strings"

	"stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/service/cloudformation/resource"
)

func gatewayType() resource.Type {
	return resource.Type{
		Name: "AWS::EC2::InternetGateway", Optional: []string{"Tags"}, Attributes: []string{"InternetGatewayId"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			if r.Again {
				out, err := call[ec2.DescribeInternetGatewaysOutput](ctx, r, "DescribeInternetGateways", &ec2.DescribeInternetGatewaysInput{Filters: ours(r)})
				if err != nil {
					return nil, err
				}
				if len(out.InternetGateways) > 0 {
					id := *out.InternetGateways[0].InternetGatewayId
					return made(id, "InternetGatewayId", id), nil
				}
			}
			out, err := call[ec2.CreateInternetGatewayOutput](ctx, r, "CreateInternetGateway", &ec2.CreateInternetGatewayInput{TagSpecifications: tags(r, "internet-gateway")})
			if err != nil {
				return nil, err
			}
			id := *out.InternetGateway.InternetGatewayId
			return made(id, "InternetGatewayId", id), nil
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			return made(r.ID, "InternetGatewayId", r.ID), retag(ctx, r, r.ID)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteInternetGateway", &ec2.DeleteInternetGatewayInput{InternetGatewayId: &r.ID}), "InvalidInternetGatewayID.NotFound")
		},
	}
}

func attachmentType() resource.Type {
	return resource.Type{
		Name: "AWS::EC2::VPCGatewayAttachment", Required: []string{"VpcId"}, Optional: []string{"InternetGatewayId"}, Refused: []string{"VpnGatewayId"},
		Attributes: []string{"AttachmentType"}, Replacement: []string{"VpcId"}, Create: attach,
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			if old, ok := resource.Text(r.Old["InternetGatewayId"]); ok && r.Changed("InternetGatewayId") {
				if err := detach(ctx, r, old, r.Text("VpcId")); err != nil {
					return nil, err
				}
			}
			return attach(ctx, r)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return detach(ctx, r, r.Text("InternetGatewayId"), r.Text("VpcId"))
		},
	}
}

func attach(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &ec2.AttachInternetGatewayInput{}
	if err := resource.Decode(r.Properties, in, nil); err != nil {
		return nil, err
	}
	if in.InternetGatewayId == nil {
		return nil, errors.New("Either InternetGatewayId or VpnGatewayId must be set") //nolint:staticcheck // CloudFormation's words
	}
	id := "IGW|" + *in.VpcId
	out, err := call[ec2.DescribeInternetGatewaysOutput](ctx, r, "DescribeInternetGateways", &ec2.DescribeInternetGatewaysInput{InternetGatewayIds: []string{*in.InternetGatewayId}})
	if err != nil {
		return nil, err
	}
	if a := out.InternetGateways[0].Attachments; (r.Again || r.Old != nil) && len(a) > 0 && *a[0].VpcId == *in.VpcId {
		return made(id, "AttachmentType", "IGW"), nil
	}
	if err := do(ctx, r, "AttachInternetGateway", in); err != nil {
		return nil, err
	}
	return made(id, "AttachmentType", "IGW"), nil
}

func detach(ctx context.Context, r *resource.Request, gateway, vpc string) error {
	return resource.Unless(do(ctx, r, "DetachInternetGateway", &ec2.DetachInternetGatewayInput{InternetGatewayId: &gateway, VpcId: &vpc}),
		"Gateway.NotAttached", "InvalidInternetGatewayID.NotFound")
}

func addressType() resource.Type {
	return resource.Type{
		Name: "AWS::EC2::EIP", Optional: []string{"Domain", "Tags", "NetworkBorderGroup"},
		Refused:    []string{"Address", "InstanceId", "IpamPoolId", "PublicIpv4Pool", "TransferAddress"},
		Attributes: []string{"AllocationId", "PublicIp"}, Replacement: []string{"Domain", "NetworkBorderGroup"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &ec2.AllocateAddressInput{TagSpecifications: tags(r, "elastic-ip")}
			if err := resource.Decode(r.Properties, in, map[string]string{"Tags": ""}); err != nil {
				return nil, err
			}
			if r.Again {
				out, err := call[ec2.DescribeAddressesOutput](ctx, r, "DescribeAddresses", &ec2.DescribeAddressesInput{Filters: ours(r)})
				if err != nil {
					return nil, err
				}
				if len(out.Addresses) > 0 {
					return address(out.Addresses[0].PublicIp, out.Addresses[0].AllocationId), nil
				}
			}
			out, err := call[ec2.AllocateAddressOutput](ctx, r, "AllocateAddress", in)
			if err != nil {
				return nil, err
			}
			return address(out.PublicIp, out.AllocationId), nil
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			id, _ := resource.Text(r.Attributes["AllocationId"])
			return address(&r.ID, &id), retag(ctx, r, id)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			id, _ := resource.Text(r.Attributes["AllocationId"])
			return resource.Unless(do(ctx, r, "ReleaseAddress", &ec2.ReleaseAddressInput{AllocationId: &id}), "InvalidAllocationID.NotFound")
		},
	}
}

func address(ip, id *string) *resource.Made {
	return made(*ip, "AllocationId", *id, "PublicIp", *ip)
}

func natType() resource.Type {
	return resource.Type{
		Name: "AWS::EC2::NatGateway", Required: []string{"SubnetId"}, Optional: []string{"AllocationId", "ConnectivityType", "MaxDrainDurationSeconds", "PrivateIpAddress", "Tags"},
		Refused:    []string{"AvailabilityMode", "AvailabilityZoneAddresses", "SecondaryAllocationIds", "SecondaryPrivateIpAddressCount", "SecondaryPrivateIpAddresses", "VpcId"},
		Attributes: []string{"NatGatewayId"}, Replacement: []string{"AllocationId", "ConnectivityType", "PrivateIpAddress", "SubnetId"},
		Create: createNat,
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			return made(r.ID, "NatGatewayId", r.ID), retag(ctx, r, r.ID)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteNatGateway", &ec2.DeleteNatGatewayInput{NatGatewayId: &r.ID}), "NatGatewayNotFound")
		},
	}
}

func createNat(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &ec2.CreateNatGatewayInput{TagSpecifications: tags(r, "natgateway"), ClientToken: &r.Token}
	if err := resource.Decode(r.Properties, in, map[string]string{"Tags": "", "MaxDrainDurationSeconds": ""}); err != nil {
		return nil, err
	}
	if r.Again {
		out, err := call[ec2.DescribeNatGatewaysOutput](ctx, r, "DescribeNatGateways", &ec2.DescribeNatGatewaysInput{
			Filter: append(ours(r), ec2.Filter{Name: new("state"), Values: []string{"pending", "available"}})})
		if err != nil {
			return nil, err
		}
		if len(out.NatGateways) > 0 {
			id := *out.NatGateways[0].NatGatewayId
			return made(id, "NatGatewayId", id), nil
		}
	}
	out, err := call[ec2.CreateNatGatewayOutput](ctx, r, "CreateNatGateway", in)
	if err != nil {
		return nil, err
	}
	id := *out.NatGateway.NatGatewayId
	return made(id, "NatGatewayId", id), nil
}

func endpointType() resource.Type {
	return resource.Type{
		Name: "AWS::EC2::VPCEndpoint", Required: []string{"VpcId"},
		Optional:   []string{"IpAddressType", "PolicyDocument", "PrivateDnsEnabled", "RouteTableIds", "SecurityGroupIds", "ServiceName", "SubnetIds", "Tags", "VpcEndpointType"},
		Refused:    []string{"DnsOptions", "ResourceConfigurationArn", "ServiceNetworkArn", "ServiceRegion"},
		Attributes: []string{"CreationTimestamp", "DnsEntries", "Id", "NetworkInterfaceIds"}, Replacement: []string{"ServiceName", "VpcEndpointType", "VpcId"},
		Create: createEndpoint, Update: updateEndpoint,
		Delete: func(ctx context.Context, r *resource.Request) error {
			out, err := call[ec2.DeleteVpcEndpointsOutput](ctx, r, "DeleteVpcEndpoints", &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{r.ID}})
			if err != nil {
				return err
			}
			for _, u := range out.Unsuccessful {
				if text(u.Error.Code) != "InvalidVpcEndpointId.NotFound" {
					return awserr.New(400, text(u.Error.Code), "%s", text(u.Error.Message))
				}
			}
			return nil
		},
	}
}

func createEndpoint(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &ec2.CreateVpcEndpointInput{TagSpecifications: tags(r, "vpc-endpoint")}
	if err := resource.Decode(r.Properties, in, map[string]string{"Tags": ""}); err != nil {
		return nil, err
	}
	if r.Again {
		out, err := call[ec2.DescribeVpcEndpointsOutput](ctx, r, "DescribeVpcEndpoints", &ec2.DescribeVpcEndpointsInput{Filters: ours(r)})
		if err != nil {
			return nil, err
		}
		if len(out.VpcEndpoints) > 0 {
			return endpoint(out.VpcEndpoints[0]), nil
		}
	}
	out, err := call[ec2.CreateVpcEndpointOutput](ctx, r, "CreateVpcEndpoint", in)
	if err != nil {
		return nil, err
	}
	return endpoint(*out.VpcEndpoint), nil
}

func endpoint(e ec2.VpcEndpoint) *resource.Made {
	names, interfaces := []any{}, []any{}
	for _, d := range e.DnsEntries {
		names = append(names, text(d.HostedZoneId)+":"+text(d.DnsName))
	}
	for _, i := range e.NetworkInterfaceIds {
		interfaces = append(interfaces, i)
	}
	return made(*e.VpcEndpointId, "CreationTimestamp", e.CreationTimestamp.UTC().Format("2006-01-02T15:04:05.000Z"), "DnsEntries", names, "Id", *e.VpcEndpointId,
		"NetworkInterfaceIds", interfaces)
}

// difference is what is in a list of texts and not in another.
func difference(list, other any) (only []string) {
	there := "\x00" + strings.Join(resource.Texts(other), "\x00") + "\x00"
	for _, t := range resource.Texts(list) {
		if !strings.Contains(there, "\x00"+t+"\x00") {
			only = append(only, t)
		}
	}
	return only
}

func updateEndpoint(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	now, old := r.Properties, r.Old
	in := &ec2.ModifyVpcEndpointInput{VpcEndpointId: &r.ID,
		AddRouteTableIds: difference(now["RouteTableIds"], old["RouteTableIds"]), RemoveRouteTableIds: difference(old["RouteTableIds"], now["RouteTableIds"]),
		AddSecurityGroupIds: difference(now["SecurityGroupIds"], old["SecurityGroupIds"]), RemoveSecurityGroupIds: difference(old["SecurityGroupIds"], now["SecurityGroupIds"])}
	if r.Changed("PolicyDocument") {
		if in.ResetPolicy = new(now["PolicyDocument"] == nil); !*in.ResetPolicy {
			if err := resource.Decode(map[string]any{"PolicyDocument": now["PolicyDocument"]}, in, nil); err != nil {
				return nil, err
			}
		}
	}
	if r.Changed("PrivateDnsEnabled") {
		in.PrivateDnsEnabled = switched(r, "PrivateDnsEnabled", true).Value
	}
	has, err := call[ec2.DescribeVpcEndpointsOutput](ctx, r, "DescribeVpcEndpoints", &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{r.ID}})
	if err != nil {
		return nil, err
	}
	if now["SubnetIds"] != nil || old["SubnetIds"] != nil { // what an earlier attempt changed is not to be changed again
		in.AddSubnetIds, in.RemoveSubnetIds = difference(now["SubnetIds"], texts(has.VpcEndpoints[0].SubnetIds)), difference(texts(has.VpcEndpoints[0].SubnetIds), now["SubnetIds"])
	}
	if err := do(ctx, r, "ModifyVpcEndpoint", in); err != nil {
		return nil, err
	}
	if err := retag(ctx, r, r.ID); err != nil {
		return nil, err
	}
	out, err := call[ec2.DescribeVpcEndpointsOutput](ctx, r, "DescribeVpcEndpoints", &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{r.ID}})
	if err != nil {
		return nil, err
	}
	return endpoint(out.VpcEndpoints[0]), nil
}

func texts(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}
