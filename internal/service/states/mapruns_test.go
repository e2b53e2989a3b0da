package states

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"stepwell/internal/clock"
)

// distributed is a machine with a Distributed Map whose children wait and have an effect.
var distributed = `{"Name": "m", "RoleArn": "arn:aws:iam::123456789012:role/r", "Definition": ` + strconv.Quote(
	`{"StartAt": "D", "States": {"D": {"Type": "Map", "ItemsPath": "$", "MaxConcurrency": 2, "Label": "Lab", "ItemProcessor": {`+
		`"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "W", "States": {`+
		`"W": {"Type": "Wait", "Seconds": 1, "Next": "S"},`+
		`"S": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:redshiftdata:executeStatement",`+
		`"Parameters": {"Sql.$": "States.Format('insert {}', $)", "Database": "dev"}, "ResultPath": null, "End": true}}}, "End": true}}}`) + `}`

// TestMapRunOperations looks at an ended Map run and its children.
func TestMapRunOperations(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), clock.New(0), newNeighbours())
	defer w.close()
	machine := w.must("CreateStateMachine", distributed)["StateMachineArn"].(string)
	arn := w.must("StartExecution", `{"StateMachineArn": "`+machine+`", "Input": "[1, 2, 3]"}`)["ExecutionArn"].(string)
	if e := w.await(arn); e["Output"] != "[1,2,3]" {
		t.Fatalf("got %v", e)
	}
	run := w.must("ListMapRuns", `{"ExecutionArn": "`+arn+`"}`)["MapRuns"].([]any)[0].(map[string]any)["MapRunArn"].(string)
	d := w.must("DescribeMapRun", `{"MapRunArn": "`+run+`"}`)
	counts := d["ExecutionCounts"].(map[string]any)
	if d["Status"] != "SUCCEEDED" || d["MaxConcurrency"] != 2.0 || counts["Total"] != 3.0 || counts["Succeeded"] != 3.0 || counts["Running"] != 0.0 {
		t.Errorf("map run: %v", d)
	}
	children := w.must("ListExecutions", `{"MapRunArn": "`+run+`"}`)["Executions"].([]any)
	if len(children) != 3 {
		t.Fatalf("children: %v", children)
	}
	child := children[0].(map[string]any)["ExecutionArn"].(string)
	c := w.must("DescribeExecution", `{"ExecutionArn": "`+child+`"}`)
	if c["MapRunArn"] != run || c["StateMachineArn"] != machine+"/Lab" || c["Status"] != "SUCCEEDED" {
		t.Errorf("child: %v", c)
	}
	if h := w.history(child); !strings.HasPrefix(h, "1 0 ExecutionStarted") || !strings.Contains(h, "ExecutionSucceeded") {
		t.Errorf("child's history:\n%s", h)
	}
	p := w.must("DescribeStateMachineForExecution", `{"ExecutionArn": "`+child+`"}`)
	if p["MapRunArn"] != run || p["Label"] != "Lab" || !strings.HasPrefix(p["Definition"].(string), `{"ProcessorConfig"`) {
		t.Errorf("child's machine: %v", p)
	}
	if _, err := w.call("states", "UpdateMapRun", `{"MapRunArn": "`+run+`", "MaxConcurrency": 5}`); err == nil {
		t.Error("an ended map run is updated")
	}
	w.must("DeleteStateMachine", `{"StateMachineArn": "`+machine+`"}`)
	if _, err := w.call("states", "DescribeExecution", `{"ExecutionArn": "`+child+`"}`); err == nil {
		t.Error("a child outlives its state machine")
	}
}

// TestMapRunResumes stops the server in the middle of a Map run, several times:
// no child runs twice, none is lost, and UpdateMapRun holds over a restart.
func TestMapRunResumes(t *testing.T) {
	file, others := filepath.Join(t.TempDir(), "s.db"), newNeighbours()
	manual := clock.NewManual(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	w := newWorld(t, file, manual, others)
	machine := w.must("CreateStateMachine", distributed)["StateMachineArn"].(string)
	arn := w.must("StartExecution", `{"StateMachineArn": "`+machine+`", "Input": "[1, 2, 3, 4, 5]"}`)["ExecutionArn"].(string)
	running := func(run string) int {
		return len(w.must("ListExecutions", `{"MapRunArn": "`+run+`", "StatusFilter": "RUNNING"}`)["Executions"].([]any))
	}
	until := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s does not come\n%s", what, w.history(arn))
			}
		}
	}
	var run string
	until("map run", func() bool {
		runs := w.must("ListMapRuns", `{"ExecutionArn": "`+arn+`"}`)["MapRuns"].([]any)
		if len(runs) == 1 {
			run = runs[0].(map[string]any)["MapRunArn"].(string)
		}
		return len(runs) == 1
	})
	until("children", func() bool { return running(run) == 2 })
	w.must("UpdateMapRun", `{"MapRunArn": "`+run+`", "MaxConcurrency": 3}`)
	for i := range 20 {
		w.close()
		w = newWorld(t, file, manual, others)
		if w.must("DescribeExecution", `{"ExecutionArn": "`+arn+`"}`)["Status"] != "RUNNING" {
			break
		}
		if i == 0 {
			until("more children", func() bool { return running(run) == 3 })
		}
		done := len(others.taken())
		until("progress", func() bool {
			manual.Advance(time.Second)
			return len(others.taken()) > done || w.must("DescribeExecution", `{"ExecutionArn": "`+arn+`"}`)["Status"] != "RUNNING"
		})
	}
	defer w.close()
	if e := w.await(arn); e["Output"] != "[1,2,3,4,5]" {
		t.Fatalf("got %v", e)
	}
	seen := map[string]int{}
	for _, effect := range others.taken() {
		seen[effect]++
	}
	for i := 1; i <= 5; i++ {
		if effect := fmt.Sprintf("sql insert %d", i); seen[effect] != 1 {
			t.Errorf("%s: %d times", effect, seen[effect])
		}
	}
}
