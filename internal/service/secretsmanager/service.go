package secretsmanager

import (
	"log/slog"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	IDs   bus.IDs
	Log   *slog.Logger
	Seal  Sealer // protects values at rest

	Bus  bus.Invoker  // invokes rotation functions
	Work *work.Engine // rotates
}

// Service is AWS Secrets Manager.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{Deps: d} }
