package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"stepwell/internal/duck"
)

// postgres is a PostgreSQL server of its own, with a folder of its own.
type postgres struct {
	b      *testing.B
	bin    string
	folder string // everybody may write here
	who    *syscall.Credential
	conn   *pgconn.PgConn
}

// startPostgres starts PostgreSQL as Debian packages it with its own settings,
// durable and more generous in memory and log; ok is false where it is not installed.
func startPostgres(b *testing.B) (p *postgres, ok bool) {
	b.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return nil, false
	}
	slices.Sort(found)
	p = &postgres{b: b, bin: filepath.Dir(found[len(found)-1])}
	var err error
	// Not b.TempDir(), which another user cannot enter.
	if p.folder, err = os.MkdirTemp("", "bench-postgres-"); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(p.folder) })
	if err := os.Chmod(p.folder, 0o777); err != nil {
		b.Fatal(err)
	}
	if os.Getuid() == 0 { // PostgreSQL refuses to be root
		p.who = someUser(b)
	}
	data := filepath.Join(p.folder, "data")
	if out, err := p.command("initdb", "-D", data, "-U", "bench", "--auth=trust", "--encoding=UTF8", "--locale=C").CombinedOutput(); err != nil {
		b.Fatalf("initdb: %v\n%s", err, out)
	}
	server := p.command("postgres", "-D", data, "-k", p.folder, "-c", "listen_addresses=", "-c", "shared_buffers=1GB", "-c", "max_wal_size=4GB")
	var log bytes.Buffer
	server.Stderr = &log
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		server.Process.Signal(syscall.SIGQUIT)
		server.Wait()
	})
	for began := time.Now(); ; {
		if p.conn, err = pgconn.Connect(context.Background(), "host="+p.folder+" user=bench dbname=postgres"); err == nil {
			break
		}
		if time.Since(began) > 30*time.Second {
			b.Fatalf("PostgreSQL does not start: %v\n%s", err, log.Bytes())
		}
	}
	b.Cleanup(func() { p.conn.Close(context.Background()) })
	return p, true
}

func (p *postgres) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, name), args...)
	cmd.Dir = p.folder
	if p.who != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.who}
	}
	return cmd
}

// someUser is a user without privileges.
func someUser(b *testing.B) *syscall.Credential {
	b.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		b.Fatal(err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		b.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (p *postgres) run(sql string) error {
	_, err := p.conn.Exec(context.Background(), sql).ReadAll()
	return err
}

// reviewColumns are the columns of a review, for Redshift and for PostgreSQL.
const reviewColumns = "product_id varchar(20), title varchar(200), category varchar(40), stars int, helpful int, headline varchar(200), body varchar(4000), day date"

// reviewsCSV writes generated reviews as CSV.
func (d *duckdb) reviewsCSV(rows int, file string) {
	d.run(`COPY (SELECT 'B00' || upper(substr(md5((hash(i) %% 60000)::VARCHAR), 1, 7)) AS product_id, 'Product number ' || (hash(i) %% 60000) AS title,
		['Books', 'Electronics', 'Toys', 'Home', 'Sports'][1 + (hash(i + 7) %% 5)::INTEGER] AS category, 1 + (hash(i + 3) %% 5)::INTEGER AS stars,
		(hash(i + 9) %% 20)::INTEGER AS helpful, 'Headline ' || md5((i + 1)::VARCHAR) AS headline,
		md5(i::VARCHAR) || ' ' || md5((i + 2)::VARCHAR) || ' it was quite good ' || md5((i + 12)::VARCHAR) AS body, DATE '2015-01-01' + (i %% 365)::INTEGER AS day
		FROM range(%d) t(i)) TO %s (FORMAT csv, HEADER false)`, rows, duck.Literal(file))
}

// BenchmarkPostgres loads, aggregates and exports 2 million reviews, in turn
// with PostgreSQL where it is installed; the ratios are medians over the pairs. Both loads are durable when they are
// answered; ours is proved by a kill. Aim: a load at least twice as fast.
func BenchmarkPostgres(b *testing.B) {
	const rows = 2_000_000
	data := b.TempDir()
	s := startServer(b, data)
	folder := s.bucket(b, data, "bench")
	input := filepath.Join(folder, "reviews.csv")
	newDuckDB(b).reviewsCSV(rows, input)
	w := dial(b, s.redshift)
	p, ok := startPostgres(b)
	shared := ""
	if ok {
		shared = filepath.Join(p.folder, "reviews.csv")
		copyFile(b, input, shared)
	} else {
		b.Log("PostgreSQL is not installed (/usr/lib/postgresql): nothing to compare with")
	}
	const aggregate = "SELECT title, count(*) AS n, sum(helpful) AS helpful, avg(CAST(stars AS float)) AS stars FROM reviews GROUP BY title ORDER BY n DESC, title"
	steps := []struct{ name, before, ours, theirs string }{
		{"load", "DROP TABLE IF EXISTS reviews; CREATE TABLE reviews (" + reviewColumns + ")", "COPY reviews FROM 's3://bench/reviews.csv' IAM_ROLE default CSV", "COPY reviews FROM '" + shared + "' CSV"},
		{"aggregate", "SELECT 1", aggregate, aggregate},
		{"export", "SELECT 1", "UNLOAD ('SELECT * FROM reviews') TO 's3://bench/out/reviews_' IAM_ROLE default CSV ALLOWOVERWRITE", "COPY (SELECT * FROM reviews) TO '" + filepath.Join(filepath.Dir(shared), "out.csv") + "' CSV"},
	}
	for range b.N {
		for _, step := range steps {
			var ours, theirs []time.Duration
			var ratios []float64
			for range 5 {
				w.run(b, step.before)
				syscall.Sync() // neither waits for what the other has left in the page cache
				ours = append(ours, timed(b, func() error { _, err := w.query(step.ours); return err }))
				if !ok {
					continue
				}
				if err := p.run(step.before); err != nil {
					b.Fatal(err)
				}
				syscall.Sync()
				theirs = append(theirs, timed(b, func() error { return p.run(step.theirs) }))
				ratios = append(ratios, float64(theirs[len(theirs)-1])/float64(ours[len(ours)-1]))
			}
			if ok {
				slices.Sort(ratios)
				b.Logf("%s: PostgreSQL's time over ours %.2f", step.name, ratios)
				b.ReportMetric(middle(theirs).Seconds(), "s-"+step.name+"-postgres")
				b.ReportMetric(ratios[len(ratios)/2], step.name+"-x-faster")
			}
			b.ReportMetric(middle(ours).Seconds(), "s-"+step.name)
		}
		w.run(b, steps[0].before)
		w.run(b, steps[0].ours)
		s.kill()
		s = startServer(b, data)
		w = dial(b, s.redshift)
		if n, err := w.query("SELECT product_id FROM reviews"); err != nil || n != rows {
			b.Fatalf("after the kill there are %d reviews: %v", n, err)
		}
	}
}

func copyFile(b *testing.B, from, to string) {
	b.Helper()
	if out, err := exec.Command("cp", from, to).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, fmt.Sprint(string(out)))
	}
}
