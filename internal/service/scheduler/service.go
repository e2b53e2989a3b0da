package scheduler

import (
	"log/slog"
	_ "time/tzdata" // time zones where the machine has none

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// The kinds of the service's tasks.
const (
	TickKind       = "scheduler.tick"
	InvocationKind = "scheduler.invocation"
)

// Catalog knows the operations that universal targets can name; *bus.Bus is one.
type Catalog interface {
	Services() []*bus.Service
	Lookup(service, operation string) (*bus.Service, *bus.Operation)
}

// Deps is what the service is built from.
type Deps struct {
	Store   *store.Store
	Clock   clock.Clock
	Bus     bus.Invoker // the targets
	Catalog Catalog
	IDs     bus.IDs
	Work    *work.Engine
	Log     *slog.Logger
}

// Service is Amazon EventBridge Scheduler.
type Service struct{ Deps }

// New returns the service; Register must be called before the engine starts.
func New(d Deps) *Service { return &Service{Deps: d} }

// Register gives the engine the service's kinds of tasks.
func (s *Service) Register(e *work.Engine) {
	e.Handle(TickKind, work.Kind{Run: s.tick, Resume: work.Rerun})
	e.Handle(InvocationKind, work.Kind{Run: s.invoke, Resume: work.Rerun, Limit: 64})
}
