package pgwire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"stepwell/internal/remote"
	"stepwell/internal/sqlerr"
	"stepwell/internal/warehouse"
)

// startupTimeout ends connections that never say who they are.
const startupTimeout = 60 * time.Second

// overTimeout is how long a client may take to read what it was sent when its
// cluster is closed.
const overTimeout = 5 * time.Second

// maxPassword and maxMessage are how long messages may be before and after the
// login, in bytes: memory for one is taken before it arrives. A statement may
// have 16 MB ("Amazon Redshift SQL"), a row of parameters more.
const (
	maxPassword = 64 << 10
	maxMessage  = 64 << 20
)

// connection is one client.
type connection struct {
	server  *Server
	conn    net.Conn
	backend *pgproto3.Backend
	out     []byte // encoded messages not yet written

	next    pgproto3.FrontendMessage // read ahead, nil: nothing
	nextErr error                    // met in reading ahead

	session  *warehouse.Session
	passage  *remote.Passage // in place of a session
	reported map[string]string
	ctx      context.Context
	cancel   context.CancelFunc

	busy     atomic.Bool // a message is being handled
	closing  atomic.Bool
	closeOne sync.Once

	statements map[string]*prepared
	portals    map[string]*portal
	skip       bool // an error happened: skip to the next Sync
}

func newConnection(s *Server, conn net.Conn) *connection {
	ctx, cancel := context.WithCancel(context.Background())
	return &connection{
		server: s, conn: conn, ctx: ctx, cancel: cancel, reported: map[string]string{},
		statements: map[string]*prepared{}, portals: map[string]*portal{},
	}
}

// finish ends the connection as soon as it is idle.
func (c *connection) finish() {
	c.closing.Store(true)
	if !c.busy.Load() {
		c.kill()
	}
}

func (c *connection) kill() {
	c.closeOne.Do(func() {
		c.cancel()
		c.conn.Close()
	})
}

func (c *connection) run() {
	defer c.kill()
	_ = c.conn.SetDeadline(time.Now().Add(startupTimeout))
	c.backend = pgproto3.NewBackend(c.conn, c.conn)
	startup, err := c.startup()
	if err != nil {
		c.fatal(err)
		return
	}
	if startup == nil {
		return
	}
	c.backend.SetMaxBodyLen(maxPassword)
	if err := c.login(*startup); err != nil {
		c.fatal(err)
		return
	}
	_ = c.conn.SetDeadline(time.Time{})
	c.backend.SetMaxBodyLen(maxMessage)
	if c.passage != nil {
		c.passThrough()
		return
	}
	defer c.session.Close()
	defer context.AfterFunc(c.session.Over(), func() {
		if c.busy.Load() { // the client may not read, and others wait for the end
			_ = c.conn.SetWriteDeadline(time.Now().Add(overTimeout))
		}
	})()
	if err := c.loop(); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, net.ErrClosed) {
		c.server.log.Debug("a Redshift connection ended", "pid", c.session.PID(), "error", err)
	}
}

// fatal reports an error that ends the connection.
func (c *connection) fatal(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return
	}
	var ne net.Error
	if errors.As(err, &ne) {
		return
	}
	e := *sqlerr.From(err)
	e.Severity = "FATAL"
	c.send(errorResponse(&e))
	_ = c.flush()
}

// startup handles everything before the startup message; nil means that the
// connection was only a cancel request.
func (c *connection) startup() (*pgproto3.StartupMessage, error) {
	secure := false
	for {
		msg, err := c.backend.ReceiveStartupMessage()
		if err != nil {
			return nil, err
		}
		switch m := msg.(type) {
		case *pgproto3.SSLRequest:
			if c.server.options.TLS == nil || secure {
				if _, err := c.conn.Write([]byte{'N'}); err != nil {
					return nil, err
				}
				continue
			}
			if _, err := c.conn.Write([]byte{'S'}); err != nil {
				return nil, err
			}
			c.conn = tls.Server(c.conn, c.server.options.TLS)
			c.backend = pgproto3.NewBackend(c.conn, c.conn)
			secure = true
		case *pgproto3.GSSEncRequest:
			if _, err := c.conn.Write([]byte{'N'}); err != nil {
				return nil, err
			}
		case *pgproto3.CancelRequest:
			c.server.cancel(m)
			return nil, nil
		case *pgproto3.StartupMessage:
			if c.server.options.RequireTLS && !secure {
				return nil, sqlerr.New(sqlerr.InvalidAuthorization, "no pg_hba.conf entry for host \"%s\", user \"%s\", database \"%s\", SSL off", hostOf(c.conn), m.Parameters["user"], m.Parameters["database"])
			}
			return m, nil
		default:
			return nil, sqlerr.New(sqlerr.ProtocolViolation, "unexpected message before startup")
		}
	}
}

