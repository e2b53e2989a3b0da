package cloudformation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
)

// forever is longer than any operation of a nested stack.
const forever = 10 * 365 * 24 * time.Hour

// createNested makes a nested stack and waits for it. Its name is the same in
// every attempt.
func (s *Service) createNested(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	a := askedBy(ctx)
	name := r.Name("", 128)
	parameters, err := nestedParameters(r)
	if err != nil {
		return nil, err
	}
	arn := ""
	if r.Again {
		if st, err := s.view(ctx, name, func(string) error { return nil }); err == nil && st != nil {
			arn = st.ARN
		}
	}
	if arn == "" {
		in := &api.CreateStackInput{
			StackName: &name, TemplateURL: new(r.Text("TemplateURL")), Parameters: parameters, Capabilities: a.run.stack.Spec.Capabilities,
			Tags: nestedTags(r), NotificationARNs: nestedTopics(r), OnFailure: new("DO_NOTHING"), RoleARN: optional(a.run.stack.RoleARN),
		}
		if arn, err = s.create(ctx, in, s.parentage(a)); err != nil {
			return nil, err
		}
	}
	st, err := s.settled(ctx, a, arn, true)
	made := &resource.Made{ID: arn}
	if err != nil {
		return made, err
	}
	made.Attributes = outputsOf(st)
	if st.Status != "CREATE_COMPLETE" {
		return made, fmt.Errorf("Embedded stack %s was not successfully created: %s", arn, st.Reason)
	}
	return made, nil
}

func (s *Service) parentage(a *asked) *parentage {
	st := a.run.stack
	p := &parentage{id: st.ARN, root: st.RootID, operation: st.Operation.ID}
	if p.root == "" {
		p.root = st.ARN
	}
	return p
}

func outputsOf(st *stack) map[string]any {
	all := map[string]any{}
	for _, o := range st.Outputs {
		all["Outputs."+o.Key] = o.Value
	}
	return all
}

func nestedParameters(r *resource.Request) ([]api.Parameter, error) {
	given, ok := r.Properties["Parameters"].(map[string]any)
	if !ok && r.Properties["Parameters"] != nil {
		return nil, fmt.Errorf("Value of property Parameters must be an object")
	}
	var list []api.Parameter
	for _, k := range slices.Sorted(maps.Keys(given)) {
		list = append(list, api.Parameter{ParameterKey: &k, ParameterValue: new(strings.Join(resource.Texts(given[k]), ","))})
	}
	return list, nil
}

// nestedTags are the parent's tags and those of the property.
func nestedTags(r *resource.Request) []api.Tag {
	list := []api.Tag{}
	for _, t := range r.OwnTags() {
		m := t.(map[string]any)
		list = append(list, api.Tag{Key: new(m["Key"].(string)), Value: new(m["Value"].(string))})
	}
	return list
}

func nestedTopics(r *resource.Request) []string {
	if r.Properties["NotificationARNs"] == nil {
		return []string{}
	}
	return resource.Texts(r.Properties["NotificationARNs"])
}

// settled waits until no operation of a stack is under way.
func (s *Service) settled(ctx context.Context, a *asked, arn string, breakable bool) (st *stack, err error) {
	if !breakable {
		a = &asked{run: &run{stop: nil}, hold: a.hold, record: a.record}
	}
	parts := strings.Split(arn, "/")
	_, err = s.await(ctx, a, s.Clock, parts[len(parts)-1], forever, func() (bool, error) {
		if st, err = s.view(ctx, arn, func(n string) error { return noStackID(n) }); err != nil {
			return false, err
		}
		return !strings.HasSuffix(st.Status, "_IN_PROGRESS"), nil
	})
	return st, err
}

// updateNested changes a nested stack; in the rollback of its parent, it takes
// it back to what it was before the parent's operation.
func (s *Service) updateNested(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	a := askedBy(ctx)
	st, err := s.settled(ctx, a, r.ID, true)
	if err != nil {
		return nil, err
	}
	op := a.run.stack.Operation.ID
	switch {
	case a.run.stack.Status == "UPDATE_ROLLBACK_IN_PROGRESS":
		if st, err = s.restore(ctx, a, st); err != nil {
			return nil, err
		}
		return &resource.Made{ID: st.ARN, Attributes: outputsOf(st)}, nil
	case st.Operation.Parent != op:
		parameters, err := nestedParameters(r)
		if err != nil {
			return nil, err
		}
		_, err = s.update(ctx, &api.UpdateStackInput{
			StackName: &r.ID, TemplateURL: new(r.Text("TemplateURL")), Parameters: parameters, Capabilities: a.run.stack.Spec.Capabilities,
			Tags: nestedTags(r), NotificationARNs: nestedTopics(r), RoleARN: optional(a.run.stack.RoleARN),
		}, s.parentage(a))
		if err != nil && err.Error() != invalid("No updates are to be performed.").Error() {
			return nil, err
		}
		if st, err = s.settled(ctx, a, r.ID, true); err != nil {
			return nil, err
		}
	}
	made := &resource.Made{ID: st.ARN, Attributes: outputsOf(st)}
	if st.Operation.Parent == op && st.Status != "UPDATE_COMPLETE" {
		return made, fmt.Errorf("Embedded stack %s was not successfully updated. Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason: %s", st.ARN, st.Operation.Why)
	}
	return made, nil
}

// restore takes a nested stack back to what it was before its parent's
// operation changed it.
func (s *Service) restore(ctx context.Context, a *asked, st *stack) (*stack, error) {
	op := a.run.stack.Operation.ID
	back := op + "/back"
	if st.Operation.Parent == op && st.Status == "UPDATE_COMPLETE" && st.Operation.Previous != nil {
		err := s.again(ctx, st.ARN, nil, func(_ *store.Tx, now *stack) (string, error) {
			now.Stable, now.Spec = new(now.Spec), *now.Operation.Previous
			now.Operation = operation{Kind: "restore", Parent: back, OnFailure: "DO_NOTHING"}
			return "UPDATE_IN_PROGRESS", nil
		})
		if err != nil {
			return nil, err
		}
	}
	st, err := s.settled(bus.With(ctx, bus.From(ctx)), a, st.ARN, false)
	if err != nil {
		return nil, err
	}
	if st.Operation.Parent == back && st.Status != "UPDATE_COMPLETE" {
		return nil, fmt.Errorf("Embedded stack %s was not successfully updated. Currently in %s with reason: %s", st.ARN, st.Status, st.Reason)
	}
	return st, nil
}

func (s *Service) deleteNested(ctx context.Context, r *resource.Request) error {
	a := askedBy(ctx)
	_, err := s.DeleteStack(ctx, &api.DeleteStackInput{StackName: &r.ID, RoleARN: optional(a.run.stack.RoleARN)})
	if err != nil {
		return err
	}
	st, err := s.settled(ctx, a, r.ID, false)
	if resource.Is(err, "ValidationError") {
		return nil // it was never made
	}
	if err == nil && st.Status != "DELETE_COMPLETE" {
		err = fmt.Errorf("Embedded stack %s was not successfully deleted: %s", r.ID, st.Reason)
	}
	return err
}
