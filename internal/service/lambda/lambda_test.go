package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	api "stepwell/internal/awsapi/lambda"
	logsapi "stepwell/internal/awsapi/logs"
	snsapi "stepwell/internal/awsapi/sns"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/process"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// world is a server with Lambda and the neighbours it talks to.
type world struct {
	t       *testing.T
	dir     string
	store   *store.Store
	clock   *clock.Manual
	bus     *bus.Bus
	service *Service
	stop    func()
	ctx     context.Context

	mounting func(context.Context) (process.Mounting, error)

	mu     sync.Mutex
	lines  []string // of all logs
	told   []string // what topics were told
	change *sync.Cond
}

// newWorld is a world on a machine with Python; the tests need no network:
// their functions have a runtime of their own (testdata/bootstrap.py).
func newWorld(t *testing.T) *world {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip(err)
	}
	w := &world{t: t, dir: t.TempDir(), clock: clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), ctx: context.Background()}
	w.change = sync.NewCond(&w.mu)
	s, err := store.Open(filepath.Join(w.dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	w.store = s
	t.Cleanup(func() { s.Close() })
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// start begins a server over the store, as after a restart.
func (w *world) start() {
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	w.bus = bus.New()
	engine := work.New(w.store, w.clock, log)
	w.service = New(Deps{
		Store: w.store, Clock: w.clock, Bus: w.bus, IDs: bus.RandomIDs{}, Work: engine, Log: log, Dir: filepath.Join(w.dir, "lambda"),
		Environments: process.NewEnvironments(process.EnvironmentsOptions{CacheDir: filepath.Join(w.dir, "cache")}),
		EndpointURL:  func() string { return "http://127.0.0.1:4566" }, Mounting: w.mounting, MaxWorkers: 2, Dice: func() float64 { return 0.25 },
	})
	w.service.Register(engine)
	w.bus.Register(w.service.Table())
	w.bus.Register(&bus.Service{Name: "logs", Operations: []bus.Operation{
		bus.Op("CreateLogGroup", func(context.Context, *logsapi.CreateLogGroupInput) (*logsapi.CreateLogGroupOutput, error) {
			return &logsapi.CreateLogGroupOutput{}, nil
		}),
		bus.Op("CreateLogStream", func(context.Context, *logsapi.CreateLogStreamInput) (*logsapi.CreateLogStreamOutput, error) {
			return &logsapi.CreateLogStreamOutput{}, nil
		}),
		bus.Op("PutLogEvents", func(_ context.Context, r *logsapi.PutLogEventsInput) (*logsapi.PutLogEventsOutput, error) {
			for _, e := range r.LogEvents {
				w.note(func() { w.lines = append(w.lines, *e.Message) })
			}
			return &logsapi.PutLogEventsOutput{}, nil
		}),
	}})
	w.bus.Register(&bus.Service{Name: "sns", Operations: []bus.Operation{
		bus.Op("Publish", func(_ context.Context, r *snsapi.PublishInput) (*snsapi.PublishOutput, error) {
			w.note(func() { w.told = append(w.told, *r.TopicArn+" "+*r.Message) })
			return &snsapi.PublishOutput{}, nil
		}),
	}})
	if err := w.service.Start(); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	if err := engine.Start(ctx); err != nil {
		w.t.Fatal(err)
	}
	w.stop = func() {
		cancel(work.ErrStopped)
		w.service.Close()
		engine.Wait()
	}
}

func (w *world) note(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	w.change.Broadcast()
}

// await waits until something that is noted makes ready true.
func (w *world) await(what string, ready func() bool) {
	w.t.Helper()
	late := false
	defer time.AfterFunc(60*time.Second, func() { w.note(func() { late = true }) }).Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for !ready() {
		if late {
			w.t.Fatalf("no %s", what)
		}
		w.change.Wait()
	}
}

// must calls an operation that succeeds.
func must[Out any](w *world, operation string, in any) *Out {
	w.t.Helper()
	out, err := bus.Invoke[Out](w.ctx, w.bus, "lambda", operation, in)
	if err != nil {
		w.t.Fatalf("%s: %v", operation, err)
	}
	return out
}

// refused calls an operation that fails, and returns its code and message.
func (w *world) refused(operation string, in any) string {
	w.t.Helper()
	out, err := w.bus.Invoke(w.ctx, "lambda", operation, in)
	e := awserr.From(err)
	if e == nil {
		w.t.Fatalf("%s: answer %v, error %v", operation, out, err)
	}
	return fmt.Sprintf("%d %s: %s", e.HTTPStatus(), e.Code, e.Message)
}

// archive makes a zip file whose files can be run.
func archive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		f, err := z.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// code is the test runtime with a comment that makes it another archive.
func (w *world) code(comment string) []byte {
	w.t.Helper()
	text, err := os.ReadFile("testdata/bootstrap.py")
	if err != nil {
		w.t.Fatal(err)
	}
	return archive(w.t, map[string]string{"bootstrap": string(text) + "\n# " + comment + "\n"})
}

// create makes a function with the test runtime.
func (w *world) create(name string, change func(*api.CreateFunctionInput)) *api.CreateFunctionOutput {
	w.t.Helper()
	in := &api.CreateFunctionInput{FunctionName: &name, Runtime: new("provided.al2023"), Handler: new("main.run"),
		Role: new("arn:aws:iam::123456789012:role/r"), Code: &api.FunctionCode{ZipFile: w.code("first")}}
	if change != nil {
		change(in)
	}
	return must[api.CreateFunctionOutput](w, "CreateFunction", in)
}

func (w *world) invoke(name, payload string) *api.InvokeOutput {
	w.t.Helper()
	return must[api.InvokeOutput](w, "Invoke", &api.InvokeInput{FunctionName: &name, Payload: []byte(payload), LogType: new("Tail")})
}

// TestInvoke: what handlers do and what the caller gets. ID stands for the
// request's id, "..." for any text.
func TestInvoke(t *testing.T) {
	w := newWorld(t)
	w.create("f", func(in *api.CreateFunctionInput) {
		in.Environment = &api.Environment{Variables: map[string]string{"OWN": "mine"}}
	})
	w.create("init", func(in *api.CreateFunctionInput) {
		in.Environment = &api.Environment{Variables: map[string]string{"BREAK": "init"}}
	})
	w.create("start", func(in *api.CreateFunctionInput) {
		in.Environment = &api.Environment{Variables: map[string]string{"BREAK": "start"}}
	})
	w.create("empty", func(in *api.CreateFunctionInput) { in.Code.ZipFile = archive(t, map[string]string{"readme": ""}) })
	for _, c := range []struct{ function, event, failed, payload, log string }{
		{"f", `{"a": 1}`, "", `{"a": 1}`, "START RequestId: ID Version: $LATEST\nEND RequestId: ID\nREPORT RequestId: ID\tDuration: ...Memory Size: 128 MB\tMax Memory Used: ...Init Duration: ..."},
		{"f", ``, "", `{}`, "START ..."},
		{"f", `[1, "é"]`, "", `[1, "\u00e9"]`, "START ..."},
		{"f", `{"do": "print", "text": "one\ntwo"}`, "", `{"do": "print", "text": "one\ntwo"}`, "START RequestId: ID Version: $LATEST\none\ntwo\nEND RequestId: ID\nREPORT ..."},
		{"f", `{"do": "env", "names": ["OWN", "AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "_HANDLER", "AWS_EXECUTION_ENV", "GOPATH"]}`, "",
			`{"OWN": "mine", "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_REGION": "us-east-1", "_HANDLER": "main.run", "AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023", "GOPATH": null}`, "..."},
		{"f", `{"do": "headers", "names": ["Lambda-Runtime-Invoked-Function-Arn"]}`, "", `{"Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:f"}`, "..."},
		{"f", `{"do": "raise", "type": "MyError", "message": "no"}`, "Unhandled", `{"errorType": "MyError", "errorMessage": "no"}`, "..."},
		{"f", `{"do": "exit", "code": 3}`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 3"}`, "...Status: error\tError Type: Runtime.ExitError\n"},
		{"f", `{"do": "exit", "code": 0}`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"}`, "..."},
		{"f", `{"do": "kill"}`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"}`, "..."},
		{"f", `{"do": "big", "size": 6291600}`, "Unhandled", `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`, "..."},
		{"init", `{}`, "Unhandled", `{"errorType": "Broken", "errorMessage": "cannot start"}`, "START RequestId: ID ...Init Duration: ..."},
		{"start", `{}`, "Unhandled", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 2"}`, "..."},
		{"empty", `{}`, "Unhandled", `{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: ID Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"}`, ""},
	} {
		const id = "11111111-2222-4333-8444-555555555555"
		w.ctx = bus.With(context.Background(), bus.Caller{RequestID: id})
		out := w.invoke(c.function, c.event)
		log, err := base64.StdEncoding.DecodeString(value(out.LogResult))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(string(out.Payload), id, "ID")
		if value(out.FunctionError) != c.failed || got != c.payload || *out.StatusCode != 200 || *out.ExecutedVersion != latest {
			t.Errorf("%s %s: %s %.200s, want %s %s", c.function, c.event, value(out.FunctionError), got, c.failed, c.payload)
		}
		if text := strings.ReplaceAll(string(log), id, "ID"); !like(text, c.log) {
			t.Errorf("%s %s: log %q, want %q", c.function, c.event, text, c.log)
		}
	}
}

// like compares text with a pattern in which "..." stands for any text.
func like(text, pattern string) bool {
	parts := strings.Split(pattern, "...")
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for i, part := range parts[1:] {
		if i == len(parts)-2 {
			return strings.HasSuffix(text, part)
		}
		_, rest, ok := strings.Cut(text, part)
		if !ok {
			return false
		}
		text = rest
	}
	return text == ""
}

// hold invokes the function with an event that goes on until the file is there.
func (w *world) hold(name, file string) (let func() *api.InvokeOutput) {
	w.t.Helper()
	path := filepath.Join(w.dir, file)
	done := make(chan *api.InvokeOutput, 1)
	go func() {
		out, err := bus.Invoke[api.InvokeOutput](w.ctx, w.bus, "lambda", "Invoke",
			&api.InvokeInput{FunctionName: &name, Payload: fmt.Appendf(nil, `{"do": "wait", "file": %q}`, path)})
		if err != nil {
			w.t.Error(err)
		}
		done <- out
	}()
	for range 6000 {
		if _, err := os.Stat(path + ".here"); err == nil {
			return func() *api.InvokeOutput {
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					w.t.Error(err)
				}
				return <-done
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatal("the handler did not begin")
	return nil
}

// TestWorkers: warm and cold workers, their end at a timeout, by idleness and
// after a change, and the limits on how many there are.
func TestWorkers(t *testing.T) {
	w := newWorld(t)
	w.create("f", nil)
	pid := func() string { return string(w.invoke("f", `{"do": "pid"}`).Payload) }
	first := pid()
	if again := pid(); again != first {
		t.Errorf("the second invocation ran in %s, the first in %s", again, first)
	}
	must[api.UpdateFunctionConfigurationOutput](w, "UpdateFunctionConfiguration", &api.UpdateFunctionConfigurationInput{FunctionName: new("f"), Timeout: new(int64(7))})
	changed := pid()
	if changed == first {
		t.Error("a changed function ran in the worker of the earlier one")
	}
	w.clock.Advance(11 * time.Minute)
	if idle := pid(); idle == changed {
		t.Error("a worker that was idle for 11 minutes is still there")
	}

	let := w.hold("f", "one")
	must[api.PutFunctionConcurrencyOutput](w, "PutFunctionConcurrency", &api.PutFunctionConcurrencyInput{FunctionName: new("f"), ReservedConcurrentExecutions: new(int64(1))})
	if got, want := w.refused("Invoke", &api.InvokeInput{FunctionName: new("f")}), "429 TooManyRequestsException: Rate Exceeded."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	must[api.DeleteFunctionConcurrencyOutput](w, "DeleteFunctionConcurrency", &api.DeleteFunctionConcurrencyInput{FunctionName: new("f")})
	other := w.hold("f", "two")
	third := make(chan string, 1)
	go func() { third <- pid() }() // waits: two workers are all there are
	if out := let(); out.FunctionError != nil {
		t.Errorf("held invocation: %s", out.Payload)
	}
	<-third
	other()

	w.hold("f", "late")
	w.hold("f", "later")
	w.clock.Advance(8 * time.Second)
	if again := pid(); again == changed {
		t.Error("a worker has outlived the timeout")
	}
	w.await("line about the timeout", func() bool {
		for _, l := range w.lines {
			if strings.Contains(l, "Task timed out after 7.00 seconds") {
				return true
			}
		}
		return false
	})
}

// TestEvents: asynchronous invocations are tried three times, their outcome is
// told, and what was accepted runs on the next server.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	topic := func(name string) *string { return new("arn:aws:sns:us-east-1:123456789012:" + name) }
	w.create("f", func(in *api.CreateFunctionInput) {
		in.DeadLetterConfig = &api.DeadLetterConfig{TargetArn: topic("dead")}
	})
	must[api.PutFunctionEventInvokeConfigOutput](w, "PutFunctionEventInvokeConfig", &api.PutFunctionEventInvokeConfigInput{FunctionName: new("f"),
		DestinationConfig: &api.DestinationConfig{OnSuccess: &api.OnSuccess{Destination: topic("good")}, OnFailure: &api.OnFailure{Destination: topic("bad")}}})
	send := func(payload string) {
		t.Helper()
		out := must[api.InvokeOutput](w, "Invoke", &api.InvokeInput{FunctionName: new("f"), InvocationType: new("Event"), Payload: []byte(payload)})
		if *out.StatusCode != 202 || len(out.Payload) > 0 {
			t.Errorf("answer of an event: %d %s", *out.StatusCode, out.Payload)
		}
	}
	send(`{"a": 1}`)
	w.await("word of success", func() bool { return len(w.told) == 1 })
	var r record
	if err := json.Unmarshal([]byte(strings.TrimPrefix(w.told[0], *topic("good")+" ")), &r); err != nil {
		t.Fatal(w.told[0], err)
	}
	if c := r.RequestContext; c.Condition != "Success" || c.Count != 1 || c.FunctionARN != "arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST" ||
		string(r.ResponsePayload) != `{"a":1}` || r.ResponseContext.FunctionError != "" {
		t.Errorf("record of a success: %s", w.told[0])
	}

	failing := `{"do":"raise","type":"E","message":"no"}`
	send(failing)
	logged := func(word string) (n int) {
		for _, l := range w.lines {
			if strings.HasPrefix(l, word) {
				n++
			}
		}
		return n
	}
	w.await("attempt 1", func() bool { return logged("END ") == 2 })
	w.stop() // the next server makes the other attempts
	w.start()
	ticker, over := time.NewTicker(100*time.Millisecond), make(chan struct{})
	defer ticker.Stop()
	defer close(over)
	go func() {
		for {
			select {
			case <-over:
				return
			case <-ticker.C:
			}
			w.mu.Lock()
			idle := logged("START ") == logged("END ")
			w.mu.Unlock()
			if idle { // between the attempts time passes
				w.clock.Advance(time.Minute)
			}
		}
	}()
	w.await("attempt 3", func() bool { return logged("END ") == 4 })
	w.await("word of failure", func() bool { return len(w.told) == 3 })
	if w.told[1] != *topic("dead")+" "+failing {
		t.Errorf("the dead-letter topic got %s", w.told[1])
	}
	if !strings.Contains(w.told[2], `"condition":"RetriesExhausted","approximateInvokeCount":3`) || !strings.Contains(w.told[2], `"functionError":"Unhandled"`) {
		t.Errorf("record of a failure: %s", w.told[2])
	}
}
