package resolve

import (
	"slices"
	"strings"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// Collation is the set of collations that the texts in an expression have. A
// literal has none: it takes that of what it meets.
type Collation uint8

// The collations.
const (
	CaseInsensitive Collation = 1 << iota
	CaseSensitive
)

// mixed is Redshift's message for texts of both.
const mixed = "Query with different collations is not supported yet."

// Mixed says whether texts of both collations meet.
func (c Collation) Mixed() bool { return c == CaseInsensitive|CaseSensitive }

// CollationNamed reads the name that COLLATE takes; ok is false of others.
func CollationNamed(name string) (c Collation, ok bool) {
	switch strings.ToLower(name) {
	case "case_insensitive", "ci":
		return CaseInsensitive, true
	case "case_sensitive", "cs":
		return CaseSensitive, true
	}
	return 0, false
}

// CollationOf is the collation of an expression's texts. It is asked only in
// statements that have Insensitive texts.
func (r *Result) CollationOf(e syntax.Expr) Collation {
	switch e := e.(type) {
	case nil:
		return 0
	case *syntax.ColumnRef:
		if x, ok := r.Aliases[e]; ok {
			return r.CollationOf(x)
		}
		return ofType(r.TypeOf(e))
	case *syntax.Collate:
		if c, ok := CollationNamed(e.Collation.Name); ok {
			return c
		}
		return r.CollationOf(e.X)
	case *syntax.Cast:
		if castType(e.Type).IsText() {
			return r.CollationOf(e.X)
		}
		return 0
	case *syntax.Subquery:
		if columns := r.Outputs[e.Query]; len(columns) == 1 {
			return ofType(columns[0].Type)
		}
		return 0
	case *syntax.Call:
		return r.callCollation(e)
	case *syntax.Case:
		c := r.CollationOf(e.Else)
		for _, w := range e.Whens {
			c |= r.CollationOf(w.Result)
		}
		return c
	case *syntax.Binary:
		if e.Op != "||" {
			return 0
		}
	case *syntax.Trim:
	default:
		return 0
	}
	var c Collation
	syntax.Operands(e, func(x syntax.Expr) { c |= r.CollationOf(x) }, func(*syntax.Query) {})
	return c
}

func (r *Result) callCollation(e *syntax.Call) Collation {
	if x := r.Inlined[e]; x != nil {
		return r.CollationOf(x)
	}
	if e.Name.Last().Name == "collate" && len(e.Args) == 2 {
		if s, ok := e.Args[1].(*syntax.String); ok {
			c, _ := CollationNamed(s.Value)
			return c
		}
	}
	if t := r.TypeOf(e); t.Kind != types.Unknown && !t.IsText() {
		return 0
	}
	var c Collation
	for _, a := range e.Args {
		c |= r.CollationOf(a)
	}
	for _, o := range e.WithinGroup {
		if len(e.Args) == 0 {
			c |= r.CollationOf(o.Expr)
		}
	}
	return c
}

func ofType(t types.Type) Collation {
	switch {
	case !t.IsText():
		return 0
	case t.Insensitive:
		return CaseInsensitive
	}
	return CaseSensitive
}

// collated is a column's type with the collation of the expression behind it.
func (r *resolver) collated(e syntax.Expr) types.Type {
	t := r.result.TypeOf(e)
	if r.result.Insensitive && (t.IsText() || t.Kind == types.Unknown) {
		c := r.result.CollationOf(e)
		if c.Mixed() {
			r.fail(e, sqlerr.FeatureNotSupported, mixed)
		}
		if t.Insensitive = c == CaseInsensitive; t.Insensitive && t.Kind == types.Unknown {
			t.Kind = types.Varchar
		}
	}
	return t
}

// sameCollations refuses a set operation of texts of different collations.
func (r *resolver) sameCollations(at syntax.Node, left, right []Column) {
	if !r.result.Insensitive || len(left) != len(right) {
		return
	}
	for i := range left {
		if (ofType(left[i].Type) | ofType(right[i].Type)).Mixed() {
			r.fail(at, sqlerr.FeatureNotSupported, mixed)
		}
	}
}

// matching checks that the sides of a set operation have as many columns, of
// types that go together.
func (r *resolver) matching(b *syntax.SetOp, left, right []Column) {
	op := strings.ToUpper(b.Op)
	if len(left) != len(right) {
		return // not all are known, or the engine says so
	}
	for i := range left {
		x, y := left[i].Type, right[i].Type
		if one, other := family(x), family(y); one != 0 && other != 0 && one != other {
			var at syntax.Node = b
			if s, ok := b.Right.(*syntax.Select); ok && len(s.Items) == len(right) {
				at = s.Items[i].Expr
			}
			r.fail(at, sqlerr.DatatypeMismatch, "%s types %s and %s cannot be matched", op, x.Base(), y.Base())
		}
	}
}

// family tells apart the types that have no common one; 0 for all that may.
func family(t types.Type) int {
	switch {
	case t.IsNumber():
		return 1
	case t.IsText():
		return 2
	case t.Kind == types.Boolean:
		return 3
	case t.Kind == types.Date || t.Kind == types.Timestamp || t.Kind == types.TimestampTZ:
		return 4
	}
	return 0
}

// united are the columns of a set operation: the names of the left side, types
// that hold the values of both.
func united(left, right []Column) []Column {
	if len(left) != len(right) {
		return left
	}
	out := slices.Clone(left)
	for i := range out {
		switch a, b := left[i].Type, right[i].Type; {
		case a.Kind == types.Unknown:
			out[i].Type = b
		case a != b && b.Kind != types.Unknown:
			out[i].Type = types.Common(a, b)
		}
	}
	return out
}
