package project

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stepwell/internal/awsapi/states"
	"stepwell/internal/diag"
)

// Mocks are the test cases of a mock configuration file.
type Mocks interface {
	// Machines are the names of the state machines that have test cases.
	Machines() []string
	// Cases are the names of a machine's test cases.
	Cases(machine string) []string
	// Check compares the test cases of a machine with its definition.
	Check(machine, definition string) diag.List
	// Unknown reports machines that are not among those given.
	Unknown(machines []string) diag.List
}

// CheckMocks compares the mock file with the pipeline, which is loaded. The
// diagnostics point into the mock file.
func (r *Runner) CheckMocks() (diag.List, error) {
	var names []string
	var found diag.List
	for _, m := range r.file.StateMachines {
		names = append(names, m.Name)
		text, err := os.ReadFile(filepath.Join(r.Dir, m.Definition))
		if err != nil {
			return nil, fmt.Errorf("cannot read the definition of %s: %w", m.Name, err)
		}
		found = append(found, r.Mocks.Check(m.Name, string(text))...)
	}
	return append(r.Mocks.Unknown(names), found...), nil
}

// pickCases makes every test case of the mock file a start, or those of Cases,
// where no start of the pipeline names one itself. A test case gets the input
// of the first start of its state machine.
func (r *Runner) pickCases() error {
	if r.Mocks == nil {
		if i := slices.IndexFunc(r.file.Start, func(s Start) bool { return s.TestCase != "" }); i >= 0 {
			return fmt.Errorf("test case %s needs a mock file: give --mock", r.file.Start[i].TestCase)
		}
		return nil
	}
	if slices.ContainsFunc(r.file.Start, func(s Start) bool { return s.TestCase != "" }) && len(r.Cases) == 0 {
		return nil
	}
	var starts []Start
	var known []string
	for _, machine := range r.Mocks.Machines() {
		var input map[string]any
		if i := slices.IndexFunc(r.file.Start, func(s Start) bool { return s.StateMachine == machine }); i >= 0 {
			input = r.file.Start[i].Input
		}
		for _, name := range r.Mocks.Cases(machine) {
			known = append(known, name)
			if len(r.Cases) == 0 || slices.Contains(r.Cases, name) {
				starts = append(starts, Start{StateMachine: machine, Input: input, TestCase: name})
			}
		}
	}
	for _, name := range r.Cases {
		if !slices.Contains(known, name) {
			if near := diag.Nearest(name, known); near != "" {
				return fmt.Errorf("the mock file has no test case %q: did you mean %q?", name, near)
			}
			return fmt.Errorf("the mock file has no test case %q, only %q", name, known)
		}
	}
	r.file.Start, r.file.Expect, r.file.Show = starts, nil, nil
	r.picked = true
	return nil
}

// testCases prints what the test cases came to; ErrUnmet where the mock file
// had no answer for a task.
func (r *Runner) testCases(ended []*states.DescribeExecutionOutput) error {
	if !r.picked {
		return nil
	}
	t := &Table{Columns: []string{"state machine", "test case", "status", "error"}}
	unmet := false
	for i, e := range ended {
		t.Rows = append(t.Rows, []string{r.file.Start[i].StateMachine, r.file.Start[i].TestCase, *e.Status, text(e.Error)})
		unmet = unmet || strings.HasPrefix(text(e.Cause), "The mock file has no response")
	}
	r.heading("Test cases")
	t.Print(r.Out)
	if unmet {
		return ErrUnmet
	}
	return nil
}
