package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"stepwell/internal/project"
	"stepwell/internal/server"
)

func newRun(o *options) *cobra.Command {
	var variant, mock string
	var cases []string
	var ephemeral bool
	cmd := &cobra.Command{
		Use:   "run DIR",
		Short: "Run a pipeline folder and check what must hold afterwards",
		Long: `Run the pipeline that DIR/stepwell.yaml describes: start a server if none has
the data folder open, deploy, start the executions, show each state as it ends,
and check the expectations. The exit status is 1 when one is not met.

With --ephemeral nothing is left: the run has a server and a data folder of its
own that are gone afterwards.

With --mock the tasks of test cases are answered from a mock file as AWS
documents it for Step Functions Local; nothing that is mocked is called. Every
test case of the file runs, or those that --case names, or those that the
pipeline's starts name with test-case; only with the last are expectations checked.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &project.Runner{Dir: absolute(args[0]), Variant: variant, Out: o.std.Out, Account: account(), Region: region(),
				CheckTemplate: server.CheckTemplate}
			if err := r.Load(); err != nil {
				return err
			}
			o.routes = r.Routes()
			if r.Cases = cases; mock != "" {
				if err := o.useMocks(r, mock); err != nil {
					return err
				}
			} else if len(cases) > 0 {
				return usageError{fmt.Errorf("--case needs --mock")}
			}
			return o.run(cmd.Context(), r, ephemeral)
		},
	}
	cmd.Flags().StringVar(&variant, "variant", "", "one of the file's variants, e.g. the failing one")
	cmd.Flags().StringVar(&mock, "mock", "", "answer the tasks of test cases from this mock file")
	cmd.Flags().StringArrayVar(&cases, "case", nil, "run this test case of the mock file; may be repeated")
	cmd.Flags().BoolVar(&ephemeral, "ephemeral", false, "leave nothing behind")
	return cmd
}

func (o *options) run(ctx context.Context, r *project.Runner, ephemeral bool) error {
	var c *connection
	var err error
	if ephemeral {
		dir, remove, dirErr := tempDir()
		if dirErr != nil {
			return dirErr
		}
		defer remove()
		c, err = o.embed(ctx, dir)
	} else {
		c, err = o.connect(ctx)
	}
	if err != nil {
		return err
	}
	defer c.close()
	r.AWS, r.SQL = c.aws, c.sql
	r.Endpoint, r.Outbox = c.Endpoint, c.Outbox()
	r.RedshiftHost, r.RedshiftPort = hostPort(c.Redshift)
	r.Python = pythonEnvironment
	runErr := r.Run(ctx)
	if !ephemeral {
		fmt.Fprintf(o.std.Out, `
Where things are (data folder %s)
  objects    %s, a folder per bucket
  e-mails    %s
  histories  stepwell executions show --data-dir %[1]s
  job logs   stepwell logs --data-dir %[1]s
  SQL        stepwell sql --data-dir %[1]s
`, absolute(c.DataDir), c.Objects(), c.Outbox())
	}
	return runErr
}
