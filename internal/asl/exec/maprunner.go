package exec

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"stepwell/internal/asl/value"
)

const (
	// mostChildren is the service's quota of children that run at once.
	mostChildren = 10000
	// starters is how many children are begun at once, so that they share commits.
	starters = 32
	// mostWriting is how many children may have ended whose results wait for a file
	// that is being written: none begin meanwhile.
	mostWriting = starters
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
	waiting  bool       // drive waits, and holds no Busy
	busy     func()     // what drive holds
	begun    int64      // children
	past     [2]attempt // redriven; ofItems, ofChildren
	open     map[int64]Child
	writing  int // children that have ended, and whose results are being kept
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
	given    bool          // the parent takes no result: it ended, or a sibling failed
	recorded bool          // the host knows the Map run
	again    bool          // an earlier server, or an earlier attempt, began children
	misses   int           // children that the Map run did not come to, and of which the host knows nothing
	updated  bool          // ControlMapRun was called: the host's record is older
	known    int64         // items, where their number is known before they are read
	kept     *keptChildren // Express: the children that need not run again when it is redriven
	done     chan struct{} // closed when all is over
	before   *mapRunner    // an earlier drive of the same Map run that is not over yet; nil: there is none
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
	m := &mapRunner{r: r, host: host, task: t, open: map[int64]Child{}, outputs: map[int64]json.RawMessage{}, clock: r.clock,
		done: make(chan struct{})}
	m.parent = &Execution{machine: x.machine, info: x.info, env: x.env, limits: x.limits, redrives: x.redrives, redriven: x.redriven,
		now: r.clock.Now().UnixMilli()}
	m.woken = sync.NewCond(&m.mu)
	m.ctx, m.cancel = context.WithCancel(r.ctx)
	spec := t.spec
	m.run = MapRun{ID: t.ID, Execution: x.info.ID, State: t.State, Label: spec.Label, Info: x.info,
		Express: t.frame.state.loop.spread.express, Machine: &Machine{Definition: x.machine.Definition, top: t.frame.state.kids[0]},
		Started: r.clock.Now(), Redrives: spec.redrives, MapControl: MapControl{MaxConcurrency: spec.Most}}
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
	if old := r.runs[runKey{x.info.ID, t.ID}]; old != nil {
		m.before = old
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
	for m := r.mapRun(parent, mapRun); m != nil; m = m.prior() {
		if m.childEnded(index, result) {
			return nil
		}
	}
	return ErrNoTask
}

// prior is the drive of the same Map run that m waits for; nil: there is none.
func (m *mapRunner) prior() *mapRunner {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.before
}

// MapRunProgress is how far a Map run is that goes on here; false: none does.
func (r *Runner) MapRunProgress(parent, mapRun string) (MapProgress, bool) {
	m := r.mapRun(parent, mapRun)
	if m == nil {
		return MapProgress{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.progress(Running, nil), true
}

// ControlMapRun changes how a Map run goes on (UpdateMapRun).
func (r *Runner) ControlMapRun(parent, mapRun string, c MapControl) error {
	m := r.mapRun(parent, mapRun)
	if m == nil {
		return ErrNoTask
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.updated = true
	m.control(c)
	m.judge()
	m.wake()
	return nil
}

func (m *mapRunner) control(c MapControl) {
	m.run.MapControl, m.count, m.percent = c, &c.ToleratedCount, &c.ToleratedShare
}

// abandonRun stops a Map run whose end no longer matters to its parent. It
// stops its children and writes its results before it is over.
func (r *Runner) abandonRun(execution, run string) {
	if m := r.mapRun(execution, run); m != nil {
		m.abandon()
	}
}

func (m *mapRunner) abandon() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err, m.given = &failure{}, true
	m.wake()
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
	defer close(m.done)
	defer func() { m.busy() }()
	stop := context.AfterFunc(m.ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.wake()
	})
	defer stop()
	defer m.cancel()
	if m.before != nil {
		select {
		case <-m.before.done:
		case <-m.ctx.Done():
			return
		}
		m.mu.Lock()
		m.before = nil
		m.mu.Unlock()
	}
	rest, err := m.work()
	m.mu.Lock()
	if err != nil && m.err == nil {
		m.err = failureFrom(err)
	}
	m.read = true
	m.judge()
	for m.err == nil && len(m.open)+m.writing > 0 && m.ctx.Err() == nil {
		m.pause()
	}
	m.mu.Unlock()
	m.finish(rest)
	m.results.drop()
}

// work begins the Map run and its children. rest are the children that it did
// not come to; nil: there are none, or they cannot be read.
func (m *mapRunner) work() (rest *childSource, err error) {
	var begun MapBegun
	err = m.insist(func() (err error) {
		begun, err = m.host.BeginMapRun(m.ctx, m.run)
		return err
	})
	if errors.Is(err, ErrNoExecution) {
		m.abandon() // the parent has ended, and says so in a moment
	}
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.recorded, m.again = true, begun.Again
	if begun.MapControl != m.run.MapControl && !m.updated {
		m.control(begun.MapControl)
	}
	m.past[ofItems].last, m.past[ofChildren].last = begun.Items, begun.Children
	m.mu.Unlock()
	if m.task.spec.Writer != nil {
		m.results = newResultWriter(m)
	}
	if m.run.Express {
		m.kept = newKept(begun.Kept)
		m.results.resume(m.kept)
	}
	items, err := openItems(m.ctx, m.host, m.parent.info, m.task.spec)
	if err != nil {
		return nil, readerFault(err)
	}
	if l, ok := items.(*listSource); ok {
		m.mu.Lock()
		m.known = int64(len(l.items))
		m.mu.Unlock()
	}
	source := m.childrenOf(items)
	more, err := m.produce(source)
	if err != nil || !more {
		source.items.close()
		return nil, err
	}
	return source, nil
}

// runFault is an error of a Map run by its name.
type runFault struct{ name, cause string }

func (e *runFault) Error() string { return e.name + ": " + e.cause }

// missing is the fault of a Map run that needs what is not implemented. No Catch
// of States.ALL takes it for a result.
func missing(feature string) error { return &runFault{errRuntime, "not implemented: " + feature} }

// readerFault is an error of the ItemReader.
func readerFault(err error) error {
	var known *runFault
	if errors.As(err, &known) {
		return known
	}
	return &runFault{errReader, err.Error()}
}

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

// produce begins a child for every item or batch. more: the Map run was over
// before all were read.
func (m *mapRunner) produce(source *childSource) (more bool, err error) {
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
				if err := m.insist(func() error { return m.host.BeginChild(m.ctx, s.child) }); err != nil {
					once.Do(func() { failed = err })
					if errors.Is(err, ErrNoExecution) {
						m.abandon()
					}
					m.childEnded(s.child.Index, Result{Status: Aborted, At: m.r.clock.Now()})
				}
				s.done()
			}
		})
	}
	for {
		var c Child
		if c, err = source.next(); err != nil {
			break
		}
		if m.kept.has(c.Index) {
			m.keepChild(c)
		} else if more = !m.admit(c); more {
			source.back = &c
			break
		} else {
			begin <- start{c, m.clock.Busy()}
		}
	}
	close(begin)
	wg.Wait()
	if err == io.EOF {
		err = nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && failed != nil && m.err == nil && m.ctx.Err() == nil {
		err = failed
	}
	return more, err
}

