package secretsmanager

import (
	"context"
	"encoding/json"

	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/store"
)

// policyDocument is what is checked of a resource policy.
type policyDocument struct {
	Statement []struct {
		Effect    string
		Principal any
		Condition map[string]any
	}
}

// public reports whether anybody is allowed something without a condition.
func (p *policyDocument) public() bool {
	for _, st := range p.Statement {
		principal := st.Principal
		if m, ok := principal.(map[string]any); ok {
			principal = m["AWS"]
		}
		if st.Effect == "Allow" && principal == "*" && len(st.Condition) == 0 {
			return true
		}
	}
	return false
}

// PutResourcePolicy keeps a policy with the secret.
func (s *Service) PutResourcePolicy(ctx context.Context, in *api.PutResourcePolicyInput) (*api.PutResourcePolicyOutput, error) {
	var p policyDocument
	if err := json.Unmarshal([]byte(*in.ResourcePolicy), &p); err != nil || len(p.Statement) == 0 {
		return nil, api.MalformedPolicyDocumentException("This resource policy contains invalid Json")
	}
	if in.BlockPublicPolicy != nil && *in.BlockPublicPolicy && p.public() {
		return nil, api.PublicPolicyException("This resource policy grants public access to the secret. You can't attach it with BlockPublicPolicy.")
	}
	x, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *secret) error {
		x.Policy = in.ResourcePolicy
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutResourcePolicyOutput{ARN: &x.ARN, Name: &x.Name}, nil
}

// GetResourcePolicy returns the policy, if the secret has one.
func (s *Service) GetResourcePolicy(ctx context.Context, in *api.GetResourcePolicyInput) (*api.GetResourcePolicyOutput, error) {
	x, err := s.look(ctx, *in.SecretId)
	if err != nil {
		return nil, err
	}
	return &api.GetResourcePolicyOutput{ARN: &x.ARN, Name: &x.Name, ResourcePolicy: x.Policy}, nil
}

// DeleteResourcePolicy removes the policy.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *api.DeleteResourcePolicyInput) (*api.DeleteResourcePolicyOutput, error) {
	x, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *secret) error {
		x.Policy = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteResourcePolicyOutput{ARN: &x.ARN, Name: &x.Name}, nil
}

// ValidateResourcePolicy says what is wrong with a policy.
func (s *Service) ValidateResourcePolicy(_ context.Context, in *api.ValidateResourcePolicyInput) (*api.ValidateResourcePolicyOutput, error) {
	var p policyDocument
	out := &api.ValidateResourcePolicyOutput{ValidationErrors: []api.ValidationErrorsEntry{}}
	if err := json.Unmarshal([]byte(*in.ResourcePolicy), &p); err != nil || len(p.Statement) == 0 {
		out.ValidationErrors = append(out.ValidationErrors, api.ValidationErrorsEntry{
			CheckName: new("POLICY_SYNTAX"), ErrorMessage: new("This resource policy contains invalid Json")})
	} else if p.public() {
		out.ValidationErrors = append(out.ValidationErrors, api.ValidationErrorsEntry{
			CheckName: new("BLOCK_PUBLIC_POLICY"), ErrorMessage: new("This resource policy grants public access to the secret.")})
	}
	out.PolicyValidationPassed = new(len(out.ValidationErrors) == 0)
	return out, nil
}
