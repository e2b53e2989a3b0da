package states

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"stepwell/internal/clock"
)

// failing is a machine whose children fail, unless their item is ok, until they are
// redriven, and then wait for as many seconds as the item says.
func failing(kind string, concurrency int, tolerated string) string {
	return `{"Name": "m", "RoleArn": "arn:aws:iam::123456789012:role/r", "Definition": ` + strconv.Quote(
		`{"StartAt": "D", "States": {"D": {"Type": "Map", "ItemsPath": "$", "MaxConcurrency": `+fmt.Sprint(concurrency)+`, `+tolerated+
			`, "Label": "Lab", "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "`+kind+`"}, "StartAt": "C", "States": {`+
			`"C": {"Type": "Choice", "Choices": [{"Variable": "$.ok", "BooleanEquals": true, "Next": "W"},`+
			`{"And": [{"Variable": "$$.Execution.RedriveCount", "IsPresent": true}, {"Variable": "$$.Execution.RedriveCount", "NumericGreaterThan": 0}], "Next": "W"}]},`+
			`"W": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "P"}, "P": {"Type": "Pass", "End": true}}}, "End": true}}}`) + `}`
}

// TestMapRunCounts looks at DescribeMapRun's counts before, during and after redrives.
func TestMapRunCounts(t *testing.T) {
	const ok, bad = `{"ok": true, "wait": 1}`, `{"ok": false, "wait": 1}`
	day := 24 * time.Hour
	for _, c := range []struct {
		name, tolerated, input string
		concurrency            int
		steps                  []string // an action, then total succeeded failed aborted pending running pendingRedrive notRedrivable
		kind                   string
	}{
		{"redriven", `"ToleratedFailureCount": 2`, ok + "," + bad + "," + bad + "," + bad, 1, []string{
			"end", "FAILED 4 1 3 0 0 0 0 0", "redrive", "RUNNING 4 1 0 0 0 1 2 0", "end", "SUCCEEDED 4 4 0 0 0 0 0 0"}, ""},
		{"stopped while redriven", `"ToleratedFailureCount": 2`, ok + "," + bad + "," + bad + "," + bad, 1, []string{
			"end", "FAILED 4 1 3 0 0 0 0 0", "redrive", "RUNNING 4 1 0 0 0 1 2 0", "stop", "ABORTED 4 1 2 1 0 0 0 0",
			"redrive", "RUNNING 4 1 0 0 0 1 2 0", "end", "SUCCEEDED 4 4 0 0 0 0 0 0"}, ""},
		{"with some that did not begin", `"ToleratedFailureCount": 0`, ok + "," + bad + "," + ok + "," + ok, 1, []string{
			"end", "FAILED 4 1 1 0 2 0 0 0", "redrive", "RUNNING 4 1 0 0 2 1 0 0", "end", "SUCCEEDED 4 4 0 0 0 0 0 0"}, ""},
		{"too late", `"ToleratedFailureCount": 1`, bad + `,{"ok": true, "wait": 864000},` + bad, 1, []string{
			"days", "FAILED 3 1 2 0 0 0 0 0", "later", "FAILED 3 1 2 0 0 0 0 0", "redrive", "RUNNING 3 1 1 0 0 1 0 1", "end", "SUCCEEDED 3 2 1 0 0 0 0 1"}, ""},
		{"Express", `"ToleratedFailurePercentage": 10`, ok + "," + ok + "," + ok, 1, []string{
			"start", "RUNNING 1 0 0 0 0 1 0 0", "stop", "ABORTED 3 0 0 1 2 0 0 0", "redrive", "RUNNING 3 0 0 0 2 1 0 0", "a second", "RUNNING 3 1 0 0 1 1 0 0",
			"stop", "ABORTED 3 1 0 1 1 0 0 0", "redrive", "RUNNING 3 1 0 0 1 1 0 0", "end", "SUCCEEDED 3 3 0 0 0 0 0 0"}, "EXPRESS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			manual := clock.NewManual(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
			w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), manual, newNeighbours())
			defer w.close()
			machine := w.must("CreateStateMachine", failing(cmp.Or(c.kind, "STANDARD"), c.concurrency, c.tolerated))["StateMachineArn"].(string)
			arn := w.must("StartExecution", `{"StateMachineArn": "`+machine+`", "Input": `+strconv.Quote("["+c.input+"]")+`}`)["ExecutionArn"].(string)
			run := ""
			counts := func() string {
				runs := w.must("ListMapRuns", `{"ExecutionArn": "`+arn+`"}`)["MapRuns"].([]any)
				if len(runs) == 0 {
					return ""
				}
				run = runs[0].(map[string]any)["MapRunArn"].(string)
				d := w.must("DescribeMapRun", `{"MapRunArn": "`+run+`"}`)
				text := []string{d["Status"].(string)}
				for _, name := range strings.Fields("Total Succeeded Failed Aborted Pending Running PendingRedrive FailuresNotRedrivable") {
					n := d["ExecutionCounts"].(map[string]any)[name]
					if items := d["ItemCounts"].(map[string]any)[name]; n != items {
						t.Errorf("%s: %v children, %v items", name, n, items)
					}
					text = append(text, fmt.Sprint(n))
				}
				return strings.Join(text, " ")
			}
			for i := 0; i < len(c.steps); i += 2 {
				action, want := c.steps[i], c.steps[i+1]
				switch action {
				case "redrive":
					w.must("RedriveExecution", `{"ExecutionArn": "`+arn+`"}`)
				case "stop":
					w.must("StopExecution", `{"ExecutionArn": "`+arn+`"}`)
				case "later":
					manual.Advance(6 * day)
				}
				got := counts()
				over := func() bool { // all runs, or nothing
					if !strings.HasPrefix(want, "RUNNING") {
						return w.must("DescribeExecution", `{"ExecutionArn": "`+arn+`"}`)["Status"] != "RUNNING"
					}
					running := w.must("ListExecutions", `{"MapRunArn": "`+run+`", "StatusFilter": "RUNNING"}`)["Executions"].([]any)
					return c.kind == "EXPRESS" || strings.Fields(want)[6] == fmt.Sprint(len(running))
				}
				for deadline := time.Now().Add(10 * time.Second); (got != want || !over()) && time.Now().Before(deadline); got = counts() {
					switch time.Sleep(time.Millisecond); action {
					case "end":
						manual.Advance(time.Second)
					case "days":
						if strings.HasPrefix(got, "RUNNING") {
							manual.Advance(time.Hour)
						}
					case "a second":
						manual.Advance(10 * time.Millisecond)
					}
				}
				if got != want {
					t.Fatalf("%s: %s\nwant %s\n%s", action, got, want, w.history(arn))
				}
			}
		})
	}
}

