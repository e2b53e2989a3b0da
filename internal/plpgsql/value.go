package plpgsql

import (
	"strconv"
	"strings"

	"stepwell/internal/diag"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// Value is a value of a variable: its type, and its text as PostgreSQL prints it.
type Value struct {
	Type types.Type
	Null bool
	Text string
}

// Rows are rows of a query.
type Rows struct {
	Columns []Column
	Data    [][]Value
}

// Column is a column of a query's result.
type Column struct {
	Name string
	Type types.Type
}

// TypeName spells a type as rsql's trees have it.
func TypeName(t types.Type) syntax.TypeName {
	switch {
	case t.Kind == types.Unknown || t.Kind == types.Name || t.Kind == types.Varchar && t.Length == 0:
		return syntax.TypeName{Name: "character varying", Args: []string{"max"}}
	case t.Kind == types.Char && t.Length == 0:
		return syntax.TypeName{Name: "character", Args: []string{"max"}}
	case t.Kind == types.Varbyte && t.Length == 0:
		return syntax.TypeName{Name: "binary varying"}
	case t.Length > 0:
		return syntax.TypeName{Name: t.Base(), Args: []string{strconv.Itoa(t.Length)}}
	case t.Kind == types.Decimal && t.Precision > 0:
		return syntax.TypeName{Name: "numeric", Args: []string{strconv.Itoa(t.Precision), strconv.Itoa(t.Scale)}}
	}
	return syntax.TypeName{Name: t.Base()}
}

// fill gives the nodes of a statement the values of its variables, as
// constants or, for a statement that is kept, as parameters.
func (s *SQL) fill(values []Value, parameters bool) {
	for i, n := range s.nodes {
		v := values[i]
		n.Style, n.Type = syntax.CastFunc, TypeName(v.Type)
		switch {
		case parameters:
			n.X = wrap(v.Type, parameter(v.Type, i+1))
		case v.Null:
			n.X = &syntax.Null{}
		default:
			n.X = wrap(v.Type, literal(v))
		}
	}
}

// parameter is a parameter that takes a value's text. Where the compiler reads
// a type by a function with several overloads it is plainly a text.
func parameter(t types.Type, index int) syntax.Expr {
	p := &syntax.Param{Index: index}
	if t.IsNumber() || t.IsText() || t.Kind == types.Unknown {
		return p
	}
	return &syntax.Binary{Op: "||", L: p, R: &syntax.String{}}
}

func literal(v Value) syntax.Expr {
	switch {
	case v.Type.Kind == types.Boolean:
		return &syntax.Bool{Value: v.True()}
	case v.Type.IsInteger() || v.Type.Kind == types.Decimal:
		if rest, ok := strings.CutPrefix(v.Text, "-"); ok {
			return &syntax.Unary{Op: "-", X: &syntax.Number{Text: rest}}
		}
		return &syntax.Number{Text: v.Text}
	}
	return &syntax.String{Value: v.Text}
}

// wrap reads the types whose text is not what a cast of a text gives.
func wrap(t types.Type, x syntax.Expr) syntax.Expr {
	name := ""
	switch t.Kind {
	case types.Super, types.Nested:
		name = "json_parse"
	case types.Varbyte:
		name = "from_hex"
	default:
		return x
	}
	pos := syntax.Pos{Span: diag.Span{}}
	return &syntax.Call{Pos: pos, Name: syntax.Name{Pos: pos, Parts: []syntax.Ident{{Name: name}}}, Args: []syntax.Expr{x}}
}

// True says whether a value is a true boolean.
func (v Value) True() bool {
	return !v.Null && (v.Text == "t" || v.Text == "true" || v.Text == "TRUE")
}

// print is a value in a message.
func (v Value) print() string {
	if v.Null {
		return "<NULL>"
	}
	return v.Text
}

// direct converts a value where that needs no database; ok is false where it does.
func direct(v Value, to types.Type) (out Value, ok bool, err error) {
	out = Value{Type: to, Null: v.Null, Text: v.Text}
	from := v.Type
	switch {
	case v.Null:
		return out, true, nil
	case to.IsText():
		if to.Length > 0 && len(v.Text) > to.Length {
			if out.Text = strings.TrimRight(v.Text, " "); len(out.Text) > to.Length {
				return out, true, sqlerr.New(sqlerr.StringTooLong, "value too long for type %s", to)
			}
			out.Text = v.Text[:to.Length]
		}
		return out, true, nil
	case from.IsInteger() && to.IsInteger():
		n, err := strconv.ParseInt(v.Text, 10, 64)
		if err != nil {
			return out, false, nil
		}
		bits := map[types.Kind]int{types.Smallint: 16, types.Integer: 32, types.Bigint: 64}[to.Kind]
		if bits < 64 && (n >= 1<<(bits-1) || n < -1<<(bits-1)) {
			return out, true, sqlerr.New(sqlerr.NumericOutOfRange, "value out of range for type %s", to.Base())
		}
		return out, true, nil
	case from.Kind == types.Decimal && to.Kind == types.Decimal:
		return out, from == to, nil
	}
	return out, from.Kind == to.Kind && from.Kind != types.Decimal, nil
}

// constant is the value of an expression that is a literal.
func constant(e syntax.Expr) (Value, bool) {
	switch e := e.(type) {
	case *syntax.Null:
		return Value{Null: true}, true
	case *syntax.String:
		return Value{Text: e.Value}, true
	case *syntax.Bool:
		return Value{Type: types.Type{Kind: types.Boolean}, Text: map[bool]string{true: "t", false: "f"}[e.Value]}, true
	case *syntax.Number:
		if n, err := strconv.ParseInt(e.Text, 10, 32); err == nil {
			return Value{Type: types.Type{Kind: types.Integer}, Text: strconv.FormatInt(n, 10)}, true
		}
	}
	return Value{}, false
}

// Constant is a value as an expression of its type.
func Constant(v Value) syntax.Expr {
	s := &SQL{nodes: []*syntax.Cast{{}}}
	s.fill([]Value{v}, false)
	return s.nodes[0]
}

// Conversion is the expression that casts a parameter of one type to another.
func Conversion(from, to types.Type) *SQL {
	node := &syntax.Cast{}
	s := &SQL{Pure: true, Text: "cast", nodes: []*syntax.Cast{node}}
	s.fill([]Value{{Type: from}}, true)
	cast := &syntax.Cast{X: node, Type: TypeName(to)}
	s.Tree = &syntax.Query{Body: &syntax.Select{Items: []syntax.SelectItem{{Expr: cast}}}}
	return s
}
