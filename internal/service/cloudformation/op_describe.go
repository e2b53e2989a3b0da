package cloudformation

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// page cuts a list at a token, which is a place in it.
func page[T any](list []T, token *string) (shown []T, next *string, err error) {
	shown, next, err = paging.CutAt(list, token, pageSize)
	if err != nil {
		return nil, nil, badToken()
	}
	return shown, next, nil
}

func badToken() *awserr.Error { return invalid("Invalid NextToken") }

// pageSize is the number of entries of a page of most lists.
const pageSize = 100

// DescribeStacks describes one stack or all that are not deleted.
func (s *Service) DescribeStacks(ctx context.Context, in *api.DescribeStacksInput) (*api.DescribeStacksOutput, error) {
	if in.StackName != nil {
		st, err := s.view(ctx, *in.StackName, func(n string) error { return noStackID(n) })
		if err != nil {
			return nil, err
		}
		return &api.DescribeStacksOutput{Stacks: []api.Stack{st.shape()}}, nil
	}
	list, err := s.list(ctx, func(st *stack) bool { return st.Deleted == nil })
	if err != nil {
		return nil, err
	}
	list, next, err := page(list, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeStacksOutput{Stacks: []api.Stack{}, NextToken: next}
	for i := range list {
		out.Stacks = append(out.Stacks, list[i].shape())
	}
	return out, nil
}

// list are the caller's stacks that which says, the newest first.
func (s *Service) list(ctx context.Context, which func(*stack) bool) (list []stack, err error) {
	c := bus.From(ctx)
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := stacks.List(tx, c.Account, c.Region)
		for i := range all {
			if which(&all[i]) {
				list = append(list, all[i])
			}
		}
		return err
	})
	slices.SortStableFunc(list, func(a, b stack) int { return b.Created.Compare(a.Created) })
	return list, err
}

func (st *stack) shape() api.Stack {
	out := api.Stack{
		StackId: &st.ARN, StackName: &st.Name, ChangeSetId: optional(st.ChangeSetID), Description: optional(st.Spec.Description),
		CreationTime: &st.Created, LastUpdatedTime: st.Updated, DeletionTime: st.Deleted, StackStatus: &st.Status, StackStatusReason: optional(st.Reason),
		DisableRollback: new(st.Operation.OnFailure == "DO_NOTHING"), NotificationARNs: st.Spec.NotificationARNs, Capabilities: st.Spec.Capabilities,
		Tags: shapeTags(st.Spec.Tags), EnableTerminationProtection: &st.Protected, ParentId: optional(st.ParentID), RootId: optional(st.RootID),
		RoleARN: optional(st.RoleARN), DriftInformation: &api.StackDriftInformation{StackDriftStatus: new("NOT_CHECKED")},
		RollbackConfiguration: st.Spec.Rollback, Parameters: st.Spec.shape(),
	}
	if st.TimeoutInMinutes > 0 {
		out.TimeoutInMinutes = &st.TimeoutInMinutes
	}
	if out.RollbackConfiguration == nil {
		out.RollbackConfiguration = &api.RollbackConfiguration{}
	}
	if st.Operation.RetainExceptOnCreate {
		out.RetainExceptOnCreate = new(true)
	}
	for _, o := range st.Outputs {
		out.Outputs = append(out.Outputs, api.Output{OutputKey: &o.Key, OutputValue: &o.Value, Description: optional(o.Description), ExportName: optional(o.Export)})
	}
	return out
}

// shape are the parameters as they are shown: NoEcho ones hidden.
func (p *spec) shape() (list []api.Parameter) {
	for _, k := range slices.Sorted(maps.Keys(p.Given)) {
		x := api.Parameter{ParameterKey: &k, ParameterValue: new(p.Given[k])}
		if v := p.Values[k]; v != p.Given[k] {
			x.ResolvedValue = &v
		}
		list = append(list, x)
	}
	for _, k := range p.Hidden {
		list = append(list, api.Parameter{ParameterKey: &k, ParameterValue: new("****")})
	}
	slices.SortStableFunc(list, func(a, b api.Parameter) int { return cmp.Compare(*a.ParameterKey, *b.ParameterKey) })
	return list
}

func shapeTags(m map[string]string) []api.Tag {
	list := []api.Tag{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, api.Tag{Key: &k, Value: new(m[k])})
	}
	return list
}

