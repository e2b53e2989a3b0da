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

	"github.com/klauspost/compress/zstd"
	pq "github.com/parquet-go/parquet-go"

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
	redriven map[string]int64 // children, and the redrive of their Map run they ran in
	again    []string         // inputs of Express children that ran again
	objects  map[string]string
	noted    MapProgress
	begun    *MapBegun  // the Map run as it is recorded; nil: it is not
	refusals int        // BeginChilds that fail
	at       []mapEvent // what happens to the Map run
	ends     int        // of children
	watch    int64      // the child from which on crowd counts
	crowd    int        // the most children at once
	crash    int        // how many Commits and BeginChilds until the host stops working; 0: never
	dead     bool
	healed   atomic.Bool   // tasks do not fail any more
	done     chan struct{} // closed when the execution has ended, or the host is dead
	death    chan struct{} // closed when it is dead
}

func newMapHost() *mapHost {
	return &mapHost{journals: map[string][][]byte{}, events: map[string][]Event{}, ended: map[string]*Result{},
		parent: map[string]Child{}, live: map[string]bool{}, objects: map[string]string{}, redriven: map[string]int64{},
		done: make(chan struct{}), death: make(chan struct{})}
}

var errDead = fmt.Errorf("the host is dead")

// step counts down to the crash; h.mu is held.
func (h *mapHost) step() error {
	if h.crash > 0 {
		if h.crash--; h.crash == 0 {
			h.dead = true
			close(h.death)
			h.finished()
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
		h.childEnds(kid)
		_ = h.r.DeliverChild(kid.Parent.ID, kid.MapRun, kid.Index, *c.End)
	} else {
		h.finished()
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

func (h *mapHost) BeginChild(_ context.Context, c Child) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refusals > 0 {
		h.refusals--
		return fmt.Errorf("the disk is full")
	}
	if err := h.step(); err != nil {
		return err
	}
	if h.ended[c.Parent.ID] != nil {
		return ErrNoExecution
	}
	arn := ChildARN(c)
	if end := h.ended[arn]; end != nil && c.Redrives > h.redriven[arn] && end.Status != Succeeded && !c.Express {
		h.redriven[arn] = c.Redrives
		delete(h.ended, arn)
		return h.r.Redrive(c.Machine, childInfo(c), h.journals[arn])
	}
	if c.Express && h.ended[arn] != nil {
		h.again = append(h.again, string(c.Input))
		delete(h.ended, arn)
		delete(h.live, arn)
		delete(h.journals, arn)
	}
	if end := h.ended[arn]; end != nil {
		go func() { _ = h.r.DeliverChild(c.Parent.ID, c.MapRun, c.Index, *end) }()
		return nil
	}
	if h.live[arn] {
		return nil
	}
	h.parent[arn], h.live[arn] = c, true
	if c.Index >= h.watch {
		h.crowd = max(h.crowd, h.running())
	}
	err := h.r.Resume(c.Machine, childInfo(c), h.journals[arn])
	if err != nil && h.redriven[arn] > 0 { // to be redriven, and not begun
		err = h.r.Redrive(c.Machine, childInfo(c), h.journals[arn])
	}
	return err
}

func childInfo(c Child) Info {
	return Info{ID: ChildARN(c), Name: c.Name, Input: c.Input, StartTime: benchTime, Region: c.Parent.Region,
		StateMachineID: c.Parent.StateMachineID + "/" + c.Label, StateMachineName: c.Parent.StateMachineName + "/" + c.Label}
}

func (h *mapHost) EndOfChild(_ context.Context, c Child) (Result, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if end := h.ended[ChildARN(c)]; end != nil {
		return *end, nil
	}
	return Result{}, ErrNoExecution
}

func (h *mapHost) StopChild(_ context.Context, c Child) {
	_ = h.r.Deliver(ChildARN(c), Stop{At: h.r.clock.Now()})
}

func (h *mapHost) Open(_ context.Context, o Object) (io.ReadCloser, error) {
	key := o.Bucket + "/" + o.Key
	if o.Version != "" {
		key += "@" + o.Version
	}
	text, ok := h.objects[key]
	if !ok {
		return nil, fmt.Errorf("The specified key does not exist.")
	}
	if o.Owner != "" && o.Owner != "111111111111" {
		return nil, fmt.Errorf("Access Denied")
	}
	if o.Length > 0 {
		text = text[o.Offset:min(o.Offset+o.Length, int64(len(text)))]
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (h *mapHost) Size(_ context.Context, o Object) (int64, error) {
	text, ok := h.objects[o.Bucket+"/"+o.Key]
	if !ok {
		return 0, fmt.Errorf("Not Found")
	}
	return int64(len(text)), nil
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
	if o.Bucket == "closed" || o.Bucket == "out-mended" && !h.healed.Load() {
		err = fmt.Errorf("Access Denied")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead {
		err = errDead
	}
	if err == nil {
		h.objects[o.Bucket+"/"+o.Key] = string(text)
	}
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
			return refusal(problems)
		}
		out, _ := runMapCase(t, c, m, 0)
		for crash := 1; c.Args["crash"] != ""; crash++ {
			got, crashed := runMapCase(t, c, m, crash)
			if got != out {
				return fmt.Sprintf("%s\nafter a crash at step %d:\n%s", out, crash, got)
			}
			if !crashed {
				break
			}
		}
		return out
	})
}

// runMapCase runs a Map; crash is the step at which the host dies. It tells
// what came of it, and whether the host died.
func runMapCase(t *testing.T, c *datatest.Case, m *Machine, crash int) (out string, crashed bool) {
	h := newMapHost()
	h.crash = crash
	h.arrange(c)
	given := len(h.objects)
	uuid := counter()
	h.start(t, uuid)
	input := c.Args["input"]
	if input == "" {
		input = "{}"
	}
	info := recordedInfo(input, benchTime)
	if err := h.r.Start(m, info); err != nil {
		t.Fatal(err)
	}
	crashed = h.survive(t, c, m, info, uuid)
	if c.Args["redrive"] != "" {
		h.mu.Lock()
		h.healed.Store(true)
		h.done = make(chan struct{})
		journal := h.journals[info.ID]
		delete(h.ended, info.ID)
		h.mu.Unlock()
		if err := h.r.Redrive(m, info, journal); err != nil {
			t.Fatal(err)
		}
		crashed = h.survive(t, c, m, info, uuid) || crashed
	}
	h.over()
	h.r.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	out = printEvents(h.events[info.ID], c.Args["events"]) + stampless(printResult(h.ended[info.ID]))
	if c.Args["children"] != "" {
		out += h.printChildren()
	} else if h.noted.Status == Failed {
		out += "\nFAILED" // how far the others came is a matter of timing
	} else if h.noted.Status == Aborted || h.noted.Status == Running { // as is this, where the execution was stopped
	} else if h.noted.ID != "" {
		out += fmt.Sprintf("\n%s: %d children, %d items, %d succeeded, %d failed", h.noted.Status, h.noted.Children.Total, h.noted.Items.Total,
			h.noted.Items.Succeeded, h.noted.Items.Failed)
	}
	out += h.violations(info.ID)
	if c.Args["watch"] != "" {
		out += fmt.Sprintf("\nat once: %d", h.crowd)
	}
	if len(h.objects) > given {
		for _, k := range slices.Sorted(maps.Keys(h.objects)) {
			if strings.HasPrefix(k, "out") {
				out += "\n" + k + " " + stampless(h.objects[k])
			}
		}
	}
	return out, crashed
}

// packers make objects of texts.
var packers = map[string]func(string) string{
	"gzip": func(text string) string {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = io.WriteString(w, text)
		w.Close()
		return packed.String()
	},
	"zstd": func(text string) string {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			return err.Error()
		}
		return string(w.EncodeAll([]byte(text), nil))
	},
	"parquet": func(text string) string {
		type row struct {
			ID   int64   `parquet:"id"`
			Name *string `parquet:"name,optional"`
		}
		var rows []row
		if err := json.Unmarshal([]byte(text), &rows); err != nil {
			return err.Error()
		}
		var b bytes.Buffer
		if err := pq.Write(&b, rows, pq.Compression(&pq.Snappy)); err != nil {
			return err.Error()
		}
		return b.String()
	},
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
	err := h.r.Resume(m, info, journal)
	if err != nil { // to be redriven, and not begun
		err = h.r.Redrive(m, info, journal)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// printChildren lists the counts of the Map run and the histories of its
// children. It wants a MaxConcurrency of 1.
func (h *mapHost) printChildren() string {
	n := h.noted.Children
	out := fmt.Sprintf("\n%s: %d children, %d succeeded, %d failed, %d aborted, %d pending", h.noted.Status, n.Total, n.Succeeded, n.Failed, n.Aborted, n.Pending)
	if len(h.again) > 0 {
		out += fmt.Sprintf("\nagain: %v", h.again)
	}
	for _, arn := range slices.SortedFunc(maps.Keys(h.parent), func(a, b string) int { return int(h.parent[a].Index - h.parent[b].Index) }) {
		out += fmt.Sprintf("\n%d:", h.parent[arn].Index)
		for _, e := range h.events[arn] {
			out += " " + string(e.Type)
		}
	}
	return out
}

// TestMapRunRedriveLimit redrives a Map run until it cannot be redriven any more.
func TestMapRunRedriveLimit(t *testing.T) {
	m, problems := Compile(`{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
		"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`, Options{MapRuns: true})
	if m == nil {
		t.Fatal(problems)
	}
	x := New(m, recordedInfo(`[1]`, benchTime), Env{UUID: counter()})
	var in Input = Start{benchTime}
	for redrives := 0; ; redrives++ {
		step, err := x.Advance(in)
		if err != nil {
			t.Fatal(err)
		}
		if step.End != nil {
			if got := printResult(step.End); redrives != mostRedrives+1 || !strings.HasPrefix(got, "FAILED States.Runtime: The Map Run has been redriven 1000 times") {
				t.Fatalf("after %d redrives: %s", redrives, got)
			}
			return
		}
		if step, err = x.Advance(MapRunEnded{At: benchTime, ID: step.BeginRuns[0].ID, Failed: true, Error: new("Boom")}); err != nil || step.End == nil {
			t.Fatal(step.End, err)
		}
		in = Redrive{benchTime}
	}
}

// TestMapRunInsists: a host that refuses children for a while fails no Map run.
func TestMapRunInsists(t *testing.T) {
	m, problems := Compile(`{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
		"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`, Options{MapRuns: true})
	if m == nil {
		t.Fatal(problems)
	}
	h := newMapHost()
	h.refusals = 3
	h.start(t, counter())
	info := recordedInfo(`[1,2]`, benchTime)
	if err := h.r.Start(m, info); err != nil {
		t.Fatal(err)
	}
	h.wait(t)
	if got := printResult(h.ended[info.ID]); got != "SUCCEEDED [1,2]" {
		t.Error(got)
	}
}
