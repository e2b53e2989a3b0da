package cloudformation

import (
	"context"
	"slices"
	"strings"
	"time"

	"stepwell/internal/store"
)

// create makes the resources of a new stack.
func (r *run) create() error {
	if err := r.walkForward(); err != nil {
		return err
	}
	op := &r.stack.Operation
	if err := r.reread(); err != nil {
		return err
	}
	names, reason := r.failures(), ""
	switch {
	case op.Interrupt == "delete":
		return r.turn("DELETE_IN_PROGRESS", "User Initiated")
	case op.Interrupt == "timeout":
		reason = "Stack creation time exceeded the specified timeout. "
	case len(names) > 0:
		reason = r.why("create", names)
	default:
		why, err := r.finish("CREATE_COMPLETE")
		if why == "" || err != nil {
			return err
		}
		reason = strings.TrimSuffix(why, ".") + ". "
	}
	switch op.OnFailure {
	case "DO_NOTHING":
		return r.turn("CREATE_FAILED", reason)
	case "DELETE":
		return r.turn("DELETE_IN_PROGRESS", reason+"Delete requested by user.")
	}
	return r.turn("ROLLBACK_IN_PROGRESS", reason+"Rollback requested by user.")
}

// reread takes up what requests have changed of the stack meanwhile.
func (r *run) reread() error {
	return r.s.Store.View(r.ctx, func(tx *store.Tx) error {
		st, ok, err := stacks.Get(tx, r.stack.Account, r.stack.Region, r.stack.ID)
		if err == nil && ok {
			*r.stack = st
		}
		return err
	})
}

// finish gives the stack its outputs and exports, and the status, unless the
// operation has been broken off. reason is why it cannot.
func (r *run) finish(status string) (reason string, err error) {
	outputs, err := r.outputs()
	if err != nil {
		return err.Error(), context.Cause(r.ctx)
	}
	reason = ""
	err = r.change(func(tx *store.Tx, st *stack) error {
		if st.Operation.Interrupt != "" { // in the last moment: the phase looks again
			return nil
		}
		var err error
		if reason, err = r.s.publish(tx, st, outputs); reason != "" || err != nil {
			return err
		}
		if err := r.keepImports(tx, st); err != nil {
			return err
		}
		st.Outputs = outputs
		if status == "CREATE_COMPLETE" {
			if err := r.settle(tx, st); err != nil {
				return err
			}
		}
		return r.s.turn(tx, st, status, "")
	})
	return reason, err
}

// settle makes what the resources are what a rollback would come back to.
func (r *run) settle(tx *store.Tx, st *stack) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	st.Stable = nil
	for _, rec := range r.records {
		if rec.Before == nil && !rec.Fresh && rec.Leftovers == nil && !rec.Back {
			continue
		}
		rec.Before, rec.Fresh, rec.Leftovers, rec.Back = nil, false, nil, false
		if err := r.s.keep(tx, st, rec); err != nil {
			return err
		}
	}
	return nil
}

// rollbackCreate deletes what a creation that failed has made.
func (r *run) rollbackCreate() error {
	names, err := r.clear(true)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return r.turn("ROLLBACK_FAILED", r.why("delete", names))
	}
	return r.turn("ROLLBACK_COMPLETE", "")
}

// delete deletes the stack.
func (r *run) delete() error {
	names, err := r.clear(r.stack.Operation.Kind == "create")
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return r.turn("DELETE_FAILED", r.why("delete", names))
	}
	return r.change(func(tx *store.Tx, st *stack) error {
		if err := r.s.forget(tx, st); err != nil {
			return err
		}
		st.Deleted = new(r.s.Clock.Now())
		return r.s.turn(tx, st, "DELETE_COMPLETE", "")
	})
}

// clear deletes all resources, those that others need last, and gives the names
// of those that are left.
func (r *run) clear(creating bool) (left []string, err error) {
	r.unhalted()
	if err := r.endBegun(); err != nil {
		return nil, err
	}
	gone := func(rec *record) bool { return rec.Status == "DELETE_COMPLETE" || rec.Status == "DELETE_SKIPPED" }
	names := r.with(func(rec *record) bool { return !gone(rec) })
	do := func(h *hold, name string) bool { return r.remove(h, name, creating) }
	(&walk{names: names, after: reversed(r.needs()), do: do}).run(r.ctx, r.s.Clock, r.hold)
	if err := context.Cause(r.ctx); err != nil {
		return nil, err
	}
	return r.with(func(rec *record) bool { return failed(rec.Status) }), nil
}

// endBegun ends what an earlier server had begun to make, so that it can be
// deleted.
func (r *run) endBegun() error {
	begun := r.with(func(rec *record) bool {
		return rec.Operation == r.stack.Operation.ID && (rec.Doing == "create" || rec.Doing == "update")
	})
	if len(begun) == 0 {
		return nil
	}
	r.halt()
	(&walk{names: begun, do: r.apply}).run(r.ctx, r.s.Clock, r.hold)
	r.unhalted()
	return context.Cause(r.ctx)
}

