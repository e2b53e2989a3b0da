package lambda

import (
	"context"
	"strings"
	"sync"

	"stepwell/internal/logstream"
)

const tailBytes = 4 << 10 // of an invocation's log, for LogType Tail

// workerLog is a worker's log, and the end of what its current invocation has
// logged.
type workerLog struct {
	group, name string
	stream      *logstream.Stream

	mu   sync.Mutex
	tail []byte
}

func (s *Service) openLog(ctx context.Context, group, name string) *workerLog {
	return &workerLog{group: group, name: name, stream: logstream.Deps{Bus: s.Bus, Clock: s.Clock, Log: s.Log}.Open(ctx, group, name)}
}

// line adds a line of the process. AWS's clients write "\r" between the lines
// of what is one event.
func (l *workerLog) line(text string) {
	l.write(strings.ReplaceAll(text, "\r", "\n") + "\n")
}

// write adds an event.
func (l *workerLog) write(text string) {
	l.stream.Write(text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = append(l.tail, text...)
	if len(l.tail) > 2*tailBytes {
		l.tail = append([]byte(nil), l.tail[len(l.tail)-tailBytes:]...)
	}
}

// begin starts the tail of a new invocation.
func (l *workerLog) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = nil
}

// end is the last of what the invocation has logged.
func (l *workerLog) end() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]byte(nil), l.tail[max(0, len(l.tail)-tailBytes):]...)
}

func (l *workerLog) close() { l.stream.Close() }
