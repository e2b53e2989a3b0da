package states

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"stepwell/internal/asl/exec"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/diag"
)

// mockCounts number the invocations of mocked states, by the execution that a
// test case was started for: its Distributed Maps' children count with it.
type mockCounts struct {
	mu    sync.Mutex
	roots map[string]*mockCount
}

type mockCount struct {
	next    map[string]int  // by state
	numbers map[taskKey]int // given already
}

// testCase cuts the name of a test case off the ARN of a state machine:
// "...:stateMachine:NAME#CASE". It must be one of the mocks.
func (s *Service) testCase(ctx context.Context, arn string) (machine, name string, err error) {
	machine, name, found := strings.Cut(arn, "#")
	if !found {
		return arn, "", nil
	}
	r, err := parseARN(ctx, machine, kindMachine)
	if err != nil {
		return "", "", err
	}
	if s.Mocks == nil {
		return "", "", awserr.New(400, "ValidationException", "test case %s cannot run: the server has no mock file", name)
	}
	cases := s.Mocks.machines[r.Name]
	if cases[name] == nil {
		text := fmt.Sprintf("the mock file has no test case %s for state machine %s", name, r.Name)
		if near := diag.Nearest(name, s.Mocks.order[r.Name]); near != "" {
			text += "; did you mean " + near + "?"
		}
		return "", "", awserr.New(400, "ValidationException", "%s", text)
	}
	return machine, name, nil
}

// mocked returns the answers that a task's test case has for its state; false
// where the task is to be run.
func (s *Service) mocked(t *exec.Task) (answers []mockAnswer, is bool) {
	l := s.live.get(t.Execution)
	if s.Mocks == nil || l == nil || l.record.TestCase == "" {
		return nil, false
	}
	machine, _, _ := strings.Cut(l.record.Machine, "/") // a child of a Map run: MACHINE/LABEL
	response, is := s.Mocks.machines[machine][l.record.TestCase][t.State]
	return s.Mocks.answers[response], is
}

// mock answers a task from the mock file; false where it is to be run. Where
// the file has nothing for an invocation the execution fails, whatever its Catch says.
func (o *openTask) mock() bool {
	answers, is := o.s.mocked(&o.Task)
	if !is {
		return false
	}
	n, err := o.s.invocation(&o.Task) // in the order in which tasks begin
	o.spawn(func() {
		switch i := slices.IndexFunc(answers, func(a mockAnswer) bool { return a.first <= n && n <= a.last }); {
		case err != nil:
			o.fail("States.Runtime", err.Error())
		case i < 0:
			o.fail("States.Runtime", fmt.Sprintf("The mock file has no response for invocation %d of state '%s'", n, o.State))
		case answers[i].result != nil:
			o.succeed(answers[i].result)
		default:
			o.fail(answers[i].name, answers[i].cause)
		}
	})
	return true
}

// invocation numbers a task among those of its state, from 0.
func (s *Service) invocation(t *exec.Task) (int, error) {
	root := t.Execution
	if l := s.live.get(root); l != nil && l.record.Parent != "" {
		root = l.record.Parent
	}
	s.mocks.mu.Lock()
	defer s.mocks.mu.Unlock()
	c := s.mocks.roots[root]
	if c == nil {
		c = &mockCount{next: map[string]int{}, numbers: map[taskKey]int{}}
		if err := s.recount(root, c); err != nil {
			return 0, err
		}
		if s.mocks.roots == nil {
			s.mocks.roots = map[string]*mockCount{}
		}
		s.mocks.roots[root] = c
		if l := s.live.get(root); l != nil {
			l.watch(func(execution) { s.mocks.forget(root) })
		}
	}
	key := taskKey{t.Execution, t.ID}
	n, known := c.numbers[key]
	if !known {
		n = c.next[t.State]
		c.next[t.State], c.numbers[key] = n+1, n
	}
	return n, nil
}

func (m *mockCounts) forget(root string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.roots, root)
}

// recount numbers the tasks in an execution's history, of which a server
// before this one may have answered some. Tasks are numbered as they are scheduled.
func (s *Service) recount(arn string, c *mockCount) error {
	l := s.live.get(arn)
	if l == nil || l.express {
		return nil
	}
	ctx := bus.With(context.Background(), bus.Caller{Account: l.record.Account, Region: l.record.Region})
	events, err := s.reader.read(ctx, &l.record)
	if err != nil {
		return fmt.Errorf("cannot count the invocations of %s: %w", arn, err)
	}
	state := map[int64]string{}
	id := exec.TaskID(0)
	for i := range events {
		e := &events[i]
		state[e.ID] = state[e.PreviousID]
		switch kind := string(e.Type); {
		case strings.HasSuffix(kind, "StateEntered"):
			state[e.ID] = e.Name
		case strings.HasSuffix(kind, "Scheduled"):
			id++
			name := state[e.ID]
			c.numbers[taskKey{arn, id}] = c.next[name]
			c.next[name]++
		}
	}
	return nil
}
