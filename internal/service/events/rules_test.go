package events

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

func lines(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// TestDocumentedPatterns: the examples of the user guide, with whole events.
func TestDocumentedPatterns(t *testing.T) {
	checkPatterns(t, "documented.list", "%s")
}

func TestPatterns(t *testing.T) {
	checkPatterns(t, "patterns.list", `{"detail":%s}`)
}

func checkPatterns(t *testing.T, file, form string) {
	t.Helper()
	text := ""
	for _, line := range lines(t, file) {
		sign, rest, _ := strings.Cut(line, " ")
		p, err := parsePattern(text)
		switch sign {
		case "#", "":
		case "!":
			if want := "Event pattern is not valid. Reason: " + rest; err == nil || awserr.From(err).Message != want {
				t.Errorf("%s\n%v\nwant %s", text, err, want)
			}
		case "+", "-":
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			event, err := decode(fmt.Appendf(nil, form, rest))
			if err != nil {
				t.Fatal(rest, err)
			}
			if got := p.matches(event.(map[string]any)); got != (sign == "+") {
				t.Errorf("%s\n%s: %v", text, line, got)
			}
		default:
			text = line
		}
	}
}

// TestTransform: what targets get of an event, see the user guide, "Input
// transformation".
func TestTransform(t *testing.T) {
	event := `{"version":"0","id":"i","detail-type":"t","source":"s","account":"1","time":"2015-11-11T21:29:54Z","region":"r","resources":["arn:x"],"detail":{"instance-id":"i-0123456789","state":"RUN\"NING","n":1.50,"list":[{"k":1},{"k":2}]}}`
	paths := map[string]string{"instance": "$.detail.instance-id", "state": "$.detail.state", "n": "$.detail.n", "detail": "$.detail.list[1]", "all": "$.detail.list[*].k", "none": "$.detail.none", "whole": "$.detail"}
	for _, c := range []struct{ template, want string }{
		{`"instance <instance> is in <state>"`, `"instance i-0123456789 is in RUN"NING"`},
		{`{ "state": "<state>" }`, `{ "state": "RUN"NING" }`},
		{`{"instance":<instance>,"state":<state>}`, `{"instance":"i-0123456789","state":"RUN\"NING"}`},
		{`{"n":<n>,"d":<detail>,"all":<all>}`, `{"n":1.50,"d":{"k":2},"all":[1,2]}`},
		{`{"text":"<n> and <detail><none>"}`, `{"text":"1.50 and {k:2}"}`},
		{`{"text":"<whole>"}`, `{"text":"{instance-id:i-0123456789,list:[{k:1},{k:2}],n:1.50,state:RUNNING}"}`},
		{`{"text": "<none>", "all": "<all>", "reserved": "<aws.events.event>"}`, `{"text": "", "all": "[1,2]", "reserved": "{"account":"1","detail-type":"t","id":"i","region":"r","resources":["arn:x"],"source":"s","time":"2015-11-11T21:29:54Z","version":"0"}"}`},
		{`{"rule":<aws.events.rule-name>,"arn":"<aws.events.rule-arn>"}`, `{"rule":"rule","arn":"arn:rule"}`},
		{`{"at":<aws.events.event.ingestion-time>}`, `{"at":"2023-11-14T22:13:20Z"}`},
		{`"a < b"`, `"a < b"`},
	} {
		d := delivery{Event: json.RawMessage(event), Rule: "arn:rule", RuleName: "rule", Ingested: time.Unix(1_700_000_000, 0),
			Target: api.Target{Id: new("1"), InputTransformer: &api.InputTransformer{InputPathsMap: paths, InputTemplate: &c.template}}}
		if err := checkTransformer(&d.Target); err != nil {
			t.Errorf("%s: %v", c.template, err)
		}
		if got, err := d.input(); err != nil || got != c.want {
			t.Errorf("%s\ngot  %s %v\nwant %s", c.template, got, err, c.want)
		}
	}
	d := delivery{Event: json.RawMessage(event), Target: api.Target{Id: new("1"), InputPath: new("$.detail.list[0]")}}
	if got, err := d.input(); err != nil || got != `{"k":1}` {
		t.Error(got, err)
	}
	if err := checkTransformer(&api.Target{Id: new("1"), InputTransformer: &api.InputTransformer{InputTemplate: new("<who>")}}); err == nil {
		t.Error("an unknown placeholder is accepted")
	}
}

// queue is SQS as rules see it.
type queue struct {
	mu    sync.Mutex
	got   []string
	fails int
	err   error
}

func (q *queue) Invoke(ctx context.Context, service, operation string, in any) (any, error) {
	switch in := in.(type) {
	case *sqs.SendMessageBatchInput:
		return q.sendBatch(ctx, in)
	case *sqs.SendMessageInput:
		return q.send(ctx, in)
	}
	return nil, fmt.Errorf("unexpected %s.%s", service, operation)
}

func (q *queue) sendBatch(_ context.Context, list *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range list.Entries {
		if q.fails > 0 {
			q.fails--
			continue
		}
		q.got = append(q.got, path.Base(*list.QueueUrl)+" "+*e.MessageBody)
		out.Successful = append(out.Successful, sqs.SendMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func (q *queue) send(_ context.Context, m *sqs.SendMessageInput) (*sqs.SendMessageOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.fails > 0 && !strings.HasSuffix(*m.QueueUrl, "dead") {
		q.fails--
		return nil, q.err
	}
	code := ""
	if a, ok := m.MessageAttributes["ERROR_CODE"]; ok {
		code = " " + *a.StringValue
	}
	q.got = append(q.got, path.Base(*m.QueueUrl)+code+" "+*m.MessageBody)
	return &sqs.SendMessageOutput{}, nil
}

// world is a service with a queue for a target.
type world struct {
	*Service
	queue  *queue
	engine *work.Engine
	store  *store.Store
	stop   context.CancelCauseFunc
}

func start(t *testing.T, dir string, c clock.Clock) *world {
	t.Helper()
	st, err := store.Open(filepath.Join(dir, "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	w := &world{queue: &queue{}, engine: work.New(st, c, log), store: st}
	w.Service = New(Deps{Store: st, Clock: c, Bus: w.queue, IDs: bus.RandomIDs{}, Work: w.engine, Log: log})
	w.Service.Register(w.engine)
	ctx, stop := context.WithCancelCause(context.Background())
	w.stop = stop
	if err := w.engine.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) close() {
	w.stop(work.ErrStopped)
	w.engine.Wait()
	w.store.Close()
}

// messages waits until the queue has n of them.
func (w *world) messages(t *testing.T, n int) []string {
	t.Helper()
	for stop := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		w.queue.mu.Lock()
		got := append([]string{}, w.queue.got...)
		w.queue.mu.Unlock()
		if len(got) >= n {
			return got
		}
		if time.Now().After(stop) {
			t.Fatalf("%d messages, want %d: %v", len(got), n, got)
		}
	}
}

func (w *world) target(t *testing.T, rule *api.PutRuleInput, target api.Target) {
	t.Helper()
	if _, err := w.putRule(t.Context(), rule); err != nil {
		t.Fatal(err)
	}
	target.Id = new("1")
	if target.Arn == nil {
		target.Arn = new("arn:aws:sqs:us-east-1:123456789012:q")
	}
	if _, err := w.putTargets(t.Context(), &api.PutTargetsInput{Rule: rule.Name, Targets: []api.Target{target}}); err != nil {
		t.Fatal(err)
	}
}

// TestDay: with a clock that skips, a day of a schedule passes at once, each time once
// and in order; the plan outlives its server.
func TestDay(t *testing.T) {
	dir := t.TempDir()
	w := start(t, dir, clock.NewSkipping())
	hold := w.Clock.Busy() // until the rule has its target
	w.target(t, &api.PutRuleInput{Name: new("r"), ScheduleExpression: new("rate(1 hour)")},
		api.Target{InputTransformer: &api.InputTransformer{InputPathsMap: map[string]string{"t": "$.time"}, InputTemplate: new("<t>")}})
	hold()
	got := w.messages(t, 24)[:24]
	w.close()
	var last time.Time
	for i, line := range got {
		at, err := time.Parse(`"2006-01-02T15:04:05Z"`, strings.TrimPrefix(line, "q "))
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && at.Sub(last) != time.Hour {
			t.Errorf("%s follows %s", at, last)
		}
		last = at
	}
	w = start(t, dir, clock.NewSkipping())
	w.messages(t, 1)
	if _, err := w.disableRule(context.Background(), &api.DisableRuleInput{Name: new("r")}); err != nil {
		t.Fatal(err)
	}
	w.close()
}

// TestRetries: a failed delivery is tried again, a refused one goes to the dead-letter
// queue.
func TestRetries(t *testing.T) {
	w := start(t, t.TempDir(), clock.NewSkipping())
	defer w.close()
	w.target(t, &api.PutRuleInput{Name: new("r"), EventPattern: new(`{"source":["a"]}`)},
		api.Target{Input: new(`"x"`), DeadLetterConfig: &api.DeadLetterConfig{Arn: new("arn:aws:sqs:us-east-1:123456789012:dead")}})
	put := func(source string) {
		out, err := w.putEvents(t.Context(), &api.PutEventsInput{Entries: []api.PutEventsRequestEntry{{Source: &source, DetailType: new("t"), Detail: new("{}")}}})
		if err != nil || *out.FailedEntryCount != 0 {
			t.Fatal(out, err)
		}
	}
	w.queue.fails, w.queue.err = 3, fmt.Errorf("not now")
	put("b")
	put("a")
	if got := w.messages(t, 1); got[0] != `q "x"` {
		t.Error(got)
	}
	w.queue.mu.Lock()
	w.queue.fails, w.queue.err = 1, sqs.QueueDoesNotExist("gone")
	w.queue.mu.Unlock()
	put("a")
	if got := w.messages(t, 2)[1]; !strings.HasPrefix(got, "dead NO_RESOURCE {") {
		t.Error(got)
	}
}
