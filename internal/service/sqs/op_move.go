package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	api "stepwell/internal/awsapi/sqs"
	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// States of a task that moves messages.
const (
	running    = "RUNNING"
	completed  = "COMPLETED"
	cancelling = "CANCELLING"
	cancelled  = "CANCELLED"
	stopped    = "FAILED"
)

// moveTask moves the messages of a dead-letter queue.
type moveTask struct {
	ID, Source, Target string // ARNs; no target: where each message came from
	Rate               int64  // messages per second; 0: as fast as it goes
	Status             string
	Moved, ToMove      int64
	Reason             string `json:",omitempty"`
	Started            time.Time
}

func (t *moveTask) put(tx *store.Tx) error {
	a, _ := bus.ParseARN(t.Source)
	return moves.Put(tx, *t, a.Account, a.Region, a.Resource, t.ID)
}

func (t *moveTask) handle() string {
	return base64.StdEncoding.EncodeToString([]byte(t.ID + " " + t.Source))
}

func findMove(tx *store.Tx, source, id string) (t moveTask, ok bool, err error) {
	a, _ := bus.ParseARN(source)
	return moves.Get(tx, a.Account, a.Region, a.Resource, id)
}

func (s *Service) startMessageMoveTask(ctx context.Context, in *api.StartMessageMoveTaskInput) (*api.StartMessageMoveTaskOutput, error) {
	q, err := s.byARN(*in.SourceArn)
	if err != nil {
		return nil, noResource()
	}
	if in.DestinationArn != nil {
		to, err := s.byARN(*in.DestinationArn)
		if err != nil {
			return nil, noResource()
		}
		if to.FIFO != q.FIFO {
			return nil, invalid("Source queue and destination queue must be of the same type.")
		}
	}
	if r := in.MaxNumberOfMessagesPerSecond; r != nil && (*r < 1 || *r > 500) {
		return nil, badValue(*r, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500.")
	}
	s.mu.Lock()
	isTarget := false
	for _, other := range s.queues {
		isTarget = isTarget || other.deadLetters() == q.ARN
	}
	q.advance(s.Clock.Now())
	t := moveTask{ID: s.IDs.UUID(), Source: q.ARN, Target: text(in.DestinationArn), Status: running, Started: s.Clock.Now(), ToMove: int64(q.count[ready])}
	s.mu.Unlock()
	if !isTarget {
		return nil, invalid("Source queue must be configured as a Dead Letter Queue.")
	}
	if in.MaxNumberOfMessagesPerSecond != nil {
		t.Rate = *in.MaxNumberOfMessagesPerSecond
	}
	payload, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("cannot write the task: %w", err)
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		a, _ := bus.ParseARN(t.Source)
		old, err := moves.List(tx, a.Account, a.Region, a.Resource)
		if err != nil {
			return err
		}
		for _, o := range old {
			if o.Status == running || o.Status == cancelling {
				return api.UnsupportedOperation("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
			}
		}
		if err := t.put(tx); err != nil {
			return err
		}
		return s.Work.Submit(tx, work.Task{Kind: Kind, ID: t.ID, Caller: bus.From(ctx), Payload: payload})
	})
	if err != nil {
		return nil, err
	}
	return &api.StartMessageMoveTaskOutput{TaskHandle: new(t.handle())}, nil
}

func noResource() error {
	return api.ResourceNotFoundException("The resource that you specified for the SourceArn parameter doesn't exist.")
}

// move is the task of a move. What it has moved is kept with each message, so that
// a restarted one goes on.
func (s *Service) move(ctx context.Context, task *work.Task) error {
	var t moveTask
	if err := json.Unmarshal(task.Payload, &t); err != nil {
		return fmt.Errorf("cannot read move %s: %w", task.ID, err)
	}
	status, reason := completed, ""
	for {
		more, err := s.moveOne(ctx, &t)
		switch {
		case errors.Is(context.Cause(ctx), work.ErrCancelled):
			status, more = cancelled, false
		case context.Cause(ctx) != nil:
			return context.Cause(ctx)
		case errors.Is(err, errNoDestination):
			status, reason, more = stopped, "Could not find or not allowed to access the destination queue.", false
		case err != nil:
			return err
		}
		if !more {
			break
		}
		if t.Rate > 0 {
			_ = s.Clock.Sleep(ctx, time.Second/time.Duration(t.Rate)) // an end of ctx is seen above
		}
	}
	return s.Store.Keep(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		kept, ok, err := findMove(tx, t.Source, t.ID)
		if err != nil || !ok {
			return err
		}
		kept.Status, kept.Reason = status, reason
		return kept.put(tx)
	})
}

