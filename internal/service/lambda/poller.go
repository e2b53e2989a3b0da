package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	sqsapi "stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// Sizes of what pollers take.
const (
	receiveMost    = 10           // messages of one receive
	defaultBatches = 10           // of a mapping under way at once, without MaximumConcurrency
	batchBytes     = maxSync - 20 // of the records of an event
)

// Pauses of a poller with nothing to do, in real time: an empty queue must not
// move a clock that skips waits.
const (
	shortPause = 20 * time.Millisecond
	longPause  = 200 * time.Millisecond
	errorPause = time.Second
)

// pollers are those of the enabled event source mappings.
type pollers struct {
	change  sync.Mutex // held while a mapping changes, so that what polls is what is written
	mu      sync.Mutex
	byID    map[string]*poller
	closed  bool
	running sync.WaitGroup
}

// poller gives a function the messages of a queue. It deletes a message once
// the function has succeeded with it, and leaves the others to their visibility
// timeout (developer guide, "Using Lambda with Amazon SQS").
type poller struct {
	s       *Service
	m       mapping
	at      scope
	url     string
	ctx     context.Context
	cancel  context.CancelFunc
	batches chan struct{}    // one for each that is under way
	kept    []sqsapi.Message // received, for the next batch
	failing bool             // the last look at the queue failed, and the log says so
}

// startPolling polls for all enabled mappings.
func (s *Service) startPolling() error {
	return s.Store.View(context.Background(), func(tx *store.Tx) error {
		list, err := mappings.List(tx)
		for _, m := range list {
			a, _ := bus.ParseARN(*m.FunctionArn)
			s.poll(scope{a.Account, a.Region}, m)
		}
		return err
	})
}

// poll polls as a mapping says, instead of as it said before.
func (s *Service) poll(at scope, m mapping) {
	s.pollers.stop(*m.UUID)
	if *m.State != mappingEnabled {
		return
	}
	most := defaultBatches
	if m.ScalingConfig != nil && m.ScalingConfig.MaximumConcurrency != nil {
		most = int(*m.ScalingConfig.MaximumConcurrency)
	}
	p := &poller{s: s, m: m, at: at, url: queueURL(*m.EventSourceArn), batches: make(chan struct{}, most)}
	p.ctx, p.cancel = context.WithCancel(bus.With(context.Background(), bus.Caller{Account: at.Account, Region: at.Region, Source: "lambda"}))
	s.pollers.mu.Lock()
	defer s.pollers.mu.Unlock()
	if s.pollers.closed {
		return
	}
	if s.pollers.byID == nil {
		s.pollers.byID = map[string]*poller{}
	}
	s.pollers.byID[*m.UUID] = p
	s.pollers.running.Go(p.run)
}

// stop ends the poller of a mapping; the batches it has given go on.
func (p *pollers) stop(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if it := p.byID[id]; it != nil {
		it.cancel()
		delete(p.byID, id)
	}
}

// close ends all pollers.
func (p *pollers) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, it := range p.byID {
		it.cancel()
	}
}

// run takes batches, as many at once as there may be.
func (p *poller) run() {
	for pause := shortPause; ; {
		select {
		case p.batches <- struct{}{}:
		case <-p.ctx.Done():
			return
		}
		batch, err := p.gather()
		p.report(err)
		if len(batch) > 0 {
			pause = shortPause
			p.s.pollers.running.Go(func() {
				defer func() { <-p.batches }()
				p.process(batch)
			})
			continue
		}
		<-p.batches
		if err != nil {
			pause = errorPause
		}
		select {
		case <-time.After(pause):
		case <-p.ctx.Done():
			return
		}
		pause = min(pause*3/2, longPause)
	}
}

// report says once that a queue cannot be polled, and once that it can again.
func (p *poller) report(err error) {
	if p.ctx.Err() != nil || (err != nil) == p.failing {
		return
	}
	p.failing = err != nil
	if err != nil {
		p.s.Log.Warn("event source mapping cannot poll its queue", "mapping", *p.m.UUID, "queue", *p.m.EventSourceArn, "error", err)
	} else {
		p.s.Log.Info("event source mapping polls its queue again", "mapping", *p.m.UUID, "queue", *p.m.EventSourceArn)
	}
}

