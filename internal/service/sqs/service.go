package sqs

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// Kind is the kind of the tasks that move messages (StartMessageMoveTask).
const Kind = "sqs.move"

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	IDs   bus.IDs
	Work  *work.Engine
	Log   *slog.Logger
	// Endpoint is the URL of the server that queue URLs begin with, without a
	// slash at its end.
	Endpoint string
}

// Service is Amazon SQS.
type Service struct {
	Deps

	mu     sync.Mutex
	queues map[string]*queue // by ARN
	next   int64             // sequence number of the next message
}

// New returns the service. Register must be called before the engine starts, and
// Load before the first request.
func New(d Deps) *Service { return &Service{Deps: d, queues: map[string]*queue{}} }

// Register gives the engine the service's kind of task.
func (s *Service) Register(e *work.Engine) {
	e.Handle(Kind, work.Kind{Run: s.move, Resume: work.Rerun})
}

// Load reads the queues and their messages.
func (s *Service) Load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = s.Clock.Now().UnixNano()
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := queues.List(tx)
		if err != nil {
			return err
		}
		for _, r := range all {
			q := newQueue(r)
			s.queues[r.ARN] = q
			if err := s.load(tx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the queues: %w", err)
	}
	return nil
}

func (s *Service) load(tx *store.Tx, q *queue) error {
	list, err := messages.List(tx, q.ID)
	if err != nil {
		return err
	}
	received, err := receipts.List(tx, q.ID)
	if err != nil {
		return err
	}
	bySeq := make(map[int64]receipt, len(received))
	for _, r := range received {
		bySeq[r.Seq] = r
	}
	for i := range list {
		m := &list[i]
		s.next = max(s.next, m.Seq+1)
		q.insert(m, bySeq[m.Seq])
	}
	return nil
}

// url is the address of a queue.
func (s *Service) url(r *record) string { return s.Endpoint + "/" + r.Account + "/" + r.Name }

// find finds the caller's queue by its URL: whatever its host, the last two parts
// of its path are account and name, so that a URL outlives a change of the port.
// A bare name is of the caller's account.
func (s *Service) find(ctx context.Context, url string) (*queue, error) {
	c := bus.From(ctx)
	parts := strings.Split(strings.TrimRight(url, "/"), "/")
	account, name := c.Account, parts[len(parts)-1]
	if len(parts) > 1 && bus.IsAccount(parts[len(parts)-2]) {
		account = parts[len(parts)-2]
	}
	return s.byARN("arn:aws:sqs:" + c.Region + ":" + account + ":" + name)
}

func (s *Service) byARN(arn string) (*queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[arn]
	if q == nil {
		return nil, noQueue()
	}
	return q, nil
}
