package cloudformation

import (
	"context"

	"stepwell/internal/clock"
)

// atOnce is how many resources of a stack are worked on at the same time.
const atOnce = 32

// hold keeps a clock from skipping, in one goroutine, except while that waits.
type hold struct {
	clock clock.Clock
	done  func()
}

func holding(c clock.Clock) *hold { return &hold{clock: c, done: c.Busy()} }

func (h *hold) release() { h.done() }

func (h *hold) take() { h.done = h.clock.Busy() }

// walk is work on the resources of a stack in the order of their dependencies.
type walk struct {
	names []string
	after map[string][]string // whom a resource waits for; those not among names count as done
	// do works on a resource and says whether those behind it may begin. It
	// releases h while it waits.
	do   func(h *hold, name string) bool
	stop <-chan struct{} // when it is closed, no more begin
}

// run returns when everything is done or, after a failure, when what had begun
// has ended; left are those that were not begun.
func (w *walk) run(ctx context.Context, c clock.Clock, own *hold) (left []string) {
	type result struct {
		name string
		ok   bool
		hold *hold
	}
	results := make(chan result)
	state := map[string]int{} // 0 not begun, 1 begun, 2 done, 3 failed
	member := map[string]bool{}
	for _, n := range w.names {
		member[n] = true
	}
	ready := func(name string) bool {
		for _, n := range w.after[name] {
			if member[n] && n != name && state[n] != 2 {
				return false
			}
		}
		return true
	}
	active, stopped := 0, false
	for {
		select {
		case <-w.stop:
			stopped = true
		case <-ctx.Done():
			stopped = true
		default:
		}
		for _, name := range w.names {
			if stopped || active >= atOnce {
				break
			}
			if state[name] != 0 || !ready(name) {
				continue
			}
			state[name] = 1
			active++
			h := holding(c)
			go func() { results <- result{name, w.do(h, name), h} }()
		}
		if active == 0 {
			break
		}
		own.release()
		r := <-results
		own.take()
		r.hold.release()
		active--
		state[r.name] = 2
		if !r.ok {
			state[r.name] = 3
		}
	}
	for _, name := range w.names {
		if state[name] == 0 {
			left = append(left, name)
		}
	}
	return left
}

// reversed turns "waits for" into "is waited for".
func reversed(after map[string][]string) map[string][]string {
	out := map[string][]string{}
	for name, list := range after {
		for _, n := range list {
			out[n] = append(out[n], name)
		}
	}
	return out
}
