package resolve

import (
	"strings"

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
	case "date_part", "datepart":
		return "pgdate_part"
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

// valuesName is the name of a column of VALUES.
func valuesName(i int) string {
	const digits = "0123456789"
	if i < 9 {
		return "column" + digits[i+1:i+2]
	}
	n := i + 1
	s := ""
	for ; n > 0; n /= 10 {
		s = digits[n%10:n%10+1] + s
	}
	return "column" + s
}