// ListStacks lists stacks, deleted ones too.
func (s *Service) ListStacks(ctx context.Context, in *api.ListStacksInput) (*api.ListStacksOutput, error) {
	list, err := s.list(ctx, func(st *stack) bool {
		if st.Deleted != nil && s.Clock.Now().Sub(*st.Deleted) > forgotten {
			return false
		}
		return len(in.StackStatusFilter) == 0 || slices.Contains(in.StackStatusFilter, st.Status)
	})
	if err != nil {
		return nil, err
	}
	list, next, err := page(list, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListStacksOutput{StackSummaries: []api.StackSummary{}, NextToken: next}
	for i := range list {
		st := &list[i]
		out.StackSummaries = append(out.StackSummaries, api.StackSummary{
			StackId: &st.ARN, StackName: &st.Name, TemplateDescription: optional(st.Spec.Description), CreationTime: &st.Created,
			LastUpdatedTime: st.Updated, DeletionTime: st.Deleted, StackStatus: &st.Status, StackStatusReason: optional(st.Reason),
			ParentId: optional(st.ParentID), RootId: optional(st.RootID),
			DriftInformation: &api.StackDriftInformationSummary{StackDriftStatus: new("NOT_CHECKED")},
		})
	}
	return out, nil
}

// DescribeStackEvents returns what happened to a stack, the newest first.
func (s *Service) DescribeStackEvents(ctx context.Context, in *api.DescribeStackEventsInput) (*api.DescribeStackEventsOutput, error) {
	if in.StackName == nil {
		return nil, invalid("1 validation error detected: Value null at 'stackName' failed to satisfy constraint: Member must not be null")
	}
	st, err := s.view(ctx, *in.StackName, noStackErr)
	if err != nil {
		return nil, err
	}
	before := int64(0)
	if in.NextToken != nil {
		position, err := paging.Position(in.NextToken)
		if err == nil {
			before, err = strconv.ParseInt(position, 10, 64)
		}
		if err != nil || before < 2 {
			return nil, badToken()
		}
	}
	out := &api.DescribeStackEventsOutput{StackEvents: []api.StackEvent{}}
	var entries [][]byte
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if before == 0 {
			last, err := tx.Last(events(st.ID))
			if err != nil {
				return err
			}
			before = last + 1
		}
		from := max(before-pageSize, 1)
		entries, err = tx.Read(events(st.ID), from, int(before-from))
		if from > 1 {
			out.NextToken = paging.Token(strconv.FormatInt(from, 10))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, b := range slices.Backward(entries) {
		var e event
		if err := json.Unmarshal(b, &e); err != nil {
			return nil, err
		}
		out.StackEvents = append(out.StackEvents, api.StackEvent{
			StackId: &st.ARN, StackName: &st.Name, EventId: &e.ID, LogicalResourceId: &e.LogicalID, PhysicalResourceId: &e.PhysicalID,
			ResourceType: &e.Type, Timestamp: &e.At, ResourceStatus: &e.Status, ResourceStatusReason: optional(e.Reason),
			ResourceProperties: optional(e.Properties), ClientRequestToken: optional(e.Token),
		})
	}
	return out, nil
}

// recordsOf are the resources of a stack.
func (s *Service) recordsOf(ctx context.Context, st *stack) (list []record, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		list, err = resources.List(tx, st.ID)
		return err
	})
	return list, err
}

// shown is the physical id that a resource has, also while another is made in
// its place.
func (r *record) shown() *string {
	if r.PhysicalID == "" && r.Before != nil {
		return optional(r.Before.PhysicalID)
	}
	return optional(r.PhysicalID)
}

// DescribeStackResource describes one resource.
func (s *Service) DescribeStackResource(ctx context.Context, in *api.DescribeStackResourceInput) (*api.DescribeStackResourceOutput, error) {
	st, err := s.view(ctx, *in.StackName, func(n string) error { return invalid("Stack '%s' does not exist", n) })
	if err != nil {
		return nil, err
	}
	list, err := s.recordsOf(ctx, st)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(r record) bool { return r.LogicalID == *in.LogicalResourceId })
	if i < 0 {
		return nil, invalid("Resource %s does not exist for stack %s", *in.LogicalResourceId, *in.StackName)
	}
	r := &list[i]
	out := &api.StackResourceDetail{
		StackName: &st.Name, StackId: &st.ARN, LogicalResourceId: &r.LogicalID, PhysicalResourceId: r.shown(), ResourceType: &r.Type,
		LastUpdatedTimestamp: &r.At, ResourceStatus: &r.Status, ResourceStatusReason: optional(r.Reason), Metadata: new("{}"),
		DriftInformation: &api.StackResourceDriftInformation{StackResourceDriftStatus: new("NOT_CHECKED")},
	}
	if r.Metadata != nil {
		b, err := json.Marshal(r.Metadata)
		if err != nil {
			return nil, err
		}
		out.Metadata = new(string(b))
	}
	return &api.DescribeStackResourceOutput{StackResourceDetail: out}, nil
}

