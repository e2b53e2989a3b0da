package states

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// Catalog knows the operations that aws-sdk tasks can name; *bus.Bus is one.
type Catalog interface {
	Services() []*bus.Service
	Lookup(service, operation string) (*bus.Service, *bus.Operation)
}

// StatusChange is an execution whose status has changed, for EventBridge.
type StatusChange struct {
	Account, Region string
	Execution       *api.DescribeExecutionOutput
}

// Deps is what the service is built from.
type Deps struct {
	Store   *store.Store
	Clock   clock.Clock
	Bus     bus.Invoker
	Catalog Catalog
	IDs     bus.IDs
	Log     *slog.Logger
	Mocks   *Mocks       // what tasks answer in test cases; nil: there are none
	HTTP    *http.Client // calls APIs for HTTP tasks; nil: the default one
	// Events hears of status changes in the transactions that make them; nil: nobody
	// listens.
	Events func(*store.Tx, StatusChange) error
}

// Service is Step Functions.
type Service struct {
	Deps
	runner   *exec.Runner
	programs programs
	targets  targets
	live     liveTable
	tasks    taskTable
	queues   activityQueues
	reader   historyReader
	codecs   codecs
	logs     logQueue
	mocks    mockCounts

	commitWait time.Duration // how long an answer waits to become durable

	mu       sync.Mutex
	deleting map[string]bool // ARNs of machines that go when their last execution ends
}

// New returns the service. Nothing runs before Start.
func New(d Deps) *Service {
	s := &Service{Deps: d, deleting: map[string]bool{}, commitWait: commitWait}
	s.live.byARN = map[string]*liveExecution{}
	s.tasks.init()
	s.queues.byARN = map[string]*activityQueue{}
	s.reader.store = d.Store
	s.logs.s = s
	s.runner = s.newRunner()
	return s
}

// Start resumes the executions that an earlier server left running.
func (s *Service) Start(ctx context.Context) error {
	done := s.Clock.Busy()
	defer done()
	var all []machine
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = machines.List(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot resume executions: %w", err)
	}
	for _, m := range all {
		if m.Status == deleting {
			s.deleting[m.ARN] = true
		}
	}
	children, err := s.resume(ctx)
	if err != nil {
		return fmt.Errorf("cannot resume executions: %w", err)
	}
	if err := s.abandonRuns(ctx); err != nil {
		return fmt.Errorf("cannot end Map runs: %w", err)
	}
	if err := s.abandonOrphans(ctx, children); err != nil {
		return fmt.Errorf("cannot end child executions: %w", err)
	}
	return nil
}

// Close stops all executions where they are; the next server resumes them. It
// comes before the store is closed.
func (s *Service) Close() {
	s.runner.Close()
	s.logs.running.Wait()
}

// Table returns the operations.
func (s *Service) Table() *bus.Service {
	return &bus.Service{Name: "states", Model: api.Model, Operations: s.operations()}
}
