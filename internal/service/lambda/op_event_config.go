package lambda

import (
	"context"
	"time"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/store"
)

func eventConfigNotFound(to ref) error {
	to.Qualifier = qualifierKey(to.Qualifier)
	return user(api.ResourceNotFoundException("The function %s doesn't have an EventInvokeConfig", to.arn()))
}

// changeEventConfig writes how asynchronous invocations are handled.
func (s *Service) changeEventConfig(ctx context.Context, name string, qualifier *string, given *api.FunctionEventInvokeConfig, keep bool) error {
	to, err := refer(ctx, name, qualifier)
	if err != nil {
		return err
	}
	if d := given.DestinationConfig; d != nil {
		for _, target := range []*string{value(d.OnSuccess).Destination, value(d.OnFailure).Destination} {
			if err := s.checkDestination(target); err != nil {
				return err
			}
		}
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, to, nil); err != nil {
			return err
		}
		key := to.key(to.Name, qualifierKey(to.Qualifier))
		was, there, err := eventConfigs.Get(tx, key...)
		switch {
		case err != nil:
			return err
		case keep && !there:
			return eventConfigNotFound(to)
		case keep:
			prefer(&was.MaximumRetryAttempts, given.MaximumRetryAttempts)
			prefer(&was.MaximumEventAgeInSeconds, given.MaximumEventAgeInSeconds)
			prefer(&was.DestinationConfig, given.DestinationConfig)
			*given = was
		}
		if given.DestinationConfig == nil {
			given.DestinationConfig = &api.DestinationConfig{OnSuccess: &api.OnSuccess{}, OnFailure: &api.OnFailure{}}
		}
		to.Qualifier = qualifierKey(to.Qualifier)
		given.FunctionArn, given.LastModified = new(to.arn()), new(s.Clock.Now().Truncate(time.Millisecond))
		return eventConfigs.Put(tx, *given, key...)
	})
}

func (s *Service) putFunctionEventInvokeConfig(ctx context.Context, r *api.PutFunctionEventInvokeConfigInput) (*api.PutFunctionEventInvokeConfigOutput, error) {
	c := &api.FunctionEventInvokeConfig{MaximumRetryAttempts: r.MaximumRetryAttempts, MaximumEventAgeInSeconds: r.MaximumEventAgeInSeconds, DestinationConfig: r.DestinationConfig}
	return (*api.PutFunctionEventInvokeConfigOutput)(c), s.changeEventConfig(ctx, *r.FunctionName, r.Qualifier, c, false)
}

func (s *Service) updateFunctionEventInvokeConfig(ctx context.Context, r *api.UpdateFunctionEventInvokeConfigInput) (*api.UpdateFunctionEventInvokeConfigOutput, error) {
	c := &api.FunctionEventInvokeConfig{MaximumRetryAttempts: r.MaximumRetryAttempts, MaximumEventAgeInSeconds: r.MaximumEventAgeInSeconds, DestinationConfig: r.DestinationConfig}
	return (*api.UpdateFunctionEventInvokeConfigOutput)(c), s.changeEventConfig(ctx, *r.FunctionName, r.Qualifier, c, true)
}

func (s *Service) getFunctionEventInvokeConfig(ctx context.Context, r *api.GetFunctionEventInvokeConfigInput) (*api.GetFunctionEventInvokeConfigOutput, error) {
	to, err := refer(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	var c api.FunctionEventInvokeConfig
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		var there bool
		if c, there, err = eventConfigs.Get(tx, to.key(to.Name, qualifierKey(to.Qualifier))...); err == nil && !there {
			err = eventConfigNotFound(to)
		}
		return err
	})
	return (*api.GetFunctionEventInvokeConfigOutput)(&c), err
}

func (s *Service) deleteFunctionEventInvokeConfig(ctx context.Context, r *api.DeleteFunctionEventInvokeConfigInput) (*api.DeleteFunctionEventInvokeConfigOutput, error) {
	to, err := refer(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	return &api.DeleteFunctionEventInvokeConfigOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		there, err := eventConfigs.Delete(tx, to.key(to.Name, qualifierKey(to.Qualifier))...)
		if err == nil && !there {
			err = eventConfigNotFound(to)
		}
		return err
	})
}

func (s *Service) listFunctionEventInvokeConfigs(ctx context.Context, r *api.ListFunctionEventInvokeConfigsInput) (*api.ListFunctionEventInvokeConfigsOutput, error) {
	to, err := refer(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	out := &api.ListFunctionEventInvokeConfigsOutput{FunctionEventInvokeConfigs: []api.FunctionEventInvokeConfig{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, ref{scope: to.scope, Name: to.Name}, nil); err != nil {
			return err
		}
		list, next, err := page(tx, eventConfigs, r.Marker, r.MaxItems, 50, to.key(to.Name)...)
		out.FunctionEventInvokeConfigs, out.NextMarker = append(out.FunctionEventInvokeConfigs, list...), next
		return err
	})
}
