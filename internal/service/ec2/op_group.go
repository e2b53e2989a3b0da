package ec2

import (
	"context"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// newGroup is a security group that lets everything out.
func (s *Service) newGroup(c bus.Caller, vpcID, name, description string, tags []api.Tag) group {
	g := group{SecurityGroup: api.SecurityGroup{GroupId: s.newID("sg-"), GroupName: &name, Description: &description, OwnerId: &c.Account, VpcId: &vpcID, Tags: tags}}
	g.Rules = []api.SecurityGroupRule{{SecurityGroupRuleId: s.newID("sgr-"), GroupId: g.GroupId, GroupOwnerId: &c.Account, IsEgress: new(true),
		IpProtocol: new("-1"), FromPort: new(int64(-1)), ToPort: new(int64(-1)), CidrIpv4: new("0.0.0.0/0")}}
	return g
}

func (s *Service) createSecurityGroup(ctx context.Context, in *api.CreateSecurityGroupInput) (*api.CreateSecurityGroupOutput, error) {
	switch {
	case strings.HasPrefix(*in.GroupName, "sg-"):
		return nil, invalid("Invalid security group name '%s': it may not begin with sg-", *in.GroupName)
	case strings.EqualFold(*in.GroupName, "default"):
		return nil, awserr.New(400, "InvalidParameterValue", "Cannot use reserved security group name: %s", *in.GroupName)
	case len(*in.GroupName) > 255, len(*in.Description) > 255:
		return nil, invalid("Value for parameter is too long: group names and descriptions have at most 255 characters")
	}
	tags, err := s.groups.newTags(bus.From(ctx), in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	var g group
	err = s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		vpcID, err := s.vpcOrDefault(tx, c, in.VpcId)
		if err != nil {
			return err
		}
		same, err := s.groups.list(tx, c, func(o *group) bool { return *o.VpcId == vpcID && *o.GroupName == *in.GroupName })
		if err != nil {
			return err
		}
		if len(same) > 0 {
			return awserr.New(400, "InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", *in.GroupName, vpcID)
		}
		g = s.newGroup(c, vpcID, *in.GroupName, *in.Description, tags)
		return s.groups.put(tx, c, g)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateSecurityGroupOutput{GroupId: g.GroupId, Tags: tags}, nil
}

func (s *Service) vpcOrDefault(tx *store.Tx, c bus.Caller, id *string) (string, error) {
	if id != nil {
		v, err := s.vpcs.get(tx, c, *id)
		if err != nil {
			return "", err
		}
		return *v.VpcId, nil
	}
	all, err := s.vpcs.list(tx, c, func(v *vpc) bool { return yes(v.IsDefault) })
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", awserr.New(400, "VPCIdNotSpecified", "No default VPC for this user")
	}
	return *all[0].VpcId, nil
}

// group finds a security group by id, or by name in the default VPC.
func (s *Service) group(tx *store.Tx, c bus.Caller, id, name *string) (group, error) {
	switch {
	case id != nil:
		return s.groups.get(tx, c, *id)
	case name == nil:
		return group{}, awserr.New(400, "MissingParameter", "The request must contain the parameter groupName or groupId")
	}
	vpcID, err := s.vpcOrDefault(tx, c, nil)
	if err != nil {
		return group{}, err
	}
	all, err := s.groups.list(tx, c, func(g *group) bool { return *g.VpcId == vpcID && *g.GroupName == *name })
	if err != nil {
		return group{}, err
	}
	if len(all) == 0 {
		return group{}, awserr.New(400, "InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", *name, vpcID)
	}
	return all[0], nil
}

func (s *Service) deleteSecurityGroup(ctx context.Context, in *api.DeleteSecurityGroupInput) (*api.DeleteSecurityGroupOutput, error) {
	err := s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		g, err := s.group(tx, c, in.GroupId, in.GroupName)
		if err != nil {
			return err
		}
		id := *g.GroupId
		if *g.GroupName == "default" {
			return awserr.New(400, "CannotDelete", "the specified group: %q name: %q cannot be deleted by a user", id, "default")
		}
		named, err := s.groups.list(tx, c, func(o *group) bool {
			return *o.GroupId != id && slices.ContainsFunc(o.Rules, func(r api.SecurityGroupRule) bool {
				return r.ReferencedGroupInfo != nil && text(r.ReferencedGroupInfo.GroupId) == id
			})
		})
		if err != nil {
			return err
		}
		used, err := s.interfaces.list(tx, c, func(i *api.NetworkInterface) bool {
			return slices.ContainsFunc(i.Groups, func(x api.GroupIdentifier) bool { return text(x.GroupId) == id })
		})
		if err != nil {
			return err
		}
		if len(named)+len(used) > 0 {
			return awserr.New(400, "DependencyViolation", "resource %s has a dependent object", id)
		}
		return s.groups.remove(tx, c, id)
	})
	return &api.DeleteSecurityGroupOutput{}, err
}

