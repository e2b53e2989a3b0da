package plpgsql

import (
	"reflect"
	"strings"
	"unicode/utf8"

	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// sql parses the text of one statement, which stands at offset in the body.
// prefix is put before it for rsql: "SELECT " makes a query of an expression.
func (p *parser) sql(prefix, text, source string, offset int) *SQL {
	list, err := syntax.Parse(prefix + source)
	if err != nil {
		p.throwAt(err, offset, len(prefix))
	}
	if len(list) != 1 {
		panic(fault(p.src, offset, "syntax error at end of input"))
	}
	s := &SQL{Text: strings.TrimSpace(text), Tree: list[0].Statement}
	w := substituter{parser: p, sql: s}
	w.walk(reflect.ValueOf(&s.Tree).Elem())
	s.Pure = !w.reads
	if q, ok := s.Tree.(*syntax.Query); ok && prefix != "" {
		s.trivial = trivial(q)
	}
	return s
}

// throwAt moves the position of an SQL error into the body.
func (p *parser) throwAt(err error, offset, prefix int) {
	e := sqlerr.From(err)
	if e.Position > 0 {
		at := utf8.RuneCountInString(p.src[:offset]) + e.Position - prefix
		e = e.At(min(max(1, at), utf8.RuneCountInString(p.src)+1))
	}
	panic(e)
}

// expr parses an expression.
func (p *parser) expr(text string, offset int) *SQL {
	if strings.TrimSpace(text) == "" {
		panic(fault(p.src, offset, "missing expression at or near \"%s\"", p.near(offset)))
	}
	return p.sql("SELECT ", text, text, offset)
}

// trivial is the only expression of a query that needs no database.
func trivial(q *syntax.Query) syntax.Expr {
	sel, ok := q.Body.(*syntax.Select)
	if !ok || len(sel.Items) != 1 || sel.From != nil || sel.Where != nil || q.OrderBy != nil || q.Limit != nil || q.With != nil || sel.Distinct {
		return nil
	}
	return sel.Items[0].Expr
}

// substituter puts nodes for values where a tree names variables. It goes
// through the tree by reflection, so that no kind of statement is forgotten.
type substituter struct {
	*parser
	sql   *SQL
	reads bool
}

var (
	exprType  = reflect.TypeFor[syntax.Expr]()
	tableType = reflect.TypeFor[syntax.TableExpr]()
)

func (w *substituter) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		if v.Type() == exprType && w.replace(v) {
			return
		}
		w.reads = w.reads || v.Type() == tableType
		w.walk(v.Elem())
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		if c, ok := v.Interface().(*syntax.Call); ok && w.call(c) {
			return
		}
		w.walk(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			w.walk(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !f.Anonymous {
				w.walk(v.Field(i))
			}
		}
	}
}

// call leaves a date part written as a bare word alone.
func (w *substituter) call(c *syntax.Call) bool {
	f, ok := function.Lookup(c.Name.Last().Name)
	if !ok || f.Duck != "datepart" || len(c.Args) == 0 {
		return false
	}
	if _, word := c.Args[0].(*syntax.ColumnRef); !word {
		return false
	}
	for i := range c.Args[1:] {
		w.walk(reflect.ValueOf(&c.Args[i+1]).Elem())
	}
	return true
}

func (w *substituter) replace(v reflect.Value) bool {
	var ref Ref
	var path []syntax.Ident
	switch e := v.Interface().(type) {
	case *syntax.ColumnRef:
		found, ok := w.lookup(e.Parts)
		if !ok { // navigation into a SUPER variable
			if found, ok = w.lookup(e.Parts[:1]); !ok || found.Var.Type.Name != "super" {
				return false
			}
			path = e.Parts[1:]
		}
		ref = found
	case *syntax.Param:
		if e.Index > len(w.proc.Args) {
			panic(sqlerr.New("42P02", "there is no parameter $%d", e.Index))
		}
		ref = Ref{Var: w.proc.Args[e.Index-1]}
	default:
		return false
	}
	node := &syntax.Cast{Pos: syntax.Pos{Span: v.Interface().(syntax.Node).Range()}}
	w.sql.nodes = append(w.sql.nodes, node)
	w.sql.Refs = append(w.sql.Refs, ref)
	var x syntax.Expr = node
	for _, id := range path {
		x = &syntax.Field{Pos: node.Pos, X: x, Name: id}
	}
	v.Set(reflect.ValueOf(x))
	return true
}

// lookup finds what a dotted name means: variable, record.field, label.variable
// or label.record.field. Variables have no case, even quoted.
func (p *parser) lookup(parts []syntax.Ident) (Ref, bool) {
	for sc := p.scope; sc != nil; sc = sc.outer {
		rest := parts
		if len(rest) > 1 && sc.label != "" && lower(rest[0].Name) == sc.label {
			if v := sc.vars[lower(rest[1].Name)]; v != nil {
				rest = rest[1:]
			}
		}
		v := sc.vars[lower(rest[0].Name)]
		switch {
		case v == nil:
		case len(rest) == 1 && v.Kind != Record && v.Kind != Row:
			return Ref{Var: v}, true
		case len(rest) == 2 && (v.Kind == Record || v.Kind == Row):
			return Ref{Var: v, Field: lower(rest[1].Name)}, true
		}
	}
	return Ref{}, false
}
