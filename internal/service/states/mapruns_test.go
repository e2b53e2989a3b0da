package states

import (
	"fmt"
	"maps"
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
	if c := w.must("DescribeMapRun", `{"MapRunArn": "`+run+`"}`)["ExecutionCounts"].(map[string]any); c["Running"] != 2.0 || c["Total"] != 2.0 {
		t.Errorf("counts of a map run that goes on: %v", c)
	}
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

// redrivable is a machine whose children fail for items of 2 and more until they are redriven.
func redrivable(kind string) string {
	return `{"Name": "m", "RoleArn": "arn:aws:iam::123456789012:role/r", "Definition": ` + strconv.Quote(
		`{"StartAt": "D", "States": {"D": {"Type": "Map", "ItemsPath": "$", "MaxConcurrency": 1, "ToleratedFailureCount": 1, "Label": "Lab", "ItemProcessor": {`+
			`"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "`+kind+`"}, "StartAt": "S", "States": {`+
			`"S": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:redshiftdata:executeStatement",`+
			`"Parameters": {"Sql.$": "States.Format('insert {}', $)", "Database": "dev"}, "ResultPath": null, "Next": "C"},`+
			`"C": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericLessThan": 2, "Next": "P"},`+
			`{"And": [{"Variable": "$$.Execution.RedriveCount", "IsPresent": true}, {"Variable": "$$.Execution.RedriveCount", "NumericGreaterThan": 0}], "Next": "P"}]},`+
			`"P": {"Type": "Pass", "End": true}}}, "End": true}}}`) + `}`
}

// TestMapRunRedrive redrives a Map run: children that failed go on where they
// failed, those that did not begin begin, those that succeeded are kept.
func TestMapRunRedrive(t *testing.T) {
	others := newNeighbours()
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), clock.New(0), others)
	defer w.close()
	machine := w.must("CreateStateMachine", redrivable("STANDARD"))["StateMachineArn"].(string)
	arn := w.must("StartExecution", `{"StateMachineArn": "`+machine+`", "Input": "[1, 2, 3, 4, 1]"}`)["ExecutionArn"].(string)
	if e := w.await(arn); e["Status"] != "FAILED" || e["Error"] != "States.ExceedToleratedFailureThreshold" {
		t.Fatalf("got %v", e)
	}
	run := w.must("ListMapRuns", `{"ExecutionArn": "`+arn+`"}`)["MapRuns"].([]any)[0].(map[string]any)["MapRunArn"].(string)
	counts := func() string {
		d := w.must("DescribeMapRun", `{"MapRunArn": "`+run+`"}`)
		c := d["ExecutionCounts"].(map[string]any)
		return fmt.Sprint(d["Status"], " ", d["RedriveCount"], " ", c["Total"], " ", c["Succeeded"], " ", c["Failed"], " ", c["Pending"])
	}
	if got := counts(); got != "FAILED <nil> 5 1 2 2" && got != "FAILED 0 5 1 2 2" {
		t.Errorf("map run: %s", got)
	}
	children := func() map[string]string {
		all := map[string]string{}
		for _, c := range w.must("ListExecutions", `{"MapRunArn": "`+run+`"}`)["Executions"].([]any) {
			child := c.(map[string]any)["ExecutionArn"].(string)
			d := w.must("DescribeExecution", `{"ExecutionArn": "`+child+`"}`)
			all[child] = fmt.Sprint(d["Input"], " ", d["Status"], " ", d["RedriveStatus"], " ", d["RedriveCount"])
		}
		return all
	}
	failed := ""
	for child, state := range children() {
		if strings.HasPrefix(state, "2 FAILED") {
			failed = child
			if state != "2 FAILED REDRIVABLE_BY_MAP_RUN 0" {
				t.Errorf("child: %s", state)
			}
		}
	}
	if _, err := w.call("states", "RedriveExecution", `{"ExecutionArn": "`+failed+`"}`); err == nil || code(err) != "ExecutionNotRedrivable" {
		t.Errorf("a child is redriven alone: %v", err)
	}
	w.must("RedriveExecution", `{"ExecutionArn": "`+arn+`"}`)
	if e := w.await(arn); e["Output"] != "[1,2,3,1]" { // 4 fails for the first time, and is tolerated
		t.Fatalf("got %v", e)
	}
	if got := counts(); got != "SUCCEEDED 1 5 4 1 0" {
		t.Errorf("map run: %s", got)
	}
	if h := w.history(arn); strings.Count(h, "MapRunRedriven") != 1 || strings.Count(h, "MapRunStarted") != 1 {
		t.Errorf("history:\n%s", h)
	}
	states := map[string]int{}
	for child, state := range children() {
		states[state]++
		h := w.history(child)
		if redriven := strings.HasSuffix(state, " 1"); redriven != strings.Contains(h, "ExecutionRedriven") || strings.Count(h, "TaskScheduled") != 1 {
			t.Errorf("child %s:\n%s", state, h)
		}
	}
	want := map[string]int{"1 SUCCEEDED NOT_REDRIVABLE 0": 2, "2 SUCCEEDED NOT_REDRIVABLE 1": 1, "3 SUCCEEDED NOT_REDRIVABLE 1": 1, "4 FAILED REDRIVABLE_BY_MAP_RUN 0": 1}
	if !maps.Equal(states, want) {
		t.Errorf("children: %v", states)
	}
}

