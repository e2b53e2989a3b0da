package glue

import (
	"context"
	"errors"
	"sync"
	"time"

	logsapi "stepwell/internal/awsapi/logs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// Limits of one PutLogEvents call (CloudWatch Logs API reference): an event
// counts its bytes and 26 more.
const (
	batchEvents   = 10_000
	batchBytes    = 1 << 20
	eventOverhead = 26
)

const (
	maxPending = 4 << 20                // bytes that wait for delivery; then the script waits
	gather     = 200 * time.Millisecond // how long lines are gathered for a call, real time
	logTries   = 8                      // calls for a batch before it is given up
)

// runLogs are the log streams of a run.
type runLogs struct{ out, err *logStream }

func (s *Service) openLogs(ctx context.Context, runID string) *runLogs {
	return &runLogs{
		out: s.openStream(ctx, pythonLogs+"/output", runID),
		err: s.openStream(ctx, pythonLogs+"/error", runID),
	}
}

// close returns when every line is delivered.
func (l *runLogs) close() {
	l.out.close()
	l.err.close()
}

// logStream delivers lines to a CloudWatch Logs stream in batches.
type logStream struct {
	service       *Service
	ctx           context.Context
	group, stream string
	done          chan struct{}
	wake          chan struct{} // has room for one: something changed

	mu      sync.Mutex
	room    *sync.Cond // pending has shrunk
	pending []logsapi.InputLogEvent
	bytes   int
	closed  bool
	last    int64 // of the latest event, so that times do not run backwards
}

func (s *Service) openStream(ctx context.Context, group, stream string) *logStream {
	l := &logStream{
		service: s, ctx: context.WithoutCancel(ctx), group: group, stream: stream,
		done: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	l.room = sync.NewCond(&l.mu)
	go l.deliver()
	return l
}

// line adds a line. An event cannot be empty: an empty line is a space.
func (l *logStream) line(text string) {
	if text == "" {
		text = " "
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.bytes > maxPending {
		l.room.Wait()
	}
	l.last = max(l.last, l.service.Clock.Now().UnixMilli())
	l.pending = append(l.pending, logsapi.InputLogEvent{Timestamp: new(l.last), Message: &text})
	l.bytes += len(text) + eventOverhead
	l.poke()
}

func (l *logStream) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *logStream) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.poke()
	<-l.done
}

// deliver runs until the stream is closed and everything is delivered.
func (l *logStream) deliver() {
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
func (l *logStream) gather() {
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
func (l *logStream) take() (batch []logsapi.InputLogEvent, closed bool) {
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
func (l *logStream) attempt(what string, do func() error) {
	var err error
	for i := range logTries {
		if i > 0 {
			time.Sleep(min(50*time.Millisecond<<i, 2*time.Second))
		}
		err = do()
		e := awserr.From(err)
		if err == nil {
			return
		}
		if e != nil && e.Code == "ResourceNotFoundException" {
			err = errors.Join(err, l.create()) // somebody deleted it
		} else if e != nil && e.HTTPStatus() != 500 && e.HTTPStatus() != 503 && e.Code != "ThrottlingException" {
			break
		}
	}
	l.service.Log.Error("cannot "+what+" log stream", "group", l.group, "stream", l.stream, "error", err)
}

func (l *logStream) create() error {
	_, err := l.service.Bus.Invoke(l.ctx, "logs", "CreateLogGroup", &logsapi.CreateLogGroupInput{LogGroupName: &l.group})
	if err = unlessThere(err); err != nil {
		return err
	}
	_, err = l.service.Bus.Invoke(l.ctx, "logs", "CreateLogStream",
		&logsapi.CreateLogStreamInput{LogGroupName: &l.group, LogStreamName: &l.stream})
	return unlessThere(err)
}

func unlessThere(err error) error {
	if e := awserr.From(err); e != nil && e.Code == "ResourceAlreadyExistsException" {
		return nil
	}
	return err
}

func (l *logStream) put(batch []logsapi.InputLogEvent) error {
	_, err := bus.Invoke[logsapi.PutLogEventsOutput](l.ctx, l.service.Bus, "logs", "PutLogEvents",
		&logsapi.PutLogEventsInput{LogGroupName: &l.group, LogStreamName: &l.stream, LogEvents: batch})
	return err
}
