package warehouse

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/sqlerr"
)

// txState is where a session stands between BEGIN and COMMIT.
type txState int

const (
	idle     txState = iota // no transaction
	implicit                // one that the end of the script commits
	block                   // after BEGIN
	failed                  // a block in which a statement failed
)

// Session is one client's connection to a database. Its methods may be called
// from any goroutine and run one after the other; Cancel does not wait.
type Session struct {
	cluster  *cluster
	db       *database
	identity Identity
	pid      int32
	secret   uint32
	started  time.Time

	mu       sync.Mutex
	conn     *duck.Conn // opened by the first statement
	closed   bool
	settings *settings
	state    txState
	begun    bool   // DuckDB has a transaction open
	wrote    bool   // the open transaction has written
	bulk     int64  // rows it has changed
	mark     string // see SetMark
	txn      *txn   // of a serializable database
	xid      int64  // of the open transaction: the number of its first statement
	prepared map[string]*Prepared
	cursors  map[string]*Portal
	temps    map[string]*relation
	runAs    string // the owner of the SECURITY DEFINER procedure under way
	// authorization is the user of SET SESSION AUTHORIZATION, empty for the one
	// that logged in.
	authorization string
	// What a rollback goes back to.
	savedTemps    map[string]*relation
	savedSettings *settings

	own *ownPrincipals // the users, groups and roles that the open transaction has changed
	// ownSchemas: the transaction changed metadata, schemas is its own view of it.
	ownSchemas bool
	schemas    *schemaSet
	plans      plans
	connZone   string // the time zone DuckDB's connection has
	// streaming is the portal whose rows DuckDB still produces.
	streaming *Portal

	lastCopy, lastCopyID, lastUnload, lastQuery int64

	cancelMu sync.Mutex
	under    context.Context // of the statement under way; under cancelMu
	python   pythonPool
	cancel   context.CancelFunc
	current  string // the statement under way, for the system tables
}

// Session opens a session. The database's file is opened by the first
// statement, the existence of database and user is checked now.
func (w *Warehouse) Session(ctx context.Context, id Identity, given map[string]string) (*Session, error) {
	if id.Database == "" {
		id.Database = DefaultDatabase
	}
	if id.User == "" {
		id.User = DefaultUser
	}
	c, err := w.cluster(ctx, id.key())
	if err != nil {
		return nil, err
	}
	if !c.hasDatabase(id.Database) {
		return nil, sqlerr.New(sqlerr.UndefinedDatabase, "database \"%s\" does not exist", id.Database)
	}
	user, ok := c.user(id.User)
	if !ok && (strings.HasPrefix(id.User, "IAM:") || strings.HasPrefix(id.User, "IAMR:")) {
		// GetClusterCredentialsWithIAM makes the user an identity is mapped to.
		ok = true
		if err := c.change(func(r *clusterRecord) error { return r.addIdentity(id.User) }); err != nil {
			return nil, err
		}
	}
	if !ok {
		return nil, sqlerr.New(sqlerr.InvalidAuthorization, "user \"%s\" does not exist", id.User)
	}
	s := &Session{
		cluster: c, identity: id, pid: w.pid.Add(1), secret: rand.Uint32(), started: w.clock.Now(),
		prepared: map[string]*Prepared{}, cursors: map[string]*Portal{}, temps: map[string]*relation{},
	}
	all := map[string]string{}
	for k, v := range user.Settings {
		all[k] = v
	}
	for k, v := range given {
		all[k] = v
	}
	s.settings = newSettings(all)
	s.settings.values["session_authorization"] = id.User
	s.settings.values["database"] = id.Database
	if err := c.enter(s); err != nil {
		return nil, err
	}
	return s, nil
}

// Identity is who the session belongs to.
func (s *Session) Identity() Identity { return s.identity }

// PID is what pg_backend_pid() answers, Secret the key of a cancel request.
func (s *Session) PID() int32 { return s.pid }

// Secret is the key a cancel request must carry.
func (s *Session) Secret() uint32 { return s.secret }

// Format is how the session's settings make values print.
func (s *Session) Format() duck.Format {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings.format()
}

// Setting is the value of a configuration parameter.
func (s *Session) Setting(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings.get(name)
}

// ReportedSettings are the parameters a client is told of, with their values.
func (s *Session) ReportedSettings() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]string{}
	for name, p := range parameters {
		if p.reported {
			out[name], _ = s.settings.get(name)
		}
	}
	return out
}

// Status is the transaction status of ReadyForQuery: 'I', 'T' or 'E'.
func (s *Session) Status() byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case block:
		return 'T'
	case failed:
		return 'E'
	}
	return 'I'
}

