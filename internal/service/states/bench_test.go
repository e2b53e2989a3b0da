package states

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	api "stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

func passes(n int) string {
	var b strings.Builder
	for i := range n - 1 {
		fmt.Fprintf(&b, `"P%d": {"Type": "Pass", "Next": "P%d"}, `, i, i+1)
	}
	return fmt.Sprintf(`{"StartAt": "P0", "States": {%s"P%d": {"Type": "Pass", "End": true}}}`, b.String(), n-1)
}

// BenchmarkStandard starts ten-Pass Standard executions from 16 clients and
// waits for them all to end; every event is durable.
func BenchmarkStandard(b *testing.B) {
	w := benchWorld(b, "STANDARD", passes(10))
	defer w.store.Close()
	defer w.svc.Close()
	var over sync.WaitGroup
	over.Add(b.N)
	w.svc.Events = func(tx *store.Tx, c StatusChange) error {
		if *c.Execution.Status != "RUNNING" {
			tx.AfterCommit(over.Done)
		}
		return nil
	}
	b.ResetTimer()
	var clients sync.WaitGroup
	work := make(chan struct{})
	for range 16 {
		clients.Go(func() {
			for range work {
				if _, err := w.bus.Invoke(context.Background(), "states", "StartExecution", &api.StartExecutionInput{StateMachineArn: new(benchMachine)}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	clients.Wait()
	over.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "executions/s")
}

// BenchmarkStartSync is one client of a one-Pass Express machine.
func BenchmarkStartSync(b *testing.B) {
	w := benchWorld(b, "EXPRESS", passes(1))
	defer w.store.Close()
	defer w.svc.Close()
	for b.Loop() {
		if _, err := w.bus.Invoke(context.Background(), "states", "StartSyncExecution", &api.StartSyncExecutionInput{StateMachineArn: new(benchMachine)}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkResume takes up executions that wait after a restart.
func BenchmarkResume(b *testing.B) {
	const executions = 20000
	file := filepath.Join(b.TempDir(), "s.db")
	w := benchWorldIn(b, file, "STANDARD", `{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 36000, "End": true}}}`)
	var clients sync.WaitGroup
	for range 64 {
		clients.Go(func() {
			for range executions / 64 {
				if _, err := w.bus.Invoke(context.Background(), "states", "StartExecution", &api.StartExecutionInput{StateMachineArn: new(benchMachine)}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	clients.Wait()
	w.close()
	for b.Loop() {
		w := newWorld(b, file, clock.New(1), newNeighbours())
		b.StopTimer()
		w.close()
		b.StartTimer()
	}
	b.ReportMetric(float64(executions*b.N)/b.Elapsed().Seconds(), "executions/s")
}

const benchMachine = "arn:aws:states:us-east-1:123456789012:stateMachine:m"

func benchWorld(b *testing.B, kind, definition string) *world {
	b.Helper()
	return benchWorldIn(b, filepath.Join(b.TempDir(), "s.db"), kind, definition)
}

func benchWorldIn(b *testing.B, file, kind, definition string) *world {
	b.Helper()
	w := newWorld(b, file, clock.New(1), newNeighbours())
	w.svc.IDs = bus.RandomIDs{}
	in := &api.CreateStateMachineInput{Name: new("m"), Type: &kind, Definition: &definition, RoleArn: new("arn:aws:iam::123456789012:role/r")}
	if _, err := w.bus.Invoke(context.Background(), "states", "CreateStateMachine", in); err != nil {
		b.Fatal(err)
	}
	return w
}
