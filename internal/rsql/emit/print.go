package emit

import (
	"fmt"
	"strconv"
	"strings"
)

// SQL prints a statement as DuckDB SQL.
func SQL(s Statement) string {
	p := &printer{}
	p.b.Grow(512)
	p.statement(s)
	return p.b.String()
}

// ExprSQL prints one expression.
func ExprSQL(e Expr) string {
	p := &printer{}
	p.expr(e)
	return p.b.String()
}

// TableSQL prints one table expression.
func TableSQL(t Table) string {
	p := &printer{}
	p.table(t)
	return p.b.String()
}

type printer struct{ b strings.Builder }

func (p *printer) s(parts ...string) {
	for _, s := range parts {
		p.b.WriteString(s)
	}
}

// Ident quotes a name.
func Ident(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// Literal quotes a text.
func Literal(text string) string {
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "")
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

func (p *printer) ident(name string) { p.s(Ident(name)) }

func (p *printer) path(parts []string) {
	for i, part := range parts {
		if i > 0 {
			p.s(".")
		}
		p.ident(part)
	}
}

func (p *printer) idents(names []string) {
	p.s("(")
	for i, n := range names {
		if i > 0 {
			p.s(", ")
		}
		p.ident(n)
	}
	p.s(")")
}

func (p *printer) exprs(list []Expr) {
	for i, e := range list {
		if i > 0 {
			p.s(", ")
		}
		p.expr(e)
	}
}

// operand prints an expression, in parentheses unless it cannot come apart.
func (p *printer) operand(e Expr) {
	switch e.(type) {
	case *Ref, *Num, *Str, *Word, *Param, *Call, *Case, *Cast, *List, *Struct, *Row, *Subquery, *Exists, *Extract:
		p.expr(e)
	default:
		p.s("(")
		p.expr(e)
		p.s(")")
	}
}

func (p *printer) expr(e Expr) {
	switch e := e.(type) {
	case *Ref:
		p.path(e.Parts)
	case *Star:
		p.star(e)
	case *Num:
		p.s(e.Text)
	case *Str:
		p.s(Literal(e.Value))
	case *Word:
		p.s(e.Text)
	case *Param:
		p.s("$", strconv.Itoa(e.Index))
	case *Call:
		p.call(e)
	case *Named:
		p.ident(e.Name)
		p.s(" := ")
		p.expr(e.Value)
	case *Cast:
		word := "CAST("
		if e.Try {
			word = "TRY_CAST("
		}
		p.s(word)
		p.expr(e.X)
		p.s(" AS ", e.Type, ")")
	case *Interval:
		p.s("INTERVAL ", Literal(e.Text))
	case *Case:
		p.caseExpr(e)
	case *List:
		p.s("[")
		p.exprs(e.Items)
		p.s("]")
	case *Struct:
		p.s("{")
		for i, f := range e.Fields {
			if i > 0 {
				p.s(", ")
			}
			p.s(Literal(f.Name), ": ")
			p.expr(f.Value)
		}
		p.s("}")
	case *Row:
		p.s("ROW(")
		p.exprs(e.Items)
		p.s(")")
	case *Extract:
		p.s("extract(", e.Field, " FROM ")
		p.expr(e.X)
		p.s(")")
	case *Lambda:
		p.s("lambda ", strings.Join(e.Params, ", "), ": ")
		p.expr(e.Body)
	case *Subquery:
		p.nested(e.Query)
	case *Exists:
		p.s("EXISTS ")
		p.nested(e.Query)
	default:
		p.operator(e)
	}
}

// operator prints the expressions made of an operator and operands.
func (p *printer) operator(e Expr) {
	switch e := e.(type) {
	case *Op:
		for i, a := range e.Args {
			if i > 0 {
				p.s(" ", e.Op, " ")
			}
			p.operand(a)
		}
	case *Prefix:
		p.s(e.Op, " ")
		p.operand(e.X)
	case *Postfix:
		p.operand(e.X)
		p.s(" ", e.Op)
	case *Like:
		p.operand(e.X)
		p.s(" ", e.Op, " ")
		p.operand(e.Pattern)
		if e.Escape != nil {
			p.s(" ESCAPE ")
			p.operand(e.Escape)
		}
	case *Between:
		p.operand(e.X)
		p.s(not(e.Not), " BETWEEN ")
		p.operand(e.Lo)
		p.s(" AND ")
		p.operand(e.Hi)
	case *In:
		p.operand(e.X)
		p.s(not(e.Not), " IN ")
		if e.Query != nil {
			p.nested(e.Query)
			return
		}
		p.s("(")
		p.exprs(e.List)
		p.s(")")
	case *Quantified:
		p.operand(e.X)
		word := " ANY "
		if e.All {
			word = " ALL "
		}
		p.s(" ", e.Op, word)
		if e.Query != nil {
			p.nested(e.Query)
			return
		}
		p.s("(")
		p.expr(e.Array)
		p.s(")")
	case *Index:
		p.operand(e.X)
		p.s("[")
		p.expr(e.Index)
		p.s("]")
	default:
		panic(fmt.Sprintf("cannot print %T", e))
	}
}

func not(n bool) string {
	if n {
		return " NOT"
	}
	return ""
}

func (p *printer) nested(q *Query) {
	p.s("(")
	p.query(q)
	p.s(")")
}

func (p *printer) star(e *Star) {
	for _, q := range e.Qualifier {
		p.ident(q)
		p.s(".")
	}
	p.s("*")
	if len(e.Exclude) > 0 {
		p.s(" EXCLUDE ")
		p.idents(e.Exclude)
	}
}

func (p *printer) caseExpr(e *Case) {
	p.s("CASE")
	if e.Operand != nil {
		p.s(" ")
		p.operand(e.Operand)
	}
	for _, w := range e.Whens {
		p.s(" WHEN ")
		p.expr(w.Cond)
		p.s(" THEN ")
		p.expr(w.Result)
	}
	if e.Else != nil {
		p.s(" ELSE ")
		p.expr(e.Else)
	}
	p.s(" END")
}

// call prints a call. Function names come from the tables of lower, never from
// the user, except for user-defined ones, which the catalog names.
func (p *printer) call(e *Call) {
	if plainName(e.Name) {
		p.s(e.Name)
	} else {
		p.path(strings.Split(e.Name, "."))
	}
	p.s("(")
	if e.Distinct {
		p.s("DISTINCT ")
	}
	if e.Star {
		p.s("*")
	}
	p.exprs(e.Args)
	if len(e.OrderBy) > 0 {
		p.s(" ORDER BY ")
		p.orders(e.OrderBy)
	}
	if e.IgnoreNulls {
		p.s(" IGNORE NULLS")
	}
	p.s(")")
	if len(e.WithinGroup) > 0 {
		p.s(" WITHIN GROUP (ORDER BY ")
		p.orders(e.WithinGroup)
		p.s(")")
	}
	if e.Filter != nil {
		p.s(" FILTER (WHERE ")
		p.expr(e.Filter)
		p.s(")")
	}
	if e.Over != nil {
		p.s(" OVER ")
		if e.Over.Ref != "" {
			p.ident(e.Over.Ref)
			return
		}
		p.window(*e.Over)
	}
}

func plainName(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != ""
}

func (p *printer) window(w Window) {
	p.s("(")
	sep := ""
	if w.Base != "" {
		p.ident(w.Base)
		sep = " "
	}
	if len(w.Partition) > 0 {
		p.s(sep, "PARTITION BY ")
		p.exprs(w.Partition)
		sep = " "
	}
	if len(w.OrderBy) > 0 {
		p.s(sep, "ORDER BY ")
		p.orders(w.OrderBy)
		sep = " "
	}
	if f := w.Frame; f != nil {
		p.s(sep, f.Unit, " ")
		if f.End.Kind != "" {
			p.s("BETWEEN ")
			p.bound(f.Start)
			p.s(" AND ")
			p.bound(f.End)
		} else {
			p.bound(f.Start)
		}
		if f.Exclude != "" {
			p.s(" EXCLUDE ", f.Exclude)
		}
	}
	p.s(")")
}

func (p *printer) bound(b Bound) {
	if b.Offset != nil {
		p.operand(b.Offset)
		p.s(" ")
	}
	p.s(b.Kind)
}

func (p *printer) orders(list []Order) {
	for i, o := range list {
		if i > 0 {
			p.s(", ")
		}
		p.expr(o.X)
		if o.Desc {
			p.s(" DESC")
		}
		if o.Nulls != "" {
			p.s(" NULLS ", o.Nulls)
		}
	}
}
