package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi"
	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awsapi/sts"
	"stepwell/internal/bus"
	"stepwell/internal/wire/sigv4"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"redshift-data=profile=prod,region=eu-west-1": "redshift-data=profile=prod,region=eu-west-1",
		"s3=aws": "s3=aws",
		"glue=region=eu-west-1,endpoint=https://vpce-1.example.com": "glue=region=eu-west-1,endpoint=https://vpce-1.example.com",
		"glue":                     "cannot route \"glue\": write SERVICE=profile=NAME,region=REGION[,endpoint=URL], or SERVICE=aws",
		"glue=":                    "cannot route \"glue=\": write SERVICE=profile=NAME,region=REGION[,endpoint=URL], or SERVICE=aws",
		"glue=profil=x":            "cannot route glue: \"profil\" is none of profile, region, endpoint",
		"glue=endpoint=localhost:": "cannot route glue: \"localhost:\" is no URL of an endpoint",
	} {
		r, err := Parse(text)
		got := r.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s\nwant %s", text, got, want)
		}
	}
}

func TestTargets(t *testing.T) {
	for _, c := range []struct {
		model                              *awsapi.Model
		service, region, operation, custom string
		want                               string
	}{
		{redshiftdata.Model, "redshift-data", "eu-west-1", "", "", "https://redshift-data.eu-west-1.amazonaws.com eu-west-1 redshift-data"},
		{s3.Model, "s3", "us-east-1", "", "", "https://s3.us-east-1.amazonaws.com us-east-1 s3"},
		{sts.Model, "sts", "cn-north-1", "", "", "https://sts.cn-north-1.amazonaws.com.cn cn-north-1 sts"},
		{iam.Model, "iam", "eu-west-1", "", "", "https://iam.amazonaws.com us-east-1 iam"},
		{states.Model, "states", "eu-west-1", "StartSyncExecution", "", "https://sync-states.eu-west-1.amazonaws.com eu-west-1 states"},
		{states.Model, "states", "eu-west-1", "StartExecution", "", "https://states.eu-west-1.amazonaws.com eu-west-1 states"},
		{states.Model, "states", "eu-west-1", "StartSyncExecution", "http://h:1/x", "http://h:1/x eu-west-1 states"},
		{nil, "athena", "eu-west-1", "", "", "https://athena.eu-west-1.amazonaws.com eu-west-1 athena"},
	} {
		got := Route{Service: c.service, Endpoint: c.custom}.target(c.model, c.service, c.region, c.operation)
		if text := got.endpoint + " " + got.region + " " + got.service; text != c.want {
			t.Errorf("%s %s: %s, want %s", c.service, c.operation, text, c.want)
		}
	}
}

