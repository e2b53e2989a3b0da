package resolve

import (
	"strconv"
	"strings"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// hiveNull is the value Hive gives a partition whose column is NULL.
const hiveNull = "__HIVE_DEFAULT_PARTITION__"

// verdict is the truth of a condition; maybe stands for unknown to us, no for
// false and SQL's NULL (neither keeps a row).
type verdict int

const (
	maybe verdict = iota
	yes
	no
)

// eval decides a condition as far as it understands it.
func (f *Filter) eval(e syntax.Expr, values map[string]string) verdict {
	switch e := e.(type) {
	case *syntax.Binary:
		return f.binary(e, values)
	case *syntax.Between:
		if e.Not {
			return maybe
		}
		return both(f.compare(">=", e.X, e.Lo, values), f.compare("<=", e.X, e.Hi, values))
	case *syntax.In:
		return f.in(e, values)
	case *syntax.IsTest:
		if ref, ok := e.X.(*syntax.ColumnRef); ok && e.What == "null" {
			if _, _, null := f.value(ref, values); null != e.Not {
				return yes
			}
			return no
		}
	}
	return maybe
}

func both(l, r verdict) verdict {
	if l == no || r == no {
		return no
	}
	return min(l, r)
}

func (f *Filter) binary(e *syntax.Binary, values map[string]string) verdict {
	switch e.Op {
	case "and":
		return both(f.eval(e.L, values), f.eval(e.R, values))
	case "or":
		l, r := f.eval(e.L, values), f.eval(e.R, values)
		switch {
		case l == yes || r == yes:
			return yes
		case l == no && r == no:
			return no
		}
		return maybe
	}
	return f.compare(e.Op, e.L, e.R, values)
}

func (f *Filter) in(e *syntax.In, values map[string]string) verdict {
	if e.Query != nil || e.Not {
		return maybe
	}
	result := no
	for _, x := range e.List {
		switch f.compare("=", e.X, x, values) {
		case yes:
			return yes
		case maybe:
			result = maybe
		}
	}
	return result
}

// value is a partition column's value, its type, and whether it is NULL.
func (f *Filter) value(ref *syntax.ColumnRef, values map[string]string) (string, types.Type, bool) {
	name := strings.ToLower(ref.Parts[len(ref.Parts)-1].Name)
	v, ok := values[name]
	null := !ok || v == hiveNull
	for _, c := range f.relation.Columns {
		if c.Name == name {
			return v, c.Type, null
		}
	}
	return v, types.Type{}, null
}

// compare decides column op literal, in either order.
func (f *Filter) compare(op string, l, r syntax.Expr, values map[string]string) verdict {
	ref, ok := l.(*syntax.ColumnRef)
	if !ok {
		if ref, ok = r.(*syntax.ColumnRef); !ok {
			return maybe
		}
		mirror := map[string]string{"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}
		if op, ok = mirror[op]; !ok {
			return maybe
		}
		r = l
	}
	literal, ok := literalText(r)
	if !ok {
		return maybe
	}
	v, t, null := f.value(ref, values)
	if null {
		return no
	}
	if _, number := r.(*syntax.Number); number && !t.IsNumber() {
		return maybe // Redshift would read the column's text as a number
	}
	order, ok := compareAs(t, v, literal)
	if !ok {
		return maybe
	}
	holds := map[string]bool{"=": order == 0, "<>": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}
	h, known := holds[op]
	switch {
	case !known:
		return maybe
	case h:
		return yes
	}
	return no
}

// literalText is a constant's text.
func literalText(e syntax.Expr) (string, bool) {
	switch e := e.(type) {
	case *syntax.String:
		return e.Value, true
	case *syntax.Number:
		return e.Text, true
	case *syntax.TypedString:
		return e.Value, e.Type.Name == "date"
	case *syntax.Unary:
		if n, ok := e.X.(*syntax.Number); ok && e.Op == "-" {
			return "-" + n.Text, true
		}
	case *syntax.Cast:
		if s, ok := e.X.(*syntax.String); ok && e.Type.Name == "date" {
			return s.Value, true
		}
	}
	return "", false
}

// compareAs orders two texts as values of t; false if either is not written in
// the one way that orders by text or number.
func compareAs(t types.Type, a, b string) (int, bool) {
	switch {
	case t.IsNumber():
		x, err1 := strconv.ParseFloat(strings.TrimSpace(a), 64)
		y, err2 := strconv.ParseFloat(strings.TrimSpace(b), 64)
		const exact = 1 << 53
		if err1 != nil || err2 != nil || max(x, y) > exact || min(x, y) < -exact {
			return 0, false
		}
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, true
	case t.Kind == types.Varchar:
		return strings.Compare(a, b), true
	case t.Kind == types.Char:
		return strings.Compare(strings.TrimRight(a, " "), strings.TrimRight(b, " ")), true
	case t.Kind == types.Date:
		return strings.Compare(a, b), isoDate(a) && isoDate(b)
	}
	return 0, false
}

// isoDate says whether s is written YYYY-MM-DD.
func isoDate(s string) bool {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	for i, c := range []byte(s) {
		if i != 4 && i != 7 && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
