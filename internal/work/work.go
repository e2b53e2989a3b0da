// Package work runs the asynchronous work that outlives a request: statements,
// job runs, deliveries. A task is durable before anything of it starts; after
// a restart, what a dead server left is run again or declared lost, as its kind
// says.
//
// It knows no kind of task; services register theirs. A task that ends removes
// itself: what it came to is its kind's record, not this package's.
package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// ErrCancelled is the cause (context.Cause) of a task's context after Cancel.
var ErrCancelled = errors.New("task was cancelled")

// ErrStopped is the cause of a task's context when the server stops. The task
// stays and is resumed by the next server.
var ErrStopped = errors.New("server is stopping")

// Task is a piece of work. Kind and ID name it.
type Task struct {
	Kind    string
	ID      string
	Caller  bus.Caller      // on whose behalf it runs
	RunAt   time.Time       // not before; zero means now
	Payload json.RawMessage // the kind's own
	Started bool            // set before the first run starts
	Attempt int             // runs that ended in an error so far
}

// Resume says what becomes of a task that was running when its server died.
type Resume uint8

const (
	Rerun Resume = iota // run it again: the kind is idempotent
	Lost                // call OnLost: its effects died with the server
)

// Kind is how tasks of a kind are run.
type Kind struct {
	// Run does the work. An error is a fault of the server, not an outcome: the
	// task is tried again after a while (1 s doubling up to a minute). ctx
	// carries the task's Caller and ends with ErrCancelled or ErrStopped.
	Run    func(ctx context.Context, t *Task) error
	Resume Resume
	OnLost func(ctx context.Context, t *Task) error
	Limit  int // tasks of the kind that run at once; 0 means any number
}

// Engine runs tasks.
type Engine struct {
	store *store.Store
	clock clock.Clock
	log   *slog.Logger
	table store.Table[Task]

	mu      sync.Mutex
	kinds   map[string]*kind
	ctx     context.Context
	running sync.WaitGroup
}

type kind struct {
	Kind
	slots  chan struct{}
	active map[string]*active
}

// active is a task this process will run, waits to run, or runs.
type active struct {
	cancel context.CancelCauseFunc
	timer  clock.Timer
}

// New returns an engine; nothing runs before Start.
func New(s *store.Store, c clock.Clock, log *slog.Logger) *Engine {
	return &Engine{store: s, clock: c, log: log, table: store.NewTable[Task]("work_tasks"), kinds: map[string]*kind{}}
}

// Handle registers a kind; all are registered before Start.
func (e *Engine) Handle(name string, k Kind) {
	entry := &kind{Kind: k, active: map[string]*active{}}
	if k.Limit > 0 {
		entry.slots = make(chan struct{}, k.Limit)
	}
	e.kinds[name] = entry
}

// Submit adds a task within tx; it starts once tx is durable.
func (e *Engine) Submit(tx *store.Tx, t Task) error {
	if e.kinds[t.Kind] == nil {
		return fmt.Errorf("cannot submit task: no kind %q", t.Kind)
	}
	if err := e.table.Put(tx, t, t.Kind, t.ID); err != nil {
		return err
	}
	tx.AfterCommit(func() { e.schedule(t) })
	return nil
}

// Cancel ends the context of a task, running or waiting, with ErrCancelled. It
// reports whether this server had the task.
func (e *Engine) Cancel(kindName, id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.kinds[kindName]
	if k == nil || k.active[id] == nil {
		return false
	}
	k.active[id].cancel(ErrCancelled)
	return true
}

// Start resumes what an earlier server left and runs tasks until Stop.
func (e *Engine) Start(ctx context.Context) error {
	e.mu.Lock()
	e.ctx = ctx
	e.mu.Unlock()
	var left []Task
	if err := e.store.View(ctx, func(tx *store.Tx) (err error) {
		left, err = e.table.List(tx)
		return err
	}); err != nil {
		return fmt.Errorf("cannot resume tasks: %w", err)
	}
	defer e.clock.Busy()() // time does not skip before all of them are there
	for _, t := range left {
		if e.kinds[t.Kind] == nil {
			e.log.Warn("task of an unknown kind is left alone", "kind", t.Kind, "id", t.ID)
			continue
		}
		e.schedule(t)
	}
	return nil
}

