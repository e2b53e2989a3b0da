package warehouse

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stepwell/internal/duck"
	"stepwell/internal/lake"
)

// copyBench is a session, and a DuckDB with the same settings beside it.
type copyBench struct {
	b    *testing.B
	dir  string
	s    *Session
	conn *duck.Conn
	// ratios are ours to DuckDB's, of each load and unload.
	ratios map[string][]float64
}

func newCopyBench(b *testing.B) *copyBench {
	x := &copyBench{b: b, dir: b.TempDir(), ratios: map[string][]float64{}}
	engine, err := duck.Open(duck.Options{})
	if err != nil {
		b.Fatal(err)
	}
	if x.conn, err = engine.Connect(); err != nil {
		b.Fatal(err)
	}
	w, err := Open(Options{Dir: filepath.Join(x.dir, "redshift"), Objects: lake.DirObjects{Root: filepath.Join(x.dir, "s3")}})
	if err != nil {
		b.Fatal(err)
	}
	if x.s, err = w.Session(context.Background(), Identity{Account: "000000000000", Region: "r", Cluster: "c"}, nil); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		x.conn.Close()
		if err := w.Close(); err != nil {
			b.Error(err)
		}
		if err := engine.Close(); err != nil {
			b.Error(err)
		}
	})
	return x
}

func (x *copyBench) ours(sql string) {
	if err := x.s.Execute(context.Background(), sql, Discard{}); err != nil {
		x.b.Fatalf("%s: %v", sql, err)
	}
}

// input is where the object folder of a kind of file lies.
func (x *copyBench) input(kind string) string { return filepath.Join(x.dir, "s3", "bucket", kind) }

// BenchmarkCopy loads and unloads reviews in every kind of file, and does the
// same with DuckDB's own COPY of the same files, in turns. It prints the ratios, and
// the median of each.
func BenchmarkCopy(b *testing.B) {
	const rows = 1_000_000
	x := newCopyBench(b)
	for kind, options := range map[string]string{"csv": "FORMAT csv, HEADER false", "gz": "FORMAT csv, HEADER false, COMPRESSION gzip", "parquet": "FORMAT parquet"} {
		if err := os.MkdirAll(x.input(kind), 0o755); err != nil {
			b.Fatal(err)
		}
		drain(b, x.conn, fmt.Sprintf(reviewsQuery, rows, duck.Literal(filepath.Join(x.input(kind), "a."+kind)), options))
	}
	const columns = "product_id varchar(20), title varchar(200), category varchar(40), stars int, helpful int, headline varchar(200), body varchar(4000), day date"
	const plain = "product_id varchar, title varchar, category varchar, stars int, helpful int, headline varchar, body varchar, day date"
	const rounds = 5 // a single load says more about the disk than about the code
	n := 0
	for b.Loop() {
		for range rounds {
			for _, kind := range []struct{ folder, ours, theirs string }{
				{"parquet", "FORMAT PARQUET", "FORMAT parquet"},
				{"csv", "CSV", "FORMAT csv, HEADER false"},
				{"gz", "CSV GZIP", "FORMAT csv, HEADER false, COMPRESSION gzip"},
			} {
				n++
				table := fmt.Sprintf("t%d", n)
				file, out := filepath.Join(x.dir, table+".duckdb"), filepath.Join(x.dir, table+".out")
				x.ours("CREATE TABLE " + table + " (" + columns + ")")
				drain(b, x.conn, "ATTACH "+duck.Literal(file)+" AS "+table)
				drain(b, x.conn, "CREATE TABLE "+table+".r ("+plain+")")
				x.compare("load "+kind.folder, n,
					func() {
						x.ours("COPY " + table + " FROM 's3://bucket/" + kind.folder + "/' IAM_ROLE default " + kind.ours)
					},
					func() {
						drain(b, x.conn, "COPY "+table+".r FROM "+duck.Literal(filepath.Join(x.input(kind.folder), "a."+kind.folder))+" ("+kind.theirs+")")
					})
				if kind.folder != "gz" {
					x.compare("unload "+kind.folder, n+1,
						func() {
							x.ours("UNLOAD ('SELECT * FROM " + table + "') TO 's3://bucket/out/" + table + "_' IAM_ROLE default " + kind.ours)
						},
						func() {
							drain(b, x.conn, "COPY "+table+".r TO "+duck.Literal(out)+" ("+kind.theirs+", PER_THREAD_OUTPUT)")
						})
				}
				x.ours("DROP TABLE " + table)
				drain(b, x.conn, "DETACH "+table)
				for _, path := range []string{file, out, x.input("out")} {
					if err := os.RemoveAll(path); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
	}
	for name, ratios := range x.ratios {
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], strings.ReplaceAll(name, " ", "-")+"-x-duckdb")
	}
}

// compare runs both, the one or the other first, prints the ratio and keeps it.
func (x *copyBench) compare(name string, turn int, ours, theirs func()) {
	var took [2]time.Duration
	for i := range 2 {
		which := (i + turn) % 2
		start := time.Now()
		[]func(){ours, theirs}[which]()
		took[which] = time.Since(start)
	}
	ratio := float64(took[0]) / float64(took[1])
	x.b.Logf("%-15s stepwell %7.0f ms  duckdb %7.0f ms  ratio %.2f", name, took[0].Seconds()*1000, took[1].Seconds()*1000, ratio)
	x.ratios[name] = append(x.ratios[name], ratio)
}

// BenchmarkRecords loads a large file through the reader written in Go, whose
// memory must not grow with the file.
func BenchmarkRecords(b *testing.B) {
	x := newCopyBench(b)
	if err := os.MkdirAll(x.input("json"), 0o755); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(x.input("json"), "a.json")
	drain(b, x.conn, fmt.Sprintf(reviewsQuery, 1_000_000, duck.Literal(path), "FORMAT json"))
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	x.ours("CREATE TABLE j (product_id varchar(20), title varchar(200), stars int, body varchar(4000), day date)")
	b.SetBytes(info.Size())
	for b.Loop() {
		x.ours("COPY j FROM 's3://bucket/json/' IAM_ROLE default FORMAT JSON 'auto'")
	}
}
