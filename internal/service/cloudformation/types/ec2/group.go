package ec2type

import (
	"context"

	"stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/service/cloudformation/resource"
)

func groupType() resource.Type {
	return resource.Type{
		Name: "AWS::EC2::SecurityGroup", Required: []string{"GroupDescription"},
		Optional:   []string{"GroupName", "SecurityGroupEgress", "SecurityGroupIngress", "Tags", "VpcId"},
		Attributes: []string{"GroupId", "Id", "VpcId"}, Replacement: []string{"GroupDescription", "GroupName", "VpcId"},
		Create: createGroup, Update: updateGroup,
		Delete: func(ctx context.Context, r *resource.Request) error {
			id, _ := resource.Text(r.Attributes["GroupId"])
			if id == "" {
				id = r.ID
			}
			return resource.Unless(do(ctx, r, "DeleteSecurityGroup", &ec2.DeleteSecurityGroupInput{GroupId: &id}), "InvalidGroup.NotFound")
		},
	}
}

func createGroup(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	var g *ec2.SecurityGroup
	if r.Again {
		out, err := call[ec2.DescribeSecurityGroupsOutput](ctx, r, "DescribeSecurityGroups", &ec2.DescribeSecurityGroupsInput{Filters: ours(r)})
		if err != nil {
			return nil, err
		}
		if len(out.SecurityGroups) > 0 {
			g = &out.SecurityGroups[0]
		}
	}
	if g == nil {
		in := &ec2.CreateSecurityGroupInput{GroupName: new(r.Name("GroupName", 255)), Description: new(r.Text("GroupDescription")), TagSpecifications: tags(r, "security-group")}
		if id := r.Text("VpcId"); id != "" {
			in.VpcId = &id
		}
		made, err := call[ec2.CreateSecurityGroupOutput](ctx, r, "CreateSecurityGroup", in)
		if err != nil {
			return nil, err
		}
		out, err := call[ec2.DescribeSecurityGroupsOutput](ctx, r, "DescribeSecurityGroups", &ec2.DescribeSecurityGroupsInput{GroupIds: []string{*made.GroupId}})
		if err != nil {
			return nil, err
		}
		g = &out.SecurityGroups[0]
	}
	return group(g), settleRules(ctx, r, *g.GroupId)
}

func group(g *ec2.SecurityGroup) *resource.Made {
	return made(*g.GroupId, "GroupId", *g.GroupId, "Id", *g.GroupId, "VpcId", *g.VpcId)
}

func updateGroup(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	out, err := call[ec2.DescribeSecurityGroupsOutput](ctx, r, "DescribeSecurityGroups", &ec2.DescribeSecurityGroupsInput{GroupIds: []string{r.ID}})
	if err != nil {
		return nil, err
	}
	if err := retag(ctx, r, r.ID); err != nil {
		return nil, err
	}
	return group(&out.SecurityGroups[0]), settleRules(ctx, r, r.ID)
}

// everything is the rule that a new group has, and one without rules for what
// goes out.
var everything = map[string]any{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}

