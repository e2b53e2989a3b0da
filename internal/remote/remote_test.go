package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"stepwell/internal/sqlerr"
)

// answers collects what a statement answers, as text.
type answers struct {
	b     strings.Builder
	after int // rows to fail after; 0 is never
}

func (a *answers) Columns(columns []Column) error {
	for _, c := range columns {
		fmt.Fprintf(&a.b, "%s %s(%d,%d); ", c.Name, c.Type, c.Precision, c.Scale)
	}
	return nil
}

var errFull = errors.New("full")

func (a *answers) Row(values []any) error {
	a.b.WriteString("|")
	for _, v := range values {
		fmt.Fprintf(&a.b, " %T:%v", v, v)
	}
	if a.after--; a.after == 0 {
		return errFull
	}
	return nil
}

func describeError(err error) string {
	var e *sqlerr.Error
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("%s %s %s; %s; %s; %d", e.Severity, e.Code, e.Message, e.Detail, e.Hint, e.Position)
}

func TestPostgres(t *testing.T) {
	s := startPostgres(t)
	for name, f := range map[string]func(*testing.T, server){
		"values": testValues, "transactions": testTransactions, "lost": testLost, "cancel": testCancel, "login": testLogin,
		"catalog": testCatalog, "passage": testPassage,
	} {
		t.Run(name, func(t *testing.T) { f(t, s) })
	}
}

func testValues(t *testing.T, s server) {
	session := s.connect(t)
	for _, c := range []struct {
		sql  string
		args []string
		want string
	}{
		{"select 1::int2 a, 2::int4 b, 3::int8 c, true d, false e", nil, "a int2(0,0); b int4(0,0); c int8(0,0); d bool(0,0); e bool(0,0); | int64:1 int64:2 int64:3 bool:true bool:false 1"},
		{"select 1.50::numeric(10,2) n, null::int4 z, 'x'::varchar(7) v, 'y'::char(3) c", nil, "n numeric(10,2); z int4(0,0); v varchar(7,0); c bpchar(3,0); | string:1.50 <nil>:<nil> string:x string:y   1"},
		{"select 0.5::float4, 'NaN'::float8, '\\x00ff'::bytea, date '2024-02-29', timestamp '2024-02-29 01:02:03.5'", nil,
			"float4 float4(0,0); float8 float8(0,0); bytea bytea(0,0); date date(0,0); timestamp timestamp(0,0); | float64:0.5 float64:NaN []uint8:[0 255] string:2024-02-29 string:2024-02-29 01:02:03.5 1"},
		{"select $1::int4 + 1 x, $2::text y", []string{"41", "it's"}, "x int4(0,0); y text(0,0); | int64:42 string:it's 1"},
		{"select i from generate_series(1,3) i where i > 5", nil, "i int4(0,0);  0"},
		{"create table t (i int not null primary key)", nil, " 0"},
		{"insert into t select generate_series(1,4)", nil, " 4"},
		{"delete from t where i > $1", []string{"2"}, " 2"},
		{"", nil, " 0"},
		{"select 1; select 2", nil, " ERROR 42601 cannot insert multiple commands into a prepared statement; ; ; 0"},
		{"selec 1", nil, ` ERROR 42601 syntax error at or near "selec"; ; ; 1`},
		{"insert into t values (1)", nil, ` ERROR 23505 duplicate key value violates unique constraint "t_pkey"; Key (i)=(1) already exists.; ; 0`},
		{"select 1/(i-2) from t order by i", nil, "?column? int4(0,0); | int64:-1 ERROR 22012 division by zero; ; ; 0"},
		{"select nothing from t", nil, ` ERROR 42703 column "nothing" does not exist; ; ; 8`},
		{" -- a /* comment\n copy t from stdin", nil, " " + describeError(sqlerr.NotImplemented("COPY between a bound cluster and the client (STDIN, STDOUT)"))},
	} {
		a := &answers{}
		n, err := session.Run(t.Context(), c.sql, c.args, a)
		got := a.b.String() + fmt.Sprintf(" %d", n)
		if err != nil {
			got = a.b.String() + " " + describeError(err)
		}
		if got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.sql, got, c.want)
		}
	}
	a := &answers{after: 3}
	if _, err := session.Run(t.Context(), "select generate_series(1, 100000000)", nil, a); !errors.Is(err, errFull) {
		t.Errorf("a sink that is full: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(describeError(err))
	}
}

