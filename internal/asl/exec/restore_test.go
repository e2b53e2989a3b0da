package exec

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// generator writes random machines whose result does not depend on timing.
type generator struct {
	r *rand.Rand
	n int
}

func (g *generator) machine(depth int) map[string]any {
	states := map[string]any{}
	count := 1 + g.r.IntN(4)
	names := make([]string, count)
	for i := range names {
		g.n++
		names[i] = fmt.Sprintf("S%d", g.n)
	}
	for i, name := range names {
		s := g.state(depth)
		if s["Type"] == "Choice" {
			g.n++
			other := fmt.Sprintf("S%d", g.n)
			states[other] = map[string]any{"Type": "Pass", "Assign": map[string]any{"chosen": other}, "End": true}
			next := other
			if i+1 < count {
				next = names[i+1]
			}
			s["Choices"].([]any)[0].(map[string]any)["Next"], s["Default"] = other, next
			if next == other {
				s["Default"] = other
			}
		} else if i+1 < count {
			s["Next"] = names[i+1]
		} else {
			s["End"] = true
		}
		states[name] = s
	}
	return map[string]any{"StartAt": names[0], "States": states}
}

func (g *generator) state(depth int) map[string]any {
	retry := []any{map[string]any{"ErrorEquals": []string{"Flaky"}, "IntervalSeconds": 1 + g.r.IntN(3), "MaxAttempts": 2},
		map[string]any{"ErrorEquals": []string{"States.TaskFailed"}, "MaxAttempts": 1}}
	kinds := 7
	if depth > 0 {
		kinds = 9
	}
	switch g.r.IntN(kinds) - 2 {
	case -1:
		return map[string]any{"Type": "Pass", "QueryLanguage": "JSONata", "Assign": map[string]any{"v": "{% $exists($v) ? $v + 1 : 0 %}"},
			"Output": "{% $merge([$states.input, {'n': $count($states.input.list), 'id': $uuid() = '', 'v': $states.context.State.Name}]) %}"}
	case -2:
		return map[string]any{"Type": "Task", "QueryLanguage": "JSONata", "Resource": "arn:aws:states:::test:run", "Retry": retry,
			"Arguments": map[string]any{"fails": g.r.IntN(4), "list": "{% $states.input.list %}"}, "TimeoutSeconds": "{% 50 %}",
			"Output": "{% $merge([$states.input, {'task': $states.result}]) %}"}
	case 0:
		return map[string]any{"Type": "Pass", "ResultPath": "$.pass", "Parameters": map[string]any{"n.$": "States.ArrayLength($.list)", "at": g.n},
			"Assign": map[string]any{"v": g.n}}
	case 1:
		return map[string]any{"Type": "Wait", "Seconds": g.r.IntN(5)}
	case 2:
		return map[string]any{"Type": "Choice", "Choices": []any{map[string]any{"Variable": "$.coin", "NumericLessThan": g.r.IntN(10)}}}
	case 3, 4:
		return map[string]any{"Type": "Task", "Resource": "arn:aws:states:::test:run", "ResultPath": "$.task", "Retry": retry,
			"Parameters": map[string]any{"fails": g.r.IntN(4), "list.$": "$.list"}, "TimeoutSeconds": 50}
	case 5:
		branches := []any{}
		for range 1 + g.r.IntN(3) {
			branches = append(branches, g.machine(depth-1))
		}
		return map[string]any{"Type": "Parallel", "Branches": branches, "ResultPath": "$.branches", "Retry": retry,
			"ResultSelector": map[string]any{"first.$": "$[0].coin", "n.$": "States.ArrayLength($)"}}
	}
	return map[string]any{"Type": "Map", "ItemsPath": "$.list", "MaxConcurrency": g.r.IntN(3), "ResultPath": "$.mapped",
		"ItemSelector":  map[string]any{"coin.$": "$$.Map.Item.Index", "list": []int{1}, "item.$": "$$.Map.Item.Value"},
		"ItemProcessor": g.machine(depth - 1)}
}

// driver answers tasks so that attempt n fails while n is less than "fails".
type driver struct {
	at     time.Time
	groups [][]byte
	events []Event
}

func (d *driver) advance(x *Execution, in Input) error {
	for {
		step, err := x.Advance(in)
		if err != nil {
			return err
		}
		if step.Journal != nil {
			d.groups = append(d.groups, step.Journal)
		}
		d.events = append(d.events, step.Events...)
		if !step.More {
			return nil
		}
		in = Continue{d.at}
	}
}

