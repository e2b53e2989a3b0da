package crash

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"stepwell/internal/awsapi/s3"
)

// definers change definitions: of tables, views and schemas, here and in the Data
// Catalog.
var definers = []writer{
	{"CREATE TABLE AS and RENAME", func(n int) string {
		return fmt.Sprintf("BEGIN; CREATE TABLE fresh AS SELECT id, %d AS n FROM numbers; ALTER TABLE live RENAME TO former; ALTER TABLE fresh RENAME TO live; DROP TABLE former; COMMIT", n)
	}, fmt.Sprintf("SELECT (SELECT CASE WHEN count(*) IN (0, %d) AND count(DISTINCT n) <= 1 THEN 0 ELSE 1 END FROM live) + (SELECT count(*) FROM pg_tables WHERE tablename IN ('fresh', 'former'))", loadRows),
		"SELECT coalesce(max(n), 0) FROM live"},
	{"ADD and DROP COLUMN", func(n int) string {
		return fmt.Sprintf("ALTER TABLE columns ADD COLUMN c%d int DEFAULT %d;;BEGIN; UPDATE columns SET n = c%d; INSERT INTO added VALUES (%d); COMMIT;;ALTER TABLE columns DROP COLUMN c%d", n, n, n, n, n)
	}, "SELECT CASE WHEN min(n) = max(n) AND count(*) = 100 AND max(n) = (SELECT max(n) FROM added) THEN 0 ELSE 1 END FROM columns",
		"SELECT max(n) FROM added"},
	{"APPEND", func(n int) string {
		return fmt.Sprintf("INSERT INTO parts SELECT id, %d FROM numbers;;ALTER TABLE appended APPEND FROM parts", n)
	}, fmt.Sprintf("SELECT count(*) FROM (SELECT n FROM (SELECT n FROM appended UNION ALL SELECT n FROM parts) x GROUP BY n HAVING count(*) <> %d) y", loadRows),
		"SELECT coalesce(max(n), 0) FROM appended"},
	{"REFRESH", func(n int) string {
		return fmt.Sprintf("UPDATE base SET v = %d;;REFRESH MATERIALIZED VIEW summed", n)
	}, fmt.Sprintf("SELECT CASE WHEN count(*) = 1 AND max(c) = %d AND max(v) <= (SELECT max(v) FROM base) THEN 0 ELSE 1 END FROM summed", loadRows),
		"SELECT max(v) FROM summed"},
	{"INSERT INTO an external table", func(n int) string {
		return fmt.Sprintf("INSERT INTO lake.events SELECT id, %d FROM numbers", n)
	}, fmt.Sprintf("SELECT count(*) FROM (SELECT n FROM lake.events GROUP BY n HAVING count(*) <> %d) x", loadRows),
		"SELECT coalesce(max(n), 0) FROM lake.events"},
	{"CREATE EXTERNAL TABLE AS", func(n int) string {
		return fmt.Sprintf("CREATE EXTERNAL TABLE lake.made%d STORED AS PARQUET LOCATION 's3://crash-data/made/%d/' AS SELECT id, %d AS n FROM numbers;;INSERT INTO made VALUES (%d)", n, n, n, n)
	}, "SELECT count(*) FROM (SELECT max(n) AS n FROM made) m LEFT JOIN svv_external_tables t ON t.tablename = 'made' || m.n WHERE m.n > 0 AND t.tablename IS NULL",
		"SELECT max(n) FROM made"},
	{"DROP SCHEMA CASCADE", func(n int) string {
		return fmt.Sprintf("BEGIN; CREATE SCHEMA s%d; CREATE TABLE s%d.a AS SELECT id FROM numbers; CREATE VIEW s%d.v AS SELECT * FROM s%d.a; COMMIT;;BEGIN; DROP SCHEMA s%d CASCADE; INSERT INTO dropped VALUES (%d); COMMIT", n, n, n, n, n, n)
	}, "SELECT count(*) FROM (SELECT s.nspname FROM pg_namespace s LEFT JOIN pg_class c ON c.relnamespace = s.oid WHERE s.nspname SIMILAR TO 's[0-9]+' GROUP BY s.nspname HAVING count(c.oid) <> 2) x",
		"SELECT max(n) FROM dropped"},
}

