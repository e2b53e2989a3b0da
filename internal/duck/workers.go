package duck

/*
void *duckdb_create_task_state(void *database);
void duckdb_execute_tasks_state(void *state);
void duckdb_finish_execution(void *state);
void duckdb_destroy_task_state(void *state);
*/
import "C"

import (
	"sync"
	atomics "sync/atomic" // atomic is a part of a regular expression here
	"time"
	"unsafe"
)

// workers are the threads that share in the work of statements, beside the
// threads that wait for their results. DuckDB's own would be woken by every
// statement and race with its thread for the little there is to do: a third of
// the processor time of a short read, and more where many sessions ask at once.
// Ours join when a statement has gone on for joinAfter, and leave when none has
// for lingerTime.
type workers struct {
	database unsafe.Pointer
	threads  int // all, as DuckDB counts them
	opened   time.Time

	mu    sync.Mutex
	conns map[*Conn]struct{}

	awake atomics.Bool
	wake  chan struct{} // a statement goes on while the watch sleeps
	stop  chan struct{}
	done  sync.WaitGroup
}

const (
	joinAfter  = time.Millisecond
	lingerTime = 50 * time.Millisecond
	// staleSignals is how many statements pass before the workers join for a
	// moment without need: every task leaves a signal, which only they take.
	staleSignals = 50_000
)

func startWorkers(database unsafe.Pointer, threads int) *workers {
	w := &workers{
		database: database, threads: threads, opened: time.Now(), conns: map[*Conn]struct{}{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	if threads > 1 {
		w.done.Go(w.watch)
	}
	return w
}

// close ends the workers. No statement may be under way.
func (w *workers) close() {
	close(w.stop)
	w.done.Wait()
}

func (w *workers) add(c *Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[c] = struct{}{}
}

func (w *workers) remove(c *Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
}

func (w *workers) now() int64 { return int64(time.Since(w.opened)) + 1 }

// activity is what the watch sees of a connection.
type activity struct {
	count atomics.Int64 // of statements begun
	since atomics.Int64 // when the statement under way began, 0: none
	left  atomics.Int64 // when the thread went away with a chunk of its rows, 0: it is here
}

// enter notes that a thread begins the connection's statement, or goes on with it.
func (w *workers) enter(c *activity) {
	c.left.Store(0)
	if c.since.Load() == 0 {
		c.since.Store(w.now())
		c.count.Add(1)
	}
	if w.threads > 1 && !w.awake.Load() && !w.awake.Swap(true) {
		w.wake <- struct{}{}
	}
}

// leave notes that the thread goes; over, that the statement is at its end.
func (w *workers) leave(c *activity, over bool) {
	if over {
		c.since.Store(0)
	} else {
		c.left.Store(w.now())
	}
}

// look says whether statements are under way, and whether there is one that
// takes long and fewer threads at work than processors. begun counts the
// statements of all connections.
func (w *workers) look() (busy, long bool, begun int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, here := w.now(), 0
	for c := range w.conns {
		begun += c.activity.count.Load()
		since, left := c.activity.since.Load(), c.activity.left.Load()
		if since == 0 || left != 0 && now-left > int64(lingerTime) {
			continue
		}
		if left == 0 {
			here++
		}
		busy = true
		long = long || now-since > int64(joinAfter)
	}
	return busy, long && here < w.threads, begun
}

// watch lets the workers in and out. It sleeps when there is nothing to see.
func (w *workers) watch() {
	var at shift
	defer at.end()
	var counted, lastBusy, lastLong int64
	timer := time.NewTimer(joinAfter)
	for {
		busy, long, begun := w.look()
		now := w.now()
		if begun > counted+staleSignals {
			long = true
		}
		if busy {
			lastBusy = now
		}
		if long {
			lastLong, counted = now, begun
			at.begin(w)
		} else if now-lastLong > int64(lingerTime) {
			at.end()
		}
		counted = min(counted, begun)
		if at.state == nil && now-lastBusy > int64(lingerTime) && !w.sleep() {
			return
		}
		pause := joinAfter
		if at.state != nil {
			pause = lingerTime / 5
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-w.stop:
			return
		}
	}
}

// sleep waits for a statement; false: for the end.
func (w *workers) sleep() bool {
	w.awake.Store(false)
	if busy, _, _ := w.look(); busy && !w.awake.Swap(true) {
		return true // it began before it could see the watch asleep
	}
	select {
	case <-w.wake:
		return true
	case <-w.stop:
		return false
	}
}

// shift is the workers at work.
type shift struct {
	state   unsafe.Pointer // nil: none is
	workers sync.WaitGroup
}

func (s *shift) begin(w *workers) {
	if s.state != nil {
		return
	}
	s.state = C.duckdb_create_task_state(w.database)
	for range w.threads - 1 {
		s.workers.Go(func() { C.duckdb_execute_tasks_state(s.state) })
	}
}

// end waits until every worker is done with the task it has.
func (s *shift) end() {
	if s.state == nil {
		return
	}
	C.duckdb_finish_execution(s.state)
	s.workers.Wait()
	C.duckdb_destroy_task_state(s.state)
	s.state = nil
}
