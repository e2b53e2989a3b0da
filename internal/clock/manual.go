package clock

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Manual is a clock that a test moves by hand.
type Manual struct {
	mu     sync.Mutex
	now    time.Time
	timers []*manualTimer
}

// NewManual returns a clock that stands at start.
func NewManual(start time.Time) *Manual { return &Manual{now: start.UTC()} }

func (c *Manual) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *Manual) AfterFunc(d time.Duration, f func()) Timer {
	return c.add(d, &manualTimer{clock: c, wake: func(time.Time) { f() }})
}

func (c *Manual) NewTimer(d time.Duration) Timer {
	ch := make(chan time.Time, 1)
	return c.add(d, &manualTimer{clock: c, ch: ch, wake: func(now time.Time) { ch <- now }})
}

func (c *Manual) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, c, d) }

func (c *Manual) Busy() func() { return func() {} }

// Pending returns the number of timers that have not fired.
func (c *Manual) Pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers)
}

// Advance moves the clock by d and fires what falls due on the way, in order,
// before it returns.
func (c *Manual) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.now.Add(d)
	for len(c.timers) > 0 && !c.timers[0].due.After(end) {
		t := c.timers[0]
		c.timers = c.timers[1:]
		if t.due.After(c.now) {
			c.now = t.due
		}
		now := c.now
		c.mu.Unlock()
		t.wake(now)
		c.mu.Lock()
	}
	c.now = end
	c.mu.Unlock()
}

func (c *Manual) add(d time.Duration, t *manualTimer) Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.due = c.now.Add(d)
	at, _ := slices.BinarySearchFunc(c.timers, t.due, func(e *manualTimer, due time.Time) int {
		if e.due.After(due) {
			return 1
		}
		return -1
	})
	c.timers = slices.Insert(c.timers, at, t)
	return t
}

type manualTimer struct {
	clock *Manual
	due   time.Time
	ch    chan time.Time
	wake  func(time.Time)
}

func (t *manualTimer) C() <-chan time.Time { return t.ch }

func (t *manualTimer) Stop() bool {
	c := t.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.timers, t)
	if i < 0 {
		return false
	}
	c.timers = slices.Delete(c.timers, i, i+1)
	return true
}
