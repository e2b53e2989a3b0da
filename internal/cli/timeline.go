package cli

import (
	"context"
	"strings"
	"time"

	"stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
	"stepwell/internal/project"
)

// visit is one stay of an execution in a state. The root of a timeline is the
// execution itself.
type visit struct {
	name, kind    string // kind: the state's type
	entered, left time.Time
	status        string // ok, failed, caught, stopped, running
	attempts      int
	faults        []string // errors with the first line of their causes
	input, output *string
	notes         []string // what it started: jobs, executions, Map runs
	iteration     int64    // of the Map around it; -1 = none
	iterations    int      // a Map's
	broken        int      // iterations that failed
	parent        *visit
	inner         []*visit
}

// timeline is an execution as the visits of its states.
type timeline struct {
	execution *states.DescribeExecutionOutput
	root      *visit
	runs      map[string]*states.DescribeMapRunOutput

	owner map[int64]*visit // by event
	index map[int64]int64  // iteration that an event belongs to, by event
}

// readTimeline reads the history of an execution.
func readTimeline(ctx context.Context, c *connection, arn string) (*timeline, error) {
	d, err := bus.Invoke[states.DescribeExecutionOutput](ctx, c.aws, "states", "DescribeExecution", &states.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		return nil, err
	}
	t := newTimeline(d)
	in := &states.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: new(int64(1000))}
	for {
		page, err := bus.Invoke[states.GetExecutionHistoryOutput](ctx, c.aws, "states", "GetExecutionHistory", in)
		if err != nil {
			return nil, err
		}
		for i := range page.Events {
			if run := t.event(&page.Events[i]); run != "" {
				if t.runs[run], err = bus.Invoke[states.DescribeMapRunOutput](ctx, c.aws, "states", "DescribeMapRun", &states.DescribeMapRunInput{MapRunArn: &run}); err != nil {
					return nil, err
				}
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return t, nil
		}
	}
}

func newTimeline(d *states.DescribeExecutionOutput) *timeline {
	root := &visit{name: text(d.Name), entered: *d.StartDate, status: "running", iteration: -1}
	if d.StopDate != nil {
		root.left = *d.StopDate
	}
	return &timeline{execution: d, root: root, runs: map[string]*states.DescribeMapRunOutput{}, owner: map[int64]*visit{}, index: map[int64]int64{}}
}

// event adds an event; run is the ARN of a Map run that began with it.
func (t *timeline) event(e *states.HistoryEvent) (run string) {
	id, before := *e.Id, int64(0)
	if e.PreviousEventId != nil {
		before = *e.PreviousEventId
	}
	v := t.owner[before]
	if v == nil {
		v = t.root
	}
	index, within := t.index[before]
	if !within {
		index = v.iteration
	}
	kind := *e.Type
	switch {
	case e.StateEnteredEventDetails != nil:
		v = t.enter(v, e, index)
	case e.StateExitedEventDetails != nil:
		v = v.climb(func(v *visit) bool { return v.name == text(e.StateExitedEventDetails.Name) && v.left.IsZero() })
		v.leave(e)
	case strings.HasPrefix(kind, "Map"), strings.HasPrefix(kind, "Parallel"):
		v = v.climb(func(v *visit) bool { return strings.HasPrefix(kind, v.kind) && v.kind != "" && v.left.IsZero() })
		run = t.container(v, e)
	case strings.HasPrefix(kind, "Execution"):
		if kind != states.HistoryEventTypeExecutionStarted && kind != states.HistoryEventTypeExecutionRedriven {
			t.end(e, v)
		}
	default:
		v.task(e)
	}
	t.owner[id] = v
	return run
}

// climb finds the visit around v that fits; v itself where none does.
func (v *visit) climb(fits func(*visit) bool) *visit {
	for at := v; at != nil; at = at.parent {
		if fits(at) {
			return at
		}
	}
	return v
}

// enter begins a visit: within v where that is a Parallel or Map state under
// way, else after it.
func (t *timeline) enter(v *visit, e *states.HistoryEvent, index int64) *visit {
	around, iteration := v.parent, v.iteration
	if v == t.root || (v.kind == "Parallel" || v.kind == "Map") && v.left.IsZero() {
		around, iteration = v, index
	}
	if around == nil {
		around = t.root
	}
	n := &visit{
		name: text(e.StateEnteredEventDetails.Name), kind: strings.TrimSuffix(*e.Type, "StateEntered"), entered: *e.Timestamp,
		status: "running", input: e.StateEnteredEventDetails.Input, iteration: iteration, parent: around,
	}
	around.inner = append(around.inner, n)
	return n
}

func (v *visit) leave(e *states.HistoryEvent) {
	v.left, v.output, v.status = *e.Timestamp, e.StateExitedEventDetails.Output, "ok"
	if n := len(v.faults); n > 0 && (v.attempts <= n && v.attempts > 0 || v.attempts == 0) {
		v.status = "caught"
	}
	v.stop(*e.Timestamp)
}

// stop ends what is still open within v.
func (v *visit) stop(at time.Time) {
	for _, n := range v.inner {
		if n.left.IsZero() {
			n.left, n.status = at, "stopped"
			if len(n.faults) > 0 || n.kind == "Fail" {
				n.status = "failed"
			}
		}
		n.stop(at)
	}
}

// container takes an event of a Parallel or Map state or of an iteration.
func (t *timeline) container(v *visit, e *states.HistoryEvent) (run string) {
	switch {
	case e.MapIterationStartedEventDetails != nil:
		v.iterations++
		t.index[*e.Id] = *e.MapIterationStartedEventDetails.Index
	case e.MapIterationFailedEventDetails != nil:
		v.broken++
	case e.MapRunStartedEventDetails != nil:
		run = text(e.MapRunStartedEventDetails.MapRunArn)
		v.notes = append(v.notes, run)
	case strings.HasSuffix(*e.Type, "StateFailed"):
		v.fault(nil, nil)
	default:
		v.task(e)
	}
	return run
}

func (v *visit) fault(name, cause *string) {
	line := text(name)
	if first, _, _ := strings.Cut(text(cause), "\n"); first != "" {
		line += ": " + first
	}
	v.faults = append(v.faults, strings.TrimPrefix(line, ": "))
}

// end takes the event that ends the execution; v is where it was last.
func (t *timeline) end(e *states.HistoryEvent, v *visit) {
	t.root.left, t.root.status = *e.Timestamp, "ok"
	if e.ExecutionSucceededEventDetails != nil {
		return
	}
	if d := e.ExecutionFailedEventDetails; d != nil && v.kind == "Fail" {
		v.fault(d.Error, d.Cause)
	}
	for ; v != nil && v != t.root; v = v.parent {
		if v.left.IsZero() && e.ExecutionFailedEventDetails != nil {
			v.left, v.status = *e.Timestamp, "failed"
		}
	}
	t.root.stop(*e.Timestamp)
}

// task takes an event of a task, or a fault of any state.
func (v *visit) task(e *states.HistoryEvent) {
	if name, cause, failed := project.Fault(e); failed {
		v.fault(name, cause)
	}
	switch {
	case strings.HasSuffix(*e.Type, "Scheduled"):
		v.attempts++
	case e.TaskSubmittedEventDetails != nil:
		v.notes = append(v.notes, started(text(e.TaskSubmittedEventDetails.Output))...)
	}
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