func (s *Session) do(t *testing.T, sql string) {
	t.Helper()
	_, err := s.Run(t.Context(), sql, nil, &answers{})
	must(t, err)
}

func testTransactions(t *testing.T, s server) {
	session, l := s.connect(t), s.login(t)
	session.do(t, "create table moves (i int unique deferrable initially deferred)")
	must(t, session.Begin(t.Context()))
	session.do(t, "select 1")
	if id, err := session.Transaction(t.Context()); id != "" || err != nil {
		t.Errorf("a transaction that wrote nothing is %q, %v", id, err)
	}
	must(t, session.Commit(t.Context()))

	must(t, session.Begin(t.Context()))
	session.do(t, "insert into moves values (1)")
	kept, err := session.Transaction(t.Context())
	must(t, err)
	if _, err := Decided(t.Context(), l, kept); err == nil || strings.Contains(describeError(err), OutcomeUnknown) || !strings.Contains(err.Error(), "in progress") {
		t.Errorf("under way: %v", err)
	}
	must(t, session.Commit(t.Context()))

	must(t, session.Begin(t.Context()))
	session.do(t, "insert into moves values (2)")
	dropped, err := session.Transaction(t.Context())
	must(t, err)
	must(t, session.Rollback(t.Context()))

	must(t, session.Begin(t.Context()))
	session.do(t, "insert into moves values (1)")
	if got := describeError(session.Commit(t.Context())); !strings.HasPrefix(got, "ERROR 23505 ") || session.Status() != 'I' {
		t.Errorf("a commit that a constraint refuses: %s, status %c", got, session.Status())
	}
	must(t, session.Begin(t.Context()))
	session.Run(t.Context(), "select 1/0", nil, &answers{})
	if got := describeError(session.Commit(t.Context())); !strings.Contains(got, "rolled back") {
		t.Errorf("a commit of a failed transaction: %s", got)
	}

	for _, c := range []struct{ transaction, want string }{
		{kept, "true <nil>"}, {dropped, "false <nil>"},
		{Unresolvable, "false FATAL 08007 "}, {"postgres elsewhere:5439 7", "false FATAL 08007 "},
		{"redshift " + l.Place() + " 7", "false FATAL 08007 "}, {"postgres " + l.Place() + " 99999999", "false FATAL 08007 "},
	} {
		yes, err := Decided(t.Context(), l, c.transaction)
		if got := fmt.Sprint(yes, " ", describeError(err)); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s, want %s", c.transaction, got, c.want)
		}
	}
}

// relay stands between a session and the server and cuts the connection when
// the client sends a text, before or after passing it on.
type relay struct {
	port   int
	text   string
	passed bool // pass the text on, and withhold the answer
}