// defineTables are made before the kills begin.
const defineTables = `
CREATE TABLE live (id int, n int);
CREATE TABLE columns (id int, n int);
CREATE TABLE added (n int);
CREATE TABLE parts (id int, n int);
CREATE TABLE appended (id int, n int);
CREATE TABLE base (id int, v int);
CREATE TABLE made (n int);
CREATE TABLE dropped (n int);
CREATE TABLE jobs (n int);
INSERT INTO columns SELECT id, 0 FROM numbers WHERE id < 100;
INSERT INTO base SELECT id, 0 FROM numbers;
INSERT INTO added VALUES (0);
INSERT INTO made VALUES (0);
INSERT INTO dropped VALUES (0);
CREATE MATERIALIZED VIEW summed AS SELECT v, count(*) AS c FROM base GROUP BY v;
CREATE EXTERNAL SCHEMA lake FROM DATA CATALOG DATABASE 'lakedb' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS;
CREATE EXTERNAL TABLE lake.events (id int, n int) STORED AS PARQUET LOCATION 's3://crash-data/events/';
COPY jobs FROM 's3://crash-data/job/' IAM_ROLE default JOB CREATE nightly AUTO ON;
`

// TestKillDefinitions kills a server while definitions change, external tables are
// written, and a COPY job loads the objects that come: changes are there as a whole
// or not at all, those answered are, and each object is loaded once.
func TestKillDefinitions(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	rounds := 20
	if testing.Short() {
		rounds = 6
	}
	f := &warehouseFleet{fleet: newFleet(t), tried: map[string]int{}, known: map[string]int{}}
	random := seeded(t)
	f.up()
	f.prepareSQL()
	conn := f.connect(f.ctx)
	for _, sql := range strings.Split(strings.TrimSpace(defineTables), ";\n") {
		if _, err := conn.Exec(f.ctx, sql).ReadAll(); err != nil {
			t.Fatalf("%.60s: %v", sql, err)
		}
	}
	_ = conn.Close(f.ctx)
	for range rounds {
		ctx, stop := context.WithCancel(f.ctx)
		var busy sync.WaitGroup
		for i := range definers {
			busy.Go(func() { f.write(ctx, &definers[i]) })
		}
		busy.Go(func() { f.feed(ctx) })
		time.Sleep(time.Duration(random.Int64N(int64(2500 * time.Millisecond))))
		stop()
		f.kill()
		busy.Wait()
		f.up()
		f.checkTables(definers)
		f.checkJobs()
		if t.Failed() {
			return
		}
	}
	t.Logf("%d kills; changes %v", rounds, f.known)
	for _, w := range definers {
		if f.known[w.name] == 0 {
			t.Errorf("no %s was done before the kills", w.name)
		}
	}
	f.stop()
	f.checkLog()
}

// feed puts objects for the COPY job, a row in each.
func (f *warehouseFleet) feed(ctx context.Context) {
	for ctx.Err() == nil {
		f.mu.Lock()
		f.tried["job"]++
		n := f.tried["job"]
		f.mu.Unlock()
		text := fmt.Sprintln(n)
		_, err := f.aws.Invoke(ctx, "s3", "PutObject", &s3.PutObjectInput{Bucket: new(bucket), Key: new(fmt.Sprintf("job/%d.txt", n)),
			Body: io.NopCloser(strings.NewReader(text)), ContentLength: new(int64(len(text)))})
		if err != nil {
			return // the number is not used again
		}
		f.mu.Lock()
		f.known["job"]++
		f.mu.Unlock()
		time.Sleep(50 * time.Millisecond)
	}
}

// checkJobs waits until each object that was put is loaded, and sees that none is
// twice.
func (f *warehouseFleet) checkJobs() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, time.Minute)
	defer cancel()
	conn := f.connect(ctx)
	defer conn.Close(ctx)
	for {
		if twice := f.ask(ctx, conn, "SELECT n FROM jobs GROUP BY n HAVING count(*) > 1"); len(twice) > 0 {
			f.t.Fatalf("objects were loaded twice: %v", twice)
		}
		var n int
		if _, err := fmt.Sscan(f.ask(ctx, conn, "SELECT count(*) FROM jobs")[0], &n); err != nil {
			f.t.Fatal(err)
		}
		if n >= f.known["job"] {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