func (d *driver) run(x *Execution) error {
	first := Input(Continue{d.at})
	if !x.Started() {
		first = Start{d.at}
	}
	if x.Result() == nil {
		if err := d.advance(x, first); err != nil {
			return err
		}
	}
	for x.Result() == nil || d.again(x) {
		var in Input
		if d.again(x) {
			in = Redrive{d.at}
		} else if tasks := x.Tasks(); len(tasks) > 0 {
			in = d.answer(tasks[len(tasks)-1])
		} else if w := x.Wake(); !w.IsZero() {
			d.at = w
			in = Wake{w}
		} else {
			return fmt.Errorf("the execution hangs")
		}
		if err := d.advance(x, in); err != nil {
			return err
		}
	}
	return nil
}

// again: an execution without success is redriven once.
func (d *driver) again(x *Execution) bool {
	return x.Result() != nil && x.Result().Status != Succeeded && x.Redrives() == 0
}

func (d *driver) answer(t Task) Input {
	var p struct{ Fails int }
	_ = json.Unmarshal(t.Parameters, &p)
	switch {
	case !t.Started:
		return TaskStarted{At: d.at, Task: t.ID}
	case !t.Submitted:
		return TaskSubmitted{At: d.at, Task: t.ID, Output: json.RawMessage(`{"handle":1}`)}
	case t.Attempt < p.Fails:
		return TaskFailed{At: d.at, Task: t.ID, Error: new("Flaky"), Cause: new("attempt")}
	}
	return TaskSucceeded{At: d.at, Task: t.ID, Output: t.Parameters}
}

// TestRestoreAnywhere cuts the journal after every group: what is restored
// must come to the same end.
func TestRestoreAnywhere(t *testing.T) {
	machines, cuts := 60, 0
	if testing.Short() {
		machines = 30
	}
	for seed := range machines {
		g := &generator{r: rand.New(rand.NewPCG(uint64(seed), 1))}
		text, _ := json.Marshal(g.machine(2))
		m, problems := Compile(string(text), Options{})
		if m == nil {
			if strings.Contains(fmt.Sprint(problems), "not reachable") {
				continue
			}
			t.Fatalf("seed %d: %v\n%s", seed, problems, text)
		}
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		info := recordedInfo(`{"coin":`+fmt.Sprint(seed%10)+`,"list":[1,"two",{"three":3}]}`, at)
		whole := &driver{at: at}
		x := New(m, info, Env{})
		if err := whole.run(x); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		wellFormed(t, seed, whole.events)
		for k := range whole.groups {
			restored, err := Restore(m, info, Env{}, whole.groups[:k+1])
			if err != nil {
				t.Fatalf("seed %d, group %d: %v", seed, k, err)
			}
			cuts++
			if restored.Result() == nil || restored.Redrives() == 0 {
				before := decodeAll(t, whole.groups[:k+1])
				again := &driver{at: before[len(before)-1].Time, events: before}
				if err := again.run(restored); err != nil {
					t.Fatalf("seed %d, group %d: %v\n%s", seed, k, err, text)
				}
				wellFormed(t, seed, again.events)
			}
			if got, want := outcome(restored), outcome(x); got != want {
				t.Fatalf("seed %d, cut after group %d: %s, want %s\n%s", seed, k, got, want, text)
			}
		}
	}
	t.Logf("%d machines, %d cuts", machines, cuts)
}

func decodeAll(t *testing.T, groups [][]byte) []Event {
	events, err := DecodeEvents(slices.Concat(groups...))
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func outcome(x *Execution) string {
	r := x.Result()
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	return fmt.Sprintf("%s %s %s %s", r.Status, r.Output, text(r.Error), text(r.Cause))
}

func wellFormed(t *testing.T, seed int, events []Event) {
	for i, e := range events {
		if e.ID != int64(i+1) || e.PreviousID >= e.ID || e.PreviousID < 0 {
			t.Fatalf("seed %d: event %d has id %d and follows %d", seed, i+1, e.ID, e.PreviousID)
		}
	}
}

// FuzzJournal restores damaged journals: an error, never a crash.
func FuzzJournal(f *testing.F) {
	m := mustCompile(f, pollMachine)
	info := recordedInfo(`{}`, benchTime)
	d := &driver{at: benchTime}
	if err := d.run(New(m, info, Env{})); err != nil {
		f.Fatal(err)
	}
	for k := range d.groups {
		f.Add(slices.Concat(d.groups[:k+1]...))
	}
	f.Fuzz(func(t *testing.T, journal []byte) {
		_, _ = DecodeEvents(journal)
		x, err := Restore(m, info, Env{}, [][]byte{journal})
		if err == nil && x.Result() == nil && x.Started() {
			_, _ = x.Advance(Continue{benchTime})
		}
	})
}
