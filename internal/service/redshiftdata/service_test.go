package redshiftdata

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

func call[Out any](t *testing.T, s *server, op string, in any) (*Out, error) {
	t.Helper()
	return bus.Invoke[Out](s.ctx, s.bus, "redshift-data", op, in)
}

func must[Out any](t *testing.T, s *server, op string, in any) *Out {
	t.Helper()
	out, err := call[Out](t, s, op, in)
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	return out
}

// wait polls until the statement has ended.
func wait(t *testing.T, s *server, id string) *api.DescribeStatementOutput {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		d := must[api.DescribeStatementOutput](t, s, "DescribeStatement", &api.DescribeStatementInput{Id: &id})
		if ended(*d.Status) {
			return d
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("statement did not end")
	return nil
}

func submit(t *testing.T, s *server, sqls ...string) string {
	t.Helper()
	if len(sqls) == 1 {
		return *must[api.ExecuteStatementOutput](t, s, "ExecuteStatement", &api.ExecuteStatementInput{
			Sql: &sqls[0], Database: new("dev"), ClusterIdentifier: new("stepwell"), DbUser: new("awsuser")}).Id
	}
	return *must[api.BatchExecuteStatementOutput](t, s, "BatchExecuteStatement", &api.BatchExecuteStatementInput{
		Sqls: sqls, Database: new("dev"), ClusterIdentifier: new("stepwell"), DbUser: new("awsuser")}).Id
}

func brief(d *api.DescribeStatementOutput) string {
	s := fmt.Sprintf("%s rows=%d result=%v", *d.Status, *d.ResultRows, *d.HasResultSet)
	if d.Error != nil {
		s += " error=" + *d.Error
	}
	for _, p := range d.SubStatements {
		s += fmt.Sprintf("; %s %s rows=%d", strings.TrimPrefix(*p.Id, *d.Id), *p.Status, *p.ResultRows)
		if p.Error != nil {
			s += " error=" + *p.Error
		}
	}
	return s
}

func TestOutcomes(t *testing.T) {
	s := newServer(t, t.TempDir(), newFake())
	for _, c := range []struct {
		sqls []string
		want string
	}{
		{[]string{"rows 2"}, "FINISHED rows=2 result=true"},
		{[]string{"rows 0"}, "FINISHED rows=0 result=true"},
		{[]string{"write 5"}, "FINISHED rows=5 result=false"},
		{[]string{"fail relation does not exist"}, "FAILED rows=-1 result=false error=ERROR: relation does not exist\n  Position: 7"},
		{[]string{"twice"}, "FINISHED rows=3 result=false"},
		{[]string{"twice rows"}, "FAILED rows=-1 result=false error=ERROR: cannot insert multiple commands into a prepared statement"},
		{[]string{"rows 1", "write 3"}, "FINISHED rows=4 result=true; :1 FINISHED rows=1; :2 FINISHED rows=3"},
		{[]string{"write 1", "fail no", "rows 1"}, "FAILED rows=-1 result=false error=Query #2 failed with ERROR: no\n  Position: 7; " +
			":1 FINISHED rows=1; :2 FAILED rows=-1 error=ERROR: no\n  Position: 7; :3 ABORTED rows=-1 error=" + textPrior},
	} {
		if got := brief(wait(t, s, submit(t, s, c.sqls...))); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.sqls, got, c.want)
		}
	}
	out := must[api.ExecuteStatementOutput](t, s, "ExecuteStatement", &api.ExecuteStatementInput{
		Sql: new("rows 1"), Database: new("nowhere"), ClusterIdentifier: new("stepwell"), WithEvent: new(true), StatementName: new("n")})
	d := wait(t, s, *out.Id)
	if *d.Error != `FATAL: database "nowhere" does not exist` || d.DbUser != nil {
		t.Errorf("unknown database: %s", brief(d))
	}
	if e := <-s.told; e.State != "FAILED" || e.StatementName != "n" || !e.ExpireAt.Equal(start.Add(retention)) {
		t.Errorf("event %+v", e)
	}
}

