package warehouse

import (
	"context"
	"os"
	"sync"
	"syscall"

	"stepwell/internal/duck"
	"stepwell/internal/sqlerr"
)

// bulkRows is how many rows a transaction changes at least when DuckDB may have
// written them to the database's file before the commit.
const bulkRows = 100_000

// freeSpace is how many bytes a database's file may grow between checkpoints
// whatever its size, beyond it is a quarter of the size; and what must be free
// on the disk for a checkpoint.
const freeSpace = 64 << 20

// longLog is the size of a write-ahead log in bytes that starts a checkpoint. A
// load of new rows writes its row groups straight to the file whatever this is,
// the log then only names them.
const longLog = 256 << 20

// space is the room a database takes in its file.
type space struct {
	mu      sync.Mutex
	settled int64                 // bytes in use after the latest checkpoint
	free    func() (int64, error) // bytes free on the disk
	longLog int64
}

// tidy writes a checkpoint after a commit that makes one due. DuckDB writes none
// of its own: it would write it within the commit, which fails with it.
func (db *database) tidy(ctx context.Context, conn *duck.Conn, bulk int64, wrote bool) {
	switch {
	case bulk >= bulkRows:
		db.reclaim(ctx, conn)
	case wrote:
		db.shorten(ctx, conn)
	}
}

// shorten writes a checkpoint when the log is long, unless another session does.
func (db *database) shorten(ctx context.Context, conn *duck.Conn) {
	if db.logSize() < db.space.longLog || !db.space.mu.TryLock() {
		return
	}
	defer db.space.mu.Unlock()
	used, err := db.used(ctx, conn)
	if err == nil {
		err = db.checkpoint(ctx, conn, used)
	}
	if err != nil {
		db.cluster.w.log.Debug("cannot checkpoint after a commit", "database", db.name, "error", err)
	}
}

func (db *database) openSpace(ctx context.Context, conn *duck.Conn) (err error) {
	db.space.longLog = longLog
	dir := db.cluster.dir
	db.space.free = func() (int64, error) { return freeBytes(dir) }
	db.space.settled, err = db.used(ctx, conn)
	return err
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
	used, err := db.used(ctx, conn)
	if err == nil {
		db.space.settled = min(db.space.settled, used)
		if used-db.space.settled < max(freeSpace, db.space.settled/4) && db.logSize() < db.space.longLog {
			return
		}
		err = db.checkpoint(ctx, conn, used)
	}
	if err != nil {
		db.cluster.w.log.Debug("cannot checkpoint after a load", "database", db.name, "error", err)
	}
}

// logSize is the size of the write-ahead log, 0 where there is none.
func (db *database) logSize() int64 {
	log, err := os.Stat(db.cluster.file(db.name) + ".wal")
	if err != nil {
		return 0
	}
	return log.Size()
}

// vacuum writes a checkpoint.
func (db *database) vacuum(ctx context.Context, conn *duck.Conn) error {
	db.space.mu.Lock()
	defer db.space.mu.Unlock()
	used, err := db.used(ctx, conn)
	if err != nil {
		return err
	}
	return db.checkpoint(ctx, conn, used)
}

// checkpoint writes one where there is room for what it may write: one that
// meets a full disk makes DuckDB give the cluster up.
func (db *database) checkpoint(ctx context.Context, conn *duck.Conn, used int64) error {
	free, err := db.space.free()
	if err != nil {
		return err
	}
	if free < max(freeSpace, used-db.space.settled) {
		return sqlerr.New(sqlerr.DiskFull, "Disk Full")
	}
	if _, err := conn.Exec(ctx, "CHECKPOINT "+duck.Ident(db.name)); err != nil {
		return err
	}
	db.space.settled, err = db.used(ctx, conn)
	return err
}

// used are the bytes of the database's file that are in use.
func (db *database) used(ctx context.Context, conn *duck.Conn) (int64, error) {
	return queryInt(ctx, conn, "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = $1", db.name)
}

// freeBytes are those that are free where a folder lies.
func freeBytes(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
