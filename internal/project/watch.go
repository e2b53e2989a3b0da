package project

import (
	"context"
	"fmt"
	"strings"
	"time"

	"stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
)

// pollEvery is how often a running execution is looked at, in real time.
const pollEvery = 100 * time.Millisecond

// stateRun is one visit of a state.
type stateRun struct {
	name    string
	entered time.Time
	failed  bool // its latest attempt: where the state is left now, the error is caught
	task    bool
	beside  bool // another task ran beside it: what the warehouse moved cannot be told apart
}

// watcher turns an execution's events into lines of progress.
type watcher struct {
	runner *Runner
	open   map[int64]*stateRun // by the id of the latest event of the visit
	seen   int64
}

// watch prints a line for every state that ends and returns the execution once
// it has.
func (r *Runner) watch(ctx context.Context, arn string) (*states.DescribeExecutionOutput, error) {
	began := time.Now()
	w := &watcher{runner: r, open: map[int64]*stateRun{}}
	for {
		d, err := bus.Invoke[states.DescribeExecutionOutput](ctx, r.AWS, "states", "DescribeExecution",
			&states.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil {
			return nil, fmt.Errorf("cannot watch %s: %w", arn, err)
		}
		if err := w.poll(ctx, arn); err != nil {
			return nil, err
		}
		if *d.Status != "RUNNING" {
			r.summary(d, time.Since(began))
			return d, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// summary tells how an execution ended. Where the server's clock skips waits,
// it passed over more time than really went by.
func (r *Runner) summary(d *states.DescribeExecutionOutput, real time.Duration) {
	took := "?"
	if d.StopDate != nil {
		passed := d.StopDate.Sub(*d.StartDate)
		took = Duration(passed)
		if passed > real+time.Second {
			took += ", " + Duration(real) + " of them real"
		}
	}
	fmt.Fprintf(r.Out, "  %s after %s\n", *d.Status, took)
	if d.Error != nil {
		fmt.Fprintf(r.Out, "  error: %s\n", *d.Error)
	}
	if d.Cause != nil && *d.Cause != "" {
		fmt.Fprintf(r.Out, "  cause: %s\n", firstLine(*d.Cause, 300))
	}
}

func firstLine(s string, limit int) string {
	s, _, _ = strings.Cut(s, "\n")
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "..."
	}
	return s
}

// poll reads the events that are new.
func (w *watcher) poll(ctx context.Context, arn string) error {
	var token *string
	for {
		page, err := bus.Invoke[states.GetExecutionHistoryOutput](ctx, w.runner.AWS, "states", "GetExecutionHistory",
			&states.GetExecutionHistoryInput{ExecutionArn: &arn, NextToken: token, MaxResults: new(int64(1000))})
		if err != nil {
			return fmt.Errorf("cannot read the history of %s: %w", arn, err)
		}
		for i := range page.Events {
			if e := &page.Events[i]; *e.Id > w.seen {
				w.seen = *e.Id
				w.event(ctx, e)
			}
		}
		if page.NextToken == nil {
			return nil
		}
		token = page.NextToken
	}
}

// event follows a visit from event to event by previousEventId.
func (w *watcher) event(ctx context.Context, e *states.HistoryEvent) {
	if e.StateEnteredEventDetails != nil {
		v := &stateRun{name: *e.StateEnteredEventDetails.Name, entered: *e.Timestamp, task: *e.Type == "TaskStateEntered"}
		for _, other := range w.open {
			if v.task && other.task {
				v.beside, other.beside = true, true
			}
		}
		w.open[*e.Id] = v
		return
	}
	v := w.take(e)
	if v == nil {
		return
	}
	if e.StateExitedEventDetails != nil {
		outcome := "ok"
		if v.failed {
			outcome = "caught"
		}
		w.line(ctx, v, outcome, *e.Timestamp)
		return
	}
	w.open[*e.Id] = v
	switch {
	case strings.HasSuffix(*e.Type, "Scheduled"):
		v.failed = false
	case strings.HasSuffix(*e.Type, "StateFailed"): // a Map or Parallel
		v.failed = true
	default:
		name, _, failed := Fault(e)
		if !failed {
			return
		}
		w.line(ctx, v, "failed: "+text(name), *e.Timestamp)
		v.entered, v.failed = *e.Timestamp, true
	}
}

// take takes the visit that an event belongs to out of the open ones; nil where
// it belongs to none. A Map or Parallel state is left after an event of its last
// branch: its visit is found by the name.
func (w *watcher) take(e *states.HistoryEvent) *stateRun {
	if e.PreviousEventId == nil {
		return nil
	}
	v, left := w.open[*e.PreviousEventId], e.StateExitedEventDetails
	delete(w.open, *e.PreviousEventId)
	if left == nil || v != nil && v.name == *left.Name {
		return v
	}
	for id, around := range w.open {
		if around.name == *left.Name {
			delete(w.open, id)
			around.failed = around.failed || v != nil && v.failed
			return around
		}
	}
	return nil
}

// Fault is the error and the cause that an event of a state reports: of a task,
// a Map run or an expression. failed is false where it reports none.
func Fault(e *states.HistoryEvent) (name, cause *string, failed bool) {
	switch {
	case e.TaskFailedEventDetails != nil:
		return e.TaskFailedEventDetails.Error, e.TaskFailedEventDetails.Cause, true
	case e.TaskTimedOutEventDetails != nil:
		return e.TaskTimedOutEventDetails.Error, e.TaskTimedOutEventDetails.Cause, true
	case e.TaskStartFailedEventDetails != nil:
		return e.TaskStartFailedEventDetails.Error, e.TaskStartFailedEventDetails.Cause, true
	case e.TaskSubmitFailedEventDetails != nil:
		return e.TaskSubmitFailedEventDetails.Error, e.TaskSubmitFailedEventDetails.Cause, true
	case e.LambdaFunctionFailedEventDetails != nil:
		return e.LambdaFunctionFailedEventDetails.Error, e.LambdaFunctionFailedEventDetails.Cause, true
	case e.LambdaFunctionTimedOutEventDetails != nil:
		return e.LambdaFunctionTimedOutEventDetails.Error, e.LambdaFunctionTimedOutEventDetails.Cause, true
	case e.ActivityFailedEventDetails != nil:
		return e.ActivityFailedEventDetails.Error, e.ActivityFailedEventDetails.Cause, true
	case e.ActivityTimedOutEventDetails != nil:
		return e.ActivityTimedOutEventDetails.Error, e.ActivityTimedOutEventDetails.Cause, true
	case e.MapRunFailedEventDetails != nil:
		return e.MapRunFailedEventDetails.Error, e.MapRunFailedEventDetails.Cause, true
	case e.EvaluationFailedEventDetails != nil:
		return e.EvaluationFailedEventDetails.Error, e.EvaluationFailedEventDetails.Cause, true
	}
	return nil, nil, false
}

func (w *watcher) line(ctx context.Context, v *stateRun, outcome string, end time.Time) {
	moved := ""
	if !v.beside {
		moved = w.runner.rowCounts(ctx, v.entered, end)
	}
	line := fmt.Sprintf("  %-34s %9s   %-10s %s", v.name, Duration(end.Sub(v.entered)), outcome, moved)
	fmt.Fprintln(w.runner.Out, strings.TrimRight(line, " "))
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Duration prints a duration to three digits.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}
