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
	return cmd
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