// TestMapRunAborted stops an execution with a Map run under way: the Map run
// ends, and a redrive goes on with it.
func TestMapRunAborted(t *testing.T) {
	others := newNeighbours()
	manual := clock.NewManual(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), manual, others)
	defer w.close()
	machine := w.must("CreateStateMachine", distributed)["StateMachineArn"].(string)
	arn := w.must("StartExecution", `{"StateMachineArn": "`+machine+`", "Input": "[1, 2, 3]"}`)["ExecutionArn"].(string)
	var run map[string]any
	until := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s does not come: %v", what, run)
			}
		}
	}
	describe := func() map[string]any {
		runs := w.must("ListMapRuns", `{"ExecutionArn": "`+arn+`"}`)["MapRuns"].([]any)
		if len(runs) == 0 {
			return nil
		}
		run = w.must("DescribeMapRun", `{"MapRunArn": "`+runs[0].(map[string]any)["MapRunArn"].(string)+`"}`)
		return run
	}
	until("map run", func() bool { return describe() != nil })
	until("children", func() bool {
		return len(w.must("ListExecutions", `{"MapRunArn": "`+run["MapRunArn"].(string)+`", "StatusFilter": "RUNNING"}`)["Executions"].([]any)) == 2
	})
	w.must("StopExecution", `{"ExecutionArn": "`+arn+`"}`)
	until("end of the map run", func() bool { return describe()["Status"] == "ABORTED" })
	if c := run["ExecutionCounts"].(map[string]any); c["Aborted"] != 2.0 || c["Pending"] != 1.0 || c["Total"] != 3.0 {
		t.Errorf("map run: %v", run)
	}
	w.must("RedriveExecution", `{"ExecutionArn": "`+arn+`"}`)
	until("end", func() bool {
		manual.Advance(time.Second)
		return w.must("DescribeExecution", `{"ExecutionArn": "`+arn+`"}`)["Status"] == "SUCCEEDED"
	})
	if e := w.await(arn); e["Output"] != "[1,2,3]" {
		t.Errorf("got %v", e)
	}
	if describe(); run["RedriveCount"] != 1.0 || run["Status"] != "SUCCEEDED" {
		t.Errorf("map run: %v", run)
	}
}

// TestMapRunRedriveResumes stops the server again and again while a Map run
// that was redriven goes on: no child runs twice, and the redrive counts once.
func TestMapRunRedriveResumes(t *testing.T) {
	for _, kind := range []string{"STANDARD", "EXPRESS"} {
		t.Run(kind, func(t *testing.T) {
			file, others := filepath.Join(t.TempDir(), "s.db"), newNeighbours()
			manual := clock.NewManual(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
			w := newWorld(t, file, manual, others)
			defer func() { w.close() }()
			machine := w.must("CreateStateMachine", strings.Replace(distributed, "STANDARD", kind, 1))["StateMachineArn"].(string)
			arn := w.must("StartExecution", `{"StateMachineArn": "`+machine+`", "Input": "[1, 2, 3, 4, 5]"}`)["ExecutionArn"].(string)
			status := func() any { return w.must("DescribeExecution", `{"ExecutionArn": "`+arn+`"}`)["Status"] }
			until := func(what string, ok func() bool) {
				t.Helper()
				for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatalf("%s does not come\n%s", what, w.history(arn))
					}
				}
			}
			until("first effects", func() bool { manual.Advance(10 * time.Millisecond); return len(others.taken()) >= 2 })
			run := w.must("ListMapRuns", `{"ExecutionArn": "`+arn+`"}`)["MapRuns"].([]any)[0].(map[string]any)["MapRunArn"].(string)
			w.must("StopExecution", `{"ExecutionArn": "`+arn+`"}`)
			until("end of the map run", func() bool { return w.must("DescribeMapRun", `{"MapRunArn": "`+run+`"}`)["Status"] == "ABORTED" })
			w.close()
			w = newWorld(t, file, manual, others)
			before := len(others.taken()) // a task that is aborted runs again
			w.must("RedriveExecution", `{"ExecutionArn": "`+arn+`"}`)
			for range 20 {
				done := len(others.taken())
				until("progress", func() bool { manual.Advance(time.Second); return len(others.taken()) > done || status() != "RUNNING" })
				w.close()
				w = newWorld(t, file, manual, others)
				if status() != "RUNNING" {
					break
				}
			}
			until("end", func() bool { manual.Advance(time.Second); return status() != "RUNNING" })
			if e := w.await(arn); e["Output"] != "[1,2,3,4,5]" {
				t.Fatalf("got %v", e)
			}
			if d := w.must("DescribeMapRun", `{"MapRunArn": "`+run+`"}`); d["RedriveCount"] != 1.0 || d["Status"] != "SUCCEEDED" {
				t.Errorf("map run: %v", d)
			}
			if h := w.history(arn); strings.Count(h, "MapRunRedriven") != 1 || strings.Count(h, "ExecutionRedriven") != 1 {
				t.Errorf("history:\n%s", h)
			}
			seen := map[string]int{}
			for _, effect := range others.taken()[before:] {
				if seen[effect]++; seen[effect] > 1 && kind == "STANDARD" { // Express children run at least once
					t.Errorf("%s: %d times", effect, seen[effect])
				}
			}
		})
	}
}