func TestResultPages(t *testing.T) {
	dir := t.TempDir()
	w := newFake()
	s := newServer(t, dir, w)
	const n = 40_000
	id := submit(t, s, fmt.Sprint("rows ", n))
	d := wait(t, s, id)
	s = newServer(t, dir, w) // results outlive the server
	var next *string
	pages, k := 0, 0
	for {
		out := must[api.GetStatementResultOutput](t, s, "GetStatementResult", &api.GetStatementResultInput{Id: &id, NextToken: next})
		pages++
		for _, r := range out.Records {
			want := []api.Field{{LongValue: new(int64(k))}, {StringValue: new(fmt.Sprintf("name \"%d\"\n", k))}, {DoubleValue: new(float64(k) / 4)},
				{BooleanValue: new(k%2 == 0)}, {BlobValue: []byte{byte(k)}}, {IsNull: new(true)}}
			if !reflect.DeepEqual(r, want) {
				t.Fatalf("row %d differs", k)
			}
			k++
		}
		if *out.TotalNumRows != n || len(out.ColumnMetadata) != 6 {
			t.Fatalf("page %d: %d rows in all, %d columns", pages, *out.TotalNumRows, len(out.ColumnMetadata))
		}
		if next = out.NextToken; next == nil {
			break
		}
	}
	if k != n || pages != int(*d.ResultSize/pageBytes)+1 {
		t.Errorf("%d rows on %d pages, %d bytes", k, pages, *d.ResultSize)
	}
	out := must[api.GetStatementResultOutput](t, s, "GetStatementResult", &api.GetStatementResultInput{Id: &id})
	got, _ := json.Marshal(out.ColumnMetadata[5])
	if want := `{"IsCaseSensitive":false,"IsCurrency":false,"IsSigned":true,"Label":"nothing","Length":0,"Name":"nothing","Nullable":1,"Precision":18,"Scale":2,"SchemaName":"","TableName":"","TypeName":"numeric"}`; string(got) != want {
		t.Errorf("column %s", got)
	}

	// Retention: a day later the statement is gone, and its file with the next submission.
	s.clock.Advance(retention + time.Second)
	if _, err := call[api.GetStatementResultOutput](t, s, "GetStatementResult", &api.GetStatementResultInput{Id: &id}); awserr.From(err) == nil || awserr.From(err).Code != "ResourceNotFoundException" {
		t.Errorf("expired: %v", err)
	}
	wait(t, s, submit(t, s, "nothing"))
	if files, _ := filepath.Glob(filepath.Join(dir, "results", "*", "*", "*")); len(files) != 0 {
		t.Errorf("files left: %v", files)
	}
}

func TestCSV(t *testing.T) {
	s := newServer(t, t.TempDir(), newFake())
	id := *must[api.BatchExecuteStatementOutput](t, s, "BatchExecuteStatement", &api.BatchExecuteStatementInput{Sqls: []string{"rows 2"},
		Database: new("dev"), SecretArn: new("good"), ResultFormat: new("CSV")}).Id
	if d := wait(t, s, id); *d.Status != "FINISHED" || *d.ClusterIdentifier != "stepwell" || *d.SecretArn != "good" {
		t.Fatalf("%+v", brief(d))
	}
	out := must[api.GetStatementResultV2Output](t, s, "GetStatementResultV2", &api.GetStatementResultV2Input{Id: new(id + ":1")})
	if want := "0,\"name \"\"0\"\"\n\",0,true,AA==,\r\n1,\"name \"\"1\"\"\n\",0.25,false,AQ==,\r\n"; *out.Records[0].CSVRecords != want {
		t.Errorf("got %q", *out.Records[0].CSVRecords)
	}
}

