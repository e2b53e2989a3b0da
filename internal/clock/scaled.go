package clock

import (
	"context"
	"time"
)

// scaled is real time, each second of it lasting scale seconds.
type scaled struct {
	scale float64
	start time.Time
}

func (c *scaled) Now() time.Time {
	now := time.Now()
	if c.scale == 1 {
		return now.UTC()
	}
	passed := time.Duration(float64(now.Sub(c.start)) / c.scale)
	return c.start.Add(passed).UTC()
}

func (c *scaled) real(d time.Duration) time.Duration {
	return time.Duration(float64(d) * c.scale)
}

func (c *scaled) AfterFunc(d time.Duration, f func()) Timer {
	return realTimer{time.AfterFunc(c.real(d), f)}
}

func (c *scaled) NewTimer(d time.Duration) Timer {
	return realTimer{time.NewTimer(c.real(d))}
}

func (c *scaled) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, c, d) }

func (c *scaled) Busy() func() { return func() {} }

type realTimer struct{ t *time.Timer }

func (t realTimer) C() <-chan time.Time { return t.t.C }
func (t realTimer) Stop() bool          { return t.t.Stop() }
