package ec2

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// flat is a permission in the older form: one source in the request itself.
func flat(given []api.IpPermission, protocol *string, from, to *int64, cidr, sourceName *string) []api.IpPermission {
	if len(given) > 0 || protocol == nil && cidr == nil && sourceName == nil {
		return given
	}
	p := api.IpPermission{IpProtocol: protocol, FromPort: from, ToPort: to}
	if cidr != nil {
		p.IpRanges = []api.IpRange{{CidrIp: cidr}}
	}
	if sourceName != nil {
		p.UserIdGroupPairs = []api.UserIdGroupPair{{GroupName: sourceName}}
	}
	return []api.IpPermission{p}
}

var protocols = map[string]string{"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}

// rules are the rules that permissions stand for: one for each source.
func (s *Service) rules(tx *store.Tx, c bus.Caller, g *group, egress bool, permissions []api.IpPermission) ([]api.SecurityGroupRule, error) {
	if len(permissions) == 0 {
		return nil, awserr.New(400, "MissingParameter", "The request must contain the parameter ipPermissions")
	}
	var all []api.SecurityGroupRule
	for _, p := range permissions {
		base, err := rule(c, g, egress, p)
		if err != nil {
			return nil, err
		}
		n := len(all)
		for _, r := range p.IpRanges {
			q, err := netip.ParsePrefix(text(r.CidrIp))
			if err != nil || !q.Addr().Is4() {
				return nil, invalid("CIDR block %s is malformed", text(r.CidrIp))
			}
			x := base
			x.CidrIpv4, x.Description = new(q.Masked().String()), r.Description
			all = append(all, x)
		}
		for _, r := range p.Ipv6Ranges {
			q, err := netip.ParsePrefix(text(r.CidrIpv6))
			if err != nil || !q.Addr().Is6() {
				return nil, invalid("CIDR block %s is malformed", text(r.CidrIpv6))
			}
			x := base
			x.CidrIpv6, x.Description = new(q.Masked().String()), r.Description
			all = append(all, x)
		}
		for _, r := range p.PrefixListIds {
			x := base
			x.PrefixListId, x.Description = r.PrefixListId, r.Description
			all = append(all, x)
		}
		for _, r := range p.UserIdGroupPairs {
			other, err := s.group(tx, c, r.GroupId, r.GroupName)
			if err != nil {
				return nil, err
			}
			x := base
			x.ReferencedGroupInfo, x.Description = &api.ReferencedSecurityGroup{GroupId: other.GroupId, UserId: &c.Account}, r.Description
			all = append(all, x)
		}
		if len(all) == n {
			return nil, awserr.New(400, "MissingParameter", "Source group is missing")
		}
	}
	return all, nil
}

// rule is what the rules of a permission have in common.
func rule(c bus.Caller, g *group, egress bool, p api.IpPermission) (api.SecurityGroupRule, error) {
	protocol := strings.ToLower(text(p.IpProtocol))
	if name, ok := protocols[protocol]; ok {
		protocol = name
	}
	r := api.SecurityGroupRule{GroupId: g.GroupId, GroupOwnerId: &c.Account, IsEgress: &egress, IpProtocol: &protocol, FromPort: p.FromPort, ToPort: p.ToPort}
	switch protocol {
	case "":
		return r, awserr.New(400, "MissingParameter", "The request must contain the parameter ipProtocol")
	case "-1":
		r.FromPort, r.ToPort = new(int64(-1)), new(int64(-1))
	case "tcp", "udp":
		if p.FromPort == nil || p.ToPort == nil {
			return r, invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
		}
		if *p.FromPort < 0 || *p.ToPort > 65535 || *p.FromPort > *p.ToPort {
			return r, awserr.New(400, "InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", *p.FromPort, *p.ToPort)
		}
	case "icmp", "icmpv6":
		r.FromPort, r.ToPort = new(orAll(p.FromPort)), new(orAll(p.ToPort))
	default:
		if n, err := strconv.Atoi(protocol); err != nil || n < 0 || n > 255 {
			return r, awserr.New(400, "InvalidPermission.Malformed", "Unsupported IP protocol %q", protocol)
		}
		r.FromPort, r.ToPort = new(int64(-1)), new(int64(-1))
	}
	return r, nil
}

// peer is the other side of a rule.
func peer(r *api.SecurityGroupRule) string {
	switch {
	case r.CidrIpv4 != nil:
		return *r.CidrIpv4
	case r.CidrIpv6 != nil:
		return *r.CidrIpv6
	case r.PrefixListId != nil:
		return *r.PrefixListId
	}
	return text(r.ReferencedGroupInfo.GroupId)
}

func sameRule(a, b *api.SecurityGroupRule) bool {
	return yes(a.IsEgress) == yes(b.IsEgress) && *a.IpProtocol == *b.IpProtocol && sameNumber(a.FromPort, b.FromPort) && sameNumber(a.ToPort, b.ToPort) && peer(a) == peer(b)
}

func (s *Service) authorize(ctx context.Context, id, name *string, egress bool, permissions []api.IpPermission, tags []api.TagSpecification) (added []api.SecurityGroupRule, err error) {
	var given []api.Tag
	for _, t := range tags {
		if text(t.ResourceType) != "security-group-rule" {
			return nil, invalid("'%s' is not a valid taggable resource type for this operation.", text(t.ResourceType))
		}
		given = append(given, t.Tags...)
	}
	if err := checkTags(bus.From(ctx), given); err != nil {
		return nil, err
	}
	err = s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		g, err := s.group(tx, c, id, name)
		if err != nil {
			return err
		}
		if added, err = s.rules(tx, c, &g, egress, permissions); err != nil {
			return err
		}
		for i := range added {
			r := &added[i]
			if slices.ContainsFunc(g.Rules, func(o api.SecurityGroupRule) bool { return sameRule(&o, r) }) {
				return awserr.New(400, "InvalidPermission.Duplicate", "the specified rule \"peer: %s, %s, ALLOW\" already exists", peer(r), ports(r))
			}
			r.SecurityGroupRuleId, r.Tags = s.newID("sgr-"), given
			g.Rules = append(g.Rules, *r)
		}
		return s.groups.put(tx, c, g)
	})
	return added, err
}

