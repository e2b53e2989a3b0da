package lambda

import (
	"context"
	"strings"
	"sync"
	"time"

	logsapi "stepwell/internal/awsapi/logs"
	"stepwell/internal/awserr"
)

// Limits of one PutLogEvents call (CloudWatch Logs API reference): an event
// counts its bytes and 26 more.
const (
	batchEvents   = 10_000
	batchBytes    = 1 << 20
	eventOverhead = 26
)

const (
	gather     = 100 * time.Millisecond // how long lines are gathered for a call, real time
	maxPending = 4 << 20                // bytes that wait for delivery; then the handler waits
	tailBytes  = 4 << 10                // of an invocation's log, for LogType Tail
	logTries   = 8
)

// logStream delivers a worker's lines to its stream of CloudWatch Logs, and
// keeps the end of the current invocation's.
type logStream struct {
	s             *Service
	ctx           context.Context
	group, stream string
	wake          chan struct{} // has room for one: something changed
	done          chan struct{}

	mu      sync.Mutex
	room    *sync.Cond
	pending []logsapi.InputLogEvent
	bytes   int
	last    int64 // time of the latest event: times do not run backwards
	closed  bool
	tail    []byte
}

func (s *Service) openLog(ctx context.Context, group, stream string) *logStream {
	l := &logStream{s: s, ctx: context.WithoutCancel(ctx), group: group, stream: stream,
		wake: make(chan struct{}, 1), done: make(chan struct{})}
	l.room = sync.NewCond(&l.mu)
	go l.deliver()
	return l
}

// line adds a line of the process. AWS's clients write "\r" between the lines
// of what is one event.
func (l *logStream) line(text string) {
	l.write(strings.ReplaceAll(text, "\r", "\n") + "\n")
}

// write adds an event.
func (l *logStream) write(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.bytes > maxPending {
		l.room.Wait()
	}
	l.last = max(l.last, l.s.Clock.Now().UnixMilli())
	l.pending = append(l.pending, logsapi.InputLogEvent{Timestamp: new(l.last), Message: &text})
	l.bytes += len(text) + eventOverhead
	l.tail = append(l.tail, text...)
	if len(l.tail) > 2*tailBytes {
		l.tail = append([]byte(nil), l.tail[len(l.tail)-tailBytes:]...)
	}
	l.poke()
}

// begin starts the tail of a new invocation.
func (l *logStream) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = nil
}

// end is the last of what the invocation has logged.
func (l *logStream) end() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]byte(nil), l.tail[max(0, len(l.tail)-tailBytes):]...)
}

func (l *logStream) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// close returns when everything is delivered.
func (l *logStream) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.poke()
	<-l.done
}

func (l *logStream) deliver() {
	defer close(l.done)
	created := false
	for {
		batch, closed := l.take()
		if len(batch) > 0 {
			if !created {
				created = l.attempt(l.create)
			}
			l.attempt(func() error { return l.put(batch) })
			continue
		}
		if closed {
			return
		}
		<-l.wake
		l.pause()
	}
}

// pause gathers lines for a while, unless there is no reason to.
func (l *logStream) pause() {
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for {
		l.mu.Lock()
		enough := l.closed || l.bytes > batchBytes/2
		l.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-l.wake:
		case <-timer.C:
			return
		}
	}
}

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

// attempt repeats what fails for reasons that pass, and says what is lost.
func (l *logStream) attempt(do func() error) bool {
	var err error
	for i := range logTries {
		if i > 0 {
			time.Sleep(min(50*time.Millisecond<<i, 2*time.Second))
		}
		if err = do(); err == nil {
			return true
		}
		if e := awserr.From(err); e != nil && e.Code == "ResourceNotFoundException" {
			if err = l.create(); err != nil { // somebody deleted it
				break
			}
		} else if e != nil && e.HTTPStatus() < 500 && e.Code != "ThrottlingException" {
			break
		}
	}
	l.s.Log.Error("cannot write a function's log", "group", l.group, "stream", l.stream, "error", err)
	return false
}

func (l *logStream) create() error {
	_, err := l.s.Bus.Invoke(l.ctx, "logs", "CreateLogGroup", &logsapi.CreateLogGroupInput{LogGroupName: &l.group})
	if err = unlessThere(err); err != nil {
		return err
	}
	_, err = l.s.Bus.Invoke(l.ctx, "logs", "CreateLogStream", &logsapi.CreateLogStreamInput{LogGroupName: &l.group, LogStreamName: &l.stream})
	return unlessThere(err)
}

func unlessThere(err error) error {
	if e := awserr.From(err); e != nil && e.Code == "ResourceAlreadyExistsException" {
		return nil
	}
	return err
}

func (l *logStream) put(batch []logsapi.InputLogEvent) error {
	_, err := l.s.Bus.Invoke(l.ctx, "logs", "PutLogEvents",
		&logsapi.PutLogEventsInput{LogGroupName: &l.group, LogStreamName: &l.stream, LogEvents: batch})
	return err
}
