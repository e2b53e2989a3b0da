package work

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// recorder is a kind's side of a test: what happened, in order.
type recorder struct {
	mu     sync.Mutex
	events []string
	signal chan string
}

func newRecorder() *recorder { return &recorder{signal: make(chan string, 100)} }

func (r *recorder) note(s string) {
	r.mu.Lock()
	r.events = append(r.events, s)
	r.mu.Unlock()
	r.signal <- s
}

func (r *recorder) await(t *testing.T, want string) {
	t.Helper()
	for {
		select {
		case s := <-r.signal:
			if s == want {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no %q; events: %v", want, r.events)
		}
	}
}

func engine(t *testing.T, s *store.Store, c clock.Clock, r *recorder) (*Engine, context.CancelCauseFunc) {
	t.Helper()
	e := New(s, c, slog.New(slog.DiscardHandler))
	e.Handle("again", Kind{Run: func(ctx context.Context, task *Task) error {
		r.note("again " + task.ID)
		<-ctx.Done()
		r.note("again " + task.ID + ": " + context.Cause(ctx).Error())
		if errors.Is(context.Cause(ctx), ErrCancelled) {
			return nil
		}
		return context.Cause(ctx)
	}})
	e.Handle("once", Kind{
		Resume: Lost,
		Run: func(ctx context.Context, task *Task) error {
			r.note("once " + task.ID)
			<-ctx.Done()
			return context.Cause(ctx)
		},
		OnLost: func(_ context.Context, task *Task) error {
			r.note("lost " + task.ID)
			return nil
		},
	})
	e.Handle("flaky", Kind{Run: func(_ context.Context, task *Task) error {
		r.note("flaky")
		if task.Attempt < 2 {
			return errors.New("not yet")
		}
		r.note("flaky done")
		return nil
	}})
	ctx, stop := context.WithCancelCause(context.Background())
	if err := e.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return e, stop
}

func submit(t *testing.T, s *store.Store, e *Engine, tasks ...Task) {
	t.Helper()
	if err := s.Update(context.Background(), func(tx *store.Tx) error {
		for _, task := range tasks {
			if err := e.Submit(tx, task); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestTasksOutliveTheirServer(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := newRecorder()
	e, stop := engine(t, s, clock.New(1), r)
	submit(t, s, e, Task{Kind: "again", ID: "a"}, Task{Kind: "once", ID: "b"}, Task{Kind: "again", ID: "c"})
	r.await(t, "once b")
	for !slices.Contains(r.seen(), "again a") || !slices.Contains(r.seen(), "again c") {
		<-r.signal
	}
	if !e.Cancel("again", "c") || e.Cancel("again", "nobody") {
		t.Error("Cancel does not tell what it had")
	}
	r.await(t, "again c: "+ErrCancelled.Error())
	stop(ErrStopped)
	e.Wait()

	r = newRecorder()
	e, stop = engine(t, s, clock.New(1), r)
	r.await(t, "lost b")
	for !slices.Contains(r.seen(), "again a") {
		<-r.signal
	}
	if slices.Contains(r.seen(), "again c") || slices.Contains(r.seen(), "once b") {
		t.Errorf("ran again: %v", r.seen())
	}
	stop(ErrStopped)
	e.Wait()
}

func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

func TestFaultsAreTriedAgain(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := newRecorder()
	e, stop := engine(t, s, clock.New(0), r)
	submit(t, s, e, Task{Kind: "flaky", ID: "x", RunAt: time.Now().Add(time.Hour)})
	r.await(t, "flaky done")
	stop(ErrStopped)
	e.Wait()
	if n := len(r.seen()); n != 4 {
		t.Errorf("events %v, want three runs and a done", r.seen())
	}
}

// TestTimesAreKeptWhenTheServerStops: what waits for its time when the server
// stops does not run before it, and runs on the next server.
func TestTimesAreKeptWhenTheServerStops(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, r := clock.NewManual(time.Now()), newRecorder()
	e, stop := engine(t, s, c, r)
	submit(t, s, e, Task{Kind: "flaky", ID: "x", Attempt: 2, RunAt: c.Now().Add(time.Hour)})
	stop(ErrStopped)
	e.Wait()
	if len(r.seen()) > 0 {
		t.Fatalf("ran an hour early: %v", r.seen())
	}
	e, stop = engine(t, s, c, r)
	c.Advance(time.Hour)
	r.await(t, "flaky done")
	stop(ErrStopped)
	e.Wait()
}

// TestFullDisk: a task that is due while the store cannot be written waits, runs
// once, and is not run again because its end could not be kept.
func TestFullDisk(t *testing.T) {
	s, err := store.Open(filepath.Join(t.TempDir(), "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := clock.NewManual(time.Unix(1e9, 0))
	e := New(s, c, slog.New(slog.DiscardHandler))
	r := newRecorder()
	ran := func(_ context.Context, task *Task) error {
		r.note(task.Kind)
		s.Break(errors.New("the disk is full")) // before the task's end is kept
		go s.Break(nil)
		return nil
	}
	e.Handle("once", Kind{Resume: Lost, Run: ran, OnLost: func(context.Context, *Task) error {
		r.note("lost")
		return nil
	}})
	e.Handle("again", Kind{Run: ran})
	ctx, stop := context.WithCancelCause(context.Background())
	if err := e.Start(ctx); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"once", "again"} {
		submit(t, s, e, Task{Kind: kind, ID: "x", RunAt: c.Now().Add(time.Minute)})
		s.Break(errors.New("the disk is full"))
		go c.Advance(time.Minute)
		for s.Err() == nil && kind == "once" {
			time.Sleep(time.Millisecond) // until the first attempt to keep that it starts
		}
		s.Break(nil)
		r.await(t, kind)
		for left(t, s) > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	stop(ErrStopped)
	e.Wait()
	if got := r.seen(); !slices.Equal(got, []string{"once", "again"}) {
		t.Errorf("ran %v", got)
	}
}

// left counts the tasks that are kept.
func left(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	if err := s.View(context.Background(), func(tx *store.Tx) error {
		list, err := store.NewTable[Task]("work_tasks").List(tx)
		n = len(list)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}
