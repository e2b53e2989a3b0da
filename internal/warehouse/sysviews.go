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

func systemSchema(database string) string { return "pg_catalog " + database }

func createSystemViews(ctx context.Context, conn *duck.Conn, db *database) error {
	script := strings.NewReplacer(
		"{db}", duck.Ident(db.name)+"."+metaSchema,
		"{name}", duck.Literal(db.name),
		"{sys}", "memory."+duck.Ident(systemSchema(db.name)),
	).Replace(systemScript)
	return conn.Script(ctx, script)
}

// system finds a system view or table. Views of information_schema are kept
// under the name with the schema's name before it.
func (c *catalog) system(schemaName, name string) (*resolve.Relation, error) {
	if live, ok := liveTables[name]; ok && schemaName == pgCatalog {
		out := &resolve.Relation{Database: c.session.db.name, Schema: schemaName, Name: name, Kind: resolve.External}
		out.Columns = live.columns
		out.Handle = &externalHandle{live: live.rows}
		return out, nil
	}
	view := name
	if schemaName == infoSchema {
		view = infoSchema + "." + name
	}
	columns, err := c.session.db.systemColumns(c.ctx, view)
	if err != nil || columns == nil {
		return nil, err
	}
	return &resolve.Relation{
		Database: c.session.db.name, Schema: schemaName, Name: name, Kind: resolve.System, Columns: columns,
		Duck: []string{"memory", systemSchema(c.session.db.name), view},
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
