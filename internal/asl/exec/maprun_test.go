package exec

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stepwell/internal/asl/internal/datatest"
	"stepwell/internal/clock"
)

// mapHost is a Host in memory whose Map runs' children are executions of the
// same runner.
type mapHost struct {
	mu       sync.Mutex
	r        *Runner
	journals map[string][][]byte
	events   map[string][]Event
	ended    map[string]*Result
	parent   map[string]Child // of the children, by ARN
	live     map[string]bool  // children begun since the start
	objects  map[string]string
	noted    MapProgress
	crash    int // how many Commits and BeginChilds until the host stops working; 0: never
	dead     bool
	healed   atomic.Bool // tasks do not fail any more
	done     chan struct{}
}

func newMapHost() *mapHost {
	return &mapHost{journals: map[string][][]byte{}, events: map[string][]Event{}, ended: map[string]*Result{},
		parent: map[string]Child{}, live: map[string]bool{}, objects: map[string]string{}, done: make(chan struct{})}
}

var errDead = fmt.Errorf("the host is dead")

// step counts down to the crash; h.mu is held.
func (h *mapHost) step() error {
	if h.crash > 0 {
		if h.crash--; h.crash == 0 {
			h.dead = true
			close(h.done)
		}
	}
	if h.dead {
		return errDead
	}
	return nil
}

func (h *mapHost) Commit(_ context.Context, c Commit) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.step(); err != nil {
		return err
	}
	h.journals[c.Execution] = append(h.journals[c.Execution], c.Journal...)
	h.events[c.Execution] = append(h.events[c.Execution], c.Events...)
	if c.End == nil {
		return nil
	}
	h.ended[c.Execution] = c.End
	if kid, ok := h.parent[c.Execution]; ok {
		_ = h.r.DeliverChild(kid.Parent.ID, kid.MapRun, kid.Index, *c.End)
	} else {
		close(h.done)
	}
	return nil
}

func (h *mapHost) BeginTask(_ context.Context, t Task) {
	in := Input(TaskSucceeded{time.Time{}, t.ID, t.Parameters})
	var p struct{ Fail bool }
	if json.Unmarshal(t.Parameters, &p); p.Fail && !h.healed.Load() {
		in = TaskFailed{Task: t.ID, Error: new("Boom"), Cause: new("it failed")}
	}
	_ = h.r.Deliver(t.Execution, at(in, h.r.clock.Now()))
}

func at(in Input, now time.Time) Input {
	switch in := in.(type) {
	case TaskSucceeded:
		in.At = now
		return in
	case TaskFailed:
		in.At = now
		return in
	}
	return in
}

func (h *mapHost) ResumeTask(ctx context.Context, t Task) { h.BeginTask(ctx, t) }
func (h *mapHost) AbandonTask(context.Context, Task)      {}

func (h *mapHost) BeginMapRun(_ context.Context, m MapRun) (MapControl, error) {
	return m.MapControl, nil
}

func (h *mapHost) NoteMapRun(_ context.Context, p MapProgress) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.noted = p
	if h.dead {
		return errDead
	}
	return nil
}

func (h *mapHost) BeginChild(_ context.Context, c Child) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.step(); err != nil {
		return err
	}
	arn := ChildARN(c)
	if end := h.ended[arn]; end != nil && h.healed.Load() && end.Status != Succeeded {
		delete(h.live, arn)
		delete(h.journals, arn)
		delete(h.ended, arn)
	}
	if end := h.ended[arn]; end != nil {
		go func() { _ = h.r.DeliverChild(c.Parent.ID, c.MapRun, c.Index, *end) }()
		return nil
	}
	if h.live[arn] {
		return nil
	}
	h.parent[arn], h.live[arn] = c, true
	return h.r.Resume(c.Machine, childInfo(c), h.journals[arn])
}

func childInfo(c Child) Info {
	return Info{ID: ChildARN(c), Name: c.Name, Input: c.Input, StartTime: benchTime, Region: c.Parent.Region,
		StateMachineID: c.Parent.StateMachineID + "/" + c.Label, StateMachineName: c.Parent.StateMachineName + "/" + c.Label}
}

func (h *mapHost) StopChild(_ context.Context, c Child) {
	_ = h.r.Deliver(ChildARN(c), Stop{At: h.r.clock.Now()})
}

