package exec

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"stepwell/internal/asl/value"
)

const (
	// mostChildren is the service's quota of children that run at once.
	mostChildren = 10000
	// starters is how many children are begun at once, so that they share commits.
	starters = 32
	// noteEvery is how many ended children lie between two notes of the counts.
	noteEvery = 1000
)

// mapRunner drives one Map run.
type mapRunner struct {
	r      *Runner
	host   MapHost
	task   MapTask
	parent *Execution // detached: for the evaluation of items
	run    MapRun
	ctx    context.Context
	cancel context.CancelFunc
	clock  interface{ Busy() func() }

	mu       sync.Mutex
	woken    *sync.Cond
	waiting  bool   // drive waits, and holds no Busy
	busy     func() // what drive holds
	begun    int64  // children
	open     map[int64]Child
	items    Counts
	children Counts
	outputs  map[int64]json.RawMessage // of children that succeeded, in front of flushed
	size     int                       // of the outputs kept
	results  *resultWriter             // nil: the outputs are the Map run's output
	read     bool                      // all items are read
	count    *int64                    // ToleratedFailureCount
	percent  *float64                  // ToleratedFailurePercentage
	noteDue  bool
	err      *failure
}

// beginRun starts a Map run of x. Its frames are detached.
func (r *Runner) beginRun(x *Execution, t MapTask) {
	host, ok := r.host.(MapHost)
	if !ok {
		text := "not implemented: Distributed Map"
		go func() {
			_ = r.Deliver(x.info.ID, MapRunEnded{At: r.clock.Now(), ID: t.ID, Failed: true, Error: new(errRuntime), Cause: &text})
		}()
		return
	}
	m := &mapRunner{r: r, host: host, task: t, open: map[int64]Child{}, outputs: map[int64]json.RawMessage{}, clock: r.clock}
	m.parent = &Execution{machine: x.machine, info: x.info, env: x.env, limits: x.limits, redrives: x.redrives, redriven: x.redriven,
		now: r.clock.Now().UnixMilli()}
	m.woken = sync.NewCond(&m.mu)
	m.ctx, m.cancel = context.WithCancel(r.ctx)
	spec := t.spec
	m.run = MapRun{ID: t.ID, Execution: x.info.ID, State: t.State, Label: spec.Label, Info: x.info,
		Express: t.frame.state.loop.spread.express, Machine: &Machine{Definition: x.machine.Definition, top: t.frame.state.kids[0]},
		Started: r.clock.Now(), MapControl: MapControl{MaxConcurrency: spec.Most}}
	m.count, m.percent = spec.Count, spec.Percent
	if spec.Count != nil {
		m.run.ToleratedCount = *spec.Count
	}
	if spec.Percent != nil {
		m.run.ToleratedShare = *spec.Percent
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		m.cancel()
		return
	}
	r.runs[runKey{x.info.ID, t.ID}] = m
	m.busy = r.clock.Busy()
	r.wg.Add(1)
	go m.drive()
}

type runKey struct{ execution, run string }

func (r *Runner) mapRun(execution, run string) *mapRunner {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.runs[runKey{execution, run}]
}

// DeliverChild says that a child of a Map run has ended.
func (r *Runner) DeliverChild(parent, mapRun string, index int64, result Result) error {
	m := r.mapRun(parent, mapRun)
	if m == nil {
		return ErrNoTask
	}
	m.childEnded(index, result)
	return nil
}

// ControlMapRun changes how a Map run goes on (UpdateMapRun).
func (r *Runner) ControlMapRun(parent, mapRun string, c MapControl) error {
	m := r.mapRun(parent, mapRun)
	if m == nil {
		return ErrNoTask
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.control(c)
	m.wake()
	return nil
}

func (m *mapRunner) control(c MapControl) {
	m.run.MapControl, m.count, m.percent = c, &c.ToleratedCount, &c.ToleratedShare
}

// abandonRun stops a Map run whose end no longer matters.
func (r *Runner) abandonRun(execution, run string) {
	if m := r.mapRun(execution, run); m != nil {
		m.cancel()
		m.mu.Lock()
		m.err = &failure{}
		m.wake()
		m.mu.Unlock()
	}
}

// wake lets drive go on; m.mu is held.
func (m *mapRunner) wake() {
	if m.waiting {
		m.waiting, m.busy = false, m.clock.Busy()
		m.woken.Signal()
	}
}

// pause notes the counts where that is due, or waits; m.mu is held.
func (m *mapRunner) pause() {
	if !m.noteDue {
		m.wait()
		return
	}
	m.noteDue = false
	p := m.progress(Running, nil)
	m.mu.Unlock()
	_ = m.note(p) // the last note is the one that counts
	m.mu.Lock()
}

// wait lets go of Busy until something happens; m.mu is held.
func (m *mapRunner) wait() {
	m.waiting = true
	m.busy()
	for m.waiting {
		m.woken.Wait()
	}
}

// drive reads items, begins children, and waits for their ends.
func (m *mapRunner) drive() {
	defer m.r.wg.Done()
	defer func() { m.busy() }()
	stop := context.AfterFunc(m.ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.wake()
	})
	defer stop()
	defer m.cancel()
	control, err := m.host.BeginMapRun(m.ctx, m.run)
	if err == nil {
		m.mu.Lock()
		if control != m.run.MapControl {
			m.control(control)
		}
		m.mu.Unlock()
		if m.task.spec.Writer != nil {
			m.results = newResultWriter(m)
		}
		err = m.produce()
	}
	m.mu.Lock()
	if err != nil && m.err == nil {
		m.err = failureFrom(err)
	}
	m.read = true
	m.judge()
	for m.err == nil && len(m.open) > 0 && m.ctx.Err() == nil {
		m.pause()
	}
	m.mu.Unlock()
	m.finish()
}

