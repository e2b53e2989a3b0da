package iam

import (
	"encoding/base32"
	"encoding/hex"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	IDs   bus.IDs
}

// Service is IAM.
type Service struct {
	store *store.Store
	clock clock.Clock
	ids   bus.IDs
}

// New returns the service.
func New(d Deps) *Service {
	if d.IDs == nil {
		d.IDs = bus.RandomIDs{}
	}
	return &Service{store: d.Store, clock: d.Clock, ids: d.IDs}
}

// id makes a unique id: a prefix that tells the kind and 17 characters.
func (s *Service) id(prefix string) string {
	b, err := hex.DecodeString(s.ids.Hex(11))
	if err != nil {
		panic("bus.IDs.Hex is not hexadecimal: " + err.Error())
	}
	return prefix + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)[:17]
}
