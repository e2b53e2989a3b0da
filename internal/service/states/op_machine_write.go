package states

import (
	"context"

	api "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) createStateMachine(ctx context.Context, in *api.CreateStateMachineInput) (*api.CreateStateMachineOutput, error) {
	m, rev, err := s.newMachine(ctx, in)
	if err != nil {
		return nil, err
	}
	return update(ctx, s.Store, func(tx *store.Tx) (*api.CreateStateMachineOutput, error) {
		old, ok, err := machines.Get(tx, m.Account, m.Region, m.Name)
		if err != nil {
			return nil, err
		}
		if ok {
			return s.createAgain(tx, old, m, rev, in)
		}
		out := &api.CreateStateMachineOutput{StateMachineArn: &m.ARN, CreationDate: &m.Created}
		if err := revisions.Put(tx, rev, m.Account, m.Region, m.Revision); err != nil {
			return nil, err
		}
		if value(in.Publish) {
			v, err := publish(tx, &m, in.VersionDescription, m.Created)
			if err != nil {
				return nil, err
			}
			out.StateMachineVersionArn = &v.ARN
		}
		return out, machines.Put(tx, m, m.Account, m.Region, m.Name)
	})
}

// newMachine checks a request and makes the records it asks for.
func (s *Service) newMachine(ctx context.Context, in *api.CreateStateMachineInput) (m machine, rev revision, err error) {
	if !validName(*in.Name) {
		return m, rev, invalidName(*in.Name)
	}
	if err := checkRole(*in.RoleArn); err != nil {
		return m, rev, err
	}
	if in.VersionDescription != nil && !value(in.Publish) {
		return m, rev, validation("Version description can only be set when publish is true")
	}
	logging, fault := loggingOf(in.LoggingConfiguration)
	if fault != nil {
		return m, rev, fault
	}
	kind := "STANDARD"
	if in.Type != nil {
		kind = *in.Type
	}
	caller, now := bus.From(ctx), millis(s.Clock.Now())
	m = machine{
		Account: caller.Account, Region: caller.Region, ARN: caller.ARN("states", kindMachine+":"+*in.Name), Name: *in.Name,
		Type: kind, Status: active, Created: now, Updated: now, NextVersion: 1, Tags: mergeTags(nil, in.Tags),
		Encryption: in.EncryptionConfiguration,
	}
	if err := checkTags(bus.From(ctx), m.ARN, in.Tags, m.Tags); err != nil {
		return m, rev, err
	}
	if err := s.checkDefinition(*in.Definition, kind); err != nil {
		return m, rev, err
	}
	m.Revision = s.IDs.UUID()
	rev = revision{
		Type: kind, Definition: *in.Definition, RoleARN: *in.RoleArn, Logging: logging,
		Tracing: tracingOf(in.TracingConfiguration), Created: now,
	}
	return m, rev, nil
}

// createAgain answers a request to create what is there. The request is
// idempotent where all but role and tags are the same (API reference,
// CreateStateMachine).
func (s *Service) createAgain(tx *store.Tx, old, m machine, rev revision, in *api.CreateStateMachineInput) (*api.CreateStateMachineOutput, error) {
	if old.Status == deleting {
		return nil, machineDeleting(old.ARN)
	}
	was, err := getRevision(tx, old.Account, old.Region, old.Revision)
	if err != nil {
		return nil, err
	}
	if was.Definition != rev.Definition || old.Type != m.Type || !same(was.Logging, rev.Logging) ||
		!same(was.Tracing, rev.Tracing) || !same(old.Encryption, m.Encryption) {
		return nil, machineExists(old.ARN)
	}
	out := &api.CreateStateMachineOutput{StateMachineArn: &old.ARN, CreationDate: &old.Created}
	v, err := versionOf(tx, old, old.Revision)
	if err != nil {
		return nil, err
	}
	if value(in.Publish) != (v != nil) || v != nil && value(v.Description) != value(in.VersionDescription) {
		return nil, machineExists(old.ARN)
	}
	if v != nil {
		out.StateMachineVersionArn = &v.ARN
	}
	return out, nil
}

