package cloudformation

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
)

// policyDocument is a stack policy ("Prevent updates to stack resources").
type policyDocument struct {
	Statement []struct {
		Effect, Principal     string
		Action, NotAction     any
		Resource, NotResource any
		Condition             map[string]map[string]any
	}
}

func checkPolicy(text string) error {
	var d policyDocument
	if json.Unmarshal([]byte(text), &d) != nil || len(d.Statement) == 0 {
		return invalid("Error validating stack policy: Invalid stack policy")
	}
	for _, st := range d.Statement {
		if st.Effect != "Allow" && st.Effect != "Deny" {
			return invalid("Error validating stack policy: Invalid Effect: %s", st.Effect)
		}
	}
	return nil
}

// permitted says what the stack's policy has against a change of a resource.
func (r *run) permitted(logical, typ string, how difference) error {
	action := "Update:Modify"
	if how == replace {
		action = "Update:Replace"
	}
	return permitted(r.stack.Policy, logical, typ, action)
}

func permitted(policy, logical, typ, action string) error {
	if policy == "" {
		return nil
	}
	var d policyDocument
	if err := json.Unmarshal([]byte(policy), &d); err != nil {
		return fmt.Errorf("cannot read the stack policy: %w", err)
	}
	allowed := false
	for _, st := range d.Statement {
		on := matches(st.Action, st.NotAction, action) && matches(st.Resource, st.NotResource, "LogicalResourceId/"+logical)
		for operator, members := range st.Condition {
			for _, want := range members {
				on = on && slices.ContainsFunc(resource.Texts(want), func(pattern string) bool {
					return pattern == typ || operator == "StringLike" && like(pattern, typ)
				})
			}
		}
		if on && st.Effect == "Deny" {
			return fmt.Errorf("Action denied by stack policy: Statement [#1] does not allow [%s] for resource [%s]", action, logical)
		}
		allowed = allowed || on
	}
	if !allowed {
		return fmt.Errorf("Action not allowed by stack policy: [%s] for resource [%s]", action, logical)
	}
	return nil
}

func matches(want, not any, have string) bool {
	match := func(pattern string) bool { return like(pattern, have) }
	if not != nil {
		return !slices.ContainsFunc(resource.Texts(not), match)
	}
	return slices.ContainsFunc(resource.Texts(want), match)
}

func like(pattern, text string) bool {
	if pattern == "*" {
		return true
	}
	ok, err := path.Match(pattern, text)
	return ok && err == nil
}

// SetStackPolicy gives a stack a policy.
func (s *Service) SetStackPolicy(ctx context.Context, in *api.SetStackPolicyInput) (*api.SetStackPolicyOutput, error) {
	text, err := s.policyText(ctx, in.StackPolicyBody, in.StackPolicyURL)
	if err != nil {
		return nil, err
	}
	return &api.SetStackPolicyOutput{}, s.changeStack(ctx, *in.StackName, noStackErr, func(_ *store.Tx, st *stack) error {
		st.Policy = text
		return nil
	})
}

// GetStackPolicy returns a stack's policy.
func (s *Service) GetStackPolicy(ctx context.Context, in *api.GetStackPolicyInput) (*api.GetStackPolicyOutput, error) {
	st, err := s.view(ctx, *in.StackName, noStackErr)
	if err != nil {
		return nil, err
	}
	return &api.GetStackPolicyOutput{StackPolicyBody: optional(st.Policy)}, nil
}

// SignalResource sends a signal to a resource with a creation policy.
func (s *Service) SignalResource(ctx context.Context, in *api.SignalResourceInput) (*api.SignalResourceOutput, error) {
	return &api.SignalResourceOutput{}, s.changeStack(ctx, *in.StackName, noStackErr, func(tx *store.Tx, st *stack) error {
		rec, ok, err := resources.Get(tx, st.ID, *in.LogicalResourceId)
		if err != nil {
			return err
		}
		if !ok || rec.Status != "CREATE_IN_PROGRESS" && rec.Status != "UPDATE_IN_PROGRESS" {
			return invalid("Resource %s is in %s state and cannot be signaled", *in.LogicalResourceId, orNull(rec.Status))
		}
		return s.signal(tx, st.ID, *in.LogicalResourceId, signal{UniqueID: *in.UniqueId, Status: *in.Status, Reason: "Failure received"})
	})
}
