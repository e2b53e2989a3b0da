package lower

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// privilegeOf gives the privilege functions the user they leave out, the
// session's own, and the search path for names without a schema.
func privilegeOf(l *lowering, c *syntax.Call) emit.Expr {
	f, _ := function.Lookup(c.Name.Last().Name)
	args := l.exprs(c.Args)
	if len(args) < f.Max || f.Max == 0 {
		args = append([]emit.Expr{&emit.Str{Value: l.Session.User}}, args...)
	}
	return call("rs_"+f.Name, append(args, l.searchPath())...)
}

// alongPath gives a function the path it is to look along.
func alongPath(l *lowering, c *syntax.Call) emit.Expr {
	return call("rs_"+c.Name.Last().Name, append(l.exprs(c.Args), l.searchPath())...)
}

// searchPath is the session's search path with commas only, its user for $user.
func (l *lowering) searchPath() emit.Expr {
	path := ""
	if l.Session.Settings != nil {
		path, _ = l.Session.Settings("search_path")
	}
	path = strings.NewReplacer(" ", "", `"`, "", "$user", l.Session.User).Replace(path)
	return &emit.Str{Value: path}
}

// catalogArray gives the elements of an array of the catalog, which is text as
// PostgreSQL writes arrays: {a,b}.
func catalogArray(l *lowering, c *syntax.Call) emit.Expr {
	return call("unnest", call("rs_array_elements", l.expr(c.Args[0])))
}

// arrayOfQuery lowers PostgreSQL's ARRAY(SELECT ...), which catalog queries of
// its clients have, to the array's text.
func (l *lowering) arrayOfQuery(q *syntax.Subquery) emit.Expr {
	inner := &emit.Derived{Query: l.query(q.Query), Alias: emit.Alias{Name: "a", Columns: []string{"x"}}}
	list := call("string_agg", &emit.Cast{X: &emit.Ref{Parts: []string{"x"}}, Type: "VARCHAR"}, &emit.Str{Value: ","})
	sel := &emit.Select{
		Items: []emit.Item{{X: &emit.Op{Op: "||", Args: []emit.Expr{&emit.Str{Value: "{"}, call("coalesce", list, &emit.Str{}), &emit.Str{Value: "}"}}}}},
		From:  []emit.Table{inner},
	}
	return &emit.Subquery{Query: &emit.Query{Body: sel}}
}

// tableCall lowers a function in FROM. One that gives a single value is a table
// of one row; its column goes by the alias or the function's name.
func (l *lowering) tableCall(t *syntax.TableCall) emit.Table {
	a := l.alias(t.Alias)
	name := l.Options.Fold(t.Call.Name.Last())
	if b := l.Result.Calls[t]; b != nil {
		if a.Name == "" {
			a.Name = name
		}
		return l.scan(t, b.Scan, a)
	}
	if a.Name != "" && len(a.Columns) == 0 {
		a.Columns = []string{a.Name}
	}
	if name == "generate_series" {
		return l.seriesTable(t.Call, a)
	}
	x := l.expr(t.Call)
	if f, ok := function.Lookup(name); !ok || f.Class != function.Table {
		row := &emit.Select{Items: []emit.Item{{X: x, As: name}}}
		if a.Name == "" {
			a.Name = name
		}
		return &emit.Derived{Query: &emit.Query{Body: row}, Alias: a}
	}
	c, ok := x.(*emit.Call)
	if !ok {
		l.missing(t, "this function in FROM")
	}
	return &emit.TableCall{Call: c, Alias: a}
}

// series lowers GENERATE_SERIES in a select list, where each of its numbers makes
// a row; they are of the type of the arguments.
func series(l *lowering, c *syntax.Call) emit.Expr {
	x := emit.Expr(call("unnest", l.callAs(c, "generate_series")))
	if t := l.typeOf(c); t.IsNumber() {
		x = &emit.Cast{X: x, Type: t.Duck()}
	}
	return x
}