// gather collects a batch: what there is, or, with a batching window, what comes
// until it is over. It returns none where the queue is empty.
func (p *poller) gather() (batch []sqsapi.Message, err error) {
	if _, _, _, err := p.s.target(p.ctx, *p.m.FunctionArn, nil); err != nil {
		return nil, err
	}
	var size int
	var end time.Time
	for wait := int64(0); len(batch) < int(*p.m.BatchSize); {
		list := p.kept
		p.kept = nil
		if len(list) == 0 {
			if list, err = p.receive(min(receiveMost, *p.m.BatchSize-int64(len(batch))), wait); err != nil {
				return batch, err
			}
		}
		for i := range list {
			record, err := json.Marshal(p.record(list[i]))
			if err != nil {
				return nil, err
			}
			if size += len(record) + 1; size > batchBytes && len(batch) > 0 {
				p.kept = list[i:]
				return batch, nil
			}
			batch = append(batch, list[i])
		}
		if len(batch) == 0 {
			return nil, nil
		}
		now := p.s.Clock.Now()
		if end.IsZero() {
			end = now.Add(time.Duration(*p.m.MaximumBatchingWindowInSeconds) * time.Second)
		}
		if !end.After(now) {
			return batch, nil
		}
		wait = min(20, int64((end.Sub(now)+time.Second-1)/time.Second))
	}
	return batch, nil
}

// receive takes messages that fit the mapping's filters; those that fit none
// are deleted. Where there is nothing now, but messages are delayed or in
// flight, it waits for them.
func (p *poller) receive(n, wait int64) ([]sqsapi.Message, error) {
	list, err := p.take(n, wait)
	if err != nil || len(list) > 0 || wait > 0 {
		return list, err
	}
	out, err := bus.Invoke[sqsapi.GetQueueAttributesOutput](p.ctx, p.s.Bus, "sqs", "GetQueueAttributes", &sqsapi.GetQueueAttributesInput{QueueUrl: &p.url,
		AttributeNames: []string{"ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"}})
	if err != nil {
		return nil, err
	}
	for _, count := range out.Attributes {
		if count != "0" {
			return p.take(n, 20)
		}
	}
	return nil, nil
}

func (p *poller) take(n, wait int64) ([]sqsapi.Message, error) {
	out, err := bus.Invoke[sqsapi.ReceiveMessageOutput](p.ctx, p.s.Bus, "sqs", "ReceiveMessage", &sqsapi.ReceiveMessageInput{QueueUrl: &p.url,
		MaxNumberOfMessages: &n, WaitTimeSeconds: &wait, AttributeNames: []string{"All"}, MessageAttributeNames: []string{"All"}})
	if err != nil {
		return nil, err
	}
	var fit, other []sqsapi.Message
	for _, m := range out.Messages {
		is, err := p.wanted(m)
		switch {
		case err != nil:
			return nil, err
		case is:
			fit = append(fit, m)
		default:
			other = append(other, m)
		}
	}
	p.remove(other)
	return fit, nil
}

// wanted reports whether a message fits a filter, where there are any.
func (p *poller) wanted(m sqsapi.Message) (bool, error) {
	if p.m.FilterCriteria == nil || len(p.m.FilterCriteria.Filters) == 0 {
		return true, nil
	}
	for _, f := range p.m.FilterCriteria.Filters {
		if is, err := p.s.matches(p.ctx, *f.Pattern, m); is || err != nil {
			return is, err
		}
	}
	return false, nil
}

// process invokes the function with a batch. A throttled invoke is made again
// for as long as nobody else can have the messages.
func (p *poller) process(batch []sqsapi.Message) {
	s := p.s
	defer s.Clock.Busy()()
	records := make([]queueRecord, len(batch))
	for i, m := range batch {
		records[i] = p.record(m)
	}
	payload, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		s.Log.Error("event source mapping cannot write an event", "mapping", *p.m.UUID, "error", err)
		return
	}
	visibility, err := s.visibility(p.ctx, &p.m)
	if err != nil {
		return // the queue is gone, or the server stops
	}
	for until := s.Clock.Now().Add(visibility); ; {
		o, err := p.invoke(payload)
		if err == nil {
			p.remove(p.succeeded(batch, o))
			return
		}
		known := awserr.From(err)
		if known == nil || known.Code != "TooManyRequestsException" || !s.Clock.Now().Add(time.Second).Before(until) {
			if !errors.Is(err, errClosed) && p.ctx.Err() == nil {
				s.Log.Warn("event source mapping cannot invoke its function", "mapping", *p.m.UUID, "function", *p.m.FunctionArn, "error", err)
			}
			return
		}
		if s.Clock.Sleep(p.ctx, time.Second) != nil {
			return
		}
	}
}

