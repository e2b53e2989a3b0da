package warehouse

import (
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// define runs DDL that DuckDB runs and records what DuckDB does not keep, all
// in the one transaction.
func (r *running) define(plan *rsql.Plan) (Done, error) {
	r.session.wrote = true
	done := Done{Tag: plan.Tag, Rows: -1}
	proceed, err := r.beforeDefine(plan)
	if err != nil || !proceed {
		return done, err
	}
	if t, ok := plan.Statement.(*syntax.AlterTable); ok {
		// DuckDB knows nothing of a late-binding view.
		if rel, err := r.existing(t.Table); err == nil && rel != nil && rel.kind == "l" {
			return done, r.recordAlter(t)
		}
	}
	for _, sql := range plan.SQL {
		if _, err := r.session.conn.Exec(r.ctx, sql); err != nil {
			return done, err
		}
	}
	if _, ok := plan.Statement.(*syntax.Truncate); ok {
		// "TRUNCATE commits the transaction in which it is run."
		return done, r.session.commit(r.ctx)
	}
	return done, r.record(plan)
}

// record writes the metadata of a statement that ran.
func (r *running) record(plan *rsql.Plan) error {
	switch t := plan.Statement.(type) {
	case *syntax.CreateTable:
		if t.As != nil {
			return r.recordTableAs(t.Name, t.Temp, t.Attrs, plan)
		}
		return r.recordTable(t)
	case *syntax.CreateView:
		return r.recordView(t, plan)
	case *syntax.CreateSchema:
		owner := r.session.user()
		if t.Authorization != nil {
			owner = t.Authorization.Name
		}
		return r.recordSchema(t.Name.Name, owner, "")
	case *syntax.AlterTable:
		return r.recordAlter(t)
	case *syntax.AlterView:
		return r.recordAlterView(t)
	case *syntax.Drop:
		return r.recordDrop(t)
	case *syntax.Comment:
		return r.recordComment(t)
	}
	return nil
}

// place is where an object stands.
type place struct {
	schema, name string
	temp         bool
}

// placeOf resolves the name of an object to be created.
func (r *running) placeOf(name syntax.Name, temp bool) (place, error) {
	duckName, err := r.catalog.Target(parts(name), temp)
	if err != nil {
		return place{}, err
	}
	if temp {
		return place{tempSchema, name.Last().Name, true}, nil
	}
	return place{duckName[len(duckName)-2], duckName[len(duckName)-1], false}, nil
}

// existing finds a relation of the session's database by name.
func (r *running) existing(name syntax.Name) (*relation, error) {
	found, err := r.catalog.Relation(parts(name))
	if err != nil || found == nil {
		return nil, err
	}
	rel, _ := found.Handle.(*relation)
	return rel, nil
}

// beforeDefine makes the checks DuckDB cannot: names in the metadata, and
// objects that views depend on. It says whether there is anything to do.
func (r *running) beforeDefine(plan *rsql.Plan) (bool, error) {
	var at place
	var exists, replace bool
	var err error
	switch t := plan.Statement.(type) {
	case *syntax.CreateTable:
		at, err = r.placeOf(t.Name, t.Temp)
		exists = t.IfNotExists
	case *syntax.CreateView:
		if err := r.unguarded(t, plan); err != nil {
			return false, err
		}
		at, err = r.placeOf(t.Name, false)
		exists, replace = t.IfNotExists, t.OrReplace
	case *syntax.CreateSchema:
		return r.beforeSchema(t.Name.Name, t.IfNotExists)
	case *syntax.Drop:
		return true, r.beforeDrop(t)
	case *syntax.AlterTable:
		if a, ok := t.Action.(*syntax.DropColumn); ok {
			if err := r.beforeDropColumn(t, a); err != nil {
				return false, err
			}
		}
		return true, r.keepGuarded(t)
	default:
		return true, nil
	}
	if err != nil {
		return false, err
	}
	old, err := r.at(at)
	if err == nil && old != nil && replace && (old.kind == "v" || old.kind == "l") {
		err = sameShape(old, plan.Statement.(*syntax.CreateView), plan)
		return err == nil, err
	}
	if err != nil || old == nil {
		return err == nil, err
	}
	if exists {
		r.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: sqlerr.DuplicateTable, Message: fmt.Sprintf("Relation \"%s\" already exists and will be skipped", at.name)})
		return false, nil
	}
	return false, sqlerr.New(sqlerr.DuplicateTable, "Relation \"%s\" already exists", at.name)
}