func hostOf(conn net.Conn) string {
	host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	return host
}

func (c *connection) login(m pgproto3.StartupMessage) error {
	s := Startup{
		User: m.Parameters["user"], Database: m.Parameters["database"], Parameters: withCluster(m.Parameters),
		Remote: c.conn.RemoteAddr(), Local: c.conn.LocalAddr(),
	}
	if s.User == "" {
		return sqlerr.New(sqlerr.InvalidAuthorization, "no PostgreSQL user name specified in startup packet")
	}
	if s.Database == "" {
		s.Database = s.User
	}
	if err := c.authenticate(&s); err != nil {
		return err
	}
	if pass := c.server.options.PassThrough; pass != nil {
		passage, err := pass(c.ctx, s)
		if err != nil || passage != nil {
			c.passage = passage
			return err
		}
	}
	id, err := c.server.options.Resolve(c.ctx, s)
	if err != nil {
		return err
	}
	session, err := c.server.options.Warehouse.Session(c.ctx, id, sessionSettings(m.Parameters))
	if err != nil {
		return err
	}
	c.session = session
	c.send(&pgproto3.AuthenticationOk{})
	c.reportSettings()
	if _, ok := m.Parameters["client_protocol_version"]; ok {
		// Version 0 is the base protocol: results without Redshift's extensions.
		c.send(&pgproto3.ParameterStatus{Name: "server_protocol_version", Value: "0"})
	}
	c.send(&pgproto3.ParameterStatus{Name: "padb_version", Value: "PadbVersion 1.0.77467"})
	c.send(&pgproto3.ParameterStatus{Name: "padb_revision", Value: "77467"})
	c.send(&pgproto3.BackendKeyData{ProcessID: uint32(session.PID()), SecretKey: secretBytes(session.Secret())})
	return c.ready()
}

// sessionSettings are the startup parameters that set configuration
// parameters, those inside "options" (-c name=value) included.
func sessionSettings(parameters map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range parameters {
		switch name {
		case "user", "database", "replication", "options", "client_protocol_version", "cluster":
		default:
			out[strings.ToLower(name)] = value
		}
	}
	words := strings.Fields(parameters["options"])
	for i, word := range words {
		setting, ok := strings.CutPrefix(word, "-c")
		if ok && setting == "" && i+1 < len(words) {
			setting = words[i+1]
		}
		if !ok {
			setting, ok = strings.CutPrefix(word, "--")
		}
		if name, value, found := strings.Cut(setting, "="); ok && found && name != "cluster" {
			out[strings.ToLower(name)] = value
		}
	}
	return out
}

// authenticate asks for the password in clear text: every client supports that
// and the answer can be checked against any store.
func (c *connection) authenticate(s *Startup) error {
	if c.server.options.Authenticate == nil {
		return nil
	}
	c.send(&pgproto3.AuthenticationCleartextPassword{})
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.backend.SetAuthType(pgproto3.AuthTypeCleartextPassword); err != nil {
		return err
	}
	msg, err := c.backend.Receive()
	if err != nil {
		return err
	}
	p, ok := msg.(*pgproto3.PasswordMessage)
	if !ok {
		return sqlerr.New(sqlerr.ProtocolViolation, "expected password response, got message %T", msg)
	}
	s.Password = p.Password
	return c.server.options.Authenticate(c.ctx, *s, p.Password)
}

// wireNames are the parameters whose name on the wire is not lower case.
var wireNames = map[string]string{"datestyle": "DateStyle", "timezone": "TimeZone"}

// reportSettings sends the parameters that changed since they were last sent.
func (c *connection) reportSettings() {
	now := c.session.ReportedSettings()
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if old, ok := c.reported[name]; ok && old == now[name] {
			continue
		}
		wire := name
		if w, ok := wireNames[name]; ok {
			wire = w
		}
		c.send(&pgproto3.ParameterStatus{Name: wire, Value: now[name]})
	}
	c.reported = now
}

// send puts a message behind those that wait to be written: a client reads an
// answer at once when it comes at once.
func (c *connection) send(m pgproto3.BackendMessage) {
	out, err := m.Encode(c.out)
	if err != nil {
		out, _ = errorResponse(sqlerr.New(sqlerr.InternalError, "cannot encode a message: %v", err)).Encode(c.out)
	}
	c.out = out
}

// flush writes what waits.
func (c *connection) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

// ready ends an exchange.
func (c *connection) ready() error {
	c.send(&pgproto3.ReadyForQuery{TxStatus: c.session.Status()})
	return c.flush()
}