// seriesTable lowers GENERATE_SERIES in FROM.
func (l *lowering) seriesTable(c *syntax.Call, a emit.Alias) emit.Table {
	if a.Name == "" {
		a.Name = "generate_series"
	}
	if len(a.Columns) == 0 {
		a.Columns = []string{a.Name}
	}
	n := emit.Expr(&emit.Ref{Parts: []string{"n"}})
	if t := l.typeOf(c); t.IsNumber() {
		n = &emit.Cast{X: n, Type: t.Duck()}
	}
	numbers := &emit.TableCall{Call: l.callAs(c, "generate_series"), Alias: emit.Alias{Name: "numbers", Columns: []string{"n"}}}
	rows := &emit.Select{Items: []emit.Item{{X: n, As: a.Columns[0]}}, From: []emit.Table{numbers}}
	return &emit.Derived{Query: &emit.Query{Body: rows}, Alias: a}
}

// checksum lowers CHECKSUM, of which the guide shows what it gives for decimals:
// their digits as a whole number.
func checksum(l *lowering, c *syntax.Call) emit.Expr {
	t := l.typeOf(c.Args[0])
	if t.Kind != types.Decimal || t.Precision == 0 {
		l.missing(c, "CHECKSUM of other types than DECIMAL")
	}
	power := "1" + strings.Repeat("0", t.Scale)
	return &emit.Cast{X: &emit.Op{Op: "*", Args: []emit.Expr{l.expr(c.Args[0]), &emit.Num{Text: power}}}, Type: "INTEGER"}
}

// catalogElement lowers a subscript of a catalog's array, which counts from 1;
// nil for any other subscript.
func (l *lowering) catalogElement(e *syntax.Index) emit.Expr {
	switch x := e.X.(type) {
	case *syntax.ColumnRef:
		ref, ok := l.Result.Refs[x]
		if !ok {
			return nil
		}
		if !ref.System { // a column of a subquery over the catalog
			switch {
			case ref.Type.Array:
				return call("rs_array_element", l.expr(x), l.expr(e.Index))
			case ref.Type.Kind == types.SmallintArray || ref.Type.Kind == types.TextArray:
				return call("list_extract", l.expr(x), l.expr(e.Index))
			}
			return nil
		}
		if ref.Column == "proargtypes" || ref.Column == "indkey" { // vectors count from 0
			at := &emit.Op{Op: "+", Args: []emit.Expr{l.expr(e.Index), &emit.Num{Text: "1"}}}
			return &emit.Cast{X: call("list_extract", call("string_split", l.expr(x), &emit.Str{Value: " "}), at), Type: "INTEGER", Try: true}
		}
		if ref.Type.IsText() {
			element := call("list_extract", call("rs_array_elements", l.expr(x)), l.expr(e.Index))
			if ref.Column == "proallargtypes" {
				return &emit.Cast{X: element, Type: "INTEGER", Try: true}
			}
			return element
		}
		return call("list_extract", l.expr(x), l.expr(e.Index))
	case *syntax.Call:
		if name := x.Name.Last().Name; name == "current_schemas" || name == "string_to_array" {
			return call("list_extract", l.expr(x), l.expr(e.Index))
		}
	}
	return nil
}

// inCatalogArray lowers x = ANY(array) over an array of the catalog; nil for
// any other quantified comparison.
func (l *lowering) inCatalogArray(e *syntax.Quantified) emit.Expr {
	c, ok := e.Array.(*syntax.ColumnRef)
	if !ok || e.Op != "=" || e.All || !l.Result.Refs[c].System {
		return nil
	}
	array := l.expr(c)
	if l.Result.Refs[c].Type.IsText() {
		array = call("rs_array_elements", array)
		return call("list_contains", array, &emit.Cast{X: l.expr(e.X), Type: "VARCHAR"})
	}
	return call("list_contains", array, l.expr(e.X))
}
