package syntax

import (
	"strconv"
	"strings"
)

// Print writes a tree as Redshift SQL that parses to the same tree.
func Print(n Node) string {
	p := &printer{}
	switch n := n.(type) {
	case Statement:
		p.statement(n)
	case Expr:
		p.expr(n)
	}
	return p.b.String()
}

type printer struct{ b strings.Builder }

func (p *printer) s(parts ...string) {
	for _, s := range parts {
		p.b.WriteString(s)
	}
}

// Quote writes an identifier, in quotes where it needs them.
func Quote(id Ident) string {
	if !id.Quoted && !reserved[id.Name] && !notAlias[id.Name] && plain(id.Name) {
		return id.Name
	}
	return `"` + strings.ReplaceAll(id.Name, `"`, `""`) + `"`
}

// plain says whether a name lexes as one unquoted word.
func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(isLetter(c) && !(c >= 'A' && c <= 'Z') || i > 0 && (isDigit(c) || c == '$') || i == 0 && c == '#' && len(s) > 1) {
			return false
		}
	}
	return s != "" && s != "#" && !bareFuncs[s] && s != "interval" && s != "case"
}

// literal writes a text; a backslash is an escape character in it.
func literal(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
}

func (p *printer) ident(id Ident) { p.s(Quote(id)) }

func (p *printer) name(n Name) { p.path(n.Parts) }

func (p *printer) path(parts []Ident) {
	for i, id := range parts {
		if i > 0 {
			p.s(".")
		}
		p.ident(id)
	}
}

func (p *printer) idents(ids []Ident) {
	p.s("(")
	each(p, ids, p.ident)
	p.s(")")
}

// each prints a comma-separated list.
func each[T any](p *printer, list []T, f func(T)) {
	for i, x := range list {
		if i > 0 {
			p.s(", ")
		}
		f(x)
	}
}

func (p *printer) exprs(list []Expr) { each(p, list, p.expr) }

func (p *printer) typeName(t TypeName) {
	if t.Nested != "" {
		p.s(t.Nested)
		return
	}
	args := ""
	if len(t.Args) > 0 {
		args = "(" + strings.Join(t.Args, ", ") + ")"
	}
	if base, zone, ok := strings.Cut(t.Name, " with"); ok && strings.HasPrefix(t.Name, "time") {
		p.s(base, args, " with", zone)
		return
	}
	p.s(t.Name, args)
}

// operand prints an expression in parentheses, unless it cannot come apart.
func (p *printer) operand(e Expr) {
	switch e := e.(type) {
	case *ColumnRef, *Number, *String, *Bool, *Null, *Param, *Subquery, *Exists, *Row, *Default, *Extract, *Trim, *Position:
		p.expr(e)
		return
	case *Call:
		if !e.Approximate {
			p.expr(e)
			return
		}
	case *Case:
		p.expr(e)
		return
	case *Cast:
		if e.Style != CastColons {
			p.expr(e)
			return
		}
	}
	p.s("(")
	p.expr(e)
	p.s(")")
}

func (p *printer) expr(e Expr) {
	switch e := e.(type) {
	case *ColumnRef:
		p.path(e.Parts)
	case *Star:
		for _, q := range e.Qualifier {
			p.ident(q)
			p.s(".")
		}
		p.s("*")
	case *Number:
		p.s(e.Text)
	case *String:
		p.s(literal(e.Value))
	case *Bool:
		p.s(map[bool]string{true: "true", false: "false"}[e.Value])
	case *Null:
		p.s("null")
	case *Param:
		p.s("$", strconv.Itoa(e.Index))
	case *Default:
		p.s("default")
	case *TypedString:
		p.typeName(e.Type)
		p.s(" ", literal(e.Value))
	case *Interval:
		p.s("interval ", literal(e.Value))
		if e.Fields != "" {
			p.s(" ", e.Fields)
		}
	case *Case:
		p.caseExpr(e)
	case *Cast:
		p.cast(e)
	case *Call:
		p.call(e)
	case *Extract:
		p.s("extract(", Quote(Ident{Name: e.Field}), " from ")
		p.expr(e.X)
		p.s(")")
	case *Trim:
		p.trim(e)
	case *Position:
		p.s("position(")
		p.operand(e.Part)
		p.s(" in ")
		p.expr(e.Whole)
		p.s(")")
	case *Row:
		p.s(map[bool]string{true: "row", false: ""}[len(e.Items) == 1], "(")
		p.exprs(e.Items)
		p.s(")")
	case *Array:
		p.s("array[")
		p.exprs(e.Items)
		p.s("]")
	case *Subquery:
		p.nested(e.Query)
	case *Exists:
		p.s("exists ")
		p.nested(e.Query)
	default:
		p.operator(e)
	}
}

