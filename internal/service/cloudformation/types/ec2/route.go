package ec2type

import (
	"context"

	"stepwell/internal/awsapi/ec2"
	"stepwell/internal/service/cloudformation/resource"
)

func tableType() resource.Type {
	return resource.Type{
		Name: "AWS::EC2::RouteTable", Required: []string{"VpcId"}, Optional: []string{"Tags"}, Attributes: []string{"RouteTableId"}, Replacement: []string{"VpcId"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			if r.Again {
				out, err := call[ec2.DescribeRouteTablesOutput](ctx, r, "DescribeRouteTables", &ec2.DescribeRouteTablesInput{Filters: ours(r)})
				if err != nil {
					return nil, err
				}
				if len(out.RouteTables) > 0 {
					id := *out.RouteTables[0].RouteTableId
					return made(id, "RouteTableId", id), nil
				}
			}
			out, err := call[ec2.CreateRouteTableOutput](ctx, r, "CreateRouteTable", &ec2.CreateRouteTableInput{VpcId: new(r.Text("VpcId")), TagSpecifications: tags(r, "route-table")})
			if err != nil {
				return nil, err
			}
			id := *out.RouteTable.RouteTableId
			return made(id, "RouteTableId", id), nil
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			return made(r.ID, "RouteTableId", r.ID), retag(ctx, r, r.ID)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteRouteTable", &ec2.DeleteRouteTableInput{RouteTableId: &r.ID}), "InvalidRouteTableID.NotFound")
		},
	}
}

func routeType() resource.Type {
	return resource.Type{
		Name: "AWS::EC2::Route", Required: []string{"RouteTableId"},
		Optional: []string{"DestinationCidrBlock", "GatewayId", "NatGatewayId", "NetworkInterfaceId"},
		Refused: []string{"CarrierGatewayId", "CoreNetworkArn", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "EgressOnlyInternetGatewayId", "InstanceId",
			"LocalGatewayId", "TransitGatewayId", "VpcEndpointId", "VpcPeeringConnectionId"},
		Attributes: []string{"CidrBlock"}, Replacement: []string{"RouteTableId", "DestinationCidrBlock"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &ec2.CreateRouteInput{}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			if err := do(ctx, r, "CreateRoute", in); err != nil { // the same route again is no error
				return nil, err
			}
			return route(r), nil
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &ec2.ReplaceRouteInput{}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			return route(r), do(ctx, r, "ReplaceRoute", in)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			err := do(ctx, r, "DeleteRoute", &ec2.DeleteRouteInput{RouteTableId: new(r.Text("RouteTableId")), DestinationCidrBlock: new(r.Text("DestinationCidrBlock"))})
			return resource.Unless(err, "InvalidRoute.NotFound", "InvalidRouteTableID.NotFound")
		},
	}
}

func route(r *resource.Request) *resource.Made {
	return made(r.Text("RouteTableId")+"|"+r.Text("DestinationCidrBlock"), "CidrBlock", r.Text("DestinationCidrBlock"))
}

func associationType() resource.Type {
	return resource.Type{
		Name: "AWS::EC2::SubnetRouteTableAssociation", Required: []string{"RouteTableId", "SubnetId"}, Attributes: []string{"Id"}, Replacement: []string{"SubnetId", "RouteTableId"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			if r.Again {
				out, err := call[ec2.DescribeRouteTablesOutput](ctx, r, "DescribeRouteTables", &ec2.DescribeRouteTablesInput{RouteTableIds: []string{r.Text("RouteTableId")}})
				if err != nil {
					return nil, err
				}
				for _, a := range out.RouteTables[0].Associations {
					if text(a.SubnetId) == r.Text("SubnetId") {
						return made(*a.RouteTableAssociationId, "Id", *a.RouteTableAssociationId), nil
					}
				}
			}
			return associate(ctx, r)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DisassociateRouteTable", &ec2.DisassociateRouteTableInput{AssociationId: &r.ID}), "InvalidAssociationID.NotFound")
		},
	}
}

// associate gives a subnet its route table. One that already has a table (that
// of a resource that is about to be replaced) changes to this one.
func associate(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	out, err := call[ec2.AssociateRouteTableOutput](ctx, r, "AssociateRouteTable", &ec2.AssociateRouteTableInput{RouteTableId: new(r.Text("RouteTableId")), SubnetId: new(r.Text("SubnetId"))})
	if err == nil {
		return made(*out.AssociationId, "Id", *out.AssociationId), nil
	}
	if !resource.Is(err, "Resource.AlreadyAssociated") {
		return nil, err
	}
	tables, failed := call[ec2.DescribeRouteTablesOutput](ctx, r, "DescribeRouteTables", &ec2.DescribeRouteTablesInput{
		Filters: []ec2.Filter{{Name: new("association.subnet-id"), Values: []string{r.Text("SubnetId")}}}})
	if failed != nil {
		return nil, failed
	}
	for _, t := range tables.RouteTables {
		for _, a := range t.Associations {
			if text(a.SubnetId) != r.Text("SubnetId") {
				continue
			}
			moved, err := call[ec2.ReplaceRouteTableAssociationOutput](ctx, r, "ReplaceRouteTableAssociation",
				&ec2.ReplaceRouteTableAssociationInput{AssociationId: a.RouteTableAssociationId, RouteTableId: new(r.Text("RouteTableId"))})
			if err != nil {
				return nil, err
			}
			return made(*moved.NewAssociationId, "Id", *moved.NewAssociationId), nil
		}
	}
	return nil, err
}
