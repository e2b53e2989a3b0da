package states

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// TestRedriveAfterRestart: the server dies when a redrive is recorded and the
// engine has not begun it; the next server does.
func TestRedriveAfterRestart(t *testing.T) {
	file, others := filepath.Join(t.TempDir(), "s.db"), newNeighbours()
	w := newWorld(t, file, clock.New(0), others)
	m := w.must("CreateStateMachine", `{"Name": "m", "RoleArn": "arn:aws:iam::123456789012:role/r",
		"Definition": "{\"StartAt\": \"P\", \"States\": {\"P\": {\"Type\": \"Pass\", \"Next\": \"F\"}, \"F\": {\"Type\": \"Fail\", \"Error\": \"E\"}}}"}`)
	arn := w.must("StartExecution", `{"StateMachineArn": "`+m["StateMachineArn"].(string)+`"}`)["ExecutionArn"].(string)
	w.await(arn)
	err := w.store.Update(context.Background(), func(tx *store.Tx) error {
		all, err := ended.List(tx)
		if err != nil {
			return err
		}
		e := all[0]
		if _, err := ended.Delete(tx, e.key()...); err != nil {
			return err
		}
		e.Status, e.Redrives, e.Redriven = "RUNNING", 1, w.clock.Now()
		return running.Put(tx, e, e.key()...)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.close()
	w = newWorld(t, file, clock.New(0), others)
	defer w.close()
	if e := w.await(arn); e["Status"] != "FAILED" || e["RedriveCount"] != 1.0 {
		t.Errorf("got %v", e)
	}
	history := w.history(arn)
	if strings.Count(history, "ExecutionRedriven") != 1 || strings.Count(history, "ExecutionFailed") != 2 || strings.Count(history, "PassStateEntered") != 1 {
		t.Errorf("history:\n%s", history)
	}
}
