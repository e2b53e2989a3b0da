package cloudformation

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"stepwell/internal/awserr"
	"stepwell/internal/clock"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
)

// errCancelled ends a wait that the failure of another resource makes pointless.
var errCancelled = errors.New("Resource creation cancelled")

// apply brings a resource to what the template says: it makes it, changes it,
// makes another in its place, or leaves it alone. It says whether the resources
// that need it can go on.
func (r *run) apply(h *hold, name string) bool {
	rec := r.current(name)
	if rec.Operation == r.stack.Operation.ID {
		switch rec.Doing {
		case "create":
			return r.make(h, rec, true)
		case "update":
			return r.modify(h, rec, true)
		}
		return !failed(rec.Status)
	}
	next, shown, err := r.wanted(r.template.Resource(name))
	switch {
	case err != nil:
		return r.fail(rec, err)
	case rec.PhysicalID == "" || rec.Status == "CREATE_FAILED":
		return r.beginMake(h, rec, next, shown)
	}
	return r.adapt(h, rec, next, shown)
}

// current is a copy of a resource's record; of one that is not there yet, what it
// begins with.
func (r *run) current(name string) *record {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rec := r.records[name]; rec != nil {
		return new(*rec)
	}
	return &record{LogicalID: name, Fresh: true}
}