func (h *mapHost) Open(_ context.Context, o Object) (io.ReadCloser, error) {
	text, ok := h.objects[o.Bucket+"/"+o.Key]
	if !ok {
		return nil, fmt.Errorf("The specified key does not exist.")
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (h *mapHost) List(_ context.Context, o Object, token string) ([]ObjectEntry, string, error) {
	keys := slices.Sorted(maps.Keys(h.objects))
	for i, k := range keys {
		key, ok := strings.CutPrefix(k, o.Bucket+"/")
		if !ok || !strings.HasPrefix(key, o.Prefix) || k <= token {
			continue
		}
		next := ""
		if i+1 < len(keys) {
			next = k
		}
		return []ObjectEntry{{Key: key, ETag: `"e"`, StorageClass: "STANDARD", Size: int64(len(h.objects[k])), LastModified: benchTime}}, next, nil
	}
	return nil, "", nil
}

func (h *mapHost) Put(_ context.Context, o Object, _ string, body io.ReadSeeker) error {
	text, err := io.ReadAll(body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.objects[o.Bucket+"/"+o.Key] = string(text)
	return err
}

// counter makes ids that are the same in every run.
func counter() func() string {
	n := 0
	var mu sync.Mutex
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprintf("id-%d", n)
	}
}

func (h *mapHost) start(t *testing.T, uuid func() string) {
	h.r = NewRunner(h, clock.New(0), Env{UUID: uuid, Token: func(string, TaskID) string { return "token" }})
	t.Cleanup(h.r.Close)
}

func (h *mapHost) wait(t *testing.T) {
	t.Helper()
	select {
	case <-h.done:
	case <-time.After(20 * time.Second):
		t.Fatal("the execution does not end")
	}
}

// TestMapRun runs Distributed Maps: the machine is one Map state. Members
// "object NAME" are objects of the bucket b; "gzip" ones are packed.
func TestMapRun(t *testing.T) {
	datatest.Run(t, "testdata/maprun/*.txt", func(t *testing.T, c *datatest.Case) string {
		m, problems := Compile(`{"StartAt":"M","States":{"M":`+c.Args["state"]+`}}`, Options{MapRuns: true})
		if m == nil {
			return fmt.Sprintf("refused: %v", problems)
		}
		h := newMapHost()
		for name, text := range c.Args {
			text = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(text)
			if key, ok := strings.CutPrefix(name, "object-"); ok {
				h.objects["b/"+key] = text
			}
			if key, ok := strings.CutPrefix(name, "gzip-"); ok {
				var packed bytes.Buffer
				w := gzip.NewWriter(&packed)
				_, _ = io.WriteString(w, text)
				w.Close()
				h.objects["b/"+key] = packed.String()
			}
		}
		given := len(h.objects)
		h.start(t, counter())
		input := c.Args["input"]
		if input == "" {
			input = "{}"
		}
		info := recordedInfo(input, benchTime)
		if err := h.r.Start(m, info); err != nil {
			t.Fatal(err)
		}
		h.wait(t)
		if c.Args["redrive"] != "" {
			h.mu.Lock()
			h.healed.Store(true)
			h.done = make(chan struct{})
			journal := h.journals[info.ID]
			h.mu.Unlock()
			if err := h.r.Redrive(m, info, journal); err != nil {
				t.Fatal(err)
			}
			h.wait(t)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		out := printEvents(h.events[info.ID], c.Args["events"]) + printResult(h.ended[info.ID])
		if h.noted.Status == Failed {
			out += "\nFAILED" // how far the others came is a matter of timing
		} else if h.noted.ID != "" {
			out += fmt.Sprintf("\n%s: %d children, %d items, %d succeeded, %d failed", h.noted.Status, h.noted.Children.Total, h.noted.Items.Total,
				h.noted.Items.Succeeded, h.noted.Items.Failed)
		}
		if len(h.objects) > given {
			for _, k := range slices.Sorted(maps.Keys(h.objects)) {
				if strings.HasPrefix(k, "out/") {
					out += "\n" + k + " " + stampless(h.objects[k])
				}
			}
		}
		return out
	})
}

// stampless leaves out the times of a result file.
func stampless(s string) string {
	for _, name := range []string{`,"StartDate":"`, `,"StopDate":"`} {
		for {
			i := strings.Index(s, name)
			if i < 0 {
				break
			}
			s = s[:i] + s[i+len(name)+strings.IndexByte(s[i+len(name):], '"')+1:]
		}
	}
	return s
}

// TestMapRunRestarts lets the host die after every step of a Map run: what
// resumes comes to the same end.
func TestMapRunRestarts(t *testing.T) {
	m, problems := Compile(`{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.l","ToleratedFailureCount":3,"ItemBatcher":{"MaxItemsPerBatch":2},
		"MaxConcurrency":3,"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"T","States":{
		"T":{"Type":"Task","Resource":"arn:aws:states:::test:run","Next":"W"},"W":{"Type":"Wait","Seconds":1,"End":true}}},"End":true}}}`, Options{MapRuns: true})
	if m == nil {
		t.Fatal(problems)
	}
	info := recordedInfo(`{"l":[1,2,3,4,5,6,7]}`, benchTime)
	whole := newMapHost()
	whole.start(t, counter())
	if err := whole.r.Start(m, info); err != nil {
		t.Fatal(err)
	}
	whole.wait(t)
	want := printResult(whole.ended[info.ID])
	for crash := 1; ; crash++ {
		h := newMapHost()
		h.crash = crash
		uuid := counter()
		h.start(t, uuid)
		if err := h.r.Start(m, info); err != nil {
			t.Fatal(err)
		}
		h.wait(t)
		h.r.Close()
		if !h.dead {
			t.Logf("%d crashes", crash-1)
			return
		}
		h.dead, h.crash, h.done, h.live = false, 0, make(chan struct{}), map[string]bool{}
		h.start(t, uuid)
		h.resume(t, m, info)
		h.wait(t)
		if got := printResult(h.ended[info.ID]); got != want {
			t.Fatalf("crash after %d steps: %s, want %s", crash, got, want)
		}
		wellFormed(t, crash, h.events[info.ID])
	}
}

// resume goes on with what the dead host left.
func (h *mapHost) resume(t *testing.T, m *Machine, info Info) {
	h.mu.Lock()
	journal := h.journals[info.ID]
	h.mu.Unlock()
	if err := h.r.Resume(m, info, journal); err != nil {
		t.Fatal(err)
	}
}
