package process

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Running is a process that Run has started.
type Running struct {
	PID     int // of the process, and the id of its group
	outputs []*stream
}

// flushGrace bounds how long Flush waits for a process that goes on writing.
const flushGrace = 200 * time.Millisecond

// Flush returns when the sinks have had every line that the process had
// written when it was called, or the process has gone on writing for a while.
func (r *Running) Flush() {
	deadline := time.Now().Add(flushGrace)
	for _, s := range r.outputs {
		for !s.empty.is() && time.Now().Before(deadline) {
			time.Sleep(50 * time.Microsecond)
		}
	}
}

// emptiness tells whether everything in a pipe has been read and handled: the
// reader has come back for more and there is none.
type emptiness struct {
	mu      sync.Mutex
	raw     syscall.RawConn
	waiting bool // the reader waits, or waited a moment ago, for the pipe to be readable
	over    bool // nothing more is read
}

// read is file.Read that notes when it has to wait.
func (e *emptiness) read(file *os.File, b []byte) (n int, err error) {
	raw, err := e.connect(file)
	if err != nil {
		return 0, err
	}
	waitErr := raw.Read(func(fd uintptr) bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		for n, err = unix.Read(int(fd), b); err == unix.EINTR; {
			n, err = unix.Read(int(fd), b)
		}
		e.waiting = err == unix.EAGAIN
		return !e.waiting
	})
	switch {
	case waitErr != nil:
		err = waitErr
	case err != nil:
		err = &os.PathError{Op: "read", Path: file.Name(), Err: err}
	case n == 0:
		err = io.EOF
	}
	if err != nil {
		e.mu.Lock()
		e.over = true
		e.mu.Unlock()
		return 0, err
	}
	return n, nil
}

func (e *emptiness) connect(file *os.File) (syscall.RawConn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.raw == nil {
		raw, err := file.SyscallConn()
		if err != nil {
			e.over = true
			return nil, err
		}
		e.raw = raw
	}
	return e.raw, nil
}

// is reports whether the reader waits and the pipe has nothing for it.
func (e *emptiness) is() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return true
	}
	if !e.waiting {
		return false
	}
	left := 0
	err := e.raw.Control(func(fd uintptr) { left, _ = unix.IoctlGetInt(int(fd), inQueue) })
	return err != nil || left == 0
}