func (p *printer) operator(e Expr) {
	switch e := e.(type) {
	case *Unary:
		p.s(e.Op, " ")
		p.operand(e.X)
	case *Binary:
		p.operand(e.L)
		p.s(" ", e.Op, " ")
		p.operand(e.R)
	case *IsTest:
		p.operand(e.X)
		p.s(" is", not(e.Not), " ", e.What)
	case *Like:
		p.operand(e.X)
		p.s(not(e.Not), " ", e.Kind, " ")
		p.operand(e.Pattern)
		if e.Escape != nil {
			p.s(" escape ")
			p.operand(e.Escape)
		}
	case *Between:
		p.operand(e.X)
		p.s(not(e.Not), " between ")
		p.operand(e.Lo)
		p.s(" and ")
		p.operand(e.Hi)
	case *In:
		p.operand(e.X)
		p.s(not(e.Not), " in ")
		if e.Query != nil {
			p.nested(e.Query)
			return
		}
		p.s("(")
		p.exprs(e.List)
		p.s(")")
	case *Quantified:
		p.operand(e.X)
		p.s(" ", e.Op, map[bool]string{true: " all ", false: " any "}[e.All])
		if e.Query != nil {
			p.nested(e.Query)
			return
		}
		p.s("(")
		p.expr(e.Array)
		p.s(")")
	case *Field:
		p.s("(")
		p.expr(e.X)
		p.s(").")
		p.ident(e.Name)
	case *Index:
		p.operand(e.X)
		p.s("[")
		p.expr(e.Index)
		p.s("]")
	case *AtTimeZone:
		p.operand(e.X)
		p.s(" at time zone ")
		p.operand(e.Zone)
	case *Collate:
		p.operand(e.X)
		p.s(" collate ")
		p.ident(e.Collation)
	case *OuterMark:
		p.path(e.Column.Parts)
		p.s("(+)")
	case *CurrentOf:
		p.s("current of ")
		p.ident(e.Cursor)
	}
}

func not(n bool) string {
	if n {
		return " not"
	}
	return ""
}

func (p *printer) caseExpr(e *Case) {
	p.s("case")
	if e.Operand != nil {
		p.s(" ")
		p.expr(e.Operand)
	}
	for _, w := range e.Whens {
		p.s(" when ")
		p.expr(w.Cond)
		p.s(" then ")
		p.expr(w.Result)
	}
	if e.Else != nil {
		p.s(" else ")
		p.expr(e.Else)
	}
	p.s(" end")
}

func (p *printer) cast(e *Cast) {
	switch e.Style {
	case CastColons:
		p.operand(e.X)
		p.s("::")
		p.typeName(e.Type)
	case CastConvert:
		p.s("convert(")
		p.typeName(e.Type)
		p.s(", ")
		p.expr(e.X)
		p.s(")")
	default:
		p.s(map[CastStyle]string{CastFunc: "cast(", CastTry: "try_cast("}[e.Style])
		p.expr(e.X)
		p.s(" as ")
		p.typeName(e.Type)
		p.s(")")
	}
}

func (p *printer) trim(e *Trim) {
	p.s("trim(")
	if e.Side != "" {
		p.s(e.Side, " ")
	}
	if e.Chars != nil {
		p.expr(e.Chars)
		p.s(" ")
	}
	if e.Side != "" || e.Chars != nil {
		p.s("from ")
	}
	p.expr(e.X)
	p.s(")")
}

// transform prints what stands between the parentheses of OBJECT_TRANSFORM.
func (p *printer) transform(e *Call) {
	p.operand(e.Args[0])
	for i, path := range e.Transform.Keep {
		p.s(map[bool]string{true: " keep ", false: ", "}[i == 0], literal(path))
	}
	for i, path := range e.Transform.Set {
		p.s(map[bool]string{true: " set ", false: ", "}[i == 0], literal(path), ", ")
		p.operand(e.Args[i+1])
	}
}

func (p *printer) call(e *Call) {
	if e.Bare {
		p.s(e.Name.Parts[0].Name)
		return
	}
	p.s(map[bool]string{true: "approximate ", false: ""}[e.Approximate])
	for i, id := range e.Name.Parts {
		if i > 0 {
			p.s(".")
		}
		if i == 0 && !id.Quoted && (callable[id.Name] || bareFuncs[id.Name]) {
			p.s(id.Name)
			continue
		}
		p.ident(id)
	}
	p.s("(", map[bool]string{true: "distinct ", false: ""}[e.Distinct], map[bool]string{true: "all ", false: ""}[e.All])
	if e.Star {
		p.s("*")
	}
	if e.Transform != nil {
		p.transform(e)
	} else {
		p.exprs(e.Args)
	}
	p.orderBy(" order by ", e.OrderBy)
	p.s(")")
	if e.WithinGroup != nil {
		p.orderBy(" within group (order by ", e.WithinGroup)
		p.s(")")
	}
	if e.Filter != nil {
		p.s(" filter (where ")
		p.expr(e.Filter)
		p.s(")")
	}
	p.s(map[NullTreatment]string{NullsIgnore: " ignore nulls", NullsRespect: " respect nulls"}[e.Nulls])
	if e.Over != nil {
		p.s(" over ")
		if e.Over.Ref != nil {
			p.ident(*e.Over.Ref)
		} else {
			p.window(e.Over)
		}
	}
}

func (p *printer) window(w *Window) {
	p.s("(")
	if w.Base != nil {
		p.ident(*w.Base)
		p.s(" ")
	}
	if w.Partition != nil {
		p.s("partition by ")
		p.exprs(w.Partition)
		p.s(" ")
	}
	p.orderBy("order by ", w.OrderBy)
	if f := w.Frame; f != nil {
		p.s(" ", f.Unit, " ")
		if f.End != nil {
			p.s("between ")
			p.bound(f.Start)
			p.s(" and ")
			p.bound(*f.End)
		} else {
			p.bound(f.Start)
		}
		if f.Exclude != "" {
			p.s(" exclude ", f.Exclude)
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

func (p *printer) orderBy(lead string, list []OrderItem) {
	if len(list) == 0 {
		return
	}
	p.s(lead)
	each(p, list, func(o OrderItem) {
		p.expr(o.Expr)
		p.s(map[bool]string{true: " asc", false: ""}[o.Asc], map[bool]string{true: " desc", false: ""}[o.Desc])
		if o.Nulls != "" {
			p.s(" nulls ", o.Nulls)
		}
	})
}
