package pgwire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"stepwell/internal/lake"
	"stepwell/internal/sqlerr"
	"stepwell/internal/warehouse"
)

// serve starts a listener over an empty warehouse and returns its URL.
func serve(t *testing.T, options Options) (url string, server *Server) {
	dir := t.TempDir()
	w, err := warehouse.Open(warehouse.Options{Dir: filepath.Join(dir, "redshift"), Objects: lake.DirObjects{Root: dir}, Catalog: lake.NewMemoryCatalog()})
	if err != nil {
		t.Fatal(err)
	}
	options.Warehouse = w
	options.Resolve = func(_ context.Context, s Startup) (warehouse.Identity, error) {
		return warehouse.Identity{Account: "000000000000", Region: "us-east-1", Cluster: "c", Database: s.Database, User: s.User}, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server = New(options)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := errors.Join(server.Shutdown(ctx), <-done, w.Close()); err != nil {
			t.Error(err)
		}
	})
	return "postgres://awsuser:secret@" + l.Addr().String() + "/dev?sslmode=prefer", server
}

func connect(t *testing.T, url string) *pgx.Conn {
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func TestSimpleQuery(t *testing.T) {
	url, _ := serve(t, Options{})
	conn := connect(t, url).PgConn()
	for _, x := range []struct{ sql, want string }{
		{"", "|"},
		{"SELECT 1 AS a, NULL AS b, 'x'::varchar(3)", "a:23 b:23 varchar:1043|1,NULL,x|SELECT"},
		{"CREATE TABLE t (a int, b decimal(8,2)); INSERT INTO t VALUES (1, 2.5), (2, NULL)", "|CREATE TABLE;|INSERT 0 2"},
		{"SELECT * FROM t ORDER BY a", "a:23 b:1700|1,2.50|2,NULL|SELECT"},
		{"SELECT a FROM t WHERE a > 5", "a:23|SELECT"},
		{"SELECT nope FROM t", "ERROR 42703 at 8"},
		{"SELEC 1", "ERROR 42601 at 1"},
		{"SELECT 1; SELECT :x", "ERROR 42601 at 18"},
		{"UPDATE t SET a = a; SELECT 1/0; DELETE FROM t", "|UPDATE 2;ERROR 22012 at 0"},
		{"COPY t FROM STDIN", "ERROR 0A000 at 13"},
		{"BEGIN", "|BEGIN"},
		{"SHOW transaction_isolation", "transaction_isolation:1043|serializable|SHOW"},
		{"COMMIT", "|COMMIT"},
	} {
		if got := simple(conn, x.sql); got != x.want {
			t.Errorf("%s\ngot  %s\nwant %s", x.sql, got, x.want)
		}
	}
}

// simple runs a script and prints its results: columns|rows|tag;...
func simple(conn *pgconn.PgConn, sql string) string {
	var out []string
	reader := conn.Exec(context.Background(), sql)
	for reader.NextResult() {
		r := reader.ResultReader()
		var parts []string
		var head []string
		for _, f := range r.FieldDescriptions() {
			head = append(head, f.Name+":"+fmt.Sprint(f.DataTypeOID))
		}
		parts = append(parts, strings.Join(head, " "))
		for r.NextRow() {
			var cells []string
			for _, v := range r.Values() {
				if v == nil {
					cells = append(cells, "NULL")
				} else {
					cells = append(cells, string(v))
				}
			}
			parts = append(parts, strings.Join(cells, ","))
		}
		tag, err := r.Close()
		if err == nil {
			out = append(out, strings.Join(append(parts, tag.String()), "|"))
		}
	}
	if err := reader.Close(); err != nil {
		out = append(out, errorText(err))
	}
	return strings.Join(out, ";")
}

func errorText(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return "ERROR " + e.Code + " at " + fmt.Sprint(e.Position)
	}
	return err.Error()
}

