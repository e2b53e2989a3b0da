package rsql

import (
	"fmt"
	"strings"

	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// Stage is a stage of the compiler whose result can be printed.
type Stage string

// The stages, in order.
const (
	Tree     Stage = "tree"     // the syntax tree
	Print    Stage = "print"    // the tree as Redshift SQL again
	Resolved Stage = "resolved" // what the names mean
	Lowered  Stage = "lowered"  // the rules that applied, and DuckDB's tree
	Duck     Stage = "duckdb"   // the DuckDB SQL
)

// Explain prints one stage of the compilation of every statement of a script.
func Explain(script string, stage Stage, catalog resolve.Catalog, options Options) (string, error) {
	list, err := Parse(script)
	if err != nil {
		return "", err
	}
	options.Text = script
	var b strings.Builder
	for _, s := range list {
		text, err := explain(s.Tree, stage, catalog, options)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

func explain(tree syntax.Statement, stage Stage, catalog resolve.Catalog, options Options) (string, error) {
	switch stage {
	case Tree:
		return syntax.Dump(tree), nil
	case Print:
		return syntax.Print(tree) + ";\n", nil
	case Resolved, Lowered, Duck:
	default:
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "unknown stage \"%s\"", string(stage))
	}
	c := &compilation{tree: tree, catalog: catalog, options: options}
	plan, err := c.plan()
	if err != nil {
		return "", err
	}
	if plan.Kind == Utility {
		return fmt.Sprintf("-- %s is executed by the warehouse\n", plan.Tag), nil
	}
	switch stage {
	case Resolved:
		return c.explainNames(plan), nil
	case Lowered:
		return c.explainLowered(), nil
	}
	return strings.Join(plan.SQL, ";\n") + ";\n", nil
}

func (c *compilation) explainNames(p *Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "tag: %s\n", p.Tag)
	kinds := map[resolve.RelationKind]string{resolve.Table: "table", resolve.View: "view", resolve.LateView: "late-binding view",
		resolve.MaterializedView: "materialized view", resolve.External: "external table", resolve.System: "system table"}
	for _, list := range []struct {
		verb string
		of   []*resolve.Relation
	}{{"reads", p.Read}, {"writes", p.Written}} {
		for _, r := range list.of {
			fmt.Fprintf(&b, "%s: %s.%s (%s)\n", list.verb, r.Schema, r.Name, kinds[r.Kind])
		}
	}
	for _, s := range p.Scans {
		fmt.Fprintf(&b, "scan: %s.%s columns %s", s.Relation.Schema, s.Relation.Name, strings.Join(s.Columns, ", "))
		if s.Filter != nil {
			fmt.Fprintf(&b, " pruned by %s", strings.Join(s.Filter.Columns, ", "))
		}
		b.WriteString("\n")
	}
	for i, name := range p.Columns {
		fmt.Fprintf(&b, "column: %s %s\n", name, p.Types[i])
	}
	if p.Params > 0 {
		fmt.Fprintf(&b, "parameters: %d\n", p.Params)
	}
	return b.String()
}

func (c *compilation) explainLowered() string {
	var b strings.Builder
	for _, f := range c.fired {
		at := f.At.Range()
		text := ""
		if at.End <= len(c.options.Text) && at.Start < at.End {
			text = c.options.Text[at.Start:at.End]
		}
		fmt.Fprintf(&b, "rule %s: %s\n", f.Rule, strings.Join(strings.Fields(text), " "))
	}
	for _, s := range c.lowered {
		b.WriteString(syntax.Dump(s))
	}
	return b.String()
}
