package warehouse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// showList is a SHOW that lists objects: the view of sysviews_show.sql it reads,
// the columns that "SHOW ..." of the SQL reference gives (see cols), the column
// LIKE speaks of, and the order.
type showList struct {
	view, columns, match, order string
	// visible is what users who are no superusers see.
	visible string
}

const (
	routineColumns   = "database_name t, schema_name t, %s_name t, number_of_arguments i, argument_list t, return_type t, remarks t"
	parameterColumns = "database_name t, schema_name t, %s_name t, parameter_name t, ordinal_position i, parameter_type t, data_type t, character_maximum_length i, numeric_precision i, numeric_scale i"
	grantColumns     = "schema_name t, object_name t, object_type t, privilege_type t, identity_id i, identity_name t, identity_type t, admin_option f, privilege_scope t, database_name t, grantor_name t"
	foreignColumns   = "pk_database_name t, pk_schema_name t, pk_table_name t, pk_column_name t, fk_database_name t, fk_schema_name t, fk_table_name t, fk_column_name t, key_seq i, fk_name t, pk_name t, update_rule s, delete_rule s, deferrability s"

	ownGrant   = "EXISTS (SELECT 1 FROM %s.show_holders h WHERE h.user_name = current_user AND h.identity_type = x.identity_type AND h.identity_name = x.identity_name)"
	mayRead    = "(owner = current_user OR has_schema_privilege(schema_name, 'usage') AND EXISTS (SELECT 1 FROM %s.fn_privilege p WHERE p.m_kind = 'table' AND p.m_oid = x.oid AND p.m_user = current_user AND p.m_privilege IN ('select', 'owner')))"
	mayReadIt  = "has_schema_privilege(schema_name, 'usage') AND has_column_privilege(x.oid, x.column_name, 'select')"
	mayExecute = "EXISTS (SELECT 1 FROM %s.fn_privilege p WHERE p.m_kind = 'function' AND p.m_oid = x.oid AND p.m_user = current_user AND p.m_privilege IN ('execute', 'owner'))"
)

// showLists are the lists by kind, and by what is said of the kind.
var showLists = map[string]showList{
	"databases": {"show_databases", "database_name t, database_owner i, database_type t, database_acl t, parameters t, database_isolation_level t", "database_name", "1", ""},
	"schemas": {"show_schemas", "database_name t, schema_name t, schema_owner i, schema_type t, schema_acl t, source_database t, schema_option t", "schema_name", "2",
		"has_schema_privilege(schema_name, 'usage')"},
	"tables": {"show_tables", "database_name t, schema_name t, table_name t, table_type t, table_acl t, remarks t, owner t, last_altered_time d, last_modified_time d, dist_style t, table_subtype t",
		"table_name", "2, 3", mayRead},
	"columns": {"show_columns", "database_name t, schema_name t, table_name t, column_name t, ordinal_position i, column_default t, is_nullable t, data_type t, character_maximum_length i, numeric_precision i, numeric_scale i, remarks t, " +
		"sort_key_type t, sort_key i, dist_key i, encoding t, collation t", "column_name", "2, 3, 5", mayReadIt},
	"procedures":                        {"show_routines", fmt.Sprintf(routineColumns, "procedure"), "procedure_name", "3, 5", mayExecute},
	"functions":                         {"show_routines", fmt.Sprintf(routineColumns, "function"), "function_name", "3, 5", ""},
	"parameters procedure":              {"show_parameters", fmt.Sprintf(parameterColumns, "procedure"), "parameter_name", "5", mayExecute},
	"parameters function":               {"show_parameters", fmt.Sprintf(parameterColumns, "function"), "parameter_name", "5", ""},
	"constraints primary keys":          {"show_primary_keys", "database_name t, schema_name t, table_name t, pk_name t, column_name t, key_seq i", "", "6", ""},
	"constraints foreign keys":          {"show_foreign_keys", foreignColumns, "", "10, 9", ""},
	"constraints foreign keys exported": {"show_foreign_keys", foreignColumns, "", "6, 7, 10, 9", ""},
	"column grants":                     {"show_grants", "database_name t, schema_name t, table_name t, column_name t, object_type t, privilege_type t, identity_id i, identity_name t, identity_type t, admin_option f, privilege_scope t, grantor_name t", "column_name", "4, 8, 6", ownGrant},
	"grants":                            {"show_grants", "database_name t, schema_name t, object_name t, object_type t, privilege_type t, identity_id i, identity_name t, identity_type t, privilege_scope t, grantor_name t", "", "4, 2, 3, 5", ""},
	"grants database":                   {"show_grants", "database_name t, privilege_type t, identity_id i, identity_name t, identity_type t, admin_option f, privilege_scope t, grantor_name t", "", "4, 2", ownGrant},
	"grants schema":                     {"show_grants", grantColumns, "", "6, 4", ownGrant},
	"grants table":                      {"show_grants", grantColumns, "", "6, 4", ownGrant},
	"grants tables":                     {"show_grants", grantColumns, "", "1, 2, 6, 4", ownGrant},
	"grants function":                   {"show_grants", grantColumns, "", "6, 4", ownGrant},
	"grants procedure":                  {"show_grants", grantColumns, "", "6, 4", ownGrant},
}

