package redshiftdata

import (
	"log/slog"
	"sync"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// Kind is the kind of the tasks that run statements.
const Kind = "redshift-data.statement"

// Limits of the Data API, from "Considerations when calling the Amazon Redshift
// Data API" in the management guide.
const (
	maxActive    = 500            // statements of an account and region that have not ended
	maxSessions  = 500            // open sessions of an account and region
	maxSQL       = 100 << 10      // bytes of a statement's text
	maxResult    = 500 << 20      // bytes of a result
	maxRow       = 64 << 10       // bytes of one row
	retention    = 24 * time.Hour // of statements and results
	tokenLife    = 8 * time.Hour  // of a ClientToken
	pageBytes    = 1 << 20        // of a page of GetStatementResult
	maxTokenPage = 1000           // names on a page of ListTables and the like
)

// Event is the end of a statement submitted WithEvent.
type Event struct {
	Account       string
	Region        string
	Principal     string
	StatementName string
	StatementID   string
	Cluster       string
	Workgroup     string
	WorkgroupARN  string
	QueryID       int64
	State         string // FINISHED, FAILED or ABORTED
	Rows          int64
	ExpireAt      time.Time
}

// Deps is what the service is built from.
type Deps struct {
	Store     *store.Store
	Clock     clock.Clock
	Bus       bus.Invoker
	IDs       bus.IDs
	Work      *work.Engine
	Log       *slog.Logger
	Warehouse Warehouse
	Dir       string // folder for result files
	// Events receives the end of a statement submitted WithEvent in the transaction that
	// records it; nil: they are not told.
	Events func(*store.Tx, Event) error
}

// Service is the Redshift Data API.
type Service struct {
	Deps
	mu       sync.Mutex
	live     map[string]statement // statements that run now, ahead of their records
	sessions map[string]*session  // by session id
	swept    map[string]time.Time
}

// New returns the service; Register must be called before the engine starts.
func New(d Deps) *Service {
	return &Service{Deps: d, live: map[string]statement{}, sessions: map[string]*session{}, swept: map[string]time.Time{}}
}

// Register gives the engine the service's kind of task.
func (s *Service) Register(e *work.Engine) {
	e.Handle(Kind, work.Kind{Run: s.run, Resume: work.Rerun, Limit: 50})
}

// Close ends the persistent sessions.
func (s *Service) Close() {
	s.mu.Lock()
	open := s.sessions
	s.sessions = map[string]*session{}
	s.mu.Unlock()
	for _, x := range open {
		x.end(s.Log)
	}
}
