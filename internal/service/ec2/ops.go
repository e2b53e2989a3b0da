package ec2

import (
	"context"
	"reflect"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	const kept = "kept and described; nothing is routed by it"
	rows := []bus.Operation{
		op(s, "AllocateAddress", "addresses of documentation networks", s.allocateAddress),
		op(s, "AssociateRouteTable", "with subnets", s.associateRouteTable),
		op(s, "AttachInternetGateway", "", s.attachInternetGateway),
		op(s, "AuthorizeSecurityGroupEgress", kept, s.authorizeEgress),
		op(s, "AuthorizeSecurityGroupIngress", kept, s.authorizeIngress),
		op(s, "CreateDefaultVpc", kept, s.createDefaultVpc),
		op(s, "CreateInternetGateway", kept, s.createInternetGateway),
		op(s, "CreateNatGateway", kept+"; available at once; no secondary addresses", s.createNatGateway),
		op(s, "CreateRoute", kept+"; to internet and NAT gateways and interfaces, IPv4", s.createRoute),
		op(s, "CreateRouteTable", kept, s.createRouteTable),
		op(s, "CreateSecurityGroup", kept, s.createSecurityGroup),
		op(s, "CreateSubnet", kept+"; IPv4, no IPAM, no outposts", s.createSubnet),
		op(s, "CreateTags", "", s.createTags),
		op(s, "CreateVpc", kept+"; IPv4, no IPAM", s.createVpc),
		op(s, "CreateVpcEndpoint", kept+"; Gateway and Interface endpoints of the services that there are", s.createVpcEndpoint),
		op(s, "DeleteInternetGateway", "", s.deleteInternetGateway),
		op(s, "DeleteNatGateway", "", s.deleteNatGateway),
		op(s, "DeleteRoute", "", s.deleteRoute),
		op(s, "DeleteRouteTable", "", s.deleteRouteTable),
		op(s, "DeleteSecurityGroup", "", s.deleteSecurityGroup),
		op(s, "DeleteSubnet", "", s.deleteSubnet),
		op(s, "DeleteTags", "", s.deleteTags),
		op(s, "DeleteVpc", "", s.deleteVpc),
		op(s, "DeleteVpcEndpoints", "", s.deleteVpcEndpoints),
		op(s, "DescribeAccountAttributes", "", s.describeAccountAttributes),
		op(s, "DescribeAddresses", "", s.describeAddresses),
		op(s, "DescribeAvailabilityZones", "no local or wavelength zones", s.describeZones),
		op(s, "DescribeDhcpOptions", "the default options", s.describeDhcpOptions),
		op(s, "DescribeInternetGateways", "", s.describeInternetGateways),
		op(s, "DescribeNatGateways", "", s.describeNatGateways),
		op(s, "DescribeNetworkAcls", "the default lists of VPCs", s.describeNetworkAcls),
		op(s, "DescribeNetworkInterfaces", "those of NAT gateways and interface endpoints", s.describeNetworkInterfaces),
		op(s, "DescribeRegions", "the regions that every account has", s.describeRegions),
		op(s, "DescribeRouteTables", "", s.describeRouteTables),
		op(s, "DescribeSecurityGroupRules", "", s.describeRules),
		op(s, "DescribeSecurityGroups", "", s.describeSecurityGroups),
		op(s, "DescribeSubnets", "", s.describeSubnets),
		op(s, "DescribeTags", "", s.describeTags),
		op(s, "DescribeVpcAttribute", "", s.describeVpcAttribute),
		op(s, "DescribeVpcEndpointServices", "of the services that there are", s.describeEndpointServices),
		op(s, "DescribeVpcEndpoints", "", s.describeVpcEndpoints),
		op(s, "DescribeVpcs", "", s.describeVpcs),
		op(s, "DescribeVpnGateways", "there are none", s.describeVpnGateways),
		op(s, "DetachInternetGateway", "", s.detachInternetGateway),
		op(s, "DisassociateRouteTable", "", s.disassociateRouteTable),
		op(s, "ModifySubnetAttribute", "no IPv6, no outposts", s.modifySubnetAttribute),
		op(s, "ModifyVpcAttribute", kept, s.modifyVpcAttribute),
		op(s, "ModifyVpcEndpoint", kept, s.modifyVpcEndpoint),
		op(s, "ReleaseAddress", "", s.releaseAddress),
		op(s, "ReplaceRoute", kept, s.replaceRoute),
		op(s, "ReplaceRouteTableAssociation", kept, s.replaceRouteTableAssociation),
		op(s, "RevokeSecurityGroupEgress", "", s.revokeEgress),
		op(s, "RevokeSecurityGroupIngress", "", s.revokeIngress),
		op(s, "UpdateSecurityGroupRuleDescriptionsEgress", "", s.redescribeEgress),
		op(s, "UpdateSecurityGroupRuleDescriptionsIngress", "", s.redescribeIngress),
	}
	for _, o := range api.Model.Operations {
		if !slices.ContainsFunc(rows, func(r bus.Operation) bool { return r.Name == o.Name }) {
			rows = append(rows, bus.Missing("only the network family is there", o.Name)...)
		}
	}
	slices.SortFunc(rows, func(a, b bus.Operation) int { return strings.Compare(a.Name, b.Name) })
	return &bus.Service{Name: "ec2", Model: api.Model, Operations: rows}
}

// op is the row of an operation that finds the account's default VPC there and
// only says that it would do something where DryRun asks for that.
func op[In, Out any](s *Service, name, note string, handle func(context.Context, *In) (*Out, error)) bus.Operation {
	prepared := func(ctx context.Context, in *In) (*Out, error) {
		if f := reflect.Indirect(reflect.ValueOf(in)).FieldByName("DryRun"); f.IsValid() && !f.IsNil() && f.Elem().Bool() {
			return nil, awserr.New(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
		}
		if err := s.prepare(ctx); err != nil {
			return nil, err
		}
		return handle(ctx, in)
	}
	if note == "" {
		return bus.Op(name, prepared)
	}
	return bus.PartialOp(name, note, prepared)
}
