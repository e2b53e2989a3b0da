package glue

import (
	"context"
	"log/slog"
	"net"
	"time"

	glueapi "stepwell/internal/awsapi/glue"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/process"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// Deps is what the service is made of.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	Bus   bus.Invoker
	IDs   bus.IDs
	Work  *work.Engine
	Log   *slog.Logger

	// Environments builds the Python environments of job runs.
	Environments *process.Environments
	// RunDir is where job runs have their files while they run.
	RunDir string
	// EndpointURL returns where job scripts reach this server's AWS services,
	// e.g. "http://127.0.0.1:4566".
	EndpointURL func() string
	// Credentials returns the access key of a job run; nil means the account's
	// number as key id, with any secret.
	Credentials func(ctx context.Context, c bus.Caller) (id, secret string)
	// CABundle is a file of certificates that job scripts verify this server
	// with, given to them as SSL_CERT_FILE; "" leaves the system's.
	CABundle string
	// Events receives state changes in EventBridge's form, in the transactions that
	// make them; nil drops them.
	Events func(tx *store.Tx, account, region, detailType string, resources []string, detail any) error
	// Seal and Unseal keep passwords of connections from the store's file; nil
	// leaves them as they are.
	Seal, Unseal func([]byte) ([]byte, error)
	// Dial opens the connections that TestConnection tests; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Service is AWS Glue.
type Service struct {
	Deps
	libraries librarySets
}

// New returns the service. Register adds its tasks to the engine, Table is its
// operations for the bus.
func New(d Deps) *Service {
	if d.Dial == nil {
		d.Dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	if d.Seal == nil {
		plain := func(b []byte) ([]byte, error) { return b, nil }
		d.Seal, d.Unseal = plain, plain
	}
	if d.Credentials == nil {
		d.Credentials = func(_ context.Context, c bus.Caller) (string, string) { return c.Account, "stepwell" }
	}
	if d.Events == nil {
		d.Events = func(*store.Tx, string, string, string, []string, any) error { return nil }
	}
	return &Service{Deps: d, libraries: readLibraries()}
}

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	return &bus.Service{Name: "glue", Model: glueapi.Model, Operations: s.operations()}
}

// Register adds the service's kinds of tasks.
func (s *Service) Register(e *work.Engine) {
	e.Handle(runKind, work.Kind{Run: s.runTask, Resume: work.Lost, OnLost: s.runLost})
}

// now is the time for records: AWS's timestamps have milliseconds.
func (s *Service) now() *time.Time { return new(s.Clock.Now().Truncate(time.Millisecond)) }