// update brings the stack's resources from Stable to Spec.
func (r *run) update() error {
	if denied := r.removals(); denied != nil {
		return r.turnBack(denied.Error())
	}
	if err := r.walkForward(); err != nil {
		return err
	}
	if err := r.reread(); err != nil {
		return err
	}
	names, reason := r.failures(), ""
	switch {
	case r.stack.Operation.Interrupt == "cancel":
		return r.turnBack("User Initiated")
	case len(names) > 0:
		reason = r.why("update", names)
		if created := r.with(func(rec *record) bool { return rec.Operation == r.stack.Operation.ID && rec.Status == "CREATE_FAILED" }); len(created) > 0 {
			changed := slices.DeleteFunc(names, func(n string) bool { return slices.Contains(created, n) })
			reason = r.why("create", created)
			if len(changed) > 0 {
				reason += r.why("update", changed)
			}
		}
	default:
		why, err := r.finish("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
		if why == "" || err != nil {
			return err
		}
		reason = why
	}
	if r.stack.Operation.OnFailure == "DO_NOTHING" {
		return r.turn("UPDATE_FAILED", reason)
	}
	return r.turnBack(reason)
}

// removals says what the stack's policy has against the removal of the resources
// that the template no longer has.
func (r *run) removals() error {
	list, _, err := r.names()
	if err != nil {
		return err
	}
	for _, name := range r.with(func(rec *record) bool { return rec.PhysicalID != "" && !slices.Contains(list, rec.LogicalID) }) {
		if err := permitted(r.stack.Policy, name, r.current(name).Type, "Update:Delete"); err != nil {
			return err
		}
	}
	return nil
}

// turnBack begins the rollback of an update: the stack is again made from what it
// was.
func (r *run) turnBack(reason string) error {
	if r.stack.Stable == nil { // it was never whole
		return r.turn("ROLLBACK_IN_PROGRESS", reason)
	}
	err := r.change(func(tx *store.Tx, st *stack) error {
		st.Spec, st.Operation.Why = *st.Stable, reason
		return r.s.turn(tx, st, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
	})
	if err != nil {
		return err
	}
	return r.load()
}

// rollbackUpdate brings the resources that an update has touched back to what
// they were.
func (r *run) rollbackUpdate() error {
	r.unhalted()
	if err := r.endBegun(); err != nil {
		return err
	}
	touched := r.with(func(rec *record) bool { return rec.Before != nil && !rec.Back })
	after := map[string][]string{}
	r.mu.Lock()
	for _, name := range touched {
		after[name] = r.records[name].Before.Needs
	}
	r.mu.Unlock()
	(&walk{names: touched, after: after, do: r.back}).run(r.ctx, r.s.Clock, r.hold)
	if err := context.Cause(r.ctx); err != nil {
		return err
	}
	if names := r.with(func(rec *record) bool { return rec.Before != nil && !rec.Back && failed(rec.Status) }); len(names) > 0 {
		return r.turn("UPDATE_ROLLBACK_FAILED", r.why("update", names))
	}
	return r.turn("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "")
}

// cleanup deletes what the stack no longer has: resources that left the
// template and those that were replaced or, after a rollback, those that the
// update had made. What cannot be deleted stays behind: it does not fail the
// stack.
func (r *run) cleanup(status string) error {
	r.unhalted()
	back := status == "UPDATE_ROLLBACK_COMPLETE"
	list, _, err := r.names()
	if err != nil {
		return err
	}
	names := r.with(func(rec *record) bool {
		return !slices.Contains(list, rec.LogicalID) || len(rec.Leftovers) > 0 || back && rec.Fresh ||
			!back && rec.Before != nil && rec.Before.PhysicalID != rec.PhysicalID
	})
	do := func(h *hold, name string) bool {
		if !slices.Contains(list, name) || back && r.fresh(name) {
			r.remove(h, name, back && r.fresh(name))
			return true
		}
		r.sweep(h, name)
		return true
	}
	(&walk{names: names, after: reversed(r.needs()), do: do}).run(r.ctx, r.s.Clock, r.hold)
	if err := context.Cause(r.ctx); err != nil {
		return err
	}
	dropped := slices.DeleteFunc(names, func(n string) bool { return slices.Contains(list, n) && !(back && r.fresh(n)) })
	return r.change(func(tx *store.Tx, st *stack) error {
		for _, name := range dropped {
			if _, err := resources.Delete(tx, st.ID, name); err != nil {
				return err
			}
			r.drop(name)
		}
		if err := r.settle(tx, st); err != nil {
			return err
		}
		return r.s.turn(tx, st, status, "")
	})
}

func (r *run) drop(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.records, name)
}

func (r *run) fresh(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records[name].Fresh
}

// forgotten is how long a deleted stack can be described by its id.
const forgotten = 90 * 24 * time.Hour
