package resolve

import (
	"slices"
	"strings"

	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// Result is what a statement's names mean.
type Result struct {
	// Tables says what every relation in FROM is.
	Tables map[*syntax.TableName]*Binding
	// Calls says which functions in FROM are relations of the catalog.
	Calls map[*syntax.TableCall]*Binding
	// Refs says what the column references are that name a known column.
	Refs map[*syntax.ColumnRef]Ref
	// Outputs are the columns of queries whose columns are all known.
	Outputs map[*syntax.Query][]Column
	// Stars are the columns that each * stands for, where all are known.
	Stars map[*syntax.Star][]StarColumn
	// United are the columns of set operations.
	United map[*syntax.SetOp][]Column
	// Implicit are the columns a PIVOT groups by, where all are known.
	Implicit map[*syntax.Pivot][]StarColumn
	// Target is the relation a DML statement writes.
	Target *Relation
	// Read and Written list relations, each once; Scans the reads of external ones.
	Read, Written []*Relation
	Scans         []*Scan
	Volatile      bool
	// Used are the columns of the relations read that the statement names
	// itself, not through a view.
	Used map[Place][]string
	// Params is the highest number of a parameter.
	Params int
	// Aliases says what the references mean that name an item of their own
	// select list.
	Aliases map[*syntax.ColumnRef]syntax.Expr
	// Inlined are the bodies that calls of user-defined functions stand for,
	// Arguments what the parameters in them are.
	Inlined map[*syntax.Call]syntax.Expr
	// Python are the calls of functions in Python.
	Python map[*syntax.Call]*UserFunction
	// Called are the user-defined functions that the statement calls itself, not
	// through a view.
	Called    []*UserFunction
	Arguments map[*syntax.Param]syntax.Expr
	// TargetRows gives the positions of the rows that UPDATE and DELETE may
	// change; nil for all. Guarded says that policies changed what is read.
	TargetRows *syntax.Query
	Guarded    bool
	told       map[syntax.Expr]types.Type
	// Insensitive says that the statement has texts that compare without regard to case.
	Insensitive bool
}

// Binding is what a name in FROM stands for.
type Binding struct {
	Relation *Relation // nil for a CTE
	CTE      bool
	// CTEName is the folded name of the CTE, Columns are its columns if all are known.
	CTEName string
	Columns []Column
	Scan    *Scan         // for an external relation
	View    *syntax.Query // the parsed definition of a late-binding view
	// Unnest says that the name is a path into a SUPER value of an earlier
	// table: Value, with the subscripts after it.
	// Element is the type of the elements.
	Unnest  bool
	Value   *syntax.ColumnRef
	Element types.Type
}

// Ref is a resolved column reference.
type Ref struct {
	// Table is the name the column's table has in its FROM clause; empty if
	// the reference was not qualified.
	Table  string
	Column string
	Type   types.Type
	// Path are the attributes after the column: navigation into its value.
	Path []string
	// Nested says that the value is an external table's, of declared types.
	Nested   bool
	relation *Relation
	// System says that it is a column of a system table or view.
	System bool
}

// Options are the settings names depend on.
type Options struct {
	CaseSensitive bool
	// Insensitive says that texts of this database are by default CASE_INSENSITIVE.
	Insensitive bool
	// Position turns a byte offset into the position reported with an error.
	Position func(offset int) int
	// Written, with enable_case_sensitive_super_attribute on, gives the spelling
	// of a SUPER attribute's name; nil folds it like other names.
	Written func(syntax.Ident) string
}

// Attribute is the name of a SUPER attribute.
func (o Options) Attribute(id syntax.Ident) string {
	if o.Written != nil {
		return o.Written(id)
	}
	return o.Fold(id)
}

// Fold gives an identifier the spelling under which the catalog knows it.
func (o Options) Fold(id syntax.Ident) string {
	if id.Quoted && !o.CaseSensitive {
		return strings.ToLower(id.Name)
	}
	return id.Name
}

// Path folds the parts of a name.
func (o Options) Path(n syntax.Name) []string {
	path := make([]string, len(n.Parts))
	for i, p := range n.Parts {
		path[i] = o.Fold(p)
	}
	return path
}

// resolver walks one statement. Faults are thrown as *sqlerr.Error and caught
// in Statement.
type resolver struct {
	Options
	catalog Catalog
	result  *Result
	// names are the column names mentioned anywhere, for the scans' columns;
	// star says that all may be meant.
	names map[string]bool
	star  bool
	views int
	// unguarded says that policies do not count: a view is being made.
	unguarded bool
	// open are the names that stand for relations without their policies.
	open map[*syntax.TableName]*Relation
	// reads are the relations of the view definition under way, by name.
	reads map[string]*Relation
	// hidden are the masked columns of the target.
	hidden map[string]bool
}

// source is one table in scope.
type source struct {
	name     string
	relation *Relation // nil for queries
	columns  []Column
	known    bool // columns is complete
	value    bool // an element of an unnested SUPER
	pseudo   bool // the columns of CONNECT BY, which * leaves out
	derived  bool // a query of the statement: two of its columns can have one name
}

// scope is what a query block's expressions can name.
type scope struct {
	outer   *scope
	sources []*source
	ctes    map[string]*source
	aliases map[string]syntax.Expr
	// merged are the columns that JOIN ... USING merges; natural says that a
	// natural join does. outputs are the names an ORDER BY may mean.
	merged  map[string]bool
	natural bool
	outputs map[string]bool
}

// maxViews bounds the nesting of late-binding views.
const maxViews = 64

// Statement resolves the names of a query or DML statement.
func Statement(s syntax.Statement, catalog Catalog, options Options) (result *Result, err error) {
	r := &resolver{Options: options, catalog: catalog, names: map[string]bool{}, result: &Result{
		Tables:   map[*syntax.TableName]*Binding{},
		Calls:    map[*syntax.TableCall]*Binding{},
		Refs:     map[*syntax.ColumnRef]Ref{},
		Outputs:  map[*syntax.Query][]Column{},
		Stars:    map[*syntax.Star][]StarColumn{},
		Implicit: map[*syntax.Pivot][]StarColumn{},
		United:   map[*syntax.SetOp][]Column{},
		Aliases:  map[*syntax.ColumnRef]syntax.Expr{},
		Inlined:  map[*syntax.Call]syntax.Expr{}, Arguments: map[*syntax.Param]syntax.Expr{},
	}}
	defer func() {
		if x := recover(); x != nil {
			fault, ok := x.(*sqlerr.Error)
			if !ok {
				panic(x)
			}
			result, err = nil, fault
		}
	}()
	r.statement(s)
	r.finishScans()
	return r.result, nil
}

// fail throws a fault at a node.
func (r *resolver) fail(at syntax.Node, code, format string, args ...any) {
	e := sqlerr.New(code, format, args...)
	if at != nil && r.Position != nil && r.views == 0 {
		e = e.At(r.Position(at.Range().Start))
	}
	panic(e)
}

func (r *resolver) statement(s syntax.Statement) {
	switch s := s.(type) {
	case *syntax.Query:
		columns, _ := r.query(s, nil)
		if b, ok := s.Body.(*syntax.Select); ok && b.Into != nil {
			r.distinctColumns(columns, nil)
		}
	case *syntax.Insert:
		sc := r.with(s.With, &scope{})
		r.result.Target = r.target(s.Table)
		if s.Query != nil {
			r.query(s.Query, sc)
		}
	case *syntax.Update:
		r.update(s)
	case *syntax.Delete:
		sc := r.with(s.With, &scope{})
		r.result.Target = r.target(s.Table)
		r.result.TargetRows = r.visibleRows(s.Table, r.result.Target)
		sc.sources = append(sc.sources, r.targetSource(s.Table, s.Alias))
		r.tables(s.Using, sc, s.Where)
		r.exprs(sc, s.Where)
		r.checkHidden()
		r.needEquijoin(s.Table, sc.sources[0], s.Using, s.Where)
	case *syntax.Merge:
		r.merge(s)
	case *syntax.CreateTable:
		if s.As != nil {
			columns, _ := r.query(s.As, nil)
			r.distinctColumns(columns, s.ColumnNames)
		}
	case *syntax.CreateView:
		r.unguarded = !s.Materialized // who reads the view is asked then
		if s.NoSchemaBinding {
			r.unbound(s.Query)
			return
		}
		columns, _ := r.query(s.Query, nil)
		r.distinctColumns(columns, s.Columns)
	case *syntax.CreateExternalTable:
		if s.As != nil {
			r.query(s.As, nil)
		}
	case *syntax.Declare:
		r.query(s.Query, nil)
	case *syntax.Explain:
		r.statement(s.Statement)
	case *syntax.CallStatement:
		r.exprs(&scope{}, s.Args...)
	}
}

// unbound resolves the query of a late-binding view. What it reads need not
// exist yet ("WITH NO SCHEMA BINDING" of CREATE VIEW).
func (r *resolver) unbound(q *syntax.Query) {
	defer func() {
		fault, ok := recover().(*sqlerr.Error)
		if !ok {
			return
		}
		switch fault.Code {
		case sqlerr.UndefinedTable, sqlerr.UndefinedSchema, sqlerr.UndefinedColumn, sqlerr.UndefinedFunction:
		default:
			panic(fault)
		}
	}()
	r.query(q, nil)
}

func (r *resolver) update(s *syntax.Update) {
	sc := r.with(s.With, &scope{})
	r.result.Target = r.target(s.Table)
	r.result.TargetRows = r.visibleRows(s.Table, r.result.Target)
	sc.sources = append(sc.sources, r.targetSource(s.Table, s.Alias))
	r.tables(s.From, sc, s.Where)
	for _, a := range s.Set {
		r.targetColumn(a.Column)
		r.expr(sc, a.Value)
	}
	r.exprs(sc, s.Where)
	r.checkHidden()
	r.needEquijoin(s.Table, sc.sources[0], s.From, s.Where)
}

func (r *resolver) merge(s *syntax.Merge) {
	sc := &scope{}
	r.result.Target = r.target(s.Target)
	if r.policies(r.result.Target) != nil {
		r.fail(s.Target, sqlerr.FeatureNotSupported, "not implemented: MERGE into a table with row-level security or masking policies")
	}
	sc.sources = append(sc.sources, r.targetSource(s.Target, s.TargetAlias))
	r.tables([]syntax.TableExpr{s.Source}, sc, nil)
	r.exprs(sc, s.On)
	for _, w := range s.Whens {
		r.exprs(sc, w.And)
		for _, a := range w.Set {
			r.targetColumn(a.Column)
			r.expr(sc, a.Value)
		}
		inserted := sc
		if !w.Matched { // a row of the source has no match in the target
			inserted = &scope{sources: sc.sources[1:]}
		}
		r.exprs(inserted, w.Values...)
	}
}

// target finds the relation a statement writes.
func (r *resolver) target(n syntax.Name) *Relation {
	rel := r.relation(n)
	switch rel.Kind {
	case View, LateView, MaterializedView:
		r.fail(n, sqlerr.WrongObjectType, "cannot modify a view")
	case System:
		r.fail(n, sqlerr.InsufficientPrivilege, "permission denied for relation %s", rel.Name)
	}
	r.result.Written = appendOnce(r.result.Written, rel)
	return rel
}

func (r *resolver) targetSource(n syntax.Name, alias *syntax.Ident) *source {
	rel := r.result.Target
	s := &source{name: rel.Name, relation: rel, columns: rel.Columns, known: true}
	if alias != nil {
		s.name = r.Fold(*alias)
	}
	return s
}

// targetColumn checks that the target has a column.
func (r *resolver) targetColumn(id syntax.Ident) {
	name := r.Fold(id)
	for _, c := range r.result.Target.Columns {
		if c.Name == name {
			return
		}
	}
	r.fail(id, sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", name, r.result.Target.Name)
}

// relation finds a relation by name or fails.
func (r *resolver) relation(n syntax.Name) *Relation {
	path := r.Path(n)
	rel, err := r.catalog.Relation(path)
	if err != nil {
		fault := sqlerr.From(err)
		if fault.Position == 0 && r.Position != nil && r.views == 0 {
			fault = fault.At(r.Position(n.Range().Start))
		}
		panic(fault)
	}
	if rel == nil {
		r.fail(n, sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(path, "."))
	}
	return rel
}

func appendOnce(list []*Relation, rel *Relation) []*Relation {
	for _, x := range list {
		if x == rel || x.Database == rel.Database && x.Schema == rel.Schema && x.Name == rel.Name {
			return list
		}
	}
	return append(list, rel)
}

// exprs resolves expressions; nil ones are passed over.
func (r *resolver) exprs(sc *scope, list ...syntax.Expr) {
	for _, e := range list {
		if e != nil {
			r.expr(sc, e)
		}
	}
}

func (r *resolver) expr(sc *scope, e syntax.Expr) {
	switch e := e.(type) {
	case *syntax.ColumnRef:
		r.column(sc, e)
		return
	case *syntax.Star:
		r.star = true
		return
	case *syntax.Param:
		if r.result.Arguments[e] != nil {
			return
		}
		r.result.Params = max(r.result.Params, e.Index)
		return
	case *syntax.Collate:
		r.result.Insensitive = true
	case *syntax.Call:
		if r.call(sc, e) {
			return
		}
	}
	syntax.Operands(e,
		func(x syntax.Expr) { r.expr(sc, x) },
		func(q *syntax.Query) { r.query(q, sc) })
}

// call checks that the function exists. It returns true if it resolved the
// arguments itself: a date part written as a bare word is no column.
func (r *resolver) call(sc *scope, c *syntax.Call) bool {
	path := r.Path(c.Name)
	f, ok := function.Lookup(path[len(path)-1])
	if ok && (len(path) == 1 || path[0] == "pg_catalog") {
		if f.Kind == function.Refused {
			r.fail(c, sqlerr.FeatureNotSupported, "not implemented: function %s", f.Name)
		}
		if n := len(c.Args); n < f.Min || f.Max >= 0 && n > f.Max {
			r.exprs(sc, c.Args...) // the fault names their types
			r.undefined(c, path)
		}
		r.nested(c, f)
		r.result.Insensitive = r.result.Insensitive || f.Name == "collate"
		if f.Name == "random" || f.Name == "timeofday" {
			r.result.Volatile = true
		}
		if f.Duck == "datepart" && f.Kind == function.Rule {
			if _, word := c.Args[0].(*syntax.ColumnRef); word {
				r.exprs(sc, c.Args[1:]...)
				return true
			}
		}
		return false
	}
	list, err := r.catalog.Functions(path)
	if err != nil {
		panic(sqlerr.From(err))
	}
	r.exprs(sc, c.Args...)
	u := r.overload(list, c.Args)
	if u == nil {
		r.undefined(c, path)
	}
	if r.views == 0 {
		r.result.Called = append(r.result.Called, u)
	}
	if u.Python != "" {
		if r.result.Python == nil {
			r.result.Python = map[*syntax.Call]*UserFunction{}
		}
		r.result.Python[c] = u
		r.result.Volatile = r.result.Volatile || u.Volatile
		return true
	}
	r.inline(c, u)
	return true
}

func (r *resolver) undefined(c *syntax.Call, path []string) {
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		args[i] = r.literalType(a)
	}
	e := sqlerr.New(sqlerr.UndefinedFunction, "function %s(%s) does not exist", strings.Join(path, "."), strings.Join(args, ", ")).
		WithHint("No function matches the given name and argument types. You may need to add explicit type casts.")
	if r.Position != nil && r.views == 0 {
		e = e.At(r.Position(c.Range().Start))
	}
	panic(e)
}

// literalType names an argument's type for an error message.
func (r *resolver) literalType(e syntax.Expr) string {
	return r.result.TypeOf(e).Base()
}

// finishScans gives every scan the columns the statement may use.
func (r *resolver) finishScans() {
	for _, s := range r.result.Scans {
		if r.star {
			s.Columns = nil
		} else {
			s.Columns = []string{}
			for _, c := range s.Relation.Columns {
				if r.names[c.Name] {
					s.Columns = append(s.Columns, c.Name)
				}
			}
		}
		for _, p := range pseudoColumns {
			if r.names[p] {
				if s.Columns == nil {
					for _, c := range s.Relation.Columns {
						s.Columns = append(s.Columns, c.Name)
					}
				}
				s.Columns = append(s.Columns, p)
			}
		}
	}
}

// pseudoColumns are the columns every external table has that * leaves out.
var pseudoColumns = []string{"$path", "$size", "$spectrum_oid"}

func isPseudo(name string) bool { return slices.Contains(pseudoColumns, name) }
