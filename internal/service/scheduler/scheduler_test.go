package scheduler

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stepwell/internal/awsapi/events"
	api "stepwell/internal/awsapi/scheduler"
	sqsapi "stepwell/internal/awsapi/sqs"
	statesapi "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
	"stepwell/test/opscript"
)

// world is a service with targets that keep what they get.
type world struct {
	*Service
	bus   *bus.Bus
	clock clock.Clock
	stop  context.CancelCauseFunc

	mu    sync.Mutex
	got   []string // times and what came
	fails map[string]int
}

func (w *world) note(ctx context.Context, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got = append(w.got, w.clock.Now().Format("2006-01-02T15:04:05 ")+bus.From(ctx).Account+" "+fmt.Sprintf(format, args...))
}

func start(t *testing.T, file string, c clock.Clock) *world {
	t.Helper()
	st, err := store.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{bus: bus.New(), clock: c, fails: map[string]int{}}
	engine := work.New(st, c, slog.New(slog.DiscardHandler))
	w.Service = New(Deps{Store: st, Clock: c, Bus: w.bus, Catalog: w.bus, IDs: bus.RandomIDs{}, Work: engine, Log: slog.New(slog.DiscardHandler)})
	w.Service.Register(engine)
	w.bus.Register(w.Table())
	w.targets(w.bus)
	ctx, stop := context.WithCancelCause(context.Background())
	w.stop = func(err error) {
		stop(err)
		engine.Wait()
		st.Close()
	}
	if err := engine.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return w
}

// targets registers what schedules can call.
func (w *world) targets(b *bus.Bus) {
	b.Register(&bus.Service{Name: "sqs", Model: sqsapi.Model, Operations: []bus.Operation{
		bus.Op("SendMessage", func(ctx context.Context, in *sqsapi.SendMessageInput) (*sqsapi.SendMessageOutput, error) {
			name := (*in.QueueUrl)[strings.LastIndexByte(*in.QueueUrl, '/')+1:]
			w.mu.Lock()
			fails := w.fails[name]
			w.fails[name]--
			w.mu.Unlock()
			switch {
			case name == "gone":
				return nil, sqsapi.QueueDoesNotExist("The specified queue does not exist.")
			case fails > 0:
				return nil, awserr.New(503, "ServiceUnavailable", "try again")
			}
			text := ""
			for _, k := range []string{"ERROR_CODE", "EXHAUSTED_RETRY_CONDITION", "RETRY_ATTEMPTS", "SCHEDULED_TIME", "SCHEDULE_ARN", "TARGET_ARN", "IS_PAYLOAD_TRUNCATED"} {
				if a, ok := in.MessageAttributes[k]; ok {
					text += " " + k + "=" + *a.StringValue
				}
			}
			w.note(ctx, "%s %s%s", name, *in.MessageBody, text)
			return &sqsapi.SendMessageOutput{}, nil
		}),
		bus.Op("CreateQueue", func(ctx context.Context, in *sqsapi.CreateQueueInput) (*sqsapi.CreateQueueOutput, error) {
			w.note(ctx, "CreateQueue %s", *in.QueueName)
			return &sqsapi.CreateQueueOutput{}, nil
		}),
	}})
	b.Register(&bus.Service{Name: "states", Model: statesapi.Model, Operations: []bus.Operation{
		bus.Op("StartExecution", func(ctx context.Context, in *statesapi.StartExecutionInput) (*statesapi.StartExecutionOutput, error) {
			w.note(ctx, "StartExecution %s", *in.Input)
			return &statesapi.StartExecutionOutput{}, nil
		}),
	}})
	b.Register(&bus.Service{Name: "events", Model: events.Model, Operations: []bus.Operation{
		bus.Op("PutEvents", func(ctx context.Context, in *events.PutEventsInput) (*events.PutEventsOutput, error) {
			e := in.Entries[0]
			w.note(ctx, "PutEvents %s %s %s", *e.Source, *e.DetailType, *e.Detail)
			return &events.PutEventsOutput{FailedEntryCount: new(int64(0))}, nil
		}),
	}})
}

// await waits for n notes.
func (w *world) await(t *testing.T, n int) []string {
	t.Helper()
	for stop := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		got := slices.Clone(w.got)
		w.mu.Unlock()
		if len(got) >= n {
			return got
		}
		if time.Now().After(stop) {
			t.Fatalf("%d came, want %d:\n%s", len(got), n, strings.Join(got, "\n"))
		}
	}
}

// TestScripts runs testdata.
func TestScripts(t *testing.T) {
	opscript.Suite{Service: "scheduler", Checked: true, Build: func(_ *testing.T, p opscript.Parts) {
		s := New(Deps{Store: p.Store, Clock: p.Clock, Bus: p.Bus, Catalog: p.Bus, IDs: p.IDs, Work: p.Work, Log: p.Log})
		s.Register(p.Work)
		p.Bus.Register(s.Table())
		(&world{clock: p.Clock, fails: map[string]int{}}).targets(p.Bus)
	}}.Run(t)
}

