// Package crash takes servers down the hard way and looks at what became of
// executions and data: SIGKILL at random instants while the reviews pipeline
// runs (crash_test.go), while executions of every kind do (mixed_test.go), or Map runs
// (maprun_test.go), and while SQL does (sql_test.go, define_test.go), and a disk that is full (full_test.go for
// the warehouse), or loses what it was told to sync (disk_test.go).
package crash

import (
	"bufio"
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
	"stepwell/internal/server"
	"stepwell/internal/wire/remote"
	"stepwell/internal/wire/sigv4"
)

var (
	program = flag.String("stepwell", "", "the program under test; without it the test is skipped")
	kills   = flag.Int("kills", 20, "how often the server is killed")
	seed    = flag.Uint64("seed", 0, "of the random instants; 0 takes one from the clock")
)

// process is a running server.
type process struct {
	t       *testing.T
	cmd     *exec.Cmd
	address map[string]string
	aws     bus.Invoker
}

// start starts a server that skips waits and returns when it is ready.
func start(t *testing.T, data string, ports [2]int) *process {
	t.Helper()
	p := &process{t: t, address: map[string]string{}}
	p.cmd = serve(data, ports, "--time-scale", "0")
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "AWS endpoint"); ok {
			p.address["endpoint"] = strings.TrimSpace(rest)
		}
		if strings.HasPrefix(lines.Text(), "Ready") {
			break
		}
	}
	if p.address["endpoint"] == "" {
		t.Fatal("the server did not start")
	}
	p.aws = client(p.address["endpoint"])
	return p
}

// serve is the command of a server.
func serve(data string, ports [2]int, more ...string) *exec.Cmd {
	return exec.Command(*program, append([]string{"serve", "--data-dir", data,
		"--listen", fmt.Sprintf("127.0.0.1:%d", ports[0]), "--redshift", fmt.Sprintf("127.0.0.1:%d", ports[1])}, more...)...)
}

