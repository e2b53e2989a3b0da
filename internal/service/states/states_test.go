package states

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected results of testdata")

// countingIDs makes ids that a test can foresee.
type countingIDs struct {
	mu sync.Mutex
	n  int
}

func (c *countingIDs) next() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n
}

func (c *countingIDs) UUID() string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", c.next()) }

func (c *countingIDs) Hex(n int) string { return fmt.Sprintf("%0*x", 2*n, c.next()) }

// world is a server with Step Functions and stand-ins for its neighbours.
type world struct {
	t       testing.TB
	store   *store.Store
	clock   clock.Clock
	bus     *bus.Bus
	svc     *Service
	others  *neighbours
	changes []string
	mu      sync.Mutex
}

// newWorld starts a server over the store file; others outlive it.
func newWorld(t testing.TB, file string, c clock.Clock, others *neighbours) *world {
	t.Helper()
	st, err := store.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: st, clock: c, bus: bus.New(), others: others}
	w.svc = New(Deps{
		Store: st, Clock: c, Bus: w.bus, Catalog: w.bus, IDs: others.ids, Log: slog.New(slog.DiscardHandler),
		Events: func(tx *store.Tx, s StatusChange) error {
			tx.AfterCommit(func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.changes = append(w.changes, *s.Execution.Name+" "+*s.Execution.Status)
			})
			return nil
		},
	})
	w.bus.Register(w.svc.Table())
	others.register(w.bus, c)
	if err := w.svc.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) close() {
	w.svc.Close()
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

// call invokes an operation with its input as JSON and prints the answer.
func (w *world) call(service, operation, input string) (any, error) {
	_, op := w.bus.Lookup(service, operation)
	if op == nil {
		w.t.Fatalf("no operation %s.%s", service, operation)
	}
	if op.Handle == nil {
		return w.bus.Invoke(context.Background(), service, operation, nil)
	}
	in := op.NewInput()
	if input == "" {
		input = "{}"
	}
	if err := json.Unmarshal([]byte(input), in); err != nil {
		w.t.Fatalf("%s: %v in %s", operation, err, input)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return w.bus.Invoke(ctx, service, operation, in)
}

func (w *world) must(operation, input string) map[string]any {
	w.t.Helper()
	out, err := w.call("states", operation, input)
	if err != nil {
		w.t.Fatalf("%s %s: %v", operation, input, err)
	}
	data, err := json.Marshal(out)
	if err != nil {
		w.t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		w.t.Fatal(err)
	}
	return tree
}

// await waits for an execution to leave RUNNING and returns it.
func (w *world) await(arn string) map[string]any {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		e := w.must("DescribeExecution", `{"ExecutionArn":"`+arn+`"}`)
		if e["Status"] != "RUNNING" && w.svc.live.get(arn) == nil {
			return e
		}
	}
	w.t.Fatalf("%s still runs: %v", arn, w.history(arn))
	return nil
}

// history prints the events of an execution, one a line.
func (w *world) history(arn string) string {
	w.t.Helper()
	var b strings.Builder
	for _, e := range w.must("GetExecutionHistory", `{"ExecutionArn":"`+arn+`"}`)["Events"].([]any) {
		event := e.(map[string]any)
		fmt.Fprintf(&b, "%v %v %v", event["Id"], event["PreviousEventId"], event["Type"])
		for k, v := range event {
			if strings.HasSuffix(k, "Details") {
				data, err := marshal(v)
				if err != nil {
					w.t.Fatal(err)
				}
				b.WriteString(" " + string(data))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

var volatile = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z`), `<time>`},
	{regexp.MustCompile(`(\\*"Date\\*":\[?\\*")[^"\\]+`), `${1}<date>`},
	{regexp.MustCompile(`(\\*"\w+(?:Date|On)\\*":)\d{13}`), `${1}<ms>`},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`), `<request>`},
	{regexp.MustCompile(`(mapRun:[^:"]+:)[0-9a-f-]{36}`), `${1}<run>`},
	{regexp.MustCompile(`("event_timestamp":")\d{13}`), `${1}<ms>`},
	{regexp.MustCompile(`ACoAAGFy[A-Za-z0-9+/=]+`), `<token>`},
	{regexp.MustCompile(`"NextToken":"[^"]+"`), `"NextToken":"<next>"`},
}

func stable(s string) string {
	for _, v := range volatile {
		s = v.re.ReplaceAllString(s, v.with)
	}
	return s
}

func show(out any, err error) string {
	if e := awserr.From(err); e != nil {
		return fmt.Sprintf("%d %s: %s\n", e.HTTPStatus(), e.Code, e.Message)
	}
	if err != nil {
		return "INTERNAL " + err.Error() + "\n"
	}
	data, err := marshal(out)
	if err != nil {
		return err.Error()
	}
	return string(data) + "\n"
}

// TestScripts runs testdata/*.txt: blocks of a command, its input, "----" and
// what it prints. Commands: "call OPERATION", "SERVICE OPERATION",
// "await ARN", "history ARN", "token" (takes the
// one that a message carried), "changes", "effects". $NAME in an
// input is a value that "NAME=" before a command took from the answer's last
// ARN or token member.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			compare(t, string(text), got)
		})
	}
}