const role = "arn:aws:iam::123456789012:role/r"

func queueTarget(name string) *api.Target {
	return &api.Target{Arn: new("arn:aws:sqs:us-east-1:123456789012:" + name), RoleArn: new(role), Input: new(name + " <aws.scheduler.scheduled-time> <aws.scheduler.attempt-number>")}
}

func (w *world) create(t *testing.T, name, expression string, target *api.Target, change func(*api.CreateScheduleInput)) {
	t.Helper()
	in := &api.CreateScheduleInput{Name: &name, ScheduleExpression: &expression, FlexibleTimeWindow: &api.FlexibleTimeWindow{Mode: new("OFF")}, Target: target}
	if change != nil {
		change(in)
	}
	if _, err := w.bus.Invoke(t.Context(), "scheduler", "CreateSchedule", in); err != nil {
		t.Fatal(name, err)
	}
}

// TestDay: with a clock that skips all waiting, a day of a rate, of a cron expression
// with a time zone and of a one-time schedule passes at once, in order.
func TestDay(t *testing.T) {
	c := clock.NewSkipping()
	hold := c.Busy() // nothing passes before everything is there
	w := start(t, filepath.Join(t.TempDir(), "s.db"), c)
	began := time.Now()
	first := c.Now().Truncate(24 * time.Hour).Add(48 * time.Hour) // midnight
	end := first.Add(24*time.Hour - 1)
	during := func(in *api.CreateScheduleInput) { in.StartDate, in.EndDate = &first, &end }
	w.create(t, "rate", "rate(2 hours)", queueTarget("rate"), during)
	w.create(t, "cron", "cron(30 9,17 * * ? *)", queueTarget("cron"), func(in *api.CreateScheduleInput) {
		during(in)
		in.ScheduleExpressionTimezone = new("Asia/Kolkata")
	})
	w.create(t, "once", "at("+first.Add(20*time.Hour+15*time.Minute).Format("2006-01-02T15:04:05")+")", queueTarget("once"), func(in *api.CreateScheduleInput) {
		in.ActionAfterCompletion = new(api.ActionAfterCompletionDelete)
	})
	w.create(t, "off", "rate(1 minute)", queueTarget("off"), func(in *api.CreateScheduleInput) { in.State = new(api.ScheduleStateDisabled) })
	hold()
	got := w.await(t, 15)
	w.stop(work.ErrStopped)
	var want []string
	for h := range 24 {
		at := func(minutes int, name string) {
			stamp := first.Add(time.Duration(h)*time.Hour + time.Duration(minutes)*time.Minute).Format("2006-01-02T15:04:05")
			want = append(want, stamp+" 123456789012 "+name+" "+name+" "+stamp+"Z 1")
		}
		if h%2 == 0 {
			at(0, "rate")
		}
		switch h {
		case 4, 12: // 9:30 and 17:30 in Kolkata
			at(0, "cron")
		case 20:
			at(15, "once")
		}
	}
	slices.Sort(want) // what is due at the same time comes in any order
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if passed := time.Since(began); passed > 15*time.Second {
		t.Errorf("the day took %s", passed)
	}
}

