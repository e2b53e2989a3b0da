// Package cli is the command line: one file per command. A command parses its
// flags, calls the package that does the work and prints; nothing here knows
// how the work is done.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"stepwell/internal/process"
	"stepwell/internal/project"
)

// Version is what "stepwell --version" prints.
const Version = "0.1.0"

// Stdio is where a command reads and writes.
type Stdio struct {
	In       io.Reader
	Out, Err io.Writer
}

// exitError carries an exit status whose reason has been printed already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Main runs the command line and returns the exit status: 0 when all went well,
// 1 when something failed or an expectation is not met, 2 when the command line
// itself is wrong.
func Main(args []string, std Stdio) int {
	process.Enter(args)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(std)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var exit exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	case errors.Is(err, project.ErrUnmet):
		fmt.Fprintln(std.Err, "stepwell:", err)
		return 1
	}
	fmt.Fprintln(std.Err, "stepwell:", err)
	var usage usageError
	if _, _, unknown := root.Find(args); unknown != nil || errors.As(err, &usage) {
		return 2
	}
	return 1
}

// usageError is a fault in the command line.
type usageError struct{ error }

func newRoot(std Stdio) *cobra.Command {
	o := &options{std: std}
	root := &cobra.Command{
		Use:   "stepwell",
		Short: "Run AWS data pipelines on this machine",
		Long: `Stepwell runs AWS data pipelines on this machine: Step Functions, Redshift,
Glue, Lambda, S3, SQS, SNS, EventBridge, CloudFormation and what they need, in
one program that AWS clients and Redshift drivers connect to unchanged.

  stepwell run examples/sales     run a pipeline folder and check its result
  stepwell serve                  stay up for AWS CLI, boto3, psql and the others
  eval "$(stepwell env)"          point AWS clients in this shell at it`,
		Version:       Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(std.In)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	flags := root.PersistentFlags()
	flags.StringVar(&o.dataDir, "data-dir", defaultDataDir(), "where everything is kept")
	flags.StringVar(&o.endpoint, "endpoint", "", "URL of a running server (default: the one that has the data folder open)")
	flags.Float64Var(&o.timeScale, "time-scale", 1, "how long a second of waiting lasts; 0 skips waits while nothing runs")
	root.AddCommand(newServe(o), newRun(o), newSQL(o), newLogs(o), newExecutions(o), newASL(o), newTemplate(o), newEnv(o), newDoctor(o), newServices(o))
	checkArgs(root)
	return root
}

// checkArgs makes wrong arguments of a command and those below it usage errors.
func checkArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		checkArgs(c)
	}
}
