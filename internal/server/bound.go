package server

import (
	"context"
	"errors"
	"fmt"
	"strings"

	secretsapi "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/bus"
	"stepwell/internal/pgwire"
	"stepwell/internal/remote"
	"stepwell/internal/service/redshiftdata"
	"stepwell/internal/sqlerr"
)

// place is where a bound cluster belongs, and who asks for what of it.
type place struct {
	account, region string
	binding         string
	secret          string // instead of the binding's; "" is that
	database, user  string
}

// login reads the secret of a bound cluster. A user of IAM, who has no password
// there, is the secret's user.
func login(ctx context.Context, b bus.Invoker, p place) (remote.Login, error) {
	binding, err := remote.Parse(p.binding)
	if err != nil {
		return remote.Login{}, err
	}
	ctx = bus.With(ctx, bus.Caller{Account: p.account, Region: p.region, Source: "redshift"})
	l, err := unlock(ctx, b, binding)
	if err != nil {
		return l, err
	}
	if p.secret != "" {
		// Where the cluster is, the binding says still.
		binding.Host, binding.Port, binding.Database = l.Host, l.Port, l.Database
		binding.Secret, binding.User, p.user = p.secret, "", ""
		if l, err = unlock(ctx, b, binding); err != nil {
			return l, err
		}
	}
	if p.database != "" {
		l.Database = p.database
	}
	if !strings.HasPrefix(p.user, "IAM:") && !strings.HasPrefix(p.user, "IAMR:") {
		l.As = p.user
	}
	return l, nil
}

// unlock reads the secret of a binding.
func unlock(ctx context.Context, b bus.Invoker, binding remote.Binding) (remote.Login, error) {
	out, err := bus.Invoke[secretsapi.GetSecretValueOutput](ctx, b, "secretsmanager", "GetSecretValue",
		&secretsapi.GetSecretValueInput{SecretId: &binding.Secret})
	if err != nil {
		return remote.Login{}, fmt.Errorf("cannot read secret %s: %w", binding.Secret, err)
	}
	if out.SecretString == nil {
		return remote.Login{}, fmt.Errorf("cannot use secret %s: it is binary", binding.Secret)
	}
	return binding.Login(*out.SecretString)
}

// fatal is an error that kept a session from being opened.
func fatal(err error) error {
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		e = sqlerr.New(sqlerr.CannotConnectNow, "%s", err.Error())
	}
	e = new(*e)
	e.Severity = "FATAL"
	return e
}

// placeOf is where a statement goes. The cluster's master user is the secret's.
func placeOf(t redshiftdata.Target) place {
	p := place{account: t.Account, region: t.Region, binding: t.Binding, secret: t.Secret, database: t.Database, user: t.User}
	if t.Master {
		p.user = ""
	}
	return p
}

// connectBound opens a session of a bound cluster.
func (s statements) connectBound(ctx context.Context, t redshiftdata.Target) (redshiftdata.Session, error) {
	l, err := login(ctx, s.bus, placeOf(t))
	if err != nil {
		return nil, fatal(err)
	}
	session, err := remote.Connect(ctx, l, nil)
	if err != nil {
		return nil, fatal(err)
	}
	return &boundSession{session: session, login: l}, nil
}

// committedBound asks a bound cluster for the end of a transaction.
func (s statements) committedBound(ctx context.Context, t redshiftdata.Target, mark string) (bool, error) {
	if mark == remote.Unresolvable {
		return remote.Decided(ctx, remote.Login{}, mark)
	}
	l, err := login(ctx, s.bus, placeOf(t))
	if err != nil {
		return false, err
	}
	return remote.Decided(ctx, l, mark)
}

// boundSession is a session of a bound cluster that runs what the Data API asks.
type boundSession struct {
	session *remote.Session
	login   remote.Login
}

func (s *boundSession) PID() int64 { return s.session.PID() }

func (s *boundSession) Close() error {
	s.session.Close()
	return nil
}

// Execute runs statements in a transaction whose end can be asked for, where
// that is possible. What must stand alone is run as it is: if its connection is
// lost, nobody can tell what became of it.
func (s *boundSession) Execute(ctx context.Context, x redshiftdata.Execution, sink redshiftdata.Sink) error {
	single := len(x.Statements) == 1 && !x.Transaction
	if single && (s.session.Status() != 'I' || !remote.Guarded(x.Statements[0].SQL)) {
		return s.alone(ctx, x.Statements[0], sink)
	}
	err := s.transaction(ctx, x, sink)
	if single && remote.Alone(err) && s.session.Status() == 'I' {
		return s.alone(ctx, x.Statements[0], sink)
	}
	return err
}

// alone runs one statement, which commits by itself.
func (s *boundSession) alone(ctx context.Context, st redshiftdata.Statement, sink redshiftdata.Sink) error {
	if err := sink.Started(0); err != nil {
		return err
	}
	if err := sink.Prepared(true, remote.Unresolvable); err != nil {
		return err
	}
	return s.statement(ctx, 0, st, sink)
}

