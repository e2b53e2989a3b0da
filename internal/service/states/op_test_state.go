package states

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/asl/exec"
	"stepwell/internal/asl/syntax"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// testState runs one state (API reference, TestState). It leaves no execution
// and no history.
func (s *Service) testState(ctx context.Context, in *api.TestStateInput) (*api.TestStateOutput, error) {
	defer s.Clock.Busy()()
	if fault := checkTestMock(in); fault != nil {
		return nil, fault
	}
	m, name, problems := exec.CompileState(*in.Definition, value(in.StateName), exec.Options{KnownResource: s.knownResource, MapRuns: true})
	if m == nil {
		return nil, invalidDefinition(problemText(problems))
	}
	state := findState(m.Definition.Machine, name)
	if state == nil || in.StateName != nil && *in.StateName != name {
		return nil, validation("The state '%s' does not exist in the definition", value(in.StateName))
	}
	if fault := s.checkTestState(in, state); fault != nil {
		return nil, fault
	}
	traced := &httpResult{}
	trial, err := s.trial(ctx, in, m, name, traced)
	if err != nil {
		return nil, err
	}
	v := trial.Run()
	out := &api.TestStateOutput{Status: &v.Status, Error: v.Error, Cause: v.Cause, NextState: optional(v.Next), Output: jsonMember(v.Output)}
	if level := value(in.InspectionLevel); level == "DEBUG" || level == "TRACE" {
		out.InspectionData = inspection(&v.Inspection)
		if level == "TRACE" {
			traced.inspect(out.InspectionData, value(in.RevealSecrets))
		}
	}
	return out, nil
}

// findState finds a state at any depth.
func findState(m *syntax.Machine, name string) *syntax.State {
	if found := m.State(name); found != nil {
		return found
	}
	for _, s := range m.States {
		var inner []*syntax.Machine
		switch b := s.Body.(type) {
		case *syntax.Parallel:
			inner = b.Branches
		case *syntax.Map:
			if b.Processor != nil {
				inner = []*syntax.Machine{b.Processor}
			}
		}
		for _, machine := range inner {
			if found := findState(machine, name); found != nil {
				return found
			}
		}
	}
	return nil
}

// checkTestMock checks the mock and what depends on it, as far as it can be
// without the definition.
func checkTestMock(in *api.TestStateInput) *awserr.Error {
	if in.Mock == nil {
		if in.StateConfiguration != nil && in.StateConfiguration.MapIterationFailureCount != nil {
			return validation("TestState does not support MapIterationFailureCount when a mock is not specified.")
		}
		return nil
	}
	switch {
	case value(in.RevealSecrets):
		return validation("TestState does not support RevealSecrets when a mock is specified.")
	case in.Mock.Result != nil && in.Mock.ErrorOutput != nil:
		return validation("A test mock should have only one of the following fields: [result, errorOutput].")
	case in.Mock.Result == nil && in.Mock.ErrorOutput == nil:
		return validation("A test mock must have one of the following fields: [result, errorOutput].")
	}
	return nil
}

// checkTestState checks the request against the state.
func (s *Service) checkTestState(in *api.TestStateInput, state *syntax.State) *awserr.Error {
	loop, isMap := state.Body.(*syntax.Map)
	_, isParallel := state.Body.(*syntax.Parallel)
	task, isTask := state.Body.(*syntax.Task)
	switch {
	case in.Mock == nil && (isMap || isParallel):
		return api.InvalidDefinition("TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]")
	case in.Mock == nil && isTask && in.RoleArn == nil:
		return validation("RoleArn must be specified when testing a Task state")
	case in.Mock != nil && !isMap && !isParallel && !isTask:
		return validation("State type '%s' is not supported when a mock is specified", state.Type)
	}
	if in.RoleArn != nil {
		if fault := checkRole(*in.RoleArn); fault != nil {
			return fault
		}
	}
	if fault := checkTestContext(in.Context, task); fault != nil {
		return fault
	}
	if in.Mock == nil || in.Mock.Result == nil {
		return nil
	}
	result, err := decode(*in.Mock.Result)
	if err != nil {
		return validation("Mocked result must be valid JSON.")
	}
	switch {
	case isTask:
		mode := value(in.Mock.FieldValidationMode)
		resourceType, action := exec.ResourceOf(task.Resource)
		return s.checkMockFields(resourceType, action, mode, result)
	case isMap && loop.ResultWriter != nil:
		if _, ok := result.(map[string]any); !ok {
			return validation("Mocked result must be a JSON object.")
		}
		return nil
	}
	list, ok := result.([]any)
	if !ok {
		return validation("Mocked result must be an array.")
	}
	if c := in.StateConfiguration; isMap && c != nil && value(c.MapIterationFailureCount) > int64(len(list)) {
		return validation("Map iteration failure count must be less than or equal to the number of Map iterations")
	}
	return nil
}

