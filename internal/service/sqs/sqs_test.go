package sqs

import (
	"log/slog"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	api "stepwell/internal/awsapi/sqs"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
	"stepwell/test/opscript"
)

// volatile are receipt handles and task handles.
var volatile = regexp.MustCompile(`[A-Za-z0-9+/]{40,}=*`)

// TestScripts runs testdata.
func TestScripts(t *testing.T) {
	opscript.Suite{Service: "sqs", Hide: volatile, Build: func(t *testing.T, p opscript.Parts) {
		s := New(Deps{Store: p.Store, Clock: p.Clock, IDs: p.IDs, Work: p.Work, Log: p.Log, Endpoint: "http://host"})
		s.Register(p.Work)
		p.Bus.Register(s.Table())
		if err := s.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
	}}.Run(t)
}

// world is a service and its clock.
type world struct {
	*Service
	clock *clock.Manual
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{clock: clock.NewManual(time.Unix(1_700_000_000, 0))}
	log := slog.New(slog.DiscardHandler)
	w.Service = New(Deps{Store: db, Clock: w.clock, IDs: bus.RandomIDs{}, Work: work.New(db, w.clock, log), Log: log, Endpoint: "http://host"})
	if err := w.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
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
