package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
)

// loadRows is how many rows COPY loads, and UNLOAD and MERGE write, at a time.
const loadRows = 20000

// writer changes tables in a way that shows when half of a change is there.
type writer struct {
	name string
	// step is change n, from 1 upwards; a change that was not answered may be
	// there or not, and its number is not used again. ";;" separates requests.
	step func(n int) string
	// broken counts what contradicts that changes are there as a whole.
	broken string
	// last is a query for the last change that is there.
	last string
}

// sqlTables are made before the kills begin.
const sqlTables = `
CREATE TABLE loads (id int, name varchar(40));
CREATE TABLE staged (id int, name varchar(40));
CREATE TABLE batches (id int, batch int);
CREATE TABLE target (id int, v int);
CREATE TABLE source (id int, v int);
CREATE TABLE p1 (n int, id int);
CREATE TABLE p2 (n int);
CREATE TABLE q1 (n int, half int);
CREATE TABLE q2 (n int, half int);
CREATE TABLE answers (n int);
CREATE TABLE pairs (n int, half int);
CREATE PROCEDURE whole(k int) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO p1 SELECT k, id FROM numbers;
  DELETE FROM p2;
  FOR i IN 1 .. 3 LOOP
    INSERT INTO p2 VALUES (k);
  END LOOP;
END $$;
CREATE PROCEDURE halves(k int) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO q1 VALUES (k, 1);
  INSERT INTO q2 VALUES (k, 1);
  COMMIT;
  INSERT INTO q1 VALUES (k, 2);
  INSERT INTO q2 VALUES (k, 2);
END $$;
`

var writers = []writer{
	{"COPY", func(n int) string {
		return fmt.Sprintf("BEGIN; DELETE FROM staged; COPY staged FROM 's3://crash-data/in/' IAM_ROLE default; COPY loads FROM 's3://crash-data/in/' IAM_ROLE default; "+
			"INSERT INTO batches SELECT count(*), %d FROM staged; COMMIT", n)
	}, fmt.Sprintf("SELECT (SELECT count(*) FROM batches WHERE id <> %d) + abs((SELECT count(*) FROM loads) - %d * (SELECT count(*) FROM batches))", loadRows, loadRows),
		"SELECT coalesce(max(batch), 0) FROM batches"},
	{"MERGE", func(n int) string {
		return fmt.Sprintf("BEGIN; UPDATE source SET v = %d; MERGE INTO target USING source ON target.id = source.id WHEN MATCHED THEN UPDATE SET v = source.v "+
			"WHEN NOT MATCHED THEN INSERT VALUES (source.id, source.v); COMMIT", n)
	}, fmt.Sprintf("SELECT CASE WHEN count(*) IN (0, %d) AND count(DISTINCT v) <= 1 AND coalesce(max(v), 0) = (SELECT max(v) FROM source) THEN 0 ELSE 1 END FROM target", loadRows),
		"SELECT coalesce(max(v), 0) FROM target"},
	{"CALL", func(n int) string { return fmt.Sprintf("CALL whole(%d)", n) },
		fmt.Sprintf("SELECT (SELECT count(*) FROM (SELECT n FROM p1 GROUP BY n HAVING count(*) <> %d) x) + (SELECT count(*) FROM (SELECT n FROM p2 GROUP BY n HAVING count(*) <> 3) x) + "+
			"CASE WHEN coalesce((SELECT max(n) FROM p1), 0) = coalesce((SELECT max(n) FROM p2), 0) THEN 0 ELSE 1 END", loadRows),
		"SELECT coalesce(max(n), 0) FROM p1"},
	{"COMMIT in CALL", func(n int) string { return fmt.Sprintf("CALL halves(%d)", n) },
		"SELECT (SELECT count(*) FROM (SELECT n, half FROM q1 MINUS SELECT n, half FROM q2) x) + (SELECT count(*) FROM (SELECT n, half FROM q2 MINUS SELECT n, half FROM q1) x) + " +
			"(SELECT count(*) FROM (SELECT n FROM q1 WHERE half = 2 MINUS SELECT n FROM q1 WHERE half = 1) x)",
		"SELECT coalesce(max(n), 0) FROM q1 WHERE half = 2"},
	{"UNLOAD", func(n int) string {
		return fmt.Sprintf("UNLOAD ('SELECT id, id %% 4 AS part FROM numbers') TO 's3://crash-data/out/%d/' IAM_ROLE default CSV PARTITION BY (part) MANIFEST", n)
	}, "", ""},
}

// warehouseFleet is a fleet whose server runs SQL.
type warehouseFleet struct {
	*fleet
	mu    sync.Mutex
	tried map[string]int // the last change that was tried
	known map[string]int // the last change that was answered
	// statements of the Data API by their ids, and what they insert.
	statements map[string]string
}

