package lambda

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/process"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// Bus is what the service needs of the bus: its neighbours, and to know
// whether they are there.
type Bus interface {
	bus.Invoker
	Lookup(service, operation string) (*bus.Service, *bus.Operation)
}

// Deps is what the service is made of.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	Bus   Bus
	IDs   bus.IDs
	Work  *work.Engine
	Log   *slog.Logger

	// Environments builds the Python environment that handlers run in.
	Environments *process.Environments
	// Dir is where code, layers and the workers' folders are.
	Dir string
	// EndpointURL returns where handlers reach this server's AWS services.
	EndpointURL func() string
	// Credentials returns the access key of a function's role; nil means the
	// account's number as key id, with any secret.
	Credentials func(ctx context.Context, c bus.Caller) (id, secret string)
	// CABundle is a file of certificates that handlers verify this server with,
	// given to them as SSL_CERT_FILE; "" leaves the system's.
	CABundle string
	// Seal and Unseal keep environment variables from the store's file; nil
	// leaves them as they are.
	Seal, Unseal func([]byte) ([]byte, error)
	// Mounting says how workers are shown their layers at /opt; nil leaves them
	// where they are. The program must call process.Enter.
	Mounting func(context.Context) (process.Mounting, error)
	// MaxWorkers is how many workers there are at once; 0 means 16 per core.
	MaxWorkers int
	// Idle is how long a worker without work is kept; 0 means 10 minutes.
	Idle time.Duration
	// Dice chooses between the versions of an alias, in [0,1); nil is random.
	Dice func() float64
}

// Service is AWS Lambda.
type Service struct {
	Deps
	pool     *pool
	pollers  pollers
	recent   recent
	metrics  metrics
	files    files
	download download
	mounting func() process.Mounting
	said     sync.Once // which Python stands for the runtimes
	saidNode sync.Once // which Node.js does
	sdk      sync.Map  // folders of code and layers -> names of the SDK's packages in them
}

// New returns the service. Register adds its tasks to the engine, Table is its
// operations for the bus, Start clears up after an earlier server
// and begins to poll queues.
func New(d Deps) *Service {
	if d.Seal == nil {
		plain := func(b []byte) ([]byte, error) { return b, nil }
		d.Seal, d.Unseal = plain, plain
	}
	if d.Credentials == nil {
		d.Credentials = func(_ context.Context, c bus.Caller) (string, string) { return c.Account, "stepwell" }
	}
	if d.MaxWorkers == 0 {
		d.MaxWorkers = 16 * runtime.NumCPU()
	}
	if d.Idle == 0 {
		d.Idle = 10 * time.Minute
	}
	if d.Dice == nil {
		d.Dice = dice
	}
	s := &Service{Deps: d}
	s.files.dir = d.Dir
	s.pool = newPool(s)
	s.metrics.s = s
	s.mounting = sync.OnceValue(s.tryMounting)
	return s
}

// dice is a random number in [0,1).
func dice() float64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: crypto/rand documents it
	return float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
}

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	return &bus.Service{Name: "lambda", Model: api.Model, Operations: s.operations()}
}

// Register adds the service's kinds of tasks.
func (s *Service) Register(e *work.Engine) {
	e.Handle(prepareKind, work.Kind{Run: s.prepareTask, Resume: work.Rerun})
	e.Handle(eventKind, work.Kind{Run: s.eventTask, Resume: work.Rerun})
}

// Start ends the workers that a killed server left, removes their folders and
// begins to poll for event source mappings.
func (s *Service) Start() error {
	dir := s.workersDir()
	left, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("cannot look for workers of an earlier server: %w", err)
	}
	for _, e := range left {
		process.KillLeft(e.Name())
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("cannot remove the folder of an earlier worker: %w", err)
		}
	}
	return s.startPolling()
}

// Close ends polling and every worker.
func (s *Service) Close() {
	s.pollers.close()
	s.pool.close()
	s.pollers.running.Wait()
	s.metrics.close()
	s.download.close()
}

func (s *Service) workersDir() string { return filepath.Join(s.Dir, "workers") }

// stamp is a time as function configurations show it.
func (s *Service) stamp() *string {
	return new(s.Clock.Now().UTC().Format("2006-01-02T15:04:05.000+0000"))
}
