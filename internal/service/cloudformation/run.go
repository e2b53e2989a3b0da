package cloudformation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/cfn"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// run is an operation on a stack that this process is at.
type run struct {
	s        *Service
	ctx      context.Context
	stack    *stack // as it was last written; only its own goroutine changes it
	template *cfn.Template
	unread   error // why template is nil; it is needed to make and change, not to delete
	hold     *hold

	mu      sync.Mutex // guards what follows
	records map[string]*record
	env     *cfn.Env
	eval    *cfn.Evaluator
	masked  *cfn.Evaluator // with **** for NoEcho parameters; eval where there are none
	imports map[string]bool

	stop   chan struct{} // closed: no resource is begun, and waits for users' code end
	halted sync.Once
}

// task is the task that does a stack's operation.
func (s *Service) task(st *stack) work.Task {
	return work.Task{Kind: Kind, ID: store.Key(st.ID, st.Operation.ID), Caller: caller(st),
		Payload: fmt.Appendf(nil, `{"Account":%q,"Region":%q,"ID":%q,"Operation":%q}`, st.Account, st.Region, st.ID, st.Operation.ID)}
}

// operate takes a stack through the phases of its operation. Each leaves the
// stack in a status that names the next one, so a kill repeats one phase at most.
func (s *Service) operate(ctx context.Context, t *work.Task) error {
	own := holding(s.Clock)
	work.Release(ctx)
	defer func() { own.release() }()
	r, err := s.begin(ctx, t, own)
	if err != nil || r == nil {
		return err
	}
	defer s.ended(r)
	defer r.timer().Stop()
	for {
		phase := r.phase()
		if phase == nil {
			return nil
		}
		if err := phase(); err != nil {
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
}

// phase is what the stack's status asks for; nil where the operation has ended.
func (r *run) phase() func() error {
	if kind, _, ok := strings.Cut(r.stack.Status, "_"); ok && r.unread != nil && (kind == "CREATE" || kind == "UPDATE") && strings.HasSuffix(r.stack.Status, "_IN_PROGRESS") {
		return func() error { return r.turn(kind+"_FAILED", r.s.reason(stackType, r.unread)) }
	}
	switch r.stack.Status {
	case "CREATE_IN_PROGRESS":
		return r.create
	case "ROLLBACK_IN_PROGRESS":
		return r.rollbackCreate
	case "DELETE_IN_PROGRESS":
		return r.delete
	case "UPDATE_IN_PROGRESS":
		return r.update
	case "UPDATE_ROLLBACK_IN_PROGRESS":
		return r.rollbackUpdate
	case "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
		return func() error { return r.cleanup("UPDATE_COMPLETE") }
	case "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS":
		return func() error { return r.cleanup("UPDATE_ROLLBACK_COMPLETE") }
	}
	return nil
}

// begin reads what the operation is about; nil where it is over.
func (s *Service) begin(ctx context.Context, t *work.Task, own *hold) (*run, error) {
	var key struct{ Account, Region, ID, Operation string }
	if err := decodeJSON(t.Payload, &key); err != nil {
		return nil, err
	}
	r := &run{s: s, hold: own, stop: make(chan struct{}), records: map[string]*record{}, imports: map[string]bool{}}
	var list []record
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		st, ok, err := stacks.Get(tx, key.Account, key.Region, key.ID)
		if err != nil || !ok || st.Operation.ID != key.Operation {
			return err
		}
		r.stack = &st
		list, err = resources.List(tx, st.ID)
		return err
	})
	if err != nil || r.stack == nil {
		return nil, err
	}
	r.ctx = bus.With(ctx, caller(r.stack))
	for i := range list {
		if err := s.unseal(&list[i]); err != nil {
			return nil, err
		}
		r.records[list[i].LogicalID] = &list[i]
	}
	if r.unread = r.load(); r.unread != nil && awserr.From(r.unread) == nil {
		return nil, r.unread
	}
	s.mu.Lock()
	s.runs[r.stack.ID] = r
	s.mu.Unlock()
	if r.stack.Operation.Interrupt != "" {
		r.halt()
	}
	return r, nil
}

func (s *Service) ended(r *run) {
	s.mu.Lock()
	delete(s.runs, r.stack.ID)
	s.mu.Unlock()
	s.wake(r.stack.ID)
}

// load makes the evaluator of the stack's Spec.
func (r *run) load() error {
	t, err := r.s.read(r.ctx, r.stack.ID, &r.stack.Spec)
	if err != nil {
		return fmt.Errorf("cannot read the template of stack %s again: %w", r.stack.Name, err)
	}
	env, err := r.s.env(r.stack, t, &r.stack.Spec)
	if err != nil {
		return err
	}
	env.Ref, env.GetAtt, env.Import = r.ref, r.attribute, r.importValue
	r.template, r.env, r.eval = t, env, t.Evaluator(env)
	r.masked = r.eval
	if len(r.stack.Spec.Hidden) > 0 {
		hidden := *env
		hidden.Parameters = maps.Clone(env.Parameters)
		for _, name := range r.stack.Spec.Hidden {
			hidden.Parameters[name] = "****"
		}
		r.masked = t.Evaluator(&hidden)
	}
	return nil
}

