package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const aslTestMachine = `{"StartAt": "A", "States": {
  "A": {"Type": "Pass", "Result": {"n": 1}, "Next": "B"},
  "B": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "C"}], "Default": "D"},
  "C": {"Type": "Parallel", "Branches": [{"StartAt": "I", "States": {"I": {"Type": "Pass", "End": true}}}], "End": true},
  "D": {"Type": "Fail", "Error": "Odd", "Cause": "not one"}}}`

// TestASLCommands runs the commands for definitions with a server of their own.
func TestASLCommands(t *testing.T) {
	data := t.TempDir()
	t.Setenv("STEPWELL_DATA_DIR", filepath.Join(data, "data"))
	t.Setenv("STEPWELL_CACHE_DIR", filepath.Join(data, "cache"))
	write := func(name, text string) string {
		file := filepath.Join(data, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	machine := write("machine.json", aslTestMachine)
	inYAML := write("machine.yaml", "StartAt: A\nStates:\n  A:\n    Type: Task\n    Resource: ${F}\n    TimeoutSeconds: ${N}\n    Next: b\n  B: {Type: Succeed}\n")
	broken := write("broken.json", strings.Replace(aslTestMachine, `"Next": "B"`, `"Next": "b2"`, 1))
	mock := write("mock.json", `{"StateMachines": {"m": {"TestCase": {}}}, "MockedResponses": {}}`)
	for _, c := range []struct {
		args   []string
		status int
		out    string // parts, in order
		errs   string
	}{
		{args: []string{"asl", "check", machine}, out: "no errors"},
		{args: []string{"asl", "check", broken, machine}, status: 1, out: "broken.json:2:53: error: Missing 'Next' target: b2|no errors"},
		{args: []string{"asl", "check", inYAML}, status: 1, out: "machine.yaml:7:11: error: Missing 'Next' target: b|did you mean \"B\"?"},
		{args: []string{"asl", "graph", inYAML, "--text"}, out: "■ A"},
		{args: []string{"asl", "check", filepath.Join(data, "none")}, status: 1, errs: "cannot read the definition"},
		{args: []string{"asl", "graph", machine}, out: "<svg|Choice: B|</svg>"},
		{args: []string{"asl", "graph", machine, "--text"}, out: "◆ B  (Choice)|$.n == 1 → C"},
		{args: []string{"asl", "graph", machine, "-o", filepath.Join(data, "m.svg")}},
		{args: []string{"asl", "graph", mock}, status: 1, errs: "is not a state machine definition"},
		{args: []string{"asl", "run", machine}, out: "  A|  C|SUCCEEDED after|\"n\": 1"},
		{args: []string{"asl", "run", machine, "--express"}, out: "SUCCEEDED after|\"n\": 1"},
		{args: []string{"asl", "run", machine, "--from", "B", "--input", `{"n": 2}`}, status: 1, out: "FAILED after|error: Odd|cause: not one"},
		{args: []string{"asl", "run", machine, "--state", "B", "--input", `{"n": 2}`}, out: "B SUCCEEDED|next state: D"},
		{args: []string{"asl", "run", machine, "--state", "C", "--input", `{"n": 3}`}, out: "SUCCEEDED|\"n\": 3"},
		{args: []string{"asl", "run", machine, "--state", "D"}, status: 1, out: "D FAILED|error: Odd"},
		{args: []string{"asl", "run", machine, "--state", "E"}, status: 1, errs: `has no state "E"`},
		{args: []string{"asl", "run", machine, "--input", "{"}, status: 2, errs: "not JSON"},
		{args: []string{"asl", "run", machine, "--state", "A", "--from", "B"}, status: 2, errs: "exclude"},
		{args: []string{"executions", "show"}, status: 1, errs: "there is no execution"},
		{args: []string{"asl", "run", machine, "--keep"}, out: "SUCCEEDED"},
		{args: []string{"executions", "show", "--output"}, out: ":execution:stepwell-run-|SUCCEEDED, started|  B|output"},
		{args: []string{"serve", "--mock", mock}, status: 1, errs: `unknown field "TestCase"|did you mean "TestCases"`},
		{args: []string{"run", data, "--case", "x"}, status: 1, errs: "cannot read the pipeline"},
	} {
		status, out, errs := run(t, "", c.args...)
		if status != c.status {
			t.Errorf("%q: status %d, %s%s", c.args, status, out, errs)
		}
		for _, part := range []struct{ text, want string }{{out, c.out}, {errs, c.errs}} {
			for want := range strings.SplitSeq(part.want, "|") {
				_, rest, found := strings.Cut(part.text, want)
				if part.text = rest; !found {
					t.Errorf("%q: no %q in\n%s%s", c.args, want, out, errs)
				}
			}
		}
	}
	if text, err := os.ReadFile(filepath.Join(data, "m.svg")); err != nil || !strings.HasPrefix(string(text), "<svg") {
		t.Errorf("the drawing is %.40q, %v", text, err)
	}
}
