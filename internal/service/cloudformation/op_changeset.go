package cloudformation

import (
	"context"
	"regexp"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// noChanges is why a change set fails that would change nothing.
const noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."

var changeSetName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

// CreateChangeSet finds out what an update, or the creation of a stack, would do.
func (s *Service) CreateChangeSet(ctx context.Context, in *api.CreateChangeSetInput) (*api.CreateChangeSetOutput, error) {
	kind := value(in.ChangeSetType)
	switch {
	case kind == "IMPORT" || len(in.ResourcesToImport) > 0:
		// ImportExistingResources and IncludeNestedStacks are not refused, as the CDK
		// always asks for them: where there is something to import, creating it fails,
		// and DescribeChangeSet says that nested stacks are not included. They change
		// with their parent all the same.
		return nil, unusable("not implemented: change sets that import resources")
	case !changeSetName.MatchString(*in.ChangeSetName):
		return nil, invalid("1 validation error detected: Value '%s' at 'changeSetName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", *in.ChangeSetName)
	case kind == "":
		kind = "UPDATE"
	}
	st, isNew, err := s.subject(ctx, *in.StackName, *in.ChangeSetName, kind)
	if err != nil {
		return nil, err
	}
	p, err := s.plan(ctx, &wish{
		stack: st, isNew: kind == "CREATE", source: source{in.TemplateBody, in.TemplateURL, value(in.UsePreviousTemplate)}, parameters: in.Parameters,
		capabilities: in.Capabilities, types: in.ResourceTypes, tags: in.Tags, notify: in.NotificationARNs, rollback: in.RollbackConfiguration,
	})
	if err != nil {
		return nil, err
	}
	if kind == "UPDATE" && in.Tags == nil {
		p.spec.Tags = st.Spec.Tags
	}
	if kind == "UPDATE" && in.NotificationARNs == nil {
		p.spec.NotificationARNs = st.Spec.NotificationARNs
	}
	id := s.IDs.UUID()
	c := &changeSet{
		Account: st.Account, Region: st.Region, StackID: st.ID, StackARN: st.ARN, StackName: st.Name, ID: id, Name: *in.ChangeSetName,
		ARN: bus.From(ctx).ARN("cloudformation", "changeSet/"+*in.ChangeSetName+"/"+id), Description: value(in.Description), Token: value(in.ClientToken),
		Type: kind, Created: s.Clock.Now(), Spec: p.spec, RoleARN: value(in.RoleARN), OnFailure: value(in.OnStackFailure),
		Status: "CREATE_COMPLETE", Execution: "AVAILABLE",
	}
	if p.lacks != "" && p.lacks != capabilityExpand {
		if len(p.template.Transforms) == 0 {
			return nil, insufficient(p.lacks)
		}
		c.Status, c.Execution, c.Reason = "FAILED", "UNAVAILABLE", "Requires capabilities : ["+p.lacks+"]"
	} else if err := s.compute(ctx, st, p, c); err != nil {
		return nil, err
	}
	return &api.CreateChangeSetOutput{Id: &c.ARN, StackId: &c.StackARN}, s.Store.Update(ctx, func(tx *store.Tx) error { return s.addChangeSet(tx, st, isNew, p, c) })
}

// subject is the stack that a change set is for; of one that it shall create, a
// new one unless it is under review already.
func (s *Service) subject(ctx context.Context, name, changeSet, kind string) (st *stack, isNew bool, err error) {
	st, err = s.view(ctx, name, func(string) error { return nil })
	switch {
	case err != nil:
		return nil, false, err
	case st != nil && st.Deleted != nil:
		st = nil
	}
	switch {
	case kind == "UPDATE" && st == nil:
		return nil, false, noStack(name)
	case kind == "UPDATE":
		return st, false, updatable(st)
	case st == nil:
		return s.newStack(ctx, name), true, checkName(name)
	case st.Status != "REVIEW_IN_PROGRESS":
		return nil, false, invalid("Stack [%s] already exists and cannot be created again with the changeSet [%s].", name, changeSet)
	}
	return st, false, nil
}

// compute fills a change set with its changes, or fails it where there are none.
func (s *Service) compute(ctx context.Context, st *stack, p *plan, c *changeSet) error {
	changed := true
	var err error
	if c.Type == "UPDATE" {
		changed, err = s.differs(ctx, st, p)
	}
	if err == nil {
		c.Changes, _, err = s.compareSpecs(ctx, st, p)
	}
	if e := awserr.From(err); e != nil && e.Code == "ValidationError" {
		c.Status, c.Execution, c.Reason = "FAILED", "UNAVAILABLE", e.Message
		return nil
	}
	if err == nil && !changed {
		c.Status, c.Execution, c.Reason = "FAILED", "UNAVAILABLE", noChanges
	}
	return err
}

// addChangeSet keeps a change set, and the stack that it reviews where that is new.
func (s *Service) addChangeSet(tx *store.Tx, st *stack, isNew bool, p *plan, c *changeSet) error {
	list, err := changes.List(tx, st.Account, st.Region, st.ID)
	if err != nil {
		return err
	}
	for _, o := range list {
		if o.Name != c.Name {
			continue
		}
		if o.Execution != "EXECUTE_COMPLETE" {
			return api.AlreadyExistsException("ChangeSet %s already exists", c.Name)
		}
		if _, err := changes.Delete(tx, o.Account, o.Region, o.StackID, o.ID); err != nil {
			return err
		}
	}
	if isNew {
		if err := st.claim(tx); err != nil {
			return err
		}
		st.Spec = spec{Tags: p.spec.Tags, NotificationARNs: p.spec.NotificationARNs, Capabilities: p.spec.Capabilities, Description: p.spec.Description}
		if err := s.turn(tx, st, "REVIEW_IN_PROGRESS", "User Initiated"); err != nil {
			return err
		}
		if err := st.put(tx); err != nil {
			return err
		}
	}
	if err := p.keep(tx, st.ID); err != nil {
		return err
	}
	return c.put(tx)
}

// changeSet finds a change set by its ARN, or its name and that of its stack.
func (s *Service) changeSet(ctx context.Context, name string, stackName *string) (found *changeSet, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		found, err = findChangeSet(tx, bus.From(ctx), name, stackName)
		return err
	})
	return found, err
}

