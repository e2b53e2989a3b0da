package resolve

import (
	"strings"

	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// ItemName is the name Redshift gives a result column: its alias, the column's
// or function's name, or ?column?.
func (o Options) ItemName(it syntax.SelectItem) string {
	if it.Alias != nil {
		return o.Fold(*it.Alias)
	}
	if name := o.figure(it.Expr); name != "" {
		return name
	}
	return "?column?"
}

// figure follows PostgreSQL's FigureColname.
func (o Options) figure(e syntax.Expr) string {
	switch e := e.(type) {
	case *syntax.ColumnRef:
		return o.Fold(e.Parts[len(e.Parts)-1])
	case *syntax.OuterMark:
		return o.figure(e.Column)
	case *syntax.Field:
		return o.Fold(e.Name)
	case *syntax.Index:
		return o.figure(e.X)
	case *syntax.Collate:
		return o.figure(e.X)
	case *syntax.Call:
		return callName(o.Fold(e.Name.Last()), e)
	case *syntax.Cast:
		if name := o.figure(e.X); name != "" {
			return name
		}
		return internalName(e.Type.Name)
	case *syntax.TypedString:
		return internalName(e.Type.Name)
	case *syntax.Interval:
		return "interval"
	case *syntax.Bool:
		return "bool"
	case *syntax.Extract:
		return "date_part"
	case *syntax.Position:
		return "position"
	case *syntax.Trim:
		return map[string]string{"leading": "ltrim", "trailing": "rtrim"}[e.Side] + map[bool]string{true: "btrim"}[e.Side == "" || e.Side == "both"]
	case *syntax.AtTimeZone:
		return "timezone"
	case *syntax.Case:
		if e.Else != nil {
			if name := o.figure(e.Else); name != "" {
				return name
			}
		}
		return "case"
	case *syntax.Exists:
		return ""
	case *syntax.Row:
		return "row"
	case *syntax.Array:
		return "array"
	}
	return ""
}

// callName is the result name of a function where it differs from the function's.
func callName(name string, c *syntax.Call) string {
	switch name {
	case "dateadd":
		return "date_add"
	case "datediff":
		return "date_diff"
	case "datepart":
		return "date_part"
	case "nvl", "isnull", "ifnull", "coalesce":
		return "coalesce"
	case "decode", "nvl2":
		return "case"
	case "len", "length", "char_length", "character_length":
		return map[bool]string{true: name, false: "len"}[name == "length" || strings.HasPrefix(name, "char")]
	case "sysdate":
		return "timestamp"
	case "getdate", "current_date", "current_timestamp":
		return map[string]string{"current_date": "date", "current_timestamp": "timestamptz", "getdate": "getdate"}[name]
	}
	return name
}

// internalName is a type's name in PostgreSQL's catalog.
func internalName(written string) string {
	t, err := types.Parse(written, nil, "")
	if err != nil {
		return written
	}
	switch t.Kind {
	case types.Boolean:
		return "bool"
	case types.Smallint:
		return "int2"
	case types.Integer:
		return "int4"
	case types.Bigint:
		return "int8"
	case types.Real:
		return "float4"
	case types.Double:
		return "float8"
	case types.Char:
		return "bpchar"
	case types.Varchar:
		return "varchar"
	case types.Decimal:
		return "numeric"
	case types.Timestamp:
		return "timestamp"
	case types.TimestampTZ:
		return "timestamptz"
	case types.Time:
		return "time"
	case types.TimeTZ:
		return "timetz"
	case types.Varbyte:
		return "varbyte"
	case types.IntervalDS, types.IntervalYM:
		return "interval"
	}
	return t.Base()
}

// TypeOf is the type of an expression as far as it can be told without asking
// the database: of literals, casts, known columns and a few operators.
func (r *Result) TypeOf(e syntax.Expr) types.Type {
	switch e := e.(type) {
	case *syntax.ColumnRef:
		return r.Refs[e].Type
	case *syntax.Number:
		return numberType(e.Text)
	case *syntax.Bool, *syntax.Exists, *syntax.IsTest, *syntax.Like, *syntax.Between, *syntax.In:
		return types.Type{Kind: types.Boolean}
	case *syntax.Interval:
		return types.Type{Kind: types.IntervalDS}
	case *syntax.Cast:
		t, _ := types.Parse(e.Type.Name, e.Type.Args, e.Type.Nested)
		return t
	case *syntax.TypedString:
		t, _ := types.Parse(e.Type.Name, e.Type.Args, e.Type.Nested)
		return t
	case *syntax.Unary:
		if t := r.TypeOf(e.X); e.Op == "-" || e.Op == "+" || e.Op == "~" && t.Kind == types.Varbyte {
			return t
		}
	case *syntax.Binary:
		return r.binaryType(e)
	case *syntax.Call:
		return r.callType(e)
	case *syntax.Case:
		for _, w := range e.Whens {
			if t := r.TypeOf(w.Result); t.Kind != types.Unknown {
				return types.Type{Kind: t.Kind}
			}
		}
	}
	return types.Type{}
}

func numberType(text string) types.Type {
	switch {
	case strings.ContainsAny(text, "eE"):
		return types.Type{Kind: types.Double}
	case strings.Contains(text, "."):
		return types.Type{Kind: types.Decimal}
	case len(text) < 10:
		return types.Type{Kind: types.Integer}
	case len(text) < 19:
		return types.Type{Kind: types.Bigint}
	}
	return types.Type{Kind: types.Decimal}
}

func (r *Result) binaryType(e *syntax.Binary) types.Type {
	switch e.Op {
	case "and", "or", "=", "<>", "<", ">", "<=", ">=", "~", "~*", "!~", "!~*":
		return types.Type{Kind: types.Boolean}
	case "||":
		return types.Type{Kind: types.Varchar}
	case "&", "|", "#":
		if l := r.TypeOf(e.L); l.Kind == types.Varbyte {
			return l
		}
	case "+", "-":
		l, right := r.TypeOf(e.L), r.TypeOf(e.R)
		if (l.Kind == types.Date || l.Kind == types.Timestamp || l.Kind == types.TimestampTZ) && right.IsInteger() {
			return l
		}
		if l.Kind == types.Varbyte && e.Op == "+" {
			return l
		}
		if l.IsInteger() && right.IsInteger() {
			return types.Type{Kind: max(l.Kind, right.Kind)}
		}
	}
	return types.Type{}
}

func (r *Result) callType(c *syntax.Call) types.Type {
	f, ok := function.Lookup(c.Name.Last().Name)
	if !ok {
		return types.Type{}
	}
	switch f.Name {
	case "count", "row_number", "rank", "dense_rank":
		return types.Type{Kind: types.Bigint}
	case "lower", "upper", "substring", "substr", "trim", "btrim", "ltrim", "rtrim", "replace", "left", "right", "concat", "to_char", "listagg":
		return types.Type{Kind: types.Varchar}
	case "len", "length", "strpos", "charindex":
		return types.Type{Kind: types.Integer}
	case "getdate", "sysdate", "dateadd", "date_trunc", "to_timestamp", "add_months":
		return types.Type{Kind: types.Timestamp}
	case "to_varbyte", "from_hex", "json_serialize_to_varbyte":
		return types.Type{Kind: types.Varbyte}
	case "json_parse", "array", "object", "array_concat", "array_flatten", "split_to_array", "subarray":
		return types.Type{Kind: types.Super}
	case "current_date", "to_date", "last_day", "next_day":
		return types.Type{Kind: types.Date}
	case "min", "max", "coalesce", "nvl", "any_value":
		if len(c.Args) > 0 {
			t := r.TypeOf(c.Args[0])
			t.Length = 0
			return t
		}
	}
	return types.Type{}
}
