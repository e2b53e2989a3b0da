package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"stepwell/internal/duck"
)

// wire is a connection of Redshift's protocol that counts rows and does not
// decode them, so that the server is measured and not a driver.
type wire struct {
	conn net.Conn
	r    *bufio.Reader
}

// dial opens a session. The size of the buffer is that of a driver.
func dial(b *testing.B, address string) *wire {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	w := &wire{conn, bufio.NewReaderSize(conn, 64<<10)}
	if _, err := w.send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: map[string]string{"user": "awsuser", "database": "dev"}}); err != nil {
		b.Fatal(err)
	}
	return w
}

// send sends messages and reads the answer up to ReadyForQuery.
func (w *wire) send(messages ...pgproto3.FrontendMessage) (rows int, err error) {
	var out []byte
	for _, m := range messages {
		if out, err = m.Encode(out); err != nil {
			return 0, err
		}
	}
	if _, err := w.conn.Write(out); err != nil {
		return 0, err
	}
	var failure error
	for {
		head, err := w.r.Peek(5)
		if err != nil {
			return rows, err
		}
		kind, n := head[0], int(binary.BigEndian.Uint32(head[1:]))+1
		if kind == 'E' {
			body := make([]byte, n)
			if _, err := w.r.Read(body); err != nil {
				return rows, err
			}
			var e pgproto3.ErrorResponse
			if err := e.Decode(body[5:]); err != nil {
				return rows, err
			}
			failure = fmt.Errorf("%s: %s", e.Code, e.Message)
			continue
		}
		if kind == 'D' {
			rows++
		}
		if _, err := w.r.Discard(n); err != nil {
			return rows, err
		}
		if kind == 'Z' {
			return rows, failure
		}
	}
}

// query runs a statement with the simple protocol.
func (w *wire) query(sql string) (rows int, err error) {
	if rows, err = w.send(&pgproto3.Query{String: sql}); err != nil {
		err = fmt.Errorf("%.80s: %w", sql, err)
	}
	return rows, err
}

func (w *wire) run(b *testing.B, sql string) {
	b.Helper()
	if _, err := w.query(sql); err != nil {
		b.Fatal(err)
	}
}

// binary runs a statement with the extended protocol and binary results.
func (w *wire) binary(sql string) (rows int, err error) {
	return w.send(&pgproto3.Parse{Query: sql}, &pgproto3.Bind{ResultFormatCodes: []int16{1}}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{})
}

// bucket makes a bucket and returns its folder.
func (s *server) bucket(b *testing.B, data, name string) string {
	b.Helper()
	req, err := http.NewRequest(http.MethodPut, s.endpoint+"/"+name, nil)
	if err != nil {
		b.Fatal(err)
	}
	req.Header = http.Header{
		"X-Amz-Date":           {"20260102T030405Z"},
		"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260102/us-east-1/s3/aws4_request, " +
			"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + strings.Repeat("0", 64)},
	}
	if _, err := newClient(s).do(req); err != nil {
		b.Fatal(err)
	}
	return filepath.Join(data, "s3", name)
}

// duckdb is a DuckDB in this process, with the settings of the server's.
type duckdb struct {
	b    *testing.B
	conn *duck.Conn
}

func newDuckDB(b *testing.B) *duckdb {
	b.Helper()
	engine, err := duck.Open(duck.Options{})
	if err != nil {
		b.Fatal(err)
	}
	conn, err := engine.Connect()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		conn.Close()
		engine.Close()
	})
	return &duckdb{b, conn}
}

func (d *duckdb) run(format string, args ...any) {
	d.b.Helper()
	sql := fmt.Sprintf(format, args...)
	if _, err := d.conn.Exec(context.Background(), sql); err != nil {
		d.b.Fatalf("%.80s: %v", sql, err)
	}
}

