package secretsmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	lambdaapi "stepwell/internal/awsapi/lambda"
	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/schedule"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// RotationKind is the kind of the tasks that rotate secrets, now or when they are due.
const RotationKind = "secretsmanager.rotation"

const (
	pending          = "AWSPENDING"
	rotationAttempts = 5
	rotationPause    = 30 * time.Second // before the next attempt, times the attempts so far
)

// rotation is how a secret is rotated ("Rotate AWS Secrets Manager secrets", user
// guide).
type rotation struct {
	Enabled    bool
	Lambda     string
	Rules      *api.RotationRulesType `json:",omitempty"`
	Last, Next time.Time              `json:",omitzero"`
	Version    string                 `json:",omitempty"` // being rotated to
}

// rotationTask is the payload of a task: rotate to the version Token, test the
// function with it, or, where it is "", begin the rotation that is due.
type rotationTask struct {
	ARN, Token string
	Test       bool      `json:",omitempty"`
	Due        time.Time `json:",omitzero"`
	Failed     int       `json:",omitempty"` // attempts
}

// next is when a rotation after the given time is due; zero for never.
func (r *rotation) next(after time.Time) time.Time {
	switch {
	case r.Rules == nil:
		return time.Time{}
	case r.Rules.AutomaticallyAfterDays != nil:
		return after.Add(time.Duration(*r.Rules.AutomaticallyAfterDays) * day)
	case r.Rules.ScheduleExpression != nil:
		s, err := schedule.ParseRule(*r.Rules.ScheduleExpression)
		if err != nil {
			return time.Time{} // it was checked
		}
		at, ok := s.Next(after, after)
		if ok {
			return at
		}
	}
	return time.Time{}
}

// Register gives the engine the service's kind of task.
func (s *Service) Register(e *work.Engine) {
	e.Handle(RotationKind, work.Kind{Run: s.rotate, Resume: work.Rerun})
}

func (s *Service) submit(tx *store.Tx, x *secret, t rotationTask, at time.Time) error {
	t.ARN = x.ARN
	payload, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.Work.Submit(tx, work.Task{Kind: RotationKind, ID: s.IDs.UUID(), Payload: payload, RunAt: at,
		Caller: bus.Caller{Account: x.Account, Region: x.Region, Source: "secretsmanager"}})
}

// begin makes the version that a rotation is to fill, and arranges for it.
func (s *Service) begin(tx *store.Tx, x *secret, token string, test bool) error {
	if x.Versions == nil {
		x.Versions = map[string]version{}
	}
	x.Versions[token] = version{Created: s.Clock.Now()}
	x.move(token, pending)
	x.Rotation.Version = token
	return s.submit(tx, x, rotationTask{Token: token, Test: test}, time.Time{})
}

// plan arranges for the next rotation after now.
func (s *Service) plan(tx *store.Tx, x *secret) error {
	x.Rotation.Next = x.Rotation.next(s.Clock.Now())
	if x.Rotation.Next.IsZero() {
		return nil
	}
	return s.submit(tx, x, rotationTask{Due: x.Rotation.Next}, x.Rotation.Next)
}

// rotate is a task.
func (s *Service) rotate(ctx context.Context, t *work.Task) error {
	var task rotationTask
	if err := json.Unmarshal(t.Payload, &task); err != nil {
		return fmt.Errorf("cannot read rotation %s: %w", t.ID, err)
	}
	if task.Token == "" {
		return s.keepRotation(ctx, task.ARN, func(tx *store.Tx, x *secret) error {
			if !x.Rotation.Enabled || !x.Rotation.Next.Equal(task.Due) {
				return nil // it was changed since
			}
			if err := s.plan(tx, x); err != nil {
				return err
			}
			return s.begin(tx, x, s.IDs.UUID(), false)
		})
	}
	var function string
	err := s.keepRotation(ctx, task.ARN, func(_ *store.Tx, x *secret) error {
		if x.Rotation.Version == task.Token {
			function = x.Rotation.Lambda
		}
		return nil
	})
	if err != nil || function == "" {
		return err
	}
	steps := []string{"createSecret", "setSecret", "testSecret", "finishSecret"}
	if task.Test {
		steps = []string{"testSecret"}
	}
	for _, step := range steps {
		if err := s.invoke(ctx, function, step, task); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			s.Log.Warn("a rotation failed", "secret", task.ARN, "step", step, "attempt", task.Failed+1, "error", err)
			return s.failed(ctx, task)
		}
	}
	return s.rotated(ctx, task)
}

// invoke asks the rotation function for a step.
func (s *Service) invoke(ctx context.Context, function, step string, t rotationTask) error {
	payload, err := json.Marshal(map[string]string{"Step": step, "SecretId": t.ARN, "ClientRequestToken": t.Token})
	if err != nil {
		return err
	}
	out, err := bus.Invoke[lambdaapi.InvokeOutput](ctx, s.Bus, "lambda", "Invoke", &lambdaapi.InvokeInput{FunctionName: &function, Payload: payload})
	switch {
	case err != nil:
		return err
	case out.FunctionError != nil:
		return fmt.Errorf("%s: %s", *out.FunctionError, out.Payload)
	}
	return nil
}

// keepRotation runs f on the secret of a task; one that is gone, or rotated no
// more, is left alone.
func (s *Service) keepRotation(ctx context.Context, arn string, f func(*store.Tx, *secret) error) error {
	return s.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		x, err := s.living(tx, bus.From(ctx), arn)
		if awserr.From(err) != nil || err == nil && x.Rotation == nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(tx, x); err != nil {
			return err
		}
		return x.put(tx)
	})
}

// failed arranges for another attempt, or gives the rotation up: the next one
// begins anew.
func (s *Service) failed(ctx context.Context, t rotationTask) error {
	t.Failed++
	return s.keepRotation(ctx, t.ARN, func(tx *store.Tx, x *secret) error {
		switch {
		case x.Rotation.Version != t.Token:
			return nil
		case !t.Test && t.Failed < rotationAttempts:
			return s.submit(tx, x, t, s.Clock.Now().Add(time.Duration(t.Failed)*rotationPause))
		}
		x.Rotation.Version = ""
		if t.Test {
			x.detach(t.Token, pending)
		}
		return nil
	})
}

// rotated ends a rotation: the version is current, if the function made it so.
func (s *Service) rotated(ctx context.Context, t rotationTask) error {
	ended := t.Test
	err := s.keepRotation(ctx, t.ARN, func(_ *store.Tx, x *secret) error {
		if x.Rotation.Version != t.Token {
			ended = true
			return nil
		}
		if !t.Test && !slices.Contains(x.Versions[t.Token].Stages, current) {
			return nil
		}
		ended = true
		x.detach(t.Token, pending)
		x.Rotation.Version = ""
		if !t.Test {
			x.Rotation.Last = s.Clock.Now()
		}
		return nil
	})
	if err != nil || ended {
		return err
	}
	s.Log.Warn("a rotation failed: the function did not make its version current", "secret", t.ARN)
	return s.failed(ctx, t)
}