// contextFields are the fields that a given context object may have.
var contextFields = map[string][]string{
	"":             {"Execution", "State", "StateMachine", "Task", "Map"},
	"Execution":    {"Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount", "RedriveTime"},
	"State":        {"EnteredTime", "Name", "RetryCount"},
	"StateMachine": {"Id", "Name"},
	"Task":         {"Token"},
	"Map":          {"Item"},
}

// checkTestContext checks a given context object.
func checkTestContext(text *string, task *syntax.Task) *awserr.Error {
	if text == nil {
		return nil
	}
	v, err := decode(*text)
	given, ok := v.(map[string]any)
	if err != nil || !ok {
		return validation("Invalid Context object provided: Context must be a valid JSON object")
	}
	check := func(within string, fields map[string]any) *awserr.Error {
		for _, name := range sortedKeys(fields) {
			if !slices.Contains(contextFields[within], name) {
				return validation("Invalid Context object provided: Field '%s' is not allowed", name)
			}
		}
		return nil
	}
	if fault := check("", given); fault != nil {
		return fault
	}
	for _, name := range sortedKeys(given) {
		fields, ok := given[name].(map[string]any)
		if !ok {
			return validation("Invalid Context object provided: Field '%s' must be an object", name)
		}
		if fault := check(name, fields); fault != nil {
			return fault
		}
	}
	if _, there := given["Task"]; there && !waits(task) {
		return validation("Invalid Context object provided: Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern")
	}
	return nil
}

// waits reports whether a task waits for a job or a token.
func waits(task *syntax.Task) bool {
	if task == nil {
		return false
	}
	_, action := exec.ResourceOf(task.Resource)
	return strings.HasSuffix(action, "."+patternToken) || strings.HasSuffix(action, "."+patternSync) || strings.HasSuffix(action, "."+patternSync2)
}

