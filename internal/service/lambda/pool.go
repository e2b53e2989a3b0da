package lambda

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
)

// accountConcurrency is how many invocations of an account run at once (Lambda quotas).
const accountConcurrency = 1000

// pool are the workers. Invocations beyond what a function or its account may
// have are throttled; those beyond what the machine is given wait.
type pool struct {
	s *Service

	mu      sync.Mutex
	changed *sync.Cond
	idle    []*worker        // least recently used first
	total   int              // workers, idle ones included
	busy    map[string]int64 // account -> and account, region, function -> invocations under way
	working map[*worker]bool
	closed  bool
}

func newPool(s *Service) *pool {
	p := &pool{s: s, busy: map[string]int64{}, working: map[*worker]bool{}}
	p.changed = sync.NewCond(&p.mu)
	return p
}

// errClosed says that the server is stopping.
var errClosed = errors.New("server is stopping")

// admit counts an invocation, or throttles it. reserved is the function's own
// limit; nil leaves the account's.
func (p *pool) admit(at scope, name string, reserved *int64) (leave func(), err error) {
	function := at.Account + "/" + at.Region + "/" + name
	account := at.Account + "/" + at.Region
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case reserved != nil && p.busy[function] >= *reserved:
		return nil, throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
	case p.busy[account] >= accountConcurrency:
		return nil, throttled("ConcurrentInvocationLimitExceeded")
	}
	p.busy[function]++
	p.busy[account]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, key := range []string{function, account} {
			if p.busy[key]--; p.busy[key] == 0 {
				delete(p.busy, key)
			}
		}
	}, nil
}

// acquire returns a worker for f: a warm one, or a new one once there is room.
func (p *pool) acquire(f *function, at scope) (*worker, error) {
	key := poolKey(f)
	p.mu.Lock()
	for {
		if p.closed {
			p.mu.Unlock()
			return nil, errClosed
		}
		if w := p.warm(key); w != nil {
			p.mu.Unlock()
			return w, nil
		}
		if p.total < p.s.MaxWorkers {
			break
		}
		if len(p.idle) > 0 {
			go p.idle[0].cancel(errRetired) // it leaves when it has ended
		}
		p.changed.Wait()
	}
	p.total++
	p.mu.Unlock()
	w, err := p.s.newWorker(f, at, key)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.total--
		p.changed.Broadcast()
		return nil, err
	}
	p.working[w] = true
	if p.closed {
		w.cancel(errClosed)
	}
	go p.bury(w)
	return w, nil
}

func poolKey(f *function) string { return *f.Config.FunctionArn + " " + *f.Config.RevisionId }

// warm takes the most recently used idle worker of a key.
func (p *pool) warm(key string) *worker {
	for i := len(p.idle) - 1; i >= 0; i-- {
		w := p.idle[i]
		if w.key != key || !w.idle.Stop() {
			continue
		}
		p.idle = slices.Delete(p.idle, i, i+1)
		if w.ctx.Err() != nil {
			continue
		}
		p.working[w] = true
		return w
	}
	return nil
}

// bury counts a worker out when it has ended.
func (p *pool) bury(w *worker) {
	<-w.exited
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(o *worker) bool { return o == w })
	delete(p.working, w)
	p.total--
	p.changed.Broadcast()
}

// release gives a worker back after an invocation.
func (p *pool) release(w *worker, reuse bool) {
	if !reuse {
		w.kill(errRetired)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.working, w)
	if w.retired || p.closed {
		w.cancel(errRetired)
		return
	}
	w.idle = p.s.Clock.AfterFunc(p.s.Idle, func() { w.cancel(errRetired) })
	p.idle = append(p.idle, w)
	p.changed.Broadcast()
}

// retire ends the workers of a function that are idle and lets the others
// finish what they do. arn is the function's, or that of one version.
func (p *pool) retire(arn string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is := func(w *worker) bool {
		rest, ok := strings.CutPrefix(w.key, arn)
		return ok && (rest[0] == ' ' || rest[0] == ':')
	}
	for _, w := range p.idle {
		if is(w) {
			w.cancel(errRetired)
		}
	}
	for w := range p.working {
		w.retired = w.retired || is(w)
	}
}

// close ends all workers.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	for _, w := range p.idle {
		w.cancel(errClosed)
	}
	for w := range p.working {
		w.cancel(errClosed)
	}
	p.changed.Broadcast()
	for p.total > 0 {
		p.changed.Wait()
	}
	p.mu.Unlock()
}

// run runs an invocation of f on some worker. The error is the server's, or
// that of a runtime that cannot start.
func (p *pool) run(ctx context.Context, f *function, at scope, inv *invocation) (outcome, error) {
	for {
		w, err := p.acquire(f, at)
		if err != nil {
			return outcome{}, err
		}
		o, err := w.handle(inv)
		p.release(w, err == nil && o.reuse)
		if err != nil {
			continue // it ended while it was idle
		}
		if errors.Is(context.Cause(w.ctx), errClosed) && o.failed {
			return outcome{}, errClosed
		}
		return o, nil
	}
}