func (s *boundSession) transaction(ctx context.Context, x redshiftdata.Execution, sink redshiftdata.Sink) error {
	if err := s.session.Begin(ctx); err != nil {
		return err
	}
	err := s.batch(ctx, x, sink)
	if status := s.session.Status(); err != nil && (status == 'T' || status == 'E') {
		// The failed block is open still; the session is of no use if this fails.
		_ = s.session.Rollback(context.WithoutCancel(ctx))
	}
	return err
}

func (s *boundSession) batch(ctx context.Context, x redshiftdata.Execution, sink redshiftdata.Sink) error {
	for i, st := range x.Statements {
		if err := sink.Started(i); err != nil {
			return err
		}
		if remote.Commits(st.SQL) || s.session.Status() == 'I' {
			if err := sink.Prepared(true, remote.Unresolvable); err != nil {
				return err
			}
		}
		if err := s.statement(ctx, i, st, sink); err != nil {
			return err
		}
	}
	if s.session.Status() == 'I' {
		return nil // a statement of the batch, TRUNCATE say, has committed
	}
	mark, err := s.session.Transaction(ctx)
	if err != nil {
		return err
	}
	if err := sink.Prepared(mark != "", mark); err != nil {
		return err
	}
	err = s.session.Commit(ctx)
	var e *sqlerr.Error
	switch lost := errors.As(err, &e) && e.Code == remote.OutcomeUnknown; {
	case lost && mark == "":
		return nil // nothing was written: there was nothing to commit
	case lost && mark != remote.Unresolvable:
		return &redshiftdata.Undecided{Err: err}
	}
	return err
}

func (s *boundSession) statement(ctx context.Context, i int, st redshiftdata.Statement, sink redshiftdata.Sink) error {
	n, err := s.session.Run(ctx, st.SQL, st.Args, &boundSink{to: sink, index: i})
	if err != nil {
		return err
	}
	return sink.Done(i, redshiftdata.Outcome{Rows: n})
}

// boundSink passes what one statement answers on to the Data API's sink.
type boundSink struct {
	to    redshiftdata.Sink
	index int
}

func (s *boundSink) Columns(columns []remote.Column) error {
	return s.to.Columns(s.index, boundColumns(columns, ""))
}

func (s *boundSink) Row(values []any) error { return s.to.Row(s.index, values) }

func boundColumns(columns []remote.Column, table string) []redshiftdata.Column {
	list := make([]redshiftdata.Column, len(columns))
	for i, c := range columns {
		list[i] = redshiftdata.Column{Name: c.Name, Type: c.Type, Precision: c.Precision, Scale: c.Scale, NotNull: c.NotNull,
			Schema: c.Schema, Table: table, Default: c.Default}
	}
	return list
}

func (s *boundSession) Databases(ctx context.Context) ([]string, error) {
	return s.session.Databases(ctx)
}

// in calls f with a session of the database: this one, or one made for it.
func (s *boundSession) in(ctx context.Context, database string, f func(*remote.Session) error) error {
	if database == "" || database == s.login.Database {
		return f(s.session)
	}
	l := s.login
	l.Database = database
	other, err := remote.Connect(ctx, l, nil)
	if err != nil {
		return err
	}
	defer other.Close()
	return f(other)
}

func (s *boundSession) Schemas(ctx context.Context, database, pattern string) (names []string, err error) {
	err = s.in(ctx, database, func(in *remote.Session) error {
		names, err = in.Schemas(ctx, pattern)
		return err
	})
	return names, err
}

func (s *boundSession) Tables(ctx context.Context, database, schemaPattern, tablePattern string) (list []redshiftdata.Table, err error) {
	err = s.in(ctx, database, func(in *remote.Session) error {
		found, err := in.Tables(ctx, schemaPattern, tablePattern)
		for _, r := range found {
			list = append(list, redshiftdata.Table{Schema: r.Schema, Name: r.Name, Type: r.Type})
		}
		return err
	})
	return list, err
}

func (s *boundSession) Columns(ctx context.Context, database, schema, table string) (list []redshiftdata.Column, err error) {
	err = s.in(ctx, database, func(in *remote.Session) error {
		columns, err := in.Columns(ctx, schema, table)
		list = boundColumns(columns, table)
		return err
	})
	return list, err
}

// passThrough connects a client of the wire protocol to the bound cluster that
// it speaks to; nil where that is answered here.
func (s *Server) passThrough(ctx context.Context, c pgwire.Startup) (*remote.Passage, error) {
	g, err := s.granted(ctx, c)
	if err != nil || g.Binding == "" {
		return nil, err
	}
	p := place{account: g.Account, region: g.Region, binding: g.Binding, database: g.Database, user: g.User}
	if g.Master {
		p.user = ""
	}
	l, err := login(ctx, s.bus, p)
	if err != nil {
		return nil, fatal(err)
	}
	return remote.Pass(ctx, l, c.Parameters)
}

// bind binds clusters as the options say: NAME=BINDING.
func (s *Server) bind(ctx context.Context) error {
	ctx = bus.With(ctx, bus.Caller{Account: s.options.Account, Region: s.options.Region})
	for _, text := range s.options.Bind {
		name, binding, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("cannot bind %q: write NAME=HOST:PORT,secret=SECRET", text)
		}
		if err := s.services.redshift.Bind(ctx, name, binding); err != nil {
			return fmt.Errorf("cannot bind cluster %s: %w", name, err)
		}
	}
	return nil
}