// renamed are the columns that views have under other names: one view serves
// procedures and functions, another grants on tables and on their columns.
var renamed = map[string]map[string]string{
	"procedures": {"procedure_name": "routine_name"}, "functions": {"function_name": "routine_name"},
	"parameters procedure": {"procedure_name": "routine_name"}, "parameters function": {"function_name": "routine_name"},
	"column grants": {"table_name": "object_name", "object_type": "'COLUMN'", "privilege_scope": "'COLUMN'"},
	// The object of a grant on a schema or a database is named by the columns before.
	"grants": {"object_name": "CASE WHEN object_type = 'SCHEMA' THEN NULL ELSE object_name END"},
}

func showKey(t *syntax.Show) string { return strings.TrimSpace(t.Kind + " " + t.Of) }

// showColumns are the result columns of a SHOW that lists objects.
func showColumns(t *syntax.Show) []Column {
	list, ok := showLists[showKey(t)]
	if !ok {
		return nil
	}
	var out []Column
	for _, c := range cols(list.columns) {
		if c.Type.Kind == types.Varchar {
			c.Type = textColumn
		}
		out = append(out, Column{Name: c.Name, Type: c.Type})
	}
	return out
}

// showing is a SHOW of objects on its way to a query: the name it gives, and
// the conditions.
type showing struct {
	*running
	t     *syntax.Show
	key   string
	where []string
	db    *database
}

// showObjects executes the SHOW statements that list objects.
func (r *running) showObjects(t *syntax.Show) (Done, error) {
	s := &showing{running: r, t: t, key: showKey(t), where: []string{"true"}}
	list, ok := showLists[s.key]
	if !ok {
		return Done{}, sqlerr.NotImplemented("SHOW " + strings.ToUpper(t.Kind) + map[bool]string{true: " FROM DATA CATALOG"}[t.Of == "data catalog"])
	}
	external, err := s.scope()
	if err == nil {
		err = s.grantees()
	}
	if err == nil {
		err = s.patterns(list)
	}
	if err != nil {
		return Done{}, err
	}
	from := duck.Ident(s.db.name) + ".pg_catalog"
	relation := from + "." + list.view
	switch {
	case external != "":
		relation = "(" + external + ")"
	case list.visible != "" && !r.session.actor().super:
		s.where = append(s.where, strings.ReplaceAll(list.visible, "%s", from))
	}
	text := fmt.Sprintf("SELECT %s FROM %s x WHERE %s", s.selected(list), relation, strings.Join(s.where, " AND "))
	statements, err := rsql.Parse(text + " ORDER BY " + list.order)
	if err != nil {
		return Done{}, err
	}
	q := statements[0].Tree.(*syntax.Query)
	if q.Limit, err = r.showLimit(t.Limit); err != nil {
		return Done{}, err
	}
	r.args = nil // they stand in the query
	plan, err := r.compile(q)
	if err != nil {
		return Done{}, err
	}
	done, err := r.rows(plan)
	done.Tag = "SHOW"
	return done, err
}

