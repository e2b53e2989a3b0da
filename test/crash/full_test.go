package crash

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"stepwell/internal/awsapi/s3"
)

// fullStatements are run while the disk is full; each needs more than what a
// log has room for, or nothing but the log.
var fullStatements = []struct{ name, sql string }{
	{"COPY", "COPY loads FROM 's3://crash-data/in/' IAM_ROLE default"},
	{"INSERT", "INSERT INTO loads VALUES (1, 'one')"},
	{"INSERT of many rows", "INSERT INTO loads SELECT n.id, n.name FROM numbers n, (SELECT id FROM numbers WHERE id < 20) m"},
	{"UPDATE", "UPDATE loads SET name = 'other'"},
	{"DELETE", "DELETE FROM loads"},
	{"MERGE", "MERGE INTO loads USING numbers ON loads.id = numbers.id WHEN MATCHED THEN UPDATE SET name = 'merged' WHEN NOT MATCHED THEN INSERT VALUES (numbers.id, numbers.name)"},
	{"CREATE TABLE AS", "CREATE TABLE more AS SELECT n.id FROM numbers n, (SELECT id FROM numbers WHERE id < 20) m"},
	{"CALL", "CALL whole(1)"},
	{"UNLOAD", "UNLOAD ('SELECT * FROM numbers') TO 's3://crash-data/out/full_' IAM_ROLE default CSV"},
	{"UNLOAD Parquet", "UNLOAD ('SELECT * FROM numbers') TO 's3://crash-data/out/full_' IAM_ROLE default PARQUET"},
}

// TestFullWarehouse runs statements on a full disk: each is refused as Redshift
// refuses it, the tables and the prefix are as before, reads are answered, and
// all goes on when there is room again and after a kill.
func TestFullWarehouse(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	for _, c := range fullStatements {
		t.Run(c.name, func(t *testing.T) { fillDisk(t, c.sql) })
	}
}

func fillDisk(t *testing.T, sql string) {
	f := &warehouseFleet{fleet: newFleet(t), tried: map[string]int{}, known: map[string]int{}}
	f.disk = newDisk(t)
	f.up()
	f.prepareSQL()
	ctx, cancel := context.WithTimeout(f.ctx, time.Minute)
	defer cancel()
	conn := f.connect(ctx)
	run := func(sql string) error { _, err := conn.Exec(ctx, sql).ReadAll(); return err }
	if err := run("INSERT INTO loads SELECT * FROM numbers WHERE id < 100"); err != nil {
		t.Fatal(err)
	}
	f.disk.set(t, warehouseFull)
	for range 2 {
		err := run(sql)
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != "53100" || e.Message != "Disk Full" {
			t.Errorf("on a full disk: %v", err)
		}
		f.asBefore(ctx, conn)
	}
	f.disk.set(t, diskWorks)
	f.asBefore(ctx, conn)
	if err := run(sql); err != nil {
		t.Errorf("with room again: %v", err)
	}
	count := f.ask(ctx, conn, "SELECT count(*) FROM loads")[0]
	conn.Close(ctx)
	f.kill()
	f.up()
	conn = f.connect(ctx)
	defer conn.Close(ctx)
	if got := f.ask(ctx, conn, "SELECT count(*) FROM loads")[0]; got != count {
		t.Errorf("after the restart there are %s rows, before %s", got, count)
	}
}

// asBefore: the table has its hundred rows, the prefix no object.
func (f *warehouseFleet) asBefore(ctx context.Context, conn *pgconn.PgConn) {
	f.t.Helper()
	if got := f.ask(ctx, conn, "SELECT count(*) || ' ' || sum(CASE WHEN name LIKE 'name number%' THEN 1 ELSE 0 END) FROM loads")[0]; got != "100 100" {
		f.t.Errorf("the table has %s rows", got)
	}
	page := must[s3.ListObjectsV2Output](f.fleet, "s3", "ListObjectsV2", &s3.ListObjectsV2Input{Bucket: new(bucket), Prefix: new("out/")})
	for _, o := range page.Contents {
		f.t.Errorf("UNLOAD left %s", *o.Key)
	}
}

