// Package store keeps the state of a Stepwell server in one SQLite file in WAL
// mode that anybody can open: typed records, and journals.
//
// Writers share fsyncs (group commit): Update queues a function, a single
// writer runs all that are queued in one transaction, each in a savepoint of
// its own, and Update returns when that transaction is on disk. The package
// knows nothing of what it keeps. Engines and services may import it.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/mattn/go-sqlite3" // the database/sql driver "sqlite3"
)

// ErrClosed is returned by calls on a closed store.
var ErrClosed = errors.New("store is closed")

// migrations are applied in order; their number is the file's user_version.
var migrations = []string{
	`CREATE TABLE records (
	   tbl TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
	   PRIMARY KEY (tbl, key)) WITHOUT ROWID;
	 CREATE TABLE journal (
	   stream TEXT NOT NULL, seq INTEGER NOT NULL, entry BLOB NOT NULL,
	   PRIMARY KEY (stream, seq)) WITHOUT ROWID;`,
}

// walPages is the length of the WAL, in pages of 4 KiB, at which it is copied
// into the file: long, so that what busy pages became is copied once.
const walPages = 8192

// readers is how many Views are served at once.
const readers = 4

// maxBatch bounds how many queued updates share one transaction.
const maxBatch = 512

// Store is an open file. Its methods may be called concurrently.
type Store struct {
	readers *sql.DB
	writer  *sql.DB
	conn    *sql.Conn        // the writer's only connection
	idle    chan *statements // the readers' connections that serve no View

	path     string
	versions sync.Map // table name -> *atomic.Int64

	queue  chan *update
	closed chan struct{}
	done   chan struct{}
	once   sync.Once
	fault  atomic.Pointer[Fault] // of the last write
	broken atomic.Pointer[error] // by a test
}

type update struct {
	run    func(*Tx) error
	tables []string // changed
	after  []func()
	result chan error
}

// Open opens or creates the file. Only the user can read it and the files that
// SQLite keeps beside it, whatever the folder's mode.
func Open(path string) (*Store, error) {
	if err := private(path); err != nil {
		return nil, fmt.Errorf("cannot open store %s: %w", path, err)
	}
	dsn := "file:" + path + "?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=10000"
	s := &Store{
		path:   path,
		idle:   make(chan *statements, readers),
		queue:  make(chan *update, maxBatch),
		closed: make(chan struct{}),
		done:   make(chan struct{}),
	}
	var err error
	if s.writer, err = sql.Open("sqlite3", dsn+"&_txlock=immediate"); err != nil {
		return nil, fmt.Errorf("cannot open store %s: %w", path, err)
	}
	if s.readers, err = sql.Open("sqlite3", dsn+"&_query_only=true"); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open store %s: %w", path, err), s.writer.Close())
	}
	if s.conn, err = s.writer.Conn(context.Background()); err == nil {
		err = migrate(s.conn)
	}
	if err == nil {
		_, err = s.conn.ExecContext(context.Background(), fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", walPages))
	}
	for range readers {
		var c *sql.Conn
		if err == nil {
			c, err = s.readers.Conn(context.Background())
		}
		s.idle <- &statements{conn: c}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open store %s: %w", path, err), s.writer.Close(), s.readers.Close())
	}
	go s.write()
	return s, nil
}

// private creates the file where there is none. SQLite gives its own files the
// same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func migrate(c *sql.Conn) error {
	ctx := context.Background()
	var version int
	if err := c.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("the file is of a newer version (%d, this program knows %d)", version, len(migrations))
	}
	for ; version < len(migrations); version++ {
		script := fmt.Sprintf("BEGIN; %s; PRAGMA user_version = %d; COMMIT", migrations[version], version+1)
		if _, err := c.ExecContext(ctx, script); err != nil {
			return fmt.Errorf("cannot migrate to version %d: %w", version+1, err)
		}
	}
	return nil
}

// Close waits for the queued updates and the Views under way, and closes the file.
func (s *Store) Close() (err error) {
	s.once.Do(func() {
		close(s.closed)
		<-s.done
		err = s.conn.Close()
		for range readers {
			r := <-s.idle
			err = errors.Join(err, r.conn.Close())
		}
		err = errors.Join(err, s.writer.Close(), s.readers.Close())
	})
	return err
}

// Update runs f in a transaction and returns once it is durable, or an error
// with nothing written: f's, or a *Fault where the file cannot be written. f must not wait for anything, least of all another
// Update. A cancelled ctx stops the waiting before f has started, not after.
func (s *Store) Update(ctx context.Context, f func(*Tx) error) error {
	u := &update{run: f, result: make(chan error, 1)}
	select {
	case <-s.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	case s.queue <- u:
	}
	select {
	case err := <-u.result:
		return err
	case <-s.done:
		select {
		case err := <-u.result:
			return err
		default:
			return ErrClosed
		}
	}
}

