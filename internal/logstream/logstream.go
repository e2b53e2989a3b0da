// Package logstream delivers the lines of a program to a stream of CloudWatch
// Logs: gathered into batches, in order, through the bus like everybody's.
//
// It knows no service and no program; those whose programs log open a stream
// for each and close it at their end.
package logstream

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
)

// Limits of one PutLogEvents call (CloudWatch Logs API reference): an event
// counts its bytes and 26 more.
const (
	batchEvents   = 10_000
	batchBytes    = 1 << 20
	eventOverhead = 26
)

const (
	maxPending = 4 << 20                // bytes that wait for delivery; then the program waits
	gather     = 100 * time.Millisecond // how long lines are gathered for a call, real time
	tries      = 8                      // calls for a batch before it is given up
)

// Deps is what streams are opened with.
type Deps struct {
	Bus   bus.Invoker
	Clock clock.Clock
	Log   *slog.Logger // told of lines that cannot be delivered
}

// Stream is an open stream. Its methods may be called from several goroutines.
type Stream struct {
	deps          Deps
	ctx           context.Context
	group, stream string
	done          chan struct{}
	wake          chan struct{} // has room for one: something changed

	mu      sync.Mutex
	room    *sync.Cond // pending has shrunk
	pending []logs.InputLogEvent
	bytes   int
	closed  bool
	last    int64 // of the latest event, so that times do not run backwards
}

// Open begins to deliver to a stream; group and stream are made where they are
// not there. The end of ctx does not end delivery, Close does.
func (d Deps) Open(ctx context.Context, group, stream string) *Stream {
	l := &Stream{
		deps: d, ctx: context.WithoutCancel(ctx), group: group, stream: stream,
		done: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	l.room = sync.NewCond(&l.mu)
	go l.deliver()
	return l
}

// Write adds an event. An event cannot be empty: an empty text is a space.
func (l *Stream) Write(text string) {
	if text == "" {
		text = " "
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.bytes > maxPending {
		l.room.Wait()
	}
	l.last = max(l.last, l.deps.Clock.Now().UnixMilli())
	l.pending = append(l.pending, logs.InputLogEvent{Timestamp: new(l.last), Message: &text})
	l.bytes += len(text) + eventOverhead
	l.poke()
}

func (l *Stream) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Close returns when every event is delivered or given up.
func (l *Stream) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.poke()
	<-l.done
}

// deliver runs until the stream is closed and everything is delivered.
func (l *Stream) deliver() {
	defer close(l.done)
	l.attempt("create", l.create)
	for {
		batch, closed := l.take()
		if len(batch) > 0 {
			l.attempt("deliver to", func() error { return l.put(batch) })
			continue
		}
		if closed {
			return
		}
		<-l.wake
		l.gather()
	}
}

// gather waits a little for more lines, unless there is no reason to.
func (l *Stream) gather() {
	deadline := time.NewTimer(gather)
	defer deadline.Stop()
	for {
		l.mu.Lock()
		enough := l.closed || l.bytes > batchBytes/2
		l.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-l.wake:
		case <-deadline.C:
			return
		}
	}
}

// take removes the next batch from what is pending.
func (l *Stream) take() (batch []logs.InputLogEvent, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, size := 0, 0
	for n < len(l.pending) && n < batchEvents {
		next := len(*l.pending[n].Message) + eventOverhead
		if size+next > batchBytes {
			break
		}
		n, size = n+1, size+next
	}
	batch = l.pending[:n:n]
	l.pending, l.bytes = l.pending[n:], l.bytes-size
	l.room.Broadcast()
	return batch, l.closed
}

// attempt does something until it succeeds or will not. Lines that cannot be
// delivered at all are reported in the server's own log.
func (l *Stream) attempt(what string, do func() error) {
	var err error
	for i := range tries {
		if i > 0 {
			time.Sleep(min(50*time.Millisecond<<i, 2*time.Second))
		}
		if err = do(); err == nil {
			return
		}
		e := awserr.From(err)
		if e != nil && e.Code == "ResourceNotFoundException" {
			err = errors.Join(err, l.create()) // somebody deleted it
		} else if e != nil && e.HTTPStatus() < 500 && e.Code != "ThrottlingException" {
			break
		}
	}
	l.deps.Log.Error("cannot "+what+" log stream", "group", l.group, "stream", l.stream, "error", err)
}

func (l *Stream) create() error {
	_, err := l.deps.Bus.Invoke(l.ctx, "logs", "CreateLogGroup", &logs.CreateLogGroupInput{LogGroupName: &l.group})
	if err = unlessThere(err); err != nil {
		return err
	}
	_, err = l.deps.Bus.Invoke(l.ctx, "logs", "CreateLogStream", &logs.CreateLogStreamInput{LogGroupName: &l.group, LogStreamName: &l.stream})
	return unlessThere(err)
}

func unlessThere(err error) error {
	if e := awserr.From(err); e != nil && e.Code == "ResourceAlreadyExistsException" {
		return nil
	}
	return err
}

func (l *Stream) put(batch []logs.InputLogEvent) error {
	_, err := l.deps.Bus.Invoke(l.ctx, "logs", "PutLogEvents",
		&logs.PutLogEventsInput{LogGroupName: &l.group, LogStreamName: &l.stream, LogEvents: batch})
	return err
}