// DescribeStackResources describes the resources of a stack, which is named or
// found by the physical id of one of them.
func (s *Service) DescribeStackResources(ctx context.Context, in *api.DescribeStackResourcesInput) (*api.DescribeStackResourcesOutput, error) {
	var st *stack
	var err error
	switch {
	case in.StackName != nil && in.PhysicalResourceId != nil:
		return nil, invalid("Only one of StackName and PhysicalResourceId can be specified.")
	case in.StackName != nil:
		st, err = s.view(ctx, *in.StackName, func(n string) error { return noStackID(n) })
	case in.PhysicalResourceId != nil:
		st, err = s.owner(ctx, *in.PhysicalResourceId)
	default:
		return nil, invalid("StackName or PhysicalResourceId must be specified.")
	}
	if err != nil {
		return nil, err
	}
	list, err := s.recordsOf(ctx, st)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeStackResourcesOutput{StackResources: []api.StackResource{}}
	for i := range list {
		r := &list[i]
		if in.LogicalResourceId != nil && *in.LogicalResourceId != r.LogicalID {
			continue
		}
		out.StackResources = append(out.StackResources, api.StackResource{
			StackName: &st.Name, StackId: &st.ARN, LogicalResourceId: &r.LogicalID, PhysicalResourceId: r.shown(), ResourceType: &r.Type,
			Timestamp: &r.At, ResourceStatus: &r.Status, ResourceStatusReason: optional(r.Reason),
			DriftInformation: &api.StackResourceDriftInformation{StackResourceDriftStatus: new("NOT_CHECKED")},
		})
	}
	if in.LogicalResourceId != nil && len(out.StackResources) == 0 {
		return nil, invalid("Resource %s does not exist for stack %s", *in.LogicalResourceId, st.Name)
	}
	return out, nil
}

// owner is the stack that has a resource with the physical id.
func (s *Service) owner(ctx context.Context, physical string) (*stack, error) {
	list, err := s.list(ctx, func(st *stack) bool { return st.Deleted == nil })
	if err != nil {
		return nil, err
	}
	for i := range list {
		mine, err := s.recordsOf(ctx, &list[i])
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(mine, func(r record) bool { return r.PhysicalID == physical && !strings.HasPrefix(r.Status, "DELETE_") }) {
			return &list[i], nil
		}
	}
	return nil, invalid("Stack for %s does not exist", physical)
}

// ListStackResources lists the resources of a stack.
func (s *Service) ListStackResources(ctx context.Context, in *api.ListStackResourcesInput) (*api.ListStackResourcesOutput, error) {
	st, err := s.view(ctx, *in.StackName, func(n string) error { return noStackID(n) })
	if err != nil {
		return nil, err
	}
	list, err := s.recordsOf(ctx, st)
	if err != nil {
		return nil, err
	}
	list, next, err := page(list, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListStackResourcesOutput{StackResourceSummaries: []api.StackResourceSummary{}, NextToken: next}
	for i := range list {
		r := &list[i]
		out.StackResourceSummaries = append(out.StackResourceSummaries, api.StackResourceSummary{
			LogicalResourceId: &r.LogicalID, PhysicalResourceId: r.shown(), ResourceType: &r.Type, LastUpdatedTimestamp: &r.At,
			ResourceStatus: &r.Status, ResourceStatusReason: optional(r.Reason),
			DriftInformation: &api.StackResourceDriftInformationSummary{StackResourceDriftStatus: new("NOT_CHECKED")},
		})
	}
	return out, nil
}

// ListExports lists what the stacks of the account and region export.
func (s *Service) ListExports(ctx context.Context, in *api.ListExportsInput) (*api.ListExportsOutput, error) {
	c := bus.From(ctx)
	var list []export
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		list, err = exports.List(tx, c.Account, c.Region)
		return err
	})
	if err != nil {
		return nil, err
	}
	list, next, err := page(list, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListExportsOutput{Exports: []api.Export{}, NextToken: next}
	for _, x := range list {
		out.Exports = append(out.Exports, api.Export{ExportingStackId: &x.StackARN, Name: &x.Name, Value: &x.Value})
	}
	return out, nil
}

// ListImports lists the stacks that import an export.
func (s *Service) ListImports(ctx context.Context, in *api.ListImportsInput) (*api.ListImportsOutput, error) {
	c := bus.From(ctx)
	var list []named
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		_, ok, err := exports.Get(tx, c.Account, c.Region, *in.ExportName)
		if err != nil {
			return err
		}
		if !ok {
			return invalid("Export '%s' does not exist.", *in.ExportName)
		}
		list, err = imports.List(tx, c.Account, c.Region, *in.ExportName)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, invalid("Export '%s' is not imported by any stack.", *in.ExportName)
	}
	list, next, err := page(list, in.NextToken)
	out := &api.ListImportsOutput{NextToken: next}
	for _, n := range list {
		out.Imports = append(out.Imports, n.Name)
	}
	return out, err
}
