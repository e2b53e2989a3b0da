package project

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepwell/internal/awsapi/states"
	"stepwell/internal/diag"
)

// fewMocks are test cases of the machines m and n.
type fewMocks struct{}

func (fewMocks) Machines() []string { return []string{"m", "n"} }

func (fewMocks) Cases(machine string) []string { return []string{machine + "-happy", machine + "-sad"} }

func (fewMocks) Check(machine, definition string) diag.List {
	return diag.List{{Text: machine + " has " + definition}}
}

func (fewMocks) Unknown(machines []string) diag.List {
	return diag.List{{Text: fmt.Sprint("known ", machines)}}
}

func TestTestCases(t *testing.T) {
	input := map[string]any{"a": 1}
	plain := []Start{{StateMachine: "n"}, {StateMachine: "m", Input: input}}
	for _, c := range []struct {
		name   string
		mocks  Mocks
		start  []Start
		cases  []string
		want   string // state machine, test case and input of each start
		expect int    // expectations that are left
		fault  string
	}{
		{name: "no mock file", start: plain, want: "n  map[], m  map[a:1]", expect: 1},
		{name: "a test case without a mock file", start: []Start{{StateMachine: "m", TestCase: "m-sad"}}, fault: "needs a mock file"},
		{name: "all test cases", mocks: fewMocks{}, start: plain, want: "m m-happy map[a:1], m m-sad map[a:1], n n-happy map[], n n-sad map[]"},
		{name: "some", mocks: fewMocks{}, start: plain, cases: []string{"n-sad", "m-happy"}, want: "m m-happy map[a:1], n n-sad map[]"},
		{name: "one that is not there", mocks: fewMocks{}, cases: []string{"m-hapy"}, fault: `did you mean "m-happy"?`},
		{name: "one that is far from all", mocks: fewMocks{}, cases: []string{"zzzzzz"}, fault: `only ["m-happy"`},
		{name: "those of the starts", mocks: fewMocks{}, start: []Start{{StateMachine: "m", TestCase: "m-sad"}}, want: "m m-sad map[]", expect: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Runner{Mocks: c.mocks, Cases: c.cases, file: &File{Start: c.start, Expect: []Expectation{{Execution: "SUCCEEDED"}}}}
			err := r.pickCases()
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) {
					t.Errorf("error %v, want %q", err, c.fault)
				}
				return
			}
			var starts []string
			for _, s := range r.file.Start {
				starts = append(starts, fmt.Sprint(s.StateMachine, " ", s.TestCase, " ", s.Input))
			}
			if got := strings.Join(starts, ", "); err != nil || got != c.want || len(r.file.Expect) != c.expect {
				t.Errorf("starts %s, %d expectations, %v", got, len(r.file.Expect), err)
			}
		})
	}
}

func TestTestCaseTable(t *testing.T) {
	ended := []*states.DescribeExecutionOutput{
		{Status: new("SUCCEEDED")},
		{Status: new("FAILED"), Error: new("States.Runtime"), Cause: new("The mock file has no response for invocation 1 of state 'A'")},
	}
	for n, unmet := range map[int]bool{1: false, 2: true} {
		var out bytes.Buffer
		r := &Runner{Out: &out, picked: true, file: &File{Start: []Start{{StateMachine: "m", TestCase: "one"}, {StateMachine: "m", TestCase: "two"}}}}
		if err := r.testCases(ended[:n]); errors.Is(err, ErrUnmet) != unmet {
			t.Errorf("%d executions: %v", n, err)
		}
		if !strings.Contains(out.String(), "one       | SUCCEEDED") {
			t.Errorf("the table is\n%s", out.String())
		}
	}
}

func TestCheckMocks(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "m.json"), []byte("DEFINITION"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Runner{Dir: dir, Mocks: fewMocks{}, file: &File{StateMachines: []StateMachine{{Name: "m", Definition: "m.json"}}}}
	found, err := r.CheckMocks()
	if err != nil || found.Error() != "known [m]; m has DEFINITION" {
		t.Errorf("found %v, %v", found, err)
	}
	r.file.StateMachines[0].Definition = "none.json"
	if _, err := r.CheckMocks(); err == nil {
		t.Error("a definition that cannot be read is no error")
	}
}