func TestErrors(t *testing.T) {
	s := newServer(t, t.TempDir(), newFake())
	done := submit(t, s, "write 1")
	batch := submit(t, s, "rows 1", "write 1")
	wait(t, s, done)
	wait(t, s, batch)
	unknown := "00000000-0000-0000-0000-000000000000"
	base := func(change func(*api.ExecuteStatementInput)) *api.ExecuteStatementInput {
		in := &api.ExecuteStatementInput{Sql: new("rows 1"), Database: new("dev"), ClusterIdentifier: new("stepwell")}
		change(in)
		return in
	}
	for _, c := range []struct {
		op   string
		in   any
		want string
	}{
		{"ExecuteStatement", base(func(in *api.ExecuteStatementInput) { in.ClusterIdentifier = new("none") }), "ValidationException: Redshift endpoint doesn't exist in this region."},
		{"ExecuteStatement", base(func(in *api.ExecuteStatementInput) { in.ClusterIdentifier = nil }), "ValidationException: Either ClusterIdentifier or WorkgroupName needs to be specified."},
		{"ExecuteStatement", base(func(in *api.ExecuteStatementInput) { in.ClusterIdentifier = new("asleep") }), "ValidationException: The cluster asleep is not available: its status is paused."},
		{"ExecuteStatement", base(func(in *api.ExecuteStatementInput) { in.ClusterIdentifier, in.WorkgroupName = nil, new("wg1") }), "NotImplemented: not implemented: redshift-serverless:GetWorkgroup"},
		{"ExecuteStatement", base(func(in *api.ExecuteStatementInput) { in.SecretArn = new("gone") }), "ValidationException: Secrets Manager can't find the specified secret."},
		{"ExecuteStatement", base(func(in *api.ExecuteStatementInput) { in.SecretArn = new("bad") }), "ValidationException: Secret bad must be a JSON object with username and password."},
		{"ExecuteStatement", base(func(in *api.ExecuteStatementInput) { in.SecretArn = new("other") }), "ValidationException: ClusterIdentifier does not match the cluster of the secret."},
		{"ExecuteStatement", base(func(in *api.ExecuteStatementInput) { in.Sql = new(strings.Repeat("x", maxSQL+1)) }), "ValidationException: SQL statement exceeds the maximum size of 102400 bytes."},
		{"ExecuteStatement", base(func(in *api.ExecuteStatementInput) { in.Parameters = params("a", "1", "b", "2") }), "ValidationException: Parameters list contains unused parameters. Unused parameters: [a, b]"},
		{"ExecuteStatement", &api.ExecuteStatementInput{Sql: new("rows 1"), SessionId: &unknown}, "ValidationException: Session " + unknown + " is not available."},
		{"DescribeStatement", &api.DescribeStatementInput{Id: &unknown}, "ResourceNotFoundException: Query does not exist."},
		{"DescribeStatement", &api.DescribeStatementInput{Id: new(batch + ":3")}, "ResourceNotFoundException: Query does not exist."},
		{"CancelStatement", &api.CancelStatementInput{Id: &done}, "ValidationException: Could not cancel a query that is already in FINISHED state"},
		{"GetStatementResult", &api.GetStatementResultInput{Id: &done}, "ResourceNotFoundException: Query does not have result. Please check query status with DescribeStatement."},
		{"GetStatementResult", &api.GetStatementResultInput{Id: &batch}, "ValidationException: BatchExecuteStatement result can only be retrieved with sub-statement id."},
		{"GetStatementResult", &api.GetStatementResultInput{Id: new(batch + ":1"), NextToken: new("?")}, "ValidationException: Invalid NextToken."},
		{"ListTables", &api.ListTablesInput{Database: new("dev"), ConnectedDatabase: new("nowhere"), ClusterIdentifier: new("stepwell")}, `DatabaseConnectionException: FATAL: database "nowhere" does not exist`},
		{"ListSchemas", &api.ListSchemasInput{Database: new("dev"), SchemaPattern: new("bad"), ClusterIdentifier: new("stepwell")}, "ValidationException: ERROR: no such schema"},
	} {
		_, err := s.bus.Invoke(s.ctx, "redshift-data", c.op, c.in)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.op, err, c.want)
		}
	}
}

func params(pairs ...string) (list []api.SqlParameter) {
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, api.SqlParameter{Name: &pairs[i], Value: &pairs[i+1]})
	}
	return list
}

func TestCancelAndQuota(t *testing.T) {
	w := newFake()
	s := newServer(t, t.TempDir(), w)
	id := submit(t, s, "write 1", "block", "write 2")
	<-w.blocked
	d := must[api.DescribeStatementOutput](t, s, "DescribeStatement", &api.DescribeStatementInput{Id: &id})
	if got := brief(d); got != "STARTED rows=-1 result=false; :1 FINISHED rows=1; :2 STARTED rows=-1; :3 SUBMITTED rows=-1" {
		t.Errorf("running: %s", got)
	}
	if out := must[api.CancelStatementOutput](t, s, "CancelStatement", &api.CancelStatementInput{Id: &id}); !*out.Status {
		t.Error("not cancelled")
	}
	if got := brief(wait(t, s, id)); got != "ABORTED rows=-1 result=false error=ERROR: Query (7) cancelled on user's request; :1 FINISHED rows=1; :2 ABORTED rows=-1 error=ERROR: Query (7) cancelled on user's request; :3 ABORTED rows=-1 error="+textPrior {
		t.Errorf("cancelled: %s", got)
	}
	ids := []string{}
	for range maxActive {
		ids = append(ids, submit(t, s, "block"))
	}
	_, err := call[api.ExecuteStatementOutput](t, s, "ExecuteStatement", &api.ExecuteStatementInput{Sql: new("x"), Database: new("dev"), ClusterIdentifier: new("stepwell")})
	if e := awserr.From(err); e == nil || e.Code != "ActiveStatementsExceededException" {
		t.Errorf("quota: %v", err)
	}
	for _, id := range ids { // most of them still wait for their turn
		must[api.CancelStatementOutput](t, s, "CancelStatement", &api.CancelStatementInput{Id: &id})
	}
	for _, id := range ids {
		if d := wait(t, s, id); *d.Status != "ABORTED" {
			t.Fatalf("%s", brief(d))
		}
	}
}

