package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"stepwell/internal/clock"
)

// ErrNoExecution is returned for executions that the runner does not run:
// unknown ones, and ended ones.
var ErrNoExecution = errors.New("cannot deliver to execution: it does not run here")

// ErrClosed is returned by a closed Runner.
var ErrClosed = errors.New("cannot deliver to execution: the runner is closed")

// Runner runs executions over a Host. Each execution takes its inputs one at a
// time, in a goroutine that lives only while there are any; an execution that
// waits holds a timer and its frames, nothing else.
type Runner struct {
	host  Host
	clock clock.Clock
	env   Env

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	live   map[string]*job
	runs   map[runKey]*mapRunner
	closed bool
}

// NewRunner makes a runner. Close it to stop its work.
func NewRunner(host Host, c clock.Clock, env Env) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	return &Runner{host: host, clock: c, env: env.withDefaults(), ctx: ctx, cancel: cancel, live: map[string]*job{}, runs: map[runKey]*mapRunner{}}
}

// job is an execution with its inputs.
type job struct {
	r  *Runner
	id string

	mu     sync.Mutex
	x      *Execution
	queue  []delivery
	active bool          // a goroutine drives it
	ending atomic.Bool   // its end is being committed
	ended  bool          // nobody takes inputs any more
	gone   chan struct{} // closed when the runner has forgotten it
	timer  clock.Timer
	busy   func()
}

type delivery struct {
	in   Input
	done chan error // nil: nobody waits
}

// Start begins an execution that the host has recorded. It returns at once.
func (r *Runner) Start(m *Machine, info Info) error {
	j, err := r.add(New(m, info, r.env), Start{At: r.clock.Now()})
	if err != nil {
		return err
	}
	go j.drive()
	return nil
}

// Run is Start that returns when the execution has ended or waits for the first
// time: what it does until then is done in the caller's goroutine.
func (r *Runner) Run(m *Machine, info Info) error {
	j, err := r.add(New(m, info, r.env), Start{At: r.clock.Now()})
	if err != nil {
		return err
	}
	j.drive()
	return nil
}

// Resume goes on with an execution from its journal: tasks in flight are
// handed to Host.ResumeTask, waits get their timers. An empty journal starts it.
func (r *Runner) Resume(m *Machine, info Info, journal [][]byte) error {
	if len(journal) == 0 {
		return r.Start(m, info)
	}
	x, err := Restore(m, info, r.env, journal)
	if err != nil {
		return err
	}
	if end := x.Result(); end != nil {
		return fmt.Errorf("cannot resume execution %s: it has ended", info.ID)
	}
	j, err := r.add(x, Resumed{At: r.clock.Now()})
	if err != nil {
		return err
	}
	for _, t := range x.MapRuns() {
		r.beginRun(x, t)
	}
	for _, t := range x.Tasks() {
		r.host.ResumeTask(r.ctx, t)
	}
	go j.drive() // takes their answers, too
	return nil
}

// Redrive goes on with an execution that has ended without success, from its
// journal (RedriveExecution). The host has recorded that it runs again.
func (r *Runner) Redrive(m *Machine, info Info, journal [][]byte) error {
	x, err := Restore(m, info, r.env, journal)
	if err != nil {
		return err
	}
	if x.Result() == nil || x.Result().Status == Succeeded {
		return fmt.Errorf("cannot redrive execution %s: it runs or has succeeded", info.ID)
	}
	j, err := r.add(x, Redrive{At: r.clock.Now()})
	if err != nil {
		return err
	}
	go j.drive()
	return nil
}

// add makes the job of an execution, with its first input: the caller drives
// it. A job of the same ID whose end the host has seen is forgotten in a moment:
// add waits for that.
func (r *Runner) add(x *Execution, first Input) (*job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for last := r.live[x.info.ID]; last != nil; last = r.live[x.info.ID] {
		if !last.ending.Load() {
			return nil, fmt.Errorf("cannot start execution %s: it runs already", x.info.ID)
		}
		r.mu.Unlock()
		select {
		case <-last.gone:
		case <-r.ctx.Done():
		}
		r.mu.Lock()
	}
	if r.closed {
		return nil, ErrClosed
	}
	j := &job{r: r, id: x.info.ID, x: x, queue: []delivery{{in: first}}, active: true, busy: r.clock.Busy(), gone: make(chan struct{})}
	r.live[j.id] = j
	r.wg.Add(1)
	return j, nil
}

func (r *Runner) job(execution string) (*job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	j := r.live[execution]
	if j == nil {
		return nil, ErrNoExecution
	}
	return j, nil
}

// Deliver hands an input to a running execution and returns at once.
// ErrNoExecution: it does not run; ErrNoTask: the task is not in flight.
func (r *Runner) Deliver(execution string, in Input) error {
	j, err := r.job(execution)
	if err != nil {
		return err
	}
	return j.offer(delivery{in: in})
}

// DeliverSync is Deliver that returns when what the input led to is durable.
func (r *Runner) DeliverSync(ctx context.Context, execution string, in Input) error {
	j, err := r.job(execution)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	if err := j.offer(delivery{in, done}); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ctx.Done():
		return ErrClosed
	}
}

// Close stops the runner and waits for commits under way. Executions that
// have not ended can be resumed from their journals.
func (r *Runner) Close() {
	r.mu.Lock()
	r.closed = true
	r.cancel()
	jobs := r.live
	r.live = map[string]*job{}
	r.mu.Unlock()
	for _, j := range jobs {
		j.mu.Lock()
		j.stopTimer()
		j.mu.Unlock()
	}
	r.wg.Wait()
}