func compare(t *testing.T, want, got string) {
	wants, gots := strings.Split(want, "\n\n"), strings.Split(got, "\n\n")
	for i := range wants {
		if i < len(gots) && strings.TrimSpace(wants[i]) != strings.TrimSpace(gots[i]) {
			t.Errorf("got\n%s\nwant\n%s\n", gots[i], wants[i])
		}
	}
}

func runScript(t *testing.T, text string) string {
	others := newNeighbours()
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), clock.New(0), others)
	defer w.close()
	vars := map[string]string{}
	var out []string
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		head, _, _ := strings.Cut(block, "\n----")
		if strings.HasPrefix(head, "#") && !strings.Contains(head, "\n") {
			out = append(out, head)
			continue
		}
		out = append(out, head+"\n----\n"+strings.TrimRight(w.block(head, vars), "\n"))
	}
	return strings.Join(out, "\n\n") + "\n"
}

func (w *world) block(head string, vars map[string]string) string {
	lines := strings.Split(head, "\n")
	for strings.HasPrefix(lines[0], "#") {
		lines = lines[1:]
	}
	name := ""
	command := strings.Fields(lines[0])
	if n, ok := strings.CutSuffix(command[0], "="); ok {
		name, command = n, command[1:]
	}
	expand := func(s string) string {
		return os.Expand(s, func(v string) string {
			if x, ok := vars[v]; ok {
				return x
			}
			return "$" + v
		})
	}
	input := expand(strings.Join(lines[1:], " "))
	arg := ""
	if len(command) > 1 {
		arg = expand(command[1])
	}
	switch command[0] {
	case "await":
		e := w.await(arg)
		return stable(fmt.Sprintf("%v output=%v error=%v cause=%v", e["Status"], e["Output"], e["Error"], e["Cause"]))
	case "history":
		return stable(w.history(arg))
	case "changes":
		w.mu.Lock()
		defer w.mu.Unlock()
		// In order within an execution; executions run beside each other.
		slices.SortStableFunc(w.changes, func(a, b string) int {
			return strings.Compare(strings.Fields(a)[0], strings.Fields(b)[0])
		})
		return strings.Join(w.changes, "\n")
	case "token": // of the last message that carried one
		for deadline := time.Now().Add(10 * time.Second); len(w.others.held()) == 0 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		for token := range w.others.held() {
			vars[name] = token
			w.others.release(token)
		}
		return "taken"
	case "object": // puts an object
		w.others.mu.Lock()
		defer w.others.mu.Unlock()
		w.others.Objects[arg] = strings.Join(lines[1:], "\n")
		return "kept"
	case "objects":
		w.others.mu.Lock()
		defer w.others.mu.Unlock()
		return stable(w.others.Objects[arg])
	case "effects":
		w.svc.logs.running.Wait()
		return stable(strings.Join(w.others.taken(), "\n"))
	}
	service := command[0]
	if service == "call" {
		service = "states"
	}
	out, err := w.call(service, arg, input)
	if name != "" && err == nil {
		vars[name] = lastName(out)
	}
	return stable(show(out, err))
}

// lastName is the value of the last ARN or token member of an answer.
func lastName(out any) (name string) {
	v := reflect.ValueOf(out).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i).Name
		if s, ok := v.Field(i).Interface().(*string); ok && s != nil && (strings.HasSuffix(field, "Arn") || strings.HasSuffix(field, "Token")) {
			name = *s
		}
	}
	return name
}