func (r *running) at(p place) (*relation, error) {
	if p.temp {
		return r.session.temps[p.name], nil
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return nil, err
	}
	return set.relations[[2]string{p.schema, p.name}], nil
}

func (r *running) beforeSchema(name string, ifNotExists bool) (bool, error) {
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return false, err
	}
	if name == metaSchema || strings.HasPrefix(name, "pg_") || name == infoSchema {
		return false, sqlerr.New("42939", "unacceptable schema name \"%s\"", name).WithDetail("The prefix \"pg_\" is reserved for system schemas.")
	}
	if set.schemas[name] == nil {
		return true, nil
	}
	if ifNotExists {
		r.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: sqlerr.DuplicateSchema, Message: fmt.Sprintf("Schema \"%s\" already exists and will be skipped", name)})
		return false, nil
	}
	return false, sqlerr.New(sqlerr.DuplicateSchema, "Schema \"%s\" already exists", name)
}

// meta runs a statement on the session's metadata tables.
func (r *running) meta(sql string, args ...any) error {
	s := r.session
	if !s.ownSchemas {
		s.ownSchemas = true
	}
	s.schemas = nil
	_, err := s.conn.Exec(r.ctx, sql, args...)
	return err
}

func (r *running) recordSchema(name, owner, source string) error {
	if _, ok := r.session.record().Users[owner]; !ok && owner != r.session.user() {
		return missing("user", owner)
	}
	var src any
	if source != "" {
		src = source
	}
	return r.meta("INSERT INTO stepwell.schemas VALUES ($1, $2, $3, $4)", r.session.db.oid(), name, owner, src)
}

// recordTable writes the metadata of CREATE TABLE with a column list.
func (r *running) recordTable(t *syntax.CreateTable) error {
	at, err := r.placeOf(t.Name, t.Temp)
	if err != nil {
		return err
	}
	rel := &relation{kind: "r", schema: at.schema, name: at.name, owner: r.session.user()}
	for _, like := range t.Likes {
		parent, err := r.existing(like.Table)
		if err != nil {
			return err
		}
		if parent != nil {
			for _, c := range parent.columns {
				if !like.IncludingDefaults {
					c.dflt = ""
				}
				c.identity = ""
				rel.columns = append(rel.columns, c)
			}
			rel.distStyle, rel.sortStyle = parent.distStyle, parent.sortStyle
		}
	}
	for _, def := range t.Columns {
		c, err := r.columnOf(def)
		if err == nil {
			err = checkColumn(c)
		}
		if err != nil {
			return err
		}
		rel.columns = append(rel.columns, c)
	}
	for _, k := range t.Constraints {
		for i := range rel.columns {
			if k.Kind == "primary key" && slices.Contains(identNames(k.Columns), rel.columns[i].name) {
				rel.columns[i].notNull = true
			}
		}
	}
	rel.attributes(t.Attrs)
	if err := rel.checkAttributes(t.Attrs); err != nil {
		return err
	}
	if err := r.insertRelation(rel); err != nil || at.temp {
		return err
	}
	return r.insertConstraints(rel, t)
}

