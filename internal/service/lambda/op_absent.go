package lambda

import (
	"context"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/store"
)

// The operations here ask for what no function has, since it cannot be given:
// code signing and provisioned concurrency. Tools ask for them.

// known fails where there is no such function.
func (s *Service) known(ctx context.Context, name string, qualifier *string) (ref, error) {
	to, err := refer(ctx, name, qualifier)
	if err != nil {
		return to, err
	}
	return to, s.Store.View(ctx, func(tx *store.Tx) error {
		_, err := find(tx, to, nil)
		return err
	})
}

func (s *Service) getFunctionCodeSigningConfig(ctx context.Context, r *api.GetFunctionCodeSigningConfigInput) (*api.GetFunctionCodeSigningConfigOutput, error) {
	to, err := s.known(ctx, *r.FunctionName, nil)
	return &api.GetFunctionCodeSigningConfigOutput{FunctionName: &to.Name}, err
}

func (s *Service) listCodeSigningConfigs(context.Context, *api.ListCodeSigningConfigsInput) (*api.ListCodeSigningConfigsOutput, error) {
	return &api.ListCodeSigningConfigsOutput{CodeSigningConfigs: []api.CodeSigningConfig{}}, nil
}

// getRuntimeManagementConfig: a runtime is what the machine has, which is the
// newest that can be had.
func (s *Service) getRuntimeManagementConfig(ctx context.Context, r *api.GetRuntimeManagementConfigInput) (*api.GetRuntimeManagementConfigOutput, error) {
	to, err := s.known(ctx, *r.FunctionName, r.Qualifier)
	to.Qualifier = qualifierKey(to.Qualifier)
	return &api.GetRuntimeManagementConfigOutput{UpdateRuntimeOn: new(api.UpdateRuntimeOnAuto), FunctionArn: new(to.arn())}, err
}

func (s *Service) getProvisionedConcurrencyConfig(ctx context.Context, r *api.GetProvisionedConcurrencyConfigInput) (*api.GetProvisionedConcurrencyConfigOutput, error) {
	if _, err := s.known(ctx, *r.FunctionName, r.Qualifier); err != nil {
		return nil, err
	}
	return nil, user(api.ProvisionedConcurrencyConfigNotFoundException("No Provisioned Concurrency Config found for this function"))
}

func (s *Service) listProvisionedConcurrencyConfigs(ctx context.Context, r *api.ListProvisionedConcurrencyConfigsInput) (*api.ListProvisionedConcurrencyConfigsOutput, error) {
	_, err := s.known(ctx, *r.FunctionName, nil)
	return &api.ListProvisionedConcurrencyConfigsOutput{ProvisionedConcurrencyConfigs: []api.ProvisionedConcurrencyConfigListItem{}}, err
}
