package logs

import (
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
	Bus   bus.Invoker // to CloudWatch, for metric filters; nil: they make no metrics
	// Now is the time that clients live in, which a scaled clock leaves
	// behind: events are refused as too old or too new by both. nil is time.Now.
	Now func() time.Time
}

// Service is CloudWatch Logs.
type Service struct {
	store *store.Store
	clock clock.Clock
	ids   bus.IDs
	bus   bus.Invoker
	real  func() time.Time
}

// New returns the service.
func New(d Deps) *Service {
	if d.IDs == nil {
		d.IDs = bus.RandomIDs{}
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{store: d.Store, clock: d.Clock, ids: d.IDs, bus: d.Bus, real: d.Now}
}

// now is the time in milliseconds, as all times of this service are.
func (s *Service) now() int64 { return s.clock.Now().UnixMilli() }
