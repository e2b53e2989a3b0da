package warehouse

import (
	"context"
	_ "embed"
	"fmt"
	"sync"
	"sync/atomic"

	"stepwell/internal/duck"
	"stepwell/internal/rsql/resolve"
)

// metaSchema is the schema of a database file that holds what DuckDB's own
// catalog does not: Redshift's types, attributes, views and grants. It is
// written in the transaction of the DDL it records.
const metaSchema = "stepwell"

//go:embed meta.sql
var metaScript string

// database is one Redshift database: one DuckDB file.
type database struct {
	cluster *cluster
	name    string

	nextOID atomic.Int64
	version atomic.Int64 // moves when a transaction with DDL commits

	serial serial
	space  space
	// snapshots keeps commits apart from the moment a snapshot is taken, where
	// the database is serializable.
	snapshots sync.RWMutex

	mu     sync.Mutex
	cached *schemaSet                  // of the version it names
	views  map[string][]resolve.Column // the system views
}

func openDatabase(ctx context.Context, c *cluster, name string) (*database, error) {
	if err := c.engine.Attach(ctx, name, c.file(name)); err != nil {
		return nil, err
	}
	db := &database{cluster: c, name: name}
	conn, err := c.engine.Connect()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Exec(ctx, "USE "+duck.Ident(name)); err != nil {
		return nil, err
	}
	if err := conn.Script(ctx, metaScript); err != nil {
		return nil, fmt.Errorf("cannot prepare database %q: %w", name, err)
	}
	if c.record.Pending == nil { // else its mark has still to be looked for
		if _, err := conn.Exec(ctx, "DELETE FROM stepwell.principal_changes"); err != nil {
			return nil, err
		}
	}
	next, err := queryInt(ctx, conn, "SELECT greatest(coalesce(max(oid), 0), 100000) FROM (SELECT oid FROM stepwell.relations UNION ALL SELECT oid FROM stepwell.schemas "+
		"UNION ALL SELECT oid FROM stepwell.procedures UNION ALL SELECT oid FROM stepwell.functions UNION ALL SELECT oid FROM stepwell.acl)")
	if err != nil {
		return nil, err
	}
	db.nextOID.Store(next)
	if err := db.openSpace(ctx, conn); err != nil {
		return nil, err
	}
	if err := createSystemViews(ctx, conn, db); err != nil {
		return nil, fmt.Errorf("cannot prepare the system views of %q: %w", name, err)
	}
	return db, nil
}

func (db *database) oid() int64 { return db.nextOID.Add(1) }

func queryInt(ctx context.Context, conn *duck.Conn, sql string, args ...any) (int64, error) {
	var n int64
	err := eachRow(ctx, conn, func(c *duck.Chunk, row int) error {
		n = c.Column(0).Int(row)
		return nil
	}, sql, args...)
	return n, err
}

// eachRow runs a query of the warehouse's own and calls f for its rows.
func eachRow(ctx context.Context, conn *duck.Conn, f func(c *duck.Chunk, row int) error, sql string, args ...any) error {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for {
		chunk, err := rows.Next(ctx)
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range chunk.Len() {
			if err := f(chunk, i); err != nil {
				return err
			}
		}
	}
}
