package warehouse

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepwell/internal/duck"
	"stepwell/internal/lake"
)

// BenchmarkReviews loads, aggregates and unloads generated reviews through a
// session, and runs the same on DuckDB directly in the same process with the
// same settings. It prints the times and their ratio.
func BenchmarkReviews(b *testing.B) {
	const rows = 2_000_000
	dir := b.TempDir()
	ctx := context.Background()
	engine, err := duck.Open(duck.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close()
	conn, err := engine.Connect()
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	run := func(sql string) {
		if _, err := conn.Exec(ctx, sql); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
	}
	input := filepath.Join(dir, "s3", "bucket", "reviews")
	if err := os.MkdirAll(input, 0o755); err != nil {
		b.Fatal(err)
	}
	run(fmt.Sprintf(reviewsQuery, rows, duck.Literal(input), "FORMAT parquet, PER_THREAD_OUTPUT"))
	w, err := Open(Options{Dir: filepath.Join(dir, "redshift"), Objects: lake.DirObjects{Root: filepath.Join(dir, "s3")}})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	s, err := w.Session(ctx, Identity{Account: "000000000000", Region: "r", Cluster: "c"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	ours := func(sql string) {
		if err := s.Execute(ctx, sql, Discard{}); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
	}
	ours("SELECT 1")
	columns := "product_id varchar(20), title varchar(200), category varchar(40), stars int, helpful int, headline varchar(200), body varchar(4000), day date"
	for i := 0; b.Loop(); i++ {
		table := fmt.Sprintf("r%d", i)
		run(fmt.Sprintf("ATTACH %s AS %s", duck.Literal(filepath.Join(dir, table+".duckdb")), table))
		plain := "CREATE TABLE " + table + ".r (" + strings.NewReplacer("varchar(20)", "varchar", "varchar(200)", "varchar", "varchar(40)", "varchar", "varchar(4000)", "varchar").Replace(columns) + ")"
		run(plain)
		ours("CREATE TABLE " + table + " (" + columns + ")")
		aggregate := "SELECT title, count(*) AS n, sum(helpful) AS helpful, avg(CAST(stars AS float)) AS stars FROM %s GROUP BY title ORDER BY n DESC, title"
		steps := []struct {
			name         string
			ours, theirs string
		}{
			{"load", "COPY " + table + " FROM 's3://bucket/reviews/' IAM_ROLE default FORMAT PARQUET", "INSERT INTO " + table + ".r SELECT * FROM read_parquet(" + duck.Literal(input+"/*.parquet") + ")"},
			{"aggregate", fmt.Sprintf(aggregate, table), fmt.Sprintf(aggregate, table+".r")},
			{"unload", "UNLOAD ('" + fmt.Sprintf(aggregate, table) + "') TO 's3://bucket/out/" + table + "_' IAM_ROLE default CSV HEADER PARALLEL OFF", "COPY (" + fmt.Sprintf(aggregate, table+".r") + ") TO " + duck.Literal(filepath.Join(dir, table+".csv")) + " (FORMAT csv, HEADER)"},
			{"unload parquet", "UNLOAD ('SELECT * FROM " + table + "') TO 's3://bucket/pq/" + table + "_' IAM_ROLE default PARQUET", "COPY (SELECT * FROM " + table + ".r) TO " + duck.Literal(filepath.Join(dir, table+".pq")) + " (FORMAT parquet, PER_THREAD_OUTPUT)"},
		}
		var total [2]time.Duration
		for n, step := range steps {
			// Whoever goes second finds warm caches: take turns.
			for turn := range 2 {
				start := time.Now()
				which := (turn + n + i) % 2
				if which == 0 {
					ours(step.ours)
				} else {
					drain(b, conn, step.theirs)
				}
				took := time.Since(start)
				total[which] += took
				b.Logf("%-15s %-9s %8.1f ms", step.name, []string{"stepwell", "duckdb"}[which], float64(took.Microseconds())/1000)
			}
		}
		b.Logf("total           ratio     %8.2f", float64(total[0])/float64(total[1]))
		b.ReportMetric(float64(total[0])/float64(total[1]), "x-duckdb")
	}
}

func drain(b *testing.B, conn *duck.Conn, sql string) {
	rows, err := conn.Query(context.Background(), sql)
	if err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	if _, err := copyRows(context.Background(), rows, Discard{}); err != nil {
		b.Fatal(err)
	}
}

// reviewsQuery takes the number of rows, the file and COPY's options.
const reviewsQuery = `COPY (SELECT 'B00' || upper(substr(md5((hash(i) %% 60000)::VARCHAR), 1, 7)) AS product_id, 'Product number ' || (hash(i) %% 60000) AS title,
  ['Books', 'Electronics', 'Toys', 'Home', 'Sports'][1 + (hash(i + 7) %% 5)::INTEGER] AS category, 1 + (hash(i + 3) %% 5)::INTEGER AS stars,
  (hash(i + 9) %% 20)::INTEGER AS helpful, 'Headline ' || md5((i + 1)::VARCHAR) AS headline,
  md5(i::VARCHAR) || ' ' || md5((i + 2)::VARCHAR) || ' it was quite good ' || md5((i + 12)::VARCHAR) AS body, DATE '2015-01-01' + (i %% 365)::INTEGER AS day
  FROM range(%d) t(i)) TO %s (%s)`
