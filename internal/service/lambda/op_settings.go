package lambda

import (
	"context"
	"maps"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// maxTags is how many tags a function can have.
const maxTags = 50

// unreservedLeast is what reserved concurrency must leave of an account's.
const unreservedLeast = 100

// changeSetting changes what a function's versions share.
func (s *Service) changeSetting(ctx context.Context, name string, change func(*store.Tx, ref, *setting) error) error {
	to, err := refer(ctx, name, nil)
	if err != nil {
		return err
	}
	if to.Qualifier != "" {
		return invalid("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, to, nil); err != nil {
			return err
		}
		set, _, err := settings.Get(tx, to.key(to.Name)...)
		if err != nil {
			return err
		}
		if err := change(tx, to, &set); err != nil {
			return err
		}
		return settings.Put(tx, set, to.key(to.Name)...)
	})
}

// reservedBy is the concurrency that the other functions of a scope have reserved.
func reservedBy(tx *store.Tx, at scope) (sum int64, err error) {
	all, err := settings.List(tx, at.key()...)
	for _, set := range all {
		sum += value(set.Reserved)
	}
	return sum, err
}

func (s *Service) putFunctionConcurrency(ctx context.Context, r *api.PutFunctionConcurrencyInput) (*api.PutFunctionConcurrencyOutput, error) {
	err := s.changeSetting(ctx, *r.FunctionName, func(tx *store.Tx, to ref, set *setting) error {
		all, err := reservedBy(tx, to.scope)
		if err == nil && all-value(set.Reserved)+*r.ReservedConcurrentExecutions > accountConcurrency-unreservedLeast {
			err = invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", unreservedLeast)
		}
		set.Reserved = r.ReservedConcurrentExecutions
		return err
	})
	return &api.PutFunctionConcurrencyOutput{ReservedConcurrentExecutions: r.ReservedConcurrentExecutions}, err
}

func (s *Service) deleteFunctionConcurrency(ctx context.Context, r *api.DeleteFunctionConcurrencyInput) (*api.DeleteFunctionConcurrencyOutput, error) {
	return &api.DeleteFunctionConcurrencyOutput{}, s.changeSetting(ctx, *r.FunctionName, func(_ *store.Tx, _ ref, set *setting) error {
		set.Reserved = nil
		return nil
	})
}

func (s *Service) getFunctionConcurrency(ctx context.Context, r *api.GetFunctionConcurrencyInput) (*api.GetFunctionConcurrencyOutput, error) {
	_, _, set, err := s.read(ctx, *r.FunctionName, nil)
	return &api.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: set.Reserved}, err
}

func (s *Service) getAccountSettings(ctx context.Context, _ *api.GetAccountSettingsInput) (*api.GetAccountSettingsOutput, error) {
	to, err := refer(ctx, "all", nil)
	if err != nil {
		return nil, err
	}
	out := &api.GetAccountSettingsOutput{
		AccountLimit: &api.AccountLimit{TotalCodeSize: new(int64(80_530_636_800)), CodeSizeUnzipped: new(int64(maxUnzipped)), CodeSizeZipped: new(int64(maxZip)),
			ConcurrentExecutions: new(int64(accountConcurrency))},
		AccountUsage: &api.AccountUsage{},
	}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		kept, err := reservedBy(tx, to.scope)
		if err != nil {
			return err
		}
		list, err := functions.List(tx, to.key()...)
		var size, count int64
		for _, f := range list {
			if size += value(f.Config.CodeSize); *f.Config.Version == latest {
				count++
			}
		}
		out.AccountLimit.UnreservedConcurrentExecutions = new(accountConcurrency - kept)
		out.AccountUsage.TotalCodeSize, out.AccountUsage.FunctionCount = &size, &count
		return err
	})
}

// checkTags refuses tags that only AWS gives.
func checkTags(c bus.Caller, tags map[string]string) error {
	for key := range tags {
		if c.ReservedTag(key) {
			return invalid(bus.ReservedTags)
		}
	}
	return nil
}

func (s *Service) tagResource(ctx context.Context, r *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := checkTags(bus.From(ctx), r.Tags); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, s.changeSetting(ctx, *r.Resource, func(_ *store.Tx, _ ref, set *setting) error {
		if set.Tags == nil {
			set.Tags = map[string]string{}
		}
		if maps.Copy(set.Tags, r.Tags); len(set.Tags) > maxTags {
			return invalid("Too many tags. The maximum number of tags is %d.", maxTags)
		}
		return nil
	})
}

func (s *Service) untagResource(ctx context.Context, r *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.changeSetting(ctx, *r.Resource, func(_ *store.Tx, _ ref, set *setting) error {
		for _, k := range r.TagKeys {
			delete(set.Tags, k)
		}
		return nil
	})
}

func (s *Service) listTags(ctx context.Context, r *api.ListTagsInput) (*api.ListTagsOutput, error) {
	_, _, set, err := s.read(ctx, *r.Resource, nil)
	if set.Tags == nil {
		set.Tags = map[string]string{}
	}
	return &api.ListTagsOutput{Tags: set.Tags}, err
}
