package cloudformation

import (
	"context"
	"strings"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// DeleteStack deletes a stack and its resources.
func (s *Service) DeleteStack(ctx context.Context, in *api.DeleteStackInput) (*api.DeleteStackOutput, error) {
	arn := ""
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		st, err := find(tx, bus.From(ctx), *in.StackName)
		if err != nil || st == nil || st.Deleted != nil {
			return err // what is not there is deleted
		}
		arn = st.ARN
		if in.RoleARN != nil {
			st.RoleARN = *in.RoleARN
		}
		return s.deletion(tx, st, in)
	})
	if arn != "" {
		err = s.linger(ctx, arn, err)
	}
	return &api.DeleteStackOutput{}, err
}

func (s *Service) deletion(tx *store.Tx, st *stack, in *api.DeleteStackInput) error {
	op := operation{Kind: "delete", Token: value(in.ClientRequestToken), Retain: in.RetainResources, Force: value(in.DeletionMode) == "FORCE_DELETE_STACK"}
	switch {
	case st.Protected:
		return invalid("Stack [%s] cannot be deleted while TerminationProtection is enabled", st.Name)
	case st.Status == "DELETE_IN_PROGRESS":
		return nil
	case st.Status == "CREATE_IN_PROGRESS":
		st.Operation.Interrupt = "delete"
		tx.AfterCommit(func() { s.interrupt(st.ID) })
		return st.put(tx)
	case strings.HasSuffix(st.Status, "_IN_PROGRESS") && st.Status != "REVIEW_IN_PROGRESS":
		return invalid("Stack [%s] cannot be deleted while in status %s", st.Name, st.Status)
	case len(in.RetainResources) > 0 && st.Status != "DELETE_FAILED":
		return invalid("Stack [%s] is not in a valid state to retain resources: RetainResources can be specified for stacks in DELETE_FAILED state only", st.Name)
	}
	list, err := exportsOf(tx, st)
	if err != nil {
		return err
	}
	for _, x := range list {
		users, err := importers(tx, st, x.Name)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return invalid("Export %s cannot be deleted as it is in use by %s", x.Name, strings.Join(users, ", "))
		}
	}
	if err := s.outdated(tx, st); err != nil {
		return err
	}
	st.Operation = op
	return s.start(tx, st, "DELETE_IN_PROGRESS", "User Initiated")
}

// outdated forgets the stack's change sets, and stacks that were deleted long ago.
func (s *Service) outdated(tx *store.Tx, st *stack) error {
	if err := changes.DeleteAll(tx, st.Account, st.Region, st.ID); err != nil {
		return err
	}
	all, err := stacks.List(tx, st.Account, st.Region)
	if err != nil {
		return err
	}
	for _, old := range all {
		if old.Deleted == nil || s.Clock.Now().Sub(*old.Deleted) < forgotten {
			continue
		}
		if _, err := stacks.Delete(tx, old.Account, old.Region, old.ID); err != nil {
			return err
		}
		if err := resources.DeleteAll(tx, old.ID); err != nil {
			return err
		}
		if err := templates.DeleteAll(tx, old.ID); err != nil {
			return err
		}
		if err := tx.DropStream(events(old.ID)); err != nil {
			return err
		}
	}
	return nil
}

// UpdateTerminationProtection protects a stack from DeleteStack, or no longer.
func (s *Service) UpdateTerminationProtection(ctx context.Context, in *api.UpdateTerminationProtectionInput) (*api.UpdateTerminationProtectionOutput, error) {
	out := &api.UpdateTerminationProtectionOutput{}
	return out, s.changeStack(ctx, *in.StackName, noStackErr, func(_ *store.Tx, st *stack) error {
		if st.ParentID != "" {
			return invalid("Termination protection cannot be changed on nested stacks. Change it on the root stack.")
		}
		st.Protected, out.StackId = *in.EnableTerminationProtection, &st.ARN
		return nil
	})
}