// runFault is an error of a Map run by its name.
type runFault struct{ name, cause string }

func (e *runFault) Error() string { return e.name + ": " + e.cause }

func failureFrom(err error) *failure {
	var run *runFault
	var fault *stateFault
	switch {
	case errors.As(err, &run):
		return &failure{Error: &run.name, Cause: &run.cause}
	case errors.As(err, &fault):
		return &failure{Error: &fault.name, Cause: &fault.cause}
	}
	return &failure{Error: new(errRuntime), Cause: new(err.Error())}
}

// produce begins a child for every item or batch.
func (m *mapRunner) produce() error {
	source, err := openItems(m.ctx, m.host, m.parent.info, m.task.spec)
	if err != nil {
		return &runFault{errReader, err.Error()}
	}
	defer source.close()
	type start struct {
		child Child
		done  func() // gives back the clock's Busy
	}
	begin := make(chan start)
	var wg sync.WaitGroup
	var failed error
	var once sync.Once
	for range starters {
		wg.Go(func() {
			for s := range begin {
				if err := m.host.BeginChild(m.ctx, s.child); err != nil {
					once.Do(func() { failed = err })
					m.childEnded(s.child.Index, Result{Status: Aborted, At: m.r.clock.Now()})
				}
				s.done()
			}
		})
	}
	err = m.each(source, func(c Child) bool {
		if !m.admit(c) {
			return false
		}
		begin <- start{c, m.clock.Busy()}
		return true
	})
	close(begin)
	wg.Wait()
	if err == nil && failed != nil && m.ctx.Err() == nil {
		err = failed
	}
	return err
}

// admit waits for a place for the child; false: the Map run is over.
func (m *mapRunner) admit(c Child) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.err == nil && m.ctx.Err() == nil && int64(len(m.open)) >= m.most() {
		m.pause()
	}
	if m.err != nil || m.ctx.Err() != nil {
		return false
	}
	m.open[c.Index] = c
	m.begun++
	m.items.Total += c.Items
	m.children.Total++
	return true
}

func (m *mapRunner) most() int64 {
	if n := m.run.MaxConcurrency; n > 0 && n < mostChildren {
		return n
	}
	return mostChildren
}

// each makes the children of the items.
func (m *mapRunner) each(source itemSource, yield func(Child) bool) error {
	spec := m.task.spec
	var batch []json.RawMessage
	size, index := 0, int64(0)
	limit := m.parent.limits.data
	var most int64 = 1
	if b := spec.Batch; b != nil {
		most = b.Items
		if b.Bytes > 0 && b.Bytes < int64(limit) {
			limit = int(b.Bytes)
		}
	}
	base := len(`{"Items":[]}`) + len(spec.Batched) + len(`"BatchInput":,`)
	flush := func() bool {
		if len(batch) == 0 {
			return true
		}
		c := m.child(index, batch)
		index, size, batch = index+1, 0, nil
		return yield(c)
	}
	for n := 0; ; n++ {
		item, err := source.next()
		if err == io.EOF {
			flush()
			return nil
		}
		if err != nil {
			return &runFault{errReader, err.Error()}
		}
		if item, err = m.selected(n, item); err != nil {
			return err
		}
		if spec.Batch != nil && len(batch) > 0 && base+size+len(item)+1 > limit && !flush() {
			return nil
		}
		batch = append(batch, item)
		size += len(item) + 1
		if most > 0 && int64(len(batch)) >= most && !flush() {
			return nil
		}
	}
}

// selected applies the ItemSelector.
func (m *mapRunner) selected(index int, item json.RawMessage) (json.RawMessage, error) {
	selector := m.task.frame.state.loop.selector
	if selector == nil {
		return item, nil
	}
	s := m.parent.scope(m.task.frame, m.task.spec.Input)
	s.itemIndex, s.item = index, item
	v, err := s.template(selector)
	if err != nil {
		f := m.parent.failureOf(m.task.frame, err)
		return nil, &runFault{*f.Error, *f.Cause}
	}
	return value.Text(v), nil
}

