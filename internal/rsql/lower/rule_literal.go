package lower

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// untypedLiteral gives the text literals that stand beside a number, a boolean,
// a date or a time that type, as PostgreSQL resolves literals of unknown type:
// what is no such value is an error, where DuckDB would round it or read it its
// own way.
func untypedLiteral(l *lowering, e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.Binary:
		if x := l.literalOperand(e); x != nil {
			return l.expr(x)
		}
	case *syntax.Between:
		b := *e
		b.Lo, b.Hi = l.comparedAs(e.Lo, l.typeOf(e.X)), l.comparedAs(e.Hi, l.typeOf(e.X))
		if t := l.typeOf(e.Lo); t == l.typeOf(e.Hi) {
			b.X = l.literalAs(e.X, t)
		}
		if b.X != e.X || b.Lo != e.Lo || b.Hi != e.Hi {
			return l.expr(&b)
		}
	case *syntax.In:
		in := *e
		if columns := l.outputs(e.Query); len(columns) == 1 {
			in.X = l.literalAs(e.X, columns[0])
		} else if len(e.List) > 0 {
			in.X = l.literalAs(e.X, l.typeOf(e.List[0]))
		}
		in.List = literalsOf(e.List, l.typeOf(e.X), l.comparedAs)
		if in.X != e.X || changed(in.List, e.List) {
			return l.expr(&in)
		}
	case *syntax.Quantified:
		if columns := l.outputs(e.Query); len(columns) == 1 {
			q := *e
			if q.X = l.literalAs(e.X, columns[0]); q.X != e.X {
				return l.expr(&q)
			}
		}
	case *syntax.Case:
		if c := l.literalBranches(e); c != nil {
			return l.expr(c)
		}
	case *syntax.Call:
		if args := l.literalArguments(e); changed(args, e.Args) {
			c := *e
			c.Args = args
			return l.expr(&c)
		}
	}
	return nil
}

// outputs are the types of a query's columns; none if there is no query.
func (l *lowering) outputs(q *syntax.Query) []types.Type {
	if q == nil {
		return nil
	}
	var out []types.Type
	for _, c := range l.Result.Outputs[q] {
		out = append(out, c.Type)
	}
	return out
}

// literalOperand types a literal beside an operator; nil if there is none.
func (l *lowering) literalOperand(e *syntax.Binary) syntax.Expr {
	left, right := l.typeOf(e.L), l.typeOf(e.R)
	as := l.literalAs
	switch e.Op {
	case "=", "<>", "<", ">", "<=", ">=", "is distinct from", "is not distinct from":
		as = l.comparedAs
	case "+":
		if left.IsMoment() || right.IsMoment() {
			return nil
		}
	case "*", "/", "%":
		if !left.IsNumber() && !right.IsNumber() {
			return nil
		}
	case "-":
	default:
		return nil
	}
	b := *e
	b.L, b.R = as(e.L, right), as(e.R, left)
	if b.L == e.L && b.R == e.R {
		return nil
	}
	return &b
}

func isString(e syntax.Expr) bool {
	_, ok := e.(*syntax.String)
	return ok
}

// literalBranches types the literals of a CASE: those its operand is compared
// with, and its results. Nil if it has none.
func (l *lowering) literalBranches(e *syntax.Case) syntax.Expr {
	c := *e
	c.Whens = slices.Clone(e.Whens)
	result := l.typeOf(e)
	c.Else = l.literalAs(e.Else, result)
	typed := c.Else != e.Else
	for i, w := range e.Whens {
		if e.Operand != nil {
			c.Whens[i].Cond = l.literalAs(w.Cond, l.typeOf(e.Operand))
		}
		c.Whens[i].Result = l.literalAs(w.Result, result)
		typed = typed || c.Whens[i] != w
	}
	if !typed {
		return nil
	}
	return &c
}

// literalArguments types the literals among the arguments of functions whose
// arguments are of one type.
func (l *lowering) literalArguments(e *syntax.Call) []syntax.Expr {
	args := e.Args
	name := e.Name.Last().Name
	if at := integerArguments[name]; at != nil {
		return l.integersAt(args, at)
	}
	switch name {
	case "coalesce", "nvl", "ifnull", "isnull", "greatest", "least", "mod":
		return literalsOf(args, l.Result.CommonType(args), l.literalAs)
	case "nullif":
		if len(args) == 2 {
			return []syntax.Expr{l.literalAs(args[0], l.typeOf(args[1])), l.literalAs(args[1], l.typeOf(args[0]))}
		}
	case "nvl2":
		if len(args) == 3 {
			return append([]syntax.Expr{args[0]}, literalsOf(args[1:], l.Result.CommonType(args[1:]), l.literalAs)...)
		}
	case "lag", "lead":
		if len(args) == 3 {
			return []syntax.Expr{args[0], args[1], l.literalAs(args[2], l.typeOf(args[0]))}
		}
	case "decode":
		return l.decodeLiterals(args)
	}
	return args
}