func (r *running) columnOf(def syntax.ColumnDef) (column, error) {
	if strings.HasSuffix(def.Type.Name, "[]") {
		return column{}, sqlerr.New(sqlerr.FeatureNotSupported, "Column \"%s\" has unsupported type \"%s\".", def.Name.Name, def.Type.Name)
	}
	typ, err := types.Parse(def.Type.Name, def.Type.Args, def.Type.Nested)
	if err != nil {
		return column{}, err
	}
	if def.Collate == "" {
		def.Collate = r.session.collation()
	}
	typ.Insensitive = typ.IsText() && def.Collate == insensitive
	c := column{
		name: def.Name.Name, typ: typ, notNull: def.NotNull || def.PrimaryKey || def.Identity != nil,
		encoding: def.Encode, distKey: def.DistKey,
	}
	if def.SortKey {
		c.sortKey = 1
	}
	if def.Default != nil {
		if c.dflt = r.source(def.Default); c.dflt == "" { // not the statement's, see fixDefaults
			c.dflt = syntax.Print(def.Default)
		}
	}
	if def.Identity != nil {
		c.identity = fmt.Sprintf("%d,%d", def.Identity.Seed, def.Identity.Step)
		if def.Identity.ByDefault {
			c.identity = "default:" + c.identity
		}
	}
	return c, nil
}

// source is the text of a node of the statement, as written.
func (r *running) source(n syntax.Node) string {
	at := n.Range()
	from, to := at.Start-r.statement.Offset, at.End-r.statement.Offset
	if from < 0 || to > len(r.statement.Text) || from > to {
		return ""
	}
	return r.statement.Text[from:to]
}

// attributes notes the table attributes on the relation and its columns.
func (rel *relation) attributes(a syntax.TableAttrs) {
	if a.DistStyle != "" {
		rel.distStyle = a.DistStyle
	}
	if a.DistKey != nil {
		rel.distStyle = "key"
		for i := range rel.columns {
			rel.columns[i].distKey = rel.columns[i].name == a.DistKey.Name
		}
	}
	if a.SortKey != nil {
		rel.sortStyle = a.SortKey.Style
		for i := range rel.columns {
			rel.columns[i].sortKey = 0
		}
		for n, key := range a.SortKey.Columns {
			for i := range rel.columns {
				if rel.columns[i].name == key.Name {
					rel.columns[i].sortKey = n + 1
				}
			}
		}
	}
	if rel.distStyle == "" {
		rel.distStyle = "auto"
		for _, c := range rel.columns {
			if c.distKey {
				rel.distStyle = "key"
			}
		}
	}
}

// insertRelation writes a relation with its columns; of a temporary one the
// session keeps the record.
func (r *running) insertRelation(rel *relation) error {
	if rel.oid == 0 {
		rel.oid = r.session.db.oid()
	}
	if rel.schema == tempSchema {
		r.session.temps[rel.name] = rel
		return r.describeTemp(rel)
	}
	var definition any
	if rel.definition != "" {
		definition = rel.definition
	}
	err := r.meta("INSERT INTO stepwell.relations VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, $9)",
		rel.oid, rel.schema, rel.name, rel.kind, rel.owner, rel.distStyle, rel.sortStyle, definition, r.session.cluster.w.clock.Now())
	for i := 0; err == nil && i < len(rel.columns); i++ {
		err = r.insertColumn(rel.oid, i+1, rel.columns[i])
	}
	if err != nil {
		return err
	}
	return r.giveDefaults(rel.oid, "table", "table", rel.schema, rel.owner)
}

// describeTemp leaves the declared types of a temporary table's columns where
// the system views find them.
func (r *running) describeTemp(rel *relation) error {
	for _, c := range rel.columns {
		name := quoted([]string{duckTempDB, duckMainSch, rel.name, c.name})
		if _, err := r.session.conn.Exec(r.ctx, "COMMENT ON COLUMN "+name+" IS "+duck.Literal(c.typ.String())); err != nil {
			return err
		}
	}
	return nil
}

func (r *running) insertColumn(oid int64, num int, c column) error {
	return r.meta("INSERT INTO stepwell.columns VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, $11)",
		oid, num, c.name, c.typ.String(), c.notNull, orNull(c.dflt), orNull(c.identity), orNull(c.effectiveEncoding()), c.distKey, c.sortKey, orNull(collation(c.typ)))
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func identNames(list []syntax.Ident) []string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = id.Name
	}
	return out
}

