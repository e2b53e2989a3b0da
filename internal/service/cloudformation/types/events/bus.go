package eventstype

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

func eventBus() resource.Type {
	return resource.Type{
		Name:        "AWS::Events::EventBus",
		Required:    []string{"Name"},
		Optional:    []string{"Description", "EventSourceName", "Policy", "Tags"},
		Refused:     []string{"DeadLetterConfig", "KmsKeyIdentifier", "LogConfig"},
		Attributes:  []string{"Arn", "Name", "Policy"},
		Replacement: []string{"EventSourceName", "Name"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &events.CreateEventBusInput{}
			if err := resource.Decode(r.Only("EventSourceName", "Name"), in, nil); err != nil {
				return nil, err
			}
			if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, in, nil); err != nil {
				return nil, err
			}
			if err := do(ctx, r, "CreateEventBus", in); err != nil && !(r.Again && resource.Is(err, exists)) {
				return nil, err
			}
			r.ID = *in.Name
			return busMade(ctx, r), setPolicy(ctx, r)
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			if err := setPolicy(ctx, r); err != nil {
				return nil, err
			}
			made := busMade(ctx, r)
			arn, _ := made.Attributes["Arn"].(string)
			return made, retag(ctx, r, arn)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteEventBus", &events.DeleteEventBusInput{Name: &r.ID}), gone)
		},
	}
}

func busMade(ctx context.Context, r *resource.Request) *resource.Made {
	made := &resource.Made{ID: r.ID, Attributes: map[string]any{"Arn": bus.From(ctx).ARN("events", "event-bus/"+r.ID), "Name": r.ID}}
	if p := r.Properties["Policy"]; p != nil {
		text, _ := json.Marshal(p) // evaluated properties always encode
		made.Attributes["Policy"] = string(text)
	}
	return made
}

func setPolicy(ctx context.Context, r *resource.Request) error {
	switch {
	case r.Properties["Policy"] != nil && r.Changed("Policy"):
		in := &events.PutPermissionInput{EventBusName: &r.ID}
		if err := resource.Decode(r.Only("Policy"), in, nil); err != nil {
			return err
		}
		return do(ctx, r, "PutPermission", in)
	case r.Old["Policy"] != nil && r.Changed("Policy"):
		return resource.Unless(do(ctx, r, "RemovePermission", &events.RemovePermissionInput{EventBusName: &r.ID, RemoveAllPermissions: new(true)}), gone)
	}
	return nil
}

// busPolicy is one statement of a bus's policy.
func busPolicy() resource.Type {
	return resource.Type{
		Name:        "AWS::Events::EventBusPolicy",
		Required:    []string{"StatementId"},
		Optional:    []string{"Action", "Condition", "EventBusName", "Principal", "Statement"},
		Replacement: []string{"EventBusName", "StatementId"},
		Create:      setStatement, Update: setStatement,
		Delete: func(ctx context.Context, r *resource.Request) error {
			in := &events.RemovePermissionInput{EventBusName: new(onBus(r)), StatementId: new(r.Text("StatementId"))}
			return resource.Unless(do(ctx, r, "RemovePermission", in), gone)
		},
	}
}

func onBus(r *resource.Request) string {
	if on := r.Text("EventBusName"); on != "" {
		return on[strings.LastIndex(on, "/")+1:]
	}
	return "default"
}

func setStatement(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	on := onBus(r)
	in := &events.PutPermissionInput{}
	if r.Properties["Statement"] != nil {
		policy, err := withStatement(ctx, r, on)
		if err != nil {
			return nil, err
		}
		in.Policy = &policy
	} else if err := resource.Decode(r.Only("Action", "Condition", "Principal", "StatementId"), in, nil); err != nil {
		return nil, err
	}
	in.EventBusName = &on
	if err := do(ctx, r, "PutPermission", in); err != nil {
		return nil, err
	}
	return &resource.Made{ID: on + "|" + r.Text("StatementId")}, nil
}

// withStatement is the policy of the bus with the statement of the request in
// place of the one with its id.
func withStatement(ctx context.Context, r *resource.Request, on string) (string, error) {
	out, err := invoke[events.DescribeEventBusOutput](ctx, r, "DescribeEventBus", &events.DescribeEventBusInput{Name: &on})
	if err != nil {
		return "", err
	}
	policy := map[string]any{"Version": "2012-10-17"}
	if out.Policy != nil {
		if err := json.Unmarshal([]byte(*out.Policy), &policy); err != nil {
			return "", fmt.Errorf("cannot read the policy of event bus %s: %w", on, err)
		}
	}
	statement, _ := r.Properties["Statement"].(map[string]any)
	if text, ok := r.Properties["Statement"].(string); ok {
		if err := json.Unmarshal([]byte(text), &statement); err != nil {
			return "", fmt.Errorf("#/Statement: not JSON: %w", err)
		}
	}
	own := map[string]any{"Sid": r.Text("StatementId")}
	for k, v := range statement {
		if k != "Sid" {
			own[k] = v
		}
	}
	all := []any{own}
	old, _ := policy["Statement"].([]any)
	for _, s := range old {
		if m, ok := s.(map[string]any); !ok || m["Sid"] != own["Sid"] {
			all = append(all, s)
		}
	}
	policy["Statement"] = all
	b, err := json.Marshal(policy)
	return string(b), err
}
