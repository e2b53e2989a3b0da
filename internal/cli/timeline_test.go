package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/states"
)

// timelineOf reads a history written as lines: id, previous id, seconds, type,
// and a name, an index or an error.
func timelineOf(t *testing.T, history, status string) *timeline {
	t.Helper()
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := &states.DescribeExecutionOutput{Name: new("x"), Status: &status, StartDate: &begin}
	tl := newTimeline(d)
	for line := range strings.Lines(strings.TrimSpace(history)) {
		var id, before int64
		var seconds float64
		var kind, what string
		if _, err := fmt.Sscan(line, &id, &before, &seconds, &kind, &what); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		at := begin.Add(time.Duration(seconds * float64(time.Second)))
		e := states.HistoryEvent{Id: &id, PreviousEventId: &before, Timestamp: &at, Type: &kind}
		switch {
		case strings.HasSuffix(kind, "StateEntered"):
			e.StateEnteredEventDetails = &states.StateEnteredEventDetails{Name: &what, Input: new(`{"in":1}`)}
		case strings.HasSuffix(kind, "StateExited"):
			e.StateExitedEventDetails = &states.StateExitedEventDetails{Name: &what, Output: new(`2`)}
		case kind == "TaskFailed":
			e.TaskFailedEventDetails = &states.TaskFailedEventDetails{Error: &what, Cause: new("first line\nsecond")}
		case kind == "TaskSubmitted":
			e.TaskSubmittedEventDetails = &states.TaskSubmittedEventDetails{Output: new(`{"JobRunId":"` + what + `"}`)}
		case kind == "MapIterationStarted", kind == "MapIterationFailed":
			var index int64
			fmt.Sscan(what, &index)
			if details := (&states.MapIterationEventDetails{Index: &index}); kind == "MapIterationStarted" {
				e.MapIterationStartedEventDetails = details
			} else {
				e.MapIterationFailedEventDetails = details
			}
		case kind == "ExecutionFailed":
			e.ExecutionFailedEventDetails = &states.ExecutionFailedEventDetails{Error: &what}
		case kind == "ExecutionSucceeded":
			e.ExecutionSucceededEventDetails = &states.ExecutionSucceededEventDetails{}
		}
		tl.event(&e)
	}
	return tl
}

func TestTimeline(t *testing.T) {
	for _, c := range []struct {
		name, history, want string
		status              string
		show                showing
	}{
		{
			name: "a chain with a retry",
			history: `1 0 0 ExecutionStarted -
2 0 0 PassStateEntered A
3 2 0 PassStateExited A
4 3 0 TaskStateEntered B
5 4 0 TaskScheduled -
6 5 0 TaskStarted -
7 6 2 TaskFailed E
8 7 3 TaskScheduled -
9 8 3 TaskSubmitted jr_1
10 9 8 TaskSucceeded -
11 10 8 TaskStateExited B
12 11 8 ExecutionSucceeded -`,
			status: "SUCCEEDED",
			want: `  A  ok               0 ms  ━·······························
  B  ok, 2 attempts  8.0 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
      error: E: first line
      started job run jr_1
`,
		},
		{
			name: "a Parallel whose branch fails, and what catches it",
			history: `1 0 0 ExecutionStarted -
2 0 0 ParallelStateEntered P
3 2 0 ParallelStateStarted -
4 3 0 WaitStateEntered W
5 3 0 TaskStateEntered T
6 5 0 TaskScheduled -
7 6 1 TaskFailed E
8 7 1 ParallelStateFailed -
9 8 1 ParallelStateExited P
10 9 1 FailStateEntered F
11 10 2 ExecutionFailed E`,
			status: "FAILED",
			want: `  P    caught   1.0 s  ━━━━━━━━━━━━━━━━················
    W  stopped  1.0 s  ━━━━━━━━━━━━━━━━················
    T  failed   1.0 s  ━━━━━━━━━━━━━━━━················
      error: E: first line
  F    failed   1.0 s  ················━━━━━━━━━━━━━━━━
      error: E
`,
		},
		{
			name: "iterations one by one, with data",
			history: `1 0 0 ExecutionStarted -
2 0 0 MapStateEntered M
3 2 0 MapStateStarted -
4 3 0 MapIterationStarted 0
5 4 0 PassStateEntered A
6 5 1 PassStateExited A
7 6 1 MapIterationSucceeded 0
8 7 1 MapIterationStarted 1
9 8 1 PassStateEntered A
10 9 2 PassStateExited A
11 10 2 MapIterationSucceeded 1
12 11 2 MapStateSucceeded -
13 12 2 MapStateExited M
14 13 2 ExecutionSucceeded -`,
			status: "SUCCEEDED", show: showing{output: true},
			want: `  M      ok  2.0 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
      output 2
    [0]
      A  ok  1.0 s  ━━━━━━━━━━━━━━━━················
      output 2
    [1]
      A  ok  1.0 s  ················━━━━━━━━━━━━━━━━
      output 2
`,
		},
		{
			name: "what still runs",
			history: `1 0 0 ExecutionStarted -
2 0 0 PassStateEntered A
3 2 4 PassStateExited A
4 3 4 TaskStateEntered B`,
			status: "RUNNING",
			want: `  A  ok       4.0 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
  B  running         ·······························━›
`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			timelineOf(t, c.history, c.status).print(&b, c.show)
			if b.String() != c.want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), c.want)
			}
		})
	}
}

// TestTimelineSummary: many iterations become a line for each state.
func TestTimelineSummary(t *testing.T) {
	var h strings.Builder
	h.WriteString("1 0 0 ExecutionStarted -\n2 0 0 MapStateEntered M\n3 2 0 MapStateStarted -\n")
	id := 4
	for i := range 6 {
		fmt.Fprintf(&h, "%d 3 %d MapIterationStarted %d\n%d %d %d TaskStateEntered T\n", id, i, i, id+1, id, i)
		if i == 5 {
			fmt.Fprintf(&h, "%d %d %d TaskScheduled -\n%d %d %d TaskFailed E\n%d %d %d MapIterationFailed %d\n", id+2, id+1, i, id+3, id+2, i+1, id+4, id+3, i+1, i)
			break
		}
		fmt.Fprintf(&h, "%d %d %d TaskStateExited T\n", id+2, id+1, i+1)
		id += 3
	}
	h.WriteString("30 23 6 MapStateFailed -\n31 30 6 ExecutionFailed E\n")
	var b bytes.Buffer
	timelineOf(t, h.String(), "FAILED").print(&b, showing{})
	want := `  M               failed                                  6.0 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
    6 iterations  1 failed
    T             6 times, 1 failed          1.0 s, slowest 1.0 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
      error: E: first line
`
	squeeze := func(s string) string {
		var lines []string
		for line := range strings.Lines(s) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		return strings.Join(lines, "\n")
	}
	if squeeze(b.String()) != squeeze(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	timelineOf(t, h.String(), "FAILED").print(&b, showing{all: true})
	if n := strings.Count(b.String(), "T  "); n != 6 {
		t.Errorf("%d of 6 iterations are shown:\n%s", n, b.String())
	}
}