func (r relay) listen(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		client, err := l.Accept()
		if err != nil {
			return
		}
		defer client.Close()
		server, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", r.port))
		if err != nil {
			return
		}
		defer server.Close()
		go io.Copy(client, server)
		buf := make([]byte, 64<<10)
		for {
			n, err := client.Read(buf)
			if err != nil {
				return
			}
			if strings.Contains(string(buf[:n]), r.text) {
				if r.passed {
					client.Close()
					server.Write(buf[:n])
					server.SetReadDeadline(time.Now().Add(5 * time.Second))
					io.Copy(io.Discard, server) // until the server is done with it
				}
				return
			}
			server.Write(buf[:n])
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func testLost(t *testing.T, s server) {
	s.connect(t).do(t, "create table lost (i int)")
	for _, c := range []struct {
		name, text      string
		passed, guarded bool
		code            string // of the statement's or the commit's error
		committed       bool
	}{
		{"a guarded statement", "insert", false, true, connectionFailure, false},
		{"a commit that is not sent", "COMMIT", false, true, OutcomeUnknown, false},
		{"a commit whose answer is lost", "COMMIT", true, true, OutcomeUnknown, true},
		{"a lone statement", "insert", false, false, OutcomeUnknown, false},
		{"a lone statement whose answer is lost", "insert", true, false, OutcomeUnknown, true},
	} {
		l := s.login(t)
		l.Port = relay{s.port, c.text, c.passed}.listen(t)
		session, err := Connect(t.Context(), l, nil)
		must(t, err)
		var id string
		if c.guarded {
			must(t, session.Begin(t.Context()))
		}
		_, err = session.Run(t.Context(), "insert into lost values (1)", nil, &answers{})
		if err == nil && c.guarded {
			id, err = session.Transaction(t.Context())
			must(t, err)
			err = session.Commit(t.Context())
		}
		var e *sqlerr.Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%s: %s, want code %s", c.name, describeError(err), c.code)
		}
		session.Close()
		if id == "" {
			continue
		}
		// The session's server is at the relay's place; it is the same behind it.
		id = strings.Replace(id, l.Place(), s.login(t).Place(), 1)
		if yes, err := settled(t, s.login(t), id); yes != c.committed || err != nil {
			t.Errorf("%s: committed %v, %v", c.name, yes, err)
		}
	}
}

// settled asks until the server has noticed that the connection is gone.
func settled(t *testing.T, l Login, id string) (yes bool, err error) {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if yes, err = Decided(t.Context(), l, id); err == nil || !strings.Contains(err.Error(), "in progress") {
			return yes, err
		}
	}
	return yes, err
}

func testCancel(t *testing.T, s server) {
	session := s.connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	watcher := s.connect(t)
	go func() {
		defer cancel()
		for range 500 {
			if list, err := watcher.list(context.Background(), "select 1 from pg_stat_activity where query like 'select pg_sleep%'"); err != nil || len(list) > 0 {
				return
			}
		}
	}()
	_, err := session.Run(ctx, "select pg_sleep(60)", nil, &answers{})
	if got := describeError(err); !strings.HasPrefix(got, "ERROR 57014 ") {
		t.Errorf("cancelled: %s", got)
	}
	session.do(t, "select 1") // the session lives on

	other := s.connect(t)
	watcher.do(t, fmt.Sprintf("select pg_terminate_backend(%d)", other.PID()))
	_, err = other.Run(t.Context(), "select 1", nil, &answers{})
	if got := describeError(err); !strings.HasPrefix(got, "FATAL ") {
		t.Errorf("terminated: %s", got)
	}
}