func findChangeSet(tx *store.Tx, c bus.Caller, name string, stackName *string) (*changeSet, error) {
	var list []changeSet
	var err error
	is := func(o changeSet) bool { return o.ARN == name || o.Name == name }
	switch a, isARN := bus.ParseARN(name); {
	case isARN && stackName == nil:
		list, err = changes.List(tx, a.Account, a.Region)
		is = func(o changeSet) bool { return o.ARN == name }
	case stackName == nil:
		return nil, invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
	default:
		st, fault := find(tx, c, *stackName)
		if fault != nil {
			return nil, fault
		}
		if st == nil {
			return nil, noStack(*stackName)
		}
		list, err = changes.List(tx, st.Account, st.Region, st.ID)
	}
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, is); i >= 0 {
		return &list[i], nil
	}
	return nil, api.ChangeSetNotFoundException("ChangeSet [%s] does not exist", name)
}

// DescribeChangeSet describes a change set.
func (s *Service) DescribeChangeSet(ctx context.Context, in *api.DescribeChangeSetInput) (*api.DescribeChangeSetOutput, error) {
	c, err := s.changeSet(ctx, *in.ChangeSetName, in.StackName)
	if err != nil {
		return nil, err
	}
	list, next, err := page(c.Changes, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeChangeSetOutput{
		ChangeSetName: &c.Name, ChangeSetId: &c.ARN, StackId: &c.StackARN, StackName: &c.StackName, Description: optional(c.Description),
		Parameters: c.Spec.shape(), CreationTime: &c.Created, ExecutionStatus: &c.Execution, Status: &c.Status, StatusReason: optional(c.Reason),
		NotificationARNs: c.Spec.NotificationARNs, RollbackConfiguration: c.Spec.Rollback, Capabilities: c.Spec.Capabilities, Tags: shapeTags(c.Spec.Tags),
		Changes: list, NextToken: next, IncludeNestedStacks: new(false), OnStackFailure: optional(c.OnFailure),
	}
	if out.Changes == nil {
		out.Changes = []api.Change{}
	}
	if out.RollbackConfiguration == nil {
		out.RollbackConfiguration = &api.RollbackConfiguration{}
	}
	return out, nil
}

// ListChangeSets lists the change sets of a stack.
func (s *Service) ListChangeSets(ctx context.Context, in *api.ListChangeSetsInput) (*api.ListChangeSetsOutput, error) {
	st, err := s.view(ctx, *in.StackName, noStackErr)
	if err != nil {
		return nil, err
	}
	var list []changeSet
	if err := s.Store.View(ctx, func(tx *store.Tx) error {
		list, err = changes.List(tx, st.Account, st.Region, st.ID)
		return err
	}); err != nil {
		return nil, err
	}
	list, next, err := page(list, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListChangeSetsOutput{Summaries: []api.ChangeSetSummary{}, NextToken: next}
	for i := range list {
		c := &list[i]
		out.Summaries = append(out.Summaries, api.ChangeSetSummary{
			StackId: &c.StackARN, StackName: &c.StackName, ChangeSetId: &c.ARN, ChangeSetName: &c.Name, ExecutionStatus: &c.Execution, Status: &c.Status,
			StatusReason: optional(c.Reason), CreationTime: &c.Created, Description: optional(c.Description), IncludeNestedStacks: new(false),
		})
	}
	return out, nil
}

// DeleteChangeSet deletes a change set; one that is not there is deleted.
func (s *Service) DeleteChangeSet(ctx context.Context, in *api.DeleteChangeSetInput) (*api.DeleteChangeSetOutput, error) {
	return &api.DeleteChangeSetOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		c, err := findChangeSet(tx, bus.From(ctx), *in.ChangeSetName, in.StackName)
		if e := awserr.From(err); e != nil && e.Code == "ChangeSetNotFound" {
			return nil
		}
		if err != nil {
			return err
		}
		if c.Execution == "EXECUTE_IN_PROGRESS" {
			return api.InvalidChangeSetStatusException("ChangeSet [%s] cannot be deleted in its current status of [%s]", c.ARN, c.Execution)
		}
		_, err = changes.Delete(tx, c.Account, c.Region, c.StackID, c.ID)
		return err
	})
}

