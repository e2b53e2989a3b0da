package kms

import (
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// Deps is what the service is built from.
type Deps struct {
	Store  *store.Store
	Clock  clock.Clock
	IDs    bus.IDs
	Seal   func([]byte) ([]byte, error) // protects key material at rest
	Unseal func([]byte) ([]byte, error)
}

// Service is KMS.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{Deps: d} }
