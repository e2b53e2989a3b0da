package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
	"stepwell/internal/project"
)

func newExecutions(o *options) *cobra.Command {
	var status string
	cmd := &cobra.Command{
		Use:   "executions [STATE-MACHINE | EXECUTION-ARN]",
		Short: "List executions, or show the events of one",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer c.close()
			if len(args) == 1 && strings.Contains(args[0], ":execution:") {
				return showExecution(cmd.Context(), o, c, args[0])
			}
			return listExecutions(cmd.Context(), o, c, args, status)
		},
	}
	cmd.Flags().StringVar(&status, "status", "", "only those in this status, e.g. FAILED")
	cmd.AddCommand(newExecutionsShow(o))
	return cmd
}

func newExecutionsShow(o *options) *cobra.Command {
	var s showing
	cmd := &cobra.Command{
		Use:   "show [EXECUTION-ARN]",
		Short: "Show an execution as a timeline of its states",
		Long: `Show an execution as a timeline: its states with attempts, durations and errors.
Without an ARN it is the one that was started last. Iterations of a Map are
summarised where there are many.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := o.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer c.close()
			if len(args) == 0 {
				latest, err := latestExecution(cmd.Context(), c)
				if err != nil {
					return err
				}
				args = []string{latest}
			}
			return showTimeline(cmd.Context(), o, c, args[0], s)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&s.input, "input", false, "show the input of every state")
	f.BoolVar(&s.output, "output", false, "show the output of every state")
	f.BoolVar(&s.all, "all", false, "show every iteration of every Map")
	return cmd
}

// latestExecution is the ARN of the execution that was started last.
func latestExecution(ctx context.Context, c *connection) (string, error) {
	machines, err := listMachines(ctx, c, nil)
	if err != nil {
		return "", err
	}
	arn, at := "", time.Time{}
	for _, m := range machines {
		if *m.Type == "EXPRESS" {
			continue
		}
		page, err := bus.Invoke[states.ListExecutionsOutput](ctx, c.aws, "states", "ListExecutions",
			&states.ListExecutionsInput{StateMachineArn: m.StateMachineArn, MaxResults: new(int64(1))})
		if err != nil {
			return "", err
		}
		for _, e := range page.Executions {
			if e.StartDate.After(at) {
				arn, at = *e.ExecutionArn, *e.StartDate
			}
		}
	}
	if arn == "" {
		return "", fmt.Errorf("there is no execution")
	}
	return arn, nil
}

func showTimeline(ctx context.Context, o *options, c *connection, arn string, s showing) error {
	t, err := readTimeline(ctx, c, arn)
	if err != nil {
		return err
	}
	d := t.execution
	fmt.Fprintf(o.std.Out, "%s\n%s, started %s", arn, *d.Status, d.StartDate.Local().Format(time.DateTime))
	if d.StopDate != nil {
		fmt.Fprintf(o.std.Out, ", took %s", project.Duration(d.StopDate.Sub(*d.StartDate)))
	}
	fmt.Fprint(o.std.Out, "\n\n")
	if s.input && d.Input != nil {
		fmt.Fprintf(o.std.Out, "input %s\n\n", indentJSON(*d.Input))
	}
	t.print(o.std.Out, s)
	if d.Error != nil {
		fmt.Fprintf(o.std.Out, "\nerror: %s\n", *d.Error)
	}
	if cause := text(d.Cause); cause != "" {
		fmt.Fprintf(o.std.Out, "cause: %s\n", indentJSON(cause))
	}
	if s.output && d.Output != nil {
		fmt.Fprintf(o.std.Out, "\noutput %s\n", indentJSON(*d.Output))
	}
	return nil
}

func listExecutions(ctx context.Context, o *options, c *connection, names []string, status string) error {
	machines, err := listMachines(ctx, c, names)
	if err != nil {
		return err
	}
	t := &project.Table{Columns: []string{"execution", "status", "started", "took"}}
	for _, m := range machines {
		in := &states.ListExecutionsInput{StateMachineArn: m.StateMachineArn}
		if status != "" {
			in.StatusFilter = &status
		}
		for {
			page, err := bus.Invoke[states.ListExecutionsOutput](ctx, c.aws, "states", "ListExecutions", in)
			if err != nil {
				return err
			}
			for _, e := range page.Executions {
				took := ""
				if e.StopDate != nil {
					took = e.StopDate.Sub(*e.StartDate).Round(time.Millisecond).String()
				}
				t.Rows = append(t.Rows, []string{*e.ExecutionArn, *e.Status, e.StartDate.Local().Format(time.DateTime), took})
			}
			if in.NextToken = page.NextToken; in.NextToken == nil {
				break
			}
		}
	}
	t.Print(o.std.Out)
	return nil
}

// listMachines returns the state machines of the given names or ARNs, all where
// there are none.
func listMachines(ctx context.Context, c *connection, names []string) ([]states.StateMachineListItem, error) {
	var list []states.StateMachineListItem
	in := &states.ListStateMachinesInput{}
	for {
		page, err := bus.Invoke[states.ListStateMachinesOutput](ctx, c.aws, "states", "ListStateMachines", in)
		if err != nil {
			return nil, err
		}
		for _, m := range page.StateMachines {
			if len(names) == 0 || slices.Contains(names, *m.Name) || slices.Contains(names, *m.StateMachineArn) {
				list = append(list, m)
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			break
		}
	}
	if len(names) > 0 && len(list) == 0 {
		return nil, fmt.Errorf("there is no state machine %s", strings.Join(names, ", "))
	}
	return list, nil
}

func showExecution(ctx context.Context, o *options, c *connection, arn string) error {
	d, err := bus.Invoke[states.DescribeExecutionOutput](ctx, c.aws, "states", "DescribeExecution", &states.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		return err
	}
	fmt.Fprintf(o.std.Out, "%s\n%s, started %s\n\n", arn, *d.Status, d.StartDate.Local().Format(time.DateTime))
	t := &project.Table{Columns: []string{"id", "after", "event", "state or error"}}
	in := &states.GetExecutionHistoryInput{ExecutionArn: &arn}
	for {
		page, err := bus.Invoke[states.GetExecutionHistoryOutput](ctx, c.aws, "states", "GetExecutionHistory", in)
		if err != nil {
			return err
		}
		for _, e := range page.Events {
			t.Rows = append(t.Rows, []string{
				fmt.Sprint(*e.Id), e.Timestamp.Sub(*d.StartDate).Round(time.Millisecond).String(), *e.Type, subject(&e),
			})
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			break
		}
	}
	t.Print(o.std.Out)
	return nil
}

// subject is what an event is about, in a few words.
func subject(e *states.HistoryEvent) string {
	var parts []*string
	switch {
	case e.StateEnteredEventDetails != nil:
		parts = []*string{e.StateEnteredEventDetails.Name}
	case e.StateExitedEventDetails != nil:
		parts = []*string{e.StateExitedEventDetails.Name}
	case e.TaskScheduledEventDetails != nil:
		parts = []*string{e.TaskScheduledEventDetails.ResourceType, e.TaskScheduledEventDetails.Resource}
	case e.TaskFailedEventDetails != nil:
		parts = []*string{e.TaskFailedEventDetails.Error, e.TaskFailedEventDetails.Cause}
	case e.ExecutionFailedEventDetails != nil:
		parts = []*string{e.ExecutionFailedEventDetails.Error, e.ExecutionFailedEventDetails.Cause}
	}
	words := make([]string, 0, len(parts))
	for _, p := range parts {
		if p != nil {
			line, _, _ := strings.Cut(*p, "\n")
			words = append(words, line)
		}
	}
	line := []rune(strings.Join(words, " "))
	return string(line[:min(len(line), 100)])
}
