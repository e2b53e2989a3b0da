package s3

import (
	"errors"
	"log/slog"
	"net/http/httputil"
	"sync/atomic"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/wire"
	"stepwell/internal/work"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	Log   *slog.Logger
	// What notifications need: an id generator, the bus to their destinations and
	// the engine that delivers them.
	IDs  bus.IDs
	Bus  bus.Invoker
	Work *work.Engine
	// Happened puts what has happened to objects on EventBridge, in a transaction; nil:
	// nobody listens.
	Happened func(*store.Tx, Happening) error
	// Data is the data folder: buckets are folders of Data/s3. Start makes
	// Data/s3 the working directory of the process, so every other path of
	// the server must be absolute by then.
	Data string
}

// Service is S3. It answers on three doors: HTTP requests (ServeHTTP), bus
// operations (Table) and Go (List, Path, TempDir, Publish, Delete).
type Service struct {
	store *store.Store
	clock clock.Clock
	log   *slog.Logger
	data  string

	ids        bus.IDs
	bus        bus.Invoker
	work       *work.Engine
	happenings func(*store.Tx, Happening) error
	configured atomic.Pointer[configured] // notification configurations
	sequence   atomic.Int64               // the last sequencer

	codec    *wire.Codec
	embedded *embedded
	proxy    *httputil.ReverseProxy
}

// New returns the service; it answers once started.
func New(d Deps) *Service {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{store: d.Store, clock: d.Clock, log: d.Log, data: d.Data, ids: d.IDs, bus: d.Bus, work: d.Work, happenings: d.Happened, codec: wire.New(s3.Model)}
}

// Register gives the engine the service's kind of task.
func (s *Service) Register(e *work.Engine) {
	e.Handle(Kind, work.Kind{Run: s.deliver, Resume: work.Rerun, Limit: 64})
}

// Start opens the buckets. It must be called before any door is used, and in
// one Service of a process at a time.
func (s *Service) Start() error {
	if s.embedded != nil {
		return errors.New("cannot start S3 twice")
	}
	e, err := startEmbedded(s.data)
	if err != nil {
		return err
	}
	s.embedded = e
	s.proxy = s.newProxy(e)
	return nil
}

// Close ends the service; requests under way are given ten seconds.
func (s *Service) Close() error {
	if s.embedded == nil {
		return nil
	}
	err := s.embedded.close()
	s.embedded = nil
	return err
}
