package exec

import (
	"testing"
	"time"
)

// TestResumed: after a restart the clock may be behind the history, which goes
// on without going back, and heartbeat periods begin anew while the time limit of
// the task stays.
func TestResumed(t *testing.T) {
	m, problems := Compile(`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a",
		"TimeoutSeconds":100,"HeartbeatSeconds":10,"End":true}}}`, Options{})
	if m == nil {
		t.Fatal(problems)
	}
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	second := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	info := Info{ID: "x", Input: []byte("{}")}
	x := New(m, info, Env{})
	var journal [][]byte
	var last Event
	advance := func(in Input) Step {
		t.Helper()
		step, err := x.Advance(in)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range step.Events {
			if e.ID != last.ID+1 || e.Time.Before(last.Time) {
				t.Errorf("event %d at %v follows event %d at %v", e.ID, e.Time, last.ID, last.Time)
			}
			last = e
		}
		if step.Journal != nil {
			journal = append(journal, step.Journal)
		}
		return step
	}
	restore := func() {
		t.Helper()
		var err error
		if x, err = Restore(m, info, Env{}, journal); err != nil {
			t.Fatal(err)
		}
	}
	advance(Start{At: start})
	step := advance(TaskStarted{At: second(5), Task: 1})
	if want := second(15); !step.Wake.Equal(want) {
		t.Fatalf("the heartbeat is due at %v, want %v", step.Wake, want)
	}
	if _, err := x.Advance(TaskStarted{At: second(6), Task: 1}); err != ErrStarted {
		t.Errorf("a second start: %v", err)
	}
	restore()
	if step := advance(Resumed{At: second(40)}); step.End != nil || !step.Wake.Equal(second(50)) {
		t.Errorf("resumed after the heartbeat was due: %+v", step)
	}
	restore()
	if step := advance(Resumed{At: start}); step.End != nil {
		t.Errorf("resumed with a clock that was set back: %+v", step)
	}
	step = advance(TaskSucceeded{At: second(1), Task: 1, Output: []byte("{}")})
	if step.End == nil || step.End.Status != Succeeded || step.End.At.Before(second(5)) {
		t.Errorf("ended %+v", step.End)
	}
}
