package exec

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"stepwell/internal/clock"
)

// memoryHost keeps journals in memory and answers tasks by a function.
type memoryHost struct {
	mu       sync.Mutex
	runner   *Runner
	clock    clock.Clock
	journals map[string][][]byte
	results  map[string]*Result
	ended    chan string
	fail     int // commits that fail
	answer   func(Task) Input
	resumed  []Task
	gone     []Task
}

func newMemoryHost(c clock.Clock, answer func(Task) Input) *memoryHost {
	return &memoryHost{clock: c, journals: map[string][][]byte{}, results: map[string]*Result{}, ended: make(chan string, 100), answer: answer}
}

func (h *memoryHost) Commit(_ context.Context, c Commit) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail > 0 {
		h.fail--
		return errors.New("the disk is full")
	}
	h.journals[c.Execution] = append(h.journals[c.Execution], c.Journal...)
	if c.End != nil {
		h.results[c.Execution] = c.End
		h.ended <- c.Execution
	}
	return nil
}

func (h *memoryHost) BeginTask(_ context.Context, t Task) {
	if in := h.answer(t); in != nil {
		if err := h.runner.Deliver(t.Execution, in); err != nil {
			panic(err)
		}
	}
}

func (h *memoryHost) ResumeTask(ctx context.Context, t Task) {
	h.mu.Lock()
	h.resumed = append(h.resumed, t)
	h.mu.Unlock()
	h.BeginTask(ctx, t)
}

func (h *memoryHost) AbandonTask(_ context.Context, t Task) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = append(h.gone, t)
}

const pollMachine = `{"StartAt":"Run","States":{
	"Run":{"Type":"Task","Resource":"arn:aws:states:::test:run","TimeoutSeconds":60,"Next":"Wait","ResultPath":"$.run",
		"Retry":[{"ErrorEquals":["Flaky"],"IntervalSeconds":10,"MaxAttempts":3}]},
	"Wait":{"Type":"Wait","Seconds":30,"Next":"Both"},
	"Both":{"Type":"Parallel","End":true,"Branches":[
		{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":60,"End":true}}},
		{"StartAt":"B","States":{"B":{"Type":"Task","Resource":"arn:aws:states:::test:run","End":true}}}]}}}`

func TestRunnerSkipsTime(t *testing.T) {
	c := clock.NewSkipping()
	h := newMemoryHost(c, func(task Task) Input {
		if task.Attempt < 2 && task.State == "Run" {
			return TaskFailed{At: c.Now(), Task: task.ID, Error: new("Flaky")}
		}
		return TaskSucceeded{At: c.Now(), Task: task.ID, Output: []byte(`"ok"`)}
	})
	h.runner = NewRunner(h, c, Env{})
	defer h.runner.Close()
	h.fail = 1
	info := recordedInfo(`{}`, c.Now())
	if err := h.runner.Start(mustCompile(t, pollMachine), info); err != nil {
		t.Fatal(err)
	}
	id := wait(t, h.ended)
	if r := h.results[id]; r.Status != Succeeded || string(r.Output) != `[{"run":"ok"},"ok"]` {
		t.Errorf("result %s %s", r.Status, r.Output)
	}
	if err := h.runner.DeliverSync(t.Context(), id, Stop{At: c.Now()}); !errors.Is(err, ErrNoExecution) {
		t.Errorf("an ended execution takes inputs: %v", err)
	}
}

// TestRunnerRuns looks at what there is when Run returns.
func TestRunnerRuns(t *testing.T) {
	for _, c := range []struct {
		machine string
		ended   bool
	}{
		{`{"StartAt":"P","States":{"P":{"Type":"Pass","Next":"Q"},"Q":{"Type":"Pass","End":true}}}`, true},
		{`{"StartAt":"P","States":{"P":{"Type":"Wait","Seconds":30,"End":true}}}`, false},
	} {
		now := clock.NewManual(benchTime)
		h := newMemoryHost(now, nil)
		h.runner = NewRunner(h, now, Env{})
		info := recordedInfo(`{}`, benchTime)
		if err := h.runner.Run(mustCompile(t, c.machine), info); err != nil {
			t.Fatal(err)
		}
		if r := h.results[info.ID]; (r != nil) != c.ended {
			t.Errorf("%s: result %+v", c.machine, r)
		}
		now.Advance(time.Minute)
		wait(t, h.ended)
		h.runner.Close()
	}
}

func wait(t *testing.T, ended chan string) string {
	select {
	case id := <-ended:
		return id
	case <-time.After(20 * time.Second):
		t.Fatal("the execution does not end")
		return ""
	}
}

// TestRunnerResumes closes the runner while a task runs and a timer is set.
func TestRunnerResumes(t *testing.T) {
	c := clock.NewManual(benchTime)
	begun := make(chan Task, 10)
	h := newMemoryHost(c, func(task Task) Input { begun <- task; return nil })
	h.runner = NewRunner(h, c, Env{})
	m, info := mustCompile(t, pollMachine), recordedInfo(`{}`, benchTime)
	if err := h.runner.Start(m, info); err != nil {
		t.Fatal(err)
	}
	task := <-begun
	ctx := context.Background()
	for _, in := range []Input{TaskStarted{At: c.Now(), Task: task.ID}, TaskNoted{At: c.Now(), Task: task.ID, Handle: []byte("job-1")}} {
		if err := h.runner.DeliverSync(ctx, info.ID, in); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.runner.DeliverSync(ctx, info.ID, TaskSucceeded{At: c.Now(), Task: task.ID + 7}); !errors.Is(err, ErrNoTask) {
		t.Errorf("an unknown task was answered: %v", err)
	}
	h.runner.Close()

	h.runner = NewRunner(h, c, Env{})
	if err := h.runner.Resume(m, info, slices.Clone(h.journals[info.ID])); err != nil {
		t.Fatal(err)
	}
	again := <-begun
	if len(h.resumed) != 1 || string(again.Handle) != "job-1" || !again.Started || again.Token != task.Token || again.ID != task.ID {
		t.Errorf("resumed %+v, begun %+v", again, task)
	}
	if err := h.runner.DeliverSync(ctx, info.ID, TaskSucceeded{At: c.Now(), Task: task.ID, Output: []byte(`1`)}); err != nil {
		t.Fatal(err)
	}
	h.runner.Close() // in the Wait state, its timer is set
	c.Advance(time.Hour)
	h.runner = NewRunner(h, c, Env{})
	defer func() { h.runner.Close() }()
	if err := h.runner.Resume(m, info, slices.Clone(h.journals[info.ID])); err != nil {
		t.Fatal(err)
	}
	<-begun
	if err := h.runner.DeliverSync(ctx, info.ID, Stop{At: c.Now(), Error: new("Stopped")}); err != nil {
		t.Fatal(err)
	}
	if r := h.results[info.ID]; r == nil || r.Status != Aborted || *r.Error != "Stopped" || len(h.gone) != 1 {
		t.Errorf("stopped: %+v, abandoned %v", r, h.gone)
	}
}
