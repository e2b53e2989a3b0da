package crash

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"stepwell/internal/awsapi/states"
)

// events reads the history of an execution.
func (f *fleet) events(arn string) (all []states.HistoryEvent) {
	f.t.Helper()
	in := &states.GetExecutionHistoryInput{ExecutionArn: &arn}
	for {
		page := must[states.GetExecutionHistoryOutput](f, "states", "GetExecutionHistory", in)
		all = append(all, page.Events...)
		if in.NextToken = page.NextToken; in.NextToken == nil {
			return all
		}
	}
}

// history is an execution's history as text.
func (f *fleet) history(arn string) string {
	f.t.Helper()
	var b strings.Builder
	for _, e := range f.events(arn) {
		fmt.Fprintf(&b, "%d <- %d %s %s\n", *e.Id, *e.PreviousEventId, e.Timestamp.Format("15:04:05.000"), *e.Type)
	}
	return b.String()
}

func count(events []states.HistoryEvent) map[string]int {
	counts := map[string]int{}
	for _, e := range events {
		counts[*e.Type]++
	}
	return counts
}

// result is an effect whose result a history has.
type result struct {
	effect  string
	message string // the id that sns:Publish answered
	at      time.Time
}

// findings are what wellFormed has read.
type findings struct {
	fault   error
	results []result
	started []string // ARNs of executions that tasks have started
}

// wellFormed checks a history: events are numbered from 1 without gaps, each
// follows an earlier one, time does not go back; it begins and ends once; what
// was entered was left; every task that was scheduled has one outcome, reached
// through at most one start and one submission.
func wellFormed(events []states.HistoryEvent, status string) (h findings) {
	terminal := map[string]string{"SUCCEEDED": "ExecutionSucceeded", "FAILED": "ExecutionFailed"}[status]
	entered, followed := map[string]int{}, map[string]bool{}
	for i, e := range events {
		kind, previous := *e.Type, *e.PreviousEventId
		switch {
		case *e.Id != int64(i+1):
			h.fault = fmt.Errorf("event %d has the number %d", i+1, *e.Id)
		case previous < 0 || previous >= *e.Id || previous == 0 && i > 1:
			h.fault = fmt.Errorf("event %d follows %d", *e.Id, previous)
		case i > 0 && e.Timestamp.Before(*events[i-1].Timestamp):
			h.fault = fmt.Errorf("event %d is earlier than the one before", *e.Id)
		case (kind == "ExecutionStarted") != (i == 0), (kind == terminal) != (i == len(events)-1):
			h.fault = fmt.Errorf("event %d of %d is %s", *e.Id, len(events), kind)
		}
		switch {
		case e.StateEnteredEventDetails != nil:
			entered[*e.StateEnteredEventDetails.Name]++
		case e.StateExitedEventDetails != nil:
			entered[*e.StateExitedEventDetails.Name]--
		}
		if h.fault != nil || previous == 0 {
			continue
		}
		if err := h.task(&e, events, followed); err != nil {
			h.fault = err
		}
	}
	for name, n := range entered {
		if n != 0 && (status == "SUCCEEDED" || n < 0 || n > 1) {
			h.fault = fmt.Errorf("state %s was entered %d times more often than left", name, n)
		}
	}
	for _, e := range events {
		if kind := *e.Type; strings.HasSuffix(kind, "Scheduled") && !followed[fmt.Sprint(*e.Id, " end")] && h.fault == nil {
			h.fault = fmt.Errorf("the task of event %d has no outcome", *e.Id)
		}
	}
	return h
}

// taskEvents are the stages of a task.
var taskEvents = map[string]string{
	"TaskStarted": "start", "TaskSubmitted": "submission", "TaskSucceeded": "end", "TaskFailed": "end", "TaskTimedOut": "end",
	"ActivityStarted": "start", "ActivitySucceeded": "end", "ActivityFailed": "end", "ActivityTimedOut": "end",
}

// task follows an event of a task back to where it was scheduled.
func (h *findings) task(e *states.HistoryEvent, events []states.HistoryEvent, followed map[string]bool) error {
	stage := taskEvents[*e.Type]
	if stage == "" {
		return nil
	}
	at := *e.PreviousEventId
	submitted := e.TaskSubmittedEventDetails
	for !strings.HasSuffix(*events[at-1].Type, "Scheduled") {
		before := &events[at-1]
		if taskEvents[*before.Type] == "" || taskEvents[*before.Type] == "end" {
			return fmt.Errorf("event %d belongs to no task", *e.Id)
		}
		if before.TaskSubmittedEventDetails != nil {
			submitted = before.TaskSubmittedEventDetails
		}
		at = *before.PreviousEventId
	}
	if key := fmt.Sprint(at, " ", stage); followed[key] || followed[fmt.Sprint(at, " end")] {
		return fmt.Errorf("the task of event %d has event %d after its %s", at, *e.Id, stage)
	} else {
		followed[key] = true
	}
	scheduled := events[at-1].TaskScheduledEventDetails
	if scheduled == nil {
		return nil
	}
	h.started = append(h.started, startedBy(e)...)
	// The result of a call is that of the task, or what was submitted.
	var output *string
	if submitted == e.TaskSubmittedEventDetails && submitted != nil {
		output = submitted.Output
	} else if d := e.TaskSucceededEventDetails; d != nil && !strings.HasSuffix(*scheduled.Resource, ".waitForTaskToken") {
		output = d.Output
	}
	if effect := effectOf(deref(scheduled.Parameters)); output != nil && effect != "" && strings.HasPrefix(*scheduled.Resource, "publish") {
		var answer struct{ MessageId string }
		if err := json.Unmarshal([]byte(*output), &answer); err != nil {
			return fmt.Errorf("event %d: %w", *e.Id, err)
		}
		h.results = append(h.results, result{effect, answer.MessageId, *e.Timestamp})
	}
	return nil
}

// startedBy is the ARN of the execution that a task has started.
func startedBy(e *states.HistoryEvent) []string {
	var answer struct{ ExecutionArn string }
	if d := e.TaskSubmittedEventDetails; d == nil || json.Unmarshal([]byte(deref(d.Output)), &answer) != nil || answer.ExecutionArn == "" {
		return nil
	}
	return []string{answer.ExecutionArn}
}

// effectOf is the name of the effect of a publish call.
func effectOf(parameters string) string {
	var call struct{ Message json.RawMessage }
	var n note
	var text string
	if json.Unmarshal([]byte(parameters), &call) != nil {
		return ""
	}
	if json.Unmarshal(call.Message, &text) == nil {
		return text
	}
	if json.Unmarshal(call.Message, &n) != nil {
		return ""
	}
	return n.Effect
}

// late waits for a message that was published and has not come yet.
func (f *fleet) late(r result) {
	f.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if !f.subscriber.effects()[r.effect][r.message].IsZero() {
			return
		}
	}
	seen := f.subscriber.effects()[r.effect]
	f.t.Errorf("message %s of effect %s was never delivered; these were: %v", r.message, r.effect, slices.Collect(maps.Keys(seen)))
}
