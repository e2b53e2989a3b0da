package iam

import (
	"encoding/base32"
	"encoding/hex"
	"sync/atomic"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	IDs   bus.IDs
	// Seal and Unseal keep secrets of access keys from the store's file; nil
	// leaves them as they are.
	Seal, Unseal func([]byte) ([]byte, error)
}

// Service is IAM.
type Service struct {
	store        *store.Store
	clock        clock.Clock
	ids          bus.IDs
	seal, unseal func([]byte) ([]byte, error)
	started      time.Time // when accounts came to be, as their root user shows it
	credentials  atomic.Pointer[credentials]
}

// New returns the service.
func New(d Deps) *Service {
	if d.IDs == nil {
		d.IDs = bus.RandomIDs{}
	}
	s := &Service{store: d.Store, clock: d.Clock, ids: d.IDs, seal: d.Seal, unseal: d.Unseal}
	if s.seal == nil {
		plain := func(b []byte) ([]byte, error) { return b, nil }
		s.seal, s.unseal = plain, plain
	}
	if d.Clock != nil {
		s.started = s.now()
	}
	return s
}

func (s *Service) random(n int) []byte {
	b, err := hex.DecodeString(s.ids.Hex(n))
	if err != nil {
		panic("bus.IDs.Hex is not hexadecimal: " + err.Error())
	}
	return b
}

// id makes a unique id: a prefix that tells the kind and 17 characters.
func (s *Service) id(prefix string) string {
	return prefix + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s.random(11))[:17]
}
