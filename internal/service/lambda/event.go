package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// eventKind is the kind of task that an asynchronous invocation is: one task
// per attempt.
const eventKind = "lambda.event"

// Retries of asynchronous invocations (developer guide, "Error handling for
// asynchronous invocation"): two more attempts, after one and two minutes;
// throttled ones for up to six hours, in pauses of up to five minutes
// (notify.Backoff).
const (
	defaultRetries = 2
	defaultAge     = 6 * time.Hour
)

// accepted is an asynchronous invocation.
type accepted struct {
	ID       string
	To       ref
	Payload  []byte
	Context  string `json:",omitzero"`
	At       time.Time
	Attempts int64 // that have failed
	Delays   int   // that were throttled
	Try      int   // of the task: every one has a name of its own
}

// accept keeps an event; the function runs once that is durable.
func (s *Service) accept(ctx context.Context, to ref, payload []byte, client string) error {
	e := accepted{ID: s.requestID(ctx), To: to, Payload: payload, Context: client, At: s.Clock.Now()}
	return s.Store.Update(ctx, func(tx *store.Tx) error { return s.submitEvent(tx, bus.From(ctx), e, time.Time{}) })
}

func (s *Service) submitEvent(tx *store.Tx, c bus.Caller, e accepted, at time.Time) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return s.Work.Submit(tx, work.Task{Kind: eventKind, ID: fmt.Sprintf("%s/%s/%d", e.To.arn(), e.ID, e.Try), Caller: c, RunAt: at, Payload: payload})
}

// eventTask is one attempt of an asynchronous invocation.
func (s *Service) eventTask(ctx context.Context, t *work.Task) error {
	var e accepted
	if err := json.Unmarshal(t.Payload, &e); err != nil {
		return fmt.Errorf("cannot read an event: %w", err)
	}
	f, _, set, err := s.target(ctx, e.To.unqualified(), optional(e.To.Qualifier))
	if known := awserr.From(err); known != nil && known.Code == "ResourceNotFoundException" {
		s.Log.Warn("event for a function that is gone is dropped", "function", e.To.arn(), "request", e.ID)
		return nil
	}
	if err != nil {
		return err
	}
	config, err := s.eventConfig(ctx, e.To)
	if err != nil {
		return err
	}
	o, err := s.perform(ctx, f, e.To, set, &invocation{id: e.ID, payload: e.Payload, context: e.Context})
	switch known := awserr.From(err); {
	case errors.Is(err, errClosed) || ctx.Err() != nil:
		return errClosed // the next server runs it
	case known != nil && known.Code == "TooManyRequestsException":
		return s.delayed(ctx, t, e, config, f)
	case known != nil:
		o = outcome{answer: failure(known.Code, known.Message), version: *f.Config.Version}
	case err != nil:
		return err
	}
	return s.tried(ctx, t, e, config, f, o)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// eventConfig is how the asynchronous invocations of to are handled.
func (s *Service) eventConfig(ctx context.Context, to ref) (c api.FunctionEventInvokeConfig, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		c, _, err = eventConfigs.Get(tx, to.key(to.Name, qualifierKey(to.Qualifier))...)
		return err
	})
	return c, err
}

func qualifierKey(qualifier string) string {
	if qualifier == "" {
		return latest
	}
	return qualifier
}

func tooOld(config api.FunctionEventInvokeConfig, e accepted, at time.Time) bool {
	age := defaultAge
	if config.MaximumEventAgeInSeconds != nil {
		age = time.Duration(*config.MaximumEventAgeInSeconds) * time.Second
	}
	return at.Sub(e.At) > age
}

// delayed arranges for another try of an event that was throttled.
func (s *Service) delayed(ctx context.Context, t *work.Task, e accepted, config api.FunctionEventInvokeConfig, f *function) error {
	at := s.Clock.Now().Add(notify.Backoff(e.Delays))
	if tooOld(config, e, at) {
		return s.conclude(ctx, e, config, f, "EventAgeExceeded", outcome{version: *f.Config.Version})
	}
	e.Delays, e.Try = e.Delays+1, e.Try+1
	return s.Store.Keep(ctx, func(tx *store.Tx) error { return s.submitEvent(tx, t.Caller, e, at) })
}

// tried ends an event, or arranges for another attempt.
func (s *Service) tried(ctx context.Context, t *work.Task, e accepted, config api.FunctionEventInvokeConfig, f *function, o outcome) error {
	e.Attempts++
	if !o.failed {
		return s.conclude(ctx, e, config, f, "Success", o)
	}
	retries := int64(defaultRetries)
	if config.MaximumRetryAttempts != nil {
		retries = *config.MaximumRetryAttempts
	}
	if e.Attempts > retries {
		return s.conclude(ctx, e, config, f, "RetriesExhausted", o)
	}
	at := s.Clock.Now().Add(time.Duration(e.Attempts) * time.Minute)
	if tooOld(config, e, at) {
		return s.conclude(ctx, e, config, f, "EventAgeExceeded", o)
	}
	e.Try++
	return s.Store.Keep(ctx, func(tx *store.Tx) error { return s.submitEvent(tx, t.Caller, e, at) })
}