// write keeps a record and the events that say what happened to it.
func (r *run) write(rec *record, list ...event) bool {
	rec.At = r.s.Clock.Now()
	err := r.s.Store.Keep(r.ctx, func(tx *store.Tx) error {
		for _, e := range list {
			e.LogicalID, e.Type = rec.LogicalID, rec.Type
			if e.PhysicalID == "" {
				e.PhysicalID = rec.PhysicalID
			}
			if err := r.s.record(tx, r.stack, e); err != nil {
				return err
			}
		}
		return r.s.keep(tx, r.stack, rec)
	})
	if err != nil {
		r.s.Log.Error("cannot record what became of a resource", "stack", r.stack.ARN, "resource", rec.LogicalID, "error", err)
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records[rec.LogicalID] = rec
	return true
}

// token is what generated names end in: 13 letters and digits.
func token() string {
	b := make([]byte, 9)
	rand.Read(b) // never fails: crypto/rand documents it
	return base32.StdEncoding.EncodeToString(b)[:13]
}

// beginMake records that a resource is about to be made, and makes it.
func (r *run) beginMake(h *hold, rec *record, next version, shown string) bool {
	if rec.PhysicalID != "" {
		rec.Leftovers = append(slices.Clone(rec.Leftovers), rec.version)
	}
	rec.version = next
	rec.Token, rec.PhysicalID, rec.Attributes = token(), "", nil
	rec.Operation, rec.Doing, rec.Back, rec.Fresh = r.stack.Operation.ID, "create", false, rec.Before == nil
	rec.Status, rec.Reason = "CREATE_IN_PROGRESS", ""
	if !r.write(rec, event{Status: rec.Status, Properties: shown}) {
		return false
	}
	return r.make(h, rec, false)
}

// make makes a resource that is recorded as begun.
func (r *run) make(h *hold, rec *record, again bool) bool {
	made, err := r.try(h, rec, nil, again, false, func(ctx context.Context, t *resource.Type, q *resource.Request) (*resource.Made, error) {
		return t.Create(ctx, q)
	})
	if r.ctx.Err() != nil {
		return false // the next server asks again
	}
	verb := "CREATE"
	if rec.Before != nil {
		verb = "UPDATE"
	}
	rec.Doing = ""
	if made != nil {
		rec.PhysicalID, rec.Attributes = made.ID, made.Attributes
	}
	if err != nil {
		return r.failed(rec, verb, err)
	}
	rec.Status, rec.Reason = verb+"_COMPLETE", ""
	return r.write(rec, event{Status: verb + "_IN_PROGRESS", Reason: "Resource creation Initiated"}, event{Status: rec.Status})
}

// fail records that a resource failed before anything was done.
func (r *run) fail(rec *record, err error) bool {
	rec.Operation, rec.Doing = r.stack.Operation.ID, ""
	verb := "UPDATE"
	if rec.PhysicalID == "" && rec.Before == nil {
		verb = "CREATE"
		rec.Type = r.template.Resource(rec.LogicalID).Type
	}
	return r.failed(rec, verb, err)
}

func (r *run) failed(rec *record, verb string, err error) bool {
	rec.Status, rec.Reason = verb+"_FAILED", r.s.reason(rec.Type, err)
	if errors.Is(err, errCancelled) && verb == "UPDATE" {
		rec.Reason = "Resource update cancelled"
	}
	r.write(rec, event{Status: rec.Status, Reason: rec.Reason})
	r.halt()
	return false
}

// adapt changes a resource that is there as far as it differs from next.
func (r *run) adapt(h *hold, rec *record, next version, shown string) bool {
	typ := r.s.typeOf(rec.Type)
	how := r.compare(typ, rec, &next)
	if how == same && failed(rec.Status) { // of an operation that was not rolled back: it is tried again
		if how = inPlace; typ.Update == nil {
			how = replace
		}
	}
	if how == same {
		if rec.OnDelete == next.OnDelete && rec.OnReplace == next.OnReplace && slices.Equal(rec.Needs, next.Needs) && resource.Equal(plainMap(rec.Metadata), plainMap(next.Metadata)) {
			return true
		}
		r.before(rec)
		rec.OnDelete, rec.OnReplace, rec.Needs, rec.Metadata = next.OnDelete, next.OnReplace, next.Needs, next.Metadata
		rec.Operation, rec.Back = r.stack.Operation.ID, false
		return r.write(rec)
	}
	if err := r.permitted(rec.LogicalID, rec.Type, how); err != nil {
		return r.fail(rec, err)
	}
	r.before(rec)
	physical, attributes, replaced := rec.PhysicalID, rec.Attributes, rec.version
	next.Token = rec.Token
	rec.version = next
	rec.Operation, rec.Back, rec.Status, rec.Reason = r.stack.Operation.ID, false, "UPDATE_IN_PROGRESS", ""
	if how == replace {
		if rec.Before != nil && rec.Before.PhysicalID != physical || rec.Fresh {
			rec.Leftovers = append(slices.Clone(rec.Leftovers), replaced)
		}
		rec.Token, rec.Doing = token(), "create"
		rec.Reason = "Requested update requires the creation of a new physical resource; hence creating one."
		if !r.write(rec, event{Status: rec.Status, Reason: rec.Reason, Properties: shown, PhysicalID: physical}) {
			return false
		}
		return r.make(h, rec, false)
	}
	rec.PhysicalID, rec.Attributes, rec.Doing = physical, attributes, "update"
	if !r.write(rec, event{Status: rec.Status, Properties: shown}) {
		return false
	}
	return r.modify(h, rec, false)
}

// before remembers what a resource was when the stack was last whole.
func (r *run) before(rec *record) {
	if rec.Before == nil && !rec.Fresh {
		rec.Before = new(rec.version)
	}
}

// modify changes a resource in place that is recorded as begun.
func (r *run) modify(h *hold, rec *record, again bool) bool {
	old := rec.Before
	if old == nil {
		old = &rec.version
	}
	made, err := r.try(h, rec, old, again, false, func(ctx context.Context, t *resource.Type, q *resource.Request) (*resource.Made, error) {
		return t.Update(ctx, q)
	})
	if r.ctx.Err() != nil {
		return false
	}
	rec.Doing = ""
	if made != nil {
		rec.PhysicalID, rec.Attributes = made.ID, made.Attributes
	}
	if err != nil {
		return r.failed(rec, "UPDATE", err)
	}
	rec.Status, rec.Reason = "UPDATE_COMPLETE", ""
	return r.write(rec, event{Status: rec.Status})
}

// back brings a resource that an update has touched back to what it was before.
func (r *run) back(h *hold, name string) bool {
	rec := r.current(name)
	tried, old := rec.version, *rec.Before
	typ := r.s.typeOf(rec.Type)
	if slices.Contains(r.stack.Operation.Skip, name) {
		rec.version, rec.Back, rec.Status, rec.Reason = old, true, "UPDATE_COMPLETE", ""
		return r.write(rec, event{Status: rec.Status, Reason: "Resource update was skipped during rollback."})
	}
	if tried.PhysicalID != old.PhysicalID {
		if tried.PhysicalID != "" && !slices.ContainsFunc(rec.Leftovers, func(v version) bool { return v.PhysicalID == tried.PhysicalID }) {
			rec.Leftovers = append(slices.Clone(rec.Leftovers), tried)
		}
		if !open(typ) || tried.PhysicalID == "" {
			rec.version, rec.Back, rec.Status, rec.Reason = old, true, "UPDATE_COMPLETE", ""
			return r.write(rec, event{Status: "UPDATE_COMPLETE"})
		}
	}
	if r.compare(typ, &record{version: tried}, &old) == same && !failed(rec.Status) && tried.PhysicalID == old.PhysicalID {
		rec.version, rec.Back = old, true
		return r.write(rec)
	}
	again := rec.Doing == "back"
	rec.Doing, rec.Status, rec.Reason = "back", "UPDATE_IN_PROGRESS", ""
	if !r.write(rec, event{Status: rec.Status}) {
		return false
	}
	target := &record{LogicalID: name, version: old}
	target.PhysicalID, target.Attributes = tried.PhysicalID, tried.Attributes
	made, err := r.try(h, target, &tried, again, false, func(ctx context.Context, t *resource.Type, q *resource.Request) (*resource.Made, error) {
		return t.Update(ctx, q)
	})
	if r.ctx.Err() != nil {
		return false
	}
	rec.Doing = ""
	if err != nil {
		rec.Status, rec.Reason = "UPDATE_FAILED", r.s.reason(rec.Type, err)
		r.write(rec, event{Status: rec.Status, Reason: rec.Reason})
		return false
	}
	rec.version, rec.Back, rec.Status = old, true, "UPDATE_COMPLETE"
	if made != nil {
		rec.PhysicalID, rec.Attributes = made.ID, made.Attributes
	}
	return r.write(rec, event{Status: rec.Status})
}

// difference is how far a resource is from what it shall be.
type difference uint8

const (
	same difference = iota
	inPlace
	replace
)

// compare says what a change of properties asks for.
func (r *run) compare(typ *resource.Type, rec *record, next *version) difference {
	var changed []string
	for name := range union(rec.Properties, next.Properties) {
		if !resource.Equal(rec.Properties[name], next.Properties[name]) {
			changed = append(changed, name)
		}
	}
	q := &resource.Request{Properties: next.Properties, Old: rec.Properties, ID: rec.PhysicalID, Attributes: rec.Attributes, StackName: r.stack.Name, LogicalID: rec.LogicalID, Token: rec.Token}
	switch {
	case len(changed) == 0:
		retagged := slices.Contains(typ.Optional, "Tags") && !resource.Equal(plainMap(rec.Tags), plainMap(next.Tags))
		if typ.Update != nil && (retagged || typ.Name == stackType) {
			return inPlace
		}
		return same
	case typ.Update == nil, slices.ContainsFunc(changed, func(n string) bool { return slices.Contains(typ.Replacement, n) }), typ.Replaces != nil && typ.Replaces(q):
		return replace
	}
	return inPlace
}

func plainMap(p properties) map[string]any {
	if p == nil {
		return map[string]any{}
	}
	return p
}

func union(a, b properties) map[string]bool {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}

// try asks a resource's type for something, with what it may need to know. What
// is to be deleted need not have properties that can be resolved.
func (r *run) try(h *hold, rec *record, old *version, again, deleting bool, do func(context.Context, *resource.Type, *resource.Request) (*resource.Made, error)) (made *resource.Made, err error) {
	defer func() {
		if p := recover(); p != nil {
			made, err = nil, fmt.Errorf("Internal Failure: %v", p)
			r.s.Log.Error("a resource type panicked", "type", rec.Type, "panic", p)
		}
	}()
	typ := r.s.typeOf(rec.Type)
	q, err := r.request(h, rec, old, again)
	if err == nil {
		err = check(typ, rec.LogicalID, rec.Properties)
	}
	if err != nil && !deleting {
		return nil, err
	}
	ctx := context.WithValue(r.ctx, askedKey{}, &asked{run: r, hold: h, record: rec})
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		made, err = do(ctx, typ, q)
		if e := awserr.From(err); e == nil || e.Code != "ServiceUnavailable" {
			return made, err
		}
		select { // the state file cannot be written: nothing has happened yet
		case <-time.After(pause):
			q.Again = true
		case <-r.ctx.Done():
			return made, err
		}
	}
}

