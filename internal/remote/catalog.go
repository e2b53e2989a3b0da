package remote

import (
	"context"
	"strconv"
)

// Relation is a table or view.
type Relation struct {
	Schema, Name string
	Type         string // TABLE, VIEW, EXTERNAL TABLE, ...
}

// Databases lists the databases that take connections.
func (s *Session) Databases(ctx context.Context) ([]string, error) {
	return s.names(ctx, "select datname from pg_catalog.pg_database where datallowconn order by 1")
}

// Schemas lists schemas; "" matches all, else the pattern is LIKE's.
func (s *Session) Schemas(ctx context.Context, pattern string) ([]string, error) {
	return s.names(ctx, "select nspname from pg_catalog.pg_namespace where nspname like $1 order by 1", matching(pattern))
}

// matching is a pattern that matches all where none is given.
func matching(pattern string) string {
	if pattern == "" {
		return "%"
	}
	return pattern
}

func (s *Session) names(ctx context.Context, sql string, args ...string) ([]string, error) {
	list, err := s.list(ctx, sql, args...)
	if err != nil {
		return nil, s.broken(err)
	}
	names := make([]string, len(list))
	for i, row := range list {
		names[i] = row[0]
	}
	return names, nil
}

// Tables lists relations by schema and name; patterns are those of Schemas.
func (s *Session) Tables(ctx context.Context, schemaPattern, tablePattern string) ([]Relation, error) {
	sql := `select n.nspname, c.relname, case c.relkind when 'v' then 'VIEW' when 'm' then 'MATERIALIZED VIEW' when 'f' then 'EXTERNAL TABLE' else 'TABLE' end
		from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname like $1 and c.relname like $2 order by 1, 2`
	if s.asks.redshift {
		sql = `select schema_name, table_name, table_type from svv_all_tables
			where database_name = current_database() and schema_name like $1 and table_name like $2 order by 1, 2`
	}
	list, err := s.list(ctx, sql, matching(schemaPattern), matching(tablePattern))
	if err != nil {
		return nil, s.broken(err)
	}
	relations := make([]Relation, len(list))
	for i, row := range list {
		relations[i] = Relation{Schema: row[0], Name: row[1], Type: row[2]}
	}
	return relations, nil
}

// longNames are the short names of types that the catalog writes out.
var longNames = map[string]string{
	"boolean": "bool", "smallint": "int2", "integer": "int4", "bigint": "int8", "real": "float4", "double precision": "float8",
	"character": "bpchar", "character varying": "varchar", "time without time zone": "time", "time with time zone": "timetz",
	"timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz", "binary varying": "varbyte",
}

// Columns describes the columns of a table in order. Schema "" is the search path.
func (s *Session) Columns(ctx context.Context, schema, table string) ([]Column, error) {
	view := "information_schema.columns"
	if s.asks.redshift {
		view = "svv_columns"
	}
	place, args := "table_schema = $2", []string{table, schema}
	if schema == "" {
		place, args = "table_schema = any (current_schemas(true))", args[:1]
	}
	list, err := s.list(ctx, `select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale,
		is_nullable, column_default, table_schema from `+view+` where table_name = $1 and `+place+` order by ordinal_position`, args...)
	if err != nil {
		return nil, s.broken(err)
	}
	columns := make([]Column, len(list))
	for i, row := range list {
		c := Column{Name: row[0], Type: row[1], NotNull: row[5] == "NO", Default: row[6], Schema: row[7]}
		if short := longNames[c.Type]; short != "" {
			c.Type = short
		}
		if c.Type == "numeric" {
			c.Precision, c.Scale = number(row[3]), number(row[4])
		} else {
			c.Precision = number(row[2])
		}
		columns[i] = c
	}
	return columns, nil
}

// number reads a count; NULL is zero.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}