// Wait returns when every run has ended after the context given to Start has.
func (e *Engine) Wait() { e.running.Wait() }

// schedule arranges for t to run at its time.
func (e *Engine) schedule(t Task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := e.kinds[t.Kind]
	if e.ctx == nil || k.active[t.ID] != nil {
		return // Start will find it, or it is scheduled already
	}
	parent := bus.With(e.ctx, t.Caller)
	ctx, cancel := context.WithCancelCause(parent)
	a := &active{cancel: cancel}
	k.active[t.ID] = a
	e.running.Add(1)
	done := e.clock.Busy()
	if wait := t.RunAt.Sub(e.clock.Now()); !t.RunAt.IsZero() && wait > 0 {
		e.delay(ctx, a, wait, func() { e.run(ctx, k, t) })
		done()
		return
	}
	ctx = context.WithValue(ctx, holdKey{}, done)
	go func() {
		defer done()
		e.run(ctx, k, t)
	}()
}

type holdKey struct{}

// Release lets the clock skip waits while the task that ctx is of goes on: the
// engine holds the clock busy during a run. A kind that waits within its runs
// calls it, and holds the clock itself where it works.
func Release(ctx context.Context) {
	if done, ok := ctx.Value(holdKey{}).(func()); ok {
		done()
	}
}

// delay calls f after d, or as soon as ctx ends.
func (e *Engine) delay(ctx context.Context, a *active, d time.Duration, f func()) {
	var once sync.Once
	a.timer = e.clock.AfterFunc(d, func() { once.Do(f) })
	context.AfterFunc(ctx, func() {
		a.timer.Stop()
		once.Do(f)
	})
}

func (e *Engine) run(ctx context.Context, k *kind, t Task) {
	defer e.running.Done()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, ErrCancelled) {
		e.mu.Lock()
		delete(k.active, t.ID)
		e.mu.Unlock()
		return // the server stops before the task begins: the next one runs it when it is due
	}
	err := e.attempt(ctx, k, &t)
	e.mu.Lock()
	delete(k.active, t.ID)
	stopping := e.ctx.Err() != nil
	e.mu.Unlock()
	if stopping && errors.Is(context.Cause(ctx), context.Cause(e.ctx)) && err != nil {
		return // the next server resumes it
	}
	if err == nil {
		err = e.remove(t)
	}
	if err == nil || stopping {
		return
	}
	t.Attempt++
	t.RunAt = e.clock.Now().Add(min(time.Second<<min(t.Attempt-1, 6), time.Minute))
	e.log.Error("task failed and will be tried again", "kind", t.Kind, "id", t.ID, "attempt", t.Attempt, "error", err)
	if err := e.store.Keep(e.ctx, func(tx *store.Tx) error { return e.Submit(tx, t) }); err != nil {
		e.log.Error("cannot record a failed task", "kind", t.Kind, "id", t.ID, "error", err)
	}
}

// remove forgets a task that has ended. It goes on trying while the store cannot
// be written: running the task again would do its work a second time.
func (e *Engine) remove(t Task) error {
	return e.store.Keep(e.ctx, func(tx *store.Tx) error {
		_, err := e.table.Delete(tx, t.Kind, t.ID)
		return err
	})
}

// attempt runs the task once, or declares it lost.
func (e *Engine) attempt(ctx context.Context, k *kind, t *Task) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("task panicked: %v", p)
		}
	}()
	if k.slots != nil {
		select {
		case k.slots <- struct{}{}:
			defer func() { <-k.slots }()
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), ErrCancelled) {
				break // let Run record that it was cancelled
			}
			return context.Cause(ctx)
		}
	}
	if k.Resume == Lost {
		if t.Started {
			return k.OnLost(ctx, t)
		}
		started := *t
		started.Started = true
		if err := e.store.Keep(ctx, func(tx *store.Tx) error {
			return e.table.Put(tx, started, t.Kind, t.ID)
		}); err != nil {
			return err
		}
		*t = started
	}
	return k.Run(ctx, t)
}
