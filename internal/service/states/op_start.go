package states

import (
	"context"
	"fmt"
	"time"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/store"
)

// starting is a checked request to start an execution.
type starting struct {
	resource resource
	target   target
	program  *program
	name     string
	input    string
	trace    *string
	testCase string // of the mock file; "" = none
}

// prepareStart checks what StartExecution and StartSyncExecution have in common.
func (s *Service) prepareStart(ctx context.Context, arn string, name, input, trace *string) (starting, error) {
	arn, testCase, err := s.testCase(ctx, arn)
	if err != nil {
		return starting{}, err
	}
	r, err := parseARN(ctx, arn, kindMachine)
	if err != nil {
		return starting{}, err
	}
	st := starting{resource: r, input: "{}", trace: trace, testCase: testCase}
	if input != nil {
		st.input = *input
	}
	if fault := jsonFault(st.input); fault != "" {
		return st, invalidInput(fault)
	}
	if len(st.input) > maxPayload {
		return st, validation("1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to %d", maxPayload)
	}
	if name == nil {
		st.name = s.IDs.UUID()
	} else if st.name = *name; !validName(st.name) {
		return st, invalidName(st.name)
	}
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		if st.target, err = s.targetOf(tx, r); err != nil {
			return err
		}
		st.program, err = s.programOf(tx, r.Account, r.Region, st.target.revision)
		return err
	})
	if err == nil && st.target.machine.Status == deleting {
		err = machineDeleting(st.target.machine.ARN)
	}
	return st, err
}

// record is the execution that st asks for, begun now.
func (st *starting) record(arn string, now time.Time) execution {
	m := &st.target.machine
	e := execution{
		Account: m.Account, Region: m.Region, ARN: arn, Name: st.name, Machine: m.Name, MachineARN: m.ARN,
		Revision: st.target.revision, RoleARN: st.program.revision.RoleARN, Start: millis(now), Order: inverted(now), Input: st.input, TraceHeader: st.trace,
		TestCase: st.testCase, Status: string(exec.Running),
	}
	if st.target.version != nil {
		e.VersionARN = &st.target.version.ARN
	}
	if st.target.alias != nil {
		e.AliasARN = &st.target.alias.ARN
	}
	return e
}

func (st *starting) arn(kind, tail string) string {
	m := &st.target.machine
	return fmt.Sprintf("arn:aws:states:%s:%s:%s:%s:%s%s", m.Region, m.Account, kind, m.Name, st.name, tail)
}

func (s *Service) startExecution(ctx context.Context, in *api.StartExecutionInput) (*api.StartExecutionOutput, error) {
	defer s.Clock.Busy()()
	st, err := s.prepareStart(ctx, *in.StateMachineArn, in.Name, in.Input, in.TraceHeader)
	if err != nil {
		return nil, err
	}
	if st.target.machine.Type == "EXPRESS" {
		l, err := s.startExpress(&st, s.runner.Start, nil)
		if err != nil {
			return nil, err
		}
		return &api.StartExecutionOutput{ExecutionArn: &l.record.ARN, StartDate: &l.record.Start}, nil
	}
	e, isNew, err := s.recordStart(ctx, &st)
	if err != nil {
		return nil, err
	}
	out := &api.StartExecutionOutput{ExecutionArn: &e.ARN, StartDate: &e.Start}
	if !isNew {
		return out, nil
	}
	return out, s.launch(&liveExecution{record: e, logging: st.program.revision.Logging}, st.program.machine, nil)
}

// recordStart makes the execution durable. It is not new where the same start
// was asked for before and the execution still runs.
func (s *Service) recordStart(ctx context.Context, st *starting) (e execution, isNew bool, err error) {
	e = st.record(st.arn(kindExecution, ""), s.Clock.Now())
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		m, err := getMachine(tx, st.resource)
		if err != nil {
			return err
		}
		if m.Status == deleting {
			return machineDeleting(m.ARN)
		}
		old, ok, err := running.Get(tx, e.key()...)
		if err != nil {
			return err
		}
		if ok && old.Input == e.Input {
			e, isNew = old, false
			return nil
		}
		past, over, err := ended.Get(tx, e.key()...)
		if err != nil {
			return err
		}
		if over && e.Start.Sub(past.Stop) > retention {
			if err := forget(tx, &past); err != nil {
				return err
			}
			over = false
		}
		if ok || over {
			return executionExists(e.ARN)
		}
		isNew = true
		if err := byTime.Put(tx, e.Name, e.timeKey()...); err != nil {
			return err
		}
		if err := s.announce(tx, &e); err != nil {
			return err
		}
		return running.Put(tx, e, e.key()...)
	})
	return e, isNew, err
}