// asked is what the types of this package know beyond a Request.
type asked struct {
	run    *run
	hold   *hold
	record *record
}

type askedKey struct{}

// request makes a Request for what rec shall be; old is what it is in an update.
func (r *run) request(h *hold, rec *record, old *version, again bool) (*resource.Request, error) {
	q := &resource.Request{
		Bus: r.s.Bus, Clock: pausing{r.s.Clock, h}, StackName: r.stack.Name, StackID: r.stack.ARN, LogicalID: rec.LogicalID,
		Tags: r.tags(rec.LogicalID, rec.Tags), ID: rec.PhysicalID, Attributes: rec.Attributes, Token: rec.Token, Again: again,
	}
	if old != nil {
		q.OldTags = r.tags(rec.LogicalID, old.Tags)
		var err error
		if q.Old, err = r.resolved(old.Properties); err != nil {
			q.Old = old.Properties // what a reference stood for is no more
		}
	}
	var err error
	if q.Properties, err = r.resolved(rec.Properties); err != nil {
		q.Properties = rec.Properties
	}
	return q, err
}

// tags are those that every resource of the stack gets.
func (r *run) tags(logical string, stack properties) map[string]string {
	tags := map[string]string{
		"aws:cloudformation:stack-name": r.stack.Name, "aws:cloudformation:stack-id": r.stack.ARN, "aws:cloudformation:logical-id": logical,
	}
	for k, v := range stack {
		tags[k], _ = resource.Text(v)
	}
	return tags
}

// check holds properties to what their type has.
func check(typ *resource.Type, logical string, p properties) error {
	if open(typ) {
		return nil
	}
	var wrong []string
	for _, name := range typ.Required {
		if _, ok := p[name]; !ok {
			wrong = append(wrong, fmt.Sprintf("#: required key [%s] not found", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		switch {
		case slices.Contains(typ.Refused, name):
			return awserr.NotImplemented(typ.Name + " property " + name)
		case !slices.Contains(typ.Required, name) && !slices.Contains(typ.Optional, name):
			wrong = append(wrong, fmt.Sprintf("#: extraneous key [%s] is not permitted", name))
		}
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("Properties validation failed for resource %s with message:\n%s", logical, strings.Join(wrong, "\n"))
}

// pausing is a clock whose sleepers let time skip.
type pausing struct {
	clock.Clock
	hold *hold
}

func (p pausing) Sleep(ctx context.Context, d time.Duration) error {
	t := p.Clock.NewTimer(d)
	defer t.Stop()
	p.hold.release()
	defer p.hold.take()
	select {
	case <-t.C():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
