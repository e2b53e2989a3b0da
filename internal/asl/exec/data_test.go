package exec

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"stepwell/internal/asl/internal/datatest"
)

// TestData runs the cases of testdata: a machine (or one state), an input, and
// what the tasks answer, one line each:
//
//	ok JSON | fail ERROR CAUSE | fail | late | submitted JSON | started | start-failed ERROR | redrive
//
// "late" lets the task time out. "events: types" prints the history's types,
// "events: all" the history.
func TestData(t *testing.T) {
	datatest.Run(t, "testdata/*.txt", func(t *testing.T, c *datatest.Case) string {
		text := c.Args["machine"]
		if s, ok := c.Args["state"]; ok {
			text = `{"StartAt":"S","States":{"S":` + s + `}}`
		}
		m, problems := Compile(text, Options{})
		if m == nil {
			return refusal(problems)
		}
		input := c.Args["input"]
		if input == "" {
			input = "{}"
		}
		env := Env{Token: func(_ string, id TaskID) string { return fmt.Sprintf("token-%d", id) },
			UUID: func() string { return "uuid" }, Random: func() float64 { return 0.5 }}
		p := &player{at: benchTime}
		if a := c.Args["answers"]; a != "" {
			p.answers = strings.Split(strings.TrimSpace(a), "\n")
		}
		x := New(m, recordedInfo(input, benchTime), env)
		if limit := c.Args["history"]; limit != "" {
			fmt.Sscan(limit, &x.limits.history)
		}
		if limit := c.Args["data"]; limit != "" {
			fmt.Sscan(limit, &x.limits.data)
		}
		if limit := c.Args["variables"]; limit != "" {
			fmt.Sscan(limit, &x.limits.variables)
		}
		out := p.run(x)
		return printEvents(p.events, c.Args["events"]) + out
	})
}

type player struct {
	at      time.Time
	answers []string
	events  []Event
}

func (p *player) run(x *Execution) string {
	var in Input = Start{p.at}
	for range 10000 {
		step, err := x.Advance(in)
		if err != nil {
			return "error: " + err.Error()
		}
		p.events = append(p.events, step.Events...)
		switch tasks := x.Tasks(); {
		case step.End != nil && len(p.answers) > 0 && strings.TrimSpace(p.answers[0]) == "redrive":
			p.answers = p.answers[1:]
			in = Redrive{p.at}
		case step.End != nil:
			return fmt.Sprintf("%s after %s", printResult(step.End), step.End.At.Sub(benchTime))
		case step.More:
			in = Continue{p.at}
		case len(tasks) > 0 && len(p.answers) > 0:
			in = p.answer(x, tasks[0])
		case step.Wake.IsZero():
			return fmt.Sprintf("waits for %d tasks", len(tasks))
		default:
			p.at = step.Wake
			in = Wake{p.at}
		}
	}
	return "does not end"
}

func (p *player) answer(x *Execution, t Task) Input {
	words := strings.SplitN(strings.TrimSpace(p.answers[0]), " ", 3)
	p.answers = p.answers[1:]
	rest := strings.Join(words[1:], " ")
	switch words[0] {
	case "ok":
		return TaskSucceeded{p.at, t.ID, json.RawMessage(rest)}
	case "submitted":
		return TaskSubmitted{p.at, t.ID, json.RawMessage(rest)}
	case "started":
		return TaskStarted{p.at, t.ID, rest}
	case "stop":
		return Stop{At: p.at, Error: new("Stopped")}
	case "beat":
		p.at = p.at.Add(time.Second)
		return TaskHeartbeat{p.at, t.ID}
	case "fail", "start-failed":
		f := TaskFailed{At: p.at, Task: t.ID, NotStarted: words[0] == "start-failed"}
		if len(words) > 1 {
			f.Error = &words[1]
		}
		if len(words) > 2 {
			f.Cause = &words[2]
		}
		return f
	}
	p.at = x.Wake()
	return Wake{p.at}
}

func printResult(r *Result) string {
	s := string(r.Status)
	if r.Status == Succeeded {
		return s + " " + string(r.Output)
	}
	if r.Error != nil {
		s += " " + *r.Error
	}
	if r.Cause != nil {
		s += ": " + *r.Cause
	}
	return s
}

func printEvents(events []Event, form string) string {
	var b strings.Builder
	for i := range events {
		switch e := &events[i]; form {
		case "types":
			fmt.Fprintf(&b, "%d<-%d %s\n", e.ID, e.PreviousID, e.Type)
		case "all":
			_, details := e.details()
			text, _ := json.Marshal(e)
			if details == nil {
				text = nil
			} else if i := strings.Index(string(text), `EventDetails":`); i >= 0 {
				text = text[i+len(`EventDetails":`) : len(text)-1]
			}
			fmt.Fprintf(&b, "%d<-%d %s %s\n", e.ID, e.PreviousID, e.Type, text)
		}
	}
	return b.String()
}

// refusal prints what is wrong with a definition.
func refusal(problems []Problem) string {
	var list []string
	for _, p := range problems {
		list = append(list, fmt.Sprintf("{%s %s %s %s}", p.Severity, p.Code, p.Message, p.Location))
	}
	return fmt.Sprintf("refused: %v", list)
}
