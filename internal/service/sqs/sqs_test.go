package sqs

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	api "stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected results of testdata")

var volatile = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|[A-Za-z0-9+/]{40,}=*`)

// world is a server's part that a test needs; it can be restarted.
type world struct {
	*Service
	dir   string
	clock *clock.Manual
	store *store.Store
	bus   *bus.Bus
	stop  context.CancelCauseFunc

	engine *work.Engine
}

func (w *world) start(t testing.TB) {
	t.Helper()
	var err error
	if w.store, err = store.Open(filepath.Join(w.dir, "s.db")); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	e := work.New(w.store, w.clock, log)
	w.Service = New(Deps{Store: w.store, Clock: w.clock, IDs: bus.RandomIDs{}, Work: e, Log: log, Endpoint: "http://host"})
	w.Service.Register(e)
	w.bus = bus.New()
	w.bus.Register(w.Table())
	if err := w.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	w.engine, w.stop = e, func(cause error) { stop(cause); e.Wait() }
	if err := e.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

func (w *world) close(t testing.TB) {
	t.Helper()
	w.stop(work.ErrStopped)
	if err := w.store.Close(); err != nil {
		t.Error(err)
	}
}

func newWorld(t testing.TB) *world {
	w := &world{dir: t.TempDir(), clock: clock.NewManual(time.Unix(1_700_000_000, 0))}
	w.start(t)
	t.Cleanup(func() { w.close(t) })
	return w
}

// TestScripts runs testdata/*.txt: blocks of an operation, its input, "----" and
// the answer; "advance 30s" moves the clock, "restart" makes a new server of the
// same store. $NAME is a receipt handle: $a that of the message with the body a.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { script(t, file) })
	}
}

func script(t *testing.T, file string) {
	w := newWorld(t)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	vars, all := map[string]string{}, []string{}
	for block := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		head, want, _ := strings.Cut(block, "\n----")
		operation, input, _ := strings.Cut(head, "\n")
		got := "done"
		switch name, arg, _ := strings.Cut(operation, " "); name {
		case "advance":
			d, err := time.ParseDuration(arg)
			if err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(d)
		case "restart":
			w.close(t)
			w.start(t)
		default:
			got = w.call(t, operation, input, vars)
		}
		got = volatile.ReplaceAllString(got, "<>")
		if want = strings.TrimSpace(want); got != want && !*rewrite {
			t.Errorf("%s\ngot\n%s\nwant\n%s", head, got, want)
		}
		all = append(all, head+"\n----\n"+got)
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(all, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) call(t *testing.T, operation, input string, vars map[string]string) string {
	t.Helper()
	_, op := w.bus.Lookup("sqs", operation)
	if op == nil {
		t.Fatalf("no operation %q", operation)
	}
	in := op.NewInput()
	if err := json.Unmarshal([]byte(os.Expand(input, func(name string) string { return vars[name] })), in); err != nil {
		t.Fatalf("%s %s: %v", operation, input, err)
	}
	out, err := w.bus.Invoke(t.Context(), "sqs", operation, in)
	if e := awserr.From(err); e != nil {
		return fmt.Sprintf("%d %s: %s", e.HTTPStatus(), e.Code, e.Message)
	}
	if err != nil {
		return "INTERNAL " + err.Error()
	}
	if r, ok := out.(*api.ReceiveMessageOutput); ok {
		var lines []string
		for _, m := range r.Messages {
			vars[*m.Body] = *m.ReceiptHandle
			m.ReceiptHandle = nil
			b, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, string(b))
		}
		if lines == nil {
			return "nothing"
		}
		return strings.Join(lines, "\n")
	}
	if r, ok := out.(*api.StartMessageMoveTaskOutput); ok {
		vars["task"] = *r.TaskHandle
		w.engine.Wait() // until it is done
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestLongPoll: a waiting receive is woken by a message that arrives, by one that
// becomes visible, and by the end of its wait.
func TestLongPoll(t *testing.T) {
	w := newWorld(t)
	if _, err := w.createQueue(t.Context(), &api.CreateQueueInput{QueueName: new("q")}); err != nil {
		t.Fatal(err)
	}
	receive := func(then func()) int {
		got := make(chan int, 1)
		go func() {
			out, err := w.receiveMessage(t.Context(), &api.ReceiveMessageInput{QueueUrl: new("q"), WaitTimeSeconds: new(int64(20)), VisibilityTimeout: new(int64(5))})
			if err != nil {
				t.Error(err)
			}
			got <- len(out.Messages)
		}()
		for w.clock.Pending() == 0 {
			time.Sleep(time.Millisecond) // until it waits
		}
		then()
		return <-got
	}
	send := func() {
		if _, err := w.sendMessage(t.Context(), &api.SendMessageInput{QueueUrl: new("q"), MessageBody: new("a")}); err != nil {
			t.Error(err)
		}
	}
	if n := receive(send); n != 1 {
		t.Errorf("arrival: %d messages", n)
	}
	if n := receive(func() { w.clock.Advance(5 * time.Second) }); n != 1 {
		t.Errorf("visibility: %d messages", n)
	}
	if _, err := w.receiveMessage(t.Context(), &api.ReceiveMessageInput{QueueUrl: new("q"), WaitTimeSeconds: new(int64(0))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.purgeQueue(t.Context(), &api.PurgeQueueInput{QueueUrl: new("q")}); err != nil {
		t.Fatal(err)
	}
	if n := receive(func() { w.clock.Advance(20 * time.Second) }); n != 0 {
		t.Errorf("deadline: %d messages", n)
	}
}

// BenchmarkThroughput sends, receives and deletes one message per operation, by 32
// clients at once.
func BenchmarkThroughput(b *testing.B) {
	w := newWorld(b)
	if _, err := w.createQueue(b.Context(), &api.CreateQueueInput{QueueName: new("q")}); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for range b.N / 32 {
				if _, err := w.sendMessage(b.Context(), &api.SendMessageInput{QueueUrl: new("q"), MessageBody: new("body")}); err != nil {
					b.Error(err)
				}
				out, err := w.receiveMessage(b.Context(), &api.ReceiveMessageInput{QueueUrl: new("q"), WaitTimeSeconds: new(int64(1))})
				if err != nil || len(out.Messages) == 0 {
					b.Error(err)
					continue
				}
				if _, err := w.deleteMessage(b.Context(), &api.DeleteMessageInput{QueueUrl: new("q"), ReceiptHandle: out.Messages[0].ReceiptHandle}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
}
