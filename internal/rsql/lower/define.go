package lower

import (
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// Define lowers the DDL that DuckDB runs, to statements in order. It answers
// false for what the caller must execute itself.
func Define(s syntax.Statement, in Input) (out []emit.Statement, own bool, err error) {
	l := &lowering{Input: in, rules: exprRules(), calls: callRules()}
	err = guard(func() { out, own = l.define(s) })
	return out, own, err
}

func (l *lowering) define(s syntax.Statement) ([]emit.Statement, bool) {
	switch s := s.(type) {
	case *syntax.CreateTable:
		return l.createTable(s), true
	case *syntax.CreateView:
		return l.createView(s)
	case *syntax.CreateSchema:
		return []emit.Statement{&emit.CreateSchema{Name: l.schema(s.Name)}}, true
	case *syntax.Drop:
		return l.drop(s)
	case *syntax.AlterTable:
		return l.alterTable(s)
	case *syntax.Truncate:
		rel := l.local(s.Table)
		if rel.Kind != resolve.Table {
			l.fail(s.Table, sqlerr.WrongObjectType, "\"%s\" is not a table", rel.Name)
		}
		return []emit.Statement{&emit.Delete{Table: rel.Duck}}, true
	case *syntax.RefreshView:
		return nil, false
	}
	return nil, false
}

// schema is the DuckDB name of a schema of this database.
func (l *lowering) schema(id syntax.Ident) []string {
	name := []string{l.Options.Fold(id)}
	if l.Session.Database != "" {
		name = append([]string{l.Session.Database}, name...)
	}
	return name
}

// target is the DuckDB name of a relation to be created.
func (l *lowering) target(n syntax.Name, temp bool) []string {
	duck, err := l.Catalog.Target(l.Options.Path(n), temp)
	if err != nil {
		panic(sqlerr.From(err))
	}
	return duck
}

// relation finds a relation; nil if there is none.
func (l *lowering) relation(n syntax.Name) *resolve.Relation {
	rel, err := l.Catalog.Relation(l.Options.Path(n))
	if err != nil {
		panic(sqlerr.From(err))
	}
	return rel
}

// local finds a table that must exist.
func (l *lowering) local(n syntax.Name) *resolve.Relation {
	rel := l.relation(n)
	if rel == nil {
		l.fail(n, sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(l.Options.Path(n), "."))
	}
	return rel
}

func (l *lowering) createTable(s *syntax.CreateTable) []emit.Statement {
	name := l.target(s.Name, s.Temp)
	t := &emit.CreateTable{Temp: s.Temp, Name: name}
	if s.As != nil {
		t.As = l.stored(s.As)
		if s.ColumnNames != nil {
			t.As = renamed(t.As, l.folds(s.ColumnNames))
		}
		return []emit.Statement{t}
	}
	var out []emit.Statement
	for _, like := range s.Likes {
		t.Columns = append(t.Columns, l.likeColumns(like)...)
	}
	keys := map[string]bool{}
	for _, k := range s.Constraints {
		if k.Kind == "primary key" {
			for _, id := range k.Columns {
				keys[l.Options.Fold(id)] = true
			}
		}
	}
	for _, d := range s.Columns {
		c := l.columnDef(d)
		c.NotNull = c.NotNull || keys[c.Name]
		if d.Identity != nil {
			seq := l.sequence(name, c.Name, d.Identity, s.Temp)
			out = append(out, seq)
			c.Default = call("nextval", &emit.Str{Value: sequenceText(seq.Name)})
		}
		for _, other := range t.Columns {
			if other.Name == c.Name {
				l.fail(d, sqlerr.DuplicateColumn, "column \"%s\" duplicated", c.Name)
			}
		}
		t.Columns = append(t.Columns, c)
	}
	return append(out, t)
}

// stored lowers a query whose columns become a table's: what is computed from
// decimals gets the digits that the guide says, of which DuckDB's types have
// fewer.
func (l *lowering) stored(q *syntax.Query) *emit.Query {
	out := l.query(q)
	s, ok := q.Body.(*syntax.Select)
	block, plain := out.Body.(*emit.Select)
	if !ok || !plain || len(block.Items) != len(s.Items) {
		return out
	}
	for i, it := range s.Items {
		if b, ok := it.Expr.(*syntax.Binary); ok && l.isDecimalChain(b) {
			block.Items[i] = emit.Item{X: &emit.Cast{X: block.Items[i].X, Type: l.typeOf(b).Duck()}, As: l.Options.ItemName(it)}
		}
	}
	return out
}

// renamed gives a query's columns new names.
func renamed(q *emit.Query, columns []string) *emit.Query {
	star := &emit.Select{Items: []emit.Item{{X: &emit.Star{}}},
		From: []emit.Table{&emit.Derived{Query: q, Alias: emit.Alias{Name: "source", Columns: columns}}}}
	return &emit.Query{Body: star}
}

func (l *lowering) columnDef(d syntax.ColumnDef) emit.Column {
	t := l.typeOfName(d.Type)
	switch t.Kind {
	case types.Geometry, types.Geography:
		l.missing(d, "type "+t.Base())
	}
	c := emit.Column{Name: l.Options.Fold(d.Name), Type: t.Duck(), NotNull: d.NotNull || d.PrimaryKey || d.Identity != nil}
	if d.Collate == "case_insensitive" || d.Collate == "" && l.Session.Insensitive {
		if t.Kind == types.Super && l.Session.Insensitive {
			l.fail(d, sqlerr.FeatureNotSupported, "SUPER column is not supported in case insensitive database.")
		}
		if t.IsText() {
			c.Type += noCase
		}
	}
	if d.Default != nil {
		c.Default = l.defaultValue(d.Default, resolve.Column{Name: c.Name, Type: t})
	}
	return c
}

// defaultValue lowers a column's DEFAULT. The length of a text is checked where
// it is known now; DuckDB takes no lambdas there, which the macro that checks it
// has.
func (l *lowering) defaultValue(e syntax.Expr, c resolve.Column) emit.Expr {
	if !c.Type.IsText() {
		return l.assign(e, c)
	}
	switch e := e.(type) {
	case *syntax.Null:
		return l.expr(e)
	case *syntax.Number:
		return &emit.Str{Value: l.fitting(e, e.Text, c)}
	case *syntax.Bool:
		return &emit.Str{Value: l.fitting(e, map[bool]string{true: "true", false: "false"}[e.Value], c)}
	case *syntax.String:
		return &emit.Str{Value: l.fitting(e, e.Value, c)}
	}
	x := &emit.Cast{X: l.expr(e), Type: "VARCHAR"}
	long := &emit.Op{Op: ">", Args: []emit.Expr{call("strlen", x), &emit.Num{Text: strconv.Itoa(c.Type.Length)}}}
	fault := call("error", &emit.Str{Value: "22001:value too long for type " + c.Type.String()})
	return &emit.Case{Whens: []emit.When{{Cond: long, Result: fault}}, Else: x}
}

// fitting is a text as a column keeps it.
func (l *lowering) fitting(at syntax.Node, text string, c resolve.Column) string {
	if bare := strings.TrimRight(text, " "); c.Type.Kind == types.Char || len(text) > c.Type.Length && len(bare) <= c.Type.Length {
		text = bare
	}
	if len(text) > c.Type.Length {
		l.fail(at, sqlerr.StringTooLong, "value too long for type %s", c.Type)
	}
	return text
}

func (l *lowering) likeColumns(like syntax.TableLike) []emit.Column {
	parent := l.local(like.Table)
	var out []emit.Column
	for _, c := range parent.Columns {
		column := emit.Column{Name: c.Name, Type: c.Type.Duck(), NotNull: c.NotNull}
		if c.Type.Insensitive {
			column.Type += noCase
		}
		if like.IncludingDefaults && c.Default != "" {
			column.Default = l.defaultValue(l.parsed(c.Default), c)
		}
		out = append(out, column)
	}
	return out
}

// parsed reads an expression the catalog keeps as text.
func (l *lowering) parsed(text string) syntax.Expr {
	list, err := syntax.Parse("select " + text)
	if err == nil && len(list) == 1 {
		if q, ok := list[0].Statement.(*syntax.Query); ok {
			if s, ok := q.Body.(*syntax.Select); ok && len(s.Items) == 1 {
				return s.Items[0].Expr
			}
		}
	}
	l.fail(nil, sqlerr.InternalError, "cannot read the default %s", text)
	return nil
}

// sequence is what gives an IDENTITY column its values.
func (l *lowering) sequence(table []string, column string, id *syntax.Identity, temp bool) *emit.CreateSequence {
	name := append([]string(nil), table...)
	name[len(name)-1] += "_" + column + "_seq"
	return &emit.CreateSequence{Temp: temp, Name: name, Start: id.Seed, Step: id.Step}
}

// sequenceText is a sequence's name as nextval reads it.
func sequenceText(name []string) string {
	parts := make([]string, len(name))
	for i, p := range name {
		parts[i] = emit.Ident(p)
	}
	return strings.Join(parts, ".")
}

func (l *lowering) createView(s *syntax.CreateView) ([]emit.Statement, bool) {
	if s.NoSchemaBinding {
		return nil, false
	}
	if !s.Materialized && resolve.ReadsLive(l.Result.Scans) {
		return nil, false // its rows are there only when it is read
	}
	if len(l.Result.Scans) > 0 {
		l.fail(s, sqlerr.FeatureNotSupported, "External tables are not supported in views with schema binding")
	}
	name := l.target(s.Name, false)
	if s.Materialized {
		q := l.stored(s.Query)
		if s.Columns != nil {
			q = renamed(q, l.folds(s.Columns))
		}
		return []emit.Statement{&emit.CreateTable{Name: name, As: q}}, true
	}
	return []emit.Statement{&emit.CreateView{OrReplace: s.OrReplace, Name: name, Columns: l.folds(s.Columns), Query: l.query(s.Query)}}, true
}

// drop lowers DROP TABLE and VIEW. Schemas and external tables are the caller's.
func (l *lowering) drop(s *syntax.Drop) ([]emit.Statement, bool) {
	kind := map[string]string{"table": "TABLE", "view": "VIEW", "materialized view": "TABLE"}[s.Kind]
	if kind == "" {
		return nil, false
	}
	var out []emit.Statement
	for _, n := range s.Names {
		rel := l.relation(n)
		switch {
		case rel == nil && s.IfExists:
		case rel == nil:
			word := strings.ToUpper(s.Kind[:1]) + s.Kind[1:]
			l.fail(n, sqlerr.UndefinedTable, "%s \"%s\" does not exist", word, l.Options.Fold(n.Last()))
		case rel.Kind == resolve.External:
			return nil, false
		case rel.Kind == resolve.LateView:
		default:
			l.dropKind(n, s.Kind, rel)
			out = append(out, &emit.Drop{Kind: kind, IfExists: s.IfExists, Name: rel.Duck})
		}
	}
	return out, true
}

// dropKind checks that the object is what the statement says.
func (l *lowering) dropKind(n syntax.Name, kind string, rel *resolve.Relation) {
	is := map[resolve.RelationKind]string{resolve.Table: "table", resolve.View: "view", resolve.MaterializedView: "materialized view"}[rel.Kind]
	if is != kind && is != "" {
		l.fail(n, sqlerr.WrongObjectType, "\"%s\" is not a %s", rel.Name, kind)
	}
}

// alterTable lowers the changes DuckDB makes; for those that only the
// metadata knows there is nothing to run. External tables are the caller's.
func (l *lowering) alterTable(s *syntax.AlterTable) ([]emit.Statement, bool) {
	rel := l.local(s.Table)
	if rel.Kind == resolve.External {
		return nil, false
	}
	one := func(c emit.Change) []emit.Statement {
		return []emit.Statement{&emit.AlterTable{Table: rel.Duck, Change: c}}
	}
	switch a := s.Action.(type) {
	case *syntax.AddColumn:
		return l.addColumn(rel, a), true
	case *syntax.DropColumn:
		return one(&emit.DropColumn{Name: l.existing(rel, a.Column)}), true
	case *syntax.RenameColumn:
		return one(&emit.RenameColumn{From: l.existing(rel, a.Column), To: l.Options.Fold(a.To)}), true
	case *syntax.RenameTable:
		if rel.Kind == resolve.View {
			return []emit.Statement{&emit.AlterTable{View: true, Table: rel.Duck, Change: &emit.RenameTable{To: l.Options.Fold(a.To)}}}, true
		}
		return one(&emit.RenameTable{To: l.Options.Fold(a.To)}), true
	case *syntax.AlterColumnType:
		column := l.existing(rel, a.Column)
		if t := l.typeOfName(a.Type); t.Kind != types.Varchar || slices.ContainsFunc(rel.Columns, func(c resolve.Column) bool { return c.Name == column && c.Type.Kind != types.Varchar }) {
			l.fail(a.Column, sqlerr.FeatureNotSupported, "ALTER COLUMN TYPE is supported for the size of VARCHAR columns only")
		}
		to := l.typeOfName(a.Type).Duck()
		if slices.ContainsFunc(rel.Columns, func(c resolve.Column) bool { return c.Name == column && c.Type.Insensitive }) {
			to += noCase
		}
		return one(&emit.AlterType{Column: column, Type: to}), true
	case *syntax.AlterAppend:
		return l.alterAppend(rel, a), true
	case *syntax.OwnerTo, *syntax.AlterColumnEncode, *syntax.AddConstraint, *syntax.DropConstraint, *syntax.AlterAttrs:
		return nil, true
	case *syntax.AlterRowSecurity:
		return nil, false
	}
	l.fail(s, sqlerr.WrongObjectType, "\"%s\" is not an external table", rel.Name)
	return nil, false
}

// existing is the name of a column that must exist.
func (l *lowering) existing(rel *resolve.Relation, id syntax.Ident) string {
	name := l.Options.Fold(id)
	for _, c := range rel.Columns {
		if c.Name == name {
			return name
		}
	}
	l.fail(id, sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", name, rel.Name)
	return ""
}

func (l *lowering) addColumn(rel *resolve.Relation, a *syntax.AddColumn) []emit.Statement {
	c := l.columnDef(a.Column)
	for _, old := range rel.Columns {
		if old.Name == c.Name {
			if a.IfNotExists {
				return nil
			}
			l.fail(a.Column, sqlerr.DuplicateColumn, "column \"%s\" of relation \"%s\" already exists", c.Name, rel.Name)
		}
	}
	notNull := c.NotNull
	if notNull && c.Default == nil {
		l.fail(a.Column, sqlerr.InvalidTableDefinition, "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression")
	}
	c.NotNull = false
	// DuckDB gives a column its DEFAULT by an UPDATE, after which the transaction
	// cannot alter the table again, unless it is a plain constant. Changing the
	// type does the same otherwise.
	steps := []emit.Change{&emit.AddColumn{Column: c}}
	if c.Default != nil && !plain(c.Default) {
		filled := c
		filled.Default = nil
		steps = []emit.Change{&emit.AddColumn{Column: filled}, &emit.AlterType{Column: c.Name, Type: c.Type, Using: ofNow(c.Default)}, &emit.SetDefault{Column: c.Name, Default: c.Default}}
	}
	if notNull {
		steps = append(steps, &emit.SetNotNull{Column: c.Name})
	}
	var out []emit.Statement
	for _, step := range steps {
		out = append(out, &emit.AlterTable{Table: rel.Duck, Change: step})
	}
	return out
}

func plain(x emit.Expr) bool {
	switch x.(type) {
	case *emit.Str, *emit.Num:
		return true
	}
	return false
}

// ofNow writes the words for the current time as the function that gives it:
// where ALTER TABLE gives values, DuckDB takes words for columns.
func ofNow(x emit.Expr) emit.Expr {
	switch x := x.(type) {
	case *emit.Cast:
		inner := *x
		inner.X = ofNow(x.X)
		return &inner
	case *emit.Word:
		switch x.Text {
		case "current_timestamp":
			return call("now")
		case "current_date":
			return &emit.Cast{X: call("now"), Type: "DATE"}
		}
	}
	return x
}

// alterAppend moves the rows of the source: DuckDB copies and deletes them.
func (l *lowering) alterAppend(rel *resolve.Relation, a *syntax.AlterAppend) []emit.Statement {
	from := l.local(a.From)
	has := map[string]bool{}
	for _, c := range from.Columns {
		has[c.Name] = true
	}
	var columns []string
	items := []emit.Item{}
	for _, c := range rel.Columns {
		if has[c.Name] {
			columns = append(columns, c.Name)
			items = append(items, emit.Item{X: &emit.Ref{Parts: []string{c.Name}}})
			delete(has, c.Name)
		} else if !a.FillTarget {
			l.fail(a, sqlerr.DatatypeMismatch, "column \"%s\" exists in the target table but not in the source table; use FILLTARGET", c.Name)
		}
	}
	if len(has) > 0 && !a.IgnoreExtra {
		l.fail(a, sqlerr.DatatypeMismatch, "the source table has %s that the target table has not; use IGNOREEXTRA",
			map[bool]string{true: "a column", false: strconv.Itoa(len(has)) + " columns"}[len(has) == 1])
	}
	rows := &emit.Select{Items: items, From: []emit.Table{&emit.Name{Parts: from.Duck}}}
	return []emit.Statement{
		&emit.Insert{Table: rel.Duck, Columns: columns, Query: &emit.Query{Body: rows}},
		&emit.Delete{Table: from.Duck},
	}
}
