package process

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// Child is a process that answers lines with lines.
type Child struct {
	in     *os.File
	lines  chan string
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	last  string // the end of what it wrote to its standard error
	ended error
}

// lastWords is how much of a child's standard error is kept, in bytes.
const lastWords = 4 << 10

// Talk starts a process whose input and output the caller holds; Stdout and
// Stderr of the specification are not used.
func Talk(s Spec) (*Child, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", s.Path, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Child{in: w, lines: make(chan string), cancel: cancel, done: make(chan struct{})}
	s.stdin = r
	s.Stdout = func(line string) {
		select {
		case c.lines <- line:
		case <-ctx.Done():
		}
	}
	s.Stderr = c.said
	started := make(chan struct{})
	s.Started = func(*Running) { close(started) }
	go func() {
		defer close(c.done)
		result, err := Run(ctx, s)
		r.Close()
		if err == nil {
			err = fmt.Errorf("%s ended with %s", s.Path, result)
		}
		c.mu.Lock()
		c.ended = err
		c.mu.Unlock()
	}()
	select {
	case <-started:
		return c, nil
	case <-c.done:
		c.Close()
		return nil, c.ended
	}
}

func (c *Child) said(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last += line + "\n"
	c.last = c.last[max(len(c.last)-lastWords, 0):]
}

// Say writes a line.
func (c *Child) Say(line string) error {
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		return c.fault(err)
	}
	return nil
}

// Hear reads a line of at most 200 KiB.
func (c *Child) Hear() (string, error) {
	select {
	case line := <-c.lines:
		return line, nil
	case <-c.done:
		return "", c.fault(io.ErrUnexpectedEOF)
	}
}

// fault says how the child ended, where it has.
func (c *Child) fault(err error) error {
	select {
	case <-c.done:
		err = c.ended
	default:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if text := strings.TrimSpace(c.last); text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}

// Close kills the child. It may be called more than once, also while Hear waits.
func (c *Child) Close() error {
	c.cancel()
	c.in.Close() // it is not written to any more
	<-c.done
	return nil
}