// loop handles messages until the client goes.
func (c *connection) loop() error {
	for {
		msg, err := c.receive()
		var long *pgproto3.ExceededMaxBodyLenErr
		if errors.As(err, &long) {
			c.fatal(sqlerr.New(sqlerr.ProtocolViolation, "invalid message length"))
		}
		if err != nil {
			return err
		}
		c.busy.Store(true)
		over, err := c.handle(msg)
		c.busy.Store(false)
		if err != nil || over {
			return err
		}
		if c.closing.Load() {
			c.fatal(sqlerr.New(sqlerr.AdminShutdown, "terminating connection due to administrator command"))
			return nil
		}
	}
}

func (c *connection) receive() (pgproto3.FrontendMessage, error) {
	msg, err := c.next, c.nextErr
	c.next, c.nextErr = nil, nil
	if msg != nil || err != nil {
		return msg, err
	}
	return c.backend.Receive()
}

// syncFollows says whether the message after this one is Sync. A client waits
// for nothing before it has sent that, or Flush.
func (c *connection) syncFollows() bool {
	c.busy.Store(false)
	c.next, c.nextErr = c.backend.Receive()
	c.busy.Store(true)
	_, ok := c.next.(*pgproto3.Sync)
	return ok
}

func (c *connection) handle(msg pgproto3.FrontendMessage) (over bool, err error) {
	switch msg.(type) {
	case *pgproto3.Terminate:
		return true, nil
	case *pgproto3.Sync:
		return false, c.sync()
	case *pgproto3.Flush:
		return false, c.flush()
	}
	if c.skip {
		return false, nil
	}
	switch m := msg.(type) {
	case *pgproto3.Query:
		return false, c.query(m.String)
	case *pgproto3.Parse:
		err = c.parse(m)
	case *pgproto3.Bind:
		err = c.bind(m)
	case *pgproto3.Describe:
		err = c.describe(m)
	case *pgproto3.Execute:
		err = c.execute(m)
	case *pgproto3.Close:
		c.close(m)
	case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
		// What is left of a COPY that was refused.
	case *pgproto3.FunctionCall:
		err = sqlerr.NotImplemented("the function call protocol")
	default:
		err = sqlerr.New(sqlerr.ProtocolViolation, "invalid frontend message type %T", msg)
	}
	var broken *brokenWire
	if errors.As(err, &broken) {
		return true, broken.err
	}
	if err != nil {
		c.session.Abort()
		c.skip = true
		err = c.fail(err)
	}
	return err != nil, err
}

// brokenWire is an error of the connection itself: there is nobody to tell.
type brokenWire struct{ err error }

func (b *brokenWire) Error() string { return b.err.Error() }

// fail reports an error. One that ends the session comes back as the end of the
// connection.
func (c *connection) fail(err error) error {
	c.server.log.Debug("a statement failed", "pid", c.session.PID(), "error", err)
	e := sqlerr.From(err)
	c.send(errorResponse(e))
	if e.Severity != "FATAL" {
		return nil
	}
	_ = c.flush() // the client may be gone
	return &brokenWire{io.EOF}
}

func (c *connection) query(text string) error {
	c.server.log.Debug("query", "pid", c.session.PID(), "sql", text)
	sink := &rowSink{c: c, describe: true}
	err := c.session.Execute(c.ctx, text, sink)
	var broken *brokenWire
	if errors.As(err, &broken) {
		return broken.err
	}
	switch {
	case err != nil:
		if err := c.fail(err); err != nil {
			return err
		}
	case !sink.any:
		c.send(&pgproto3.EmptyQueryResponse{})
	}
	clear(c.portals)
	c.reportSettings()
	return c.ready()
}

func (c *connection) sync() error {
	c.skip = false
	if err := c.session.Sync(c.ctx); err != nil {
		if err := c.fail(err); err != nil {
			return err
		}
	}
	if c.session.Status() == 'I' {
		clear(c.portals)
	}
	c.reportSettings()
	return c.ready()
}

func errorResponse(e *sqlerr.Error) *pgproto3.ErrorResponse {
	severity := e.Severity
	if severity == "" {
		severity = "ERROR"
	}
	return &pgproto3.ErrorResponse{
		Severity: severity, SeverityUnlocalized: severity, Code: e.Code, Message: e.Message, Detail: e.Detail, Hint: e.Hint,
		Position: int32(e.Position), Where: e.Context,
	}
}

func noticeResponse(e *sqlerr.Error) *pgproto3.NoticeResponse {
	return (*pgproto3.NoticeResponse)(errorResponse(e))
}
