package states

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"stepwell/internal/asl/exec"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// startWide starts the machine distributed and waits until two children run.
func startWide(w *world, until func(string, func() bool)) (execution, run string) {
	machine := w.must("CreateStateMachine", distributed)["StateMachineArn"].(string)
	execution = w.must("StartExecution", `{"StateMachineArn": "`+machine+`", "Input": "[1, 2, 3, 4, 5]"}`)["ExecutionArn"].(string)
	until("children", func() bool {
		runs := w.must("ListMapRuns", `{"ExecutionArn": "`+execution+`"}`)["MapRuns"].([]any)
		if len(runs) == 1 {
			run = runs[0].(map[string]any)["MapRunArn"].(string)
		}
		return len(runs) == 1 && len(w.children(run)) == 2
	})
	return execution, run
}

// children are the statuses of a Map run's children.
func (w *world) children(run string) (statuses []string) {
	for _, e := range w.must("ListExecutions", `{"MapRunArn": "`+run+`"}`)["Executions"].([]any) {
		statuses = append(statuses, e.(map[string]any)["Status"].(string))
	}
	return statuses
}

func eventually(t *testing.T) func(what string, ok func() bool) {
	return func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: does not come", what)
			}
		}
	}
}

// TestMapRunLeavesNoChild: a Map run that is stopped before it came again to a
// child that an earlier server left running ends that child.
func TestMapRunLeavesNoChild(t *testing.T) {
	file, others, until := filepath.Join(t.TempDir(), "s.db"), newNeighbours(), eventually(t)
	manual := clock.NewManual(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	w := newWorld(t, file, manual, others)
	execution, run := startWide(w, until)
	w.must("UpdateMapRun", `{"MapRunArn": "`+run+`", "MaxConcurrency": 1}`)
	w.close()
	w = newWorld(t, file, manual, others)
	defer w.close()
	count := func(name string) float64 {
		return w.must("DescribeMapRun", `{"MapRunArn": "`+run+`"}`)["ExecutionCounts"].(map[string]any)[name].(float64)
	}
	until("a child", func() bool { return count("Running") == 1 })
	w.must("StopExecution", `{"ExecutionArn": "`+execution+`"}`)
	until("the end", func() bool { return w.must("DescribeMapRun", `{"MapRunArn": "`+run+`"}`)["Status"] == "ABORTED" })
	if got := w.children(run); len(got) != 2 || got[0] != "ABORTED" || got[1] != "ABORTED" {
		t.Errorf("children: %v", got)
	}
	if count("Aborted") != 2 || count("Pending") != 3 || count("Total") != 5 || count("Running") != 0 {
		t.Errorf("counts: %v", w.must("DescribeMapRun", `{"MapRunArn": "`+run+`"}`))
	}
}

// TestOrphanedMapRun: a server that died after an execution had given up a Map run,
// say because a parallel branch failed, left it and its children running.
func TestOrphanedMapRun(t *testing.T) {
	file, others, until := filepath.Join(t.TempDir(), "s.db"), newNeighbours(), eventually(t)
	manual := clock.NewManual(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	w := newWorld(t, file, manual, others)
	arn, run := startWide(w, until)
	w.close()
	st, err := store.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	var left string
	err = st.Update(context.Background(), func(tx *store.Tx) error {
		all, err := mapRuns.List(tx)
		if err != nil {
			return err
		}
		r := all[0]
		info := exec.Info{StateMachineID: r.MachineARN, StateMachineName: r.Machine}
		r.ID = "left"
		r.ARN = exec.MapRunARN(info, r.Label, r.ID)
		left = r.ARN
		r.Children = exec.Counts{Running: 1, Total: 1}
		child := execution{Account: r.Account, Region: r.Region, Machine: r.Machine + "/" + r.Label, Name: "c", MapRunARN: &r.ARN, Parent: r.Execution,
			ARN: fmt.Sprintf("%s/%s:c", arn, r.Label), MachineARN: r.MachineARN + "/" + r.Label, Order: "x", Status: "RUNNING"}
		if err := mapRuns.Put(tx, r, r.key()...); err != nil {
			return err
		}
		if err := mapRunNames.Put(tx, r.ExecutionName, r.nameKey()...); err != nil {
			return err
		}
		if err := byTime.Put(tx, child.Name, child.timeKey()...); err != nil {
			return err
		}
		return running.Put(tx, child, child.key()...)
	})
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, file, manual, others)
	defer w.close()
	d := w.must("DescribeMapRun", `{"MapRunArn": "`+left+`"}`)
	if c := d["ExecutionCounts"].(map[string]any); d["Status"] != "ABORTED" || c["Aborted"] != 1.0 || c["Running"] != 0.0 {
		t.Errorf("the Map run that was given up: %v", d)
	}
	if got := w.children(left); len(got) != 1 || got[0] != "ABORTED" {
		t.Errorf("its children: %v", got)
	}
	if d := w.must("DescribeMapRun", `{"MapRunArn": "`+run+`"}`); d["Status"] != "RUNNING" {
		t.Errorf("the Map run that goes on: %v", d)
	}
}