func client(endpoint string) bus.Invoker {
	return remote.New(remote.Options{
		Endpoint: endpoint, Region: bus.DefaultRegion, Models: server.Models(),
		Credentials: sigv4.Credentials{AccessKey: bus.DefaultAccount, SecretKey: "x"},
	})
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

func (p *process) run(args ...string) string {
	p.t.Helper()
	cmd := exec.Command(*program, append(args, "--endpoint", p.address["endpoint"])...)
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

const machine = "arn:aws:states:us-east-1:123456789012:stateMachine:Myproject_StepFunction"

func TestKill(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", *seed)
	random := rand.New(rand.NewPCG(*seed, 1))
	data := t.TempDir()
	ports := [2]int{20000 + random.IntN(10000), 31000 + random.IntN(10000)}
	p := start(t, data, ports)
	defer func() { p.kill() }()
	began := time.Now()
	p.run("run", "examples/reviews") // deploys, and shows how long a run takes
	whole := time.Since(began)
	began = time.Now()
	p.run("run", "examples/reviews")
	whole = min(whole, time.Since(began))

	executions := 2
	for i := range *kills {
		input := `{"load": "sql/etl.sql"}`
		out, err := bus.Invoke[states.StartExecutionOutput](t.Context(), p.aws, "states", "StartExecution",
			&states.StartExecutionInput{StateMachineArn: new(machine), Input: &input})
		if err != nil {
			t.Fatal(err)
		}
		executions++
		marker := fmt.Sprintf("marker/%d", i)
		put(t, p, marker)
		instant := time.Duration(random.Int64N(int64(whole)))
		time.Sleep(instant)
		p.kill()
		p = start(t, data, ports)
		end := await(t, p, *out.ExecutionArn)
		t.Logf("kill %d after %v: %s", i, instant.Round(time.Millisecond), end)
		checkHistory(t, p, *out.ExecutionArn)
		checkData(t, p)
		checkObject(t, p, marker)
		checkExecutions(t, p, executions)
	}
}

func put(t *testing.T, p *process, key string) {
	t.Helper()
	body := io.NopCloser(strings.NewReader(key))
	_, err := p.aws.Invoke(t.Context(), "s3", "PutObject", &s3.PutObjectInput{
		Bucket: new("redshift-databucket-stepwell"), Key: &key, Body: body, ContentLength: new(int64(len(key))),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// await waits for the end of an execution and returns what it came to; a
// pipeline whose job was killed is tried again and succeeds.
func await(t *testing.T, p *process, arn string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for {
		d, err := bus.Invoke[states.DescribeExecutionOutput](ctx, p.aws, "states", "DescribeExecution", &states.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil {
			t.Fatalf("execution %s after the restart: %v", arn, err)
		}
		switch *d.Status {
		case "RUNNING":
			time.Sleep(50 * time.Millisecond)
		case "SUCCEEDED":
			return *d.Status
		default:
			t.Fatalf("execution ended %s: %v %v", *d.Status, deref(d.Error), deref(d.Cause))
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// checkHistory: events are numbered without gaps, each follows an earlier one,
// every state entered was left, every scheduled task has one outcome.
func checkHistory(t *testing.T, p *process, arn string) {
	t.Helper()
	counts := map[string]int{}
	var last int64
	in := &states.GetExecutionHistoryInput{ExecutionArn: &arn}
	for {
		page, err := bus.Invoke[states.GetExecutionHistoryOutput](t.Context(), p.aws, "states", "GetExecutionHistory", in)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if *e.Id != last+1 || e.PreviousEventId != nil && *e.PreviousEventId >= *e.Id {
				t.Errorf("event %d follows %d, previous %v", *e.Id, last, *e.PreviousEventId)
			}
			last = *e.Id
			counts[*e.Type]++
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			break
		}
	}
	outcomes := counts["TaskSucceeded"] + counts["TaskFailed"] + counts["TaskTimedOut"]
	if counts["TaskScheduled"] != outcomes || counts["TaskStateEntered"] != 3 || counts["TaskStateExited"] != 3 || counts["ExecutionSucceeded"] != 1 {
		t.Errorf("history is not well formed: %v", counts)
	}
}

func checkData(t *testing.T, p *process) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(p.run("sql", "-d", "reviews", "-o", "csv", "-c",
		"select count(*), count(distinct review_id), sum(helpful_votes) from public.reviews"))).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][0] != "979" || rows[1][1] != "979" {
		t.Errorf("rows in the table: %v, %v", rows, err)
	}
}

func checkObject(t *testing.T, p *process, marker string) {
	t.Helper()
	out, err := bus.Invoke[s3.ListObjectsV2Output](t.Context(), p.aws, "s3", "ListObjectsV2", &s3.ListObjectsV2Input{Bucket: new("redshift-databucket-stepwell")})
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]int64{}
	for _, o := range out.Contents {
		keys[*o.Key] = *o.Size
	}
	if keys[marker] != int64(len(marker)) || keys["topreviews/top_000"] == 0 || keys["topreviews/top_manifest"] == 0 {
		t.Errorf("objects: %v", keys)
	}
}

func checkExecutions(t *testing.T, p *process, want int) {
	t.Helper()
	out, err := bus.Invoke[states.ListExecutionsOutput](t.Context(), p.aws, "states", "ListExecutions", &states.ListExecutionsInput{StateMachineArn: new(machine)})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Executions) != want {
		t.Errorf("%d executions, want %d", len(out.Executions), want)
	}
}

func TestDataFolderHasOneServer(t *testing.T) {
	if *program == "" {
		t.Skip("no -stepwell: run make crash")
	}
	data := t.TempDir()
	p := start(t, data, [2]int{0, 0})
	defer p.kill()
	out, err := exec.Command(*program, "serve", "--data-dir", data, "--listen", "127.0.0.1:0", "--redshift", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another server has the data folder") {
		t.Errorf("a second server on %s: %v, %s", filepath.Base(data), err, out)
	}
}