// selected are the columns of a list as the view has them.
func (s *showing) selected(list showList) string {
	var out []string
	for _, c := range cols(list.columns) {
		from := c.Name
		if other, ok := renamed[s.key][c.Name]; ok {
			from = other + " AS " + c.Name
		}
		out = append(out, from)
	}
	return strings.Join(out, ", ")
}

func (s *showing) equal(column, value string) {
	s.where = append(s.where, column+" = "+duck.Literal(value))
}

// scope reads the object's name into conditions. external is the query for
// objects of an external schema, which no view has.
func (s *showing) scope() (external string, err error) {
	t := s.t
	name, err := s.words(t.From)
	if len(t.Object.Parts) > 0 && err == nil {
		name, err = s.words(t.Object)
	}
	if err != nil {
		return "", err
	}
	// deep is how many names there are below the database's.
	deep := map[string]int{"databases": 0, "schemas": 0, "tables": 1, "procedures": 1, "functions": 1, "grants database": 0, "grants schema": 1, "grants": 0, "grants tables": 0}
	levels, ok := deep[s.key]
	if !ok {
		levels = 2
	}
	if t.FromDatabase {
		levels = 0
	}
	s.db = s.session.db
	if len(name) == levels+1 {
		if s.db, err = s.session.cluster.database(s.ctx, name[0]); err != nil {
			return "", err
		}
		name = name[1:]
	}
	if len(name) > levels {
		return "", sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"%s\"", name[0])
	}
	switch t.Kind {
	case "procedures":
		s.equal("kind", "p")
	case "functions":
		s.equal("kind", "f")
	}
	if levels == 0 {
		return "", s.whole()
	}
	if levels == 1 && len(name) == 1 {
		return s.inSchema(name[0])
	}
	switch t.Kind {
	case "parameters", "grants":
		if t.Kind == "parameters" || t.Of == "function" || t.Of == "procedure" {
			return "", s.routine(name)
		}
	case "tables", "procedures", "functions":
		return "", sqlerr.New(sqlerr.SyntaxError, "syntax error at end of input")
	}
	return s.inTable(name)
}

// whole limits grants to what is listed of a whole database.
func (s *showing) whole() error {
	switch s.key {
	case "grants database":
		s.equal("object_type", "DATABASE")
	case "grants tables":
		s.equal("object_type", "TABLE")
		s.where = append(s.where, "column_name IS NULL")
	case "grants":
		s.where = append(s.where, "column_name IS NULL")
	}
	return nil
}

// inSchema limits a list to one schema.
func (s *showing) inSchema(name string) (external string, err error) {
	set, err := s.db.schemasFor(s.ctx, s.session)
	if err != nil {
		return "", err
	}
	sch := set.schemas[name]
	if sch == nil && name != pgCatalog && name != infoSchema {
		return "", sqlerr.New(sqlerr.UndefinedSchema, "schema \"%s\" does not exist", name)
	}
	s.equal("schema_name", name)
	if s.key == "grants schema" {
		s.equal("object_type", "SCHEMA")
	}
	if s.key == "tables" && sch != nil && sch.source != nil {
		null := "NULL::varchar"
		return fmt.Sprintf("SELECT redshift_database_name AS database_name, schemaname AS schema_name, tablename AS table_name, 'EXTERNAL TABLE' AS table_type, %s AS table_acl, %s AS remarks, "+
			"%s AS owner, NULL::timestamp AS last_altered_time, NULL::timestamp AS last_modified_time, %s AS dist_style, %s AS table_subtype FROM pg_catalog.svv_external_tables WHERE schemaname = %s",
			null, null, null, null, null, duck.Literal(name)), nil
	}
	return "", nil
}