// admit waits for a place for the child; false: the Map run is over.
func (m *mapRunner) admit(c Child) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.err == nil && m.ctx.Err() == nil && (int64(len(m.open)+m.writing) >= m.most() || m.writing >= mostWriting) {
		m.pause()
	}
	if m.err != nil || m.ctx.Err() != nil {
		return false
	}
	m.open[c.Index] = c
	m.reach(c)
	return true
}

func (m *mapRunner) most() int64 {
	if n := m.run.MaxConcurrency; n > 0 && n < mostChildren {
		return n
	}
	return mostChildren
}

// childEnded counts an ended child and keeps its result; false: it is none of this
// drive's.
func (m *mapRunner) childEnded(index int64, r Result) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.open[index]
	if !ok {
		return false
	}
	delete(m.open, index)
	m.tally(c, r)
	m.noteDue = m.noteDue || m.children.ended()%noteEvery == 0
	if r.Before && r.Status == Succeeded {
		m.keep(c)
	}
	if m.results != nil {
		m.writing++
		m.mu.Unlock()
		m.results.add(c, r)
		m.mu.Lock()
		m.writing--
	} else if r.Status == Succeeded {
		out := r.Output
		if m.task.spec.Shape == whole {
			out = value.Text(entry(c, r))
		}
		m.output(index, out)
	}
	m.kept.ended(index, r.Status)
	m.judge()
	m.wake()
	return true
}

// output keeps the output of a child; m.mu is held.
func (m *mapRunner) output(index int64, text json.RawMessage) {
	m.outputs[index] = text
	m.size += len(text) + 1
	if m.size+1 > m.parent.limits.data && m.err == nil {
		m.err = failureFrom(tooLarge(m.task.State))
	}
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
// share counts once the number of items is known. A limit of 0 beside another one
// is none.
func (m *mapRunner) judge() {
	failed := m.items.Failed + m.items.TimedOut + m.items.Aborted
	if m.err != nil || failed == 0 {
		return
	}
	byCount := m.count != nil && *m.count > 0
	byShare := m.percent != nil && *m.percent > 0
	over := !byCount && !byShare
	over = over || byCount && failed > *m.count
	over = over || byShare && (m.read || m.known > 0) && float64(failed)*100/float64(max(m.items.Total, m.known)) > *m.percent
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
	if s == Running && m.run.Redrives > 0 {
		i, c := &m.past[ofItems], &m.past[ofChildren]
		p.Items, p.Children = i.shown(p.Items), c.shown(p.Children)
	}
	if f != nil {
		p.Error, p.Cause = f.Error, f.Cause
	}
	return p
}

func (m *mapRunner) note(p MapProgress) error { return m.host.NoteMapRun(m.r.ctx, p) }
