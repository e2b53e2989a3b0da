package cloudformation

import (
	"context"
	"slices"

	"stepwell/internal/service/cloudformation/resource"
)

// remove deletes a resource and every version of it, or keeps it as its
// DeletionPolicy says. It says whether it is gone.
func (r *run) remove(h *hold, name string, creating bool) bool {
	rec := r.current(name)
	if !r.sweepAll(h, rec) {
		return false
	}
	if r.retained(rec, creating) {
		rec.Status, rec.Reason, rec.Doing = "DELETE_SKIPPED", "", ""
		return r.write(rec, event{Status: rec.Status})
	}
	if rec.PhysicalID == "" {
		rec.Status, rec.Reason, rec.Doing = "DELETE_COMPLETE", "", ""
		return r.write(rec, event{Status: rec.Status})
	}
	again := rec.Doing == "delete" && rec.Operation == r.stack.Operation.ID
	rec.Operation, rec.Doing, rec.Status, rec.Reason = r.stack.Operation.ID, "delete", "DELETE_IN_PROGRESS", ""
	if !r.write(rec, event{Status: rec.Status}) {
		return false
	}
	err := r.unmake(h, rec, again)
	if r.ctx.Err() != nil {
		return false
	}
	rec.Doing = ""
	if err != nil {
		if r.stack.Operation.Force {
			rec.Status, rec.Reason = "DELETE_SKIPPED", r.s.reason(rec.Type, err)
			return r.write(rec, event{Status: rec.Status, Reason: rec.Reason})
		}
		rec.Status, rec.Reason = "DELETE_FAILED", r.s.reason(rec.Type, err)
		r.write(rec, event{Status: rec.Status, Reason: rec.Reason})
		return false
	}
	rec.Status, rec.Reason = "DELETE_COMPLETE", ""
	return r.write(rec, event{Status: rec.Status})
}

// retained says whether the deletion of a resource leaves it where it is.
func (r *run) retained(rec *record, creating bool) bool {
	op := &r.stack.Operation
	switch {
	case slices.Contains(op.Retain, rec.LogicalID):
		return true
	case rec.OnDelete == "Retain":
		return !(creating && op.RetainExceptOnCreate)
	case rec.OnDelete == "RetainExceptOnCreate":
		return !creating
	}
	return false
}

func (r *run) unmake(h *hold, rec *record, again bool) error {
	_, err := r.try(h, rec, nil, again, true, func(ctx context.Context, t *resource.Type, q *resource.Request) (*resource.Made, error) {
		return nil, t.Delete(ctx, q)
	})
	return err
}

// sweepAll deletes, when a resource goes, the versions of it that updates have
// left.
func (r *run) sweepAll(h *hold, rec *record) bool {
	list := rec.Leftovers
	if b := rec.Before; b != nil && b.PhysicalID != rec.PhysicalID && b.PhysicalID != "" {
		list = append(slices.Clone(list), *b)
	}
	for _, v := range list {
		if v.PhysicalID != rec.PhysicalID && !r.sweepOne(h, rec, v) {
			return false
		}
	}
	rec.Leftovers = nil
	if rec.Before != nil && rec.Before.PhysicalID != rec.PhysicalID {
		rec.Before = nil
	}
	return true
}

// sweep deletes what an operation has left of a resource that stays.
func (r *run) sweep(h *hold, name string) {
	rec := r.current(name)
	list := slices.Clone(rec.Leftovers)
	if b := rec.Before; b != nil && !rec.Back && b.PhysicalID != rec.PhysicalID {
		list = append(list, *b)
	}
	for _, v := range list {
		if v.PhysicalID != rec.PhysicalID {
			r.sweepOne(h, rec, v)
		}
	}
}

// sweepOne deletes a version of a resource that another has replaced.
func (r *run) sweepOne(h *hold, rec *record, v version) bool {
	old := &record{LogicalID: rec.LogicalID, version: v}
	status := event{Status: "DELETE_SKIPPED", PhysicalID: v.PhysicalID}
	if v.OnReplace == "Retain" && !rec.Back {
		return r.note(rec, status)
	}
	status.Status = "DELETE_IN_PROGRESS"
	if !r.note(rec, status) {
		return false
	}
	err := r.unmake(h, old, true)
	if r.ctx.Err() != nil {
		return false
	}
	status.Status = "DELETE_COMPLETE"
	if err != nil {
		status.Status, status.Reason = "DELETE_FAILED", r.s.reason(v.Type, err)
	}
	return r.note(rec, status) && err == nil
}

// note adds an event of a resource whose record stays as it is.
func (r *run) note(rec *record, e event) bool { return r.write(new(*rec), e) }
