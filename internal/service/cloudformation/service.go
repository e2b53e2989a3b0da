package cloudformation

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// Kind is the kind of the tasks that make, change and delete stacks;
// NoticeKind that of those that publish a stack's events to its SNS topics.
const (
	Kind       = "cloudformation.stack"
	NoticeKind = "cloudformation.notice"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	Bus   bus.Invoker
	IDs   bus.IDs
	Work  *work.Engine
	Log   *slog.Logger

	// Types are the resource types of the services.
	Types []resource.Type
	// Endpoint is the URL of the server, without a slash at its end, to which
	// custom resources send their answers.
	Endpoint string
	// Seal and Unseal keep what depends on NoEcho parameters from the store's
	// file; nil leaves it as it is.
	Seal, Unseal func([]byte) ([]byte, error)
	// Events puts an event of CloudFormation on the event bus, in the transaction
	// that makes the change; may be nil.
	Events func(tx *store.Tx, c StatusChange) error
}

// StatusChange is a change of a stack or of one of its resources ("CloudFormation
// events detail reference").
type StatusChange struct {
	Account, Region, StackARN string
	DetailType                string
	Detail                    func() (json.RawMessage, error)
}

// Service is AWS CloudFormation.
type Service struct {
	Deps
	types map[string]*resource.Type

	mu      sync.Mutex
	runs    map[string]*run          // operations this process is at, by stack id
	waiters map[string]chan struct{} // closed when what they wait for may have come
}

// New returns the service; Register must be called before the engine starts.
func New(d Deps) *Service {
	if d.Seal == nil {
		plain := func(b []byte) ([]byte, error) { return b, nil }
		d.Seal, d.Unseal = plain, plain
	}
	s := &Service{Deps: d, types: map[string]*resource.Type{}, runs: map[string]*run{}, waiters: map[string]chan struct{}{}}
	for _, list := range [][]resource.Type{s.ownTypes(), d.Types} {
		for i := range list {
			s.types[list[i].Name] = &list[i]
		}
	}
	return s
}

// Register gives the engine the service's kinds of tasks.
func (s *Service) Register(e *work.Engine) {
	e.Handle(Kind, work.Kind{Run: s.operate, Resume: work.Rerun})
	e.Handle(NoticeKind, work.Kind{Run: s.notify, Resume: work.Rerun, Limit: 16})
}

// changed returns a channel that is closed by the next wake of key.
func (s *Service) changed(key string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.waiters[key]
	if c == nil {
		c = make(chan struct{})
		s.waiters[key] = c
	}
	return c
}

// wake lets those look again who wait for key: a stack's id, or the token of a callback.
func (s *Service) wake(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.waiters[key]; c != nil {
		close(c)
		delete(s.waiters, key)
	}
}

// patience is how long an answer waits for the end of the operation that it
// tells of: clients look after half a minute only where the first look finds a
// stack under way (the waiters of the AWS CLI).
const patience = 2 * time.Second

// linger waits a moment for the end of the operation on a stack, for callers
// from outside.
func (s *Service) linger(ctx context.Context, arn string, err error) error {
	if err != nil || bus.From(ctx).Source != "http" {
		return err
	}
	parts := strings.Split(arn, "/")
	end := time.NewTimer(patience)
	defer end.Stop()
	for {
		next := s.changed(parts[len(parts)-1])
		st, err := s.view(ctx, arn, noStackErr)
		if err != nil || !strings.HasSuffix(st.Status, "_IN_PROGRESS") {
			return nil
		}
		select {
		case <-next:
		case <-end.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}
