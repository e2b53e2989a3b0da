package clock

import (
	"slices"
	"sync"
	"testing"
	"time"
)

func TestSkippingKeepsOrder(t *testing.T) {
	c := NewSkipping()
	var mu sync.Mutex
	var got []string
	var all sync.WaitGroup
	note := func(s string) {
		mu.Lock()
		got = append(got, s)
		mu.Unlock()
	}
	all.Add(4)
	done := c.Busy()
	start := time.Now()
	c.AfterFunc(time.Hour, func() { note("hour"); all.Done() })
	c.AfterFunc(time.Minute, func() {
		note("minute")
		c.AfterFunc(30*time.Minute, func() { note("half"); all.Done() })
		all.Done()
	})
	c.AfterFunc(time.Second, func() { note("second"); all.Done() })
	done()
	all.Wait()
	want := []string{"second", "minute", "half", "hour"}
	if !slices.Equal(got, want) {
		t.Errorf("woken in order %v, want %v", got, want)
	}
	if ahead := c.Now().Sub(start); ahead < time.Hour {
		t.Errorf("clock is %v ahead, want an hour", ahead)
	}
}

func TestSkippingWaitsForWork(t *testing.T) {
	c := NewSkipping()
	done := c.Busy()
	fired := make(chan struct{})
	timer := c.AfterFunc(24*time.Hour, func() { close(fired) })
	select {
	case <-fired:
		t.Fatal("fired while busy")
	default:
	}
	done()
	<-fired
	if timer.Stop() {
		t.Error("Stop after firing reports true")
	}
	stopped := c.Busy()
	other := c.AfterFunc(time.Hour, func() { t.Error("fired though stopped") })
	if !other.Stop() {
		t.Error("Stop before firing reports false")
	}
	stopped()
}

func TestManual(t *testing.T) {
	c := NewManual(time.Unix(0, 0))
	var got []int
	for _, s := range []int{5, 1, 3} {
		c.AfterFunc(time.Duration(s)*time.Second, func() { got = append(got, s) })
	}
	c.Advance(4 * time.Second)
	if !slices.Equal(got, []int{1, 3}) || c.Pending() != 1 {
		t.Errorf("fired %v, pending %d", got, c.Pending())
	}
}

func TestScaled(t *testing.T) {
	c := New(0.001)
	a := c.Now()
	timer := c.NewTimer(time.Second)
	<-timer.C()
	if d := c.Now().Sub(a); d < time.Second {
		t.Errorf("a second lasted %v on the clock", d)
	}
}
