package states

import (
	"sync"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
)

// liveExecution is an execution that the engine runs in this process.
type liveExecution struct {
	record  execution
	express bool // never stored
	logging *api.LoggingConfiguration
	input   []byte // stands for the record's Input, which is empty then: in a Map run there are many large ones, which others hold too

	mu       sync.Mutex
	over     bool
	watchers []func(execution)
}

// liveTable finds the live executions by ARN.
type liveTable struct {
	mu    sync.RWMutex
	byARN map[string]*liveExecution
}

func (t *liveTable) add(l *liveExecution) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byARN[l.record.ARN] = l
}

func (t *liveTable) get(arn string) *liveExecution {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byARN[arn]
}

// release forgets l, unless the execution goes on as another by now (RedriveExecution).
func (t *liveTable) release(l *liveExecution) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if arn := l.record.ARN; t.byARN[arn] == l {
		delete(t.byARN, arn)
	}
}

func (t *liveTable) remove(arn string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byARN, arn)
}

// watch calls f once the execution has ended; false where it has already.
func (l *liveExecution) watch(f func(execution)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	l.watchers = append(l.watchers, f)
	return true
}

// finish tells the watchers about the end, which is durable.
func (l *liveExecution) finish(e execution) {
	l.mu.Lock()
	l.over = true
	watchers := l.watchers
	l.watchers = nil
	l.mu.Unlock()
	for _, f := range watchers {
		f(e)
	}
}

// end is the execution's record after r, with its input.
func (l *liveExecution) end(r *exec.Result) execution {
	e := l.record.end(r)
	if l.input != nil {
		e.Input = string(l.input)
	}
	return e
}

// share lets the execution hold its input in common with others.
func (l *liveExecution) share(input []byte) {
	if l.record.Input == string(input) {
		l.record.Input, l.input = "", input
	}
}

// end is the execution's record after r.
func (e execution) end(r *exec.Result) execution {
	e.Status, e.Stop = string(r.Status), millis(r.At)
	e.Error, e.Cause, e.Full = r.Error, r.Cause, r.Full
	if r.Status == exec.Succeeded {
		e.Output = new(string(r.Output))
	}
	return e
}
