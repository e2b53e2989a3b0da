package crash

import (
	"context"
	"errors"
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
