package bench

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// lambdaLimit is how many times longer than a round trip to Python's http.server,
// as it comes, a warm invoke of a Python function may take.
const lambdaLimit = 3

// pythonServer answers every POST with JSON. What %s stands for is the body of its class.
const pythonServer = `
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    %s
    def do_GET(self):
        self.do_POST()
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        body = json.dumps({"event": event}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
`

const pythonFunction = `
def handler(event, context):
    return {"event": event}
`

// BenchmarkLambda invokes a warm Python function over HTTP, in turn with a round
// trip to a Python http.server that does the same, and fails where it takes
// lambdaLimit times as long.
func BenchmarkLambda(b *testing.B) {
	python, err := exec.LookPath("python3")
	if err != nil {
		b.Skip(err)
	}
	s := startServer(b, b.TempDir())
	c := newClient(s)
	// As it comes it speaks HTTP/1.0: a connection and a thread a request. The other
	// keeps its connections and sends an answer in one packet.
	plain := newClient(startProcess(b, exec.Command(python, "-c", fmt.Sprintf(pythonServer, "pass")), "", "/"))
	kept := newClient(startProcess(b, exec.Command(python, "-c", fmt.Sprintf(pythonServer,
		"protocol_version, wbufsize, disable_nagle_algorithm = 'HTTP/1.1', -1, True")), "", "/"))
	c.function(b, "f", pythonFunction)
	const event = `{"n": 1, "text": "some text"}`
	invoke := func() error {
		_, err := c.lambda(http.MethodPost, "/2015-03-31/functions/f/invocations", event)
		return err
	}
	post := func(to *client) func() error {
		return func() error {
			req, err := http.NewRequest(http.MethodPost, to.endpoint+"/", strings.NewReader(event))
			if err != nil {
				return err
			}
			_, err = to.do(req)
			return err
		}
	}
	const calls = 300
	median(b, calls, invoke) // warm
	ours, theirs, kepts := time.Hour, time.Hour, time.Hour
	for b.Loop() {
		for range 5 {
			theirs = min(theirs, median(b, calls, post(plain)))
			kepts = min(kepts, median(b, calls, post(kept)))
			ours = min(ours, median(b, calls, invoke))
		}
	}
	ratio := float64(ours) / float64(theirs)
	b.ReportMetric(milliseconds(ours), "ms/invoke")
	b.ReportMetric(milliseconds(theirs), "ms/http.server")
	b.ReportMetric(ratio, "ratio")
	b.ReportMetric(milliseconds(kepts), "ms/kept-connection")
	b.ReportMetric(throughput(b, 8, invoke), "invokes/s-8-clients")
	b.ReportMetric(0, "ns/op")
	if ratio > lambdaLimit {
		b.Errorf("a warm invoke takes %v, %.1f times as long as a round trip to Python's http.server with %v; the limit is %d", ours, ratio, theirs, lambdaLimit)
	}
}

// function creates a Python function and waits until it is active.
func (c *client) function(b *testing.B, name, code string) {
	b.Helper()
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	file, err := z.Create("index.py")
	if err == nil {
		_, err = file.Write([]byte(code))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	body, err := json.Marshal(object{"FunctionName": name, "Runtime": "python3.12", "Handler": "index.handler",
		"Role": "arn:aws:iam::123456789012:role/r", "Code": object{"ZipFile": archive.Bytes()}})
	if err != nil {
		b.Fatal(err)
	}
	_, err = c.lambda(http.MethodPost, "/2015-03-31/functions", string(body))
	for state := "Pending"; err == nil && state == "Pending"; time.Sleep(50 * time.Millisecond) {
		var answer []byte
		if answer, err = c.lambda(http.MethodGet, "/2015-03-31/functions/"+name+"/configuration", ""); err == nil {
			var out struct{ State string }
			err = json.Unmarshal(answer, &out)
			state = out.State
		}
	}
	if err != nil {
		b.Fatal(err)
	}
}

// lambda calls an operation of Lambda.
func (c *client) lambda(method, path, body string) ([]byte, error) {
	req, err := http.NewRequest(method, c.endpoint+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{
		"Content-Type": {"application/json"},
		"X-Amz-Date":   {"20260102T030405Z"},
		"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260102/us-east-1/lambda/aws4_request, " +
			"SignedHeaders=content-type;host;x-amz-date, Signature=" + strings.Repeat("0", 64)},
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, res.Status, answer)
	}
	return answer, err
}