// TestTypes sends values through the extended protocol, in binary both ways.
func TestTypes(t *testing.T) {
	url, _ := serve(t, Options{})
	conn := connect(t, url)
	ctx := context.Background()
	var (
		b   bool
		i2  int16
		i4  int32
		i8  int64
		f4  float32
		f8  float64
		s   string
		d   time.Time
		ts  time.Time
		tz  time.Time
		num string
	)
	err := conn.QueryRow(ctx, `SELECT true, 2::smallint, $1::int, 4::bigint, 1.5::real, 2.25::float, 'text', DATE '2024-02-29',
		TIMESTAMP '2024-01-02 03:04:05.5', '2024-01-02 03:04:05+00'::timestamptz, (-12345678.000901)::decimal(20,6)::varchar`, 3).
		Scan(&b, &i2, &i4, &i8, &f4, &f8, &s, &d, &ts, &tz, &num)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{b, i2, i4, i8, f4, f8, s, d.Format(time.DateOnly), ts.Format(time.RFC3339Nano), tz.UTC().Format(time.RFC3339), num}
	want := []any{true, int16(2), int32(3), int64(4), float32(1.5), 2.25, "text", "2024-02-29", "2024-01-02T03:04:05.5Z", "2024-01-02T03:04:05Z", "-12345678.000901"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestWidths has values in binary as wide as the column described, whatever
// the parameter's type does to the expression.
func TestWidths(t *testing.T) {
	url, _ := serve(t, Options{})
	conn := connect(t, url).PgConn()
	ctx := context.Background()
	if got := simple(conn, "CREATE TABLE pt (i int); INSERT INTO pt VALUES (1)"); strings.Contains(got, "ERROR") {
		t.Fatal(got)
	}
	widths := map[uint32]int{16: 1, 21: 2, 23: 4, 20: 8, 700: 4, 701: 8, 1082: 4, 1114: 8}
	for _, sql := range []string{"select $1 as x", "select $1 + 1", "select i + $1 from pt", "select i * $1 as i from pt", "select coalesce($1, i) from pt", "select abs($1)", "select case when i = 1 then $1 end from pt"} {
		for _, oid := range []uint32{21, 23, 20, 701} {
			for _, value := range [][]byte{[]byte("2"), nil} {
				r := conn.ExecParams(ctx, sql, [][]byte{value}, []uint32{oid}, []int16{0}, []int16{1}).Read()
				if r.Err != nil {
					t.Errorf("%s with %d: %v", sql, oid, r.Err)
					continue
				}
				f, cell := r.FieldDescriptions[0], r.Rows[0][0]
				if cell != nil && len(cell) != widths[f.DataTypeOID] {
					t.Errorf("%s with %d: type %d in %d bytes", sql, oid, f.DataTypeOID, len(cell))
				}
			}
		}
	}
}

// TestUntypedParameters takes parameters of no declared type as PostgreSQL does.
func TestUntypedParameters(t *testing.T) {
	url, _ := serve(t, Options{})
	conn := connect(t, url).PgConn()
	if got := simple(conn, "CREATE TABLE pt (i int, n decimal(8,2)); INSERT INTO pt VALUES (1, 2.5)"); strings.Contains(got, "ERROR") {
		t.Fatal(got)
	}
	for _, x := range []struct{ sql, value, want string }{
		{"select $1::date", "2024-02-29", "1082 2024-02-29"},
		{"select cast($1 as date)", "2024-02-29", "1082 2024-02-29"},
		{"select $1::date", "nonsense", "ERROR 22007 at 0"},
		{"select $1::timestamp", "2024-02-29 01:02:03", "1114 2024-02-29 01:02:03"},
		{"select $1::timestamptz", "2024-02-29 01:02:03", "1184 2024-02-29 01:02:03+00"},
		{"select $1::boolean", "yes", "16 t"},
		{"select null::date is null or $1 = '1'", "1", "16 t"},
		{"select i + $1 from pt", "2", "23 3"},
		{"select $1 - i from pt", "2", "23 1"},
		{"select 7 / $1", "2", "23 3"},
		{"select n * $1 from pt", "2", "1700 5.00000000"},
		{"select i + $1 from pt", "x", "ERROR 22P02 at 0"},
		{"select count(*) from pt where n = $1", "2.50", "20 1"},
		{"select count(*) from pt where n = $1", "2.504", "20 0"},
		{"select count(*) from pt where n > $1", "-2.501", "20 1"},
		{"select count(*) from pt where n between $1 and 2.5", "2.4999", "20 1"},
		{"select count(*) from pt where i = $1", "1.5", "ERROR 22P02 at 0"},
		{"select abs($1)", "-2", "701 2"},
		{"select $1 as x", "2", "1043 2"},
		{"select $1 as x, :b as y", "2", "ERROR 42601 at 17"},
	} {
		r := conn.ExecParams(context.Background(), x.sql, [][]byte{[]byte(x.value)}, nil, nil, nil).Read()
		got := cellText(r)
		if got != x.want {
			t.Errorf("%s with %s: got %s, want %s", x.sql, x.value, got, x.want)
		}
	}
}

func cellText(r *pgconn.Result) string {
	if r.Err != nil {
		return errorText(r.Err)
	}
	return fmt.Sprintf("%d %s", r.FieldDescriptions[0].DataTypeOID, r.Rows[0][0])
}

func TestNumericBinary(t *testing.T) {
	for _, text := range []string{"0", "1", "-1", "0.5", "12345678.000901", "10000", "0.0001", "99999999999999999999.99", "-0.00100"} {
		back, ok := numericText(appendNumeric(nil, text))
		if !ok || !sameNumber(back, text) {
			t.Errorf("%s came back as %s", text, back)
		}
	}
}

// TestNumericScaled: the short way gives the bytes of the long one.
func TestNumericScaled(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 9, 10, 99, 100, 9999, 10000, 10001, -123456789, 100000000, 99990000, 1 << 40, math.MaxInt64, math.MinInt64, math.MinInt64 + 1} {
		for scale := range 17 {
			text := new(big.Rat).SetFrac(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
			if got, want := appendScaled(nil, n, scale), appendNumeric(nil, text); !bytes.Equal(got, want) {
				t.Errorf("%s: % x, want % x", text, got, want)
			}
		}
	}
}

func sameNumber(a, b string) bool {
	trim := func(s string) string {
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		return s
	}
	return trim(a) == trim(b)
}

func TestParametersAndTransactions(t *testing.T) {
	url, _ := serve(t, Options{})
	conn := connect(t, url)
	ctx := context.Background()
	if _, err := conn.Exec(ctx, "CREATE TABLE p (id bigint, name varchar(20), day date, amount decimal(10,2))"); err != nil {
		t.Fatal(err)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"a", "b", "c"} {
		if _, err := tx.Exec(ctx, "INSERT INTO p VALUES ($1, $2, $3, $4)", i, name, time.Date(2024, 1, i+1, 0, 0, 0, 0, time.UTC), "1.5"); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	var n int64
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM p WHERE day >= $1 AND name <> $2", time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC), "b").Scan(&n); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if _, err := conn.Exec(ctx, "SELECT 1/$1::int", 0); errorText(err) != "ERROR 22012 at 0" {
		t.Fatal(err)
	}
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM p").Scan(&n); err != nil || n != 3 {
		t.Fatal(n, err)
	}
}

// TestPortal fetches a result in parts, with another statement in between.
func TestPortal(t *testing.T) {
	url, _ := serve(t, Options{})
	hijacked, err := connect(t, url).PgConn().Hijack()
	if err != nil {
		t.Fatal(err)
	}
	defer hijacked.Conn.Close()
	f := hijacked.Frontend
	count := func(until string) (rows int) {
		t.Helper()
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		for {
			msg, err := f.Receive()
			if err != nil {
				t.Fatal(err)
			}
			switch m := msg.(type) {
			case *pgproto3.DataRow:
				rows++
			case *pgproto3.ErrorResponse:
				t.Fatal(m.Message)
			}
			if reflect.TypeOf(msg).Elem().Name() == until {
				return rows
			}
		}
	}
	f.Send(&pgproto3.Query{String: "BEGIN"})
	count("ReadyForQuery")
	f.Send(&pgproto3.Parse{Name: "s", Query: "SELECT a.i FROM (SELECT 1 AS i UNION ALL SELECT 2 UNION ALL SELECT 3) a, (SELECT 1 AS j UNION ALL SELECT 2) b"})
	f.Send(&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "s"})
	f.Send(&pgproto3.Execute{Portal: "p", MaxRows: 4})
	f.Send(&pgproto3.Flush{})
	if n := count("PortalSuspended"); n != 4 {
		t.Fatal(n)
	}
	f.Send(&pgproto3.Parse{Query: "SELECT 1"})
	f.Send(&pgproto3.Bind{})
	f.Send(&pgproto3.Execute{})
	f.Send(&pgproto3.Flush{})
	if n := count("CommandComplete"); n != 1 {
		t.Fatal(n)
	}
	f.Send(&pgproto3.Execute{Portal: "p", MaxRows: 4})
	f.Send(&pgproto3.Sync{})
	if n := count("ReadyForQuery"); n != 2 {
		t.Fatal(n)
	}
}

