package warehouse

import (
	"fmt"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// showLists are the SHOW statements that list objects: a system view, and its
// columns as "SHOW ..." of the SQL reference gives them.
var showLists = map[string]struct{ view, columns, match string }{
	"databases": {"svv_redshift_databases", "database_name, database_owner, database_type, database_acl, database_options, database_isolation_level", "database_name"},
	"schemas":   {"svv_all_schemas", "database_name, schema_name, schema_owner, schema_type, schema_acl, source_database, schema_option", "schema_name"},
	"tables":    {"svv_redshift_tables", "database_name, schema_name, table_name, table_type, table_acl, remarks", "table_name"},
	"columns":   {"svv_redshift_columns", "database_name, schema_name, table_name, column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, remarks", "column_name"},
}

// showColumns are the result columns of a SHOW that lists objects.
func showColumns(t *syntax.Show) []Column {
	list, ok := showLists[t.Kind]
	if !ok {
		return nil
	}
	var out []Column
	for _, name := range strings.Split(list.columns, ", ") {
		typ := textColumn
		switch name {
		case "database_owner", "schema_owner", "ordinal_position", "character_maximum_length", "numeric_precision", "numeric_scale":
			typ = types.Type{Kind: types.Integer}
		}
		out = append(out, Column{Name: name, Type: typ})
	}
	return out
}

// showObjects executes SHOW DATABASES, SCHEMAS, TABLES and COLUMNS.
func (r *running) showObjects(t *syntax.Show) (Done, error) {
	list, ok := showLists[t.Kind]
	if !ok {
		return Done{}, sqlerr.NotImplemented("SHOW " + strings.ToUpper(t.Kind))
	}
	from := parts(t.From)
	where := []string{"true"}
	limit := func(column, value string) { where = append(where, column+" = "+duck.Literal(value)) }
	levels := map[string]int{"schemas": 1, "tables": 2, "columns": 3}[t.Kind]
	if len(from) > levels {
		return Done{}, sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"%s\"", from[0])
	}
	if len(from) > 0 && len(from) == levels {
		if from[0] != r.session.db.name {
			return Done{}, sqlerr.NotImplemented("SHOW " + strings.ToUpper(t.Kind) + " of another database")
		}
		from = from[1:]
	}
	for i, column := range []string{"schema_name", "table_name"} {
		if i < len(from) {
			limit(column, from[i])
		}
	}
	if t.Like != nil {
		where = append(where, list.match+" LIKE "+duck.Literal(*t.Like))
	}
	text := fmt.Sprintf("SELECT %s FROM pg_catalog.%s WHERE %s ORDER BY %s", list.columns, list.view, strings.Join(where, " AND "),
		map[bool]string{true: "2, 3, ordinal_position", false: "1, 2"}[t.Kind == "columns"])
	statements, err := rsql.Parse(text)
	if err != nil {
		return Done{}, err
	}
	q := statements[0].Tree.(*syntax.Query)
	q.Limit = t.Limit
	plan, err := r.compile(q)
	if err != nil {
		return Done{}, err
	}
	done, err := r.rows(plan)
	done.Tag = "SHOW"
	return done, err
}