func sortedKeys(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// trial is what the engine runs for the request.
func (s *Service) trial(ctx context.Context, in *api.TestStateInput, m *exec.Machine, name string, traced *httpResult) (*exec.Trial, error) {
	input := "{}"
	if in.Input != nil {
		input = *in.Input
	}
	if fault := jsonFault(input); fault != "" {
		return nil, invalidInput(fault)
	}
	caller := bus.From(ctx)
	machine, execution := s.IDs.UUID(), s.IDs.UUID()
	t := &exec.Trial{
		Machine: m, State: name,
		Info: exec.Info{
			ID: caller.ARN("states", kindExpress+":"+machine+":"+execution), Name: execution, RoleARN: value(in.RoleArn),
			StartTime: millis(s.Clock.Now()), StateMachineID: caller.ARN("states", kindMachine+":"+machine), StateMachineName: machine,
			Region: caller.Region, Input: []byte(input), Express: true,
		},
		Context: rawMember(in.Context), Variables: rawMember(in.Variables),
		Call: func(task exec.Task) exec.Mock { return s.callNow(ctx, task, traced) },
	}
	if in.Variables != nil {
		if v, err := decode(*in.Variables); err != nil {
			return nil, validation("Invalid variables provided: Variables must be a valid JSON object")
		} else if _, ok := v.(map[string]any); !ok {
			return nil, validation("Invalid variables provided: Variables must be a valid JSON object")
		}
	}
	if in.Mock != nil && in.Mock.Result != nil {
		t.Mock = &exec.Mock{Result: rawMember(in.Mock.Result)}
	} else if in.Mock != nil {
		t.Mock = &exec.Mock{Failed: true, Error: in.Mock.ErrorOutput.Error, Cause: in.Mock.ErrorOutput.Cause}
	}
	if c := in.StateConfiguration; c != nil {
		t.RetryCount, t.FailedIterations = value(c.RetrierRetryCount), value(c.MapIterationFailureCount)
		t.CausedBy, t.ReaderData = value(c.ErrorCausedByState), rawMember(c.MapItemReaderData)
	}
	return t, nil
}

// callNow runs a task's call and waits for its answer; traced gets what an HTTP task did.
func (s *Service) callNow(ctx context.Context, t exec.Task, traced *httpResult) exec.Mock {
	failed := func(name, cause string) exec.Mock { return exec.Mock{Failed: true, Error: &name, Cause: &cause} }
	if fault := credentialFault(t.Credentials); fault != "" {
		return failed("States.Runtime", fault)
	}
	if t.ResourceType == "http" {
		*traced = s.callHTTP(bus.With(ctx, s.callerOf(&t)), &t)
		if traced.output == nil {
			return failed(traced.name, traced.cause)
		}
		return exec.Mock{Result: traced.output}
	}
	c, err := s.resolve(t.ResourceType, t.Action)
	if err != nil {
		return failed("States.TaskFailed", awserr.From(err).Message)
	}
	if c.pattern != "" {
		return failed("States.TaskFailed", "TestState runs no task that waits for a job or a task token; specify a mock")
	}
	in, err := c.input(&t)
	if err != nil {
		return failed("States.Runtime", fmt.Sprintf("The Parameters '%s' could not be used to start the Task: [%v]", t.Parameters, err))
	}
	o := &openTask{Task: t, s: s, caller: s.callerOf(&t)}
	o.caller.RequestID = s.IDs.UUID()
	o.ctx, o.cancel = context.WithCancel(bus.With(ctx, o.caller))
	defer o.cancel()
	c.complete(in, s.IDs.UUID())
	out, err := o.invoke(c, in)
	if err != nil {
		return failed(c.failure(err, o.caller.RequestID))
	}
	answer, err := c.output(out, o.caller.RequestID)
	if err != nil {
		return failed("States.Runtime", err.Error())
	}
	if name, is := c.refused(out); is {
		return failed(name, string(answer))
	}
	return exec.Mock{Result: answer}
}

func rawMember(p *string) json.RawMessage {
	if p == nil {
		return nil
	}
	return json.RawMessage(*p)
}

func jsonMember(raw json.RawMessage) *string {
	if raw == nil {
		return nil
	}
	return new(string(raw))
}

// inspection is what the levels DEBUG and TRACE show.
func inspection(i *exec.Inspection) *api.InspectionData {
	d := &api.InspectionData{
		Input: jsonMember(i.Input), AfterInputPath: jsonMember(i.AfterInputPath), AfterParameters: jsonMember(i.AfterParameters),
		AfterArguments: jsonMember(i.AfterArguments), Result: jsonMember(i.Result), AfterResultSelector: jsonMember(i.AfterResultSelector),
		AfterResultPath: jsonMember(i.AfterResultPath), Variables: jsonMember(i.Variables), AfterItemsPath: jsonMember(i.AfterItemsPath),
		AfterItemsPointer: jsonMember(i.AfterItemsPointer), AfterItemSelector: jsonMember(i.AfterItemSelector),
		AfterItemBatcher: jsonMember(i.AfterItemBatcher), MaxConcurrency: i.MaxConcurrency,
		ToleratedFailureCount: i.ToleratedCount, ToleratedFailurePercentage: i.ToleratedShare,
	}
	if i.RetryIndex != nil || i.CatchIndex != nil {
		d.ErrorDetails = &api.InspectionErrorDetails{RetryIndex: i.RetryIndex, CatchIndex: i.CatchIndex, RetryBackoffIntervalSeconds: i.Backoff}
	}
	return d
}
