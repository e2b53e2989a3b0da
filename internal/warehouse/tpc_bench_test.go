package warehouse

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"stepwell/internal/duck"
	"stepwell/internal/lake"
	"stepwell/internal/rsql"
)

// tpcData is the folder that test/tpc/generate.py fills: the objects of the
// bucket tpc, the DDL and the queries of both suites in both dialects.
const tpcData = "STEPWELL_TPC"

// tpcQuery is one query: Redshift's spelling and DuckDB's own.
type tpcQuery struct{ suite, name, ours, theirs string }

// BenchmarkTPC runs the queries of TPC-DS and TPC-H through the compiler, and
// DuckDB's own spelling of them on the same tables of the same engine, in
// turns. It prints the ratio of the totals of each query's best time on the
// processor, which other processes disturb less than the clock, and by the
// clock, and what compiling costs.
func BenchmarkTPC(b *testing.B) {
	folder := os.Getenv(tpcData)
	if folder == "" {
		b.Skip("no " + tpcData + ": run make bench")
	}
	ctx := context.Background()
	w, err := Open(Options{Dir: b.TempDir(), Objects: lake.DirObjects{Root: filepath.Join(folder, "objects")}})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	s, err := w.Session(ctx, Identity{Account: "000000000000", Region: "r", Cluster: "c"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	var queries []tpcQuery
	for _, suite := range []string{"tpcds", "tpch"} {
		loadTPC(b, s, folder, suite)
		queries = append(queries, readTPC(b, folder, suite)...)
	}
	conn, err := s.cluster.engine.Connect()
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	const repeats = 5
	for b.Loop() {
		var report strings.Builder // not by Log, which is cut off after ten lines
		total := map[string]spent{}
		var compiles []time.Duration
		for n, q := range queries {
			best, compile := compareTPC(b, s, conn, q, n, repeats)
			for _, key := range []string{q.suite, "total"} {
				t := total[key]
				for side := range 2 {
					t.clock[side] += best.clock[side]
					t.processor[side] += best.processor[side]
				}
				total[key] = t
			}
			compiles = append(compiles, compile)
			fmt.Fprintf(&report, "\n%s %s %s  compiled in %s", q.suite, q.name, best, compile.Round(time.Microsecond))
		}
		for _, key := range []string{"tpcds", "tpch", "total"} {
			fmt.Fprintf(&report, "\n%-8s %s", key, total[key])
		}
		fmt.Println(report.String())
		slices.Sort(compiles)
		b.ReportMetric(ratio(total["total"].processor), "x-duckdb")
		b.ReportMetric(ratio(total["total"].clock), "x-duckdb-clock")
		b.ReportMetric(float64(compiles[len(compiles)/2].Nanoseconds())/1000, "µs-median-compile")
		b.ReportMetric(float64(compiles[len(compiles)-1].Nanoseconds())/1000, "µs-longest-compile")
	}
}

// spent is what the two spellings took: ours, DuckDB's own.
type spent struct{ clock, processor [2]time.Duration }

func ratio(t [2]time.Duration) float64 { return float64(t[0]) / float64(t[1]) }

func (t spent) String() string {
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	return fmt.Sprintf("stepwell %7.1f ms  duckdb %7.1f ms  ratio %.3f  by the clock %7.1f ms  %7.1f ms  ratio %.3f",
		ms(t.processor[0]), ms(t.processor[1]), ratio(t.processor), ms(t.clock[0]), ms(t.clock[1]), ratio(t.clock))
}

// processorTime is what this process has used of the processors.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// loadTPC makes a suite's tables in a schema of its name and loads them.
func loadTPC(b *testing.B, s *Session, folder, suite string) {
	run := func(sql string) {
		if err := s.Execute(context.Background(), sql, Discard{}); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
	}
	ddl, err := os.ReadFile(filepath.Join(folder, "queries", suite+".sql"))
	if err != nil {
		b.Fatal(err)
	}
	run("CREATE SCHEMA " + suite + "; SET search_path TO " + suite)
	run(string(ddl))
	tables, err := os.ReadDir(filepath.Join(folder, "objects", "tpc", suite))
	if err != nil {
		b.Fatal(err)
	}
	for _, t := range tables {
		run("COPY " + t.Name() + " FROM 's3://tpc/" + suite + "/" + t.Name() + "/' IAM_ROLE default FORMAT PARQUET")
	}
}

func readTPC(b *testing.B, folder, suite string) []tpcQuery {
	files, err := filepath.Glob(filepath.Join(folder, "queries", suite, "*.redshift.sql"))
	if err != nil || len(files) == 0 {
		b.Fatalf("no queries of %s: %v", suite, err)
	}
	var out []tpcQuery
	for _, file := range files {
		ours, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		base := strings.TrimSuffix(file, ".redshift.sql")
		theirs, err := os.ReadFile(base + ".duckdb.sql")
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, tpcQuery{suite, filepath.Base(base), string(ours), string(theirs)})
	}
	return out
}

// compareTPC gives the best times of both spellings and of compiling ours.
func compareTPC(b *testing.B, s *Session, conn *duck.Conn, q tpcQuery, turn, repeats int) (best spent, compile time.Duration) {
	ctx := context.Background()
	if _, err := conn.Exec(ctx, "USE dev."+q.suite); err != nil {
		b.Fatal(err)
	}
	if err := s.Execute(ctx, "SET search_path TO "+q.suite, Discard{}); err != nil {
		b.Fatal(err)
	}
	keep := func(t *time.Duration, took time.Duration) {
		if *t == 0 || took < *t {
			*t = took
		}
	}
	for i := range repeats {
		for side := range 2 {
			which := (i + turn + side) % 2
			start, used := time.Now(), processorTime(b)
			if which == 0 {
				if err := s.Execute(ctx, q.ours, Discard{}); err != nil {
					b.Fatalf("%s %s: %v", q.suite, q.name, err)
				}
			} else {
				drain(b, conn, q.theirs)
			}
			keep(&best.clock[which], time.Since(start))
			keep(&best.processor[which], processorTime(b)-used)
		}
		keep(&compile, compileTPC(b, s, q.ours))
	}
	return best, compile
}

// compileTPC is how long parsing and compiling a query takes in a transaction
// that has looked at the catalog before.
func compileTPC(b *testing.B, s *Session, text string) time.Duration {
	ctx := context.Background()
	for _, sql := range []string{"BEGIN", "SELECT 1"} {
		if err := s.Execute(ctx, sql, Discard{}); err != nil {
			b.Fatal(err)
		}
	}
	start := time.Now()
	list, err := rsql.Parse(text)
	if err != nil {
		b.Fatal(err)
	}
	for _, st := range list {
		run := &running{session: s, ctx: ctx, script: text, statement: st, sink: Discard{}}
		if _, err := run.compile(st.Tree); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(start)
	if err := s.Execute(ctx, "ROLLBACK", Discard{}); err != nil {
		b.Fatal(err)
	}
	return took
}
