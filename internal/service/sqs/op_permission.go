package sqs

import (
	"context"
	"encoding/json"
	"fmt"

	api "stepwell/internal/awsapi/sqs"
)

// policy is a queue's access policy; what it does not know it keeps.
type policy struct {
	Version   string            `json:",omitempty"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:""`
}

// statement is what AddPermission adds.
type statement struct {
	Sid       string
	Effect    string
	Principal struct{ AWS any }
	Action    any
	Resource  string
}

func (s *Service) addPermission(ctx context.Context, in *api.AddPermissionInput) (*api.AddPermissionOutput, error) {
	if !plainName.MatchString(*in.Label) {
		return nil, badValue(*in.Label, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.")
	}
	return &api.AddPermissionOutput{}, s.changePolicy(ctx, *in.QueueUrl, func(r *record, p *policy) error {
		if i := p.index(*in.Label); i >= 0 {
			return badValue(*in.Label, "Label", "Already exists.")
		}
		st := statement{Sid: *in.Label, Effect: "Allow", Resource: r.ARN}
		var principals, actions []string
		for _, account := range in.AWSAccountIds {
			principals = append(principals, "arn:aws:iam::"+account+":root")
		}
		for _, a := range in.Actions {
			actions = append(actions, "SQS:"+a)
		}
		st.Principal.AWS, st.Action = single(principals), single(actions)
		text, err := json.Marshal(st)
		if err != nil {
			return fmt.Errorf("cannot write the policy: %w", err)
		}
		p.Statement = append(p.Statement, text)
		return nil
	})
}

// single is the one element of a list, or the list, as policies are written.
func single(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func (p *policy) index(label string) int {
	for i, text := range p.Statement {
		var st struct{ Sid string }
		if json.Unmarshal(text, &st) == nil && st.Sid == label {
			return i
		}
	}
	return -1
}

func (s *Service) removePermission(ctx context.Context, in *api.RemovePermissionInput) (*api.RemovePermissionOutput, error) {
	return &api.RemovePermissionOutput{}, s.changePolicy(ctx, *in.QueueUrl, func(_ *record, p *policy) error {
		i := p.index(*in.Label)
		if i < 0 {
			return badValue(*in.Label, "Label", "can't find label on existing policy.")
		}
		p.Statement = append(p.Statement[:i], p.Statement[i+1:]...)
		return nil
	})
}

func (s *Service) changePolicy(ctx context.Context, url string, f func(*record, *policy) error) error {
	return s.change(ctx, url, func(r *record) error {
		p := policy{Version: "2012-10-17", ID: r.ARN + "/SQSDefaultPolicy"}
		if text := r.Attributes["Policy"]; text != "" {
			if err := json.Unmarshal([]byte(text), &p); err != nil {
				return invalid("The policy of the queue cannot be read: %v", err)
			}
		}
		if err := f(r, &p); err != nil {
			return err
		}
		text, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("cannot write the policy: %w", err)
		}
		if len(p.Statement) == 0 {
			text = nil
		}
		r.set(map[string]string{"Policy": string(text)})
		return nil
	})
}
