// Package ec2type holds CloudFormation's resource types of EC2's network family:
// VPCs, subnets, gateways, addresses, routes, security groups and endpoints.
// Package types imports it.
package ec2type

import (
	"context"

	"stepwell/internal/awsapi/ec2"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types.
func Types() []resource.Type {
	return []resource.Type{
		vpcType(), subnetType(), gatewayType(), attachmentType(), addressType(), natType(),
		tableType(), routeType(), associationType(), groupType(), ruleType(false), ruleType(true), endpointType(),
	}
}

// call calls an operation.
func call[Out any](ctx context.Context, r *resource.Request, operation string, in any) (*Out, error) {
	return bus.Invoke[Out](ctx, r.Bus, "ec2", operation, in)
}

// do calls an operation whose answer says nothing more.
func do(ctx context.Context, r *resource.Request, operation string, in any) error {
	_, err := r.Bus.Invoke(ctx, "ec2", operation, in)
	return err
}

// tags are those of a new resource.
func tags(r *resource.Request, kind string) []ec2.TagSpecification {
	var in struct{ Tags []ec2.Tag }
	if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, &in, nil); err != nil {
		return nil // AllTags is what Decode takes
	}
	return []ec2.TagSpecification{{ResourceType: &kind, Tags: in.Tags}}
}

// retag makes the changes of an update's tags.
func retag(ctx context.Context, r *resource.Request, id string) error {
	set, gone := r.ChangedTags()
	if len(gone) > 0 {
		in := &ec2.DeleteTagsInput{Resources: []string{id}}
		for _, key := range gone {
			in.Tags = append(in.Tags, ec2.Tag{Key: &key})
		}
		if err := do(ctx, r, "DeleteTags", in); err != nil {
			return err
		}
	}
	if len(set) == 0 {
		return nil
	}
	in := &ec2.CreateTagsInput{Resources: []string{id}}
	if err := resource.Decode(map[string]any{"Tags": set}, in, nil); err != nil {
		return err
	}
	return do(ctx, r, "CreateTags", in)
}

// ours are the filters that find what an earlier attempt to create the resource
// made.
func ours(r *resource.Request) []ec2.Filter {
	return []ec2.Filter{
		{Name: new("tag:aws:cloudformation:stack-id"), Values: []string{r.StackID}},
		{Name: new("tag:aws:cloudformation:logical-id"), Values: []string{r.LogicalID}},
	}
}

// made is a resource with attributes given as name and value in turn.
func made(id string, attributes ...any) *resource.Made {
	m := &resource.Made{ID: id, Attributes: map[string]any{}}
	for i := 0; i < len(attributes); i += 2 {
		m.Attributes[attributes[i].(string)] = attributes[i+1]
	}
	return m
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// switched is a property that is a truth, with the value it has where absent.
func switched(r *resource.Request, property string, absent bool) *ec2.AttributeBooleanValue {
	value := absent
	if s, ok := resource.Text(r.Properties[property]); ok {
		value = s == "true"
	}
	return &ec2.AttributeBooleanValue{Value: &value}
}