func testLogin(t *testing.T, s server) {
	session := s.connect(t)
	session.do(t, "create role reader")
	verified := Binding{Host: "localhost", Secret: "etl", RootCert: s.cert}
	for _, c := range []struct {
		name, secret string
		binding      Binding
		change       func(*Login)
		want         string
	}{
		{"no TLS", "", Binding{SSL: Disable}, nil, "etl etl false"},
		{"TLS, whoever it is", "", Binding{SSL: Require}, nil, "etl etl true"},
		{"TLS, verified", "", verified, nil, "etl etl true"},
		{"TLS, another name", "", Binding{Secret: "etl", RootCert: s.cert}, nil, "FATAL 08006 cannot connect to 127.0.0.1:"},
		{"TLS, unknown authority", "", Binding{Host: "localhost"}, nil, "FATAL 08006 cannot connect to localhost:"},
		{"acting as another", "", Binding{SSL: Disable}, func(l *Login) { l.As = "reader" }, "reader reader false"},
		{"acting as nobody", "", Binding{SSL: Disable}, func(l *Login) { l.As = "ghost" }, `FATAL 22023 role "ghost" does not exist`},
		{"wrong password", `{"host":"127.0.0.1","port":%d,"username":"etl","password":"wrong"}`, Binding{SSL: Disable}, nil, `FATAL 28P01 password authentication failed for user "etl"`},
		{"no such database", "", Binding{SSL: Disable, Database: "nowhere"}, nil, `FATAL 3D000 database "nowhere" does not exist`},
		{"nobody listens", "", Binding{SSL: Disable, Port: 1}, nil, "FATAL 08006 cannot connect to 127.0.0.1:1"},
		{"not a secret", `{"username":"etl","port":%d}`, Binding{Secret: "etl"}, nil, "cannot use secret etl: it must be a JSON object with username and password"},
		{"another user", "", Binding{User: "awsuser", Secret: "etl"}, nil, "cannot use secret etl: it is of user etl, and the cluster is bound as user awsuser"},
		{"no host", `{"username":"etl","password":"x","port":%d}`, Binding{Secret: "etl"}, nil, "cannot tell where the cluster is"},
	} {
		text := c.secret
		if text == "" {
			text = secretJSON
		}
		l, err := c.binding.Login(fmt.Sprintf(text, s.port))
		if c.binding.Database == "" && c.secret != "" {
			l.Database = "postgres"
		}
		var session *Session
		if err == nil {
			if c.change != nil {
				c.change(&l)
			}
			session, err = Connect(t.Context(), l, nil)
		}
		got := describeError(err)
		if err == nil {
			who, err := session.list(t.Context(), "select current_user, session_user")
			must(t, err)
			_, secure := session.conn.Conn().(*tls.Conn)
			got = fmt.Sprint(strings.Join(who[0], " "), " ", secure)
			session.Close()
		}
		if !strings.HasPrefix(got, c.want) || strings.Contains(got, "s3cret") {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func testCatalog(t *testing.T, s server) {
	session := s.connect(t)
	session.do(t, "create schema sales")
	session.do(t, "create table sales.orders (id bigint not null, price numeric(8,2) default 0, name varchar(9), at timestamp)")
	session.do(t, "create view sales.cheap as select * from sales.orders")
	databases, err := session.Databases(t.Context())
	must(t, err)
	schemas, err := session.Schemas(t.Context(), "s%s")
	must(t, err)
	tables, err := session.Tables(t.Context(), "sales", "")
	must(t, err)
	columns, err := session.Columns(t.Context(), "sales", "orders")
	must(t, err)
	none, err := session.Columns(t.Context(), "", "orders")
	must(t, err)
	got := fmt.Sprint(databases, schemas, tables, columns, none)
	want := "[postgres template1] [sales] [{sales cheap VIEW} {sales orders TABLE}] " +
		"[{id int8 0 0 true sales } {price numeric 8 2 false sales 0} {name varchar 9 0 false sales } {at timestamp 0 0 false sales }] []"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func testPassage(t *testing.T, s server) {
	p, err := Pass(t.Context(), s.login(t), map[string]string{"user": "x", "database": "y", "cluster": "z",
		"options": "-c cluster=z -c work_mem=123kB", "application_name": "client"})
	must(t, err)
	ours, theirs := net.Pipe()
	go p.Serve(theirs)
	query := func(sql string) string {
		t.Helper()
		msg := append([]byte{'Q', 0, 0, 0, byte(len(sql) + 5)}, sql+"\x00"...)
		if _, err := ours.Write(msg); err != nil {
			t.Fatal(err)
		}
		var all []byte
		for buf := make([]byte, 4096); !strings.HasSuffix(string(all), "Z\x00\x00\x00\x05I"); {
			n, err := ours.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, buf[:n]...)
		}
		return string(all)
	}
	if got := query("select current_setting('work_mem') || current_setting('application_name')"); !strings.Contains(got, "123kBclient") {
		t.Errorf("parameters at startup: %q", got)
	}
	pid, secret := p.Key()
	if pid == 0 || len(secret) == 0 || p.Parameters()["server_version"] == "" {
		t.Errorf("key %d %x, parameters %v", pid, secret, p.Parameters())
	}
	ours.Close()
}
