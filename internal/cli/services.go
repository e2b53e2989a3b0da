package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"stepwell/internal/bus"
	"stepwell/internal/project"
	"stepwell/internal/server"
)

func newServices(o *options) *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use:   "services [SERVICE]",
		Short: "List the services and how much of each is there",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			tables := server.Tables()
			if markdown {
				return server.WriteCoverage(o.std.Out, tables)
			}
			if len(args) == 0 {
				summarise(o, tables)
				return nil
			}
			for _, s := range tables {
				if s.Name == args[0] {
					listOperations(o, s)
					return nil
				}
			}
			return usageError{fmt.Errorf("there is no service %q", args[0])}
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print the coverage page")
	return cmd
}

func summarise(o *options, tables []*bus.Service) {
	t := &project.Table{Columns: []string{"service", "full", "partial", "not implemented"}}
	for _, s := range tables {
		var count [3]int
		for _, op := range s.Operations {
			count[op.Status]++
		}
		t.Rows = append(t.Rows, []string{s.Name, fmt.Sprint(count[bus.Full]), fmt.Sprint(count[bus.Partial]), fmt.Sprint(count[bus.NotImplemented])})
	}
	t.Print(o.std.Out)
}

func listOperations(o *options, s *bus.Service) {
	t := &project.Table{Columns: []string{"operation", "status", "note"}}
	for _, op := range s.Operations {
		t.Rows = append(t.Rows, []string{op.Name, op.Status.String(), op.Note})
	}
	t.Print(o.std.Out)
}
