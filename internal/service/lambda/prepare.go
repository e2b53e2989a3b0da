package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// prepareKind is the kind of task that makes a function Active.
const prepareKind = "lambda.prepare"

// preparation names what is to be prepared: one version as it was then.
type preparation struct {
	At                      scope
	Name, Version, Revision string
}

// submitPreparation arranges for f to become Active, or its update Successful.
func (s *Service) submitPreparation(tx *store.Tx, at scope, f *function) error {
	p := preparation{at, *f.Config.FunctionName, *f.Config.Version, *f.Config.RevisionId}
	payload, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return s.Work.Submit(tx, work.Task{Kind: prepareKind, ID: s.IDs.UUID(), Payload: payload})
}

// prepareTask prepares a function and records that it did. A function that has
// been changed in the meantime has a task of its own for that.
func (s *Service) prepareTask(ctx context.Context, t *work.Task) error {
	var p preparation
	if err := json.Unmarshal(t.Payload, &p); err != nil {
		return fmt.Errorf("cannot read the task of a function: %w", err)
	}
	key := p.At.key(p.Name, versionKey(p.Version))
	var f function
	var there bool
	if err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		f, there, err = functions.Get(tx, key...)
		return err
	}); err != nil || !there || *f.Config.RevisionId != p.Revision {
		return err
	}
	fault := s.prepare(ctx, &f)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.Store.Keep(ctx, func(tx *store.Tx) error {
		now, there, err := functions.Get(tx, key...)
		if err != nil || !there || *now.Config.RevisionId != p.Revision {
			return err
		}
		settle(&now.Config, fault)
		return functions.Put(tx, now, key...)
	})
}

// settle ends the states Pending and InProgress.
func settle(c *api.FunctionConfiguration, fault error) {
	c.StateReason, c.StateReasonCode, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = nil, nil, nil, nil
	if fault == nil {
		c.State, c.LastUpdateStatus = new(api.StateActive), new(api.LastUpdateStatusSuccessful)
		return
	}
	if value(c.State) == api.StatePending {
		c.State, c.StateReason, c.StateReasonCode = new(api.StateFailed), new(fault.Error()), new(api.StateReasonCodeInternalError)
	}
	c.LastUpdateStatus, c.LastUpdateStatusReason = new(api.LastUpdateStatusFailed), new(fault.Error())
	c.LastUpdateStatusReasonCode = new(api.LastUpdateStatusReasonCodeInternalError)
}

// prepare unpacks code and layers and builds what the runtime needs. That the
// code has no program to start is found when it is invoked, as on AWS.
func (s *Service) prepare(ctx context.Context, f *function) error {
	task, err := s.files.task(f.Code)
	if err != nil {
		return err
	}
	opt, err := s.files.layers(f.Layers)
	if err != nil {
		return err
	}
	_, err = s.launch(ctx, f, task, opt)
	if fault := (*launchError)(nil); errors.As(err, &fault) {
		return nil
	}
	return err
}