// inTable limits a list to one table.
func (s *showing) inTable(name []string) (external string, err error) {
	path := append([]string{s.db.name}, name...)
	if len(name) == 1 {
		path = name
	}
	found, err := s.catalog.Relation(path)
	if err != nil {
		return "", err
	}
	if found == nil {
		return "", sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(name, "."))
	}
	if who := s.session.actor(); s.t.Kind == "constraints" && !who.super {
		if err := s.permitRelation(who, found, "select", nil); err != nil {
			return "", err
		}
	}
	switch s.key {
	case "columns":
		if found.Kind == resolve.External {
			return columnsAsValues(found), nil
		}
	case "constraints foreign keys":
		s.equal("fk_schema_name", found.Schema)
		s.equal("fk_table_name", found.Name)
		return "", nil
	case "constraints foreign keys exported":
		s.equal("pk_schema_name", found.Schema)
		s.equal("pk_table_name", found.Name)
		return "", nil
	case "grants table", "column grants":
		s.equal("object_type", "TABLE")
		s.equal("object_name", found.Name)
		s.where = append(s.where, "column_name IS "+map[bool]string{true: "NOT ", false: ""}[s.key == "column grants"]+"NULL")
		s.equal("schema_name", found.Schema)
		return "", nil
	}
	s.equal("schema_name", found.Schema)
	s.equal("table_name", found.Name)
	return "", nil
}

// columnsAsValues lists the columns of an external table as values.
func columnsAsValues(rel *resolve.Relation) string {
	var out []string
	for i, c := range rel.Columns {
		length, precision, scale := "NULL", "NULL", "NULL"
		switch c.Type.Kind {
		case types.Char, types.Varchar:
			length = strconv.Itoa(c.Type.Length)
		case types.Decimal:
			precision, scale = strconv.Itoa(c.Type.Precision), strconv.Itoa(c.Type.Scale)
		case types.Smallint:
			precision, scale = "16", "0"
		case types.Integer:
			precision, scale = "32", "0"
		case types.Bigint:
			precision, scale = "64", "0"
		}
		out = append(out, fmt.Sprintf("SELECT %s::varchar AS database_name, %s::varchar AS schema_name, %s::varchar AS table_name, %s::varchar AS column_name, %d AS ordinal_position, NULL::varchar AS column_default, 'YES'::varchar AS is_nullable, "+
			"%s::varchar AS data_type, %s::integer AS character_maximum_length, %s::integer AS numeric_precision, %s::integer AS numeric_scale, NULL::varchar AS remarks, NULL::varchar AS sort_key_type, NULL::integer AS sort_key, "+
			"NULL::integer AS dist_key, NULL::varchar AS encoding, NULL::varchar AS collation",
			duck.Literal(rel.Database), duck.Literal(rel.Schema), duck.Literal(rel.Name), duck.Literal(c.Name), i+1, duck.Literal(c.Type.Base()), length, precision, scale))
	}
	return strings.Join(out, " UNION ALL ")
}

// routine limits a list to one procedure or function, told apart by its types.
func (s *showing) routine(name []string) error {
	args, err := s.argumentTypes()
	if err != nil {
		return err
	}
	kind := map[string]string{"procedure": "p", "function": "f"}[s.t.Of]
	schemas := s.session.searchPath()
	if len(name) > 1 {
		schemas = name[:1]
	}
	var oid int64
	err = eachRow(s.ctx, s.session.conn, func(c *duck.Chunk, i int) error {
		if oid == 0 && slices.Contains(schemas, text(c, 1, i)) && (!s.t.HasArgs || text(c, 2, i) == args) {
			oid = c.Column(0).Int(i)
		}
		return nil
	}, "SELECT oid::BIGINT, schema_name, argument_list FROM memory."+duck.Ident(systemSchema(s.db.name))+".show_routines WHERE routine_name = $1 AND (kind = $2 OR $3) ORDER BY list_position(string_split($4, ','), schema_name), oid",
		name[len(name)-1], kind, s.t.Kind == "grants", strings.Join(schemas, ","))
	if err != nil {
		return err
	}
	if oid == 0 {
		return sqlerr.New(sqlerr.UndefinedFunction, "%s %s(%s) does not exist", s.t.Of, strings.Join(name, "."), args)
	}
	s.where = append(s.where, "oid = "+strconv.FormatInt(oid, 10))
	if s.t.Kind == "grants" {
		s.where = append(s.where, "object_type IN ('FUNCTION', 'PROCEDURE')")
	}
	return nil
}