// integerArguments are the places of integers among the arguments of functions.
var integerArguments = map[string][]int{
	"substring": {1, 2}, "substr": {1, 2}, "left": {1}, "right": {1}, "repeat": {1}, "replicate": {1}, "lpad": {1}, "rpad": {1}, "split_part": {2},
	"round": {1}, "trunc": {1}, "chr": {0}, "add_months": {1},
}

func (l *lowering) integersAt(args []syntax.Expr, at []int) []syntax.Expr {
	out := slices.Clone(args)
	for _, i := range at {
		if i < len(args) {
			out[i] = l.literalAs(args[i], types.Type{Kind: types.Integer})
		}
	}
	return out
}

// decodeLiterals types the literals of DECODE(x, search, result, ..., default).
func (l *lowering) decodeLiterals(args []syntax.Expr) []syntax.Expr {
	if len(args) < 3 {
		return args
	}
	var results []syntax.Expr
	for i := 2; i < len(args); i += 2 {
		results = append(results, args[i])
	}
	if len(args)%2 == 0 {
		results = append(results, args[len(args)-1])
	}
	result := l.Result.CommonType(results)
	out := slices.Clone(args)
	for i := 1; i < len(args); i++ {
		if t := l.typeOf(args[0]); i%2 == 1 && i < len(args)-1 {
			out[i] = l.literalAs(args[i], t)
		} else {
			out[i] = l.literalAs(args[i], result)
		}
	}
	return out
}

func literalsOf(list []syntax.Expr, t types.Type, as func(syntax.Expr, types.Type) syntax.Expr) []syntax.Expr {
	if !slices.ContainsFunc(list, isString) {
		return list
	}
	out := make([]syntax.Expr, len(list))
	for i, e := range list {
		out[i] = as(e, t)
	}
	return out
}

func changed(list, from []syntax.Expr) bool { return !slices.Equal(list, from) }

// literalAs is a text literal read as type t. Any other expression is itself,
// as is a literal beside a type that takes texts.
func (l *lowering) literalAs(e syntax.Expr, t types.Type) syntax.Expr {
	s, ok := e.(*syntax.String)
	if !ok || !t.IsNumber() && !t.IsMoment() && t.Kind != types.Boolean && !t.IsInterval() {
		return e
	}
	typed := &syntax.TypedString{Pos: s.Pos, Type: syntax.TypeName{Pos: s.Pos, Name: t.Base()}, Value: s.Value}
	if t.Kind == types.Decimal {
		text, precision, scale, ok := types.PlainNumber(s.Value)
		if !ok {
			l.fail(s, sqlerr.InvalidTextRepresentation, "invalid input syntax for type numeric: \"%s\"", s.Value)
		}
		typed.Value, typed.Type.Args = text, []string{strconv.Itoa(precision), strconv.Itoa(scale)}
	}
	return typed
}

// comparedAs is literalAs in a comparison, for which an exact number needs no
// type but its own: long lists of numbers compile faster than of casts.
func (l *lowering) comparedAs(e syntax.Expr, t types.Type) syntax.Expr {
	typed, ok := l.literalAs(e, t).(*syntax.TypedString)
	if !ok || !t.IsInteger() && t.Kind != types.Decimal || e == syntax.Expr(typed) {
		return l.literalAs(e, t)
	}
	if t.IsInteger() {
		l.numberLiteral(typed.Value, t, e)
		typed.Value, _, _, _ = types.PlainNumber(typed.Value)
	}
	return &syntax.Number{Pos: typed.Pos, Text: typed.Value}
}

// numberLiteral checks that a text is a number of type t. An integer has no
// fraction and no exponent.
func (l *lowering) numberLiteral(text string, t types.Type, at syntax.Node) {
	switch {
	case t.IsInteger():
		number := wholeText.FindString(text)
		if number == "" {
			l.fail(at, sqlerr.InvalidTextRepresentation, "invalid input syntax for integer: \"%s\"", text)
		}
		bits := map[types.Kind]int{types.Smallint: 16, types.Integer: 32, types.Bigint: 64}[t.Kind]
		if _, err := strconv.ParseInt(strings.TrimSpace(number), 10, bits); err != nil {
			l.fail(at, sqlerr.NumericOutOfRange, "value \"%s\" is out of range for type %s", text, t.Base())
		}
	case t.IsFloat():
		if !floatText.MatchString(text) {
			l.fail(at, sqlerr.InvalidTextRepresentation, "invalid input syntax for type %s: \"%s\"", t.Base(), text)
		}
		l.floatInRange(strings.TrimSpace(text), t, at)
	}
}

// floatInRange fails where a number is too large or too small for a type.
func (l *lowering) floatInRange(text string, t types.Type, at syntax.Node) {
	bits := map[types.Kind]int{types.Real: 32, types.Double: 64}[t.Kind]
	v, err := strconv.ParseFloat(text, bits)
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	if err != nil || v == 0 && strings.ContainsAny(mantissa, "123456789") {
		l.fail(at, sqlerr.NumericOutOfRange, "\"%s\" is out of range for type %s", text, t.Base())
	}
}

// floatText is how a floating point number is written.
var floatText = regexp.MustCompile(`(?i)^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?\s*$|^\s*(nan|[-+]?inf(inity)?)\s*$`)
