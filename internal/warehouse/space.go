package warehouse

import (
	"context"
	"sync"

	"stepwell/internal/duck"
)

// bulkRows is how many rows a transaction changes at least when DuckDB may have
// written them to the database's file before the commit.
const bulkRows = 100_000

// freeSpace is how many bytes a database's file may grow between checkpoints
// whatever its size; beyond it is a quarter of the size.
const freeSpace = 64 << 20

// space is the room a database takes in its file.
type space struct {
	mu      sync.Mutex
	settled int64 // bytes in use after the latest checkpoint
}

// reclaim writes a checkpoint after a bulk load when the file has grown by so
// much that it pays. What tables dropped, emptied or loaded anew had is free for
// others after a checkpoint only, and a load hardly fills the log whose size
// makes DuckDB write one: without this a table loaded anew every day takes its
// size again every day. The rows of a load are in their place already, so that
// the checkpoint itself takes some milliseconds. While other transactions
// write DuckDB refuses it; the next load tries again.
func (db *database) reclaim(ctx context.Context, conn *duck.Conn) {
	db.space.mu.Lock()
	defer db.space.mu.Unlock()
	log := db.cluster.w.log
	used, err := db.used(ctx, conn)
	if err != nil {
		log.Warn("cannot tell the space in use of a database", "database", db.name, "error", err)
		return
	}
	db.space.settled = min(db.space.settled, used)
	if used-db.space.settled < max(freeSpace, db.space.settled/4) {
		return
	}
	if _, err := conn.Exec(ctx, "CHECKPOINT "+duck.Ident(db.name)); err != nil {
		log.Debug("cannot checkpoint after a load", "database", db.name, "error", err)
		return
	}
	if db.space.settled, err = db.used(ctx, conn); err != nil {
		log.Warn("cannot tell the space in use of a database", "database", db.name, "error", err)
	}
}

// used are the bytes of the database's file that are in use.
func (db *database) used(ctx context.Context, conn *duck.Conn) (int64, error) {
	return queryInt(ctx, conn, "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = $1", db.name)
}
