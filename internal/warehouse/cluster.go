package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"stepwell/internal/duck"
	"stepwell/internal/lake"
	"stepwell/internal/rsql/lower"
	"stepwell/internal/sqlerr"
)

// cluster is one DuckDB instance with the databases of one Redshift cluster.
type cluster struct {
	w      *Warehouse
	key    clusterKey
	dir    string
	engine *duck.Engine
	locks  *locks
	gate   gate
	log    *history
	end    atomic.Pointer[ending] // nil while the cluster is open
	gone   chan struct{}          // closed when nothing of it is open any more
	over   context.Context        // ends with the cluster, however it ends
	finish context.CancelFunc

	mu        sync.Mutex
	record    clusterRecord
	databases map[string]*database // those opened
	sessions  map[int32]*Session
}

// clusterRecord is cluster.json: what a cluster has beside its database files.
type clusterRecord struct {
	Databases map[string]databaseRecord `json:"databases"`
	Users     map[string]userRecord     `json:"users"`
	Groups    map[string]groupRecord    `json:"groups"`
	Roles     map[string]groupRecord    `json:"roles"`
	NextID    int64                     `json:"nextId"`
	// Pending is the change of a transaction that is about to commit.
	Pending *pendingChange `json:"pending,omitempty"`
	// Renames are the new names that the databases' metadata has still to follow.
	Renames []rename `json:"renames,omitempty"`
}

type databaseRecord struct {
	ID           int64  `json:"id"`
	Owner        string `json:"owner"`
	Serializable bool   `json:"serializable,omitempty"`    // ISOLATION LEVEL SERIALIZABLE
	Insensitive  bool   `json:"caseInsensitive,omitempty"` // COLLATE CASE_INSENSITIVE
}

type userRecord struct {
	ID              int64             `json:"id"`
	Superuser       bool              `json:"superuser"`
	CreateDB        bool              `json:"createDb"`
	Settings        map[string]string `json:"settings,omitempty"`
	ConnectionLimit *int              `json:"connectionLimit,omitempty"`
	ValidUntil      string            `json:"validUntil,omitempty"`
	Syslog          bool              `json:"syslog,omitempty"` // SYSLOG ACCESS UNRESTRICTED
}

// groupRecord is a group or a role. A role also has the roles it is granted
// to, the members that may grant it, and system privileges.
type groupRecord struct {
	ID         int64    `json:"id"`
	Members    []string `json:"members,omitempty"` // users
	Owner      string   `json:"owner,omitempty"`
	Roles      []string `json:"roles,omitempty"`
	Admins     []string `json:"admins,omitempty"`
	Privileges []string `json:"privileges,omitempty"`
}

func openCluster(w *Warehouse, key clusterKey, dir string) (*cluster, error) {
	c := &cluster{
		w: w, key: key, dir: dir, locks: newLocks(), gate: newGate(), log: openHistory(dir), gone: make(chan struct{}),
		databases: map[string]*database{}, sessions: map[int32]*Session{},
	}
	c.over, c.finish = context.WithCancel(context.Background())
	if err := c.load(); err != nil {
		return nil, err
	}
	for last := c.log.lastID(); w.query.Load() < last; {
		w.query.CompareAndSwap(w.query.Load(), last)
	}
	options := w.options.Duck
	if options.TempDir == "" {
		options.TempDir = filepath.Join(dir, "spill")
	}
	options.Invalidated = c.lose
	engine, err := duck.Open(options)
	if err != nil {
		return nil, err
	}
	c.engine = engine
	if err := engine.RegisterTable(lake.RecordsFunction, openRecords); err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	for _, volatile := range []bool{false, true} {
		if err := engine.RegisterText(lower.PythonFunction(volatile), volatile, c.callPython); err != nil {
			return nil, errors.Join(err, engine.Close())
		}
	}
	conn, err := engine.Connect()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.Script(context.Background(), principalsScript()); err != nil {
		return nil, fmt.Errorf("cannot prepare the cluster's catalog: %w", err)
	}
	if err := c.publish(context.Background()); err != nil {
		return nil, err
	}
	return c, c.recoverPrincipals(context.Background())
}

func (c *cluster) load() error {
	text, err := os.ReadFile(filepath.Join(c.dir, "cluster.json"))
	if errors.Is(err, fs.ErrNotExist) {
		c.record = clusterRecord{
			Databases: map[string]databaseRecord{DefaultDatabase: {ID: 100, Owner: DefaultUser}},
			Users:     map[string]userRecord{"rdsdb": {ID: 1, Superuser: true, CreateDB: true}, DefaultUser: {ID: 100, Superuser: true, CreateDB: true}},
			Groups:    map[string]groupRecord{},
			NextID:    101,
		}
		c.record.addSystemRoles()
		return c.save()
	}
	if err != nil {
		return fmt.Errorf("cannot read the cluster's record: %w", err)
	}
	if err := json.Unmarshal(text, &c.record); err != nil {
		return fmt.Errorf("cannot read %s: %w", filepath.Join(c.dir, "cluster.json"), err)
	}
	c.record.addSystemRoles()
	return nil
}

// addSystemRoles adds the roles every cluster has ("Amazon Redshift
// system-defined roles"), with those of their privileges that count here.
func (r *clusterRecord) addSystemRoles() {
	if r.Roles == nil {
		r.Roles = map[string]groupRecord{}
	}
	privileges := map[string][]string{
		"sys:operator":  {"create schema", "cancel", "vacuum", "analyze"},
		"sys:dba":       {"create schema", "create table", "drop schema", "drop table", "truncate table", "create or replace procedure", "alter table", "cancel", "vacuum", "analyze"},
		"sys:superuser": {},
		"sys:secadmin":  {"create user", "alter user", "drop user", "create role", "drop role", "grant role", "explain rls", "explain masking", "ignore rls"},
		"sys:monitor":   {"access catalog", "access system table"},
	}
	for i, name := range []string{"sys:operator", "sys:dba", "sys:superuser", "sys:secadmin", "sys:monitor"} {
		if _, ok := r.Roles[name]; !ok {
			r.Roles[name] = groupRecord{ID: int64(2 + i), Owner: "rdsdb", Privileges: privileges[name]}
		}
	}
}

