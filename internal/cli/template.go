package cli

import (
	"github.com/spf13/cobra"

	"stepwell/internal/server"
)

func newTemplate(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "template",
		Short: "Check CloudFormation templates",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "check FILE...",
		Short: "Say what is wrong with templates",
		Long: `Say what is wrong with CloudFormation templates in JSON or YAML, with the line:
sections, parameters, conditions, references and intrinsic functions. Resource
types, properties and attributes that are not known here are warned of: a stack
with one fails. The exit status is 1 when there is an error. No server is needed;
FILE - is standard input.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			failed := false
			for _, name := range args {
				text, err := o.readDefinition(name)
				if err != nil {
					return err
				}
				failed = o.report(name, text, server.CheckTemplate(text)) || failed
			}
			if failed {
				return exitError(1)
			}
			return nil
		},
	})
	return cmd
}