// TestServerDies ends a server at each point of a statement's life; the next
// one must tell what was committed from what was lost, and run nothing twice.
func TestServerDies(t *testing.T) {
	for _, c := range []struct {
		sqls []string
		want string
		runs int
	}{
		{[]string{"die before commit"}, "FAILED rows=-1 result=false error=" + textLost, 1},
		{[]string{"die after commit"}, "FINISHED rows=0 result=false", 1},
		{[]string{"rows 3", "die after commit"}, "FINISHED rows=3 result=true; :1 FINISHED rows=3; :2 FINISHED rows=0", 1},
		{[]string{"rows 3", "die before commit"}, "FAILED rows=-1 result=true error=Query #2 failed with " + textLost +
			"; :1 FINISHED rows=3; :2 FAILED rows=-1 error=" + textLost, 1},
		{[]string{"block"}, "FAILED rows=-1 result=false error=" + textLost, 1},
	} {
		dir, w := t.TempDir(), newFake()
		first := newServer(t, dir, w)
		id := submit(t, first, c.sqls...)
		<-w.blocked
		second := newServer(t, dir, w)
		if got := brief(wait(t, second, id)); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.sqls, got, c.want)
		}
		if n := w.count(c.sqls[len(c.sqls)-1]); n != c.runs {
			t.Errorf("%q ran %d times", c.sqls, n)
		}
	}
}

