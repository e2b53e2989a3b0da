package crash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stepwell/internal/awsapi/redshift"
	"stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// TestMixed starts executions of every kind of machine (machines_test.go) on a
// server that is killed again and again while they run; clients repeat what was
// not answered. Every execution must end as an undisturbed one does, with a
// history that is well formed, and no effect may be repeated after its result
// was recorded.
func TestMixed(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	executions, kills := 1000, 100
	if testing.Short() {
		executions, kills = 200, 20
	}
	f := newFleet(t)
	f.up()
	f.prepare()
	reference := f.reference()
	f.disturb(executions, kills, seeded(t), reference)
	f.checkAll(executions)
	f.stop()
	f.checkLog()
}

// seeded is the source of the random instants.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", s)
	return rand.New(rand.NewPCG(s, 2))
}

// disturb starts executions while servers are killed, and checks each at the end.
func (f *fleet) disturb(executions, kills int, random *rand.Rand, reference map[string]map[string]int) {
	f.t.Helper()
	var starting sync.WaitGroup
	lives := time.Duration(0)
	began := time.Now()
	for i := range kills {
		for n := i * executions / kills; n < (i+1)*executions/kills; n++ {
			starting.Go(func() { f.start(kinds[n%len(kinds)].name, n) })
		}
		life := time.Duration(random.Int64N(int64(2 * time.Second)))
		time.Sleep(life) // from 0: some servers die while they start
		f.kill()
		lives += life
		f.up()
	}
	f.t.Logf("%d kills in %v, a server lived %v on average", kills, time.Since(began).Round(time.Second), (lives / time.Duration(kills)).Round(time.Millisecond))
	starting.Wait()
	for n := range executions {
		f.check(&kinds[n%len(kinds)], n, reference)
	}
	f.t.Logf("all %d executions have ended %v after the first start", executions, time.Since(began).Round(time.Second))
}

// fleet is a server that is killed and started again, and its clients.
type fleet struct {
	t     *testing.T
	data  string
	ports [2]int
	log   *os.File
	cmd   *exec.Cmd
	aws   bus.Invoker
	ctx   context.Context
	end   func()
	busy  sync.WaitGroup // clients
	disk  *disk          // nil: it works

	subscriber *subscriber
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, data: t.TempDir(), ports: [2]int{free(t), free(t)}}
	var err error
	if f.log, err = os.Create(filepath.Join(t.TempDir(), "log")); err != nil {
		t.Fatal(err)
	}
	f.ctx, f.end = context.WithCancel(context.Background())
	f.aws = client(fmt.Sprintf("http://127.0.0.1:%d", f.ports[0]))
	f.subscriber = newSubscriber(f)
	t.Cleanup(func() {
		f.end()
		f.kill()
		f.busy.Wait()
		if t.Failed() {
			tail(t, f.log.Name())
		}
	})
	return f
}

// free is a port that nobody listens on, below those that connections are given.
func free(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("no port is free")
	return 0
}

func tail(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Error(err)
	}
	t.Logf("the end of the server's log:\n%s", text[max(0, len(text)-6000):])
}

// up starts a server and does not wait for it: the clients do.
func (f *fleet) up() {
	f.t.Helper()
	f.cmd = serve(f.data, f.ports)
	f.cmd.Stdout, f.cmd.Stderr = f.log, f.log
	f.cmd.Env = f.disk.env()
	if err := f.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fleet) kill() {
	if f.cmd == nil {
		return
	}
	_ = f.cmd.Process.Kill() // it may have gone
	_ = f.cmd.Wait()         // it was killed
	f.cmd = nil
	f.disk.cut(f.t, f.data)
}

// stop ends the clients and lets the server end in order.
func (f *fleet) stop() {
	f.t.Helper()
	f.end()
	f.busy.Wait()
	f.interrupt()
}

// interrupt stops the server in order; a server that hangs fails the test.
func (f *fleet) interrupt() {
	f.t.Helper()
	if err := f.cmd.Process.Signal(os.Interrupt); err != nil {
		f.t.Error(err)
	}
	hangs := time.AfterFunc(15*time.Second, func() {
		f.t.Error("the server does not stop")
		_ = f.cmd.Process.Kill() // Wait says how it ended
	})
	defer hangs.Stop()
	if err := f.cmd.Wait(); err != nil {
		f.t.Errorf("the server ended: %v", err)
	}
	f.cmd = nil
}

// checkLog: nothing panicked, no execution was left behind.
func (f *fleet) checkLog() {
	f.t.Helper()
	text, err := os.ReadFile(f.log.Name())
	if err != nil {
		f.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") {
			f.t.Errorf("the server says %s", line)
		}
	}
}

