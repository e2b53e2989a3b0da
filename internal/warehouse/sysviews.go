package warehouse

import (
	"context"
	_ "embed"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/types"
)

// systemScript defines the system views over a database's metadata. {db} is
// the database's catalog, {sys} the schema of the in-memory catalog that
// holds its views, so that nothing of them is kept in the file.
//
//go:embed sysviews.sql
var systemScript string

// functionScript defines the functions of the catalog, see function.Catalog.
//
//go:embed sysfunctions.sql
var functionScript string

// accessScript defines the views over users, groups, roles and privileges.
//
//go:embed sysviews_access.sql
var accessScript string

// showScript defines the views that SHOW reads.
//
//go:embed sysviews_show.sql
var showScript string

func systemSchema(database string) string { return "pg_catalog " + database }

// searchPathOf is where DuckDB looks for what the compiler does not qualify:
// the catalog's functions, then the prelude's.
func searchPathOf(database string) string {
	return duck.Ident(database) + "." + metaSchema + ",memory." + duck.Ident(systemSchema(database)) + ",memory.main"
}

func createSystemViews(ctx context.Context, conn *duck.Conn, db *database) error {
	if _, err := conn.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS memory."+duck.Ident(systemSchema(db.name))); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SET search_path = "+duck.Literal(searchPathOf(db.name))); err != nil {
		return err
	}
	script := strings.NewReplacer(
		"{db}", duck.Ident(db.name)+"."+metaSchema,
		"{name}", duck.Literal(db.name),
		"{sys}", "memory."+duck.Ident(systemSchema(db.name)),
	).Replace(systemScript + functionScript + accessScript + showScript)
	return conn.Script(ctx, script)
}

// system finds a system view or table. Views of information_schema are kept
// under the name with the schema's name before it.
func (c *catalog) system(db *database, schemaName, name string) (*resolve.Relation, error) {
	if live, ok := findLive(name); ok && schemaName == pgCatalog && db == c.session.db {
		out := &resolve.Relation{Database: c.session.db.name, Schema: schemaName, Name: name, Kind: resolve.External}
		out.Columns = live.columns
		out.Handle = &externalHandle{live: live.rows}
		return out, nil
	}
	if function, args, ok := strings.Cut(name, "("); ok && schemaName == pgCatalog {
		return c.callable(function, strings.TrimSuffix(args, ")")), nil
	}
	view := name
	if schemaName == infoSchema {
		view = infoSchema + "." + name
	}
	columns, err := db.systemColumns(c.ctx, view)
	if err != nil || columns == nil {
		return nil, err
	}
	return &resolve.Relation{
		Database: db.name, Schema: schemaName, Name: name, Kind: resolve.System, Columns: columns,
		Duck: []string{"memory", systemSchema(db.name), view},
	}, nil
}

// systemColumns are the columns of the system views, read once per database.
func (db *database) systemColumns(ctx context.Context, view string) ([]resolve.Column, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.views == nil {
		conn, err := db.cluster.engine.Connect()
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		views := map[string][]resolve.Column{}
		err = eachRow(ctx, conn, func(c *duck.Chunk, row int) error {
			t := types.FromDuck(text(c, 2, row))
			if t.Kind == types.Varchar {
				t.Length = 256
			}
			name := text(c, 0, row)
			views[name] = append(views[name], resolve.Column{Name: text(c, 1, row), Type: t})
			return nil
		}, "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'memory' AND schema_name = $1 ORDER BY table_name, column_index", systemSchema(db.name))
		if err != nil {
			return nil, err
		}
		db.views = views
	}
	return db.views[view], nil
}
