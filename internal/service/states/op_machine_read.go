package states

import (
	"context"
	"strings"

	"stepwell/internal/asl/syntax"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

const metadataOnly = "METADATA_ONLY"

func (s *Service) describeStateMachine(ctx context.Context, in *api.DescribeStateMachineInput) (*api.DescribeStateMachineOutput, error) {
	r, err := parseARN(ctx, *in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	return view(ctx, s.Store, func(tx *store.Tx) (*api.DescribeStateMachineOutput, error) {
		t, err := getTarget(tx, r, s.dice)
		if err != nil {
			return nil, err
		}
		p, err := s.programOf(tx, r.Account, r.Region, t.revision)
		if err != nil {
			return nil, err
		}
		m, rev := t.machine, p.revision
		out := &api.DescribeStateMachineOutput{
			StateMachineArn: &m.ARN, Name: &m.Name, Status: &m.Status, Definition: &rev.Definition, RoleArn: &rev.RoleARN,
			Type: &m.Type, CreationDate: &m.Created, LoggingConfiguration: rev.Logging, TracingConfiguration: rev.Tracing,
			EncryptionConfiguration: encryptionOf(&m, p.machine.Definition), VariableReferences: variableReferences(p.machine.Definition),
		}
		if value(in.IncludedData) == metadataOnly {
			out.Definition, out.VariableReferences = new(""), nil
		}
		if rev.ID != "" {
			out.RevisionId = &rev.ID
		}
		if t.version != nil {
			out.StateMachineArn, out.CreationDate, out.Description = &t.version.ARN, &t.version.Created, t.version.Description
		}
		return out, nil
	})
}

func (s *Service) describeStateMachineForExecution(ctx context.Context, in *api.DescribeStateMachineForExecutionInput) (*api.DescribeStateMachineForExecutionOutput, error) {
	r, err := parseARN(ctx, *in.ExecutionArn, kindExecution)
	if err != nil {
		return nil, err
	}
	return view(ctx, s.Store, func(tx *store.Tx) (*api.DescribeStateMachineForExecutionOutput, error) {
		e, ok, err := lookup(tx, s.Clock.Now(), r.Account, r.Region, r.Name, r.Execution)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, noExecution(r.ARN)
		}
		p, err := s.programOf(tx, e.Account, e.Region, e.Revision)
		if err != nil {
			return nil, err
		}
		m, _, err := machines.Get(tx, e.Account, e.Region, e.Machine)
		if err != nil {
			return nil, err
		}
		rev := p.revision
		out := &api.DescribeStateMachineForExecutionOutput{
			StateMachineArn: &e.MachineARN, Name: &e.Machine, Definition: &rev.Definition, RoleArn: &rev.RoleARN,
			UpdateDate: &rev.Created, LoggingConfiguration: rev.Logging, TracingConfiguration: rev.Tracing,
			EncryptionConfiguration: encryptionOf(&m, p.machine.Definition), VariableReferences: variableReferences(p.machine.Definition),
		}
		if e.MapRunARN != nil {
			if err := describeProcessor(tx, &e, p, out); err != nil {
				return nil, err
			}
		}
		if value(in.IncludedData) == metadataOnly {
			out.Definition, out.VariableReferences = new(""), nil
		}
		if rev.ID != "" {
			out.RevisionId = &rev.ID
		}
		return out, nil
	})
}

// describeProcessor makes out what a child execution runs: the ItemProcessor of
// its Map state.
func describeProcessor(tx *store.Tx, e *execution, p *program, out *api.DescribeStateMachineForExecutionOutput) error {
	a, _ := bus.ParseARN(*e.MapRunARN)
	id := a.Resource[strings.LastIndexByte(a.Resource, ':')+1:]
	run, err := getMapRun(tx, resource{ARN: *e.MapRunARN, Account: e.Account, Region: e.Region, Name: e.Machine, Execution: id})
	if err != nil {
		return err
	}
	out.MapRunArn, out.Label = e.MapRunARN, &run.Label
	def := p.machine.Definition
	if state := findState(def.Machine, run.State); state != nil {
		if loop, ok := state.Body.(*syntax.Map); ok && loop.Processor != nil {
			span := loop.Processor.Node.Span
			out.Definition = new(def.Text[span.Start:span.End])
		}
	}
	return nil
}

func (s *Service) listStateMachines(ctx context.Context, in *api.ListStateMachinesInput) (*api.ListStateMachinesOutput, error) {
	caller := bus.From(ctx)
	const scope = "machines"
	after, err := pagePosition(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	return view(ctx, s.Store, func(tx *store.Tx) (*api.ListStateMachinesOutput, error) {
		page, next, err := machines.Page(tx, after, paging.Size(in.MaxResults, defaultPage), caller.Account, caller.Region)
		if err != nil {
			return nil, err
		}
		out := &api.ListStateMachinesOutput{StateMachines: []api.StateMachineListItem{}, NextToken: pageToken(scope, next)}
		for _, m := range page {
			out.StateMachines = append(out.StateMachines, api.StateMachineListItem{
				StateMachineArn: &m.ARN, Name: &m.Name, Type: &m.Type, CreationDate: &m.Created,
			})
		}
		return out, nil
	})
}