// Close rolls back what is open and ends the session. A statement under way
// is cancelled.
func (s *Session) Close() {
	s.Cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	s.rollback(context.Background())
	if s.conn != nil {
		s.conn.Close()
	}
	s.cluster.leave(s)
}

// Cancel ends the statement under way with SQLSTATE 57014.
func (s *Session) Cancel() {
	s.cancelMu.Lock()
	defer s.cancelMu.Unlock()
	if s.cancel != nil {
		s.cancel()
	}
}

// CancelBackend cancels the statement of the session with the process id and
// secret, in whatever cluster it is. A request that fits none does nothing.
func (w *Warehouse) CancelBackend(pid int32, secret uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.clusters {
		if s := c.session(pid); s != nil && s.secret == secret {
			s.Cancel()
		}
	}
}

// enter starts a call: one at a time, cancellable, with the statement timeout.
func (s *Session) enter(ctx context.Context, text string) (context.Context, func(), error) {
	done := s.cluster.w.clock.Busy()
	s.mu.Lock()
	if why := s.cluster.lost(); why != nil {
		s.mu.Unlock()
		done()
		return nil, nil, why
	}
	if s.closed {
		s.mu.Unlock()
		done()
		return nil, nil, sqlerr.New(sqlerr.AdminShutdown, "terminating connection due to administrator command")
	}
	cancel := context.CancelFunc(nil)
	if ms := s.timeout(); ms > 0 {
		ctx, cancel = context.WithTimeout(ctx, ms)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	s.cancelMu.Lock()
	s.cancel, s.current, s.under = cancel, text, ctx
	s.cancelMu.Unlock()
	makeRoom := s.cluster.gate.enter(ctx)
	return ctx, func() {
		makeRoom()
		s.closePython()
		s.cancelMu.Lock()
		s.cancel, s.current, s.under = nil, "", nil
		s.cancelMu.Unlock()
		cancel()
		s.mu.Unlock()
		done()
	}, nil
}

func (s *Session) timeout() time.Duration {
	text, _ := s.settings.get("statement_timeout")
	ms, _ := strconv.Atoi(text)
	return time.Duration(ms) * time.Millisecond
}

// connect opens the database and the DuckDB connection at the first need, and
// brings the connection's settings up to date.
func (s *Session) connect(ctx context.Context) error {
	if s.db == nil {
		db, err := s.cluster.database(ctx, s.identity.Database)
		if err != nil {
			return err
		}
		s.db = db
	}
	if s.conn == nil {
		conn, err := s.cluster.engine.Connect()
		if err != nil {
			return err
		}
		s.conn = conn
	}
	if s.settings.dirty {
		if zone := s.zoneName(); zone != s.connZone {
			if err := s.prepareConn(ctx, s.conn); err != nil {
				return err
			}
			s.connZone = zone
		}
		s.settings.dirty = false
	}
	return nil
}

// prepareConn gives a DuckDB connection the search path the compiler relies
// on (the macros' schema last) and the session's time zone.
func (s *Session) prepareConn(ctx context.Context, conn *duck.Conn) error {
	if _, err := conn.Exec(ctx, "SET search_path = "+duck.Literal(searchPathOf(s.db.name))); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, "SET TimeZone = "+duck.Literal(s.zoneName()))
	return err
}

// zoneName is the session's time zone as DuckDB calls it.
func (s *Session) zoneName() string {
	zone, _ := s.settings.get("timezone")
	if hours, err := strconv.ParseFloat(zone, 64); err == nil { // east, as PostgreSQL reads a bare number
		zone = "UTC" + strconv.FormatFloat(-hours, 'f', -1, 64)
	}
	zone, _ = duck.ZoneName(zone)
	return zone
}

func (s *Session) compileOptions() rsql.Options {
	schemaName := ""
	if set, err := s.db.schemasFor(context.Background(), s); err == nil {
		i := slices.IndexFunc(s.searchPath(), func(name string) bool { return set.schemas[name] != nil })
		if i >= 0 {
			schemaName = s.searchPath()[i]
		}
	}
	user := s.user()
	return rsql.Options{
		CaseSensitive: s.settings.on("enable_case_sensitive_identifier"),
		User:          user, Database: s.identity.Database, Schema: schemaName,
		Backend: int(s.pid), Settings: s.settings.get, Insensitive: s.collation() == insensitive,
		LastCopyCount: s.lastCopy, LastCopyID: s.lastCopyID, LastQueryID: s.lastQuery, LastUnloadCount: s.lastUnload,
	}
}

// FormatNow is Format for a Sink, which is called while a statement runs.
func (s *Session) FormatNow() duck.Format { return s.settings.format() }
