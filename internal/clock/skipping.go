package clock

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// grace is how long, in real time, the receiver of a channel timer has to take
// Busy before a Skipping clock moves on. Wake-ups by AfterFunc need none.
const grace = time.Millisecond

// Skipping is a clock on which waiting takes no time. While work is under way
// (Busy) time passes as in reality, so that a deadline on real work means what
// it says; whenever nothing is, the clock jumps to the next wake-up. Wake-ups
// come in the order of their due times.
type Skipping struct {
	mu      sync.Mutex
	skipped time.Duration // how far this clock is ahead of real time
	busy    int
	pending timerHeap
	order   int64
	alarm   *time.Timer // wakes the clock for the first pending timer while busy
}

// NewSkipping returns a clock that starts at the real time.
func NewSkipping() *Skipping { return &Skipping{} }

func (c *Skipping) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Skipping) now() time.Time { return time.Now().Add(c.skipped).UTC() }

func (c *Skipping) Busy() func() {
	c.mu.Lock()
	c.busy++
	c.mu.Unlock()
	var once sync.Once
	return func() {
		once.Do(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.busy--
			c.settle()
		})
	}
}

func (c *Skipping) AfterFunc(d time.Duration, f func()) Timer {
	return c.add(d, &skipTimer{clock: c, wake: func(_ time.Time, done func()) {
		go func() {
			defer done()
			f()
		}()
	}})
}

func (c *Skipping) NewTimer(d time.Duration) Timer {
	ch := make(chan time.Time, 1)
	return c.add(d, &skipTimer{clock: c, ch: ch, wake: func(now time.Time, done func()) {
		ch <- now
		time.AfterFunc(grace, done)
	}})
}

func (c *Skipping) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, c, d) }

func (c *Skipping) add(d time.Duration, t *skipTimer) Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order++
	t.due, t.order = c.now().Add(d), c.order
	heap.Push(&c.pending, t)
	c.settle()
	return t
}

// settle wakes what is due, jumping to it when nothing is busy, and sets the
// alarm for the rest. The caller holds mu.
func (c *Skipping) settle() {
	if c.alarm != nil {
		c.alarm.Stop()
		c.alarm = nil
	}
	for len(c.pending) > 0 {
		wait := c.pending[0].due.Sub(c.now())
		if wait > 0 && c.busy > 0 {
			c.alarm = time.AfterFunc(wait, func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				c.settle()
			})
			return
		}
		if wait > 0 {
			c.skipped += wait
		}
		t := heap.Pop(&c.pending).(*skipTimer)
		c.busy++
		t.wake(c.now(), c.release)
	}
}

func (c *Skipping) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy--
	c.settle()
}

type skipTimer struct {
	clock *Skipping
	due   time.Time
	order int64
	index int // place in the heap, -1 once removed
	ch    chan time.Time
	wake  func(now time.Time, done func())
}

func (t *skipTimer) C() <-chan time.Time { return t.ch }

func (t *skipTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.clock.pending, t.index)
	t.clock.settle()
	return true
}

// timerHeap orders timers by due time, then by when they were set.
type timerHeap []*skipTimer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].order < h[j].order
	}
	return h[i].due.Before(h[j].due)
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*skipTimer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	t.index = -1
	*h = old[:len(old)-1]
	return t
}
