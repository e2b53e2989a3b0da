package gateway

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awsapi/sts"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/wire/sigv4"
)

var rewrite = flag.Bool("rewrite", false, "write the answers into testdata")

type fixedIDs struct{}

func (fixedIDs) UUID() string   { return "req-1" }
func (fixedIDs) Hex(int) string { return "00" }

type keys map[string]Credential

func (k keys) Lookup(_ context.Context, key string) (Credential, bool) {
	c, ok := k[key]
	return c, ok
}

var credentials = keys{
	"AKIDEXAMPLE": {Secret: "secret", Account: "111122223333", Principal: "arn:aws:iam::111122223333:user/u"},
	"ASIATEMP":    {Secret: "secret", SessionToken: "token", Account: "111122223333", Principal: "arn:aws:sts::111122223333:assumed-role/r/s"},
	"ASIAOLD":     {Secret: "secret", SessionToken: "token", Account: "111122223333", Expires: at.Add(-time.Hour)},
}

var at = time.Date(2025, 11, 21, 4, 0, 0, 0, time.UTC)

// testBus has a few operations whose answers show what reached them.
func testBus() *bus.Bus {
	b := bus.New(Validation())
	b.Register(&bus.Service{Name: "states", Model: states.Model, Operations: append(bus.Missing("", "ListActivities"),
		bus.Op("StartExecution", func(ctx context.Context, in *states.StartExecutionInput) (*states.StartExecutionOutput, error) {
			c := bus.From(ctx)
			name := ""
			if in.Name != nil {
				name = *in.Name
			}
			return &states.StartExecutionOutput{ExecutionArn: new(c.ARN("states", "execution:m:"+name)), StartDate: &at}, nil
		}),
		bus.Op("DescribeExecution", func(context.Context, *states.DescribeExecutionInput) (*states.DescribeExecutionOutput, error) {
			return nil, states.ExecutionDoesNotExist("Execution Does Not Exist: '%s'", "x")
		}),
		bus.Op("StopExecution", func(context.Context, *states.StopExecutionInput) (*states.StopExecutionOutput, error) {
			panic("a fault of ours")
		}),
		bus.Op("DescribeActivity", func(context.Context, *states.DescribeActivityInput) (*states.DescribeActivityOutput, error) {
			return nil, fmt.Errorf("cannot read the disk")
		}))})
	b.Register(&bus.Service{Name: "glue", Model: glue.Model, Operations: []bus.Operation{
		bus.Op("GetDatabase", func(_ context.Context, in *glue.GetDatabaseInput) (*glue.GetDatabaseOutput, error) {
			return &glue.GetDatabaseOutput{Database: &glue.Database{Name: in.Name}}, nil
		})}})
	b.Register(&bus.Service{Name: "sts", Model: sts.Model, Operations: []bus.Operation{
		bus.Op("GetCallerIdentity", func(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
			c := bus.From(ctx)
			return &sts.GetCallerIdentityOutput{Account: &c.Account, Arn: &c.Principal, UserId: &c.Region}, nil
		}),
		bus.Op("AssumeRoleWithWebIdentity", func(context.Context, *sts.AssumeRoleWithWebIdentityInput) (*sts.AssumeRoleWithWebIdentityOutput, error) {
			return &sts.AssumeRoleWithWebIdentityOutput{}, nil
		})}})
	b.Register(&bus.Service{Name: "sns", Model: sns.Model, Operations: []bus.Operation{
		bus.Op("Publish", func(_ context.Context, in *sns.PublishInput) (*sns.PublishOutput, error) {
			return &sns.PublishOutput{MessageId: in.Message}, nil
		})}})
	b.Register(&bus.Service{Name: "s3", Model: s3.Model})
	return b
}

// echo is an S3 that says what it got.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	c := bus.From(r.Context())
	if e := awserr.From(err); e != nil {
		w.WriteHeader(e.HTTPStatus())
		fmt.Fprintln(w, e)
		return
	}
	fmt.Fprintf(w, "%s %s%s for %s in %s: %q %v %s length %d", r.Method, r.Host, r.URL, c.Account, c.Region, body, err, r.Header.Get("X-Amz-Content-Sha256"), r.ContentLength)
})

func testGateway(verify bool) *Gateway {
	return New(Options{Bus: testBus(), Clock: clock.New(1), IDs: fixedIDs{}, Verify: verify, Credentials: credentials,
		Streams: map[string]http.Handler{"s3": echo}, MaxBody: 4096, Now: func() time.Time { return at }})
}

