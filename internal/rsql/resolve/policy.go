package resolve

import (
	"maps"
	"slices"
	"strconv"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// Guard is a Catalog with row-level security and masking policies. Every read
// of a relation asks it, also those in views, in subqueries and of the target
// of UPDATE and DELETE.
type Guard interface {
	// Policies are those that hold for the current user; nil for none.
	Policies(rel *Relation) (*Policies, error)
	// Reads are the relations a view's definition names, by the names it may use
	// for them, when the view must be read through its definition because
	// something it reads is protected from the current user; else nil.
	Reads(view *Relation) (map[string]*Relation, error)
}

// Policies say which rows and values of a relation a user sees.
type Policies struct {
	// Rows says that row-level security is on: only rows that satisfy all
	// Predicates (with Any: one of them) are there. Without a predicate none is.
	Rows       bool
	Any        bool
	Predicates []Predicate
	Masks      []Mask
}

// Predicate is a row-level security policy: a condition in Redshift SQL, in
// which the relation goes by Alias.
type Predicate struct{ Alias, Text string }

// Mask gives a column another value: an expression in Redshift SQL of the
// column's type, in which Inputs says what columns its names are.
type Mask struct {
	Column, Text string
	Inputs       map[string]string
}

// rowID is DuckDB's name for a row's position, by which UPDATE and DELETE
// choose among the rows a policy shows.
const rowID = "rowid"

// barrier is a LIMIT that takes nothing away. DuckDB moves no condition of the
// statement below it, so that none is tried on a hidden row.
const barrier = 4_000_000_000_000_000_000

// policies asks the catalog for a relation's policies.
func (r *resolver) policies(rel *Relation) *Policies {
	g, ok := r.catalog.(Guard)
	if !ok || r.unguarded {
		return nil
	}
	p, err := g.Policies(rel)
	if err != nil {
		panic(sqlerr.From(err))
	}
	return p
}

// guarded is the query that stands for a relation with policies; nil if it has
// none. It is resolved.
func (r *resolver) guarded(rel *Relation) *syntax.Query {
	p := r.policies(rel)
	if p == nil {
		return nil
	}
	r.result.Guarded = true
	var from syntax.TableExpr = r.raw(rel)
	if p.Rows {
		from = &syntax.TableQuery{Query: r.filtered(from, rel, p, columnNames(rel))}
	}
	q := project(from, bare(rel.Name), r.maskedItems(rel, p))
	r.resolveGuard(q)
	return q
}

// visibleRows is the query for the positions of the rows of a target that the
// user may change; nil if it may change all.
func (r *resolver) visibleRows(at syntax.Node, rel *Relation) *syntax.Query {
	p := r.policies(rel)
	if p == nil {
		return nil
	}
	r.result.Guarded = true
	for _, m := range p.Masks {
		if r.hidden == nil {
			r.hidden = map[string]bool{}
		}
		r.hidden[m.Column] = true
	}
	if !p.Rows {
		return nil
	}
	if slices.Contains(columnNames(rel), rowID) {
		r.fail(at, sqlerr.FeatureNotSupported, "not implemented: row-level security on a table with a column named %s", rowID)
	}
	q := r.filtered(r.raw(rel), rel, p, append(columnNames(rel), rowID))
	q = project(&syntax.TableQuery{Query: q}, bare(rel.Name), []syntax.SelectItem{{Expr: ref(rel.Name, rowID)}})
	r.resolveGuard(q)
	return q
}

// checkHidden refuses an UPDATE or DELETE that computes with masked columns of
// its target.
func (r *resolver) checkHidden() {
	for c, x := range r.result.Refs {
		if x.relation == r.result.Target && r.hidden[x.Column] {
			r.fail(c, sqlerr.FeatureNotSupported, "not implemented: reading the masked column %s of the table that is changed", x.Column)
		}
	}
}

// resolveGuard resolves a query of policies: apart from the statement's own
// scopes, names and privileges.
func (r *resolver) resolveGuard(q *syntax.Query) {
	if r.views++; r.views > maxViews {
		r.views = 0
		r.fail(nil, sqlerr.ProgramLimitExceeded, "infinite recursion detected in row-level security policy")
	}
	reads := r.reads
	r.reads = nil
	r.query(q, nil)
	r.reads = reads
	r.views--
}

// raw names a relation without its policies.
func (r *resolver) raw(rel *Relation) *syntax.TableName {
	t := &syntax.TableName{Name: syntax.Name{Parts: []syntax.Ident{bare(rel.Name)}}}
	if r.open == nil {
		r.open = map[*syntax.TableName]*Relation{}
	}
	r.open[t] = rel
	return t
}

// filtered is the query for the visible rows of a relation.
func (r *resolver) filtered(from syntax.TableExpr, rel *Relation, p *Policies, columns []string) *syntax.Query {
	if len(p.Predicates) == 0 {
		q := project(from, bare(rel.Name), items(rel.Name, columns))
		q.Body.(*syntax.Select).Where = &syntax.Bool{}
		return q
	}
	var any syntax.Expr
	var flags []string
	for i, pred := range p.Predicates {
		alias := pred.Alias
		if alias == "" {
			alias = rel.Name
		}
		x := r.policyExpr(pred.Text)
		q := project(from, bare(alias), append(items(alias, columns), items(alias, flags)...))
		s := q.Body.(*syntax.Select)
		if p.Any && len(p.Predicates) > 1 {
			flag := "$policy" + strconv.Itoa(i)
			s.Items = append(s.Items, syntax.SelectItem{Expr: x, Alias: new(bare(flag))})
			flags = append(flags, flag)
			if any = either(any, ref(rel.Name, flag)); len(columns) == 0 {
				r.fail(nil, sqlerr.FeatureNotSupported, "not implemented: CONJUNCTION TYPE OR on a late-binding view")
			}
		} else {
			s.Where = x
		}
		q.Limit = &syntax.Number{Text: strconv.FormatInt(barrier, 10)}
		from = &syntax.TableQuery{Query: q}
	}
	q := project(from, bare(rel.Name), items(rel.Name, columns))
	if any != nil {
		q.Body.(*syntax.Select).Where = any
		q.Limit = &syntax.Number{Text: strconv.FormatInt(barrier, 10)}
	}
	return q
}

func either(a, b syntax.Expr) syntax.Expr {
	if a == nil {
		return b
	}
	return &syntax.Binary{Op: "or", L: a, R: b}
}

// maskedItems are a relation's columns as the user sees them.
func (r *resolver) maskedItems(rel *Relation, p *Policies) []syntax.SelectItem {
	list := items(rel.Name, columnNames(rel))
	if len(p.Masks) > 0 && len(rel.Columns) == 0 {
		r.fail(nil, sqlerr.FeatureNotSupported, "not implemented: masking policies on late-binding views")
	}
	for _, m := range p.Masks {
		i := slices.Index(columnNames(rel), m.Column)
		if i < 0 {
			r.fail(nil, sqlerr.UndefinedColumn, "column \"%s\" of a masking policy does not exist in relation \"%s\"", m.Column, rel.Name)
		}
		x := r.policyExpr(m.Text)
		rename(x, rel.Name, m.Inputs)
		list[i] = syntax.SelectItem{Expr: x, Alias: new(bare(m.Column))}
	}
	return list
}

// rename puts the columns a mask is attached to in the place of its own names.
func rename(e syntax.Expr, table string, inputs map[string]string) {
	if c, ok := e.(*syntax.ColumnRef); ok {
		if to, ok := inputs[c.Parts[0].Name]; ok {
			c.Parts = append([]syntax.Ident{bare(table), bare(to)}, c.Parts[1:]...)
		}
		return
	}
	syntax.Operands(e, func(x syntax.Expr) { rename(x, table, inputs) }, func(*syntax.Query) {})
}

// policyExpr parses an expression that CREATE POLICY has checked.
func (r *resolver) policyExpr(text string) syntax.Expr {
	x, err := PolicyExpr(text)
	if err != nil {
		r.fail(nil, sqlerr.InternalError, "cannot read policy expression %s: %v", text, err)
	}
	return x
}

// PolicyExpr parses one expression of a policy.
func PolicyExpr(text string) (syntax.Expr, error) {
	list, err := syntax.Parse("select " + text)
	if err != nil {
		return nil, err
	}
	if len(list) == 1 {
		if q, ok := list[0].Statement.(*syntax.Query); ok {
			if s, ok := q.Body.(*syntax.Select); ok && len(s.Items) == 1 && s.From == nil {
				return s.Items[0].Expr, nil
			}
		}
	}
	return nil, sqlerr.New(sqlerr.SyntaxError, "a policy has one expression")
}

// project is SELECT items FROM from AS alias.
func project(from syntax.TableExpr, alias syntax.Ident, list []syntax.SelectItem) *syntax.Query {
	a := &syntax.Alias{Name: alias}
	switch t := from.(type) {
	case *syntax.TableName:
		t.Alias = a
	case *syntax.TableQuery:
		t.Alias = a
	}
	return &syntax.Query{Body: &syntax.Select{Items: list, From: []syntax.TableExpr{from}}}
}

// items are references to columns; of a relation with unknown ones a star.
func items(table string, columns []string) []syntax.SelectItem {
	if columns == nil {
		return []syntax.SelectItem{{Expr: &syntax.Star{}}}
	}
	out := make([]syntax.SelectItem, len(columns))
	for i, c := range columns {
		out[i] = syntax.SelectItem{Expr: ref(table, c)}
	}
	return out
}

func ref(table, column string) *syntax.ColumnRef {
	return &syntax.ColumnRef{Parts: []syntax.Ident{bare(table), bare(column)}}
}

// bare is a name that is not folded.
func bare(name string) syntax.Ident { return syntax.Ident{Name: name} }

func columnNames(rel *Relation) []string {
	var out []string
	for _, c := range rel.Columns {
		out = append(out, c.Name)
	}
	return out
}

// bindOpen binds a name that raw made.
func (r *resolver) bindOpen(rel *Relation, s *source) {
	s.relation = rel
	s.columns = append(slices.Clone(rel.Columns), Column{Name: rowID, Type: types.Type{Kind: types.Bigint}})
	s.known = len(rel.Columns) > 0
}

// expansion gives the relations by name that a view reads, if it must be read
// through its definition.
func (r *resolver) expansion(rel *Relation) map[string]*Relation {
	g, ok := r.catalog.(Guard)
	if !ok || r.unguarded || rel.Kind != View {
		return nil
	}
	reads, err := g.Reads(rel)
	if err != nil {
		panic(sqlerr.From(err))
	}
	return maps.Clone(reads)
}
