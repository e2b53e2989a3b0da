package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// The kinds of the service's tasks.
const (
	DeliveryKind = "events.delivery"
	BatchKind    = "events.batch"
	ScheduleKind = "events.schedule"
	ReplayKind   = "events.replay"
)

// delivery is an event on its way to one target: the payload of a task.
type delivery struct {
	EventID        string
	Event          json.RawMessage
	Rule, RuleName string
	Target         api.Target
	Ingested       time.Time
	Attempt        int    // deliveries that failed
	Paced          int    `json:",omitempty"` // times it waited for a rate limit
	Forwarded      bool   `json:",omitempty"` // the event came from another bus
	Replay         string `json:",omitempty"` // the replay that put it again
}

func (d *delivery) task(c bus.Caller) (work.Task, error) {
	payload, err := json.Marshal(d)
	if err != nil {
		return work.Task{}, fmt.Errorf("cannot write the delivery of event %s: %w", d.EventID, err)
	}
	return work.Task{Kind: DeliveryKind, ID: d.EventID + "/" + d.Rule + "/" + *d.Target.Id + "/" + strconv.Itoa(d.Attempt) + "." + strconv.Itoa(d.Paced) + "/" + d.Replay, Payload: payload,
		Caller: bus.Caller{Account: c.Account, Region: c.Region, Source: "events"}}, nil
}

// deliveries are the tasks that bring events to the rule's targets.
func (r *rule) deliveries(c bus.Caller, list []item, now time.Time) (tasks []work.Task, err error) {
	add := func(t work.Task, e error) {
		tasks, err = append(tasks, t), errors.Join(err, e)
	}
	for _, t := range r.Targets {
		if len(list) > 1 && batched(&t) {
			for part := range slices.Chunk(list, sqsBatch) {
				add((&batch{Items: part, Rule: r.ARN, RuleName: r.Name, Target: t, Ingested: now}).task(c))
			}
			continue
		}
		for _, e := range list {
			add((&delivery{EventID: e.ID, Event: e.Event, Rule: r.ARN, RuleName: r.Name, Target: t, Ingested: now, Forwarded: e.Forwarded, Replay: e.Replay}).task(c))
		}
	}
	return tasks, err
}

// deliver is the task of a delivery.
func (s *Service) deliver(ctx context.Context, task *work.Task) error {
	var d delivery
	if err := json.Unmarshal(task.Payload, &d); err != nil {
		return fmt.Errorf("cannot read delivery %s: %w", task.ID, err)
	}
	input, err := d.input()
	if err != nil {
		err = notify.Refuse(err) // it would come to the same again
	} else {
		err = s.send(ctx, &d, input)
	}
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause // the next server delivers it
	}
	if p := (pacedError{}); errors.As(err, &p) {
		d.Paced++
		return s.again(ctx, task.Caller, &d, p.wait)
	}
	return s.failed(ctx, task.Caller, &d, err)
}

// again submits a delivery after a pause.
func (s *Service) again(ctx context.Context, c bus.Caller, d *delivery, wait time.Duration) error {
	next, err := d.task(c)
	if err != nil {
		return err
	}
	next.RunAt = s.Clock.Now().Add(wait)
	return s.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return s.Work.Submit(tx, next) })
}

// failed arranges for a delivery to be tried again, or gives it up.
func (s *Service) failed(ctx context.Context, c bus.Caller, d *delivery, err error) error {
	p := d.Target.RetryPolicy
	if p == nil {
		p = &api.RetryPolicy{}
	}
	next := notify.NewPolicy(p.MaximumRetryAttempts, p.MaximumEventAgeInSeconds).Judge(err, d.Attempt, d.Ingested, s.Clock.Now())
	if next.Again {
		d.Attempt++
		return s.again(ctx, c, d, next.Wait)
	}
	s.Log.Warn("event could not be delivered", "event", d.EventID, "rule", d.Rule, "target", *d.Target.Arn, "attempts", d.Attempt+1, "error", err)
	return s.bury(ctx, d, err, next.Exhausted)
}

// failureCode is what a dead-letter queue hears of a failure: one of the codes that the
// user guide lists under "Using dead-letter queues", and the target's words.
func failureCode(failure error) (code, message string) {
	e := awserr.From(failure)
	if e == nil {
		var timeout interface{ Timeout() bool }
		switch {
		case errors.As(failure, &timeout) && timeout.Timeout():
			return "TIMEOUT", failure.Error()
		case errors.As(failure, &timeout): // of package net
			return "CONNECTION_FAILURE", failure.Error()
		}
		return "SDK_CLIENT_ERROR", failure.Error()
	}
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(e.Code, w) })
	}
	switch {
	case has("Throttl", "TooManyRequests"):
		code = "THROTTLING"
	case has("AccessDenied", "NotAuthorized", "AuthorizationError"):
		code = "NO_PERMISSIONS"
	case has("NotFound", "DoesNotExist", "NonExistent") || e.HTTPStatus() == 404:
		code = "NO_RESOURCE"
	case has("LimitExceeded", "QuotaExceeded"):
		code = "RESOURCE_LIMIT_EXCEEDED"
	case has("AlreadyExists"):
		code = "RESOURCE_ALREADY_EXISTS"
	case has("Invalid", "Validation", "MissingParameter"):
		code = "INVALID_PARAMETER"
	case e.HTTPStatus() >= 500 && e.HTTPStatus() != 501:
		code = "INTERNAL_ERROR"
	default:
		code = "ERROR_FROM_TARGET"
	}
	return code, e.Message
}

// bury sends an event that could not be delivered to the target's dead-letter
// queue, where it has one ("Using dead-letter queues to process undelivered events").
func (s *Service) bury(ctx context.Context, d *delivery, failure error, exhausted string) error {
	if d.Target.DeadLetterConfig == nil {
		return nil
	}
	code, message := failureCode(failure)
	m := &notify.Message{Body: string(d.Event), Attributes: map[string]string{"RULE_ARN": d.Rule, "TARGET_ARN": *d.Target.Arn, "ERROR_CODE": code, "ERROR_MESSAGE": message}}
	if exhausted != "" {
		m.Attributes["EXHAUSTED_RETRY_CONDITION"], m.Attributes["RETRY_ATTEMPTS"] = exhausted, strconv.Itoa(d.Attempt)
	}
	return s.sender().Bury(ctx, d.Target.DeadLetterConfig.Arn, m)
}

func (s *Service) sender() notify.Sender {
	return notify.Sender{Bus: s.Bus, Source: "events", Log: s.Log}
}