func TestCancelRequest(t *testing.T) {
	url, _ := serve(t, Options{})
	conn := connect(t, url)
	if _, err := conn.Exec(context.Background(), "CREATE TABLE n AS SELECT 1 AS i UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10"); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var canceller sync.WaitGroup
	canceller.Go(func() {
		for { // the first requests may come before the statement
			if err := conn.PgConn().CancelRequest(context.Background()); err != nil {
				t.Error(err)
			}
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	_, err := conn.Exec(context.Background(), "SELECT sum(a.i*b.i+c.i*d.i+e.i*f.i+g.i*h.i+k.i) FROM n a, n b, n c, n d, n e, n f, n g, n h, n k, n l, n m", pgx.QueryExecModeSimpleProtocol)
	close(done)
	canceller.Wait()
	if errorText(err) != "ERROR 57014 at 0" {
		t.Fatal(err)
	}
}

func TestLogin(t *testing.T) {
	url, server := serve(t, Options{Authenticate: func(_ context.Context, s Startup, password string) error {
		if password != "secret" {
			return sqlerr.New(sqlerr.InvalidPassword, "password authentication failed for user \"%s\"", s.User)
		}
		return nil
	}})
	conn := connect(t, url)
	for name, want := range map[string]string{"server_version": "8.0.2", "client_encoding": "UTF8", "DateStyle": "ISO, MDY", "integer_datetimes": "on", "TimeZone": "UTC"} {
		if got := conn.PgConn().ParameterStatus(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	for old, want := range map[string]string{"secret@": "28P01", "/dev": "3D000", "awsuser": "28000"} {
		_, err := pgx.Connect(context.Background(), strings.Replace(url, old, map[string]string{"secret@": "wrong@", "/dev": "/nowhere", "awsuser": "nobody"}[old], 1))
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != want {
			t.Errorf("%s: %v", old, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "SELECT 1"); err == nil {
		t.Error("the connection is alive after Shutdown")
	}
}
