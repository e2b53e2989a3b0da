package ecr

import (
	"context"
	"encoding/json"

	api "stepwell/internal/awsapi/ecr"
	"stepwell/internal/awserr"
)

func checkJSON(parameter, text string) error {
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return api.InvalidParameterException("Invalid parameter at '%s' failed to satisfy constraint: 'Invalid repository policy provided'", parameter)
	}
	return nil
}

func noPolicy(r *repository) *awserr.Error {
	return api.RepositoryPolicyNotFoundException("Repository policy does not exist for the repository with name '%s' in the registry with id '%s'", r.Name, r.Account)
}

func noLifecycle(r *repository) *awserr.Error {
	return api.LifecyclePolicyNotFoundException("Lifecycle policy does not exist for the repository with name '%s' in the registry with id '%s'", r.Name, r.Account)
}

func (s *Service) setRepositoryPolicy(ctx context.Context, in *api.SetRepositoryPolicyInput) (*api.SetRepositoryPolicyOutput, error) {
	if err := checkJSON("PolicyText", *in.PolicyText); err != nil {
		return nil, err
	}
	r, err := s.change(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error {
		r.Policy = in.PolicyText
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.SetRepositoryPolicyOutput{RegistryId: &r.Account, RepositoryName: &r.Name, PolicyText: r.Policy}, nil
}

func (s *Service) getRepositoryPolicy(ctx context.Context, in *api.GetRepositoryPolicyInput) (*api.GetRepositoryPolicyOutput, error) {
	r, err := s.look(ctx, in.RegistryId, in.RepositoryName)
	if err == nil && r.Policy == nil {
		err = noPolicy(r)
	}
	if err != nil {
		return nil, err
	}
	return &api.GetRepositoryPolicyOutput{RegistryId: &r.Account, RepositoryName: &r.Name, PolicyText: r.Policy}, nil
}

func (s *Service) deleteRepositoryPolicy(ctx context.Context, in *api.DeleteRepositoryPolicyInput) (*api.DeleteRepositoryPolicyOutput, error) {
	var old *string
	r, err := s.change(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error {
		if old = r.Policy; old == nil {
			return noPolicy(r)
		}
		r.Policy = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRepositoryPolicyOutput{RegistryId: &r.Account, RepositoryName: &r.Name, PolicyText: old}, nil
}

func (s *Service) putLifecyclePolicy(ctx context.Context, in *api.PutLifecyclePolicyInput) (*api.PutLifecyclePolicyOutput, error) {
	if err := checkJSON("LifecyclePolicyText", *in.LifecyclePolicyText); err != nil {
		return nil, err
	}
	r, err := s.change(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error {
		r.Lifecycle = in.LifecyclePolicyText
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.PutLifecyclePolicyOutput{RegistryId: &r.Account, RepositoryName: &r.Name, LifecyclePolicyText: r.Lifecycle}, nil
}

func (s *Service) getLifecyclePolicy(ctx context.Context, in *api.GetLifecyclePolicyInput) (*api.GetLifecyclePolicyOutput, error) {
	r, err := s.look(ctx, in.RegistryId, in.RepositoryName)
	if err == nil && r.Lifecycle == nil {
		err = noLifecycle(r)
	}
	if err != nil {
		return nil, err
	}
	return &api.GetLifecyclePolicyOutput{RegistryId: &r.Account, RepositoryName: &r.Name, LifecyclePolicyText: r.Lifecycle}, nil
}

func (s *Service) deleteLifecyclePolicy(ctx context.Context, in *api.DeleteLifecyclePolicyInput) (*api.DeleteLifecyclePolicyOutput, error) {
	var old *string
	r, err := s.change(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error {
		if old = r.Lifecycle; old == nil {
			return noLifecycle(r)
		}
		r.Lifecycle = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteLifecyclePolicyOutput{RegistryId: &r.Account, RepositoryName: &r.Name, LifecyclePolicyText: old}, nil
}
