package lower

import (
	"math"
	"slices"
	"strconv"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// narrowDigits are the digits of the decimals that DuckDB computes in 64 bits.
// The sum or product of two such has no more there, and fails where its value
// has; Redshift's has up to 38 ("Computations with numeric values").
const narrowDigits = 18

// decimal is a chain of +, - and * on decimals.
type decimal struct {
	// narrow computes as DuckDB does by itself, wide in more than 18 digits.
	narrow, wide emit.Expr
	// bound is the largest absolute value that the types allow.
	bound float64
	// room says that narrow holds every value, big that DuckDB takes more than 18
	// digits by itself.
	room, big bool
	// safe says that TRY may hold narrow.
	safe bool
	// column is one of its columns.
	column emit.Expr
}

// decimalOf takes a chain apart. In a block that groups by such, only the root:
// what GROUP BY names is written as it is there.
func (l *lowering) decimalOf(e syntax.Expr, root bool) decimal {
	b, ok := e.(*syntax.Binary)
	if !ok || !l.isDecimalChain(b) || !root && l.unflat {
		return l.decimalLeaf(e)
	}
	left, right := l.decimalOf(b.L, false), l.decimalOf(b.R, false)
	d := decimal{narrow: &emit.Op{Op: b.Op, Args: []emit.Expr{left.narrow, right.narrow}}, big: left.big || right.big,
		safe: left.safe && right.safe, column: left.column}
	if d.column == nil {
		d.column = right.column
	}
	if d.bound = left.bound + right.bound; b.Op == "*" {
		d.bound = left.bound * right.bound
	}
	scale := l.typeOf(b).Scale
	d.room = left.room && right.room && !d.big && d.bound*math.Pow10(scale) < 1e18
	x, y := left.wide, right.any()
	if right.big && !left.big {
		x, y = left.any(), right.wide
	}
	d.wide = &emit.Op{Op: b.Op, Args: []emit.Expr{x, y}}
	return d
}

// any is the chain in a type that holds every value.
func (d decimal) any() emit.Expr {
	if d.room {
		return d.narrow
	}
	return d.wide
}

// isDecimalChain says whether an operation is one on decimals of known types.
func (l *lowering) isDecimalChain(b *syntax.Binary) bool {
	if b.Op != "+" && b.Op != "-" && b.Op != "*" {
		return false
	}
	t := l.typeOf(b)
	return t.Kind == types.Decimal && t.Precision > 0 && l.typeOf(b.L).IsNumber() && l.typeOf(b.R).IsNumber()
}

// decimalLeaf is an operand that is no such operation itself.
func (l *lowering) decimalLeaf(e syntax.Expr) decimal {
	t := l.typeOf(e)
	of := t.AsDecimal()
	x := l.expr(e)
	d := decimal{narrow: x, wide: x, bound: math.Pow10(of.Precision - of.Scale), safe: l.tryable(e), column: l.someColumn(e)}
	if _, column := e.(*syntax.ColumnRef); l.unflat && !column && !isNumber(e) {
		d.safe = false
	}
	d.big = of.Precision > narrowDigits
	d.room = !d.big
	if n, ok := e.(*syntax.Number); ok {
		if v, err := strconv.ParseFloat(n.Text, 64); err == nil {
			d.bound = v
		}
	}
	if t.Kind == types.Decimal || !d.big {
		of.Precision = max(of.Precision, narrowDigits+1)
		d.wide = &emit.Cast{X: x, Type: of.Duck()}
	}
	return d
}

// decimalArithmetic lowers a chain: where its type has more than 18 digits and
// DuckDB's has not, what 18 digits have no room for is computed anew. TRY stands
// in a CASE, which DuckDB does not look into for what it could compute once, and
// outside; of TRY alone it does not know that it speaks of a column.
func (l *lowering) decimalArithmetic(b *syntax.Binary) emit.Expr {
	d := l.decimalOf(b, true)
	switch {
	case d.room:
		return d.narrow
	case d.big || !d.safe:
		return d.wide
	}
	return call("coalesce", d.tried(), &emit.Cast{X: d.wide, Type: l.typeOf(b).Duck()})
}

// tried is the chain in 18 digits, NULL where they do not do.
func (d decimal) tried() emit.Expr {
	x := call("try", d.narrow)
	if d.column == nil {
		return x
	}
	return &emit.Case{Whens: []emit.When{{Cond: &emit.Postfix{X: d.column, Op: "IS NOT NULL"}, Result: x}}}
}

// decimalSum is the sum of a chain: that of the values 18 digits do for, which
// DuckDB sums fast, and that of the others. Nil where nothing is to be parted.
func (l *lowering) decimalSum(c *syntax.Call) emit.Expr {
	b, ok := c.Args[0].(*syntax.Binary)
	if !ok || c.Over != nil || c.Distinct || !l.isDecimalChain(b) {
		return nil
	}
	unflat := l.unflat
	l.unflat = false
	d := l.decimalOf(b, true)
	l.unflat = unflat
	if d.room || d.big || !d.safe {
		return nil
	}
	sum := func(x emit.Expr) emit.Expr {
		return &emit.Call{Name: "sum", Args: []emit.Expr{x}, Filter: l.optional(c.Filter)}
	}
	rest := &emit.Case{Whens: []emit.When{{Cond: &emit.Postfix{X: d.tried(), Op: "IS NULL"}, Result: &emit.Cast{X: d.wide, Type: l.typeOf(b).Duck()}}}}
	return call("coalesce", &emit.Op{Op: "+", Args: []emit.Expr{sum(d.tried()), sum(rest)}}, sum(d.tried()), sum(rest))
}

// tryable says whether an expression may stand in TRY, which takes neither a
// query nor what is volatile, as every function is that may raise an error.
func (l *lowering) tryable(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.ColumnRef:
		return l.Result.Aliases[e] == nil
	case *syntax.Number, *syntax.Null, *syntax.Bool:
		return true
	case *syntax.Cast:
		if t := l.typeOf(e); !t.IsNumber() || !l.typeOf(e.X).IsNumber() {
			return false
		}
	case *syntax.Binary:
		switch e.Op {
		case "+", "-", "*", "=", "<>", "<", ">", "<=", ">=", "and", "or":
		default:
			return false
		}
	case *syntax.Call:
		f, ok := function.Lookup(e.Name.Last().Name)
		if !ok || l.Result.Inlined[e] != nil || e.Over != nil {
			return false
		}
		switch f.Name {
		case "coalesce", "nvl", "ifnull", "isnull", "abs", "greatest", "least":
		default:
			return false
		}
	case *syntax.Unary, *syntax.Case, *syntax.IsTest, *syntax.Between:
	case *syntax.String:
		return true
	default:
		return false
	}
	ok := true
	syntax.Operands(e, func(x syntax.Expr) { ok = ok && l.tryable(x) }, func(*syntax.Query) { ok = false })
	return ok
}