// TestData runs the files of testdata: an HTTP request, a line of dashes, the
// answer. open.txt is answered without verification, verify.txt with it. A
// request with a header Sign: SERVICE KEY SECRET is signed first; -rewrite
// writes the answers.
func TestData(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no test data")
	}
	for _, file := range files {
		g := testGateway(strings.Contains(file, "verify"))
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for i, block := range strings.Split(strings.TrimSpace(string(raw)), "\n\n") {
			if i > 0 {
				out.WriteString("\n")
			}
			if strings.HasPrefix(block, "#") {
				out.WriteString(block + "\n")
				continue
			}
			head, want, _ := strings.Cut(block, "\n----\n")
			head = strings.TrimSuffix(head, "\n----")
			got := strings.TrimSpace(exchangeText(t, g, head))
			if got != want && !*rewrite {
				t.Errorf("%s:\n%s\n-- got\n%s\n-- want\n%s", file, head, got, want)
			}
			out.WriteString(head + "\n----\n" + got + "\n")
		}
		if *rewrite {
			if err := os.WriteFile(file, []byte(out.String()), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func exchangeText(t *testing.T, g *Gateway, text string) string {
	head, body, _ := strings.Cut(text, "\n.\n")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n")))
	if err != nil {
		return "bad request in the test: " + err.Error()
	}
	if n, ok := strings.CutPrefix(body, "!repeat "); ok {
		count, _ := strconv.Atoi(n)
		body = strings.Repeat("x", count)
	}
	if r.Header.Get("Content-Encoding") == "gzip" {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, body)
		z.Close()
		body = b.String()
	}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	sign(r, body)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	var b strings.Builder
	fmt.Fprintln(&b, w.Code)
	for _, k := range slices.Sorted(maps.Keys(w.Header())) {
		if k != "Content-Length" {
			fmt.Fprintf(&b, "%s: %s\n", k, strings.Join(w.Header()[k], " | "))
		}
	}
	if strings.Contains(w.Header().Get("Content-Type"), "cbor") {
		return fmt.Sprintf("%s%x", b.String(), w.Body)
	}
	return b.String() + w.Body.String()
}

// sign signs a request of the test data: Sign: SERVICE KEY SECRET [TOKEN].
func sign(r *http.Request, body string) {
	f := strings.Fields(r.Header.Get("Sign"))
	hash := r.Header.Get("Hash")
	break_ := r.Header.Get("Break")
	for _, h := range []string{"Sign", "Hash", "Break"} {
		r.Header.Del(h)
	}
	if len(f) == 0 {
		return
	}
	if hash == "" {
		hash = sigv4.HashPayload([]byte(body))
	}
	s := sigv4.Signer{Credentials: sigv4.Credentials{AccessKey: f[1], SecretKey: f[2]}, Region: "eu-west-1", Service: f[0]}
	if len(f) > 3 {
		s.Credentials.SessionToken = f[3]
	}
	s.Sign(r, hash, at)
	switch break_ {
	case "body":
		r.Body = io.NopCloser(strings.NewReader(strings.ToUpper(body)))
	case "header":
		r.Header.Set("X-Amz-Target", r.Header.Get("X-Amz-Target")+"x")
	}
}

func TestHealthAndMetrics(t *testing.T) {
	g := testGateway(false)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code, w.Body.String()
	}
	status, body := get("/_stepwell/health")
	var h struct {
		Status   string
		Services map[string]struct{ Operations map[string]int }
	}
	if err := json.Unmarshal([]byte(body), &h); err != nil || status != 200 || h.Status != "ok" || h.Services["states"].Operations["full"] != 4 || h.Services["states"].Operations["missing"] != 1 {
		t.Errorf("health: %d %s %v", status, body, err)
	}
	for range 2 {
		exchangeText(t, g, "POST / HTTP/1.1\nHost: h\nX-Amz-Target: AWSGlue.GetDatabase\n.\n{\"Name\":\"d\"}")
	}
	exchangeText(t, g, "POST / HTTP/1.1\nHost: h\nX-Amz-Target: AWSGlue.MadeUp\n.\n{}")
	status, body = get("/metrics")
	for _, line := range []string{
		`stepwell_requests_total{operation="GetDatabase",service="glue",status="200"} 2`,
		`stepwell_requests_total{operation="unknown",service="glue",status="400"} 1`,
		`stepwell_request_seconds_count{operation="GetDatabase",service="glue"} 2`,
	} {
		if status != 200 || !strings.Contains(body, line) {
			t.Errorf("metrics lack %s:\n%s", line, body)
		}
	}
}

// TestValidation is the interceptor: callers that are not HTTP get the same
// answers.
func TestValidation(t *testing.T) {
	_, err := testBus().Invoke(context.Background(), "states", "StartExecution", &states.StartExecutionInput{})
	if e := awserr.From(err); e == nil || e.Code != "ValidationException" {
		t.Errorf("got %v", err)
	}
}

func TestParseHost(t *testing.T) {
	for host, want := range map[string]string{
		"127.0.0.1:4566": "  ", "localhost:4566": "  ", "[::1]:4566": "  ", "example.com": "  ",
		"glue.eu-west-1.amazonaws.com": "glue eu-west-1 ", "iam.amazonaws.com": "iam  ", "redshift-data.us-east-1.amazonaws.com:443": "redshift-data us-east-1 ",
		"s3.amazonaws.com": "s3  ", "s3.eu-west-1.amazonaws.com": "s3 eu-west-1 ", "s3-eu-west-1.amazonaws.com": "s3 eu-west-1 ",
		"b.s3.amazonaws.com": "s3  b", "a.b.s3.eu-west-1.amazonaws.com": "s3 eu-west-1 a.b", "b.s3.dualstack.eu-west-1.amazonaws.com": "s3 eu-west-1 b",
		"b.localhost:4566": "s3  b", "b.s3.localhost:4566": "s3  b", "a.b.s3.localhost": "s3  a.b", "s3.localhost": "s3  ", "B.LocalHost.": "s3  b",
		"sync-states.eu-west-1.amazonaws.com": "sync-states eu-west-1 ",
	} {
		service, region, bucket := parseHost(host)
		if got := service + " " + region + " " + bucket; got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

// TestBusy checks that a waiting operation does not hold the clock.
func TestBusy(t *testing.T) {
	g := New(Options{Bus: testBus(), Clock: busyClock{clock.New(1), new(int)}, Waiting: []string{"glue:GetDatabase"}})
	count := g.o.Clock.(busyClock).n
	exchangeText(t, g, "POST / HTTP/1.1\nHost: h\nX-Amz-Target: AWSGlue.GetDatabase\n.\n{\"Name\":\"d\"}")
	if *count != 0 {
		t.Errorf("a waiting operation held the clock busy")
	}
	exchangeText(t, g, "POST / HTTP/1.1\nHost: h\nX-Amz-Target: AWSStepFunctions.StartExecution\n.\n{\"stateMachineArn\":\"d\"}")
	if *count != 1 {
		t.Errorf("busy %d times, want 1", *count)
	}
}

type busyClock struct {
	clock.Clock
	n *int
}

func (b busyClock) Busy() func() {
	*b.n++
	return b.Clock.Busy()
}

func FuzzServe(f *testing.F) {
	g := testGateway(false)
	f.Add("AWSStepFunctions.StartExecution", "application/x-amz-json-1.0", "/", `{"stateMachineArn":"a"}`)
	f.Add("", "application/x-www-form-urlencoded", "/?Action=Publish&Version=2010-03-31", "Action=Publish&Message=m&MessageAttributes.entry.1.Name=k")
	f.Add("", "application/cbor", "/service/AWSStepFunctions/operation/StartExecution", "\xa1\x64name\x61x")
	f.Fuzz(func(t *testing.T, targetHeader, contentType, uri, body string) {
		r, err := http.NewRequest("POST", "http://h/", strings.NewReader(body))
		if err != nil {
			return
		}
		path, query, _ := strings.Cut(uri, "?")
		r.URL.Path, r.URL.RawQuery = path, query
		r.Header.Set("X-Amz-Target", targetHeader)
		r.Header.Set("Content-Type", contentType)
		if strings.Contains(contentType, "cbor") {
			r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != 501 && !strings.Contains(targetHeader+uri, "StopExecution") && !strings.Contains(targetHeader+uri, "DescribeActivity") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}

// BenchmarkServe is StartExecution through the whole door.
func BenchmarkServe(b *testing.B) {
	g := testGateway(false)
	body := `{"stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m","name":"n","input":"{\"key\":\"value\"}"}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "http://127.0.0.1:4566/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "AWSStepFunctions.StartExecution")
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20251121/us-east-1/states/aws4_request, SignedHeaders=host, Signature=00")
		r.Header.Set("X-Amz-Date", "20251121T040000Z")
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}

// TestSite: hosts with handlers of their own get every path, pages of other sites
// too, and look at signatures only where requests must have one.
func TestSite(t *testing.T) {
	for _, c := range []struct {
		verify                   bool
		host, path, headers, key string // key: what the request is signed with
		want                     string
	}{
		{true, "open.site", "/metrics", "Authorization: Bearer x", "", "200 anonymous"},
		{true, "open.site", "/", "Origin: https://else.com", "", "200 anonymous"},
		{true, "closed.site", "/", "", "", "200 anonymous"}, // the handler refuses it
		{true, "closed.site", "/", "", "AKIDEXAMPLE secret", "200 AKIDEXAMPLE"},
		{true, "closed.site", "/", "", "AKIDEXAMPLE wrong", "403"},
		{true, "closed.site", "/", "", "AKIANOBODY secret", "403"},
		{false, "closed.site", "/", "", "123456789012 any", "200 123456789012"},
		{true, "other.site", "/", "", "", "403"},
	} {
		g := testGateway(c.verify)
		g.o.Site = func(host string) (http.Handler, bool) {
			name, _, _ := strings.Cut(host, ".")
			if name == "other" {
				return nil, false
			}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, cmp.Or(bus.From(r.Context()).AccessKey, "anonymous"))
			}), name == "closed"
		}
		r := httptest.NewRequest("GET", "http://"+c.host+c.path, nil)
		if name, v, ok := strings.Cut(c.headers, ": "); ok {
			r.Header.Set(name, v)
		}
		if c.key != "" {
			r.Header.Set("Sign", "lambda "+c.key)
			sign(r, "")
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if got := fmt.Sprint(w.Code, " ", w.Body); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s%s %s %s: %s, want %s", c.host, c.path, c.headers, c.key, got, c.want)
		}
	}
}