func (s *Service) describeSecurityGroups(ctx context.Context, in *api.DescribeSecurityGroupsInput) (*api.DescribeSecurityGroupsOutput, error) {
	ids := slices.Clone(in.GroupIds)
	if len(in.GroupNames) > 0 {
		err := s.Store.View(ctx, func(tx *store.Tx) error {
			for _, name := range in.GroupNames {
				g, err := s.group(tx, bus.From(ctx), nil, &name)
				if err != nil {
					return err
				}
				ids = append(ids, *g.GroupId)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	page, next, err := s.groups.describe(ctx, s, ids, in.Filters, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeSecurityGroupsOutput{SecurityGroups: []api.SecurityGroup{}, NextToken: next}
	for _, g := range page {
		out.SecurityGroups = append(out.SecurityGroups, g.shape())
	}
	return out, nil
}

// shape shows a group with its rules as permissions: those of one protocol and
// range of ports are one.
func (g *group) shape() api.SecurityGroup {
	out := g.SecurityGroup
	out.IpPermissions, out.IpPermissionsEgress = []api.IpPermission{}, []api.IpPermission{}
	for i := range g.Rules {
		r, list := &g.Rules[i], &out.IpPermissions
		if yes(r.IsEgress) {
			list = &out.IpPermissionsEgress
		}
		at := slices.IndexFunc(*list, func(p api.IpPermission) bool {
			return *p.IpProtocol == *r.IpProtocol && sameNumber(p.FromPort, r.FromPort) && sameNumber(p.ToPort, r.ToPort)
		})
		if at < 0 {
			p := api.IpPermission{IpProtocol: r.IpProtocol, FromPort: r.FromPort, ToPort: r.ToPort,
				IpRanges: []api.IpRange{}, Ipv6Ranges: []api.Ipv6Range{}, PrefixListIds: []api.PrefixListId{}, UserIdGroupPairs: []api.UserIdGroupPair{}}
			*list, at = append(*list, p), len(*list)
		}
		p := &(*list)[at]
		switch {
		case r.CidrIpv4 != nil:
			p.IpRanges = append(p.IpRanges, api.IpRange{CidrIp: r.CidrIpv4, Description: r.Description})
		case r.CidrIpv6 != nil:
			p.Ipv6Ranges = append(p.Ipv6Ranges, api.Ipv6Range{CidrIpv6: r.CidrIpv6, Description: r.Description})
		case r.PrefixListId != nil:
			p.PrefixListIds = append(p.PrefixListIds, api.PrefixListId{PrefixListId: r.PrefixListId, Description: r.Description})
		default:
			p.UserIdGroupPairs = append(p.UserIdGroupPairs, api.UserIdGroupPair{GroupId: r.ReferencedGroupInfo.GroupId, UserId: r.ReferencedGroupInfo.UserId, Description: r.Description})
		}
	}
	for _, list := range [][]api.IpPermission{out.IpPermissions, out.IpPermissionsEgress} {
		for i := range list {
			if *list[i].IpProtocol == "-1" { // all protocols have no ports
				list[i].FromPort, list[i].ToPort = nil, nil
			}
		}
	}
	return out
}

// sameNumber compares numbers; one that is absent is -1.
func sameNumber(a, b *int64) bool { return orAll(a) == orAll(b) }

func orAll(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}
