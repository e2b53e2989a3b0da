package project

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/states"
)

// TestWatch: events as lines of id, previous id, seconds, type and a name or an
// error; want is what is printed, without the columns' blanks.
func TestWatch(t *testing.T) {
	for _, c := range []struct{ name, events, want string }{
		{"a retry that helps", `2 0 0 TaskStateEntered A
			3 2 0 TaskScheduled -
			4 3 1 TaskFailed E
			5 4 3 TaskScheduled -
			6 5 4 TaskSucceeded -
			7 6 4 TaskStateExited A`, "A 1.0 s failed: E; A 3.0 s ok"},
		{"a catch", `2 0 0 TaskStateEntered A
			3 2 0 LambdaFunctionScheduled -
			4 3 1 LambdaFunctionFailed E
			5 4 1 TaskStateExited A
			6 5 1 PassStateEntered B
			7 6 1 PassStateExited B`, "A 1.0 s failed: E; A 0 ms caught; B 0 ms ok"},
		{"a Map", `2 0 0 MapStateEntered M
			3 2 0 MapStateStarted -
			4 3 0 MapIterationStarted -
			5 4 0 PassStateEntered A
			6 5 1 PassStateExited A
			7 6 1 MapIterationSucceeded -
			8 3 0 MapIterationStarted -
			9 8 0 PassStateEntered A
			10 9 2 PassStateExited A
			11 10 2 MapIterationSucceeded -
			12 11 2 MapStateSucceeded -
			13 12 2 MapStateExited M`, "A 1.0 s ok; A 2.0 s ok; M 2.0 s ok"},
		{"a Parallel whose error is caught", `2 0 0 ParallelStateEntered P
			3 2 0 ParallelStateStarted -
			4 3 0 TaskStateEntered A
			5 4 0 TaskScheduled -
			6 5 1 TaskFailed E
			7 6 1 ParallelStateFailed -
			8 7 1 ParallelStateExited P`, "A 1.0 s failed: E; P 1.0 s caught"},
	} {
		var out strings.Builder
		w := &watcher{runner: &Runner{Out: &out, file: &File{}}, open: map[int64]*stateRun{}}
		for line := range strings.Lines(c.events) {
			var id, before, seconds int64
			var kind, what string
			if _, err := fmt.Sscan(line, &id, &before, &seconds, &kind, &what); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			at := time.Unix(seconds, 0)
			e := &states.HistoryEvent{Id: &id, PreviousEventId: &before, Timestamp: &at, Type: &kind}
			switch {
			case strings.HasSuffix(kind, "StateEntered"):
				e.StateEnteredEventDetails = &states.StateEnteredEventDetails{Name: &what}
			case strings.HasSuffix(kind, "StateExited"):
				e.StateExitedEventDetails = &states.StateExitedEventDetails{Name: &what}
			case kind == "TaskFailed":
				e.TaskFailedEventDetails = &states.TaskFailedEventDetails{Error: &what}
			case kind == "LambdaFunctionFailed":
				e.LambdaFunctionFailedEventDetails = &states.LambdaFunctionFailedEventDetails{Error: &what}
			}
			w.event(t.Context(), e)
		}
		var lines []string
		for line := range strings.Lines(out.String()) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		if got := strings.Join(lines, "; "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
