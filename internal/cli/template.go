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
			return o.checkFiles(args, func(name, text string) bool { return o.report(name, text, server.CheckTemplate(text)) })
		},
	})
	return cmd
}
