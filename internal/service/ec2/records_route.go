package ec2

import (
	"strconv"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/store"
)

var (
	tableKind = kind[api.RouteTable]{table: store.NewTable[api.RouteTable]("ec2_route_tables"), name: "route-table", prefix: "rtb-",
		broken: "InvalidRouteTableId.Malformed", missing: notFound("InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist"),
		id: func(v *api.RouteTable) *string { return v.RouteTableId }, tags: func(v *api.RouteTable) *[]api.Tag { return &v.Tags },
		filters: map[string]func(*api.RouteTable) []string{
			"route-table-id": func(v *api.RouteTable) []string { return one(v.RouteTableId) }, "vpc-id": func(v *api.RouteTable) []string { return one(v.VpcId) },
			"association.main": func(v *api.RouteTable) (values []string) {
				for _, a := range v.Associations {
					values = append(values, strconv.FormatBool(yes(a.Main)))
				}
				return values
			},
			"association.route-table-association-id": func(v *api.RouteTable) []string {
				return each(v.Associations, func(a api.RouteTableAssociation) *string { return a.RouteTableAssociationId })
			},
			"association.subnet-id": func(v *api.RouteTable) []string {
				return each(v.Associations, func(a api.RouteTableAssociation) *string { return a.SubnetId })
			},
			"route.destination-cidr-block": func(v *api.RouteTable) []string {
				return each(v.Routes, func(r api.Route) *string { return r.DestinationCidrBlock })
			},
			"route.gateway-id": func(v *api.RouteTable) []string {
				return each(v.Routes, func(r api.Route) *string { return r.GatewayId })
			},
			"route.nat-gateway-id": func(v *api.RouteTable) []string {
				return each(v.Routes, func(r api.Route) *string { return r.NatGatewayId })
			},
		}}

	endpointKind = kind[api.VpcEndpoint]{table: store.NewTable[api.VpcEndpoint]("ec2_vpc_endpoints"), name: "vpc-endpoint", prefix: "vpce-",
		broken: "InvalidVpcEndpointId.Malformed", missing: notFound("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '%s' does not exist"),
		id: func(v *api.VpcEndpoint) *string { return v.VpcEndpointId }, tags: func(v *api.VpcEndpoint) *[]api.Tag { return &v.Tags },
		filters: map[string]func(*api.VpcEndpoint) []string{
			"vpc-endpoint-id": func(v *api.VpcEndpoint) []string { return one(v.VpcEndpointId) }, "vpc-id": func(v *api.VpcEndpoint) []string { return one(v.VpcId) },
			"service-name": func(v *api.VpcEndpoint) []string { return one(v.ServiceName) }, "vpc-endpoint-type": func(v *api.VpcEndpoint) []string { return one(v.VpcEndpointType) },
			"vpc-endpoint-state": func(v *api.VpcEndpoint) []string { return one(v.State) },
		}}

	aclKind = kind[api.NetworkAcl]{table: store.NewTable[api.NetworkAcl]("ec2_network_acls"), name: "network-acl", prefix: "acl-",
		broken: "InvalidNetworkAclId.Malformed", missing: notFound("InvalidNetworkAclID.NotFound", "The networkAcl ID '%s' does not exist"),
		id: func(v *api.NetworkAcl) *string { return v.NetworkAclId }, tags: func(v *api.NetworkAcl) *[]api.Tag { return &v.Tags },
		filters: map[string]func(*api.NetworkAcl) []string{
			"network-acl-id": func(v *api.NetworkAcl) []string { return one(v.NetworkAclId) }, "vpc-id": func(v *api.NetworkAcl) []string { return one(v.VpcId) },
			"default": func(v *api.NetworkAcl) []string { return truth(v.IsDefault) },
			"association.subnet-id": func(v *api.NetworkAcl) []string {
				return each(v.Associations, func(a api.NetworkAclAssociation) *string { return a.SubnetId })
			},
		}}

	interfaceKind = kind[api.NetworkInterface]{table: store.NewTable[api.NetworkInterface]("ec2_network_interfaces"), name: "network-interface", prefix: "eni-",
		broken: "InvalidNetworkInterfaceId.Malformed", missing: notFound("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist"),
		id: func(v *api.NetworkInterface) *string { return v.NetworkInterfaceId }, tags: func(v *api.NetworkInterface) *[]api.Tag { return &v.TagSet },
		filters: map[string]func(*api.NetworkInterface) []string{
			"network-interface-id": func(v *api.NetworkInterface) []string { return one(v.NetworkInterfaceId) },
			"vpc-id":               func(v *api.NetworkInterface) []string { return one(v.VpcId) }, "subnet-id": func(v *api.NetworkInterface) []string { return one(v.SubnetId) },
			"availability-zone": func(v *api.NetworkInterface) []string { return one(v.AvailabilityZone) },
			"description":       func(v *api.NetworkInterface) []string { return one(v.Description) }, "status": func(v *api.NetworkInterface) []string { return one(v.Status) },
			"interface-type": func(v *api.NetworkInterface) []string { return one(v.InterfaceType) },
			"group-id": func(v *api.NetworkInterface) []string {
				return each(v.Groups, func(g api.GroupIdentifier) *string { return g.GroupId })
			},
		}}
)
