package lower

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// noCase is DuckDB's collation that disregards case. It stands at the columns
// that are CASE_INSENSITIVE and DuckDB carries it through expressions,
// comparisons, groups, joins and sort keys.
const noCase = " COLLATE NOCASE"

// caseBlind are the functions that look into a text, of which DuckDB's have no
// collation.
var caseBlind = map[string]bool{
	"strpos": true, "charindex": true, "replace": true, "translate": true, "split_part": true, "regexp_count": true, "regexp_instr": true,
	"regexp_replace": true, "regexp_substr": true, "greatest": true, "least": true, "btrim": true, "octetindex": true, "split_to_array": true,
}

// collations refuses what has texts of both collations, in Redshift's words, and
// by name what cannot be said of case-insensitive ones. It changes nothing.
func collations(l *lowering, e syntax.Expr) emit.Expr {
	if !l.Result.Insensitive {
		return nil
	}
	switch e := e.(type) {
	case *syntax.Binary:
		l.collatedBinary(e)
	case *syntax.Between:
		l.sameCollation(e, e.X, e.Lo, e.Hi)
	case *syntax.In:
		l.collatedIn(e)
	case *syntax.Like:
		l.sameCollation(e, e.X, e.Pattern)
		if e.Kind == "similar to" && l.insensitive(e.X) {
			l.missing(e, "SIMILAR TO on case-insensitive text")
		}
	case *syntax.Case:
		results := []syntax.Expr{e.Else}
		for _, w := range e.Whens {
			results = append(results, w.Result)
			if e.Operand != nil {
				l.sameCollation(e, e.Operand, w.Cond)
			}
		}
		l.sameCollation(e, results...)
	case *syntax.Call:
		name := e.Name.Last().Name
		if name == "collate" {
			return nil
		}
		l.sameCollation(e, e.Args...)
		if caseBlind[name] && l.insensitive(e.Args[0]) || name == "listagg" && e.Distinct && l.insensitive(e.Args[0]) {
			l.missing(e, strings.ToUpper(name)+" of case-insensitive text")
		}
	case *syntax.Position:
		if l.insensitive(e.Whole) {
			l.missing(e, "POSITION in case-insensitive text")
		}
	}
	return nil
}

func (l *lowering) collatedBinary(e *syntax.Binary) {
	switch e.Op {
	case "~", "~*", "!~", "!~*":
		if l.insensitive(e.L) {
			l.missing(e, "the operator "+e.Op+" on case-insensitive text")
		}
	case "=", "<>", "<", ">", "<=", ">=":
		if l.isSuper(e.L) && l.insensitive(e.R) || l.isSuper(e.R) && l.insensitive(e.L) {
			l.fail(e, sqlerr.FeatureNotSupported, "Coercing from case insensitive string to SUPER is not supported.")
		}
		l.sameCollation(e, e.L, e.R)
	case "||":
		l.sameCollation(e, e.L, e.R)
	}
}

func (l *lowering) collatedIn(e *syntax.In) {
	list := append([]syntax.Expr{e.X}, e.List...)
	if e.Query != nil {
		list = append(list, &syntax.Subquery{Query: e.Query})
	}
	l.sameCollation(e, list...)
}

// insensitive says whether an expression's text compares without regard to case.
func (l *lowering) insensitive(e syntax.Expr) bool {
	return l.Result.Insensitive && l.Result.CollationOf(e) == resolve.CaseInsensitive
}

// sameCollation refuses texts of different collations that meet at a node.
func (l *lowering) sameCollation(at syntax.Node, list ...syntax.Expr) {
	var c resolve.Collation
	for _, e := range list {
		c |= l.Result.CollationOf(e)
	}
	if c.Mixed() {
		l.fail(at, sqlerr.FeatureNotSupported, "Query with different collations is not supported yet.")
	}
}

// collateFunction lowers COLLATE(x, name).
func collateFunction(l *lowering, c *syntax.Call) emit.Expr {
	name, ok := c.Args[1].(*syntax.String)
	if ok {
		_, ok = resolve.CollationNamed(name.Value)
	}
	if !ok {
		l.fail(c, sqlerr.InvalidParameterValue, "collation must be case_sensitive, cs, case_insensitive or ci")
	}
	if ref, ok := c.Args[0].(*syntax.ColumnRef); ok && l.Result.Refs[ref].System {
		l.fail(c, sqlerr.FeatureNotSupported, "Case insensitive collation is not supported in leader node only query.")
	}
	if l.isSuper(c.Args[0]) {
		l.missing(c, "COLLATE of SUPER")
	}
	return l.collate(c.Args[0], name.Value)
}

// collate gives a text a collation by name; names that are not Redshift's own
// ("C", pg_catalog.default) are those of drivers and mean nothing here.
func (l *lowering) collate(e syntax.Expr, name string) emit.Expr {
	x := l.expr(e)
	switch c, _ := resolve.CollationNamed(name); {
	case c == resolve.CaseInsensitive:
		return &emit.Postfix{X: &emit.Cast{X: x, Type: "VARCHAR"}, Op: strings.TrimSpace(noCase)}
	case c == resolve.CaseSensitive && l.insensitive(e):
		return &emit.Postfix{X: x, Op: `COLLATE "C"`}
	}
	return x
}

// collatedScan gives the texts of an external relation the database's collation.
func collatedScan(s *resolve.Scan, t emit.Table) emit.Table {
	out := &emit.Select{From: []emit.Table{t}}
	kinds := map[string]types.Type{}
	names := s.Columns
	for _, c := range s.Relation.Columns {
		if kinds[c.Name] = c.Type; s.Columns == nil {
			names = append(names, c.Name)
		}
	}
	for _, name := range names {
		var x emit.Expr = &emit.Ref{Parts: []string{name}}
		if kinds[name].Insensitive {
			x = &emit.Postfix{X: x, Op: strings.TrimSpace(noCase)}
		}
		out.Items = append(out.Items, emit.Item{X: x, As: name})
	}
	if len(names) == 0 {
		return t
	}
	return &emit.Derived{Query: &emit.Query{Body: out}}
}
