package exec

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"stepwell/internal/asl/check"
)

// recordedEvent is an event of a recorded history.
type recordedEvent struct {
	Type    string
	ID      any
	Details map[string]any
}

func recordedEvents(t *testing.T, c recordedCase) []recordedEvent {
	for _, raw := range c.Expect {
		var h struct{ Events []map[string]any }
		if json.Unmarshal(raw, &h) != nil || len(h.Events) == 0 {
			continue
		}
		var list []recordedEvent
		for _, e := range h.Events {
			r := recordedEvent{Type: fmt.Sprint(e["type"]), ID: e["id"]}
			for name, v := range e {
				if d, ok := v.(map[string]any); ok && strings.HasSuffix(name, "EventDetails") {
					r.Details = d
				}
			}
			list = append(list, r)
		}
		return list
	}
	return nil
}

// text is a member of the details as the text it was before it was recorded.
func (e recordedEvent) text(name string) *string {
	v, ok := e.Details[name]
	if !ok {
		return nil
	}
	if s, ok := v.(string); ok {
		return &s
	}
	b, _ := json.Marshal(v)
	return new(string(b))
}

// playback answers tasks with what the recorded history says they answered.
func playback(m *Machine, info Info, at time.Time, recorded []recordedEvent) ([]Event, error) {
	var events []Event
	x := New(m, info, Env{})
	advance := func(in Input) error {
		for {
			step, err := x.Advance(in)
			if err != nil {
				return err
			}
			events = append(events, step.Events...)
			if !step.More {
				return nil
			}
			in = Continue{at}
		}
	}
	if err := advance(Start{at}); err != nil {
		return nil, err
	}
	next := 0
	for x.Result() == nil {
		tasks := x.Tasks()
		if w := x.Wake(); len(tasks) == 0 && !w.IsZero() {
			at = w
			if err := advance(Wake{at}); err != nil {
				return nil, err
			}
			continue
		}
		in, err := nextAnswer(x, tasks, recorded, &next, &at)
		if err != nil {
			return events, err
		}
		if err := advance(in); err != nil {
			return events, err
		}
	}
	return events, nil
}

func nextAnswer(x *Execution, tasks []Task, recorded []recordedEvent, next *int, at *time.Time) (Input, error) {
	pick := func(started, submitted bool) TaskID {
		for _, t := range tasks {
			if t.Started == started && (t.Submitted == submitted || !submitted) {
				return t.ID
			}
		}
		return tasks[0].ID
	}
	for ; *next < len(recorded); *next++ {
		e := recorded[*next]
		if len(tasks) == 0 || strings.Contains(e.Type, "State") || !(strings.HasPrefix(e.Type, "Task") || strings.HasPrefix(e.Type, "Lambda") || strings.HasPrefix(e.Type, "Activity")) {
			continue
		}
		*next++
		switch {
		case strings.HasSuffix(e.Type, "Started"):
			worker := ""
			if w := e.text("workerName"); w != nil {
				worker = *w
			}
			return TaskStarted{*at, pick(false, false), worker}, nil
		case strings.HasSuffix(e.Type, "Submitted"):
			return TaskSubmitted{*at, pick(true, false), json.RawMessage(*e.text("output"))}, nil
		case strings.HasSuffix(e.Type, "Succeeded"):
			return TaskSucceeded{*at, pick(true, false), json.RawMessage(*e.text("output"))}, nil
		case strings.HasSuffix(e.Type, "Failed"):
			return TaskFailed{*at, pick(true, false), e.text("error"), e.text("cause"), !tasks[0].Started}, nil
		case strings.HasSuffix(e.Type, "TimedOut"):
			*at = x.Wake()
			return Wake{*at}, nil
		}
		*next--
	}
	return nil, fmt.Errorf("the recording has no answer for %v", tasks)
}

func TestRecordedTaskHistories(t *testing.T) {
	dir := sharedDir(t)
	answers, areas, refused := map[string]any{}, map[string]string{}, map[string]bool{}
	for _, c := range readCases(t, dir) {
		recorded := recordedEvents(t, c)
		if c.Kind != "history" || len(c.Needs) == 0 || recorded == nil || strings.Contains(string(c.Definition), "JSONata") {
			continue
		}
		areas[c.ID] = c.Area
		m, problems := Compile(string(c.Definition), Options{Express: c.Type == "EXPRESS"})
		if m == nil {
			answers[c.ID] = fmt.Sprint("refused: ", problems)
			refused[c.ID] = problems[0].Code == check.NotImplemented
			continue
		}
		at := time.Now().UTC().Truncate(time.Second)
		events, err := playback(m, recordedInfo(*recorded[0].text("input"), at), at, recorded)
		if err != nil {
			answers[c.ID] = err.Error()
			continue
		}
		list := []*Event{}
		for i := range events {
			list = append(list, &events[i])
		}
		answers[c.ID] = map[string]any{"events": list}
	}
	score(t, dir, answers, areas, refused)
}