// timed is how long f takes.
func timed(b *testing.B, f func() error) time.Duration {
	b.Helper()
	began := time.Now()
	if err := f(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

func middle(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

// BenchmarkFetch fetches 5 million rows over the wire, as text with the simple
// protocol and in binary with the extended one, in turn with DuckDB's own
// export of the same rows as CSV. Aim: at least half of its rate.
func BenchmarkFetch(b *testing.B) {
	const rows = 5_000_000
	data := b.TempDir()
	s := startServer(b, data)
	folder := s.bucket(b, data, "bench")
	d := newDuckDB(b)
	file := filepath.Join(folder, "sales.parquet")
	d.run(`COPY (SELECT i AS id, 'B00' || upper(substr(md5((hash(i) %% 60000)::VARCHAR), 1, 7)) AS product_id, 1 + (hash(i + 3) %% 5)::INTEGER AS stars,
		((hash(i + 5) %% 1000000) / 100)::DECIMAL(12, 2) AS price, (hash(i + 8) %% 100000) / 8 AS weight, DATE '2015-01-01' + (i %% 3650)::INTEGER AS day,
		TIMESTAMP '2015-01-01' + to_microseconds((hash(i) %% 300000000000000)::BIGINT) AS sold, i %% 3 = 0 AS verified FROM range(%d) t(i)) TO %s (FORMAT parquet)`, rows, duck.Literal(file))
	d.run("ATTACH %s AS x", duck.Literal(filepath.Join(b.TempDir(), "x.duckdb")))
	d.run("CREATE TABLE x.sales AS FROM read_parquet(%s)", duck.Literal(file))
	w := dial(b, s.redshift)
	w.run(b, "CREATE TABLE sales (id bigint, product_id varchar(20), stars int, price decimal(12,2), weight double precision, day date, sold timestamp, verified boolean)")
	w.run(b, "COPY sales FROM 's3://bench/sales.parquet' IAM_ROLE default FORMAT PARQUET")
	const query = "SELECT * FROM sales"
	fetch := func(f func(string) (int, error)) func() error {
		return func() error {
			n, err := f(query)
			if err == nil && n != rows {
				err = fmt.Errorf("%d rows", n)
			}
			return err
		}
	}
	csv := filepath.Join(b.TempDir(), "sales.csv")
	var export, simple, extended []time.Duration
	for range b.N {
		for range 3 {
			export = append(export, timed(b, func() error { d.run("COPY x.sales TO %s (FORMAT csv)", duck.Literal(csv)); return nil }))
			simple = append(simple, timed(b, fetch(w.query)))
			extended = append(extended, timed(b, fetch(w.binary)))
		}
	}
	rate := func(t time.Duration) float64 { return rows / t.Seconds() / 1e6 }
	b.ReportMetric(rate(middle(export)), "M-rows/s-csv-export")
	b.ReportMetric(rate(middle(simple)), "M-rows/s-text")
	b.ReportMetric(rate(middle(extended)), "M-rows/s-binary")
	b.ReportMetric(rate(middle(simple))/rate(middle(export)), "text-of-export")
	b.ReportMetric(rate(middle(extended))/rate(middle(export)), "binary-of-export")
}

// shortReads prepares a server with a table of products for short reads.
func shortReads(b *testing.B) (s *server, read func(w *wire, n int) error) {
	data := b.TempDir()
	s = startServer(b, data)
	folder := s.bucket(b, data, "bench")
	newDuckDB(b).run(`COPY (SELECT i::INTEGER AS id, 'Product number ' || i AS title, (i %% 500)::DECIMAL(8,2) AS price FROM range(100000) t(i)) TO %s (FORMAT parquet)`,
		duck.Literal(filepath.Join(folder, "products.parquet")))
	w := dial(b, s.redshift)
	w.run(b, "CREATE TABLE products (id int, title varchar(100), price decimal(8,2)) SORTKEY(id)")
	w.run(b, "COPY products FROM 's3://bench/products.parquet' IAM_ROLE default FORMAT PARQUET")
	return s, func(w *wire, n int) error {
		rows, err := w.query(fmt.Sprintf("SELECT title, price FROM products WHERE id = %d", n%100000))
		if err == nil && rows != 1 {
			err = fmt.Errorf("%d rows", rows)
		}
		return err
	}
}

// BenchmarkSessions reads single rows from 200 sessions. Aim: the 99th
// percentile under 20 times the median of one session alone. The sessions ask
// as dashboards do, each once in two seconds on average; that every session
// asks again at once is measured beside it, as the limit of the machine.
func BenchmarkSessions(b *testing.B) {
	const sessions = 200
	s, read := shortReads(b)
	single := dial(b, s.redshift)
	n := 0
	one := func() error { n += 7919; return read(single, n) }
	median(b, 200, one)
	list := make([]*wire, sessions)
	for i := range list {
		list[i] = dial(b, s.redshift)
		if err := read(list[i], i); err != nil { // the first statement of a session opens its connection
			b.Fatal(err)
		}
	}
	for range b.N {
		alone := median(b, 2000, one)
		calm := together(b, list, 10, 2*time.Second, read)
		busy := together(b, list, 20, 0, read)
		b.ReportMetric(milliseconds(alone), "ms-p50-single")
		b.ReportMetric(milliseconds(calm.p50), "ms-p50-200")
		b.ReportMetric(milliseconds(calm.p99), "ms-p99-200")
		b.ReportMetric(float64(calm.p99)/float64(alone), "p99-of-single")
		b.ReportMetric(milliseconds(busy.p99), "ms-p99-200-no-pause")
		b.ReportMetric(float64(busy.p99)/float64(alone), "no-pause-p99-of-single")
		b.ReportMetric(busy.rate, "reads/s-no-pause")
	}
}

type latencies struct {
	p50, p99 time.Duration
	rate     float64 // reads a second
}

// together lets all sessions make some reads with pauses, exponentially
// distributed around the mean.
func together(b *testing.B, list []*wire, reads int, pause time.Duration, read func(*wire, int) error) latencies {
	b.Helper()
	times := make([][]time.Duration, len(list))
	began := time.Now()
	var wg sync.WaitGroup
	for i, w := range list {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for range reads {
				time.Sleep(time.Duration(random.ExpFloat64() * float64(pause)))
				start := time.Now()
				if err := read(w, random.IntN(100000)); err != nil {
					b.Error(err)
					return
				}
				times[i] = append(times[i], time.Since(start))
			}
		})
	}
	wg.Wait()
	span := time.Since(began)
	all := slices.Concat(times...)
	slices.Sort(all)
	if len(all) == 0 {
		b.FailNow()
	}
	return latencies{all[len(all)/2], all[len(all)*99/100], float64(len(all)) / span.Seconds()}
}