// someColumn is a column an expression speaks of, nil if it has none.
func (l *lowering) someColumn(e syntax.Expr) emit.Expr {
	if c, ok := e.(*syntax.ColumnRef); ok {
		return l.expr(c)
	}
	var found emit.Expr
	syntax.Operands(e, func(x syntax.Expr) {
		if found == nil {
			found = l.someColumn(x)
		}
	}, func(*syntax.Query) {})
	return found
}

// commonDecimal gives the branches of CASE, COALESCE and their kin the decimal
// type they have in common where all of its digits do not fit: it keeps the
// digits after the point ("Computations with numeric values"), and DuckDB those
// before it.
func commonDecimal(l *lowering, e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.Case:
		c := *e
		c.Whens = slices.Clone(e.Whens)
		results := []syntax.Expr{e.Else}
		for _, w := range e.Whens {
			results = append(results, w.Result)
		}
		if !l.inCommon(results) {
			return nil
		}
		c.Else = results[0]
		for i := range c.Whens {
			c.Whens[i].Result = results[i+1]
		}
		return l.expr(&c)
	case *syntax.Call:
		from := 0
		switch e.Name.Last().Name {
		case "nvl2":
			from = 1
		case "coalesce", "nvl", "ifnull", "isnull", "greatest", "least":
		default:
			return nil
		}
		args := slices.Clone(e.Args)
		if len(args) <= from || !l.inCommon(args[from:]) {
			return nil
		}
		c := *e
		c.Args = args
		return l.expr(&c)
	}
	return nil
}

// inCommon casts the expressions of a list to the decimal they have in common,
// if DuckDB would take another. False if it would not.
func (l *lowering) inCommon(list []syntax.Expr) bool {
	t := l.Result.CommonType(list)
	if t.Kind != types.Decimal || t.Precision < types.MaxPrecision {
		return false
	}
	cast := false
	for i, e := range list {
		if e == nil {
			continue
		}
		of := l.typeOf(e).AsDecimal()
		if of.Kind == types.Decimal && of.Precision > 0 && of.Scale != t.Scale {
			list[i], cast = l.asDecimal(e, t), true
		}
	}
	return cast
}

func (l *lowering) asDecimal(e syntax.Expr, t types.Type) syntax.Expr {
	pos := syntax.Pos{Span: e.Range()}
	return &syntax.Cast{Pos: pos, X: e, Style: syntax.CastColons,
		Type: syntax.TypeName{Pos: pos, Name: t.Base(), Args: []string{strconv.Itoa(t.Precision), strconv.Itoa(t.Scale)}}}
}

// unitedDecimals does the same for one side of a set operation with the given
// columns.
func (l *lowering) unitedDecimals(b syntax.Body, lowered emit.Body, columns []resolve.Column) {
	switch b := b.(type) {
	case *syntax.Query:
		if q, ok := lowered.(*emit.Query); ok {
			l.unitedDecimals(b.Body, q.Body, columns)
		}
	case *syntax.SetOp:
		if s, ok := lowered.(*emit.SetOp); ok {
			l.unitedDecimals(b.Left, s.Left, columns)
			l.unitedDecimals(b.Right, s.Right, columns)
		}
	case *syntax.Select:
		block, ok := lowered.(*emit.Select)
		if !ok || len(block.Items) != len(b.Items) || len(columns) != len(b.Items) {
			return
		}
		for i, it := range b.Items {
			of, t := l.typeOf(it.Expr).AsDecimal(), columns[i].Type
			if t.Kind == types.Decimal && t.Precision == types.MaxPrecision && of.Kind == types.Decimal && of.Precision > 0 && of.Scale != t.Scale {
				block.Items[i] = emit.Item{X: &emit.Cast{X: block.Items[i].X, Type: t.Duck()}, As: l.Options.ItemName(it)}
			}
		}
	}
}
