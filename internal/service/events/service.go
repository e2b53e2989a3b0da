package events

import (
	"context"
	"log/slog"
	"sync"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	Bus   bus.Invoker // the targets, and Secrets Manager, which keeps credentials
	IDs   bus.IDs
	Work  *work.Engine
	Log   *slog.Logger
	// Received hears of every event on a bus; nil: nobody listens. It must not wait.
	Received func(context.Context, Event)
}

// Service is Amazon EventBridge.
type Service struct {
	Deps
	cache sync.Map // account, region and bus -> *compiled
	api   apiClients
}

// New returns the service; Register must be called before the engine starts.
func New(d Deps) *Service { return &Service{Deps: d} }

// Register gives the engine the service's kinds of tasks.
func (s *Service) Register(e *work.Engine) {
	e.Handle(DeliveryKind, work.Kind{Run: s.deliver, Resume: work.Rerun, Limit: 64})
	e.Handle(BatchKind, work.Kind{Run: s.deliverBatch, Resume: work.Rerun, Limit: 64})
	e.Handle(ScheduleKind, work.Kind{Run: s.fire, Resume: work.Rerun})
	e.Handle(ReplayKind, work.Kind{Run: s.replay, Resume: work.Rerun})
}