// recordTableAs writes the metadata of CREATE TABLE AS and SELECT INTO: the
// columns are those DuckDB made.
func (r *running) recordTableAs(name syntax.Name, temp bool, attrs syntax.TableAttrs, plan *rsql.Plan) error {
	temp = temp || strings.HasPrefix(name.Last().Name, "#")
	at, err := r.placeOf(name, temp)
	if err != nil {
		return err
	}
	r.session.bulk += bulkRows // DuckDB does not tell how many
	rel := &relation{kind: "r", schema: at.schema, name: at.name, owner: r.session.user()}
	if rel.columns, err = r.duckColumns(at, plan); err != nil {
		return err
	}
	rel.attributes(attrs)
	if err := rel.checkAttributes(attrs); err != nil {
		return err
	}
	return r.insertRelation(rel)
}

// duckColumns are the columns DuckDB gave a relation. Text of unknown length
// gets the longest there is.
func (r *running) duckColumns(at place, plan *rsql.Plan) ([]column, error) {
	name := []string{r.session.db.name, at.schema, at.name}
	if at.temp {
		name = []string{duckTempDB, duckMainSch, at.name}
	}
	for i := range name {
		name[i] = duck.Ident(name[i])
	}
	stmt, err := r.session.conn.Prepare("SELECT * FROM " + strings.Join(name, "."))
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	var out []column
	for i, c := range stmt.Columns() {
		t := types.FromDuck(c.Type.String())
		if t.Kind == types.Varchar {
			t.Length = types.MaxVarchar
			if i < len(plan.Types) && plan.Types[i].IsText() {
				if t.Insensitive = plan.Types[i].Insensitive; plan.Types[i].Length > 0 {
					t = plan.Types[i]
				}
			}
		}
		out = append(out, column{name: c.Name, typ: t})
	}
	return out, nil
}

func (r *running) recordView(t *syntax.CreateView, plan *rsql.Plan) error {
	at, err := r.placeOf(t.Name, false)
	if err != nil {
		return err
	}
	rel := &relation{kind: "v", schema: at.schema, name: at.name, owner: r.session.user(), definition: t.Source}
	if old, err := r.at(at); err != nil {
		return err
	} else if old != nil { // it keeps its number and with that its privileges
		if err := r.forgetIn(old.oid, "relations", "columns", "constraints", "depends"); err != nil {
			return err
		}
		rel.oid, rel.owner = old.oid, old.owner
	}
	switch {
	case len(plan.SQL) == 0: // WITH NO SCHEMA BINDING, or over system tables that are kept in Go
		rel.kind = "l"
		for _, c := range t.Columns {
			rel.columns = append(rel.columns, column{name: c.Name, typ: types.Type{Kind: types.Varchar}})
		}
		if len(rel.columns) == 0 { // for svv_columns; a view whose tables are yet to come has none
			found, err := r.session.queryColumns(r.ctx, t.Source)
			for _, c := range found {
				if err == nil {
					rel.columns = append(rel.columns, column{name: c.Name, typ: c.Type, encoding: lateEncoding})
				}
			}
		}
	default:
		if t.Materialized {
			rel.kind = "m"
		}
		if rel.columns, err = r.duckColumns(at, plan); err != nil {
			return err
		}
	}
	if err := r.insertRelation(rel); err != nil {
		return err
	}
	if rel.kind == "l" {
		return nil // late binding: nothing depends
	}
	for _, read := range plan.Read {
		if on, ok := read.Handle.(*relation); ok && on.schema != tempSchema {
			if err := r.meta("INSERT INTO stepwell.depends VALUES ($1, $2)", rel.oid, on.oid); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget removes a relation's metadata.
func (r *running) forget(oid int64) error {
	if err := r.meta("DELETE FROM stepwell.acl WHERE oid = $1 AND kind = 'table'", oid); err != nil {
		return err
	}
	return r.forgetIn(oid, "relations", "columns", "constraints", "depends", "policy_attachments", "row_security")
}

func (r *running) forgetIn(oid int64, tables ...string) error {
	for _, table := range tables {
		if err := r.meta("DELETE FROM stepwell."+table+" WHERE oid = $1", oid); err != nil {
			return err
		}
	}
	return nil
}
