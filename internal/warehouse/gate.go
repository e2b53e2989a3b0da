package warehouse

import (
	"context"
	"runtime"
	"time"
)

// gate lets short statements through in the order in which they came, one for
// each processor at a time. Hundreds of sessions that ask at once would else
// share the processors all at the same time, each in a thread of its own, and
// the unlucky among them wait three times as long as the middle one instead of
// one and a half times. It holds nobody up for long: a statement that goes on
// for gateTime makes room for the next one, so that neither long statements nor
// those that wait for others keep the gate closed.
type gate chan struct{}

// gateTime is how long a statement counts as a short one.
const gateTime = 4 * time.Millisecond

func newGate() gate { return make(gate, runtime.GOMAXPROCS(0)) }

// enter waits for its turn, or for the end of ctx, which the statement will
// notice. The caller calls leave when the statement is over.
func (g gate) enter(ctx context.Context) (leave func()) {
	select {
	case g <- struct{}{}:
	case <-ctx.Done():
		return func() {}
	}
	release := func() { <-g }
	late := time.AfterFunc(gateTime, release)
	return func() {
		if late.Stop() {
			release()
		}
	}
}
