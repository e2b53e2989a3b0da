package cloudformation

import (
	"context"
	"maps"
	"slices"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/bus"
	"stepwell/internal/cfn"
	"stepwell/internal/store"
)

// UpdateStack changes a stack.
func (s *Service) UpdateStack(ctx context.Context, in *api.UpdateStackInput) (*api.UpdateStackOutput, error) {
	arn, err := s.update(ctx, in, nil)
	if err := s.linger(ctx, arn, err); err != nil {
		return nil, err
	}
	return &api.UpdateStackOutput{StackId: &arn}, nil
}

func (s *Service) update(ctx context.Context, in *api.UpdateStackInput, parent *parentage) (string, error) {
	if in.StackPolicyDuringUpdateBody != nil || in.StackPolicyDuringUpdateURL != nil {
		return "", unusable("not implemented: a stack policy during an update")
	}
	policy, err := s.policyText(ctx, in.StackPolicyBody, in.StackPolicyURL)
	if err != nil {
		return "", err
	}
	st, err := s.view(ctx, *in.StackName, func(n string) error { return noStack(n) })
	if err != nil {
		return "", err
	}
	if t := in.ClientRequestToken; t != nil && st.Operation.Token == *t && st.Operation.Kind == "update" {
		return st.ARN, nil
	}
	if st.Deleted != nil {
		return "", noStack(*in.StackName)
	}
	if err := updatable(st); err != nil {
		return "", err
	}
	p, err := s.plan(ctx, &wish{
		stack: st, source: source{in.TemplateBody, in.TemplateURL, value(in.UsePreviousTemplate)}, parameters: in.Parameters, capabilities: in.Capabilities,
		types: in.ResourceTypes, tags: in.Tags, notify: in.NotificationARNs, rollback: in.RollbackConfiguration,
	})
	if err != nil {
		return "", err
	}
	if p.lacks != "" {
		return "", insufficient(p.lacks)
	}
	if in.Tags == nil {
		p.spec.Tags = st.Spec.Tags
	}
	if in.NotificationARNs == nil {
		p.spec.NotificationARNs = st.Spec.NotificationARNs
	}
	changed, err := s.differs(ctx, st, p)
	if err != nil {
		return "", err
	}
	if !changed && policy == "" && !failed(st.Status) {
		return "", invalid("No updates are to be performed.")
	}
	role := value(in.RoleARN)
	if role == "" {
		role = st.RoleARN
	}
	op := operation{Kind: "update", Token: value(in.ClientRequestToken), OnFailure: onFailure(nil, in.DisableRollback), RetainExceptOnCreate: value(in.RetainExceptOnCreate)}
	if parent != nil {
		op.Parent, op.Previous = parent.operation, new(st.Spec)
	}
	return st.ARN, s.begun(ctx, st, p, op, func(now *stack) {
		now.RoleARN = role
		if policy != "" {
			now.Policy = policy
		}
	})
}

// begun starts an update of st to p, unless the stack has changed meanwhile.
func (s *Service) begun(ctx context.Context, st *stack, p *plan, op operation, more func(*stack)) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		now, ok, err := stacks.Get(tx, st.Account, st.Region, st.ID)
		if err != nil {
			return err
		}
		if !ok {
			return noStack(st.Name)
		}
		if err := updatable(&now); err != nil {
			return err
		}
		if err := p.keep(tx, st.ID); err != nil {
			return err
		}
		if now.Status == "CREATE_FAILED" {
			now.Stable = nil
		} else if now.Stable == nil {
			now.Stable = new(now.Spec)
		}
		now.Spec, now.Updated, now.Operation = p.spec, new(s.Clock.Now()), op
		more(&now)
		return s.start(tx, &now, "UPDATE_IN_PROGRESS", "User Initiated")
	})
}

// differs says whether a stack would be another one after an update.
func (s *Service) differs(ctx context.Context, st *stack, p *plan) (bool, error) {
	old := &st.Spec
	given, values, err := s.openSpec(old)
	if err != nil {
		return false, err
	}
	nextGiven, nextValues, err := s.openSpec(&p.spec)
	if err != nil {
		return false, err
	}
	if !maps.Equal(given, nextGiven) || !maps.Equal(values, nextValues) || !maps.Equal(old.Tags, p.spec.Tags) || !slices.Equal(old.NotificationARNs, p.spec.NotificationARNs) {
		return true, nil
	}
	if old.Template == p.spec.Template && maps.Equal(old.Includes, p.spec.Includes) && !hasNested(p) {
		return false, nil
	}
	list, outputs, err := s.compareSpecs(ctx, st, p)
	return len(list) > 0 || outputs, err
}