func ports(r *api.SecurityGroupRule) string {
	if *r.IpProtocol == "-1" {
		return "ALL"
	}
	return fmt.Sprintf("%s, from port: %d, to port: %d", strings.ToUpper(*r.IpProtocol), orAll(r.FromPort), orAll(r.ToPort))
}

func (s *Service) authorizeIngress(ctx context.Context, in *api.AuthorizeSecurityGroupIngressInput) (*api.AuthorizeSecurityGroupIngressOutput, error) {
	permissions := flat(in.IpPermissions, in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.SourceSecurityGroupName)
	added, err := s.authorize(ctx, in.GroupId, in.GroupName, false, permissions, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	return &api.AuthorizeSecurityGroupIngressOutput{Return: new(true), SecurityGroupRules: added}, nil
}

func (s *Service) authorizeEgress(ctx context.Context, in *api.AuthorizeSecurityGroupEgressInput) (*api.AuthorizeSecurityGroupEgressOutput, error) {
	permissions := flat(in.IpPermissions, in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.SourceSecurityGroupName)
	added, err := s.authorize(ctx, in.GroupId, nil, true, permissions, in.TagSpecifications)
	if err != nil {
		return nil, err
	}
	return &api.AuthorizeSecurityGroupEgressOutput{Return: new(true), SecurityGroupRules: added}, nil
}

// revoke removes rules by what they say or by their ids.
func (s *Service) revoke(ctx context.Context, id, name *string, egress bool, permissions []api.IpPermission, ids []string) error {
	return s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		g, err := s.group(tx, c, id, name)
		if err != nil {
			return err
		}
		for _, ruleID := range ids {
			i := slices.IndexFunc(g.Rules, func(r api.SecurityGroupRule) bool {
				return *r.SecurityGroupRuleId == ruleID && yes(r.IsEgress) == egress
			})
			if i < 0 {
				return noRule(ruleID)
			}
			g.Rules = slices.Delete(g.Rules, i, i+1)
		}
		if len(ids) > 0 {
			return s.groups.put(tx, c, g)
		}
		gone, err := s.rules(tx, c, &g, egress, permissions)
		if err != nil {
			return err
		}
		for i := range gone {
			at := slices.IndexFunc(g.Rules, func(r api.SecurityGroupRule) bool { return sameRule(&r, &gone[i]) })
			if at < 0 {
				return awserr.New(400, "InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			g.Rules = slices.Delete(g.Rules, at, at+1)
		}
		return s.groups.put(tx, c, g)
	})
}

func noRule(id string) *awserr.Error {
	return awserr.New(400, "InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", id)
}

func (s *Service) revokeIngress(ctx context.Context, in *api.RevokeSecurityGroupIngressInput) (*api.RevokeSecurityGroupIngressOutput, error) {
	permissions := flat(in.IpPermissions, in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.SourceSecurityGroupName)
	if err := s.revoke(ctx, in.GroupId, in.GroupName, false, permissions, in.SecurityGroupRuleIds); err != nil {
		return nil, err
	}
	return &api.RevokeSecurityGroupIngressOutput{Return: new(true)}, nil
}

func (s *Service) revokeEgress(ctx context.Context, in *api.RevokeSecurityGroupEgressInput) (*api.RevokeSecurityGroupEgressOutput, error) {
	permissions := flat(in.IpPermissions, in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp, in.SourceSecurityGroupName)
	if err := s.revoke(ctx, in.GroupId, nil, true, permissions, in.SecurityGroupRuleIds); err != nil {
		return nil, err
	}
	return &api.RevokeSecurityGroupEgressOutput{Return: new(true)}, nil
}

// redescribe changes the descriptions of rules.
func (s *Service) redescribe(ctx context.Context, id, name *string, egress bool, permissions []api.IpPermission, given []api.SecurityGroupRuleDescription) error {
	return s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		g, err := s.group(tx, c, id, name)
		if err != nil {
			return err
		}
		for _, d := range given {
			i := slices.IndexFunc(g.Rules, func(r api.SecurityGroupRule) bool { return *r.SecurityGroupRuleId == text(d.SecurityGroupRuleId) })
			if i < 0 {
				return noRule(text(d.SecurityGroupRuleId))
			}
			g.Rules[i].Description = d.Description
		}
		if len(given) > 0 {
			return s.groups.put(tx, c, g)
		}
		changed, err := s.rules(tx, c, &g, egress, permissions)
		if err != nil {
			return err
		}
		for i := range changed {
			at := slices.IndexFunc(g.Rules, func(r api.SecurityGroupRule) bool { return sameRule(&r, &changed[i]) })
			if at < 0 {
				return awserr.New(400, "InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			g.Rules[at].Description = changed[i].Description
		}
		return s.groups.put(tx, c, g)
	})
}

func (s *Service) redescribeIngress(ctx context.Context, in *api.UpdateSecurityGroupRuleDescriptionsIngressInput) (*api.UpdateSecurityGroupRuleDescriptionsIngressOutput, error) {
	if err := s.redescribe(ctx, in.GroupId, in.GroupName, false, in.IpPermissions, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &api.UpdateSecurityGroupRuleDescriptionsIngressOutput{Return: new(true)}, nil
}

func (s *Service) redescribeEgress(ctx context.Context, in *api.UpdateSecurityGroupRuleDescriptionsEgressInput) (*api.UpdateSecurityGroupRuleDescriptionsEgressOutput, error) {
	if err := s.redescribe(ctx, in.GroupId, in.GroupName, true, in.IpPermissions, in.SecurityGroupRuleDescriptions); err != nil {
		return nil, err
	}
	return &api.UpdateSecurityGroupRuleDescriptionsEgressOutput{Return: new(true)}, nil
}

func (s *Service) describeRules(ctx context.Context, in *api.DescribeSecurityGroupRulesInput) (*api.DescribeSecurityGroupRulesOutput, error) {
	var all []api.SecurityGroupRule
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		groups, err := s.groups.list(tx, bus.From(ctx), nil)
		for _, g := range groups {
			all = append(all, g.Rules...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, id := range in.SecurityGroupRuleIds {
		if !slices.ContainsFunc(all, func(r api.SecurityGroupRule) bool { return *r.SecurityGroupRuleId == id }) {
			return nil, noRule(id)
		}
	}
	rules := kind[api.SecurityGroupRule]{tags: func(r *api.SecurityGroupRule) *[]api.Tag { return &r.Tags }, filters: map[string]func(*api.SecurityGroupRule) []string{
		"group-id":               func(r *api.SecurityGroupRule) []string { return one(r.GroupId) },
		"security-group-rule-id": func(r *api.SecurityGroupRule) []string { return one(r.SecurityGroupRuleId) },
	}}
	for _, f := range in.Filters {
		has, err := rules.filter(bus.From(ctx), text(f.Name))
		if err != nil {
			return nil, err
		}
		all = slices.DeleteFunc(all, func(r api.SecurityGroupRule) bool { return !matches(has(&r), f.Values) })
	}
	if len(in.SecurityGroupRuleIds) > 0 {
		all = slices.DeleteFunc(all, func(r api.SecurityGroupRule) bool {
			return !slices.Contains(in.SecurityGroupRuleIds, *r.SecurityGroupRuleId)
		})
	}
	slices.SortFunc(all, func(a, b api.SecurityGroupRule) int {
		return strings.Compare(*a.SecurityGroupRuleId, *b.SecurityGroupRuleId)
	})
	page, next, err := cut(all, func(r *api.SecurityGroupRule) string { return *r.SecurityGroupRuleId }, in.NextToken, in.MaxResults)
	return &api.DescribeSecurityGroupRulesOutput{SecurityGroupRules: page, NextToken: next}, err
}