// try calls an operation until there is a server that answers. An error is the service's.
func try[Out any](ctx context.Context, f *fleet, service, operation string, in any) (*Out, error) {
	for {
		out, err := bus.Invoke[Out](ctx, f.aws, service, operation, in)
		e := awserr.From(err)
		if err == nil || e != nil && (e.HTTPStatus() < 500 || e.HTTPStatus() == 501) {
			return out, err
		}
		if e != nil && !(f.disk != nil && e.Code == "ServiceUnavailable") {
			f.t.Errorf("%s answers %v", operation, err) // a server that is alive can answer
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// must is try for operations that succeed.
func must[Out any](f *fleet, service, operation string, in any) *Out {
	f.t.Helper()
	out, err := try[Out](f.ctx, f, service, operation, in)
	if err != nil {
		f.t.Fatalf("%s: %v", operation, err)
	}
	return out
}

const (
	topicARN    = "arn:aws:sns:us-east-1:123456789012:effects"
	activityARN = "arn:aws:states:us-east-1:123456789012:activity:work"
	bucket      = "crash-data"
	rows        = 8 // of rows.csv
)

func machineARN(name string) string {
	return "arn:aws:states:us-east-1:123456789012:stateMachine:" + name
}

func executionARN(machine, name string) string {
	return "arn:aws:states:us-east-1:123456789012:execution:" + machine + ":" + name
}

// prepare makes what the machines need, and the clients.
func (f *fleet) prepare() {
	f.t.Helper()
	must[sns.CreateTopicOutput](f, "sns", "CreateTopic", &sns.CreateTopicInput{Name: new("effects")})
	must[states.CreateActivityOutput](f, "states", "CreateActivity", &states.CreateActivityInput{Name: new("work")})
	must[s3.CreateBucketOutput](f, "s3", "CreateBucket", &s3.CreateBucketInput{Bucket: new(bucket)})
	csv := "row\n"
	for i := range rows {
		csv += fmt.Sprintln(i)
	}
	must[s3.PutObjectOutput](f, "s3", "PutObject", &s3.PutObjectInput{Bucket: new(bucket), Key: new("rows.csv"),
		Body: io.NopCloser(strings.NewReader(csv)), ContentLength: new(int64(len(csv)))})
	must[redshift.CreateClusterOutput](f, "redshift", "CreateCluster", &redshift.CreateClusterInput{ClusterIdentifier: new("crash"),
		DBName: new("dev"), NodeType: new("ra3.large"), MasterUsername: new("awsuser"), MasterUserPassword: new("Passw0rd!")})
	for f.clusterStatus() != "available" {
		time.Sleep(10 * time.Millisecond)
	}
	f.query("create table effects (name varchar(100))")
	files, err := filepath.Glob("testdata/*.asl.json")
	if err != nil || len(files) == 0 {
		f.t.Fatalf("no machines: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".asl.json")
		in := &states.CreateStateMachineInput{Name: &name, Definition: new(string(text)), RoleArn: new("arn:aws:iam::123456789012:role/crash")}
		if name == "express" {
			in.Type = new("EXPRESS")
		}
		must[states.CreateStateMachineOutput](f, "states", "CreateStateMachine", in)
	}
	must[sns.SubscribeOutput](f, "sns", "Subscribe", &sns.SubscribeInput{TopicArn: new(topicARN), Protocol: new("http"), Endpoint: &f.subscriber.server.URL})
	<-f.subscriber.confirmed
	for range 4 {
		f.busy.Go(f.work)
	}
	f.busy.Go(f.express)
}

func (f *fleet) clusterStatus() string {
	f.t.Helper()
	in := &redshift.DescribeClustersInput{ClusterIdentifier: new("crash")}
	return *must[redshift.DescribeClustersOutput](f, "redshift", "DescribeClusters", in).Clusters[0].ClusterStatus
}

// query runs SQL through the Data API and returns the first column of its rows.
func (f *fleet) query(sql string) []string {
	f.t.Helper()
	st := must[redshiftdata.ExecuteStatementOutput](f, "redshift-data", "ExecuteStatement", &redshiftdata.ExecuteStatementInput{
		ClusterIdentifier: new("crash"), DbUser: new("awsuser"), Database: new("dev"), Sql: &sql})
	for {
		d := must[redshiftdata.DescribeStatementOutput](f, "redshift-data", "DescribeStatement", &redshiftdata.DescribeStatementInput{Id: st.Id})
		switch *d.Status {
		case "FAILED", "ABORTED":
			f.t.Fatalf("%s: %s", sql, deref(d.Error))
		case "FINISHED":
			if d.HasResultSet == nil || !*d.HasResultSet {
				return nil
			}
			var column []string
			in := &redshiftdata.GetStatementResultInput{Id: st.Id}
			for {
				page := must[redshiftdata.GetStatementResultOutput](f, "redshift-data", "GetStatementResult", in)
				for _, row := range page.Records {
					column = append(column, deref(row[0].StringValue))
				}
				if in.NextToken = page.NextToken; in.NextToken == nil {
					return column
				}
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// input is the input of execution n of a kind.
func (f *fleet) input(name string, n int) string {
	items := make([]string, 5)
	for i := range items {
		items[i] = fmt.Sprintf("%s item %d", name, i)
	}
	text, err := json.Marshal(map[string]any{"name": name, "n": n, "seconds": n % 3, "items": items,
		"until": f.subscriber.began.Add(time.Duration(n%1000) * 120 * time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z")})
	if err != nil {
		f.t.Error(err)
	}
	return string(text)
}

// start starts execution n, again where no answer came.
func (f *fleet) start(kind string, n int) string {
	name := fmt.Sprintf("%s-%d", kind, n)
	in := &states.StartExecutionInput{StateMachineArn: new(machineARN(kind)), Name: &name, Input: new(f.input(name, n))}
	_, err := try[states.StartExecutionOutput](f.ctx, f, "states", "StartExecution", in)
	if e := awserr.From(err); err != nil && (e == nil || e.Code != "ExecutionAlreadyExists") && f.ctx.Err() == nil {
		f.t.Errorf("%s cannot be started: %v", name, err)
	}
	return executionARN(kind, name)
}

// await returns what an execution came to.
func (f *fleet) await(arn string) *states.DescribeExecutionOutput {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, time.Minute)
	defer cancel()
	for {
		d, err := try[states.DescribeExecutionOutput](ctx, f, "states", "DescribeExecution", &states.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil {
			f.t.Fatalf("%s: %v", arn, err)
		}
		if *d.Status != "RUNNING" {
			return d
		}
		select {
		case <-ctx.Done():
			f.t.Fatalf("%s does not end; its history is:\n%s", arn, f.history(arn))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// work is a worker of the activity.
func (f *fleet) work() {
	for f.ctx.Err() == nil {
		task, err := try[states.GetActivityTaskOutput](f.ctx, f, "states", "GetActivityTask", &states.GetActivityTaskInput{ActivityArn: new(activityARN)})
		if err != nil || task.TaskToken == nil || *task.TaskToken == "" {
			continue
		}
		var in struct{ N int }
		if err := json.Unmarshal([]byte(*task.Input), &in); err != nil {
			f.t.Errorf("an activity task has the input %s: %v", *task.Input, err)
		}
		_, err = try[states.SendTaskSuccessOutput](f.ctx, f, "states", "SendTaskSuccess",
			&states.SendTaskSuccessInput{TaskToken: task.TaskToken, Output: new(fmt.Sprintf(`{"worked": %d}`, in.N))})
		if e := awserr.From(err); e != nil && e.Code != "TaskTimedOut" {
			f.t.Errorf("an activity task cannot be answered: %v", err)
		}
	}
}

// express runs Express executions beside the others.
func (f *fleet) express() {
	for n := 0; f.ctx.Err() == nil; n++ {
		input := f.input("express", n)
		out, err := bus.Invoke[states.StartSyncExecutionOutput](f.ctx, f.aws, "states", "StartSyncExecution",
			&states.StartSyncExecutionInput{StateMachineArn: new(machineARN("express")), Input: &input})
		if err != nil {
			if awserr.From(err) != nil {
				f.t.Errorf("StartSyncExecution: %v", err)
			}
			time.Sleep(50 * time.Millisecond)
			continue
		}
		var in struct{ Items []string }
		var items []string
		if err := errors.Join(json.Unmarshal([]byte(input), &in), json.Unmarshal([]byte(deref(out.Output)), &items)); err != nil || fmt.Sprint(in.Items) != fmt.Sprint(items) {
			f.t.Errorf("an Express execution ended %s with %s", *out.Status, deref(out.Output))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// get reads an object.
func (f *fleet) get(key string) string {
	f.t.Helper()
	return f.page("/" + bucket + "/" + key)
}

// page reads a page of the server.
func (f *fleet) page(path string) string {
	f.t.Helper()
	res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", f.ports[0], path))
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode == 404 {
		f.t.Fatalf("%s: %s, %v, %s", path, res.Status, err, text)
	}
	return string(text)
}
