package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stepwell/internal/rsql"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/sqlerr"
)

func newExplain(o *options) *cobra.Command {
	var stage string
	cmd := &cobra.Command{
		Use:   "explain SQL",
		Short: "Show what the compiler makes of a statement, stage by stage",
		Long: `Show what the compiler makes of a statement, stage by stage. No server is
asked: every name in FROM is taken for a table whose columns are not known.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := rsql.Explain(args[0], rsql.Stage(stage), anyTable{}, rsql.Options{Text: args[0], User: "awsuser", Database: "dev", Schema: "public"})
			if err != nil {
				printSQLError(o.std.Err, "statement", args[0], err)
				return exitError(1)
			}
			_, err = fmt.Fprintln(o.std.Out, strings.TrimRight(text, "\n"))
			return err
		},
	}
	cmd.Flags().StringVar(&stage, "stage", "duckdb", "tree, resolved, lowered or duckdb")
	return cmd
}

// anyTable is a catalog in which every table exists.
type anyTable struct{}

func (anyTable) Relation(path []string) (*resolve.Relation, error) {
	r := &resolve.Relation{Kind: resolve.Table, Name: path[len(path)-1], Duck: path}
	if len(path) > 1 {
		r.Schema = path[len(path)-2]
	}
	return r, nil
}

func (anyTable) Target(path []string, _ bool) ([]string, error) { return path, nil }

func (anyTable) Functions([]string) ([]*resolve.UserFunction, error) { return nil, nil }

func (anyTable) Scan(*resolve.Scan) (emit.Table, error) {
	return nil, sqlerr.NotImplemented("external tables without a server")
}
