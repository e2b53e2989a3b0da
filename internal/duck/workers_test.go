package duck

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// TestWorkers runs a statement whose two halves wait for each other: it ends only
// when a worker joins. The time limit is that of a failure.
func TestWorkers(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	e, err := Open(Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	meeting := make(chan struct{})
	err = e.RegisterText("meet", true, func(rows [][]*string) ([]*string, error) {
		select {
		case meeting <- struct{}{}: // whoever comes second takes what the first one gives
		case <-meeting:
		case <-ctx.Done():
		}
		return make([]*string, len(rows)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Exec(ctx, "CREATE TABLE halves AS SELECT i FROM range(245760) t(i)"); err != nil { // two row groups
		t.Fatal(err)
	}
	for range 2 { // again after the workers have left
		if _, err := c.Exec(ctx, "CREATE OR REPLACE TABLE met AS SELECT meet(CAST(i AS VARCHAR)) AS m FROM halves WHERE i % 122880 = 0"); err != nil {
			t.Fatal(err)
		}
		for e.workers.awake.Load() && ctx.Err() == nil {
			runtime.Gosched()
		}
	}
	if ctx.Err() != nil {
		t.Fatal("nobody met, or the watch does not sleep")
	}
}
