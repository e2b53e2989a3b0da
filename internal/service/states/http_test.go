package states

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/service/events"
	"stepwell/internal/service/secretsmanager"
	"stepwell/internal/store"
)

// bridge is Step Functions with EventBridge and Secrets Manager themselves
// beside it.
type bridge struct {
	*world
	events   *events.Service
	received []events.Event
}

func newBridge(t *testing.T, mocks *Mocks) *bridge {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(filepath.Join(dir, "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	b := &bridge{world: &world{t: t, store: st, clock: clock.New(0), bus: bus.New()}}
	sealer, err := secretsmanager.NewSealer(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	secrets := secretsmanager.New(secretsmanager.Deps{Store: st, Clock: b.clock, IDs: bus.RandomIDs{}, Log: log, Seal: sealer})
	b.events = events.New(events.Deps{Store: st, Clock: b.clock, Bus: b.bus, IDs: bus.RandomIDs{}, Log: log, Received: func(_ context.Context, e events.Event) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.received = append(b.received, e)
	}})
	b.svc = New(Deps{Store: st, Clock: b.clock, Bus: b.bus, Catalog: b.bus, IDs: bus.RandomIDs{}, Log: log, Mocks: mocks,
		Events: func(tx *store.Tx, c StatusChange) error {
			return b.events.EmitIn(tx, events.Emission{Account: c.Account, Region: c.Region, Source: "aws.states", DetailType: StatusChangeType,
				Resources: []string{*c.Execution.ExecutionArn}, Detail: c.Detail})
		}})
	for _, table := range []*bus.Service{secrets.Table(), b.events.Table(), b.svc.Table()} {
		b.bus.Register(table)
	}
	if err := b.svc.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

// do calls an operation and returns its answer as a tree.
func (b *bridge) do(service, operation, input string) map[string]any {
	b.t.Helper()
	out, err := b.call(service, operation, input)
	if err != nil {
		b.t.Fatalf("%s %s: %v", operation, input, err)
	}
	data, err := json.Marshal(out)
	if err != nil {
		b.t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		b.t.Fatal(err)
	}
	return tree
}

// API answers requests and prints them.
type testAPI struct {
	*httptest.Server
	status      int
	kind, body  string
	requests    []string
	tokenStatus int
}

func newTestAPI(t *testing.T) *testAPI {
	a := &testAPI{}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *testAPI) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	var headers []string
	for name, values := range r.Header {
		if name != "Accept-Encoding" && name != "Content-Length" && name != "User-Agent" && name != "Range" {
			headers = append(headers, name+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(headers)
	a.requests = append(a.requests, fmt.Sprintf("%s %s [%s] %s", r.Method, r.URL, strings.Join(headers, "; "), body))
	if r.URL.Path == "/token" {
		w.WriteHeader(max(a.tokenStatus, 200))
		io.WriteString(w, `{"access_token": "tok", "expires_in": 3600}`)
		return
	}
	if a.kind != "" {
		w.Header().Set("Content-Type", a.kind)
	}
	w.Header().Set("Date", "Tue, 21 Nov 2023 00:06:17 GMT")
	w.WriteHeader(max(a.status, 200))
	io.WriteString(w, a.body)
}

// TestHTTPTasks runs testdata/http/*.txt: a connection, the parameters of an
// HTTP task, the API's answer; what the API got and what came of the task.
// $API is the API's URL and $ARN the connection's.
func TestHTTPTasks(t *testing.T) {
	for _, file := range scripts(t, "testdata/http/*.txt") {
		api := newTestAPI(t)
		b := newBridge(t, nil)
		rewriteBlocks(t, file, func(name string, args map[string]string) string {
			api.requests, api.status, api.kind, api.body, api.tokenStatus = nil, 0, args["type"], args["answer"], 0
			fmt.Sscan(args["status"], &api.status)
			fmt.Sscan(args["token-status"], &api.tokenStatus)
			arn := "arn:aws:events:us-east-1:123456789012:connection/none/00000000-0000-0000-0000-000000000000"
			expand := func(s string) string { return strings.NewReplacer("$API", api.URL, "$ARN", arn).Replace(s) }
			if c := args["connection"]; c != "" {
				b.call("events", "DeleteConnection", `{"Name":"c"}`)
				arn = b.do("events", "CreateConnection", `{"Name":"c",`+expand(c)[1:])["ConnectionArn"].(string)
			}
			if args["deauthorize"] != "" {
				b.do("events", "DeauthorizeConnection", `{"Name":"c"}`)
			}
			state := `{"Type":"Task","Resource":"arn:aws:states:::http:invoke","Parameters":` + expand(args["parameters"]) + `,"End":true}`
			definition, err := json.Marshal(state)
			if err != nil {
				t.Fatal(err)
			}
			out := b.do("states", "TestState", `{"Definition":`+string(definition)+`,"RoleArn":"arn:aws:iam::123456789012:role/r","InspectionLevel":"TRACE","RevealSecrets":`+
				fmt.Sprint(args["reveal"] != "")+`}`)
			var lines []string
			lines = append(lines, api.requests...)
			lines = append(lines, fmt.Sprint(out["Status"], " ", out["Error"], " ", out["Cause"], " ", out["Output"]))
			if data, ok := out["InspectionData"].(map[string]any); ok && args["trace"] != "" {
				for _, side := range []string{"Request", "Response"} {
					text, err := marshal(data[side])
					if err != nil {
						t.Fatal(err)
					}
					lines = append(lines, string(text))
				}
			}
			return strings.ReplaceAll(strings.ReplaceAll(strings.Join(lines, "\n"), api.URL, "$API"), arn, "$ARN")
		})
	}
}

func scripts(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data at %s: %v", pattern, err)
	}
	return files
}

// rewriteBlocks runs the blocks of a file: "# name", lines "argument: value",
// "----" and what run returns for them.
func rewriteBlocks(t *testing.T, file string, run func(name string, args map[string]string) string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		head, want, _ := strings.Cut(block, "\n----")
		name, rest, _ := strings.Cut(strings.TrimPrefix(head, "# "), "\n")
		args := map[string]string{}
		for line := range strings.Lines(rest) {
			key, v, _ := strings.Cut(strings.TrimSpace(line), ": ")
			args[key] = v
		}
		got := run(name, args)
		if want = strings.TrimSpace(want); got != want && !*rewrite {
			t.Errorf("%s: %s\ngot\n%s\nwant\n%s", file, name, got, want)
		}
		all = append(all, head+"\n----\n"+got)
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.Join(all, "\n\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHTTPSecretsStayOut: what a connection adds is in no event.
func TestHTTPSecretsStayOut(t *testing.T) {
	api := newTestAPI(t)
	api.status, api.body = 404, "nothing here"
	b := newBridge(t, nil)
	arn := b.do("events", "CreateConnection", `{"Name":"c","AuthorizationType":"API_KEY","AuthParameters":{"ApiKeyAuthParameters":{"ApiKeyName":"k","ApiKeyValue":"hush"},
		"InvocationHttpParameters":{"QueryStringParameters":[{"Key":"q","Value":"hush","IsValueSecret":true}]}}}`)["ConnectionArn"].(string)
	if shown, err := marshal(b.do("events", "DescribeConnection", `{"Name":"c"}`)); err != nil || strings.Contains(string(shown), "hush") {
		t.Errorf("the connection shows its secrets: %s %v", shown, err)
	}
	definition, err := json.Marshal(`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::http:invoke","Parameters":{"ApiEndpoint":"` + api.URL +
		`/x","Method":"GET","InvocationConfig":{"ConnectionArn":"` + arn + `"}},"Retry":[{"ErrorEquals":["States.Http.StatusCode.404"],"MaxAttempts":1}],"End":true}}}`)
	if err != nil {
		t.Fatal(err)
	}
	machine := b.do("states", "CreateStateMachine", `{"Name":"m","RoleArn":"arn:aws:iam::123456789012:role/r","Definition":`+string(definition)+`}`)["StateMachineArn"].(string)
	execution := b.do("states", "StartExecution", `{"StateMachineArn":"`+machine+`"}`)["ExecutionArn"].(string)
	e := b.await(execution)
	if e["Status"] != "FAILED" || e["Error"] != "States.Http.StatusCode.404" || e["Cause"] != "nothing here" {
		t.Errorf("execution is %v", e)
	}
	if h := b.history(execution); strings.Contains(h, "hush") {
		t.Errorf("secrets are in the history:\n%s", h)
	}
	if len(api.requests) != 2 || !strings.Contains(api.requests[0], "q=hush") || !strings.Contains(api.requests[0], "K: hush") {
		t.Errorf("requests were %q", api.requests)
	}
	api.Close() // nobody answers
	execution = b.do("states", "StartExecution", `{"StateMachineArn":"`+machine+`"}`)["ExecutionArn"].(string)
	if e := b.await(execution); e["Error"] != "States.Http.Socket" || strings.Contains(fmt.Sprint(e["Cause"]), "hush") {
		t.Errorf("execution is %v", e)
	}
}

// timeoutTransport never answers in time.
type timeoutTransport struct{}

func (timeoutTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if deadline, ok := r.Context().Deadline(); !ok || deadline.IsZero() {
		return nil, fmt.Errorf("no deadline")
	}
	return nil, context.DeadlineExceeded
}

func TestHTTPTimeout(t *testing.T) {
	b := newBridge(t, nil)
	b.svc.HTTP = &http.Client{Transport: timeoutTransport{}}
	arn := b.do("events", "CreateConnection", `{"Name":"c","AuthorizationType":"BASIC","AuthParameters":{"BasicAuthParameters":{"Username":"u","Password":"p"}}}`)["ConnectionArn"].(string)
	definition, err := json.Marshal(`{"Type":"Task","Resource":"arn:aws:states:::http:invoke","Parameters":{"ApiEndpoint":"https://api.example.com","Method":"GET","Authentication":{"ConnectionArn":"` + arn + `"}},"End":true}`)
	if err != nil {
		t.Fatal(err)
	}
	out := b.do("states", "TestState", `{"RoleArn":"arn:aws:iam::123456789012:role/r","Definition":`+string(definition)+`}`)
	if out["Error"] != "States.Http.Socket" || !strings.Contains(fmt.Sprint(out["Cause"]), "60 seconds") {
		t.Errorf("the task answers %v", out)
	}
}