// halt lets no more resources begin in this phase.
func (r *run) halt() { r.halted.Do(func() { close(r.stop) }) }

// unhalted begins a phase that nothing breaks off.
func (r *run) unhalted() {
	r.s.mu.Lock() // Interrupt looks at stop
	defer r.s.mu.Unlock()
	r.stop, r.halted = make(chan struct{}), sync.Once{}
}

// timer breaks off a creation that takes longer than TimeoutInMinutes.
func (r *run) timer() interface{ Stop() bool } {
	if r.stack.TimeoutInMinutes == 0 || r.stack.Status != "CREATE_IN_PROGRESS" {
		return time.NewTimer(time.Hour)
	}
	due := r.stack.Operation.Started.Add(time.Duration(r.stack.TimeoutInMinutes) * time.Minute)
	st := *r.stack
	return r.s.Clock.AfterFunc(due.Sub(r.s.Clock.Now()), func() {
		err := r.s.Store.Keep(r.ctx, func(tx *store.Tx) error {
			now, ok, err := stacks.Get(tx, st.Account, st.Region, st.ID)
			if err != nil || !ok || now.Operation.ID != st.Operation.ID || now.Status != "CREATE_IN_PROGRESS" || now.Operation.Interrupt != "" {
				return err
			}
			now.Operation.Interrupt = "timeout"
			tx.AfterCommit(func() { r.s.interrupt(st.ID) })
			return now.put(tx)
		})
		if err != nil {
			r.s.Log.Error("cannot end a stack that takes too long", "stack", st.ARN, "error", err)
		}
	})
}

// interrupt lets the operation of a stack, if this process is at it, look at why
// it was broken off.
func (s *Service) interrupt(stackID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runs[stackID]; r != nil {
		r.halt()
	}
}

// change writes the stack: f gets it as it is now, for requests change it too.
func (r *run) change(f func(tx *store.Tx, st *stack) error) error {
	return r.s.Store.Keep(r.ctx, func(tx *store.Tx) error {
		st, ok, err := stacks.Get(tx, r.stack.Account, r.stack.Region, r.stack.ID)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("cannot find stack %s again", r.stack.ARN)
		}
		if err := f(tx, &st); err != nil {
			return err
		}
		r.stack = &st
		return st.put(tx)
	})
}

// turn gives the stack a status.
func (r *run) turn(status, reason string) error {
	return r.change(func(tx *store.Tx, st *stack) error { return r.s.turn(tx, st, status, reason) })
}

// names are the resources of the template whose conditions hold, in the order of
// the template, and whom each waits for.
func (r *run) names() (list []string, after map[string][]string, err error) {
	after = map[string][]string{}
	for _, res := range r.template.Resources {
		is, err := r.eval.Holds(res.Condition)
		if err != nil {
			return nil, nil, err
		}
		if is {
			list = append(list, res.Name)
			after[res.Name] = r.template.Needs(res)
		}
	}
	return list, after, nil
}

// with are the logical ids of the records that f says, sorted.
func (r *run) with(f func(*record) bool) (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, rec := range r.records {
		if f(rec) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// needs are the dependencies of the resources as they were made.
func (r *run) needs() map[string][]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	after := map[string][]string{}
	for name, rec := range r.records {
		after[name] = slices.Concat(rec.Needs, needsOf(rec.Before))
	}
	return after
}

func needsOf(v *version) []string {
	if v == nil {
		return nil
	}
	return v.Needs
}

// walkForward brings the resources of the template to what it says. What an
// earlier server had begun is ended first, even if the operation is broken off.
func (r *run) walkForward() error {
	list, after, err := r.names()
	if err != nil {
		return err
	}
	begun := r.with(func(rec *record) bool { return rec.Doing != "" && rec.Operation == r.stack.Operation.ID })
	if len(begun) > 0 {
		(&walk{names: begun, after: after, do: r.apply}).run(r.ctx, r.s.Clock, r.hold)
	}
	(&walk{names: list, after: after, do: r.apply, stop: r.stop}).run(r.ctx, r.s.Clock, r.hold)
	return context.Cause(r.ctx)
}

func failed(status string) bool { return strings.HasSuffix(status, "_FAILED") }

// failures are the resources whose last step in this operation failed, as the
// stack's reason lists them.
func (r *run) failures() []string {
	return r.with(func(rec *record) bool { return rec.Operation == r.stack.Operation.ID && failed(rec.Status) })
}

// why words what a stack's operation failed of.
func (r *run) why(verb string, names []string) string {
	return fmt.Sprintf("The following resource(s) failed to %s: [%s]. ", verb, strings.Join(names, ", "))
}