// argumentTypes are the types that tell a routine apart, as show_routines has them.
func (s *showing) argumentTypes() (string, error) {
	var list []procedureArg
	for _, a := range s.t.Args {
		if strings.HasPrefix(a.Name, "$") {
			value, err := s.argument(a.Name)
			if err != nil {
				return "", err
			}
			a = syntax.TypeName{Name: strings.ToLower(value)}
		}
		list = append(list, procedureArg{Type: a.Name})
	}
	return signature(list), nil
}

// grantees limits grants to those of FOR, and says whose may be seen.
func (s *showing) grantees() error {
	if s.t.For == nil {
		return nil
	}
	kind, name := s.t.For.Kind, s.t.For.Name.Name
	who := s.session.actor()
	known := kind == "public"
	record := s.session.record()
	switch kind {
	case "user":
		_, known = record.Users[name]
	case "role":
		_, known = record.Roles[name]
	case "group":
		_, known = record.Groups[name]
	}
	if !known {
		return sqlerr.New(sqlerr.UndefinedObject, "%s \"%s\" does not exist", kind, name)
	}
	if s.key == "grants" && !who.super && !who.holders[holder{kind, name}] {
		return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied to show grants of %s \"%s\"", kind, name)
	}
	if kind == "public" {
		name = "public"
	}
	s.equal("identity_type", kind)
	s.equal("identity_name", name)
	return nil
}

// patterns adds the conditions of LIKE and WHERE.
func (s *showing) patterns(list showList) error {
	like := func(column string, e syntax.Expr) error {
		if other, ok := renamed[s.key][column]; ok {
			column = other
		}
		pattern, err := s.pattern(e)
		s.where = append(s.where, column+" LIKE "+duck.Literal(pattern))
		return err
	}
	if s.t.Like != nil {
		if list.match == "" {
			return sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"like\"")
		}
		if err := like(list.match, s.t.Like); err != nil {
			return err
		}
	}
	for _, f := range s.t.Where {
		known := f.Column == "schema_name" || f.Column == "table_name" || f.Column == "column_name"
		if f.Column == "table_name" && s.key == "grants tables" {
			f.Column = "object_name"
		}
		if !known {
			return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" does not exist", f.Column)
		}
		if err := like(f.Column, f.Like); err != nil {
			return err
		}
	}
	return nil
}

func (s *showing) pattern(e syntax.Expr) (string, error) {
	if p, ok := e.(*syntax.Param); ok {
		return s.argument("$" + strconv.Itoa(p.Index))
	}
	return e.(*syntax.String).Value, nil
}

// words are the parts of a name, with the values of parameters in their places.
func (s *showing) words(name syntax.Name) ([]string, error) {
	out := parts(name)
	for i, p := range name.Parts {
		if !p.Quoted && strings.HasPrefix(p.Name, "$") {
			value, err := s.argument(p.Name)
			if err != nil {
				return nil, err
			}
			out[i] = value
		}
	}
	return out, nil
}

// argument is the value of the parameter $n as text.
func (r *running) argument(param string) (string, error) {
	n, err := strconv.Atoi(param[1:])
	if err != nil || n < 1 || n > len(r.args) || r.args[n-1] == nil {
		return "", sqlerr.New("42P02", "there is no parameter %s", param)
	}
	return fmt.Sprint(r.args[n-1]), nil
}

// showLimit checks the row limit, which is a number up to 10,000.
func (r *running) showLimit(e syntax.Expr) (syntax.Expr, error) {
	if e == nil {
		return nil, nil
	}
	var written string
	switch e := e.(type) {
	case *syntax.Number:
		written = e.Text
	case *syntax.Param:
		var err error
		if written, err = r.argument("$" + strconv.Itoa(e.Index)); err != nil {
			return nil, err
		}
	}
	n, err := strconv.Atoi(written)
	if err != nil || n < 0 || n > 10000 {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "LIMIT of SHOW must be a number from 0 to 10000")
	}
	return &syntax.Number{Text: written}, nil
}
