package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"stepwell/internal/asl/graph"
	"stepwell/internal/asl/syntax"
	"stepwell/internal/diag"
)

func newASLGraph(o *options) *cobra.Command {
	var file string
	var text bool
	cmd := &cobra.Command{
		Use:   "graph FILE",
		Short: "Draw a definition, as SVG or in the terminal",
		Long: `Draw a state machine definition from top to bottom: as SVG, on standard output
or to the file that -o names, or with --text for the terminal. States are
coloured by type; Catch edges are dashed. FILE - is standard input.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			def, err := o.parseDefinition(args[0])
			if err != nil {
				return err
			}
			draw := graph.SVG
			if text {
				draw = graph.Text
			}
			if file == "" {
				return draw(o.std.Out, def.Machine)
			}
			return writeFile(file, func(w io.Writer) error { return draw(w, def.Machine) })
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "write to this file")
	cmd.Flags().BoolVar(&text, "text", false, "draw with characters")
	return cmd
}

// parseDefinition reads a definition that may have faults, but must be one.
func (o *options) parseDefinition(name string) (*syntax.Definition, error) {
	text, err := o.readDefinition(name)
	if err != nil {
		return nil, err
	}
	def, faults := syntax.Parse(text)
	if def == nil || len(def.Machine.States) == 0 {
		for _, f := range faults {
			diag.Render(o.std.Err, name, text, diag.List{f.Diagnostic})
		}
		return nil, fmt.Errorf("%s is not a state machine definition with States", name)
	}
	return def, nil
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("cannot write the drawing: %w", err)
	}
	if err := write(f); err != nil {
		f.Close()
		return fmt.Errorf("cannot write the drawing: %w", err)
	}
	return f.Close()
}