// TestFullCheckpoint fills the disk again and again while sessions write and
// checkpoints are written, which DuckDB does not survive: it gives the cluster up.
// The server opens it again. What was answered is there and what was refused is
// not; only where the connection ended may either be.
func TestFullCheckpoint(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	f := &warehouseFleet{fleet: newFleet(t), tried: map[string]int{}, known: map[string]int{}}
	f.disk = newDisk(t)
	f.up()
	f.prepareSQL()
	ctx, cancel := context.WithTimeout(f.ctx, 3*time.Minute)
	defer cancel()
	random := seeded(t)
	fates := make([]fates, 3)
	for round := range rounds {
		until, stop := context.WithCancel(ctx)
		var busy sync.WaitGroup
		for i := range fates {
			busy.Go(func() { f.insert(until, i, &fates[i]) })
		}
		busy.Go(func() { f.vacuum(until) })
		wait := func() { time.Sleep(time.Duration(random.Int64N(int64(200*time.Millisecond))) + 50*time.Millisecond) }
		wait()
		f.disk.set(t, warehouseFull)
		wait()
		f.disk.set(t, diskWorks)
		wait()
		stop()
		busy.Wait()
		if round%4 == 3 {
			f.kill()
			f.up()
		}
		f.checkFates(ctx, fates)
	}
	sum := map[fate]int{}
	for _, list := range fates {
		for _, x := range list {
			sum[x]++
		}
	}
	t.Logf("%v; %d faults", sum, f.disk.faults(t))
	if sum[answered] == 0 || sum[cutOff] == 0 {
		t.Error("nothing was answered, or no cluster was lost")
	}
}

// fate is what a client was told of its insert.
type fate string

const (
	answered fate = "answered"
	refused  fate = "refused"
	cutOff   fate = "cut off"
)

// fates are those of the inserts of one client, the first one of number 0.
type fates []fate

// insert inserts rows in pairs, one transaction after the other.
func (f *warehouseFleet) insert(ctx context.Context, client int, list *fates) {
	var conn *pgconn.PgConn
	for ctx.Err() == nil {
		if conn == nil || conn.IsClosed() {
			c, err := f.dial(ctx)
			if err != nil {
				continue
			}
			conn = c
		}
		n := len(*list)
		_, err := conn.Exec(ctx, fmt.Sprintf("BEGIN; INSERT INTO q1 VALUES (%d, %d); INSERT INTO q2 VALUES (%d, %d); COMMIT", n, client, n, client)).ReadAll()
		var e *pgconn.PgError
		switch {
		case err == nil:
			*list = append(*list, answered)
		case errors.As(err, &e) && e.Severity == "ERROR":
			*list = append(*list, refused)
			_, _ = conn.Exec(ctx, "ROLLBACK").ReadAll()
			if e.Code != "53100" {
				f.t.Errorf("an insert: %v", e)
			}
		default:
			*list = append(*list, cutOff)
			if e != nil && e.Code != "53100" && e.Code != "57P02" {
				f.t.Errorf("an insert: %v", e)
			}
		}
	}
	if conn != nil {
		_ = conn.Close(context.Background())
	}
}

// vacuum writes checkpoints.
func (f *warehouseFleet) vacuum(ctx context.Context) {
	for ctx.Err() == nil {
		if conn, err := f.dial(ctx); err == nil {
			for err == nil {
				_, err = conn.Exec(ctx, "VACUUM").ReadAll()
			}
			_ = conn.Close(context.Background())
		}
	}
}

func (f *warehouseFleet) dial(ctx context.Context) (*pgconn.PgConn, error) {
	return pgconn.Connect(ctx, fmt.Sprintf("postgres://awsuser@127.0.0.1:%d/dev?sslmode=disable", f.ports[1]))
}

// checkFates compares what is there with what clients were told.
func (f *warehouseFleet) checkFates(ctx context.Context, all []fates) {
	f.t.Helper()
	conn := f.connect(ctx)
	defer conn.Close(ctx)
	for client, list := range all {
		there := map[string]bool{}
		for _, n := range f.ask(ctx, conn, fmt.Sprintf("SELECT a.n FROM q1 a, q2 b WHERE a.n = b.n AND a.half = b.half AND a.half = %d", client)) {
			if there[n] {
				f.t.Fatalf("client %d: insert %s is there twice", client, n)
			}
			there[n] = true
		}
		for n, x := range list {
			if is := there[fmt.Sprint(n)]; is != (x == answered) && x != cutOff {
				f.t.Fatalf("client %d: insert %d was %s, and is there: %v", client, n, x, is)
			}
		}
	}
	if odd := f.ask(ctx, conn, "SELECT (SELECT count(*) FROM q1) - (SELECT count(*) FROM q2)")[0]; odd != "0" {
		f.t.Fatalf("%s transactions are there in part", odd)
	}
}
