// Package clock is the time that Stepwell's services live in: real time, time
// run faster by a factor, time that skips every wait, and time moved by a test.
//
// Whoever waits as part of what AWS would do (Wait states, retry backoff,
// schedules, job timeouts) waits on a Clock. Housekeeping of the process itself
// (network timeouts, group commit) uses package time. Everything may import it.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and wakes its callers later.
type Clock interface {
	// Now returns the current time of this clock, in UTC.
	Now() time.Time
	// AfterFunc calls f in its own goroutine once d has passed. Busy is held
	// while f runs.
	AfterFunc(d time.Duration, f func()) Timer
	// NewTimer returns a timer whose channel receives once d has passed.
	NewTimer(d time.Duration) Timer
	// Sleep returns nil once d has passed, or ctx's error if that comes first.
	Sleep(ctx context.Context, d time.Duration) error
	// Busy says that real work is under way until done is called. A Skipping
	// clock passes over time only while no work is. Whoever hands work on takes
	// Busy for the next piece before releasing its own. done may be called more
	// than once.
	Busy() (done func())
}

// Timer is a pending wake-up.
type Timer interface {
	// C is the channel of a timer made by NewTimer, nil otherwise.
	C() <-chan time.Time
	// Stop prevents the wake-up; it reports whether it came in time.
	Stop() bool
}

// New returns the clock for a time scale: 1 is real time, 0.1 passes ten times
// as fast, 0 skips every wait while nothing is running.
func New(scale float64) Clock {
	switch {
	case scale <= 0:
		return NewSkipping()
	default:
		return &scaled{scale: scale, start: time.Now()}
	}
}

// sleep implements Sleep on a clock's NewTimer.
func sleep(ctx context.Context, c Clock, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := c.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
