package sqs

import (
	"context"
	"reflect"
	"regexp"
	"time"

	api "stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) sendMessage(ctx context.Context, in *api.SendMessageInput) (*api.SendMessageOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	o := outgoing{MessageBody: in.MessageBody, DelaySeconds: in.DelaySeconds, MessageAttributes: in.MessageAttributes,
		MessageSystemAttributes: in.MessageSystemAttributes, MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId}
	m, err := s.outgoing(ctx, q, &o)
	if err != nil {
		return nil, err
	}
	if err := s.send(ctx, q, []*message{m}); err != nil {
		return nil, err
	}
	out := &api.SendMessageOutput{MessageId: &m.ID, MD5OfMessageBody: &m.MD5}
	if m.AttributesMD5 != "" {
		out.MD5OfMessageAttributes = &m.AttributesMD5
	}
	if m.TraceMD5 != "" {
		out.MD5OfMessageSystemAttributes = &m.TraceMD5
	}
	if q.FIFO {
		out.SequenceNumber = new(sequence(m.Seq))
	}
	return out, nil
}

func (s *Service) outgoing(ctx context.Context, q *queue, o *outgoing) (*message, error) {
	s.mu.Lock()
	r := q.record
	s.mu.Unlock()
	m, err := o.message(&r, s.Clock.Now())
	if err != nil {
		return nil, err
	}
	m.ID, m.Sender = s.IDs.UUID(), bus.From(ctx).Account
	return m, nil
}

// send keeps messages and gives them to the queue. One that a FIFO queue has had
// in the last five minutes gets that one's id.
func (s *Service) send(ctx context.Context, q *queue, list []*message) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		for _, m := range list {
			if err := s.put(tx, q, m, receipt{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// put adds a message to a queue, which gets it when tx is durable.
func (s *Service) put(tx *store.Tx, q *queue, m *message, r receipt) error {
	s.mu.Lock()
	s.next++
	m.Seq = s.next
	away := q.deleted
	s.mu.Unlock()
	if away {
		return noQueue()
	}
	if q.FIFO && m.Source == "" {
		if again, err := s.duplicate(tx, q, m); err != nil || again {
			return err
		}
	}
	if r.Count > 0 {
		r.Seq = m.Seq
		if err := receipts.Put(tx, r, q.ID, key(m.Seq)); err != nil {
			return err
		}
	}
	tx.AfterCommit(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		q.insert(m, r)
	})
	return messages.Put(tx, *m, q.ID, key(m.Seq))
}

// duplicate remembers a message of a FIFO queue, or gives it the id of the one
// that it repeats.
func (s *Service) duplicate(tx *store.Tx, q *queue, m *message) (again bool, err error) {
	scope := ""
	if q.word("DeduplicationScope") == "messageGroup" {
		scope = m.Group
	}
	old, ok, err := duplicates.Get(tx, q.ID, scope, m.Dedup)
	if err != nil {
		return false, err
	}
	if ok && m.Sent.Sub(old.At) < dedupWindow {
		m.ID, m.Seq = old.ID, old.Seq
		return true, nil
	}
	if m.Seq%1000 == 0 {
		if err := dropDuplicates(tx, q, m.Sent); err != nil {
			return false, err
		}
	}
	return false, duplicates.Put(tx, duplicate{scope, m.Dedup, m.ID, m.Seq, m.Sent}, q.ID, scope, m.Dedup)
}

// dropDuplicates forgets the deduplication ids that are past the window.
func dropDuplicates(tx *store.Tx, q *queue, now time.Time) error {
	all, err := duplicates.List(tx, q.ID)
	if err != nil {
		return err
	}
	for _, d := range all {
		if now.Sub(d.At) < dedupWindow {
			continue
		}
		if _, err := duplicates.Delete(tx, q.ID, d.Scope, d.Dedup); err != nil {
			return err
		}
	}
	return nil
}

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// checkBatch checks the ids of a batch's entries.
func checkBatch[T any](entries []T, id func(*T) *string) error {
	switch {
	case len(entries) == 0:
		return api.EmptyBatchRequest("There should be at least one %s in the request.", reflect.TypeFor[T]().Name())
	case len(entries) > 10:
		return api.TooManyEntriesInBatchRequest("Maximum number of entries per request are 10. You have sent %d.", len(entries))
	}
	seen := map[string]bool{}
	for i := range entries {
		name := text(id(&entries[i]))
		if !entryID.MatchString(name) {
			return api.InvalidBatchEntryId("A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[name] {
			return api.BatchEntryIdsNotDistinct("Id %s repeated.", name)
		}
		seen[name] = true
	}
	return nil
}

// failed is the entry of a batch that failed; an error that is not AWS's is not.
func failed(id *string, err error) (*api.BatchResultErrorEntry, error) {
	e := awserr.From(err)
	if e == nil {
		return nil, err
	}
	return &api.BatchResultErrorEntry{Id: id, Code: &e.Code, Message: &e.Message, SenderFault: new(e.HTTPStatus() < 500)}, nil
}

func (s *Service) sendMessageBatch(ctx context.Context, in *api.SendMessageBatchInput) (*api.SendMessageBatchOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries, func(e *api.SendMessageBatchRequestEntry) *string { return e.Id }); err != nil {
		return nil, err
	}
	size := 0
	for i := range in.Entries {
		size += (*outgoing)(&in.Entries[i]).size()
	}
	if size > maxMessage {
		return nil, api.BatchRequestTooLong("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessage, size)
	}
	out := &api.SendMessageBatchOutput{Successful: []api.SendMessageBatchResultEntry{}, Failed: []api.BatchResultErrorEntry{}}
	var list []*message
	var ids []*string
	for i := range in.Entries {
		e := &in.Entries[i]
		m, err := s.outgoing(ctx, q, (*outgoing)(e))
		if err != nil {
			f, err := failed(e.Id, err)
			if err != nil {
				return nil, err
			}
			out.Failed = append(out.Failed, *f)
			continue
		}
		list, ids = append(list, m), append(ids, e.Id)
	}
	if err := s.send(ctx, q, list); err != nil {
		return nil, err
	}
	for i, m := range list {
		done := api.SendMessageBatchResultEntry{Id: ids[i], MessageId: &m.ID, MD5OfMessageBody: &m.MD5}
		if m.AttributesMD5 != "" {
			done.MD5OfMessageAttributes = &m.AttributesMD5
		}
		if m.TraceMD5 != "" {
			done.MD5OfMessageSystemAttributes = &m.TraceMD5
		}
		if q.FIFO {
			done.SequenceNumber = new(sequence(m.Seq))
		}
		out.Successful = append(out.Successful, done)
	}
	return out, nil
}
