package states

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stepwell/internal/asl/exec"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// fullBus is a bus to services that cannot keep what they are asked for.
type fullBus struct {
	bus.Invoker
	faults atomic.Int64 // calls that fail yet
}

func (b *fullBus) Invoke(ctx context.Context, service, operation string, in any) (any, error) {
	if b.faults.Add(-1) >= 0 {
		return nil, &store.Fault{Err: errFull}
	}
	return b.Invoker.Invoke(ctx, service, operation, in)
}

var errFull = errors.New("the disk is full")

// TestFullDisk: while the disk is full, changes are refused, tasks are neither
// lost nor failed, and executions go on when there is room again.
func TestFullDisk(t *testing.T) {
	c := clock.NewManual(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), c, newNeighbours())
	defer w.close()
	full := &fullBus{Invoker: w.bus}
	w.svc.Bus = full
	begin := func(name, definition string) string {
		t.Helper()
		w.must("CreateStateMachine", fmt.Sprintf(`{"Name": %q, "Definition": %q, "RoleArn": "arn:aws:iam::123456789012:role/r"}`, name, definition))
		return w.must("StartExecution", fmt.Sprintf(`{"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:%s", "Name": "e", "Input": "{\"n\": 1}"}`, name))["ExecutionArn"].(string)
	}
	refused := func(operation, input string) {
		t.Helper()
		if _, err := w.call("states", operation, input); !store.IsFault(err) {
			t.Errorf("%s on a full disk: %v", operation, err)
		}
	}

	full.faults.Store(2)
	publish := begin("publish", `{"StartAt": "P", "States": {"P": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish",
		"Parameters": {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": "m"}, "End": true}}}`)
	if e := w.await(publish); e["Status"] != "SUCCEEDED" || len(w.others.taken()) != 1 {
		t.Errorf("a task whose service had no room twice: %v, effects %v", e, w.others.taken())
	}

	w.must("CreateActivity", `{"Name": "act"}`)
	work := `{"ActivityArn": "arn:aws:states:us-east-1:123456789012:activity:act"}`
	worked := begin("work", `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:act",
		"HeartbeatSeconds": 60, "End": true}}}`)
	for len(w.svc.queues.waiting("arn:aws:states:us-east-1:123456789012:activity:act")) == 0 {
		time.Sleep(time.Millisecond)
	}
	w.store.Break(errFull)
	refused("StartExecution", `{"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:work"}`)
	refused("GetActivityTask", work)
	refused("StopExecution", `{"ExecutionArn": "`+worked+`"}`)
	w.must("DescribeExecution", `{"ExecutionArn": "`+worked+`"}`)
	w.store.Break(nil)
	w.must("TagResource", `{"ResourceArn": "arn:aws:states:us-east-1:123456789012:stateMachine:work", "Tags": []}`)

	// A start that became durable after its worker was refused.
	if err := w.svc.runner.DeliverSync(t.Context(), worked, exec.TaskStarted{At: c.Now(), Task: 1}); err != nil {
		t.Fatal(err)
	}
	token := w.must("GetActivityTask", work)["TaskToken"].(string)
	before := w.journal(t, worked)
	w.must("SendTaskHeartbeat", `{"TaskToken": "`+token+`"}`)
	if after := w.journal(t, worked); after != before+1 {
		t.Errorf("the journal has %d entries after a heartbeat, %d before", after, before)
	}
	answer := fmt.Sprintf(`{"TaskToken": %q, "Output": "1"}`, token)
	w.store.Break(errFull)
	refused("CreateActivity", `{"Name": "other"}`)
	refused("SendTaskSuccess", answer)
	w.store.Break(nil)
	w.must("CreateActivity", `{"Name": "other"}`)
	w.must("SendTaskSuccess", answer)
	if e := w.await(worked); e["Status"] != "SUCCEEDED" || e["Output"] != "1" || strings.Count(w.history(worked), "ActivityStarted") != 1 {
		t.Errorf("the work ended %v\n%s", e, w.history(worked))
	}
}

// TestLateAnswer: an answer that meets a full disk is refused, and the same
// answer is taken once what it said is durable; another one is not.
func TestLateAnswer(t *testing.T) {
	c := clock.NewManual(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), c, newNeighbours())
	defer w.close()
	w.must("CreateActivity", `{"Name": "act"}`)
	w.must("CreateStateMachine", `{"Name": "m", "RoleArn": "arn:aws:iam::123456789012:role/r", "Definition": "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Task\", \"Resource\": \"arn:aws:states:us-east-1:123456789012:activity:act\", \"End\": true}}}"}`)
	for operation, answers := range map[string][2]string{
		"SendTaskSuccess": {`"Output": "1"`, `"Output": "2"`},
		"SendTaskFailure": {`"Error": "E", "Cause": "1"`, `"Error": "E", "Cause": "2"`},
	} {
		arn := w.must("StartExecution", `{"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m"}`)["ExecutionArn"].(string)
		token := w.must("GetActivityTask", `{"ActivityArn": "arn:aws:states:us-east-1:123456789012:activity:act"}`)["TaskToken"].(string)
		same, other := fmt.Sprintf(`{"TaskToken": %q, %s}`, token, answers[0]), fmt.Sprintf(`{"TaskToken": %q, %s}`, token, answers[1])
		w.store.Break(errFull)
		w.svc.commitWait = 50 * time.Millisecond
		for range 2 { // the first one meets the fault, the second one knows of it
			if _, err := w.call("states", operation, same); !store.IsFault(err) {
				t.Errorf("%s on a full disk: %v", operation, err)
			}
		}
		w.svc.commitWait = commitWait
		w.store.Break(nil)
		w.must("CreateActivity", `{"Name": "act"}`) // there is room again
		w.await(arn)
		if _, err := w.call("states", operation, other); err == nil || code(err) != "TaskTimedOut" {
			t.Errorf("%s with another answer: %v", operation, err)
		}
		w.must(operation, same)
		if _, err := w.call("states", operation, same); err == nil || code(err) != "TaskTimedOut" {
			t.Errorf("%s once more: %v", operation, err)
		}
	}
}

// journal counts the entries of an execution's journal.
func (w *world) journal(t *testing.T, arn string) (n int) {
	t.Helper()
	l := w.svc.live.get(arn)
	if err := w.store.View(t.Context(), func(tx *store.Tx) error {
		entries, err := tx.Read(l.record.stream(), 1, -1)
		n = len(entries)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// waiting lists the tasks of an activity that nobody has taken.
func (q *activityQueues) waiting(arn string) []*openTask {
	q.mu.Lock()
	defer q.mu.Unlock()
	if a := q.byARN[arn]; a != nil {
		return a.tasks
	}
	return nil
}
