package lower

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// superPath lowers navigation into SUPER values: attributes and subscripts.
func superPath(l *lowering, e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.ColumnRef:
		ref, ok := l.Result.Refs[e]
		if !ok || len(ref.Path) == 0 || ref.Type.Kind != types.Super && !ref.Nested {
			return nil
		}
		parts := []string{ref.Column}
		if ref.Table != "" {
			parts = []string{ref.Table, ref.Column}
		}
		var x emit.Expr = &emit.Ref{Parts: parts}
		if ref.Nested {
			for _, name := range ref.Path {
				x = call("rs_nested_field", x, &emit.Str{Value: name})
			}
			return nestedValue(x, ref.Type)
		}
		for _, name := range ref.Path {
			x = call("rs_super_field", x, &emit.Str{Value: name})
		}
		return x
	case *syntax.Field:
		return call("rs_super_field", l.expr(e.X), &emit.Str{Value: l.Options.Attribute(e.Name)})
	case *syntax.Index:
		if s, ok := e.Index.(*syntax.String); ok {
			return call("rs_super_field", l.expr(e.X), &emit.Str{Value: s.Value})
		}
		if x := l.catalogElement(e); x != nil {
			return x
		}
		switch t := l.typeOf(e.X); t.Kind {
		case types.Boolean, types.Smallint, types.Integer, types.Bigint, types.Decimal, types.Real, types.Double, types.Char, types.Varchar, types.Date, types.Timestamp, types.TimestampTZ:
			if _, column := e.X.(*syntax.ColumnRef); column {
				l.fail(e, sqlerr.DatatypeMismatch, "cannot subscript type %s because it is not an array", t.Base())
			}
		}
		return call("rs_super_index", l.expr(e.X), l.expr(e.Index))
	}
	return nil
}

// unnest lowers FROM t, t.a AS x AT i to a lateral query over the elements. What
// is no array is its only element, of no position.
func (l *lowering) unnest(t *syntax.TableName, b *resolve.Binding) emit.Table {
	x := l.expr(b.Value)
	for _, p := range t.Path {
		x = call("rs_super_index", x, l.expr(p))
	}
	name := l.Options.Fold(t.Name.Last())
	if t.Alias != nil {
		name = l.Options.Fold(t.Alias.Name)
	}
	elements := "rs_super_elements"
	if l.typeOf(b.Value).Kind == types.Nested {
		elements = "rs_nested_elements"
	}
	rows := &emit.Select{Items: []emit.Item{{X: nestedValue(call("unnest", call(elements, x)), b.Element), As: name}}}
	if t.At != nil {
		rows.Items = append(rows.Items, emit.Item{X: call("unnest", call("rs_super_positions", x)), As: l.Options.Fold(*t.At)})
	}
	return &emit.Derived{Query: &emit.Query{Body: rows}, Lateral: true, Alias: emit.Alias{Name: name}}
}

// nestedValue reads a part of an external table's nested value, which is kept as
// JSON, as the type it has. What does not read as its type is NULL, as in other
// columns.
func nestedValue(x emit.Expr, t types.Type) emit.Expr {
	text := call("rs_super_text", x)
	switch t.Kind {
	case types.Nested, types.Super:
		return x
	case types.Varchar, types.Char:
		return text
	case types.Timestamp:
		return call("rs_timestamp_text", text)
	case types.Date:
		return call("rs_date_text", text)
	}
	return &emit.Cast{X: text, Type: t.Duck(), Try: true}
}

// objectUnpivot lowers UNPIVOT object AS value AT attribute.
func (l *lowering) objectUnpivot(u *syntax.ObjectUnpivot) emit.Table {
	x, name := l.expr(u.Object), l.Options.Fold(u.Value)
	rows := &emit.Select{Items: []emit.Item{{X: call("unnest", call("rs_super_values", x)), As: name}}}
	if u.At != nil {
		rows.Items = append(rows.Items, emit.Item{X: call("unnest", call("json_keys", x)), As: l.Options.Fold(*u.At)})
	}
	return &emit.Derived{Query: &emit.Query{Body: rows}, Lateral: true, Alias: emit.Alias{Name: name}}
}

// superArray lowers ARRAY(a, b).
func superArray(l *lowering, c *syntax.Call) emit.Expr {
	if len(c.Args) == 1 {
		if q, ok := c.Args[0].(*syntax.Subquery); ok {
			return l.arrayOfQuery(q)
		}
	}
	return call("json_array", l.exprs(c.Args)...)
}

// superObject lowers OBJECT('k', v, ...).
func superObject(l *lowering, c *syntax.Call) emit.Expr {
	return call("json_object", l.exprs(c.Args)...)
}

// jsonPath lowers JSON_EXTRACT_PATH_TEXT(json, key, ... [, null_if_invalid]) to
// one JSON path.
func jsonPath(l *lowering, c *syntax.Call) emit.Expr {
	keys := c.Args[1:]
	var lenient emit.Expr = &emit.Word{Text: "FALSE"}
	if b, ok := keys[len(keys)-1].(*syntax.Bool); ok {
		keys = keys[:len(keys)-1]
		lenient = &emit.Word{Text: strings.ToUpper(map[bool]string{true: "true", false: "false"}[b.Value])}
	}
	path := []emit.Expr{}
	text := "$"
	plain := true
	for _, k := range keys {
		if s, ok := k.(*syntax.String); ok {
			text += `."` + strings.ReplaceAll(s.Value, `"`, `\"`) + `"`
		} else {
			plain = false
		}
		path = append(path, l.expr(k))
	}
	var where emit.Expr = &emit.Str{Value: text}
	if !plain {
		parts := []emit.Expr{&emit.Str{Value: "$"}}
		for _, p := range path {
			parts = append(parts, &emit.Str{Value: `."`}, p, &emit.Str{Value: `"`})
		}
		where = &emit.Op{Op: "||", Args: parts}
	}
	return call("rs_json_path_text", l.expr(c.Args[0]), where, lenient)
}
