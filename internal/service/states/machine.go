package states

import (
	"context"
	"encoding/json"

	api "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// getMachine reads the state machine that r names or belongs to.
func getMachine(tx *store.Tx, r resource) (machine, error) {
	m, ok, err := machines.Get(tx, r.Account, r.Region, r.Name)
	if err != nil {
		return m, err
	}
	if !ok {
		return m, noStateMachine(r.ARN)
	}
	return m, nil
}

// target is what a qualified or unqualified state machine ARN stands for.
type target struct {
	machine  machine
	revision string   // key
	version  *version // nil for the unqualified ARN
	alias    *alias   // nil unless the ARN names one
}

// getTarget finds what r stands for; an alias stands for the version that its
// routes give for dice, numbers in [0, 100).
func getTarget(tx *store.Tx, r resource, dice func() int64) (target, error) {
	m, err := getMachine(tx, r)
	if err != nil {
		return target{}, err
	}
	if r.Qualifier == "" {
		return target{machine: m, revision: m.Revision}, nil
	}
	t := target{machine: m}
	number, ok := versionNumber(r.Qualifier)
	if !ok {
		a, ok, err := aliases.Get(tx, m.Account, m.Region, m.Name, r.Qualifier)
		if err != nil {
			return target{}, err
		}
		if !ok {
			return target{}, noStateMachine(r.ARN)
		}
		t.alias, number = &a, a.pick(dice())
	}
	v, ok, err := versions.Get(tx, m.Account, m.Region, m.Name, versionKey(number))
	if err != nil {
		return target{}, err
	}
	if !ok {
		return target{}, noStateMachine(r.ARN)
	}
	t.revision, t.version = v.Revision, &v
	return t, nil
}

func getRevision(tx *store.Tx, account, region, key string) (revision, error) {
	rev, _, err := revisions.Get(tx, account, region, key)
	return rev, err
}

// loggingOf is the configuration that is kept for in: the defaults filled in.
func loggingOf(in *api.LoggingConfiguration) (*api.LoggingConfiguration, *awserr.Error) {
	out := &api.LoggingConfiguration{Level: new("OFF"), IncludeExecutionData: new(false)}
	if in == nil {
		return out, nil
	}
	if in.Level != nil {
		out.Level = in.Level
	}
	if in.IncludeExecutionData != nil {
		out.IncludeExecutionData = in.IncludeExecutionData
	}
	if len(in.Destinations) > 0 {
		out.Destinations = in.Destinations
	}
	if len(in.Destinations) > 1 || *out.Level != "OFF" && len(in.Destinations) == 0 {
		return nil, api.InvalidLoggingConfiguration("Invalid Logging Configuration: Must specify exactly one Log Destination.")
	}
	return out, nil
}

func tracingOf(in *api.TracingConfiguration) *api.TracingConfiguration {
	if in == nil || in.Enabled == nil {
		return &api.TracingConfiguration{Enabled: new(false)}
	}
	return in
}

// same reports whether two shapes say the same.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// removeMachine deletes a state machine with everything that belongs to it.
// None of its executions runs.
func (s *Service) removeMachine(tx *store.Tx, m machine) error {
	key := []string{m.Account, m.Region, m.Name}
	past, err := ended.List(tx, key...)
	if err != nil {
		return err
	}
	used := map[string]bool{m.Revision: true}
	for i := range past {
		used[past[i].Revision] = true
		if err := forget(tx, &past[i]); err != nil {
			return err
		}
	}
	published, err := versions.List(tx, key...)
	if err != nil {
		return err
	}
	for _, v := range published {
		used[v.Revision] = true
	}
	for rev := range used {
		if _, err := revisions.Delete(tx, m.Account, m.Region, rev); err != nil {
			return err
		}
	}
	if err := aliases.DeleteAll(tx, key...); err != nil {
		return err
	}
	if err := versions.DeleteAll(tx, key...); err != nil {
		return err
	}
	_, err = machines.Delete(tx, key...)
	return err
}

// isDeleting reports whether the machine waits for its last execution to end.
func (s *Service) isDeleting(arn string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deleting[arn]
}

func (s *Service) setDeleting(arn string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on {
		s.deleting[arn] = true
	} else {
		delete(s.deleting, arn)
	}
}

// finishDeleting removes m's machine where e was its last running execution
// and its deletion was asked for. It runs in the transaction that ends e.
func (s *Service) finishDeleting(tx *store.Tx, e *execution) error {
	left, _, err := running.Page(tx, "", 1, e.Account, e.Region, e.Machine)
	if err != nil || len(left) > 0 {
		return err
	}
	m, ok, err := machines.Get(tx, e.Account, e.Region, e.Machine)
	if err != nil || !ok || m.Status != deleting {
		return err
	}
	tx.AfterCommit(func() { s.setDeleting(m.ARN, false) })
	return s.removeMachine(tx, m)
}

// checkTags checks the tags a resource would have.
func checkTags(c bus.Caller, arn string, given, tags []api.Tag) *awserr.Error {
	for _, t := range given {
		if c.ReservedTag(value(t.Key)) {
			return validation(bus.ReservedTags)
		}
	}
	if len(tags) > 50 {
		return api.TooManyTags("Too many tags for resource: '%s'", arn).With("resourceName", arn)
	}
	return nil
}

// mergeTags adds tags to old ones; a later value of a key wins, in its first place.
func mergeTags(old, added []api.Tag) []api.Tag {
	return bus.MergeTags(append([]api.Tag{}, old...), added, func(t *api.Tag) *string { return new(value(t.Key)) })
}

// value is *p, or the zero value for an absent member.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// update runs f in a durable transaction and returns what it made.
func update[T any](ctx context.Context, s *store.Store, f func(*store.Tx) (T, error)) (out T, err error) {
	err = s.Update(ctx, func(tx *store.Tx) (err error) {
		out, err = f(tx)
		return err
	})
	return out, err
}

// keep is update that waits while the store cannot be written (store.Keep).
func keep[T any](ctx context.Context, s *store.Store, f func(*store.Tx) (T, error)) (out T, err error) {
	err = s.Keep(ctx, func(tx *store.Tx) (err error) {
		out, err = f(tx)
		return err
	})
	return out, err
}

// view runs f on what is durable and returns what it made.
func view[T any](ctx context.Context, s *store.Store, f func(*store.Tx) (T, error)) (out T, err error) {
	err = s.View(ctx, func(tx *store.Tx) (err error) {
		out, err = f(tx)
		return err
	})
	return out, err
}
