package sqs

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	api "stepwell/internal/awsapi/sqs"
	"stepwell/internal/store"
)

// maxInFlight is how many messages of a queue can be in flight.
const maxInFlight = 120_000

func (s *Service) receiveMessage(ctx context.Context, in *api.ReceiveMessageInput) (*api.ReceiveMessageOutput, error) {
	q, err := s.find(ctx, *in.QueueUrl)
	if err != nil {
		return nil, err
	}
	n, visibility, wait, err := s.receiveParameters(q, in)
	if err != nil {
		return nil, err
	}
	deadline := s.Clock.Now().Add(wait)
	for {
		list, again, err := s.receive(ctx, q, n, visibility)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			out := &api.ReceiveMessageOutput{}
			for _, e := range list {
				out.Messages = append(out.Messages, s.show(q, e, in))
			}
			return out, nil
		}
		if again {
			continue
		}
		if more, err := s.await(ctx, q, deadline); err != nil || !more {
			return &api.ReceiveMessageOutput{}, err
		}
	}
}

func (s *Service) receiveParameters(q *queue, in *api.ReceiveMessageInput) (n int, visibility, wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, visibility, wait = 1, q.seconds("VisibilityTimeout"), q.seconds("ReceiveMessageWaitTimeSeconds")
	if p := in.MaxNumberOfMessages; p != nil {
		if n = int(*p); n < 1 || n > 10 {
			return 0, 0, 0, badValue(n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
	}
	if p := in.VisibilityTimeout; p != nil {
		if *p < 0 || *p > 43_200 {
			return 0, 0, 0, badValue(*p, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
		}
		visibility = time.Duration(*p) * time.Second
	}
	if p := in.WaitTimeSeconds; p != nil {
		if *p < 0 || *p > 20 {
			return 0, 0, 0, badValue(*p, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
		}
		wait = time.Duration(*p) * time.Second
	}
	for _, name := range append(in.AttributeNames, in.MessageSystemAttributeNames...) {
		if name != "All" && !systemAttributes[name] {
			return 0, 0, 0, api.InvalidAttributeName("Unknown Attribute %s.", name)
		}
	}
	return n, visibility, wait, nil
}

// systemAttributes are those that can be asked for; the queue's own can be, too,
// and have no value.
var systemAttributes = map[string]bool{
	"SenderId": true, "SentTimestamp": true, "ApproximateReceiveCount": true, "ApproximateFirstReceiveTimestamp": true, "SequenceNumber": true,
	"MessageDeduplicationId": true, "MessageGroupId": true, "AWSTraceHeader": true, "DeadLetterQueueSourceArn": true,
}

// received is a message as one receive has seen it.
type received struct {
	*message
	receipt receipt
}

// receive takes messages in flight. again says that it moved others out of the way
// and is worth trying again.
func (s *Service) receive(ctx context.Context, q *queue, n int, visibility time.Duration) (list []received, again bool, err error) {
	done := s.Clock.Busy()
	defer done()
	s.mu.Lock()
	now := s.Clock.Now()
	if q.deleted {
		s.mu.Unlock()
		return nil, false, noQueue()
	}
	q.advance(now)
	if q.count[inFlight] >= maxInFlight {
		s.mu.Unlock()
		if q.FIFO {
			return nil, false, nil
		}
		return nil, false, api.OverLimit("The maximum number of in flight messages is reached. Please retry later.")
	}
	taken := q.take(n, now.Add(visibility))
	target, most := s.target(q)
	oldest := now.Add(-q.retention())
	var live, dead, old []*entry
	var before []receipt
	for _, e := range taken {
		switch {
		case e.Sent.Before(oldest):
			old = append(old, e)
		case target != nil && e.receipt.Count >= most:
			dead = append(dead, e)
		default:
			r := e.receipt
			if r.Count == 0 {
				r.First = now
			}
			r.Seq, r.Visible, r.Nonce = e.Seq, e.due, s.IDs.Hex(8)
			r.Count++
			live, list, before = append(live, e), append(list, received{e.message, r}), append(before, e.receipt)
			e.receipt = r
		}
	}
	s.mu.Unlock()
	if len(taken) == 0 {
		return nil, false, nil
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := s.bury(tx, q, target, dead); err != nil {
			return err
		}
		if err := s.remove(tx, q, old); err != nil {
			return err
		}
		for i, e := range live {
			if err := receipts.Put(tx, list[i].receipt, q.ID, key(e.Seq)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, e := range live {
			e.receipt = before[i]
		}
		for _, e := range taken {
			if e.state == inFlight {
				q.set(e, ready, time.Time{})
			}
		}
		return nil, false, err
	}
	return list, true, nil
}

// target is the dead-letter queue and after how many receives messages go there;
// nil where there is none. The service's mutex is held.
func (s *Service) target(q *queue) (*queue, int) {
	p, err := parseRedrive(q.Attributes["RedrivePolicy"])
	if err != nil {
		return nil, 0
	}
	return s.queues[p.Target], p.Max
}

// bury moves messages to a dead-letter queue. There they are new ones with their
// old ids, and, in a standard queue, as old as they were.
func (s *Service) bury(tx *store.Tx, q, target *queue, dead []*entry) error {
	for _, e := range dead {
		m := *e.message
		m.Source, m.Visible = q.ARN, time.Time{}
		if q.FIFO {
			m.Sent = s.Clock.Now().Truncate(time.Millisecond)
		}
		r := e.receipt
		r.Visible, r.Nonce = time.Time{}, ""
		if err := s.put(tx, target, &m, r); err != nil {
			return err
		}
	}
	return s.remove(tx, q, dead)
}

// remove deletes messages.
func (s *Service) remove(tx *store.Tx, q *queue, list []*entry) error {
	for _, e := range list {
		if _, err := messages.Delete(tx, q.ID, key(e.Seq)); err != nil {
			return err
		}
		if _, err := receipts.Delete(tx, q.ID, key(e.Seq)); err != nil {
			return err
		}
	}
	if len(list) > 0 {
		tx.AfterCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, e := range list {
				if e.state != gone {
					q.set(e, gone, time.Time{})
				}
			}
		})
	}
	return nil
}

// await waits until a receive may find something; more is false once the deadline
// has come.
func (s *Service) await(ctx context.Context, q *queue, deadline time.Time) (more bool, err error) {
	s.mu.Lock()
	now := s.Clock.Now()
	next := q.advance(now)
	if len(q.ready) > 0 && q.offers() {
		s.mu.Unlock()
		return true, nil
	}
	if !deadline.After(now) {
		s.mu.Unlock()
		return false, nil
	}
	if next.IsZero() || next.After(deadline) {
		next = deadline
	}
	changed := q.changed
	q.waiters++
	s.mu.Unlock()
	timer := s.Clock.NewTimer(next.Sub(now))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C():
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.mu.Lock()
	q.waiters--
	s.mu.Unlock()
	return err == nil, err
}

// offers reports whether a message stands ready to be received.
func (q *queue) offers() bool {
	for _, e := range q.ready {
		if e.state == ready && (!q.FIFO || q.groups[e.Group].inFlight == 0) {
			return true
		}
	}
	return false
}

// show is a message as ReceiveMessage answers it.
func (s *Service) show(q *queue, e received, in *api.ReceiveMessageInput) api.Message {
	out := api.Message{MessageId: &e.ID, Body: &e.Body, MD5OfBody: &e.MD5, ReceiptHandle: new(handle(q, e.Seq, e.receipt.Nonce))}
	all := map[string]string{
		"SenderId": e.Sender, "SentTimestamp": millis(e.Sent),
		"ApproximateReceiveCount":          strconv.Itoa(e.receipt.Count),
		"ApproximateFirstReceiveTimestamp": millis(e.receipt.First),
		"MessageGroupId":                   e.Group,
		"MessageDeduplicationId":           e.Dedup,
		"AWSTraceHeader":                   e.Trace,
		"DeadLetterQueueSourceArn":         e.Source,
	}
	if q.FIFO {
		all["SequenceNumber"] = sequence(e.Seq)
	}
	for _, name := range append(in.AttributeNames, in.MessageSystemAttributeNames...) {
		for k, v := range all {
			if v != "" && (name == "All" || name == k) {
				if out.Attributes == nil {
					out.Attributes = map[string]string{}
				}
				out.Attributes[k] = v
			}
		}
	}
	asked := map[string]attribute{}
	for name, a := range e.Attributes {
		if !wanted(in.MessageAttributeNames, name) {
			continue
		}
		v := api.MessageAttributeValue{DataType: &a.Type}
		if strings.HasPrefix(a.Type, "Binary") {
			v.BinaryValue = a.Binary
		} else {
			v.StringValue = &a.Text
		}
		if out.MessageAttributes == nil {
			out.MessageAttributes = map[string]api.MessageAttributeValue{}
		}
		out.MessageAttributes[name], asked[name] = v, a
	}
	if len(asked) > 0 {
		out.MD5OfMessageAttributes = new(attributesSum(asked))
	}
	return out
}

func wanted(names []string, name string) bool {
	for _, n := range names {
		prefix, any := strings.CutSuffix(n, ".*")
		if n == "All" || n == ".*" || n == name || any && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// handle names one receive of a message.
func handle(q *queue, seq int64, nonce string) string {
	return base64.StdEncoding.EncodeToString([]byte(q.ID + " " + strconv.FormatInt(seq, 10) + " " + nonce))
}

// parseHandle reads a receipt handle.
func parseHandle(q *queue, text string) (seq int64, nonce string, err error) {
	b, err := base64.StdEncoding.DecodeString(text)
	parts := strings.Split(string(b), " ")
	if err != nil || len(parts) != 3 || parts[0] != q.ID {
		return 0, "", badHandle(text)
	}
	if seq, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return 0, "", badHandle(text)
	}
	return seq, parts[2], nil
}
