package warehouse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"stepwell/internal/clock"
	"stepwell/internal/duck"
	"stepwell/internal/lake"
	"stepwell/internal/sqlerr"
)

// DefaultDatabase and DefaultUser are what a new cluster has.
const (
	DefaultDatabase = "dev"
	DefaultUser     = "awsuser"
)

// Options is what a Warehouse is made of.
type Options struct {
	// Dir holds <account>/<region>/<cluster>/<database>.duckdb.
	Dir string
	// Objects is the object store COPY, UNLOAD and external tables use.
	Objects lake.Objects
	// Catalog is the Data Catalog behind external schemas.
	Catalog lake.Catalog
	// Python runs functions in Python; nil: there is none.
	Python Python
	// Clock gives the time of what is recorded; nil: real time.
	Clock clock.Clock
	// Log receives faults nobody is there to be told; nil: slog's default.
	Log *slog.Logger
	// Duck are the limits of each cluster's DuckDB instance.
	Duck duck.Options
}

// Warehouse holds the clusters. A cluster is opened when its first session
// starts; before that it costs nothing.
type Warehouse struct {
	options Options
	clock   clock.Clock
	log     *slog.Logger
	pid     atomic.Int32
	query   atomic.Int64

	mu       sync.Mutex
	clusters map[clusterKey]*cluster
	closed   bool
}

type clusterKey struct{ account, region, cluster string }

// Identity is who opens a session, and where.
type Identity struct {
	Account, Region, Cluster string
	Database, User           string
}

func (id Identity) key() clusterKey { return clusterKey{id.Account, id.Region, id.Cluster} }

// Open returns a warehouse over the folder. It opens no file.
func Open(options Options) (*Warehouse, error) {
	if options.Dir == "" {
		return nil, fmt.Errorf("cannot open a warehouse without a folder")
	}
	w := &Warehouse{options: options, clock: options.Clock, log: options.Log, clusters: map[clusterKey]*cluster{}}
	if w.clock == nil {
		w.clock = clock.New(1)
	}
	if w.log == nil {
		w.log = slog.Default()
	}
	w.pid.Store(1073741800) // Redshift's process ids look like this
	w.query.Store(100)
	return w, nil
}

// Close ends all sessions and closes the files.
func (w *Warehouse) Close() error {
	w.mu.Lock()
	w.closed = true
	clusters := w.clusters
	w.clusters = map[clusterKey]*cluster{}
	w.mu.Unlock()
	var errs []error
	for _, c := range clusters {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// cluster is the cluster, opened. One that DuckDB has given up is awaited to be
// closed, and opened anew.
func (w *Warehouse) cluster(ctx context.Context, key clusterKey) (*cluster, error) {
	for {
		c, err := w.openedCluster(key)
		if err != nil || c.lost() == nil {
			return c, err
		}
		if err := c.awaitEnd(ctx); err != nil {
			return nil, err
		}
	}
}

func (w *Warehouse) openedCluster(key clusterKey) (*cluster, error) {
	for _, part := range []string{key.account, key.region, key.cluster} {
		if part == "" || part != filepath.Base(part) || part == ".." || part == "." {
			return nil, sqlerr.New(sqlerr.InvalidAuthorization, "cluster %q does not exist", key.cluster)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, sqlerr.New(sqlerr.AdminShutdown, "the warehouse is shut down")
	}
	if c, ok := w.clusters[key]; ok {
		return c, nil
	}
	dir := filepath.Join(w.options.Dir, key.account, key.region, key.cluster)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the cluster's folder: %w", err)
	}
	c, err := openCluster(w, key, dir)
	if err != nil {
		return nil, err
	}
	w.clusters[key] = c
	return c, nil
}

// Databases lists the databases of a cluster, by name.
func (w *Warehouse) Databases(id Identity) ([]string, error) {
	c, err := w.cluster(context.Background(), id.key())
	if err != nil {
		return nil, err
	}
	return c.databaseNames(), nil
}

// CreateDatabase makes an empty database; it is what CreateCluster does with
// its DBName. A database that exists is left as it is.
func (w *Warehouse) CreateDatabase(ctx context.Context, id Identity, name string) error {
	c, err := w.cluster(ctx, id.key())
	if err != nil {
		return err
	}
	if c.hasDatabase(name) {
		return nil
	}
	return c.createDatabase(ctx, name, databaseRecord{Owner: id.User})
}

// EnsureUser makes id.User a superuser of the cluster when it has no such user:
// what CreateCluster does with its MasterUsername.
func (w *Warehouse) EnsureUser(id Identity) error {
	c, err := w.cluster(context.Background(), id.key())
	if err != nil {
		return err
	}
	if _, ok := c.user(id.User); ok {
		return nil
	}
	return c.change(func(r *clusterRecord) error {
		r.Users[id.User] = userRecord{ID: r.NextID, Superuser: true, CreateDB: true}
		r.NextID++
		return nil
	})
}

// DropCluster closes the cluster and removes its folder.
func (w *Warehouse) DropCluster(id Identity) error {
	c, err := w.cluster(context.Background(), id.key())
	if err != nil {
		return err
	}
	w.mu.Lock()
	delete(w.clusters, id.key())
	w.mu.Unlock()
	if err := c.close(); err != nil {
		return err
	}
	return os.RemoveAll(c.dir)
}
