package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// OrderedKind is the kind of the tasks that deliver messages of FIFO topics.
const OrderedKind = "sns.ordered"

// ordered are the deliveries of FIFO topics that have not ended, in the order of
// each subscription's message groups.
var ordered = store.NewTable[delivery]("sns_ordered") // account, region, topic, subscription, group, sequence number

// submitOrdered adds the task of a delivery that comes after those before it.
func (s *Service) submitOrdered(tx *store.Tx, d *delivery) error {
	if err := ordered.Put(tx, *d, d.Account, d.Region, d.Topic, d.ID, d.Group, d.Sequence); err != nil {
		return err
	}
	payload, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("cannot write a delivery: %w", err)
	}
	return s.Work.Submit(tx, work.Task{Kind: OrderedKind, ID: d.MessageID + "/" + d.ID, Payload: payload,
		Caller: bus.Caller{Account: d.Account, Region: d.Region, Source: "sns"}})
}

// deliverInOrder is the task of a message of a FIFO topic: it delivers what the
// group has up to that message, unless another task has done so.
func (s *Service) deliverInOrder(ctx context.Context, task *work.Task) error {
	var last delivery
	if err := json.Unmarshal(task.Payload, &last); err != nil {
		return fmt.Errorf("cannot read delivery %s: %w", task.ID, err)
	}
	group := []string{last.Account, last.Region, last.Topic, last.ID, last.Group}
	lock, _ := s.groups.LoadOrStore(store.Key(group...), &sync.Mutex{})
	lock.(*sync.Mutex).Lock()
	defer lock.(*sync.Mutex).Unlock()
	for {
		var first []delivery
		if err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
			first, _, err = ordered.Page(tx, "", 1, group...)
			return err
		}); err != nil {
			return err
		}
		if len(first) == 0 || first[0].Sequence > last.Sequence {
			return nil
		}
		if err := s.deliverOne(ctx, &first[0]); err != nil {
			return err
		}
		if err := s.Store.Keep(context.WithoutCancel(ctx), func(tx *store.Tx) error {
			_, err := ordered.Delete(tx, append(group, first[0].Sequence)...)
			return err
		}); err != nil {
			return err
		}
	}
}

// deliverOne tries until the message is delivered, given up or refused.
func (s *Service) deliverOne(ctx context.Context, d *delivery) error {
	for {
		t, x, err := s.ends(ctx, d)
		if err != nil || x == nil {
			return err
		}
		failure := s.send(ctx, t, x, d)
		if failure == nil {
			return nil
		}
		if err := context.Cause(ctx); err != nil {
			return err // the next server delivers it
		}
		policy, _ := t.retries(x)
		d.Attempt++
		wait, again := policy.delay(d.Attempt)
		if !notify.Retriable(failure) || !again {
			s.Log.Warn("message could not be delivered", "subscription", x.ARN, "message", d.MessageID, "attempts", d.Attempt, "error", failure)
			return s.bury(ctx, t, x, d, failure)
		}
		if err := s.Clock.Sleep(ctx, wait); err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}