func (p *poller) invoke(payload []byte) (outcome, error) {
	f, to, set, err := p.s.target(p.ctx, *p.m.FunctionArn, nil)
	if err != nil {
		return outcome{}, err
	}
	return p.s.perform(p.ctx, f, to, set, &invocation{id: p.s.IDs.UUID(), payload: payload})
}

// succeeded are the messages of a batch that the function is done with: all,
// none where it failed, and with partial batch responses those that it does not
// report (developer guide, "Implementing partial batch responses").
func (p *poller) succeeded(batch []sqsapi.Message, o outcome) []sqsapi.Message {
	switch {
	case o.failed:
		return nil
	case !slices.Contains(p.m.FunctionResponseTypes, "ReportBatchItemFailures"):
		return batch
	}
	failed, ok := reportedFailures(o.payload)
	if !ok {
		return nil
	}
	done := slices.DeleteFunc(slices.Clone(batch), func(m sqsapi.Message) bool { return slices.Contains(failed, *m.MessageId) })
	if len(batch)-len(done) != len(slices.Compact(slices.Sorted(slices.Values(failed)))) {
		return nil // it names a message that it was not given
	}
	return done
}

// reportedFailures reads the ids of a partial batch response; ok is false where
// it counts as the failure of all.
func reportedFailures(payload []byte) (ids []string, ok bool) {
	var said *struct {
		BatchItemFailures []struct{ ItemIdentifier *string }
	}
	if len(payload) > 0 && json.Unmarshal(payload, &said) != nil {
		return nil, false
	}
	if said == nil {
		return nil, true
	}
	for _, f := range said.BatchItemFailures {
		if value(f.ItemIdentifier) == "" {
			return nil, false
		}
		ids = append(ids, *f.ItemIdentifier)
	}
	return ids, true
}

// remove deletes messages, also when the mapping has gone in the meantime. Those
// that cannot be deleted come again.
func (p *poller) remove(list []sqsapi.Message) {
	ctx := context.WithoutCancel(p.ctx)
	for some := range slices.Chunk(list, receiveMost) {
		in := &sqsapi.DeleteMessageBatchInput{QueueUrl: &p.url}
		for i, m := range some {
			in.Entries = append(in.Entries, sqsapi.DeleteMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
		}
		out, err := bus.Invoke[sqsapi.DeleteMessageBatchOutput](ctx, p.s.Bus, "sqs", "DeleteMessageBatch", in)
		if err == nil && len(out.Failed) > 0 {
			err = fmt.Errorf("%d messages: %s", len(out.Failed), value(out.Failed[0].Message))
		}
		if err != nil {
			p.s.Log.Warn("event source mapping cannot delete messages; they will come again", "mapping", *p.m.UUID, "queue", *p.m.EventSourceArn, "error", err)
		}
	}
}

// queueRecord is a message as functions get it (developer guide, "Example Amazon SQS message event").
type queueRecord struct {
	MessageID         string                    `json:"messageId"`
	ReceiptHandle     string                    `json:"receiptHandle"`
	Body              string                    `json:"body"`
	Attributes        map[string]string         `json:"attributes"`
	MessageAttributes map[string]queueAttribute `json:"messageAttributes"`
	MD5OfAttributes   *string                   `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody         string                    `json:"md5OfBody"`
	EventSource       string                    `json:"eventSource"`
	EventSourceARN    string                    `json:"eventSourceARN"`
	AWSRegion         string                    `json:"awsRegion"`
}

type queueAttribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// record is what the function is told of a message.
func (p *poller) record(m sqsapi.Message) queueRecord {
	r := queueRecord{
		MessageID: value(m.MessageId), ReceiptHandle: value(m.ReceiptHandle), Body: value(m.Body), Attributes: m.Attributes,
		MessageAttributes: map[string]queueAttribute{}, MD5OfAttributes: m.MD5OfMessageAttributes, MD5OfBody: value(m.MD5OfBody),
		EventSource: "aws:sqs", EventSourceARN: *p.m.EventSourceArn, AWSRegion: p.at.Region,
	}
	for name, a := range m.MessageAttributes {
		r.MessageAttributes[name] = queueAttribute{a.StringValue, a.BinaryValue, []string{}, [][]byte{}, value(a.DataType)}
	}
	return r
}