var errNoDestination = errors.New("no destination")

// moveOne moves one message; more is false where there was none. It is a new
// message with a new id.
func (s *Service) moveOne(ctx context.Context, t *moveTask) (more bool, err error) {
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	q, err := s.byARN(t.Source)
	if err != nil {
		return false, nil
	}
	s.mu.Lock()
	now := s.Clock.Now()
	q.advance(now)
	taken := q.take(1, now.Add(time.Minute))
	s.mu.Unlock()
	if len(taken) == 0 {
		return false, nil
	}
	e := taken[0]
	to := t.Target
	if to == "" {
		to = e.Source
	}
	target, err := s.byARN(to)
	if err == nil {
		err = s.Store.Update(ctx, func(tx *store.Tx) error {
			m := *e.message
			m.ID, m.Sent, m.Source, m.Visible = s.IDs.UUID(), now.Truncate(time.Millisecond), "", time.Time{}
			if q.FIFO {
				m.Dedup = m.ID // what was sent before is not taken for the same
			}
			if err := s.put(tx, target, &m, receipt{}); err != nil {
				return err
			}
			kept, ok, err := findMove(tx, t.Source, t.ID)
			if err != nil || !ok {
				return err
			}
			kept.Moved++
			if err := kept.put(tx); err != nil {
				return err
			}
			return s.remove(tx, q, taken)
		})
	} else {
		err = errNoDestination
	}
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.state == inFlight {
			q.set(e, ready, time.Time{})
		}
		return false, err
	}
	return true, nil
}

func (s *Service) cancelMessageMoveTask(ctx context.Context, in *api.CancelMessageMoveTaskInput) (*api.CancelMessageMoveTaskOutput, error) {
	b, err := base64.StdEncoding.DecodeString(*in.TaskHandle)
	id, source, ok := strings.Cut(string(b), " ")
	if err != nil || !ok {
		return nil, badValue(*in.TaskHandle, "TaskHandle", "The specified task handle is invalid.")
	}
	out := &api.CancelMessageMoveTaskOutput{}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		t, ok, err := findMove(tx, source, id)
		if err != nil {
			return err
		}
		if !ok {
			return api.ResourceNotFoundException("Task does not exist.")
		}
		if t.Status != running {
			return api.UnsupportedOperation("Only active tasks can be cancelled.")
		}
		t.Status, out.ApproximateNumberOfMessagesMoved = cancelling, &t.Moved
		tx.AfterCommit(func() { s.Work.Cancel(Kind, id) })
		return t.put(tx)
	})
	return out, err
}

func (s *Service) listMessageMoveTasks(ctx context.Context, in *api.ListMessageMoveTasksInput) (*api.ListMessageMoveTasksOutput, error) {
	q, err := s.byARN(*in.SourceArn)
	if err != nil {
		return nil, noResource()
	}
	most := 1
	if in.MaxResults != nil {
		if most = int(*in.MaxResults); most < 1 || most > 10 {
			return nil, badValue(most, "MaxResults", "Must be between 1 and 10.")
		}
	}
	var list []moveTask
	if err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		list, err = moves.List(tx, q.Account, q.Region, q.Name)
		return err
	}); err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b moveTask) int { return b.Started.Compare(a.Started) })
	out := &api.ListMessageMoveTasksOutput{}
	for _, t := range list[:min(most, len(list))] {
		e := api.ListMessageMoveTasksResultEntry{Status: &t.Status, SourceArn: &t.Source, ApproximateNumberOfMessagesMoved: &t.Moved,
			ApproximateNumberOfMessagesToMove: &t.ToMove, StartedTimestamp: new(t.Started.UnixMilli())}
		if t.Status == running {
			e.TaskHandle = new(t.handle())
		}
		if t.Target != "" {
			e.DestinationArn = &t.Target
		}
		if t.Rate > 0 {
			e.MaxNumberOfMessagesPerSecond = &t.Rate
		}
		if t.Reason != "" {
			e.FailureReason = &t.Reason
		}
		out.Results = append(out.Results, e)
	}
	return out, nil
}