func (s *Service) updateStateMachine(ctx context.Context, in *api.UpdateStateMachineInput) (*api.UpdateStateMachineOutput, error) {
	r, err := parseARN(ctx, *in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	changes := in.Definition != nil || in.RoleArn != nil || in.LoggingConfiguration != nil || in.TracingConfiguration != nil || in.EncryptionConfiguration != nil
	if !changes && !value(in.Publish) {
		return nil, api.MissingRequiredParameter("Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified")
	}
	if in.VersionDescription != nil && !value(in.Publish) {
		return nil, validation("Version description can only be set when publish is true")
	}
	if in.RoleArn != nil {
		if err := checkRole(*in.RoleArn); err != nil {
			return nil, err
		}
	}
	if in.Definition != nil {
		m, err := view(ctx, s.Store, func(tx *store.Tx) (machine, error) { return getMachine(tx, r) })
		if err != nil {
			return nil, err
		}
		if err := s.checkDefinition(*in.Definition, m.Type); err != nil {
			return nil, err
		}
	}
	return update(ctx, s.Store, func(tx *store.Tx) (*api.UpdateStateMachineOutput, error) { return s.applyUpdate(tx, r, in) })
}

func (s *Service) applyUpdate(tx *store.Tx, r resource, in *api.UpdateStateMachineInput) (*api.UpdateStateMachineOutput, error) {
	m, err := getMachine(tx, r)
	if err != nil {
		return nil, err
	}
	if m.Status == deleting {
		return nil, machineDeleting(m.ARN)
	}
	was, err := getRevision(tx, m.Account, m.Region, m.Revision)
	if err != nil {
		return nil, err
	}
	rev, fault := was.changed(in)
	if fault != nil {
		return nil, fault
	}
	if in.EncryptionConfiguration != nil {
		m.Encryption = in.EncryptionConfiguration
	}
	m.Updated = millis(s.Clock.Now())
	if !same(was, rev) {
		rev.ID, rev.Created = s.IDs.UUID(), m.Updated
		m.Revision = rev.ID
		if err := revisions.Put(tx, rev, m.Account, m.Region, m.Revision); err != nil {
			return nil, err
		}
	}
	out := &api.UpdateStateMachineOutput{UpdateDate: &m.Updated}
	if rev.ID != "" {
		out.RevisionId = &rev.ID
	}
	if value(in.Publish) {
		v, err := publish(tx, &m, in.VersionDescription, m.Updated)
		if err != nil {
			return nil, err
		}
		out.StateMachineVersionArn = &v.ARN
	}
	return out, machines.Put(tx, m, m.Account, m.Region, m.Name)
}

// changed is the revision after an update, as long as it has no new identity.
func (r revision) changed(in *api.UpdateStateMachineInput) (revision, *awserr.Error) {
	if in.Definition != nil {
		r.Definition = *in.Definition
	}
	if in.RoleArn != nil {
		r.RoleARN = *in.RoleArn
	}
	if in.TracingConfiguration != nil {
		r.Tracing = tracingOf(in.TracingConfiguration)
	}
	if in.LoggingConfiguration == nil {
		return r, nil
	}
	var fault *awserr.Error
	r.Logging, fault = loggingOf(in.LoggingConfiguration)
	return r, fault
}

func (s *Service) deleteStateMachine(ctx context.Context, in *api.DeleteStateMachineInput) (*api.DeleteStateMachineOutput, error) {
	r, err := parseARN(ctx, *in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	return update(ctx, s.Store, func(tx *store.Tx) (*api.DeleteStateMachineOutput, error) {
		m, ok, err := machines.Get(tx, r.Account, r.Region, r.Name)
		if err != nil || !ok {
			return &api.DeleteStateMachineOutput{}, err
		}
		left, _, err := running.Page(tx, "", 1, m.Account, m.Region, m.Name)
		if err != nil {
			return nil, err
		}
		if len(left) == 0 {
			return &api.DeleteStateMachineOutput{}, s.removeMachine(tx, m)
		}
		m.Status = deleting
		tx.AfterCommit(func() { s.setDeleting(m.ARN, true) })
		return &api.DeleteStateMachineOutput{}, machines.Put(tx, m, m.Account, m.Region, m.Name)
	})
}
