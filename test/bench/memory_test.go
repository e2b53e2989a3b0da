package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stepwell/internal/duck"
)

// memoryLimit is what a server may hold while files many times as large go
// through it, in MiB; DuckDB's own buffers are most of it.
const memoryLimit = 2560

// BenchmarkMemory loads and unloads files of 1 GB and more in several formats and
// reports the most memory the server held; above the limit it fails.
func BenchmarkMemory(b *testing.B) {
	const rows = 5_000_000
	for range b.N {
		data := b.TempDir()
		s := startServer(b, data)
		folder := s.bucket(b, data, "bench")
		d := newDuckDB(b)
		csv := filepath.Join(folder, "reviews.csv")
		d.reviewsCSV(rows, csv)
		columns := "{product_id: 'VARCHAR', title: 'VARCHAR', category: 'VARCHAR', stars: 'INT', helpful: 'INT', headline: 'VARCHAR', body: 'VARCHAR', day: 'DATE'}"
		d.run("COPY (FROM read_csv(%s, header = false, columns = %s)) TO %s (FORMAT csv, HEADER false, COMPRESSION gzip)", duck.Literal(csv), columns, duck.Literal(filepath.Join(folder, "reviews.csv.gz")))
		d.run("COPY (FROM read_csv(%s, header = false, columns = %s)) TO %s (FORMAT json)", duck.Literal(csv), columns, duck.Literal(filepath.Join(folder, "reviews.json")))
		d.conn.Close()
		w := dial(b, s.redshift)
		peak := 0.0
		for _, step := range []struct{ name, sql string }{
			{"copy-csv", "COPY reviews FROM 's3://bench/reviews.csv' IAM_ROLE default CSV"},
			{"copy-gzip", "COPY reviews FROM 's3://bench/reviews.csv.gz' IAM_ROLE default CSV GZIP"},
			{"copy-json", "COPY reviews FROM 's3://bench/reviews.json' IAM_ROLE default JSON 'auto'"},
			{"unload-csv", "UNLOAD ('SELECT * FROM reviews') TO 's3://bench/out/csv_' IAM_ROLE default CSV"},
			{"unload-parquet", "UNLOAD ('SELECT * FROM reviews') TO 's3://bench/out/parquet_' IAM_ROLE default PARQUET"},
		} {
			if step.name[:4] == "copy" {
				w.run(b, "DROP TABLE IF EXISTS reviews; CREATE TABLE reviews ("+reviewColumns+")")
			}
			began := time.Now()
			most := s.watch(b, func() { w.run(b, step.sql) })
			b.Logf("%-15s %5.1f s, at most %5.0f MiB", step.name, time.Since(began).Seconds(), most)
			peak = max(peak, most)
			if err := os.RemoveAll(filepath.Join(folder, "out")); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(peak, "MiB-peak")
		b.ReportMetric(peak/memoryLimit, fmt.Sprintf("of-%dMiB", memoryLimit))
		if peak > memoryLimit {
			b.Errorf("the server held %.0f MiB, the limit is %d", peak, memoryLimit)
		}
	}
}

// watch is the most memory the server has while f runs, in MiB.
func (s *server) watch(b *testing.B, f func()) (most float64) {
	b.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		most = max(most, resident(b, s.cmd.Process.Pid))
		select {
		case <-done:
			return most
		case <-tick.C:
		}
	}
}
