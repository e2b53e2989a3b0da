package events

import (
	"context"
	"log/slog"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	Bus   bus.Invoker // Secrets Manager, which keeps credentials
	IDs   bus.IDs
	Log   *slog.Logger
	// Received hears of every event on a bus; nil: nobody listens. It must not wait.
	Received func(context.Context, Event)
}

// Service is Amazon EventBridge.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{Deps: d} }