// child is the child execution of one item or batch.
func (m *mapRunner) child(index int64, items []json.RawMessage) Child {
	c := Child{MapRun: m.run.ID, Index: index, Name: childName(m.run.ID, index), Items: int64(len(items)), Machine: m.run.Machine,
		Parent: m.parent.info, Express: m.run.Express, Label: m.run.Label}
	if m.task.spec.Batch == nil {
		c.Input = items[0]
		return c
	}
	size := 40 + len(m.task.spec.Batched)
	for _, item := range items {
		size += len(item) + 1
	}
	in := append(make([]byte, 0, size), '{')
	if b := m.task.spec.Batched; b != nil {
		in = append(append(append(in, `"BatchInput":`...), b...), ',')
	}
	in = append(in, `"Items":[`...)
	for i, item := range items {
		if i > 0 {
			in = append(in, ',')
		}
		in = append(in, item...)
	}
	c.Input = append(in, "]}"...)
	return c
}

// childName is a UUID that follows from the Map run and the index.
func childName(run string, index int64) string {
	b := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(run), uint64(index)))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// childEnded counts an ended child and keeps its result.
func (m *mapRunner) childEnded(index int64, r Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.open[index]
	if !ok {
		return
	}
	delete(m.open, index)
	m.items.add(r.Status, c.Items)
	m.children.add(r.Status, 1)
	if m.results != nil {
		m.results.add(c, r)
	} else if r.Status == Succeeded {
		m.outputs[index] = r.Output
		m.size += len(r.Output) + 1
		if m.size+1 > m.parent.limits.data && m.err == nil {
			m.err = failureFrom(tooLarge(m.task.State))
		}
	}
	m.judge()
	m.noteDue = m.noteDue || m.children.ended()%noteEvery == 0
	m.wake()
}

func (c *Counts) add(s Status, n int64) {
	switch s {
	case Succeeded:
		c.Succeeded += n
	case TimedOut:
		c.TimedOut += n
	case Aborted:
		c.Aborted += n
	default:
		c.Failed += n
	}
}

func (c *Counts) ended() int64 { return c.Succeeded + c.Failed + c.TimedOut + c.Aborted }

// judge sets the error of a Map run with too many failures; m.mu is held. The
// share counts once all items are read. A limit of 0 beside another one is none.
func (m *mapRunner) judge() {
	failed := m.items.Failed + m.items.TimedOut + m.items.Aborted
	if m.err != nil || failed == 0 {
		return
	}
	byCount := m.count != nil && *m.count > 0
	byShare := m.percent != nil && *m.percent > 0
	over := !byCount && !byShare
	over = over || byCount && failed > *m.count
	over = over || byShare && m.read && float64(failed)*100/float64(m.items.Total) > *m.percent
	if over {
		m.err = &failure{Error: new(errThreshold), Cause: new(thresholdText)}
	}
}

func (m *mapRunner) progress(s Status, f *failure) MapProgress {
	p := MapProgress{ID: m.run.ID, Execution: m.run.Execution, Status: s, At: m.r.clock.Now(), Items: m.items, Children: m.children}
	for _, c := range m.open {
		p.Items.Running += c.Items
		p.Children.Running++
	}
	p.Items.Written, p.Children.Written = p.Items.ended(), p.Children.ended()
	if f != nil {
		p.Error, p.Cause = f.Error, f.Cause
	}
	return p
}

func (m *mapRunner) note(p MapProgress) error { return m.host.NoteMapRun(m.r.ctx, p) }

// finish stops what runs, writes the results, and tells the parent.
func (m *mapRunner) finish() {
	if m.r.ctx.Err() != nil {
		return // the server stops; the Map run goes on after a restart
	}
	m.mu.Lock()
	var rest []Child
	for _, c := range m.open {
		rest = append(rest, c)
		if m.results != nil {
			m.results.add(c, Result{Status: Aborted, At: m.r.clock.Now()})
		}
		m.items.Aborted += c.Items
		m.children.Aborted++
	}
	m.open = map[int64]Child{}
	fail, abandoned := m.err, m.ctx.Err() != nil
	m.mu.Unlock()
	for _, c := range rest {
		m.host.StopChild(m.r.ctx, c)
	}
	end := MapRunEnded{ID: m.run.ID}
	if m.results != nil && !abandoned {
		out, err := m.results.finish(fail)
		if err != nil && fail == nil {
			fail = &failure{Error: new(errWriter), Cause: new(err.Error())}
		}
		end.Output = out
	} else if fail == nil {
		end.Output = m.list()
	}
	status := Succeeded
	switch {
	case abandoned:
		status, fail = Aborted, nil
	case fail != nil:
		status, end.Output = Failed, nil
		end.Failed, end.Error, end.Cause = true, fail.Error, fail.Cause
	}
	m.settle(status, fail, end)
}

// settle makes the end durable, then tells the parent.
func (m *mapRunner) settle(status Status, fail *failure, end MapRunEnded) {
	m.mu.Lock()
	p := m.progress(status, fail)
	m.mu.Unlock()
	for pause := firstPause; m.note(p) != nil; pause = min(2*pause, longPause) {
		select {
		case <-m.r.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
	m.r.mu.Lock()
	delete(m.r.runs, runKey{m.run.Execution, m.run.ID})
	m.r.mu.Unlock()
	end.At = m.r.clock.Now()
	_ = m.r.Deliver(m.run.Execution, end) // an execution that has ended needs no result
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
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(out, o...)
	}
	return append(out, ']')
}