// TestKillSQL kills a server while COPY, MERGE, procedures, UNLOAD and statements
// of the Data API run. What was answered is there, what was not is there as a
// whole or not at all, a prefix has all objects of an UNLOAD or none, and a
// statement is FINISHED when its transaction was committed and only then.
func TestKillSQL(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	rounds := 30
	if testing.Short() {
		rounds = 8
	}
	f := &warehouseFleet{fleet: newFleet(t), tried: map[string]int{}, known: map[string]int{}, statements: map[string]string{}}
	random := seeded(t)
	f.up()
	f.prepareSQL()
	for range rounds {
		ctx, stop := context.WithCancel(f.ctx)
		var busy sync.WaitGroup
		for i := range writers {
			busy.Go(func() { f.write(ctx, &writers[i]) })
		}
		busy.Go(func() { f.execute(ctx) })
		time.Sleep(time.Duration(random.Int64N(int64(1500 * time.Millisecond))))
		stop()
		f.kill()
		busy.Wait()
		f.up()
		f.checkTables(writers)
		f.checkUnloads()
		f.checkStatements()
		if t.Failed() {
			return
		}
	}
	t.Logf("%d kills; changes %v, statements %d", rounds, f.known, len(f.statements))
	for _, w := range writers {
		if f.known[w.name] == 0 {
			t.Errorf("no %s was done before the kills", w.name)
		}
	}
	f.stop()
	f.checkLog()
}

func (f *warehouseFleet) prepareSQL() {
	f.t.Helper()
	must[s3.CreateBucketOutput](f.fleet, "s3", "CreateBucket", &s3.CreateBucketInput{Bucket: new(bucket)})
	var text strings.Builder
	for i := range loadRows {
		fmt.Fprintf(&text, "%d|name number %d\n", i, i)
	}
	f.put("in/a.txt", text.String())
	conn := f.connect(f.ctx)
	defer conn.Close(f.ctx)
	for _, sql := range []string{sqlTables, "CREATE TABLE numbers (id int, name varchar(40))", "COPY numbers FROM 's3://crash-data/in/' IAM_ROLE default", "INSERT INTO source SELECT id, 0 FROM numbers"} {
		if _, err := conn.Exec(f.ctx, sql).ReadAll(); err != nil {
			f.t.Fatalf("%.60s: %v", sql, err)
		}
	}
}

func (f *warehouseFleet) put(key, text string) {
	f.t.Helper()
	must[s3.PutObjectOutput](f.fleet, "s3", "PutObject", &s3.PutObjectInput{Bucket: new(bucket), Key: &key,
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: new(int64(len(text)))})
}

