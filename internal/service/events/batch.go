package events

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// item is an event that a rule has matched.
type item struct {
	ID        string
	Event     json.RawMessage
	Forwarded bool   `json:",omitempty"`
	Replay    string `json:",omitempty"` // the replay that put it again
}

// batch is events of one request on their way to one queue: the payload of a task.
type batch struct {
	Items          []item
	Rule, RuleName string
	Target         api.Target
	Ingested       time.Time
}

// sqsBatch is how many messages SendMessageBatch takes.
const sqsBatch = 10

// batched reports whether a target takes several events at once: a standard queue,
// which keeps no order.
func batched(t *api.Target) bool {
	a, ok := bus.ParseARN(*t.Arn)
	return ok && a.Service == "sqs" && !strings.HasSuffix(a.Resource, ".fifo")
}

func (b *batch) task(c bus.Caller) (work.Task, error) {
	payload, err := json.Marshal(b)
	if err != nil {
		return work.Task{}, fmt.Errorf("cannot write the delivery of event %s: %w", b.Items[0].ID, err)
	}
	return work.Task{Kind: BatchKind, ID: b.Items[0].ID + "/" + b.Rule + "/" + *b.Target.Id + "/" + b.Items[0].Replay, Payload: payload,
		Caller: bus.Caller{Account: c.Account, Region: c.Region, Source: "events"}}, nil
}

// delivery is that of one of the events.
func (b *batch) delivery(i int) *delivery {
	e := &b.Items[i]
	return &delivery{EventID: e.ID, Event: e.Event, Rule: b.Rule, RuleName: b.RuleName, Target: b.Target, Ingested: b.Ingested, Forwarded: e.Forwarded, Replay: e.Replay}
}

// deliverBatch is the task of a batch. What the queue does not take of it becomes a
// delivery of its own.
func (s *Service) deliverBatch(ctx context.Context, task *work.Task) error {
	var b batch
	if err := json.Unmarshal(task.Payload, &b); err != nil {
		return fmt.Errorf("cannot read delivery %s: %w", task.ID, err)
	}
	left := map[int]bool{}
	a, _ := bus.ParseARN(*b.Target.Arn)
	in := &sqs.SendMessageBatchInput{QueueUrl: notify.QueueURL(a)}
	for i := range b.Items {
		input, err := b.delivery(i).input()
		if left[i] = true; err != nil {
			continue // its own delivery says why
		}
		in.Entries = append(in.Entries, sqs.SendMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), MessageBody: &input, MessageGroupId: groupOf(&b.Target)})
	}
	if len(in.Entries) > 0 {
		out, err := bus.Invoke[sqs.SendMessageBatchOutput](s.sender().At(ctx, a), s.Bus, "sqs", "SendMessageBatch", in)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			return cause // the next server delivers it
		}
		if err == nil {
			for _, done := range out.Successful {
				i, _ := strconv.Atoi(value(done.Id))
				delete(left, i)
			}
		}
	}
	if len(left) == 0 {
		return nil
	}
	return s.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		for i := range b.Items {
			if !left[i] {
				continue
			}
			one, err := b.delivery(i).task(task.Caller)
			if err == nil {
				err = s.Work.Submit(tx, one)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// groupOf is the message group of a queue's messages.
func groupOf(t *api.Target) *string {
	if t.SqsParameters == nil {
		return nil
	}
	return t.SqsParameters.MessageGroupId
}
