package states

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	api "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
)

const passOnce = `{"Name": "m", "Definition": "{\"StartAt\": \"P\", \"States\": {\"P\": {\"Type\": \"Pass\", \"End\": true}}}", "RoleArn": "arn:aws:iam::123456789012:role/r"}`

// TestPaging reads lists page by page.
func TestPaging(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), clock.New(1), newNeighbours())
	defer w.close()
	w.must("CreateStateMachine", passOnce)
	var started []string
	for i := range 7 {
		name := fmt.Sprintf("e%d", (i*3)%7) // the order is that of time, not of names
		w.await(w.must("StartExecution", `{"StateMachineArn": "`+benchMachine+`", "Name": "`+name+`"}`)["ExecutionArn"].(string))
		started = append(started, name)
	}
	slices.Reverse(started)
	executions := w.pages("ListExecutions", `"StateMachineArn": "`+benchMachine+`", "MaxResults": 3`, "Executions", "Name")
	if want := fmt.Sprint([][]string{started[:3], started[3:6], started[6:]}); fmt.Sprint(executions) != want {
		t.Errorf("executions %v, want %v", executions, want)
	}
	if got := w.pages("ListExecutions", `"StateMachineArn": "`+benchMachine+`", "StatusFilter": "FAILED"`, "Executions", "Name"); len(got) != 1 || len(got[0]) != 0 {
		t.Errorf("failed executions %v, want none", got)
	}
	arn := `"ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:m:e0", "MaxResults": 3`
	if got := fmt.Sprint(w.pages("GetExecutionHistory", arn, "Events", "Id")); got != "[[1 2 3] [4]]" {
		t.Errorf("history %v", got)
	}
	if got := fmt.Sprint(w.pages("GetExecutionHistory", arn+`, "ReverseOrder": true`, "Events", "Id")); got != "[[4 3 2] [1]]" {
		t.Errorf("history in reverse %v", got)
	}
}

// pages reads a list to its end and returns one member of the items, by page.
func (w *world) pages(operation, input, list, member string) (all [][]string) {
	for token := ""; ; {
		out := w.must(operation, "{"+input+token+"}")
		page := []string{}
		for _, item := range out[list].([]any) {
			page = append(page, fmt.Sprint(item.(map[string]any)[member]))
		}
		all = append(all, page)
		next, ok := out["NextToken"].(string)
		if !ok {
			return all
		}
		token = `, "NextToken": "` + next + `"`
	}
}

// TestRetention uses a name again 90 days after its execution ended.
func TestRetention(t *testing.T) {
	c := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), c, newNeighbours())
	defer w.close()
	w.must("CreateStateMachine", passOnce)
	start := `{"StateMachineArn": "` + benchMachine + `", "Name": "e", "Input": "%d"}`
	arn := w.must("StartExecution", fmt.Sprintf(start, 1))["ExecutionArn"].(string)
	w.await(arn)
	c.Advance(retention - time.Hour)
	if _, err := w.call("states", "StartExecution", fmt.Sprintf(start, 2)); code(err) != "ExecutionAlreadyExists" {
		t.Errorf("a name in use: %v", err)
	}
	c.Advance(2 * time.Hour)
	if _, err := w.call("states", "DescribeExecution", `{"ExecutionArn": "`+arn+`"}`); code(err) != "ExecutionDoesNotExist" {
		t.Errorf("after 90 days: %v", err)
	}
	w.must("StartExecution", fmt.Sprintf(start, 3))
	if e := w.await(arn); e["Output"] != "3" {
		t.Errorf("the new execution: %v", e)
	}
	if h := w.history(arn); !strings.Contains(h, `"Input":"3"`) || strings.Contains(h, `"Input":"1"`) {
		t.Errorf("its history:\n%s", h)
	}
	if got := w.pages("ListExecutions", `"StateMachineArn": "`+benchMachine+`"`, "Executions", "Name"); fmt.Sprint(got) != "[[e]]" {
		t.Errorf("executions %v", got)
	}
}

func code(err error) string {
	if e := awserr.From(err); e != nil {
		return e.Code
	}
	return fmt.Sprint(err)
}

// TestNamespaces keeps accounts and regions apart.
func TestNamespaces(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), clock.New(1), newNeighbours())
	defer w.close()
	w.must("CreateStateMachine", passOnce)
	for _, other := range []bus.Caller{{Account: "111111111111"}, {Region: "eu-west-1"}} {
		ctx := bus.With(context.Background(), other)
		out, err := bus.Invoke[api.ListStateMachinesOutput](ctx, w.bus, "states", "ListStateMachines", &api.ListStateMachinesInput{})
		if err != nil || len(out.StateMachines) != 0 {
			t.Errorf("%v sees %v, %v", other, out, err)
		}
		made, err := bus.Invoke[api.CreateStateMachineOutput](ctx, w.bus, "states", "CreateStateMachine", &api.CreateStateMachineInput{
			Name: new("m"), Definition: new(passes(1)), RoleArn: new("arn:aws:iam::123456789012:role/r")})
		if err != nil || *made.StateMachineArn == benchMachine {
			t.Errorf("%v makes %v, %v", other, made, err)
		}
	}
	ctx := bus.With(context.Background(), bus.Caller{Account: "111111111111"})
	if _, err := w.bus.Invoke(ctx, "states", "StartExecution", &api.StartExecutionInput{StateMachineArn: new(benchMachine)}); code(err) != "AccessDeniedException" {
		t.Errorf("another account's machine: %v", err)
	}
}
