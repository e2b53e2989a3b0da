package sns

import (
	"context"
	"encoding/json"
	"slices"

	api "stepwell/internal/awsapi/sns"
)

// policy is an access policy: as the client set it, or the statements that
// AddPermission made beside the default one.
type policy struct {
	Text  string      `json:",omitempty"`
	Added []statement `json:",omitempty"`
}

// statement is a statement of an access policy in SNS's order of members.
type statement struct {
	Sid       string
	Effect    string
	Principal map[string]any
	Action    any
	Resource  string
	Condition map[string]any `json:",omitempty"`
}

// document is the policy GetTopicAttributes shows.
func (t *topic) document() string {
	doc := struct {
		Version, Id string
		Statement   []any
	}{"2008-10-17", "__default_policy_ID", []any{statement{
		Sid: "__default_statement_ID", Effect: "Allow", Principal: map[string]any{"AWS": "*"},
		Action: []string{"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
			"SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish"},
		Resource: t.ARN, Condition: map[string]any{"StringEquals": map[string]any{"AWS:SourceOwner": t.Account}},
	}}}
	if t.Policy.Text != "" {
		if len(t.Policy.Added) == 0 {
			return t.Policy.Text
		}
		if json.Unmarshal([]byte(t.Policy.Text), &doc) != nil {
			return t.Policy.Text
		}
	}
	for _, st := range t.Policy.Added {
		doc.Statement = append(doc.Statement, st)
	}
	b, _ := json.Marshal(doc) // strings and maps always encode
	return string(b)
}

// AddPermission adds a statement to the topic's access policy.
func (s *Service) AddPermission(ctx context.Context, in *api.AddPermissionInput) (*api.AddPermissionOutput, error) {
	return &api.AddPermissionOutput{}, s.changeTopic(ctx, *in.TopicArn, "TopicArn", func(t *topic) error {
		if slices.ContainsFunc(t.Policy.Added, func(st statement) bool { return st.Sid == *in.Label }) {
			return invalid("Statement already exists")
		}
		principals, actions := []string{}, []string{}
		for _, account := range in.AWSAccountId {
			principals = append(principals, "arn:aws:iam::"+account+":root")
		}
		for _, action := range in.ActionName {
			if !slices.Contains(policyActions, action) {
				return invalid("Policy statement action out of service scope!")
			}
			actions = append(actions, "SNS:"+action)
		}
		t.Policy.Added = append(t.Policy.Added, statement{Sid: *in.Label, Effect: "Allow",
			Principal: map[string]any{"AWS": one(principals)}, Action: one(actions), Resource: t.ARN})
		return nil
	})
}

var policyActions = []string{"AddPermission", "DeleteTopic", "GetDataProtectionPolicy", "GetTopicAttributes", "ListSubscriptionsByTopic",
	"ListTagsForResource", "Publish", "PutDataProtectionPolicy", "RemovePermission", "SetTopicAttributes", "Subscribe"}

// one is a list as policies write it: a single entry stands by itself.
func one(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// RemovePermission removes a statement that AddPermission added.
func (s *Service) RemovePermission(ctx context.Context, in *api.RemovePermissionInput) (*api.RemovePermissionOutput, error) {
	return &api.RemovePermissionOutput{}, s.changeTopic(ctx, *in.TopicArn, "TopicArn", func(t *topic) error {
		t.Policy.Added = slices.DeleteFunc(t.Policy.Added, func(st statement) bool { return st.Sid == *in.Label })
		return nil
	})
}

// PutDataProtectionPolicy keeps a data protection policy with the topic.
func (s *Service) PutDataProtectionPolicy(ctx context.Context, in *api.PutDataProtectionPolicyInput) (*api.PutDataProtectionPolicyOutput, error) {
	if *in.DataProtectionPolicy != "" && !json.Valid([]byte(*in.DataProtectionPolicy)) {
		return nil, invalid("DataProtectionPolicy Reason: failed to parse JSON")
	}
	return &api.PutDataProtectionPolicyOutput{}, s.changeTopic(ctx, *in.ResourceArn, "ResourceArn", func(t *topic) error {
		t.DataProtection = *in.DataProtectionPolicy
		return nil
	})
}

// GetDataProtectionPolicy returns the topic's data protection policy.
func (s *Service) GetDataProtectionPolicy(ctx context.Context, in *api.GetDataProtectionPolicyInput) (*api.GetDataProtectionPolicyOutput, error) {
	t, err := s.viewTopic(ctx, *in.ResourceArn, "ResourceArn")
	if err != nil {
		return nil, err
	}
	return &api.GetDataProtectionPolicyOutput{DataProtectionPolicy: &t.DataProtection}, nil
}