// TestInvocations: what targets get, retries and dead-letter queues.
func TestInvocations(t *testing.T) {
	c := clock.NewSkipping()
	hold := c.Busy()
	w := start(t, filepath.Join(t.TempDir(), "s.db"), c)
	at := c.Now().Truncate(time.Minute).Add(time.Hour)
	once := "at(" + at.Format("2006-01-02T15:04:05") + ")"
	dead := func(target *api.Target, attempts int64) *api.Target {
		target.DeadLetterConfig = &api.DeadLetterConfig{Arn: new("arn:aws:sqs:us-east-1:123456789012:dead")}
		target.RetryPolicy = &api.RetryPolicy{MaximumRetryAttempts: &attempts}
		return target
	}
	w.fails["flaky"], w.fails["down"] = 2, 100
	w.create(t, "flaky", once, queueTarget("flaky"), nil)
	w.create(t, "down", once, dead(queueTarget("down"), 3), nil)
	w.create(t, "gone", once, dead(queueTarget("gone"), 3), nil)
	w.create(t, "machine", once, &api.Target{Arn: new("arn:aws:states:us-east-1:123456789012:stateMachine:m"), RoleArn: new(role), Input: new(`{"arn": "<aws.scheduler.schedule-arn>"}`)}, nil)
	w.create(t, "bus", once, &api.Target{Arn: new("arn:aws:events:us-east-1:123456789012:event-bus/default"), RoleArn: new(role), Input: new(`{"a": 1}`),
		EventBridgeParameters: &api.EventBridgeParameters{DetailType: new("t"), Source: new("s")}}, nil)
	w.create(t, "universal", once, &api.Target{Arn: new("arn:aws:scheduler:::aws-sdk:sqs:createQueue"), RoleArn: new(role), Input: new(`{"QueueName": "made"}`)}, nil)
	hold()
	got := w.await(t, 6)
	w.stop(work.ErrStopped)
	stamp := at.Format("2006-01-02T15:04:05")
	for i, line := range got {
		when, rest, _ := strings.Cut(line, " ")
		due, err := time.Parse("2006-01-02T15:04:05", when)
		if err != nil {
			t.Fatal(err)
		}
		got[i] = due.Sub(at.Truncate(time.Second)).String() + " " + strings.ReplaceAll(rest, stamp, "<at>")
	}
	slices.Sort(got)
	const schedule = "SCHEDULED_TIME=<at>Z SCHEDULE_ARN=arn:aws:scheduler:us-east-1:123456789012:schedule/default/"
	want := []string{
		"0s 123456789012 CreateQueue made",
		"0s 123456789012 PutEvents s t {\"a\": 1}",
		"0s 123456789012 StartExecution {\"arn\": \"arn:aws:scheduler:us-east-1:123456789012:schedule/default/machine\"}",
		"0s 123456789012 dead gone <at>Z 1 ERROR_CODE=AWS.SimpleQueueService.NonExistentQueue RETRY_ATTEMPTS=0 " + schedule + "gone TARGET_ARN=arn:aws:scheduler:::aws-sdk:sqs:sendMessage IS_PAYLOAD_TRUNCATED=false",
		"3s 123456789012 flaky flaky <at>Z 3",
		"7s 123456789012 dead down <at>Z 4 ERROR_CODE=ServiceUnavailable EXHAUSTED_RETRY_CONDITION=MaximumRetryAttempts RETRY_ATTEMPTS=3 " + schedule + "down TARGET_ARN=arn:aws:scheduler:::aws-sdk:sqs:sendMessage IS_PAYLOAD_TRUNCATED=false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestWindow: a flexible time window delays every invocation within the window.
func TestWindow(t *testing.T) {
	c := clock.NewSkipping()
	hold := c.Busy()
	w := start(t, filepath.Join(t.TempDir(), "s.db"), c)
	first := c.Now().Truncate(time.Hour).Add(2 * time.Hour)
	w.create(t, "flexible", "rate(10 minutes)", queueTarget("q"), func(in *api.CreateScheduleInput) {
		in.FlexibleTimeWindow = &api.FlexibleTimeWindow{Mode: new("FLEXIBLE"), MaximumWindowInMinutes: new(int64(30))}
		in.StartDate, in.EndDate = &first, new(first.Add(190*time.Minute))
	})
	hold()
	got := w.await(t, 20)
	w.stop(work.ErrStopped)
	late := false
	seen := map[time.Time]bool{}
	for _, line := range got {
		f := strings.Fields(line) // made, account, queue, body, scheduled, attempt
		made, err := time.Parse("2006-01-02T15:04:05", f[0])
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, f[4])
		if err != nil {
			t.Fatal(err)
		}
		seen[at] = true
		if d := made.Sub(at); d < 0 || d > 30*time.Minute {
			t.Errorf("%s: %s after its time", line, d)
		} else if d > 10*time.Minute {
			late = true
		}
	}
	if len(seen) != 20 || !late {
		t.Errorf("%d times, some late: %v\n%s", len(seen), late, strings.Join(got, "\n"))
	}
}

// TestRestart: a time that comes while no server runs is made up for once.
func TestRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.db")
	c := clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	w := start(t, file, c)
	w.create(t, "hourly", "cron(0 * * * ? *)", queueTarget("q"), nil)
	w.create(t, "once", "at(2026-01-02T05:30:00)", queueTarget("once"), nil)
	w.stop(work.ErrStopped)
	c.Advance(5 * time.Hour)
	w = start(t, file, c)
	w.await(t, 2)
	for c.Pending() == 0 {
		time.Sleep(time.Millisecond)
	}
	c.Advance(time.Hour)
	got := w.await(t, 3)
	w.stop(work.ErrStopped)
	slices.Sort(got)
	want := []string{
		"2026-01-02T08:04:05 123456789012 once once 2026-01-02T05:30:00Z 1",
		"2026-01-02T08:04:05 123456789012 q q 2026-01-02T04:00:00Z 1",
		"2026-01-02T09:00:00 123456789012 q q 2026-01-02T09:00:00Z 1",
	}
	// The clock stands where it was moved to by the time of the last one.
	for i := range got {
		got[i] = strings.Replace(got[i], "T09:04:05", "T09:00:00", 1)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
