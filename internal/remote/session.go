package remote

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"stepwell/internal/sqlerr"
)

// cancelWait is how long a server may take to end a statement that it was asked
// to cancel; then the connection is given up.
const cancelWait = 10 * time.Second

// Sink receives what a statement answers. An error of the sink ends it.
type Sink interface {
	// Columns says that there is a result set.
	Columns(columns []Column) error
	// Row is a row of it: nil, bool, int64, float64, string or []byte by column.
	// The slice is the session's again on return.
	Row(values []any) error
}

// Session is a connection to a server, used by one goroutine at a time.
type Session struct {
	conn  *pgconn.PgConn
	login Login
	asks  dialect
}

// Connect opens a session. parameters are set at startup. Errors are
// *sqlerr.Error of severity FATAL.
func Connect(ctx context.Context, l Login, parameters map[string]string) (*Session, error) {
	conn, err := dial(ctx, l, parameters)
	if err != nil {
		return nil, err
	}
	s := &Session{conn: conn, login: l}
	if s.asks, err = s.dialect(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// dial connects and becomes the user to act as.
func dial(ctx context.Context, l Login, parameters map[string]string) (*pgconn.PgConn, error) {
	// The text only makes a Config: what the environment adds is overwritten.
	c, err := pgconn.ParseConfig("host=localhost sslmode=disable connect_timeout=30")
	if err != nil {
		return nil, sqlerr.New(sqlerr.InternalError, "cannot make a connection: %v", err)
	}
	c.Host, c.Port, c.Database, c.User, c.Password = l.Host, uint16(l.Port), l.Database, l.User, l.Password
	c.TLSConfig, c.Fallbacks, c.ValidateConnect, c.AfterConnect = l.TLS, nil, nil, nil
	c.RuntimeParams = map[string]string{"application_name": "stepwell"}
	for name, value := range parameters {
		c.RuntimeParams[name] = value
	}
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelWait}
	}
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		return nil, refused(l, err)
	}
	if l.As == "" || l.As == l.User {
		return conn, nil
	}
	err = conn.Exec(ctx, `SET SESSION AUTHORIZATION "`+strings.ReplaceAll(l.As, `"`, `""`)+`"`).Close()
	if err != nil {
		closeNow(conn)
		return nil, refused(l, err)
	}
	return conn, nil
}

// refused is an error before there is a session.
func refused(l Login, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		e := answer(pg)
		e.Severity = "FATAL"
		return e
	}
	// The library's text repeats user and database, and each address it tried.
	reason := err
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		reason = connect.Unwrap()
	}
	return &sqlerr.Error{Severity: "FATAL", Code: connectionFailure, Message: "cannot connect to " + l.Place() + ": " + strings.TrimSpace(reason.Error())}
}

func closeNow(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn.Close(ctx)
}

// SQLSTATEs of class 08 (connection exceptions) that sqlerr's servers never send.
const (
	connectionFailure = "08006"
	// OutcomeUnknown is the SQLSTATE of a statement or a commit whose connection
	// was lost: it may have taken effect.
	OutcomeUnknown = "08007"
)

// PID is the process at the server.
func (s *Session) PID() int64 { return int64(s.conn.PID()) }

// Status is I outside a transaction, T in one and E in a failed one.
func (s *Session) Status() byte { return s.conn.TxStatus() }

// Close ends the session; what it had not committed is rolled back.
func (s *Session) Close() {
	closeNow(s.conn)
}

var stream = regexp.MustCompile(`(?is)\b(from\s+stdin|to\s+stdout)\b`)

// Run runs one statement with text arguments for $1, $2, ... and returns the
// number of rows it affected or returned. Outside a transaction it has been
// committed when Run returns nil, and has no effect when Run returns an error,
// unless the error's code is OutcomeUnknown.
func (s *Session) Run(ctx context.Context, sql string, args []string, sink Sink) (int64, error) {
	if firstWords(sql)[0] == "copy" && stream.MatchString(sql) {
		return 0, sqlerr.NotImplemented("COPY between a bound cluster and the client (STDIN, STDOUT)")
	}
	if err := s.open(ctx); err != nil {
		return 0, err
	}
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	r := s.conn.ExecParams(running, sql, values, nil, nil, nil)
	fault := rows(r, sink)
	if fault != nil {
		stop() // and let the server end it
	}
	tag, err := r.Close()
	switch {
	case err == nil && fault == nil:
		return tag.RowsAffected(), nil
	case fault != nil:
		return 0, fault
	}
	return 0, s.failed(err, sql, tag)
}

// open refuses what would not reach the server. The library's own word on that,
// SafeToRetry, is true also of a connection that broke after a statement was sent.
func (s *Session) open(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return sqlerr.New(sqlerr.QueryCanceled, "%v", context.Cause(ctx))
	case s.conn.IsClosed():
		return &sqlerr.Error{Severity: "FATAL", Code: connectionFailure, Message: "the connection to " + s.login.Place() + " is closed"}
	}
	return nil
}

// failed words why a statement gave no answer. tag is not empty where the
// server had said that it was done.
func (s *Session) failed(err error, sql string, tag pgconn.CommandTag) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (tag.String() == "" || pg.Severity == "ERROR") {
		return answer(pg) // the server says that it failed
	}
	if s.conn.TxStatus() != 'I' && !Commits(sql) {
		return s.broken(err) // and so the transaction is gone
	}
	return s.unknown(err)
}

func (s *Session) unknown(err error) error {
	return &sqlerr.Error{Severity: "FATAL", Code: OutcomeUnknown,
		Message: "the connection to " + s.login.Place() + " was lost while the statement ran: it is not known whether it took effect",
		Detail:  err.Error()}
}

// answer is an error that the server sent, with all that we keep of one.
func answer(e *pgconn.PgError) *sqlerr.Error {
	return &sqlerr.Error{Severity: e.Severity, Code: e.Code, Message: e.Message, Detail: e.Detail, Hint: e.Hint, Context: e.Where, Position: int(e.Position)}
}

// rows passes on the result set, if there is one.
func rows(r *pgconn.ResultReader, sink Sink) error {
	fields := r.FieldDescriptions()
	if len(fields) == 0 {
		return nil
	}
	columns := make([]Column, len(fields))
	for i, f := range fields {
		columns[i] = describe(f)
	}
	if err := sink.Columns(columns); err != nil {
		return err
	}
	values := make([]any, len(fields))
	for r.NextRow() {
		for i, text := range r.Values() {
			var err error
			if values[i], err = value(fields[i].DataTypeOID, text); err != nil {
				return sqlerr.New(sqlerr.InternalError, "cannot read column %q of the result: %v", fields[i].Name, err)
			}
		}
		if err := sink.Row(values); err != nil {
			return err
		}
	}
	return nil
}

// firstWords are the first four words of a statement in lower case, "" for
// those that are not there. Comments are no words.
func firstWords(sql string) (words [4]string) {
	rest := sql
	for i := 0; i < len(words); {
		rest = strings.TrimLeft(rest, " \t\r\n\f(;")
		switch {
		case strings.HasPrefix(rest, "--"):
			_, rest, _ = strings.Cut(rest, "\n")
			continue
		case strings.HasPrefix(rest, "/*"):
			rest = afterComment(rest)
			continue
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return words
		}
		words[i], rest = strings.ToLower(rest[:end]), rest[end:]
		i++
	}
	return words
}

// afterComment is what follows a comment, which may contain others.
func afterComment(text string) string {
	for depth, i := 0, 0; i+1 < len(text); i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			i++
			if depth--; depth == 0 {
				return text[i+1:]
			}
		}
	}
	return ""
}