// View runs f on a consistent snapshot of what is durable, which is taken when
// f first reads.
func (s *Store) View(ctx context.Context, f func(*Tx) error) error {
	select {
	case stmts := <-s.idle:
		defer func() { s.idle <- stmts }()
		v := &view{statements: stmts}
		defer v.end()
		return f(&Tx{q: v})
	case <-s.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// view is a View under way.
type view struct {
	*statements
	begun bool
}

func (v *view) Query(query string, args ...any) (*sql.Rows, error) {
	if !v.begun {
		if err := v.exec("BEGIN"); err != nil {
			return nil, fmt.Errorf("cannot read store: %w", err)
		}
		v.begun = true
	}
	return v.statements.Query(query, args...)
}

func (v *view) end() {
	if !v.begun {
		return
	}
	if err := v.exec("ROLLBACK"); err != nil {
		slog.Warn("cannot end a transaction that reads", "error", err)
	}
}

func (s *Store) version(table string) *atomic.Int64 {
	n, ok := s.versions.Load(table)
	if !ok {
		n, _ = s.versions.LoadOrStore(table, new(atomic.Int64))
	}
	return n.(*atomic.Int64)
}

// write is the single writer.
func (s *Store) write() {
	defer close(s.done)
	stmts := &statements{conn: s.conn}
	for {
		var again <-chan time.Time
		if s.Err() != nil {
			again = time.After(probePause)
		}
		select {
		case u := <-s.queue:
			s.commit(stmts, s.batch(u))
		case <-again:
			s.probe(stmts)
		case <-s.closed:
			for {
				select {
				case u := <-s.queue:
					s.commit(stmts, s.batch(u))
				default:
					return
				}
			}
		}
	}
}

// batch collects what is queued behind u.
func (s *Store) batch(u *update) []*update {
	batch := []*update{u}
	for len(batch) < maxBatch {
		select {
		case next := <-s.queue:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// commit runs the updates in one transaction and answers each. A fault of the
// disk fails them all.
func (s *Store) commit(stmts *statements, batch []*update) {
	results := make([]error, len(batch))
	stmts.fault = nil
	err := s.begin(stmts)
	if err == nil {
		for i, u := range batch {
			results[i] = s.apply(stmts, u)
			if stmts.fault != nil { // no statement more: SQLite may have left the transaction
				break
			}
		}
		err = s.close(stmts, stmts.fault)
	}
	s.settled(err)
	for i, u := range batch {
		if err != nil {
			u.result <- &Fault{err}
			continue
		}
		if results[i] == nil {
			for _, table := range u.tables {
				s.version(table).Add(1)
			}
			for _, f := range u.after {
				f()
			}
		}
		u.result <- results[i]
	}
}

// apply runs one update in a savepoint.
func (s *Store) apply(stmts *statements, u *update) (err error) {
	if err := stmts.exec("SAVEPOINT u"); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("update panicked: %v", p)
		}
		if stmts.note(err); stmts.fault != nil {
			return // commit rolls back everything
		}
		if err != nil {
			if undo := stmts.exec("ROLLBACK TO u"); undo != nil {
				err = errors.Join(err, undo)
			}
		}
		if release := stmts.exec("RELEASE u"); release != nil {
			err = errors.Join(err, release)
		}
	}()
	tx := &Tx{q: stmts, update: u}
	return u.run(tx)
}

// statements runs SQL on the writer's connection with prepared statements.
type statements struct {
	conn  *sql.Conn
	cache sync.Map // string -> *sql.Stmt
	fault error    // of the disk, in the transaction under way
}

// note keeps a fault even where an update does not pass it on.
func (s *statements) note(err error) {
	if s.fault == nil && faulty(err) {
		s.fault = err
	}
}

func (s *statements) prepared(query string) (*sql.Stmt, error) {
	if st, ok := s.cache.Load(query); ok {
		return st.(*sql.Stmt), nil
	}
	st, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s.cache.Store(query, st)
	return st, nil
}

func (s *statements) exec(query string) error {
	_, err := s.Exec(query)
	return err
}

func (s *statements) Exec(query string, args ...any) (sql.Result, error) {
	st, err := s.prepared(query)
	if err != nil {
		s.note(err)
		return nil, err
	}
	res, err := st.Exec(args...)
	s.note(err)
	return res, err
}

func (s *statements) Query(query string, args ...any) (*sql.Rows, error) {
	st, err := s.prepared(query)
	if err != nil {
		s.note(err)
		return nil, err
	}
	rows, err := st.Query(args...)
	s.note(err)
	return rows, err
}
