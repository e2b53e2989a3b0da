package project

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
	"stepwell/internal/diag"
	"stepwell/internal/forward"
)

// ErrUnmet is returned by Run when the pipeline ran and something that must
// hold does not.
var ErrUnmet = errors.New("not all expectations are met")

// Table is the answer to a query; NULL is shown as the empty text.
type Table struct {
	Columns []string
	Rows    [][]string
}

// SQL runs a statement in a database of the default cluster.
type SQL interface {
	Query(ctx context.Context, database, sql string) (*Table, error)
}

// Python makes a Python environment with the packages and returns its interpreter.
type Python func(ctx context.Context, packages []string) (interpreter string, err error)

// Runner runs one pipeline folder against one server.
type Runner struct {
	Dir     string // the pipeline's folder
	Variant string // "" is the file as it stands

	AWS          bus.Invoker
	SQL          SQL
	Python       Python
	Account      string
	Region       string
	Endpoint     string // URL of the AWS door
	RedshiftHost string
	RedshiftPort int
	// CheckTemplate says what is wrong with a template before it is deployed; nil
	// leaves that to the server.
	CheckTemplate func(text string) diag.List

	Outbox string   // folder of local e-mails; "" where it cannot be seen
	Mocks  Mocks    // of the server; nil: it has none
	Cases  []string // test cases to run; none: those of the pipeline's starts, or all
	Out    io.Writer

	file    *File
	picked  bool // the starts are test cases of the mock file
	vars    Variables
	started time.Time
}

// Load reads the pipeline's file. Faults in it are rendered to Out and returned
// as one error.
func (r *Runner) Load() error {
	name := filepath.Join(r.Dir, FileName)
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("cannot read the pipeline: %w", err)
	}
	f, found := Parse(string(text))
	if len(found) > 0 {
		diag.Render(r.Out, name, string(text), found)
	}
	if found.HasErrors() {
		return fmt.Errorf("%s has errors", name)
	}
	if r.Variant != "" {
		v, ok := f.Variants[r.Variant]
		if !ok {
			names := make([]string, 0, len(f.Variants))
			for n := range f.Variants {
				names = append(names, n)
			}
			return fmt.Errorf("%s has no variant %q, only %q", name, r.Variant, names)
		}
		f.apply(v)
	}
	r.file = f
	return r.checkTemplate()
}

// checkTemplate renders what is wrong with the file's template to Out. One that
// is packaged first is left to the server: files stand where it wants locations.
func (r *Runner) checkTemplate() error {
	t := r.file.Template
	if t == nil || t.Bucket != "" || r.CheckTemplate == nil {
		return nil
	}
	name := filepath.Join(r.Dir, t.File)
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("cannot read the template: %w", err)
	}
	found := r.CheckTemplate(string(text))
	if len(found) > 0 {
		diag.Render(r.Out, name, string(text), found)
	}
	if found.HasErrors() {
		return fmt.Errorf("%s has errors", name)
	}
	return nil
}

// Routes are the services that the pipeline wants answered elsewhere, as the
// server's option has them.
func (r *Runner) Routes() []string {
	var routes []string
	for _, name := range slices.Sorted(maps.Keys(r.file.Services)) {
		to := r.file.Services[name].AWS
		routes = append(routes, forward.Route{Service: name, Profile: to.Profile, Region: to.Region, Endpoint: to.Endpoint}.String())
	}
	return routes
}

func (f *File) apply(v Variant) {
	if v.Template != nil {
		f.Template, f.Buckets, f.Databases = v.Template, v.Buckets, v.Databases
		f.Secrets, f.Topics, f.Jobs, f.StateMachines = nil, nil, nil, nil
	}
	if v.Start != nil {
		f.Start = v.Start
	}
	if v.Expect != nil {
		f.Expect = v.Expect
	}
	if v.Show != nil {
		f.Show = v.Show
	}
}

// Run prepares, deploys, starts, watches and checks. It returns ErrUnmet, or
// the first error that kept it from going on.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.pickCases(); err != nil {
		return err
	}
	r.vars = r.serverVariables()
	r.heading("Pipeline %s", r.file.Name)
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if err := r.deploy(ctx); err != nil {
		return err
	}
	r.started = time.Now()
	var ended []*states.DescribeExecutionOutput
	for _, s := range r.file.Start {
		for range max(s.Repeat, 1) {
			e, err := r.execute(ctx, s)
			if err != nil {
				return err
			}
			ended = append(ended, e)
		}
	}
	if err := r.testCases(ended); err != nil {
		return err
	}
	met, err := r.expectations(ctx, ended)
	if err != nil {
		return err
	}
	if err := r.show(ctx); err != nil {
		return err
	}
	if !met {
		return ErrUnmet
	}
	return nil
}

func (r *Runner) heading(format string, args ...any) {
	fmt.Fprintf(r.Out, "\n"+format+"\n", args...)
}

func (r *Runner) say(what, format string, args ...any) {
	fmt.Fprintf(r.Out, "  %-10s %s\n", what, fmt.Sprintf(format, args...))
}

// prepare runs the commands whose results are not there yet.
func (r *Runner) prepare(ctx context.Context) error {
	for _, c := range r.file.Prepare {
		if c.Creates != "" {
			if _, err := os.Stat(filepath.Join(r.Dir, c.Creates)); err == nil {
				r.say("input", "%s is there", c.Creates)
				continue
			}
		}
		args := c.Run
		if c.Python != nil {
			interpreter, err := r.Python(ctx, c.Python)
			if err != nil {
				return err
			}
			args = append([]string{interpreter}, args...)
		}
		if len(args) == 0 {
			continue
		}
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir = r.Dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("cannot prepare input with %q: %w\n%s", c.Run, err, out)
		}
		r.say("input", "%s made", c.Creates)
	}
	return nil
}

// execute starts an execution and watches it to its end.
func (r *Runner) execute(ctx context.Context, s Start) (*states.DescribeExecutionOutput, error) {
	s.Input, _ = r.vars.expandAny(s.Input).(map[string]any)
	input, err := s.inputJSON()
	if err != nil {
		return nil, fmt.Errorf("cannot encode the input of %s: %w", s.StateMachine, err)
	}
	arn, ok := r.vars["state-machine."+s.StateMachine]
	if !ok {
		return nil, fmt.Errorf("cannot start %s: the stack has no such state machine", s.StateMachine)
	}
	if s.TestCase != "" {
		arn += "#" + s.TestCase
	}
	out, err := bus.Invoke[states.StartExecutionOutput](ctx, r.AWS, "states", "StartExecution",
		&states.StartExecutionInput{StateMachineArn: &arn, Input: &input})
	if err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", s.StateMachine, err)
	}
	if s.TestCase != "" {
		r.heading("Test case %s: execution %s", s.TestCase, *out.ExecutionArn)
	} else {
		r.heading("Execution %s", *out.ExecutionArn)
	}
	return r.watch(ctx, *out.ExecutionArn)
}
