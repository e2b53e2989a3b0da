package exec

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"
)

// keptChildren are the Express children of a Map run that succeeded. The host
// has no record of them; when the Map run is redriven they do not run again.
type keptChildren struct {
	Done     bits
	Failed   bits                      `json:",omitempty"`
	TimedOut bits                      `json:",omitempty"` // the others that began were aborted
	Outputs  map[int64]json.RawMessage `json:",omitempty"` // where no ResultWriter has them
	Files    []writtenFile             `json:",omitempty"` // the ResultWriter's, of children that succeeded
	before   bits                      // Done as it was at the start: it is read while Done grows
}

// newKept reads what an earlier drive of the Map run left.
func newKept(text []byte) *keptChildren {
	k := &keptChildren{}
	if len(text) > 0 && json.Unmarshal(text, k) != nil {
		k = &keptChildren{} // all of them run again, as Express executions may
	}
	k.before = slices.Clone(k.Done)
	return k
}

func (k *keptChildren) text() []byte {
	if k == nil {
		return nil
	}
	text, err := json.Marshal(k)
	if err != nil {
		return nil
	}
	return text
}

// has reports whether an earlier drive has run the child with success.
func (k *keptChildren) has(index int64) bool {
	return k != nil && k.before.has(index)
}

// keepChild counts a child that has succeeded before.
func (m *mapRunner) keepChild(c Child) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reach(c)
	m.keep(c)
	m.tally(c, Result{Status: Succeeded})
	if m.results == nil {
		m.output(c.Index, m.kept.Outputs[c.Index])
	}
}

// finish stops what runs, writes the results, and tells the parent. rest are
// the children that did not begin.
func (m *mapRunner) finish(rest *childSource) {
	if rest != nil {
		defer rest.items.close()
	}
	if m.r.ctx.Err() != nil {
		return // the server stops; the Map run goes on after a restart
	}
	m.stopRest()
	m.mu.Lock()
	fail, given := m.err, m.given
	m.mu.Unlock()
	if fail != nil && m.again {
		m.patiently(func() error { return m.host.AbandonChildren(m.r.ctx, m.run) })
	}
	if fail != nil && rest != nil {
		m.countRest(rest)
	}
	end := MapRunEnded{ID: m.run.ID}
	if m.results != nil {
		out, err := m.results.finish()
		if err != nil && fail == nil {
			fail = &failure{Error: new(errWriter), Cause: new(err.Error())}
		}
		end.Output = out
	} else if fail == nil {
		end.Output = m.list()
	}
	status := Succeeded
	switch {
	case given:
		status, fail = Aborted, nil
	case fail != nil:
		status, end.Output = Failed, nil
		end.Failed, end.Error, end.Cause = true, fail.Error, fail.Cause
	}
	if m.r.ctx.Err() == nil { // else what is said of the results may come from that
		m.settle(status, fail, end)
	}
}

// stopRest aborts the children that run and waits for their ends: one that ends
// by itself at the same moment counts, and is shown, as what it came to.
func (m *mapRunner) stopRest() {
	m.mu.Lock()
	defer m.mu.Unlock()
	var open []Child
	for _, index := range slices.Sorted(maps.Keys(m.open)) {
		open = append(open, m.open[index])
	}
	m.mu.Unlock()
	for _, c := range open {
		m.host.StopChild(m.r.ctx, c)
	}
	m.mu.Lock()
	for len(m.open)+m.writing > 0 && m.r.ctx.Err() == nil {
		m.wait()
	}
}

// countRest counts the children that a Map run did not come to. Where they
// cannot be read it counts those before.
func (m *mapRunner) countRest(rest *childSource) {
	for m.r.ctx.Err() == nil {
		c, err := rest.next()
		if err != nil {
			return
		}
		m.unreached(c)
	}
}

// insist calls the host until it does what it is asked for: its store may refuse
// for a while. It gives up where the Map run is over.
func (m *mapRunner) insist(call func() error) error {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := call()
		if err == nil || errors.Is(err, ErrNoExecution) || errors.Is(err, ErrClosed) {
			return err
		}
		m.mu.Lock()
		over := m.err != nil
		m.mu.Unlock()
		if over {
			return err
		}
		select {
		case <-m.ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// patiently calls the host until it does what it is asked for. false: the server stops.
func (m *mapRunner) patiently(call func() error) bool {
	for pause := firstPause; call() != nil; pause = min(2*pause, longPause) {
		select {
		case <-m.r.ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
	return true
}

// settle makes the end durable, then tells the parent.
func (m *mapRunner) settle(status Status, fail *failure, end MapRunEnded) {
	m.mu.Lock()
	p := m.progress(status, fail)
	if status != Succeeded && m.kept != nil {
		if m.results != nil {
			m.kept.Done, m.kept.Files = m.results.stored()
		} else {
			m.kept.Outputs = m.outputs
		}
		p.Kept = m.kept.text()
	}
	m.mu.Unlock()
	if m.recorded && !m.patiently(func() error { return m.note(p) }) {
		return
	}
	m.r.mu.Lock()
	if key := (runKey{m.run.Execution, m.run.ID}); m.r.runs[key] == m {
		delete(m.r.runs, key)
	}
	m.r.mu.Unlock()
	if status != Aborted {
		end.At = m.r.clock.Now()
		_ = m.r.Deliver(m.run.Execution, end) // an execution that has ended needs no result
	}
}

// list is the array of all outputs, in the order of the items.
func (m *mapRunner) list() json.RawMessage {
	out := append(make([]byte, 0, m.size+2), '[')
	first := true
	for i := range m.begun {
		o, ok := m.outputs[i]
		if !ok {
			continue
		}
		if m.task.spec.Shape == flatten && o[0] == '[' {
			if o = bytes.TrimSpace(o[1 : len(o)-1]); len(o) == 0 {
				continue
			}
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(out, o...)
	}
	return append(out, ']')
}