func TestIdempotencyAndList(t *testing.T) {
	s := newServer(t, t.TempDir(), newFake())
	in := &api.ExecuteStatementInput{Sql: new("write :n"), Parameters: params("n", "7"), Database: new("dev"), ClusterIdentifier: new("stepwell"),
		ClientToken: new("abc"), StatementName: new("load-1")}
	first := must[api.ExecuteStatementOutput](t, s, "ExecuteStatement", in)
	if again := must[api.ExecuteStatementOutput](t, s, "ExecuteStatement", in); *again.Id != *first.Id {
		t.Error("token made a second statement")
	}
	d := wait(t, s, *first.Id)
	if *d.QueryString != "write :n" || *d.QueryParameters[0].Value != "7" {
		t.Errorf("query %s", *d.QueryString)
	}
	s.clock.Advance(time.Second)
	wait(t, s, submit(t, s, "fail x"))
	s.clock.Advance(time.Second)
	wait(t, s, submit(t, s, "rows 1", "rows 2"))
	for _, c := range []struct {
		in   api.ListStatementsInput
		want string
	}{
		{api.ListStatementsInput{}, "[rows 1 rows 2] write :n"},
		{api.ListStatementsInput{Status: new("ALL")}, "[rows 1 rows 2] fail x write :n"},
		{api.ListStatementsInput{Status: new("FAILED")}, "fail x"},
		{api.ListStatementsInput{StatementName: new("load")}, "write :n"},
		{api.ListStatementsInput{ClusterIdentifier: new("other")}, ""},
		{api.ListStatementsInput{Status: new("ALL"), MaxResults: new(int64(1))}, "[rows 1 rows 2] fail x write :n"},
	} {
		got := []string{}
		for {
			out := must[api.ListStatementsOutput](t, s, "ListStatements", &c.in)
			for _, d := range out.Statements {
				if *d.IsBatchStatement {
					got = append(got, fmt.Sprint(d.QueryStrings))
				} else {
					got = append(got, *d.QueryString)
				}
			}
			if c.in.NextToken = out.NextToken; c.in.NextToken == nil {
				break
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %q", c.in, got)
		}
	}
	other := bus.With(context.Background(), bus.Caller{Account: "999999999999", Region: "eu-west-1"})
	if _, err := s.bus.Invoke(other, "redshift-data", "DescribeStatement", &api.DescribeStatementInput{Id: first.Id}); err == nil {
		t.Error("another account sees the statement")
	}
}

func TestSession(t *testing.T) {
	w := newFake()
	s := newServer(t, t.TempDir(), w)
	first := must[api.ExecuteStatementOutput](t, s, "ExecuteStatement", &api.ExecuteStatementInput{Sql: new("write 1"), Database: new("dev"),
		ClusterIdentifier: new("stepwell"), SessionKeepAliveSeconds: new(int64(60))})
	pid := *wait(t, s, *first.Id).RedshiftPid
	next := &api.ExecuteStatementInput{Sql: new("block"), SessionId: first.SessionId}
	second := must[api.ExecuteStatementOutput](t, s, "ExecuteStatement", next)
	<-w.blocked
	if _, err := call[api.ExecuteStatementOutput](t, s, "ExecuteStatement", next); err == nil || !strings.Contains(err.Error(), "busy") {
		t.Errorf("second statement at once: %v", err)
	}
	must[api.CancelStatementOutput](t, s, "CancelStatement", &api.CancelStatementInput{Id: second.Id})
	if d := wait(t, s, *second.Id); *d.RedshiftPid != pid || *d.SessionId != *first.SessionId {
		t.Errorf("another session: %d, not %d", *d.RedshiftPid, pid)
	}
	s.clock.Advance(2 * time.Minute)
	if _, err := call[api.ExecuteStatementOutput](t, s, "ExecuteStatement", next); err == nil || !strings.Contains(err.Error(), "not available") {
		t.Errorf("expired session: %v", err)
	}
	if w.connects != 1 {
		t.Errorf("%d connections", w.connects)
	}
}

func TestCatalog(t *testing.T) {
	s := newServer(t, t.TempDir(), newFake())
	in := &api.ListTablesInput{Database: new("dev"), ClusterIdentifier: new("stepwell"), MaxResults: new(int64(2))}
	one := must[api.ListTablesOutput](t, s, "ListTables", in)
	in.NextToken = one.NextToken
	two := must[api.ListTablesOutput](t, s, "ListTables", in)
	if len(one.Tables) != 2 || len(two.Tables) != 1 || *two.Tables[0].Name != "c" || two.NextToken != nil {
		t.Errorf("pages %v %v", one, two)
	}
	d := must[api.DescribeTableOutput](t, s, "DescribeTable", &api.DescribeTableInput{Database: new("dev"), Table: new("a"), ClusterIdentifier: new("stepwell")})
	if len(d.ColumnList) != 2 || *d.ColumnList[0].Nullable != 0 || *d.ColumnList[1].Length != 16 || *d.ColumnList[1].ColumnDefault != "'x'" {
		t.Errorf("columns %+v", d.ColumnList)
	}
	if out := must[api.ListDatabasesOutput](t, s, "ListDatabases", &api.ListDatabasesInput{Database: new("dev"), ClusterIdentifier: new("stepwell")}); len(out.Databases) != 2 {
		t.Errorf("databases %v", out.Databases)
	}
}

func TestBind(t *testing.T) {
	for _, c := range []struct{ sql, want, args string }{
		{"select * from t where a = :a and b = :b and c = :a", "select * from t where a = $1 and b = $2 and c = $1", "1 2"},
		{"select ':a', \":a\", x::a, :a::int -- :a\n/* :a /* :b */ :a */, :b", "select ':a', \":a\", x::a, $1::int -- :a\n/* :a /* :b */ :a */, $2", "1 2"},
		{"select 'it''s :a \\' :a', $$ :a $$, $x$ :a $$ $x$, :a", "select 'it''s :a \\' :a', $$ :a $$, $x$ :a $$ $x$, $1", "1"},
		{"select :ab, :c", "select :ab, :c", ""},
		{"select :a as x, :c as y", "select $1 as x, :c as y", "1"}, // which the warehouse refuses
		{"select 'open :a", "select 'open :a", ""},
	} {
		got := bind(c.sql, params("a", "1", "b", "2"), map[string]bool{})
		if got.SQL != c.want || strings.Join(got.Args, " ") != c.args {
			t.Errorf("%s\n got %s %v", c.sql, got.SQL, got.Args)
		}
	}
}

func FuzzBind(f *testing.F) {
	f.Add("select :a, ':a', \"x\", $$ :a $$ -- :a\n/* :a */ ::a", "a")
	f.Fuzz(func(t *testing.T, sql, name string) {
		used := map[string]bool{}
		got := bind(sql, params(name, "1"), used)
		if !used[name] && (got.SQL != sql || got.Args != nil) {
			t.Errorf("%q became %q without a parameter", sql, got.SQL)
		}
		if used[name] && !strings.Contains(sql, ":"+name) {
			t.Errorf("%q has no :%s", sql, name)
		}
	})
}