// save writes the record so that a crash leaves the old or the new one.
func (c *cluster) save() error {
	text, err := json.MarshalIndent(c.record, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(c.dir, "cluster.json"), text)
}

func writeFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path)) // the name is durable when the folder is
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// change edits a copy of the record, saves it and puts it in the place of the
// old one, for all at once. An edit that fails changes nothing.
func (c *cluster) change(edit func(r *clusterRecord) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.record
	next, err := was.clone()
	if err == nil {
		err = edit(&next)
	}
	if err != nil {
		return err
	}
	c.record = next
	if err := c.save(); err != nil {
		c.record = was
		return err
	}
	return c.publish(context.Background())
}

func (r *clusterRecord) clone() (clusterRecord, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return clusterRecord{}, fmt.Errorf("cannot copy the cluster's record: %w", err)
	}
	var out clusterRecord
	if err := json.Unmarshal(text, &out); err != nil {
		return clusterRecord{}, fmt.Errorf("cannot copy the cluster's record: %w", err)
	}
	return out, nil
}

// current is the record as it is committed. It must not be changed.
func (c *cluster) current() *clusterRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.record
	return &r
}

// reserveID takes an id for a new user, group or role.
func (c *cluster) reserveID() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record.NextID++
	return c.record.NextID - 1
}

func (c *cluster) databaseNames() []string { return c.current().databaseNames() }

func (c *cluster) hasDatabase(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.record.Databases[name]
	return ok
}

func (c *cluster) file(name string) string { return filepath.Join(c.dir, name+".duckdb") }

// reservedDatabases are catalogs DuckDB has for itself, and names Redshift
// keeps.
var reservedDatabases = []string{"memory", "system", "temp", "main", "template0", "template1", "padb_harvest"}

func (c *cluster) createDatabase(ctx context.Context, name string, record databaseRecord) error {
	if slices.Contains(reservedDatabases, name) || name != filepath.Base(name) || name == "" {
		return sqlerr.New(sqlerr.InvalidParameterValue, "database name \"%s\" is reserved", name)
	}
	err := c.change(func(r *clusterRecord) error {
		if _, ok := r.Databases[name]; ok {
			return sqlerr.New(sqlerr.DuplicateDatabase, "database \"%s\" already exists", name)
		}
		// A crash may have left the files of a database that was dropped.
		if err := c.removeFiles(name); err != nil {
			return err
		}
		record.ID = r.NextID
		r.Databases[name] = record
		r.NextID++
		return nil
	})
	if err != nil {
		return err
	}
	_, err = c.database(ctx, name)
	return err
}

func (c *cluster) dropDatabase(ctx context.Context, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.record.Databases[name]; !ok {
		return sqlerr.New(sqlerr.UndefinedDatabase, "database \"%s\" does not exist", name)
	}
	for _, s := range c.sessions {
		if s.identity.Database == name {
			return sqlerr.New(sqlerr.ObjectInUse, "database \"%s\" is being accessed by other users", name)
		}
	}
	if err := c.engine.Detach(ctx, name); err != nil {
		return err
	}
	delete(c.databases, name)
	was := c.record.Databases
	c.record.Databases = maps.Clone(was)
	delete(c.record.Databases, name)
	if err := c.save(); err != nil {
		c.record.Databases = was
		return err
	}
	if err := c.publish(ctx); err != nil {
		return err
	}
	return c.removeFiles(name)
}

func (c *cluster) removeFiles(database string) error {
	for _, suffix := range append([]string{""}, duck.Suffixes()...) {
		if err := os.Remove(c.file(database) + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// database opens the database's file when that has not happened yet.
func (c *cluster) database(ctx context.Context, name string) (*database, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if db, ok := c.databases[name]; ok {
		return db, nil
	}
	if _, ok := c.record.Databases[name]; !ok {
		return nil, sqlerr.New(sqlerr.UndefinedDatabase, "database \"%s\" does not exist", name)
	}
	db, err := openDatabase(ctx, c, name)
	if err != nil {
		return nil, err
	}
	c.databases[name] = db
	return db, nil
}

func (c *cluster) user(name string) (userRecord, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u, ok := c.record.Users[name]
	return u, ok
}

// enter adds a session to a cluster that is open.
func (c *cluster) enter(s *Session) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if why := c.lost(); why != nil {
		return why
	}
	c.sessions[s.pid] = s
	return nil
}

func (c *cluster) leave(s *Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, s.pid)
	c.log.addSession(sessionEnd{PID: s.pid, User: s.identity.User, UserID: c.record.Users[s.identity.User].ID, Database: s.identity.Database, Start: s.started, End: c.w.clock.Now()})
}

func (c *cluster) session(pid int32) *Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sessions[pid]
}

func (c *cluster) close() error {
	if !c.end.CompareAndSwap(nil, &ending{}) {
		return c.awaitEnd(context.Background())
	}
	defer close(c.gone)
	c.finish()
	c.closeSessions()
	c.log.close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range c.databases {
		if err := c.engine.Detach(ctx, name); err != nil {
			c.w.log.Warn("cannot close a database cleanly; its log is replayed at the next start", "database", name, "error", err)
		}
	}
	return c.engine.Close()
}
