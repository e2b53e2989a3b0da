package warehouse

import (
	"context"
	"runtime"
	"testing"
)

// TestGate: statements that do not end hold the others up only for a moment,
// and one that is cancelled does not wait.
func TestGate(t *testing.T) {
	g := newGate()
	var leave []func()
	for range 5 * runtime.GOMAXPROCS(0) {
		leave = append(leave, g.enter(context.Background()))
	}
	for _, l := range leave {
		l()
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	make(gate).enter(ctx)() // nobody makes room there
	for len(g) > 0 {        // the latest may still be in their time
		runtime.Gosched()
	}
}
