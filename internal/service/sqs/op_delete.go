package sqs

import (
	"context"
	"time"

	api "stepwell/internal/awsapi/sqs"
	"stepwell/internal/store"
)

// maxHeld is how long a message can be in flight after a receive.
const maxHeld = 12 * time.Hour

// held finds the message of a receipt handle; nil where it is gone, or, of a
// standard queue, has been received again since: SQS takes such a deletion and
// does nothing.
func (s *Service) held(q *queue, text string) (*entry, error) {
	seq, nonce, err := parseHandle(q, text)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q.advance(s.Clock.Now())
	e := q.entries[seq]
	switch {
	case e == nil:
		return nil, nil
	case e.receipt.Nonce != nonce || q.FIFO && e.state != inFlight:
		if q.FIFO {
			return nil, badValue(text, "ReceiptHandle", "The receipt handle has expired.")
		}
		return nil, nil
	}
	return e, nil
}

func (s *Service) deleteMessage(ctx context.Context, in *api.DeleteMessageInput) (*api.DeleteMessageOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	e, err := s.held(q, *in.ReceiptHandle)
	if err != nil || e == nil {
		return &api.DeleteMessageOutput{}, err
	}
	return &api.DeleteMessageOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error { return s.remove(tx, q, []*entry{e}) })
}

func (s *Service) deleteMessageBatch(ctx context.Context, in *api.DeleteMessageBatchInput) (*api.DeleteMessageBatchOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, func(e *api.DeleteMessageBatchRequestEntry) *string { return e.Id }); err != nil {
		return nil, err
	}
	out := &api.DeleteMessageBatchOutput{Successful: []api.DeleteMessageBatchResultEntry{}, Failed: []api.BatchResultErrorEntry{}}
	var list []*entry
	for i := range in.Entries {
		e, err := s.held(q, text(in.Entries[i].ReceiptHandle))
		if err != nil {
			f, err := failed(in.Entries[i].Id, err)
			if err != nil {
				return nil, err
			}
			out.Failed = append(out.Failed, *f)
			continue
		}
		if e != nil {
			list = append(list, e)
		}
		out.Successful = append(out.Successful, api.DeleteMessageBatchResultEntry{Id: in.Entries[i].Id})
	}
	if len(list) == 0 {
		return out, nil
	}
	return out, s.Store.Update(ctx, func(tx *store.Tx) error { return s.remove(tx, q, list) })
}

func (s *Service) changeMessageVisibility(ctx context.Context, in *api.ChangeMessageVisibilityInput) (*api.ChangeMessageVisibilityOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return &api.ChangeMessageVisibilityOutput{}, s.hold(ctx, q, *in.ReceiptHandle, in.VisibilityTimeout)
}

// hold changes how long a message stays in flight.
func (s *Service) hold(ctx context.Context, q *queue, text string, timeout *int64) error {
	if timeout == nil {
		return missing("VisibilityTimeout")
	}
	if *timeout < 0 || *timeout > 43_200 {
		return badValue(*timeout, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	e, err := s.held(q, text)
	if err != nil {
		return err
	}
	if e == nil {
		return badValue(text, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	}
	s.mu.Lock()
	r, now := e.receipt, s.Clock.Now()
	flying := e.state == inFlight
	s.mu.Unlock()
	if !flying {
		return api.MessageNotInflight("The message referred to isn't in flight.")
	}
	r.Visible = now.Add(time.Duration(*timeout) * time.Second)
	if r.Visible.Sub(r.First) > maxHeld && r.Count == 1 {
		return badValue(*timeout, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		tx.AfterCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if e.state == inFlight && e.receipt.Nonce == r.Nonce {
				e.receipt = r
				q.set(e, inFlight, r.Visible)
			}
		})
		return receipts.Put(tx, r, q.ID, key(e.Seq))
	})
}

func (s *Service) changeMessageVisibilityBatch(ctx context.Context, in *api.ChangeMessageVisibilityBatchInput) (*api.ChangeMessageVisibilityBatchOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, func(e *api.ChangeMessageVisibilityBatchRequestEntry) *string { return e.Id }); err != nil {
		return nil, err
	}
	out := &api.ChangeMessageVisibilityBatchOutput{Successful: []api.ChangeMessageVisibilityBatchResultEntry{}, Failed: []api.BatchResultErrorEntry{}}
	for i := range in.Entries {
		e := &in.Entries[i]
		if err := s.hold(ctx, q, text(e.ReceiptHandle), e.VisibilityTimeout); err != nil {
			f, err := failed(e.Id, err)
			if err != nil {
				return nil, err
			}
			out.Failed = append(out.Failed, *f)
			continue
		}
		out.Successful = append(out.Successful, api.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
	}
	return out, nil
}
