package resolve

import (
	"strings"

	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// TypeOf is the type of an expression as far as it can be told without asking
// the database; Unknown where it cannot, and for text literals, NULL and
// parameters, whose type their place decides.
func (r *Result) TypeOf(e syntax.Expr) types.Type {
	switch e := e.(type) {
	case *syntax.ColumnRef:
		return r.columnType(e)
	case *syntax.OuterMark:
		return r.TypeOf(e.Column)
	case *syntax.Number:
		return numberType(e.Text)
	case *syntax.Bool, *syntax.Exists, *syntax.IsTest, *syntax.Like, *syntax.Between, *syntax.In, *syntax.Quantified:
		return types.Type{Kind: types.Boolean}
	case *syntax.Interval:
		return intervalType(e.Fields)
	case *syntax.Cast:
		return castType(e.Type)
	case *syntax.TypedString:
		return castType(e.Type)
	case *syntax.Unary:
		return r.unaryType(e)
	case *syntax.Binary, *syntax.Call, *syntax.Case:
		return r.remembered(e)
	case *syntax.Extract:
		return types.Type{Kind: types.Integer}
	case *syntax.Position:
		return types.Type{Kind: types.Integer}
	case *syntax.Trim:
		return types.Type{Kind: types.Varchar}
	case *syntax.Collate:
		return r.TypeOf(e.X)
	case *syntax.Index:
		if ref, ok := e.X.(*syntax.ColumnRef); ok && r.Refs[ref].System {
			return types.Type{}
		}
		if c, ok := e.X.(*syntax.Call); ok && (c.Name.Last().Name == "current_schemas" || c.Name.Last().Name == "string_to_array") {
			return types.Type{Kind: types.Varchar}
		}
		if t := r.TypeOf(e.X); t.Array || t.Kind == types.SmallintArray || t.Kind == types.TextArray {
			return types.Type{}
		}
		return types.Type{Kind: types.Super}
	case *syntax.Field:
		return types.Type{Kind: types.Super}
	case *syntax.AtTimeZone:
		return r.zonedType(e.X)
	case *syntax.Param:
		if x := r.Arguments[e]; x != nil {
			return r.TypeOf(x)
		}
	case *syntax.Subquery:
		if columns := r.Outputs[e.Query]; len(columns) == 1 {
			return columns[0].Type
		}
	}
	return types.Type{}
}

// zonedType is the type of a date or time moved into or out of a zone.
func (r *Result) zonedType(e syntax.Expr) types.Type {
	if _, literal := e.(*syntax.String); literal {
		return types.Type{Kind: types.TimestampTZ}
	}
	switch r.TypeOf(e).Kind {
	case types.TimestampTZ:
		return types.Type{Kind: types.Timestamp}
	case types.Timestamp, types.Date:
		return types.Type{Kind: types.TimestampTZ}
	case types.Time, types.TimeTZ:
		return types.Type{Kind: types.TimeTZ}
	}
	return types.Type{}
}

// remembered answers from the types told before: operators nest.
func (r *Result) remembered(e syntax.Expr) types.Type {
	if t, ok := r.told[e]; ok {
		return t
	}
	if r.told == nil {
		r.told = map[syntax.Expr]types.Type{}
	}
	r.told[e] = types.Type{} // for an alias that names itself
	var t types.Type
	switch e := e.(type) {
	case *syntax.Binary:
		t = r.binaryType(e)
	case *syntax.Call:
		t = r.callType(e)
	case *syntax.Case:
		results := make([]syntax.Expr, 0, len(e.Whens)+1)
		for _, w := range e.Whens {
			results = append(results, w.Result)
		}
		t = r.CommonType(append(results, e.Else))
	}
	r.told[e] = t
	return t
}

func (r *Result) columnType(c *syntax.ColumnRef) types.Type {
	if ref, ok := r.Refs[c]; ok {
		return ref.Type
	}
	if x, ok := r.Aliases[c]; ok {
		return r.remembered(x)
	}
	return types.Type{}
}

func castType(n syntax.TypeName) types.Type {
	t, _ := types.Parse(n.Name, n.Args, n.Nested)
	if len(n.Args) == 0 && (t.Kind == types.Varchar || n.Name == "bpchar") {
		t.Length = 0 // a cast without a length does not cut
	}
	return t
}

func intervalType(fields string) types.Type {
	if strings.HasPrefix(fields, "year") || fields == "month" {
		return types.Type{Kind: types.IntervalYM}
	}
	return types.Type{Kind: types.IntervalDS}
}

// numberType is the type of a numeric literal: the smallest of integer, bigint
// and decimal that holds it.
func numberType(text string) types.Type {
	digits := strings.TrimLeft(text, "0")
	switch {
	case strings.ContainsAny(text, "eE"):
		return types.Type{Kind: types.Double}
	case strings.Contains(text, "."):
		whole, fraction, _ := strings.Cut(text, ".")
		t := types.Type{Kind: types.Decimal, Precision: max(len(whole), 1) + len(fraction), Scale: len(fraction)}
		if t.Precision > types.MaxPrecision {
			return types.Type{Kind: types.Decimal}
		}
		return t
	case len(digits) < 10, len(digits) == 10 && digits <= "2147483647":
		return types.Type{Kind: types.Integer}
	case len(digits) < 19, len(digits) == 19 && digits <= "9223372036854775807":
		return types.Type{Kind: types.Bigint}
	case len(digits) <= types.MaxPrecision:
		return types.Type{Kind: types.Decimal, Precision: len(digits)}
	}
	return types.Type{Kind: types.Decimal}
}

func (r *Result) unaryType(e *syntax.Unary) types.Type {
	t := r.TypeOf(e.X)
	switch e.Op {
	case "-", "+", "@":
		return t
	case "~":
		if t.Kind == types.Varbyte || t.IsInteger() {
			return t
		}
	case "|/", "||/":
		return types.Type{Kind: types.Double}
	case "not":
		return types.Type{Kind: types.Boolean}
	}
	return types.Type{}
}

func (r *Result) binaryType(e *syntax.Binary) types.Type {
	switch e.Op {
	case "and", "or", "=", "<>", "<", ">", "<=", ">=", "~", "~*", "!~", "!~*", "~~", "~~*", "!~~", "!~~*", "overlaps", "is distinct from", "is not distinct from":
		return types.Type{Kind: types.Boolean}
	}
	left, right := r.TypeOf(e.L), r.TypeOf(e.R)
	switch e.Op {
	case "||":
		if left.Kind == types.Varbyte && right.Kind == types.Varbyte {
			return types.Type{Kind: types.Varbyte}
		}
		return types.Type{Kind: types.Varchar}
	case "&", "|", "#", "<<", ">>":
		if left.Kind == types.Varbyte || left.IsInteger() && right.IsInteger() {
			return left
		}
	case "^":
		return types.Type{Kind: types.Double}
	case "+", "-", "*", "/", "%":
		if left.Kind == types.Varbyte && e.Op == "+" {
			return types.Type{Kind: types.Varbyte}
		}
		if e.Op == "+" && r.Joins(e) {
			return types.Type{Kind: types.Varchar}
		}
		left, right = r.beside(e.Op, e.L, left, right), r.beside(e.Op, e.R, right, left)
		if left.Kind == types.Super || right.Kind == types.Super {
			return types.Type{Kind: types.Super}
		}
		if t := temporalType(e.Op, left, right); t.Kind != types.Unknown {
			return t
		}
		return types.Arithmetic(e.Op, left, right)
	}
	return types.Type{}
}

// beside is the type t of e, or of a text literal beside a number or, in a
// difference, a date or time the type it is read as.
func (r *Result) beside(op string, e syntax.Expr, t, other types.Type) types.Type {
	if s, ok := e.(*syntax.String); ok && (other.IsNumber() || other.IsMoment() && op == "-" || other.IsInterval() && (op == "+" || op == "-")) {
		return types.Beside(s.Value, other)
	}
	return t
}

// Joins says whether a + stands between texts, which it joins as || does.
func (r *Result) Joins(e *syntax.Binary) bool {
	left, right := r.TypeOf(e.L), r.TypeOf(e.R)
	_, leftLiteral := e.L.(*syntax.String)
	_, rightLiteral := e.R.(*syntax.String)
	return (left.IsText() || leftLiteral) && (right.IsText() || rightLiteral)
}

// temporalType is the type of a computation that has a date, a time or an
// interval in it ("Interval arithmetic" of the guide).
func temporalType(op string, left, right types.Type) types.Type {
	switch {
	case op == "*" && left.IsNumber() && right.IsInterval():
		return right
	case (op == "*" || op == "/") && left.IsInterval() && right.IsNumber():
		return left
	case op != "+" && op != "-":
		return types.Type{}
	case left.IsInterval() && right.IsInterval():
		if left.Kind != right.Kind {
			return types.Type{Kind: types.IntervalDS}
		}
		return left
	}
	if op == "+" && !left.IsMoment() && right.IsMoment() {
		left, right = right, left
	}
	interval := right.IsInterval()
	switch {
	case left.Kind == types.Date && right.IsInteger():
		return left
	case left.Kind == types.Date && right.Kind == types.IntervalYM: // "a date if it is a YEAR TO MONTH interval"
		return left
	case left.Kind == types.Date && interval:
		return types.Type{Kind: types.Timestamp}
	case left.IsMoment() && interval:
		return left
	case left.Kind == types.Date && right.Kind == types.Date && op == "-":
		return types.Type{Kind: types.Bigint}
	case (left.Kind == types.Timestamp || left.Kind == types.TimestampTZ) && right.IsInteger():
		return left
	case left.IsMoment() && right.IsMoment() && op == "-":
		return types.Type{Kind: types.IntervalDS}
	}
	return types.Type{}
}

// CommonType is the type of CASE, COALESCE and their kin; Unknown if one of
// several is not known.
func (r *Result) CommonType(list []syntax.Expr) types.Type {
	var out types.Type
	literal := false
	for _, e := range list {
		switch e.(type) {
		case *syntax.String:
			literal = true
			continue
		case nil, *syntax.Null:
			continue
		}
		t := r.TypeOf(e)
		if t.Kind == types.Unknown {
			return types.Type{}
		}
		if out.Kind == types.Unknown {
			out = t
		} else {
			out = types.Common(out, t)
		}
	}
	switch {
	case out.IsText(), literal && out.Kind == types.Unknown: // literals alone are texts
		return types.Type{Kind: types.Varchar}
	case literal && out.Kind == types.Decimal:
		for _, e := range list {
			if s, ok := e.(*syntax.String); ok {
				out = types.Common(out, types.Beside(s.Value, out))
			}
		}
	}
	return out
}

func (r *Result) callType(c *syntax.Call) types.Type {
	if x := r.Inlined[c]; x != nil {
		return r.TypeOf(x)
	}
	if u := r.Python[c]; u != nil {
		return castType(u.Returns)
	}
	f, ok := function.Lookup(c.Name.Last().Name)
	if !ok {
		return types.Type{}
	}
	argument := func(i int) types.Type {
		if i < len(c.Args) {
			return r.TypeOf(c.Args[i])
		}
		return types.Type{}
	}
	switch f.Name {
	case "timezone":
		if len(c.Args) == 2 {
			return r.zonedType(c.Args[1])
		}
	case "to_number":
		if s, ok := c.Args[1].(*syntax.String); ok {
			return NumberType(s.Value)
		}
	case "ceil", "ceiling", "floor", "round", "trunc":
		return rounded(f.Name, argument(0), len(c.Args))
	}
	kind, name := f.Returns()
	switch kind {
	case function.Fixed:
		t, _ := types.Parse(name, nil, "")
		t.Length = 0
		return t
	case function.First:
		return unlimited(argument(0))
	case function.Second:
		return unlimited(argument(1))
	case function.Common:
		return r.CommonType(c.Args)
	case function.Sum:
		return types.SumOf(argument(0))
	case function.Average:
		return types.AverageOf(argument(0))
	case function.Moment:
		return momentType(f.Name, argument(len(c.Args)-1))
	case function.Sample, function.Sorted:
		return r.sampleType(c, kind)
	case function.Whole:
		return argument(0)
	}
	return types.Type{}
}

// rounded is the type a number rounded has: of a decimal the digits depend on
// the second argument's value.
func rounded(name string, t types.Type, args int) types.Type {
	switch {
	case name == "trunc" && t.IsMoment():
		return types.Type{Kind: types.Date}
	case t.Kind == types.Decimal && args == 1 && t.Precision > 0:
		return types.Type{Kind: types.Decimal, Precision: min(t.Precision-t.Scale+1, types.MaxPrecision)}
	case t.Kind == types.Decimal:
		return types.Type{Kind: types.Decimal}
	}
	return t
}

// NumberType is the decimal that a format of TO_NUMBER has digits for.
func NumberType(format string) types.Type {
	whole, fraction, _ := strings.Cut(strings.NewReplacer("D", ".", "d", ".").Replace(format), ".")
	digits := func(s string) int { return strings.Count(s, "9") + strings.Count(s, "0") }
	scale := digits(fraction)
	return types.Type{Kind: types.Decimal, Precision: min(max(digits(whole)+scale, 1), types.MaxPrecision), Scale: min(scale, types.MaxPrecision-1)}
}

// momentType is the type DATEADD and DATE_TRUNC give: a timestamp, but a time
// or a time with zone for such.
func momentType(name string, t types.Type) types.Type {
	switch t.Kind {
	case types.TimestampTZ, types.Time, types.TimeTZ:
		return types.Type{Kind: t.Kind}
	}
	return types.Type{Kind: types.Timestamp}
}

func (r *Result) sampleType(c *syntax.Call, kind function.Result) types.Type {
	var t types.Type
	switch {
	case len(c.WithinGroup) > 0:
		t = r.TypeOf(c.WithinGroup[0].Expr)
	case len(c.Args) > 0:
		t = r.TypeOf(c.Args[0])
	}
	if kind == function.Sorted {
		return unlimited(t)
	}
	return types.Type{}
}

// unlimited is a type without its length; a CHAR keeps what it is padded to.
func unlimited(t types.Type) types.Type {
	if t.Kind != types.Char {
		t.Length = 0
	}
	return t
}
