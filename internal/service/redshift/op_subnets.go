package redshift

import (
	"context"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (g *subnetGroup) shape() api.ClusterSubnetGroup {
	out := api.ClusterSubnetGroup{ClusterSubnetGroupName: &g.Name, Description: &g.Description, SubnetGroupStatus: new("Complete"),
		Tags: g.Tags, SupportedClusterIpAddressTypes: []string{"ipv4"}}
	for _, id := range g.Subnets {
		out.Subnets = append(out.Subnets, api.Subnet{SubnetIdentifier: &id, SubnetStatus: new("Active"),
			SubnetAvailabilityZone: &api.AvailabilityZone{Name: new(g.Region + "a")}})
	}
	return out
}

// CreateClusterSubnetGroup keeps a subnet group.
func (s *Service) CreateClusterSubnetGroup(ctx context.Context, in *api.CreateClusterSubnetGroupInput) (*api.CreateClusterSubnetGroupOutput, error) {
	c := bus.From(ctx)
	g := subnetGroup{Account: c.Account, Region: c.Region, Name: strings.ToLower(*in.ClusterSubnetGroupName), Description: *in.Description,
		Subnets: in.SubnetIds, Tags: in.Tags}
	if g.Name == "default" || g.Name == "" || len(g.Name) > 255 {
		return nil, badValue("The parameter ClusterSubnetGroupName is not a valid name: %s", g.Name)
	}
	if err := checkTags(ctx, in.Tags); err != nil {
		return nil, err
	}
	return &api.CreateClusterSubnetGroupOutput{ClusterSubnetGroup: new(g.shape())}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := subnets.Get(tx, c.Account, c.Region, g.Name); err != nil || ok {
			if err == nil {
				err = api.ClusterSubnetGroupAlreadyExistsFault("Cluster subnet group '%s' already exists.", g.Name)
			}
			return err
		}
		return subnets.Put(tx, g, c.Account, c.Region, g.Name)
	})
}

// ModifyClusterSubnetGroup changes the subnets and description of a subnet group.
func (s *Service) ModifyClusterSubnetGroup(ctx context.Context, in *api.ModifyClusterSubnetGroupInput) (*api.ModifyClusterSubnetGroupOutput, error) {
	c := bus.From(ctx)
	var g subnetGroup
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		kept, ok, err := subnets.Get(tx, c.Account, c.Region, *in.ClusterSubnetGroupName)
		if err != nil || !ok {
			if err == nil {
				err = noSubnetGroup(*in.ClusterSubnetGroupName)
			}
			return err
		}
		g = kept
		g.Subnets = in.SubnetIds
		take(&g.Description, in.Description)
		return subnets.Put(tx, g, c.Account, c.Region, g.Name)
	})
	if err != nil {
		return nil, err
	}
	return &api.ModifyClusterSubnetGroupOutput{ClusterSubnetGroup: new(g.shape())}, nil
}

// DeleteClusterSubnetGroup removes a subnet group that no cluster has.
func (s *Service) DeleteClusterSubnetGroup(ctx context.Context, in *api.DeleteClusterSubnetGroupInput) (*api.DeleteClusterSubnetGroupOutput, error) {
	c := bus.From(ctx)
	name := *in.ClusterSubnetGroupName
	return &api.DeleteClusterSubnetGroupOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		all, err := s.all(tx, c.Account, c.Region)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(x cluster) bool { return text(x.SubnetGroup) == name }) {
			return api.InvalidClusterSubnetGroupStateFault("Cannot delete the subnet group '%s' because at least one cluster is still using it.", name)
		}
		ok, err := subnets.Delete(tx, c.Account, c.Region, name)
		if err == nil && !ok {
			err = noSubnetGroup(name)
		}
		return err
	})
}

// DescribeClusterSubnetGroups shows one subnet group, or all.
func (s *Service) DescribeClusterSubnetGroups(ctx context.Context, in *api.DescribeClusterSubnetGroupsInput) (*api.DescribeClusterSubnetGroupsOutput, error) {
	c := bus.From(ctx)
	out := &api.DescribeClusterSubnetGroupsOutput{ClusterSubnetGroups: []api.ClusterSubnetGroup{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		if in.ClusterSubnetGroupName != nil {
			g, ok, err := subnets.Get(tx, c.Account, c.Region, *in.ClusterSubnetGroupName)
			if err == nil && !ok {
				err = noSubnetGroup(*in.ClusterSubnetGroupName)
			}
			out.ClusterSubnetGroups = append(out.ClusterSubnetGroups, g.shape())
			return err
		}
		list, err := subnets.List(tx, c.Account, c.Region)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(g subnetGroup) bool { return !tagged(g.Tags, in.TagKeys, in.TagValues) })
		shown, next, err := paged(list, func(g *subnetGroup) string { return g.Name }, in.Marker, in.MaxRecords)
		for i := range shown {
			out.ClusterSubnetGroups = append(out.ClusterSubnetGroups, shown[i].shape())
		}
		out.Marker = next
		return err
	})
}