// settleRules makes the group's inline rules those of the properties: what the
// old properties had goes, what the new ones have comes. Rules of other resources
// stay.
func settleRules(ctx context.Context, r *resource.Request, id string) error {
	for _, side := range []struct {
		property, authorize, revoke string
		egress                      bool
	}{{"SecurityGroupIngress", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", false},
		{"SecurityGroupEgress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress", true}} {
		now, before := list(r.Properties[side.property]), list(r.Old[side.property])
		if side.egress && len(now) == 0 {
			now = []any{everything}
		}
		if side.egress && len(before) == 0 {
			before = []any{everything}
		}
		for _, rule := range without(before, now) {
			p, err := permission(rule)
			if err != nil {
				return err
			}
			if err := resource.Unless(do(ctx, r, side.revoke, revocation(id, side.egress, p)), "InvalidPermission.NotFound", "InvalidGroup.NotFound"); err != nil {
				return err
			}
		}
		for _, rule := range without(now, before) {
			p, err := permission(rule)
			if err != nil {
				return err
			}
			err = do(ctx, r, side.authorize, authorization(id, side.egress, p))
			if r.Again || r.Old != nil {
				err = resource.Unless(err, "InvalidPermission.Duplicate")
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func list(x any) []any {
	switch x := x.(type) {
	case nil:
		return nil
	case []any:
		return x
	}
	return []any{x}
}

// without are the items of a list that are not in another.
func without(items, others []any) (left []any) {
	for _, item := range items {
		there := false
		for _, o := range others {
			there = there || resource.Equal(item, o)
		}
		if !there {
			left = append(left, item)
		}
	}
	return left
}

func authorization(id string, egress bool, p ec2.IpPermission) any {
	if egress {
		return &ec2.AuthorizeSecurityGroupEgressInput{GroupId: &id, IpPermissions: []ec2.IpPermission{p}}
	}
	return &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &id, IpPermissions: []ec2.IpPermission{p}}
}

func revocation(id string, egress bool, p ec2.IpPermission) any {
	if egress {
		return &ec2.RevokeSecurityGroupEgressInput{GroupId: &id, IpPermissions: []ec2.IpPermission{p}}
	}
	return &ec2.RevokeSecurityGroupIngressInput{GroupId: &id, IpPermissions: []ec2.IpPermission{p}}
}

// permission is a rule as CloudFormation writes it, as EC2 takes it.
func permission(rule any) (p ec2.IpPermission, err error) {
	var in struct {
		Rule struct {
			CidrIp, CidrIpv6, Description, IpProtocol                                  *string
			FromPort, ToPort                                                           *int64
			SourcePrefixListId, DestinationPrefixListId                                *string
			SourceSecurityGroupId, SourceSecurityGroupName, SourceSecurityGroupOwnerId *string
			DestinationSecurityGroupId                                                 *string
		}
	}
	if err := resource.Decode(map[string]any{"Rule": rule}, &in, nil); err != nil {
		return p, err
	}
	x := in.Rule
	p = ec2.IpPermission{IpProtocol: x.IpProtocol, FromPort: x.FromPort, ToPort: x.ToPort}
	peer, list := x.SourceSecurityGroupId, x.SourcePrefixListId
	if peer == nil {
		peer = x.DestinationSecurityGroupId
	}
	if list == nil {
		list = x.DestinationPrefixListId
	}
	switch {
	case x.CidrIp != nil:
		p.IpRanges = []ec2.IpRange{{CidrIp: x.CidrIp, Description: x.Description}}
	case x.CidrIpv6 != nil:
		p.Ipv6Ranges = []ec2.Ipv6Range{{CidrIpv6: x.CidrIpv6, Description: x.Description}}
	case list != nil:
		p.PrefixListIds = []ec2.PrefixListId{{PrefixListId: list, Description: x.Description}}
	case peer != nil || x.SourceSecurityGroupName != nil:
		p.UserIdGroupPairs = []ec2.UserIdGroupPair{{GroupId: peer, GroupName: x.SourceSecurityGroupName, Description: x.Description}}
	default:
		return p, awserr.New(400, "InvalidRequest", "Invalid Security Group rule: it has no source or destination")
	}
	return p, nil
}

// ruleType is AWS::EC2::SecurityGroupIngress or AWS::EC2::SecurityGroupEgress.
func ruleType(egress bool) resource.Type {
	t := resource.Type{Name: "AWS::EC2::SecurityGroupIngress", Required: []string{"IpProtocol"}, Attributes: []string{"Id"},
		Optional: []string{"CidrIp", "CidrIpv6", "Description", "FromPort", "GroupId", "GroupName", "SourcePrefixListId", "SourceSecurityGroupId",
			"SourceSecurityGroupName", "SourceSecurityGroupOwnerId", "ToPort"}}
	if egress {
		t.Name, t.Required = "AWS::EC2::SecurityGroupEgress", []string{"IpProtocol", "GroupId"}
		t.Optional = []string{"CidrIp", "CidrIpv6", "Description", "DestinationPrefixListId", "DestinationSecurityGroupId", "FromPort", "ToPort"}
	}
	t.Replaces = func(r *resource.Request) bool { // all but the description
		now, old := copied(r.Properties), copied(r.Old)
		return !resource.Equal(now, old)
	}
	t.Create = func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
		return createRule(ctx, r, egress)
	}
	t.Update = func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
		d := []ec2.SecurityGroupRuleDescription{{SecurityGroupRuleId: &r.ID, Description: new(r.Text("Description"))}}
		id, err := groupOf(ctx, r)
		if err != nil {
			return nil, err
		}
		if egress {
			return made(r.ID, "Id", r.ID), do(ctx, r, "UpdateSecurityGroupRuleDescriptionsEgress", &ec2.UpdateSecurityGroupRuleDescriptionsEgressInput{GroupId: &id, SecurityGroupRuleDescriptions: d})
		}
		return made(r.ID, "Id", r.ID), do(ctx, r, "UpdateSecurityGroupRuleDescriptionsIngress", &ec2.UpdateSecurityGroupRuleDescriptionsIngressInput{GroupId: &id, SecurityGroupRuleDescriptions: d})
	}
	t.Delete = func(ctx context.Context, r *resource.Request) error {
		id, err := groupOf(ctx, r)
		if err != nil {
			return resource.Unless(err, "InvalidGroup.NotFound")
		}
		if egress {
			err = do(ctx, r, "RevokeSecurityGroupEgress", &ec2.RevokeSecurityGroupEgressInput{GroupId: &id, SecurityGroupRuleIds: []string{r.ID}})
		} else {
			err = do(ctx, r, "RevokeSecurityGroupIngress", &ec2.RevokeSecurityGroupIngressInput{GroupId: &id, SecurityGroupRuleIds: []string{r.ID}})
		}
		return resource.Unless(err, "InvalidGroup.NotFound", "InvalidSecurityGroupRuleId.NotFound")
	}
	return t
}

func copied(properties map[string]any) map[string]any {
	c := map[string]any{}
	for k, v := range properties {
		if k != "Description" {
			c[k] = v
		}
	}
	return c
}

// groupOf is the id of the group of a rule.
func groupOf(ctx context.Context, r *resource.Request) (string, error) {
	if id := r.Text("GroupId"); id != "" {
		return id, nil
	}
	out, err := call[ec2.DescribeSecurityGroupsOutput](ctx, r, "DescribeSecurityGroups", &ec2.DescribeSecurityGroupsInput{GroupNames: []string{r.Text("GroupName")}})
	if err != nil {
		return "", err
	}
	return *out.SecurityGroups[0].GroupId, nil
}

func createRule(ctx context.Context, r *resource.Request, egress bool) (*resource.Made, error) {
	id, err := groupOf(ctx, r)
	if err != nil {
		return nil, err
	}
	rule := map[string]any{}
	for k, v := range r.Properties {
		if k != "GroupId" && k != "GroupName" {
			rule[k] = v
		}
	}
	p, err := permission(rule)
	if err != nil {
		return nil, err
	}
	var rules []ec2.SecurityGroupRule
	if egress {
		out, e := call[ec2.AuthorizeSecurityGroupEgressOutput](ctx, r, "AuthorizeSecurityGroupEgress", authorization(id, true, p))
		if err = e; err == nil {
			rules = out.SecurityGroupRules
		}
	} else {
		out, e := call[ec2.AuthorizeSecurityGroupIngressOutput](ctx, r, "AuthorizeSecurityGroupIngress", authorization(id, false, p))
		if err = e; err == nil {
			rules = out.SecurityGroupRules
		}
	}
	if r.Again && resource.Is(err, "InvalidPermission.Duplicate") {
		rules, err = earlierRule(ctx, r, id, egress, p)
	}
	if err != nil {
		return nil, err
	}
	return made(*rules[0].SecurityGroupRuleId, "Id", *rules[0].SecurityGroupRuleId), nil
}

// earlierRule finds the rule that an earlier attempt made.
func earlierRule(ctx context.Context, r *resource.Request, id string, egress bool, p ec2.IpPermission) ([]ec2.SecurityGroupRule, error) {
	out, err := call[ec2.DescribeSecurityGroupRulesOutput](ctx, r, "DescribeSecurityGroupRules", &ec2.DescribeSecurityGroupRulesInput{
		Filters: []ec2.Filter{{Name: new("group-id"), Values: []string{id}}}})
	if err != nil {
		return nil, err
	}
	for _, rule := range out.SecurityGroupRules {
		peer := text(rule.CidrIpv4) + text(rule.CidrIpv6) + text(rule.PrefixListId)
		if rule.ReferencedGroupInfo != nil {
			peer = text(rule.ReferencedGroupInfo.GroupId)
		}
		ports := text(p.IpProtocol) == "-1" || same(rule.FromPort, p.FromPort) && same(rule.ToPort, p.ToPort)
		if *rule.IsEgress == egress && text(rule.IpProtocol) == text(p.IpProtocol) && ports && peer == peerOf(p) {
			return []ec2.SecurityGroupRule{rule}, nil
		}
	}
	return nil, awserr.New(400, "InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
}

func same(a, b *int64) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// peerOf is the other side of a permission.
func peerOf(p ec2.IpPermission) string {
	switch {
	case len(p.IpRanges) > 0:
		return text(p.IpRanges[0].CidrIp)
	case len(p.Ipv6Ranges) > 0:
		return text(p.Ipv6Ranges[0].CidrIpv6)
	case len(p.PrefixListIds) > 0:
		return text(p.PrefixListIds[0].PrefixListId)
	}
	return text(p.UserIdGroupPairs[0].GroupId)
}