// connect waits for a server that answers.
func (f *fleet) connect(ctx context.Context) *pgconn.PgConn {
	f.t.Helper()
	for {
		conn, err := pgconn.Connect(ctx, fmt.Sprintf("postgres://awsuser@127.0.0.1:%d/dev?sslmode=disable", f.ports[1]))
		if err == nil {
			return conn
		}
		if ctx.Err() != nil {
			f.t.Fatal("no server answers")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// write makes changes until the server dies.
func (f *warehouseFleet) write(ctx context.Context, w *writer) {
	conn, err := pgconn.Connect(ctx, fmt.Sprintf("postgres://awsuser@127.0.0.1:%d/dev?sslmode=disable", f.ports[1]))
	if err != nil {
		return
	}
	defer conn.Close(context.Background())
	for ctx.Err() == nil {
		f.mu.Lock()
		f.tried[w.name]++
		n := f.tried[w.name]
		f.mu.Unlock()
		var err error
		for _, sql := range strings.Split(w.step(n), ";;") {
			if _, err = conn.Exec(context.Background(), sql).ReadAll(); err != nil {
				break
			}
		}
		var e *pgconn.PgError
		if errors.As(err, &e) {
			f.t.Errorf("%s %d: %v", w.name, n, err)
			return
		}
		if err != nil {
			return
		}
		f.mu.Lock()
		f.known[w.name] = n
		f.mu.Unlock()
	}
}

// execute gives statements to the Data API, single ones and batches.
func (f *warehouseFleet) execute(ctx context.Context) {
	for ctx.Err() == nil {
		f.mu.Lock()
		f.tried["statement"]++
		n := f.tried["statement"]
		f.mu.Unlock()
		var id *string
		if n%2 == 0 {
			out, err := try[redshiftdata.ExecuteStatementOutput](ctx, f.fleet, "redshift-data", "ExecuteStatement", &redshiftdata.ExecuteStatementInput{
				ClusterIdentifier: new(defaultCluster), DbUser: new("awsuser"), Database: new("dev"), Sql: new(fmt.Sprintf("INSERT INTO answers VALUES (%d)", n))})
			if err == nil {
				id = out.Id
			}
		} else {
			out, err := try[redshiftdata.BatchExecuteStatementOutput](ctx, f.fleet, "redshift-data", "BatchExecuteStatement", &redshiftdata.BatchExecuteStatementInput{
				ClusterIdentifier: new(defaultCluster), DbUser: new("awsuser"), Database: new("dev"),
				Sqls: []string{fmt.Sprintf("INSERT INTO pairs VALUES (%d, 1)", n), fmt.Sprintf("INSERT INTO pairs VALUES (%d, 2)", n)}})
			if err == nil {
				id = out.Id
			}
		}
		if id != nil {
			f.mu.Lock()
			f.statements[*id] = fmt.Sprint(n)
			f.mu.Unlock()
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// defaultCluster is the cluster that a new data folder has.
const defaultCluster = "stepwell"

// checkTables: no change is there in part, and none that was answered is gone.
func (f *warehouseFleet) checkTables(writers []writer) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, time.Minute)
	defer cancel()
	conn := f.connect(ctx)
	defer conn.Close(ctx)
	for _, w := range writers {
		if w.broken == "" {
			continue
		}
		if got := f.ask(ctx, conn, w.broken)[0]; got != "0" {
			f.t.Errorf("%s: %s changes are there in part", w.name, got)
		}
		var last int
		if _, err := fmt.Sscan(f.ask(ctx, conn, w.last)[0], &last); err != nil || last < f.known[w.name] || last > f.tried[w.name] {
			f.t.Errorf("%s: change %d is the last, %d was answered, %d tried: %v", w.name, last, f.known[w.name], f.tried[w.name], err)
		}
	}
}

// ask returns the first column of a query.
func (f *fleet) ask(ctx context.Context, conn *pgconn.PgConn, sql string) (column []string) {
	f.t.Helper()
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	for _, row := range results[len(results)-1].Rows {
		column = append(column, string(row[0]))
	}
	return column
}

// checkUnloads: below each prefix are all objects, whole, or none.
func (f *warehouseFleet) checkUnloads() {
	f.t.Helper()
	folders := map[int]map[string]int64{}
	in := &s3.ListObjectsV2Input{Bucket: new(bucket), Prefix: new("out/")}
	for {
		page := must[s3.ListObjectsV2Output](f.fleet, "s3", "ListObjectsV2", in)
		for _, o := range page.Contents {
			var n int
			var rest string
			if _, err := fmt.Sscanf(*o.Key, "out/%d/%s", &n, &rest); err != nil {
				f.t.Errorf("the object %s is nobody's", *o.Key)
				continue
			}
			if folders[n] == nil {
				folders[n] = map[string]int64{}
			}
			folders[n][rest] = *o.Size
		}
		if in.ContinuationToken = page.NextContinuationToken; in.ContinuationToken == nil {
			break
		}
	}
	total := int64(0)
	for i := range loadRows {
		total += int64(len(fmt.Sprintln(i)))
	}
	for n, files := range folders {
		bytes := int64(0)
		for name, size := range files {
			if name != "manifest" {
				bytes += size
			}
		}
		if files["manifest"] == 0 || bytes != total {
			f.t.Errorf("UNLOAD %d left %v, of %d bytes", n, files, total)
		}
	}
	if len(folders) < f.known["UNLOAD"] && folders[f.known["UNLOAD"]] == nil {
		f.t.Errorf("UNLOAD %d was answered and has no objects", f.known["UNLOAD"])
	}
}

// checkStatements: each statement comes to an end, which tells the truth.
func (f *warehouseFleet) checkStatements() {
	f.t.Helper()
	status := map[string]string{} // by what is inserted
	for id, n := range f.statements {
		ctx, cancel := context.WithTimeout(f.ctx, time.Minute)
		for status[n] == "" {
			d, err := try[redshiftdata.DescribeStatementOutput](ctx, f.fleet, "redshift-data", "DescribeStatement", &redshiftdata.DescribeStatementInput{Id: &id})
			if err != nil {
				f.t.Errorf("statement %s: %v", id, awserr.From(err))
				break
			}
			switch *d.Status {
			case "FINISHED", "FAILED", "ABORTED":
				status[n] = *d.Status
			default:
				time.Sleep(5 * time.Millisecond)
			}
		}
		cancel()
	}
	conn := f.connect(f.ctx)
	defer conn.Close(f.ctx)
	if odd := f.ask(f.ctx, conn, "SELECT n FROM pairs GROUP BY n HAVING count(*) <> 2 UNION SELECT n FROM answers GROUP BY n HAVING count(*) <> 1"); len(odd) > 0 {
		f.t.Errorf("batches are there in part, or statements twice: %v", odd)
	}
	there := map[string]bool{}
	for _, n := range f.ask(f.ctx, conn, "SELECT n FROM answers UNION SELECT n FROM pairs") {
		there[n] = true
	}
	for _, n := range slices.Sorted(maps.Keys(status)) {
		if there[n] != (status[n] == "FINISHED") {
			f.t.Errorf("statement %s is %s, and its rows are there: %v", n, status[n], there[n])
		}
	}
}
