package exec

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestRecordedRuns runs the recorded cases that try one machine on many inputs
// (choice operators, intrinsic functions) and compares what each came to.
func TestRecordedRuns(t *testing.T) {
	passed, total := 0, 0
	for _, c := range readCases(t, sharedDir(t)) {
		if c.Kind != "executions" || len(c.Needs) > 0 || c.Area != "choice" && c.Area != "intrinsic" {
			continue
		}
		wants := recordedOutputs(c)
		var definition string
		run := 0
		for _, s := range c.Steps {
			text := func(name string) (out string) { _ = json.Unmarshal(s.Args[name], &out); return out }
			if s.Call == "create_state_machine" {
				definition = text("definition")
			}
			if s.Call != "start_execution" || run >= len(wants) || strings.Contains(definition, "JSONata") {
				continue
			}
			want := wants[run]
			run++
			total++
			if got := outputOf(definition, text("input")); equalOutputs(want, got) {
				passed++
			} else {
				t.Errorf("%s: %s\ninput %s\ngot  %s\nwant %s", c.ID[strings.LastIndex(c.ID, "::")+2:], definition, text("input"), got, want)
			}
		}
	}
	t.Logf("%d/%d", passed, total)
}

// recordedOutputs are the outputs of the executions in order.
func recordedOutputs(c recordedCase) (list []json.RawMessage) {
	var pairs []struct{ Output json.RawMessage }
	if json.Unmarshal(c.Expect["cases"], &pairs) == nil {
		for _, p := range pairs {
			list = append(list, p.Output)
		}
		return list
	}
	for _, s := range c.Steps { // histories, in the order in which they were matched
		raw, ok := c.Expect[s.Match]
		var h struct {
			Events []struct {
				Details struct{ Output json.RawMessage } `json:"executionSucceededEventDetails"`
			}
		}
		if ok && json.Unmarshal(raw, &h) == nil && len(h.Events) > 0 {
			list = append(list, h.Events[len(h.Events)-1].Details.Output)
		}
	}
	return list
}

func outputOf(definition, input string) string {
	m, problems := Compile(definition, Options{})
	if m == nil {
		text, _ := json.Marshal(problems)
		return string(text)
	}
	at := time.Now()
	_, x, err := play(m, recordedInfo(input, at), at)
	if err != nil {
		return err.Error()
	}
	if r := x.Result(); r.Status == Succeeded {
		return string(r.Output)
	} else {
		return printResult(r)
	}
}

func equalOutputs(want json.RawMessage, got string) bool {
	if strings.Contains(string(want), "<") || strings.Contains(string(want), "generated-uuid") {
		return true // a placeholder
	}
	var w, g any
	if json.Unmarshal(want, &w) != nil || json.Unmarshal([]byte(got), &g) != nil {
		return false
	}
	if s, ok := w.(string); ok {
		if json.Unmarshal([]byte(s), &w) != nil {
			w = s
		}
	}
	return reflect.DeepEqual(w, g)
}
