package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/diag"
	"stepwell/internal/server"
)

func newASL(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "asl",
		Short: "Check, draw and try out state machine definitions",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newASLCheck(o), newASLGraph(o), newASLRun(o))
	return cmd
}

func newASLCheck(o *options) *cobra.Command {
	var express bool
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Say what is wrong with definitions",
		Long: `Say what is wrong with state machine definitions, with the line: what
CreateStateMachine would refuse them for, and, as warnings, what is allowed and
hardly meant. The exit status is 1 when there is an error. No server is needed;
FILE - is standard input. A file may be YAML (.yaml, .yml), and have names that
a template replaces (${Name}); what depends on these is not judged.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return o.checkFiles(args, func(name, text string) bool { return o.checkDefinition(name, text, express) })
		},
	}
	cmd.Flags().BoolVar(&express, "express", false, "check for an Express state machine")
	return cmd
}

// readDefinition reads a definition; one in YAML comes as JSON.
func (o *options) readDefinition(name string) (string, error) {
	text, err := o.readText(name)
	if err != nil || !isYAML(name) {
		return text, err
	}
	y, fault := syntax.FromYAML(text)
	if fault != nil {
		diag.Render(o.std.Err, name, text, diag.List{*fault})
		return "", fmt.Errorf("cannot read the definition: %s is not YAML", name)
	}
	return y.JSON, nil
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// readText reads a file; - is standard input.
func (o *options) readText(name string) (string, error) {
	var text []byte
	var err error
	if name == "-" {
		text, err = io.ReadAll(o.std.In)
	} else {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the definition: %w", err)
	}
	return string(text), nil
}

// checkFiles checks each file; the error is exit status 1 where one has failed.
func (o *options) checkFiles(names []string, check func(name, text string) (failed bool)) error {
	failed := false
	for _, name := range names {
		text, err := o.readText(name)
		if err != nil {
			return err
		}
		failed = check(name, text) || failed
	}
	if failed {
		return exitError(1)
	}
	return nil
}

func (o *options) checkDefinition(name, text string, express bool) (failed bool) {
	if !isYAML(name) {
		return o.report(name, text, server.CheckDefinition(text, machineType(express)))
	}
	y, fault := syntax.FromYAML(text)
	if fault != nil {
		return o.report(name, text, diag.List{*fault})
	}
	found := server.CheckDefinition(y.JSON, machineType(express))
	for i := range found {
		found[i].Span = y.Span(found[i].Span)
	}
	return o.report(name, text, found)
}

// report shows what was found in a file; failed says that errors were.
func (o *options) report(name, text string, found diag.List) (failed bool) {
	diag.Render(o.std.Out, name, text, found)
	failures, warnings := 0, 0
	for _, d := range found {
		if d.Severity == diag.Error {
			failures++
		} else {
			warnings++
		}
	}
	switch {
	case len(found) == 0:
		fmt.Fprintf(o.std.Out, "%s: no errors\n", name)
	default:
		fmt.Fprintf(o.std.Out, "%s: %s, %s\n", name, count(failures, "error"), count(warnings, "warning"))
	}
	return failures > 0
}

func machineType(express bool) string {
	if express {
		return "EXPRESS"
	}
	return "STANDARD"
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
