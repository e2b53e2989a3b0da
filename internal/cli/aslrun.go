package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"stepwell/internal/asl/graph"
	"stepwell/internal/asl/syntax"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
	"stepwell/internal/project"
)

// aslRun is what the flags of "stepwell asl run" say.
type aslRun struct {
	*options
	state, from, input, role string
	express, keep            bool
}

func newASLRun(o *options) *cobra.Command {
	r := &aslRun{options: o}
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run a definition, one of its states, or its tail, with a given input",
		Long: `Run a state machine definition with a given input and print the output or the
error. --state runs one state and says where it would go; --from begins at a
state and runs to the end. The machine made for it is deleted afterwards.

The exit status is 1 when what ran has failed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.state != "" && r.from != "" {
				return usageError{fmt.Errorf("--state and --from exclude each other")}
			}
			return r.main(cmd.Context(), args[0])
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.state, "state", "", "run only this state, at any depth")
	f.StringVar(&r.from, "from", "", "begin at this state of the top level")
	f.StringVar(&r.input, "input", "{}", "the input, as JSON; @FILE reads it from a file")
	f.StringVar(&r.role, "role", "", "ARN of the role that tasks run as (default: stepwell-run in this account)")
	f.BoolVar(&r.express, "express", false, "run it as an Express state machine")
	f.BoolVar(&r.keep, "keep", false, "do not delete the state machine, so that its execution can be looked at")
	return cmd
}

func (r *aslRun) main(ctx context.Context, file string) error {
	def, err := r.parseDefinition(file)
	if err != nil {
		return err
	}
	if err := r.readInput(); err != nil {
		return err
	}
	if r.role == "" {
		r.role = "arn:aws:iam::" + account() + ":role/stepwell-run"
	}
	text := def.Text
	var one *syntax.State
	switch {
	case r.from != "":
		text, err = graph.Tail(def, r.from)
	case r.state != "":
		if one = graph.Find(def.Machine, r.state); one == nil {
			return fmt.Errorf("the definition has no state %q", r.state)
		}
		if runsLong(one) {
			text, err = graph.Alone(def, one)
		}
	}
	if err != nil {
		return err
	}
	c, err := r.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	if one != nil && !runsLong(one) {
		return r.test(ctx, c, text)
	}
	return r.execute(ctx, c, text, one)
}

func (r *aslRun) readInput() error {
	if name, ok := strings.CutPrefix(r.input, "@"); ok {
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("cannot read the input: %w", err)
		}
		r.input = string(text)
	}
	if !json.Valid([]byte(r.input)) {
		return usageError{fmt.Errorf("the input is not JSON: %s", r.input)}
	}
	return nil
}

// runsLong reports whether a state needs an execution: TestState runs neither
// states with machines within nor tasks that wait.
func runsLong(s *syntax.State) bool {
	switch b := s.Body.(type) {
	case *syntax.Parallel, *syntax.Map, *syntax.Wait:
		return true
	case *syntax.Task:
		return strings.HasSuffix(b.Resource, ".sync") || strings.HasSuffix(b.Resource, ".sync:2") ||
			strings.HasSuffix(b.Resource, ".waitForTaskToken") || strings.Contains(b.Resource, ":activity:")
	}
	return false
}

// test runs one state by TestState.
func (r *aslRun) test(ctx context.Context, c *connection, definition string) error {
	out, err := bus.Invoke[states.TestStateOutput](ctx, c.aws, "states", "TestState", &states.TestStateInput{
		Definition: &definition, StateName: &r.state, Input: &r.input, RoleArn: &r.role,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(r.std.Out, "%s %s\n", r.state, *out.Status)
	r.result(out.Output, out.Error, out.Cause)
	if out.NextState != nil {
		fmt.Fprintf(r.std.Out, "next state: %s\n", *out.NextState)
	}
	if *out.Status == "FAILED" || *out.Status == "RETRIABLE" {
		return exitError(1)
	}
	return nil
}

// result prints what something came to.
func (r *aslRun) result(output, failure, cause *string) {
	if failure != nil {
		fmt.Fprintf(r.std.Out, "error: %s\n", *failure)
	}
	if cause != nil && *cause != "" {
		fmt.Fprintf(r.std.Out, "cause: %s\n", indentJSON(*cause))
	}
	if output != nil && failure == nil {
		fmt.Fprintln(r.std.Out, indentJSON(*output))
	}
}

// indentJSON is a JSON text in lines; other text as it is.
func indentJSON(text string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}

// execute runs a definition as an execution of a state machine of its own.
func (r *aslRun) execute(ctx context.Context, c *connection, definition string, one *syntax.State) error {
	name, kind := "stepwell-run-"+uuid.NewString()[:8], machineType(r.express)
	m, err := bus.Invoke[states.CreateStateMachineOutput](ctx, c.aws, "states", "CreateStateMachine", &states.CreateStateMachineInput{
		Name: &name, Definition: &definition, RoleArn: &r.role, Type: &kind,
	})
	if err != nil {
		return fmt.Errorf("cannot use the definition: %w", err)
	}
	if !r.keep {
		defer c.aws.Invoke(context.WithoutCancel(ctx), "states", "DeleteStateMachine", &states.DeleteStateMachineInput{StateMachineArn: m.StateMachineArn})
	}
	if r.express {
		out, err := bus.Invoke[states.StartSyncExecutionOutput](ctx, c.aws, "states", "StartSyncExecution",
			&states.StartSyncExecutionInput{StateMachineArn: m.StateMachineArn, Input: &r.input})
		if err != nil {
			return err
		}
		return r.ended(*out.Status, *out.StartDate, *out.StopDate, out.Output, out.Error, out.Cause)
	}
	started, err := bus.Invoke[states.StartExecutionOutput](ctx, c.aws, "states", "StartExecution",
		&states.StartExecutionInput{StateMachineArn: m.StateMachineArn, Input: &r.input})
	if err != nil {
		return err
	}
	d, err := waitForEnd(ctx, c, *started.ExecutionArn)
	if err != nil { // interrupted, say: nothing is left running
		_, stopped := c.aws.Invoke(context.WithoutCancel(ctx), "states", "StopExecution", &states.StopExecutionInput{ExecutionArn: started.ExecutionArn})
		return errors.Join(err, stopped)
	}
	timeline, err := readTimeline(ctx, c, *started.ExecutionArn)
	if err != nil {
		return err
	}
	timeline.print(r.std.Out, showing{})
	fmt.Fprintln(r.std.Out)
	if one != nil && one.Next != "" && *d.Status == "SUCCEEDED" {
		defer fmt.Fprintf(r.std.Out, "next state: %s\n", one.Next)
	}
	return r.ended(*d.Status, *d.StartDate, *d.StopDate, d.Output, d.Error, d.Cause)
}

func (r *aslRun) ended(status string, start, stop time.Time, output, failure, cause *string) error {
	fmt.Fprintf(r.std.Out, "%s after %s\n", status, project.Duration(stop.Sub(start)))
	r.result(output, failure, cause)
	if status != "SUCCEEDED" {
		return exitError(1)
	}
	return nil
}

// waitForEnd looks at an execution until it has ended.
func waitForEnd(ctx context.Context, c *connection, arn string) (*states.DescribeExecutionOutput, error) {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		d, err := bus.Invoke[states.DescribeExecutionOutput](ctx, c.aws, "states", "DescribeExecution", &states.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil || *d.Status != "RUNNING" {
			return d, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}
