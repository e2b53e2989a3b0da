package eventstype

import (
	"context"
	"strings"

	"stepwell/internal/awsapi/events"
	"stepwell/internal/awserr"
	"stepwell/internal/service/cloudformation/resource"
)

func rule() resource.Type {
	return resource.Type{
		Name: "AWS::Events::Rule",
		Optional: []string{"Description", "EventBusName", "EventPattern", "Name", "RoleArn", "ScheduleExpression", "State",
			"Tags", "Targets"},
		Attributes:  []string{"Arn", "RuleName"},
		Replacement: []string{"EventBusName", "Name"},
		Create:      createRule, Update: updateRule, Delete: deleteRule,
	}
}

// ruleID is the physical id: on another bus than the default one, with the name
// of the bus before it.
func ruleID(r *resource.Request, name string) string {
	on := r.Text("EventBusName")
	if on = on[strings.LastIndex(on, "/")+1:]; on == "" || on == "default" {
		return name
	}
	return on + "|" + name
}

func ruleName(id string) string { return id[strings.LastIndex(id, "|")+1:] }

func putRule(ctx context.Context, r *resource.Request, name string) (*resource.Made, error) {
	in := &events.PutRuleInput{}
	if err := resource.Decode(r.Properties, in, map[string]string{"Tags": "", "Targets": ""}); err != nil {
		return nil, err
	}
	in.Name = &name
	if r.Old == nil {
		if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, in, nil); err != nil {
			return nil, err
		}
	}
	out, err := invoke[events.PutRuleOutput](ctx, r, "PutRule", in)
	if err != nil {
		return nil, err
	}
	made := &resource.Made{ID: ruleID(r, name), Attributes: map[string]any{"Arn": *out.RuleArn, "RuleName": name}}
	return made, putTargets(ctx, r, in)
}

// targets are the targets of properties.
func targets(properties map[string]any) ([]events.Target, error) {
	given := struct{ Targets []events.Target }{}
	if properties["Targets"] == nil {
		return nil, nil
	}
	rename := map[string]string{"Targets/EcsParameters/PlacementStrategies": "PlacementStrategy", "Targets/EcsParameters/TagList": "Tags"}
	err := resource.Decode(map[string]any{"Targets": properties["Targets"]}, &given, rename)
	return given.Targets, err
}

func putTargets(ctx context.Context, r *resource.Request, on *events.PutRuleInput) error {
	want, err := targets(r.Properties)
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	for _, t := range want {
		if t.Id != nil {
			kept[*t.Id] = true
		}
	}
	before, err := targets(r.Old)
	if err != nil {
		return err
	}
	var dropped []string
	for _, t := range before {
		if t.Id != nil && !kept[*t.Id] {
			dropped = append(dropped, *t.Id)
		}
	}
	if len(dropped) > 0 {
		in := &events.RemoveTargetsInput{Rule: on.Name, EventBusName: on.EventBusName, Ids: dropped}
		if err := do(ctx, r, "RemoveTargets", in); err != nil {
			return err
		}
	}
	if len(want) == 0 {
		return nil
	}
	out, err := invoke[events.PutTargetsOutput](ctx, r, "PutTargets", &events.PutTargetsInput{Rule: on.Name, EventBusName: on.EventBusName, Targets: want})
	if err == nil && len(out.FailedEntries) > 0 {
		f := out.FailedEntries[0]
		err = awserr.New(400, *f.ErrorCode, "%s", *f.ErrorMessage)
	}
	return err
}

func createRule(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	name := r.Name("Name", 64)
	in := &events.DescribeRuleInput{Name: &name}
	if on := r.Text("EventBusName"); on != "" {
		in.EventBusName = &on
	}
	if err := do(ctx, r, "DescribeRule", in); !r.Again && !resource.Is(err, gone) {
		if err != nil {
			return nil, err
		}
		return nil, resource.AlreadyExists("AWS::Events::Rule", ruleID(r, name))
	}
	return putRule(ctx, r, name)
}

func updateRule(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	made, err := putRule(ctx, r, ruleName(r.ID))
	if err != nil {
		return nil, err
	}
	arn, _ := made.Attributes["Arn"].(string)
	return made, retag(ctx, r, arn)
}

func deleteRule(ctx context.Context, r *resource.Request) error {
	have, err := targets(r.Properties)
	if err != nil {
		return err
	}
	name := ruleName(r.ID)
	var on *string
	if b := r.Text("EventBusName"); b != "" {
		on = &b
	}
	if len(have) > 0 {
		in := &events.RemoveTargetsInput{Rule: &name, EventBusName: on}
		for _, t := range have {
			in.Ids = append(in.Ids, *t.Id)
		}
		if err := do(ctx, r, "RemoveTargets", in); err != nil {
			return resource.Unless(err, gone)
		}
	}
	return resource.Unless(do(ctx, r, "DeleteRule", &events.DeleteRuleInput{Name: &name, EventBusName: on}), gone)
}
