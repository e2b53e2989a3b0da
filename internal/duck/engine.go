package duck

import (
	"context"
	_ "embed"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"

	bindings "github.com/duckdb/duckdb-go-bindings"
	"stepwell/internal/sqlerr"
)

//go:embed prelude.sql
var prelude string

// Options are the limits of one Engine. The zero value takes DuckDB's own
// defaults for threads (one per core) and memory (80 % of the machine's).
type Options struct {
	Threads     int    // that work on statements; 0: one per core
	MemoryLimit string // as DuckDB spells it, "4GiB"; empty: DuckDB's default
	TempDir     string // where operators spill; empty: beside the database file
	// Invalidated is called once, when DuckDB gives the instance up after a
	// fatal error: nothing runs on it any more, and what is committed stands in
	// the files and their logs. It is called amid a statement, and returns at once.
	Invalidated func(*sqlerr.Error)
}

// Engine is one DuckDB instance with its attached database files. It writes a
// checkpoint when it is told to, and when a file is closed.
type Engine struct {
	db          bindings.Database
	workers     *workers
	invalidated func(*sqlerr.Error)
	broken      sync.Once

	mu       sync.Mutex
	attached map[string]string // catalog name -> file
	closed   bool

	connMu sync.Mutex
	conns  int           // those open
	gone   chan struct{} // made by Abandon, closed by the last connection
}

// Open starts an instance and loads the prelude into its in-memory catalog.
// No file is opened until Attach, and nothing is fetched over the network at
// any time.
func Open(opts Options) (*Engine, error) {
	var config bindings.Config
	if bindings.CreateConfig(&config) == bindings.StateError {
		return nil, fmt.Errorf("cannot create a DuckDB configuration")
	}
	defer bindings.DestroyConfig(&config)
	threads := opts.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	for _, kv := range settings(opts, threads) {
		if bindings.SetConfig(config, kv[0], kv[1]) == bindings.StateError {
			return nil, fmt.Errorf("cannot set DuckDB's %s to %q", kv[0], kv[1])
		}
	}
	e := &Engine{attached: map[string]string{}, invalidated: opts.Invalidated}
	var msg string
	if bindings.OpenExt(":memory:", &e.db, config, &msg) == bindings.StateError {
		bindings.Close(&e.db)
		return nil, fmt.Errorf("cannot open DuckDB: %s", msg)
	}
	e.workers = startWorkers(e.db.Ptr, threads)
	if err := e.load(compression + prelude); err != nil {
		e.workers.close()
		bindings.Close(&e.db)
		return nil, fmt.Errorf("cannot load the prelude: %w", err)
	}
	return e, nil
}

func settings(opts Options, threads int) [][2]string {
	list := [][2]string{
		{"autoinstall_known_extensions", "false"},
		{"autoload_known_extensions", "false"},
		// Redshift sorts NULL as the largest value.
		{"default_null_order", "nulls_last_on_asc_first_on_desc"},
		// A checkpoint that fails within a commit would leave open whether the
		// transaction is committed, and makes DuckDB give the instance up.
		{"checkpoint_threshold", "1000TB"},
		{"duckdb_api", "stepwell"},
		{"threads", strconv.Itoa(threads)},
		{"external_threads", strconv.Itoa(threads)}, // see workers
	}
	if opts.MemoryLimit != "" {
		list = append(list, [2]string{"memory_limit", opts.MemoryLimit})
	}
	if opts.TempDir != "" {
		list = append(list, [2]string{"temp_directory", opts.TempDir})
	}
	return list
}

// compression: finding the best compression of texts costs as much as all else
// of a load into a file. Without it a durable load of 2 million reviews takes
// 1.3 s, not 2.1 s, for 2.4 times the space. Numbers and dates are compressed as
// ever. DuckDB 1.5.4 loses this setting when it is given at the opening.
const compression = "SET GLOBAL disabled_compression_methods = 'zstd,fsst,dict_fsst,dictionary';\n"

func (e *Engine) load(script string) error {
	c, err := e.Connect()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.registerScalars(); err != nil {
		return err
	}
	return c.Script(context.Background(), script)
}

// Attach opens the database file as the catalog name, creating the file when
// it does not exist. Attaching what is attached already does nothing.
func (e *Engine) Attach(ctx context.Context, name, path string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return fmt.Errorf("cannot attach %q: the engine is closed", name)
	}
	if _, ok := e.attached[name]; ok {
		return nil
	}
	c, err := e.Connect()
	if err != nil {
		return err
	}
	defer c.Close()
	err = mend(path)
	if err == nil {
		_, err = c.Exec(ctx, "ATTACH "+Literal(path)+" AS "+Ident(name))
	}
	if err != nil {
		return fmt.Errorf("cannot open database file %s: %w", path, err)
	}
	e.attached[name] = path
	return nil
}

// Detach closes the catalog's file after a checkpoint. It fails while a
// transaction uses it.
func (e *Engine) Detach(ctx context.Context, name string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.attached[name]; !ok {
		return nil
	}
	c, err := e.Connect()
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Exec(ctx, "DETACH "+Ident(name)); err != nil {
		return err
	}
	delete(e.attached, name)
	return nil
}

// Close closes the instance. Connections must be closed before.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.workers.close()
	bindings.Close(&e.db)
	return nil
}

// Abandon closes an instance that DuckDB has given up, without a checkpoint, as
// soon as its connections are closed. It takes no new ones.
func (e *Engine) Abandon(ctx context.Context) error {
	e.connMu.Lock()
	if e.gone == nil {
		e.gone = make(chan struct{})
		if e.conns == 0 {
			close(e.gone)
		}
	}
	e.connMu.Unlock()
	select {
	case <-e.gone:
		return e.Close()
	case <-ctx.Done():
		return fmt.Errorf("cannot close an instance that is in use: %w", ctx.Err())
	}
}

// Literal quotes text as a SQL string literal of DuckDB.
func Literal(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// Ident quotes a name as a SQL identifier of DuckDB.
func Ident(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