func hasNested(p *plan) bool {
	return slices.ContainsFunc(p.template.Resources, func(r *cfn.Resource) bool { return r.Type == stackType })
}

// CancelUpdateStack breaks off an update and rolls it back.
func (s *Service) CancelUpdateStack(ctx context.Context, in *api.CancelUpdateStackInput) (*api.CancelUpdateStackOutput, error) {
	err := s.changeStack(ctx, *in.StackName, noStackErr, func(tx *store.Tx, st *stack) error {
		if st.Status != "UPDATE_IN_PROGRESS" {
			return invalid("CancelUpdateStack cannot be called from current stack status")
		}
		st.Operation.Interrupt = "cancel"
		tx.AfterCommit(func() { s.interrupt(st.ID) })
		return nil
	})
	return &api.CancelUpdateStackOutput{}, err
}

func noStackErr(name string) error { return noStack(name) }

// changeStack runs f on a stack that is not deleted and keeps what it made of it.
func (s *Service) changeStack(ctx context.Context, name string, missing func(string) error, f func(tx *store.Tx, st *stack) error) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		st, err := live(tx, bus.From(ctx), name, missing)
		if err == nil {
			err = f(tx, st)
		}
		if err != nil {
			return err
		}
		return st.put(tx)
	})
}

// live finds a stack that is not deleted.
func live(tx *store.Tx, c bus.Caller, name string, missing func(string) error) (*stack, error) {
	st, err := find(tx, c, name)
	if err == nil && (st == nil || st.Deleted != nil) {
		err = missing(name)
	}
	return st, err
}

// ContinueUpdateRollback goes on with a rollback that failed.
func (s *Service) ContinueUpdateRollback(ctx context.Context, in *api.ContinueUpdateRollbackInput) (*api.ContinueUpdateRollbackOutput, error) {
	return &api.ContinueUpdateRollbackOutput{}, s.again(ctx, *in.StackName, in.RoleARN, func(tx *store.Tx, st *stack) (string, error) {
		if st.Status != "UPDATE_ROLLBACK_FAILED" {
			return "", invalid("Stack [%s] is not in UPDATE_ROLLBACK_FAILED state", st.Name)
		}
		for _, name := range in.ResourcesToSkip {
			rec, ok, err := resources.Get(tx, st.ID, name)
			if err != nil {
				return "", err
			}
			if !ok || !failed(rec.Status) {
				return "", invalid("The following resources to skip are not in UPDATE_FAILED state: [%s]", name)
			}
		}
		st.Operation = operation{Kind: "rollback", Token: value(in.ClientRequestToken), Skip: in.ResourcesToSkip}
		return "UPDATE_ROLLBACK_IN_PROGRESS", nil
	})
}

// RollbackStack takes a stack whose failed operation was not rolled back to what
// it was before.
func (s *Service) RollbackStack(ctx context.Context, in *api.RollbackStackInput) (*api.RollbackStackOutput, error) {
	out := &api.RollbackStackOutput{}
	return out, s.again(ctx, *in.StackName, in.RoleARN, func(_ *store.Tx, st *stack) (string, error) {
		out.StackId = &st.ARN
		op := operation{Kind: "rollback", Token: value(in.ClientRequestToken), RetainExceptOnCreate: value(in.RetainExceptOnCreate)}
		switch {
		case st.Status == "UPDATE_FAILED" && st.Stable != nil:
			st.Operation, st.Spec = op, *st.Stable
			return "UPDATE_ROLLBACK_IN_PROGRESS", nil
		case st.Status == "CREATE_FAILED", st.Status == "UPDATE_FAILED":
			st.Operation = op
			return "ROLLBACK_IN_PROGRESS", nil
		}
		return "", invalid("Stack:%s is in %s state and can not be rolled back.", st.ARN, st.Status)
	})
}

// again starts an operation that goes on with an earlier one.
func (s *Service) again(ctx context.Context, name string, role *string, f func(*store.Tx, *stack) (string, error)) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		st, err := live(tx, bus.From(ctx), name, noStackErr)
		if err != nil {
			return err
		}
		status, err := f(tx, st)
		if err != nil {
			return err
		}
		if role != nil {
			st.RoleARN = *role
		}
		return s.start(tx, st, status, "User Initiated")
	})
}
