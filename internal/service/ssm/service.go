package ssm

import (
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// Deps is what the service is built from.
type Deps struct {
	Store  *store.Store
	Clock  clock.Clock
	Bus    bus.Invoker // KMS, which knows keys
	Seal   func([]byte) ([]byte, error)
	Unseal func([]byte) ([]byte, error)
	// Events puts an event of the service on the default event bus; nil for none.
	Events func(c bus.Caller, detailType string, resources []string, detail any)
}

// Service is Parameter Store.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{Deps: d} }
