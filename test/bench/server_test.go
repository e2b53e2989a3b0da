package bench

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// server is the program under test, with a folder of its own.
type server struct {
	cmd      *exec.Cmd
	lines    *bufio.Scanner // what it prints
	endpoint string
	redshift string // the address of the wire protocol
}

// startServer starts the program and waits until it is healthy.
func startServer(b *testing.B, data string, flags ...string) *server {
	b.Helper()
	if *program == "" {
		b.Skip("no -stepwell: run make bench")
	}
	cmd := exec.Command(*program, append([]string{"serve", "--data-dir", data, "--listen", "127.0.0.1:0", "--redshift", "127.0.0.1:0"}, flags...)...)
	s := startProcess(b, cmd, "AWS endpoint", "/_stepwell/health")
	if !s.lines.Scan() || !strings.HasPrefix(s.lines.Text(), "Redshift") {
		b.Fatalf("the server did not say where Redshift is: %s", s.lines.Text())
	}
	s.redshift = strings.Fields(s.lines.Text())[1]
	return s
}

// startProcess starts a server that prints its address first and waits until a page answers.
func startProcess(b *testing.B, cmd *exec.Cmd, label, page string) *server {
	b.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	s := &server{cmd: cmd}
	b.Cleanup(s.kill)
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		b.Fatal("the server said nothing")
	}
	s.lines, s.endpoint = lines, strings.TrimSpace(strings.TrimPrefix(lines.Text(), label))
	for {
		res, err := http.Get(s.endpoint + page)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return s
			}
		}
	}
}

// kill ends the server as a power cut would.
func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// echoEnv makes the test program an echo server: the limit of what any service
// can do on the same HTTP stack in a process of its own.
const echoEnv = "STEPWELL_BENCH_ECHO"

func TestMain(m *testing.M) {
	if os.Getenv(echoEnv) != "" {
		serveEcho()
		return
	}
	os.Exit(m.Run())
}

// serveEcho answers every request with its body, with the settings of the gateway's server.
func serveEcho() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("http://" + l.Addr().String())
	s := &http.Server{ReadHeaderTimeout: 20 * time.Second, IdleTimeout: 3 * time.Minute, MaxHeaderBytes: 256 << 10,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			w.Write(body)
		})}
	fmt.Fprintln(os.Stderr, s.Serve(l))
	os.Exit(1)
}

func startEcho(b *testing.B) *server {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), echoEnv+"=1")
	return startProcess(b, cmd, "", "/")
}

// client sends requests as an AWS SDK does, over connections that it keeps.
type client struct {
	http     *http.Client
	endpoint string
}

func newClient(s *server) *client {
	return &client{&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}, s.endpoint}
}

// post calls an operation of Step Functions and returns the answer's body.
func (c *client) post(operation, body string) ([]byte, error) {
	req, err := http.NewRequest(http.MethodPost, c.endpoint+"/", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{
		"Content-Type": {"application/x-amz-json-1.0"},
		"X-Amz-Target": {"AWSStepFunctions." + operation},
		"X-Amz-Date":   {"20260102T030405Z"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260102/us-east-1/states/aws4_request, " +
			"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=" + strings.Repeat("0", 64)},
	}
	return c.do(req)
}

func (c *client) do(req *http.Request) ([]byte, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var buf bytes.Buffer
	buf.Grow(int(max(res.ContentLength, 0)) + bytes.MinRead)
	if _, err := buf.ReadFrom(res.Body); err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, res.Status, buf.Bytes())
	}
	return buf.Bytes(), nil
}

// call is post with an input that is made JSON and an output read from it; nil: not wanted.
func (c *client) call(b *testing.B, operation string, in, out any) {
	b.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		b.Fatal(err)
	}
	answer, err := c.post(operation, string(body))
	if err == nil && out != nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil {
		b.Fatal(err)
	}
}

type object = map[string]any

// machine creates a state machine and returns its ARN.
func (c *client) machine(b *testing.B, name, kind, definition string) string {
	b.Helper()
	var out struct{ StateMachineArn string }
	c.call(b, "CreateStateMachine", object{"name": name, "type": kind, "definition": definition, "roleArn": "arn:aws:iam::123456789012:role/bench"}, &out)
	return out.StateMachineArn
}

// start starts an execution and returns its ARN.
func (c *client) start(b *testing.B, machine, input string) string {
	b.Helper()
	var out struct{ ExecutionArn string }
	c.call(b, "StartExecution", object{"stateMachineArn": machine, "input": input}, &out)
	return out.ExecutionArn
}

// finish waits for an execution to end and returns its status.
func (c *client) finish(b *testing.B, execution string) (status string) {
	b.Helper()
	for {
		var out struct{ Status, Error, Cause string }
		c.call(b, "DescribeExecution", object{"executionArn": execution, "includedData": "METADATA_ONLY"}, &out)
		if out.Status != "RUNNING" {
			if out.Cause != "" {
				b.Log(out.Error, out.Cause)
			}
			return out.Status
		}
		time.Sleep(time.Millisecond)
	}
}

// count is how many executions of a machine have a status.
func (c *client) count(b *testing.B, machine, status string) (n int) {
	b.Helper()
	in := object{"stateMachineArn": machine, "statusFilter": status, "maxResults": 1000}
	for {
		var out struct {
			Executions []struct{}
			NextToken  string
		}
		c.call(b, "ListExecutions", in, &out)
		n += len(out.Executions)
		if out.NextToken == "" {
			return n
		}
		in["nextToken"] = out.NextToken
	}
}

// fsyncs is how many times a second the disk of a folder makes 4 KiB durable.
func fsyncs(b *testing.B, folder string) float64 {
	b.Helper()
	f, err := os.CreateTemp(folder, "fsync")
	if err != nil {
		b.Fatal(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	began, n := time.Now(), 0
	for ; time.Since(began) < time.Second; n++ {
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(began).Seconds()
}