// offer is push for inputs of others: an answer to a task must fit.
func (j *job) offer(d delivery) error {
	if id := taskOfInput(d.in); id != 0 {
		j.mu.Lock()
		known := j.x.flying(id) != nil
		j.mu.Unlock()
		if !known {
			return ErrNoTask
		}
	}
	return j.push(d)
}

// push adds an input, and sees to it that somebody drives the job.
func (j *job) push(d delivery) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended {
		return ErrNoExecution
	}
	if !j.active {
		if !j.r.enter() {
			return ErrClosed
		}
		j.active, j.busy = true, j.r.clock.Busy()
		j.stopTimer()
		go j.drive()
	}
	j.queue = append(j.queue, d)
	return nil
}

// enter counts somebody who drives a job, unless the runner is closed.
func (r *Runner) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.wg.Add(1)
	}
	return !r.closed
}

func (j *job) stopTimer() {
	if j.timer != nil {
		j.timer.Stop()
		j.timer = nil
	}
}

// drive takes inputs until there are none.
func (j *job) drive() {
	defer j.r.wg.Done()
	for {
		b, ok := j.batch()
		if !ok {
			return
		}
		if !j.commit(b) {
			j.abort(b)
			return
		}
		j.effects(b)
		for _, w := range b.waiters {
			w.done <- w.err
		}
		if b.commit.End != nil {
			j.retire()
			return
		}
	}
}

// batch is what a number of inputs led to.
type batch struct {
	commit  Commit
	begin   []Task
	abandon []Task
	runs    []MapTask
	stopped []string // Map runs
	waiters []waiter
}

type waiter struct {
	done chan error
	err  error
}

// Inputs are taken together until their journal has this size.
const batchSize = 1 << 20

// batch advances the execution by all inputs at hand. Where there are none it
// sets the timer and reports false: the job is idle.
func (j *job) batch() (*batch, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	b := &batch{commit: Commit{Execution: j.id}}
	size := 0
	for len(j.queue) > 0 && size < batchSize && b.commit.End == nil {
		d := j.queue[0]
		j.queue = j.queue[1:]
		step, err := j.x.Advance(d.in)
		if d.done != nil {
			b.waiters = append(b.waiters, waiter{d.done, err})
		}
		if err != nil {
			continue
		}
		if step.Journal != nil {
			b.commit.Journal = append(b.commit.Journal, step.Journal)
			size += len(step.Journal)
		}
		b.commit.Events = append(b.commit.Events, step.Events...)
		b.begin, b.abandon = append(b.begin, step.Begin...), append(b.abandon, step.Abandon...)
		b.runs, b.stopped = append(b.runs, step.BeginRuns...), append(b.stopped, step.AbandonRuns...)
		b.commit.End = step.End
		j.ending.Store(step.End != nil)
		if step.More {
			j.queue = append(j.queue, delivery{in: Continue{At: j.r.clock.Now()}})
		}
	}
	if b.commit.Journal == nil && len(b.waiters) == 0 && len(j.queue) == 0 {
		j.idle()
		return nil, false
	}
	return b, true
}

// idle lets go of the goroutine: j.mu is held and the queue is empty.
func (j *job) idle() {
	j.queue, j.active = nil, false
	if due := j.x.Wake(); !due.IsZero() && j.r.ctx.Err() == nil {
		j.timer = j.r.clock.AfterFunc(due.Sub(j.r.clock.Now()), func() {
			_ = j.r.Deliver(j.id, Wake{At: j.r.clock.Now()}) // an execution that has ended needs no wake
		})
	}
	j.busy()
}

const (
	firstPause = 50 * time.Millisecond
	longPause  = 5 * time.Second
)

// commit makes the batch durable; it goes on trying while the host fails.
func (j *job) commit(b *batch) bool {
	if len(b.commit.Journal) == 0 {
		return true
	}
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		if err := j.r.host.Commit(j.r.ctx, b.commit); err == nil {
			return true
		}
		select {
		case <-j.r.ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

// abort gives up on a batch because the runner is closed.
func (j *job) abort(b *batch) {
	for _, w := range b.waiters {
		w.done <- ErrClosed
	}
	j.busy()
}

func (j *job) effects(b *batch) {
	for _, t := range b.runs {
		if !slices.Contains(b.stopped, t.ID) {
			j.r.beginRun(j.x, t)
		}
	}
	for _, id := range b.stopped {
		j.r.abandonRun(j.id, id)
	}
	skipped := map[TaskID]bool{}
	for _, t := range b.abandon {
		skipped[t.ID] = true
	}
	for _, t := range b.begin {
		if skipped[t.ID] {
			delete(skipped, t.ID) // never began
			continue
		}
		j.r.host.BeginTask(j.r.ctx, t)
	}
	for _, t := range b.abandon {
		if skipped[t.ID] {
			j.r.host.AbandonTask(j.r.ctx, t)
		}
	}
}

// retire forgets an execution that has ended.
func (j *job) retire() {
	j.r.mu.Lock()
	delete(j.r.live, j.id)
	j.r.mu.Unlock()
	close(j.gone)
	j.mu.Lock()
	rest := j.queue
	j.queue, j.ended = nil, true
	j.mu.Unlock()
	for _, d := range rest {
		if d.done != nil {
			d.done <- ErrNoExecution
		}
	}
	j.busy()
}