// answers is the other side: what it answers in turn, and what it was asked.
type answers struct {
	t     *testing.T
	list  []string // "STATUS BODY", or "lost"
	asked []string // bodies
	keys  []string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	auth, err := sigv4.Parse(r)
	if err != nil {
		a.t.Errorf("not signed: %v", err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	if err := sigv4.Verify(r, auth, "secret", sigv4.HashPayload(body), now, sigv4.Window); err != nil {
		a.t.Errorf("signature: %v", err)
	}
	a.asked, a.keys = append(a.asked, string(body)), append(a.keys, auth.AccessKey+" "+auth.Scope.Region+" "+auth.Scope.Service)
	next := a.list[0]
	a.list = a.list[1:]
	if next == "lost" {
		return nil, errors.New("connection reset")
	}
	var status int
	var text string
	fmt.Sscanf(next, "%d", &status)
	_, text, _ = strings.Cut(next, " ")
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// env has keys in its variables and no files.
func env(t *testing.T) Environment {
	keys := map[string]string{"AWS_ACCESS_KEY_ID": "AKIAFAR", "AWS_SECRET_ACCESS_KEY": "secret"}
	return Environment{Getenv: func(name string) string { return keys[name] }, Home: t.TempDir()}
}

// TestCalls sends calls of the bus. Retries are those of SDKs, with the same
// idempotency token.
func TestCalls(t *testing.T) {
	for _, c := range []struct {
		answers  []string
		want     string // Id, or the error
		attempts int
	}{
		{[]string{`200 {"Id":"a"}`}, "a", 1},
		{[]string{`400 {"__type":"ValidationException","message":"no"}`}, "ValidationException: no", 1},
		{[]string{`400 {"__type":"ThrottlingException","message":"slow"}`, `200 {"Id":"a"}`}, "a", 2},
		{[]string{`500 {"__type":"InternalServerException","message":"oops"}`, "lost", `200 {"Id":"a"}`}, "a", 3},
		{[]string{`503 `, `503 `, `503 {"__type":"Unavailable","message":"still"}`}, "Unavailable: still", 3},
		{[]string{"lost", "lost", "lost"}, "SdkClientException: Unable to execute HTTP request: Post \"https://redshift-data.eu-west-1.amazonaws.com/\": connection reset", 3},
		{[]string{`400 {"__type":"ExpiredTokenException","message":"old"}`, `200 {"Id":"b"}`}, "b", 2},
	} {
		far := &answers{t: t, list: c.answers}
		paused := 0
		f, err := New(Options{Routes: []Route{{Service: "redshift-data", Region: "eu-west-1"}}, Models: []*awsapi.Model{redshiftdata.Model}, Env: env(t),
			HTTP: far, Now: func() time.Time { return now }, Pause: func(context.Context, time.Duration) error { paused++; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		b := bus.New()
		b.Register(f.Table(redshiftdata.Model))
		in := &redshiftdata.ExecuteStatementInput{Sql: new("select 1"), Database: new("dev")}
		out, err := bus.Invoke[redshiftdata.ExecuteStatementOutput](t.Context(), b, "redshift-data", "ExecuteStatement", in)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = *out.Id
		}
		if got != c.want || len(far.asked) != c.attempts || paused != c.attempts-1 {
			t.Errorf("%v: %s after %d attempts, %d pauses", c.answers, got, len(far.asked), paused)
		}
		for _, body := range far.asked {
			if body != far.asked[0] || !strings.Contains(body, `"ClientToken"`) {
				t.Errorf("attempts differ, or have no token: %s", far.asked)
			}
		}
		if in.ClientToken != nil {
			t.Error("the caller's input was changed")
		}
		if far.keys[0] != "AKIAFAR eu-west-1 redshift-data" {
			t.Error(far.keys)
		}
	}
}

// TestUnreachable: a profile that is not there is told to every caller.
func TestUnreachable(t *testing.T) {
	f, err := New(Options{Routes: []Route{{Service: "glue", Profile: "none"}}, Models: []*awsapi.Model{glue.Model}, Env: env(t)})
	if err != nil {
		t.Fatal(err)
	}
	b := bus.New()
	b.Register(f.Table(glue.Model))
	const want = `CredentialsProviderError: glue is routed to AWS: the AWS configuration has no profile "none"`
	if _, err := b.Invoke(t.Context(), "glue", "GetDatabases", &glue.GetDatabasesInput{}); err == nil || err.Error() != want {
		t.Error(err)
	}
	if err := f.Pass(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), "glue"); err == nil || err.Error() != want {
		t.Error(err)
	}
	if _, err := b.Invoke(t.Context(), "glue", "CreateCrawler", nil); err == nil || err.Error() != "NotImplemented: not implemented: glue:CreateCrawler" {
		t.Error(err)
	}
}

// TestPass passes requests of clients on: signed anew, otherwise as they were.
func TestPass(t *testing.T) {
	var got string
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth, err := sigv4.Parse(r)
		if err != nil {
			t.Errorf("%s: not signed: %v", r.URL, err)
		}
		body, _ := io.ReadAll(r.Body)
		hash := sigv4.HashPayload(body)
		if auth.Scope.Service == "s3" && !strings.Contains("STREAMING UNSIGNED", auth.PayloadHash[:min(8, len(auth.PayloadHash))]) {
			hash = auth.PayloadHash
		}
		if auth.Scope.Service == "s3" {
			hash = ""
		}
		if err := sigv4.Verify(r, auth, "secret", hash, now, sigv4.Window); err != nil {
			t.Errorf("%s: %v", r.URL, err)
		}
		got = fmt.Sprintf("%s %s %s %s %q", r.Method, r.URL.RequestURI(), auth.AccessKey, r.Header.Get("X-Amz-Content-Sha256"), body)
		w.Header().Set("X-Amzn-Requestid", "far")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "answer")
	}))
	defer far.Close()
	f, err := New(Options{Routes: []Route{{Service: "s3", Region: "eu-west-1", Endpoint: far.URL}, {Service: "athena", Region: "eu-west-1", Endpoint: far.URL}},
		Models: []*awsapi.Model{s3.Model}, Env: env(t), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	const chunked = "4;chunk-signature=00\r\nabcd\r\n2;chunk-signature=00\r\nef\r\n0;chunk-signature=00\r\n\r\n"
	const hash = "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721" // of abcdef
	for _, c := range []struct {
		service, method, uri, body string
		header                     map[string]string
		want                       string
	}{
		{"athena", "POST", "/", `{"x":1}`, map[string]string{"X-Amz-Target": "AmazonAthena.ListWorkGroups", "Authorization": "x", "X-Amz-Date": "y"}, `POST / AKIAFAR  "{\"x\":1}"`},
		{"s3", "PUT", "/b/a%20b//c%2Bd", "abcdef", map[string]string{"X-Amz-Content-Sha256": hash}, `PUT /b/a%20b//c%2Bd AKIAFAR ` + hash + ` "abcdef"`},
		{"s3", "PUT", "/b/k", "abcdef", map[string]string{"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}, `PUT /b/k AKIAFAR UNSIGNED-PAYLOAD "abcdef"`},
		{"s3", "PUT", "/b/k", chunked, map[string]string{"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "X-Amz-Decoded-Content-Length": "6", "Content-Encoding": "aws-chunked"},
			`PUT /b/k AKIAFAR UNSIGNED-PAYLOAD "abcdef"`},
		{"s3", "PUT", "/b/k", "6\r\nabcdef\r\n0\r\nx-amz-checksum-crc32:S4wR9g==\r\n\r\n", map[string]string{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Trailer": "x-amz-checksum-crc32"},
			`PUT /b/k AKIAFAR STREAMING-UNSIGNED-PAYLOAD-TRAILER "6\r\nabcdef\r\n0\r\nx-amz-checksum-crc32:S4wR9g==\r\n\r\n"`},
		{"s3", "GET", "/b/k?versionId=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb&X-Amz-Date=c&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=d", "", nil,
			`GET /b/k?versionId=1 AKIAFAR ` + sigv4.EmptyHash + ` ""`},
		{"s3", "GET", "/b?list-type=2&prefix=a%20b%2F", "", nil, `GET /b?list-type=2&prefix=a%20b%2F AKIAFAR ` + sigv4.EmptyHash + ` ""`},
	} {
		r := httptest.NewRequest(c.method, c.uri, bytes.NewReader([]byte(c.body)))
		for k, v := range c.header {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		if err := f.Pass(w, r, c.service); err != nil {
			t.Errorf("%s %s: %v", c.method, c.uri, err)
			continue
		}
		if got != c.want || w.Code != http.StatusTeapot || w.Body.String() != "answer" || w.Header().Get("X-Amzn-Requestid") != "far" {
			t.Errorf("%s %s:\n got %s\nwant %s\nanswer %d %s", c.method, c.uri, got, c.want, w.Code, w.Body)
		}
	}
	far.Close()
	if err := f.Pass(httptest.NewRecorder(), httptest.NewRequest("GET", "/b", nil), "s3"); err == nil || !strings.HasPrefix(err.Error(), "ServiceUnavailable: s3 is routed to http://") {
		t.Error(err)
	}
}

// TestSystemTags: tags of stacks stay here.
func TestSystemTags(t *testing.T) {
	far := &answers{t: t, list: []string{`200 {"Name":"j"}`, `200 {"ARN":"a"}`, `200 {"Name":"j"}`}}
	f, err := New(Options{Routes: []Route{{Service: "glue", Region: "eu-west-1"}, {Service: "secretsmanager", Region: "eu-west-1"}},
		Models: []*awsapi.Model{glue.Model, secretsmanager.Model}, Env: env(t), HTTP: far, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	b := bus.New()
	b.Register(f.Table(glue.Model))
	b.Register(f.Table(secretsmanager.Model))
	stack := bus.With(t.Context(), bus.Caller{Source: "cloudformation"})
	job := &glue.CreateJobInput{Name: new("j"), Tags: map[string]string{"aws:cloudformation:stack-name": "s", "a": "b"}}
	secret := &secretsmanager.CreateSecretInput{Name: new("s"), Tags: []secretsmanager.Tag{{Key: new("aws:x"), Value: new("y")}, {Key: new("c"), Value: new("d")}}}
	for _, c := range []struct {
		ctx                context.Context
		service, operation string
		in                 any
	}{{stack, "glue", "CreateJob", job}, {stack, "secretsmanager", "CreateSecret", secret}, {t.Context(), "glue", "CreateJob", job}} {
		if _, err := b.Invoke(c.ctx, c.service, c.operation, c.in); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{`"Tags":{"a":"b"}`, `"Tags":[{"Key":"c","Value":"d"}]`, `"aws:cloudformation:stack-name":"s"`} {
		if !strings.Contains(far.asked[i], want) {
			t.Errorf("asked %s, want %s", far.asked[i], want)
		}
	}
	if len(job.Tags) != 2 || len(secret.Tags) != 2 {
		t.Error("the caller's input was changed")
	}
}