// TestItemCounts lists children of batches with how many items each has.
func TestItemCounts(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), clock.New(0), newNeighbours())
	defer w.close()
	machine := w.must("CreateStateMachine", `{"Name": "m", "RoleArn": "arn:aws:iam::123456789012:role/r", "Definition": `+strconv.Quote(
		`{"StartAt": "M", "States": {"M": {"Type": "Map", "MaxConcurrency": 1, "ItemBatcher": {"MaxItemsPerBatch": 2}, "ItemProcessor": {"ProcessorConfig":
		{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}, "End": true}}}`)+`}`)["StateMachineArn"].(string)
	arn := w.must("StartExecution", `{"StateMachineArn": "`+machine+`", "Input": "[1, 2, 3, 4, 5]"}`)["ExecutionArn"].(string)
	w.await(arn)
	run := w.must("ListMapRuns", `{"ExecutionArn": "`+arn+`"}`)["MapRuns"].([]any)[0].(map[string]any)["MapRunArn"].(string)
	counts := []any{} // the newest child first
	for _, e := range w.must("ListExecutions", `{"MapRunArn": "`+run+`"}`)["Executions"].([]any) {
		counts = append(counts, e.(map[string]any)["ItemCount"])
	}
	if got := fmt.Sprint(counts); got != "[1 2 2]" {
		t.Error(got)
	}
	if e := w.must("ListExecutions", `{"StateMachineArn": "`+machine+`"}`)["Executions"].([]any)[0].(map[string]any); e["ItemCount"] != nil {
		t.Error(e)
	}
}