// ExecuteChangeSet does what a change set says.
func (s *Service) ExecuteChangeSet(ctx context.Context, in *api.ExecuteChangeSetInput) (*api.ExecuteChangeSetOutput, error) {
	arn := ""
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		c, err := findChangeSet(tx, bus.From(ctx), *in.ChangeSetName, in.StackName)
		if err != nil {
			return err
		}
		if c.Status != "CREATE_COMPLETE" || c.Execution != "AVAILABLE" {
			status := c.Status
			if c.Status == "CREATE_COMPLETE" {
				status = c.Execution
			}
			return api.InvalidChangeSetStatusException("ChangeSet [%s] cannot be executed in its current status of [%s]", c.ARN, status)
		}
		st, ok, err := stacks.Get(tx, c.Account, c.Region, c.StackID)
		if err != nil {
			return err
		}
		if !ok || st.Deleted != nil {
			return noStack(c.StackName)
		}
		arn = st.ARN
		onFail := onFailure(nil, in.DisableRollback)
		if c.OnFailure != "" && in.DisableRollback == nil {
			onFail = c.OnFailure
		}
		return s.execute(tx, &st, c, operation{Token: value(in.ClientRequestToken), OnFailure: onFail, RetainExceptOnCreate: value(in.RetainExceptOnCreate)})
	})
	return &api.ExecuteChangeSetOutput{}, s.linger(ctx, arn, err)
}

func (s *Service) execute(tx *store.Tx, st *stack, c *changeSet, op operation) error {
	op.Kind = strings.ToLower(c.Type)
	status := op.Kind
	if c.Type == "CREATE" {
		if st.Status != "REVIEW_IN_PROGRESS" {
			return invalid("Stack:%s is in %s state and can not be created.", st.ARN, st.Status)
		}
		st.Created = s.Clock.Now()
	} else {
		if err := updatable(st); err != nil {
			return err
		}
		if st.Stable == nil && st.Status != "CREATE_FAILED" {
			st.Stable = new(st.Spec)
		}
		st.Updated = new(s.Clock.Now())
	}
	st.Spec, st.ChangeSetID, st.Operation = c.Spec, c.ARN, op
	if c.RoleARN != "" {
		st.RoleARN = c.RoleARN
	}
	list, err := changes.List(tx, st.Account, st.Region, st.ID)
	if err != nil {
		return err
	}
	for _, o := range list { // the others are about a stack that is no more
		if o.ID != c.ID {
			if _, err := changes.Delete(tx, o.Account, o.Region, o.StackID, o.ID); err != nil {
				return err
			}
		}
	}
	c.Execution = "EXECUTE_COMPLETE"
	if err := c.put(tx); err != nil {
		return err
	}
	return s.start(tx, st, strings.ToUpper(status)+"_IN_PROGRESS", "User Initiated")
}
