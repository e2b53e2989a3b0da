package events

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/notify"
	"stepwell/internal/service/secretsmanager"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// TestDocumentedTransforms: the examples of the user guide.
func TestDocumentedTransforms(t *testing.T) {
	event := `{"version":"0","id":"7bf73129-1428-4cd3-a780-95db273d1602","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","account":"123456789012",` +
		`"time":"2015-11-11T21:29:54Z","region":"us-east-1","resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],"detail":{"instance-id":"i-0123456789","state":"RUNNING"}}`
	paths := map[string]string{"timestamp": "$.time", "instance": "$.detail.instance-id", "state": "$.detail.state", "detail": "$.detail"}
	for _, line := range lines(t, "transform.list") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndex(line, `": "`) + 1 // a text, or an object
		if i := strings.Index(line, "}: {"); i > 0 {
			at = i + 1
		}
		template, want := line[:at], line[at+2:]
		d := delivery{Event: json.RawMessage(event), Rule: "arn:aws:events:us-east-2:123456789012:rule/example", RuleName: "example",
			Target: api.Target{Id: new("1"), InputTransformer: &api.InputTransformer{InputPathsMap: paths, InputTemplate: &template}}}
		if err := checkTransformer(&d.Target); err != nil {
			t.Errorf("%s: %v", template, err)
		}
		if got, err := d.input(); err != nil || got != want {
			t.Errorf("%s\ngot  %s %v\nwant %s", template, got, err, want)
		}
	}
}

// TestLogLine: what a log group gets of a transformed event.
func TestLogLine(t *testing.T) {
	now := time.UnixMilli(5)
	for _, c := range []struct {
		input, message string
		at             int64
	}{
		{`{"timestamp":"2015-11-11T21:29:54Z","message":"instance \"i\""}`, `instance "i"`, 1447277394000},
		{`{"timestamp":1447277394001,"message":{"a":1}}`, `{"a":1}`, 1447277394001},
		{`{"message":"m"}`, "m", 5},
		{`"text"`, `"text"`, 5},
		{`{"a":1}`, `{"a":1}`, 5},
	} {
		if message, at := logLine(c.input, now); message != c.message || at.UnixMilli() != c.at {
			t.Errorf("%s: %s at %d", c.input, message, at.UnixMilli())
		}
	}
}

// TestFailureCodes: what dead-letter queues hear.
func TestFailureCodes(t *testing.T) {
	for _, c := range []struct {
		failure error
		want    string
	}{
		{awserr.New(400, "AWS.SimpleQueueService.NonExistentQueue", "x"), "NO_RESOURCE"},
		{awserr.New(400, "StateMachineDoesNotExist", "x"), "NO_RESOURCE"},
		{awserr.New(404, "NotFound", "x"), "NO_RESOURCE"},
		{awserr.New(429, "TooManyRequestsException", "x"), "THROTTLING"},
		{awserr.New(403, "AccessDeniedException", "x"), "NO_PERMISSIONS"},
		{awserr.New(400, "InvalidParameterValue", "x"), "INVALID_PARAMETER"},
		{awserr.New(400, "ExecutionLimitExceeded", "x"), "RESOURCE_LIMIT_EXCEEDED"},
		{awserr.New(500, "InternalFailure", "x"), "INTERNAL_ERROR"},
		{awserr.New(400, "SomethingElse", "x"), "ERROR_FROM_TARGET"},
		{notify.Refuse(apiError{404}), "SDK_CLIENT_ERROR"},
	} {
		if got, _ := failureCode(c.failure); got != c.want {
			t.Errorf("%v: %s, want %s", c.failure, got, c.want)
		}
	}
}

// destinations is an API behind an OAuth connection.
type apiServer struct {
	mu     sync.Mutex
	tokens int
	calls  []string // authorization and body
	answer func(n int, w http.ResponseWriter)
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path == "/token" {
		s.tokens++
		if r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_id") != "id" || r.FormValue("client_secret") != "hush" || r.FormValue("scope") != "all" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `{"access_token": "t%d", "token_type": "Bearer"}`, s.tokens)
		return
	}
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	s.calls = append(s.calls, fmt.Sprint(r.Header.Get("Authorization"), " ", r.Method, " ", r.URL.Path, " ", r.URL.RawQuery, " ", r.Header.Get("X-Trace"), " ", r.Header.Get("User-Agent"), " ", body["n"], " ", body["extra"]))
	s.answer(len(s.calls), w)
}

// TestOAuthDestination: a token is asked for once and again after a 401; what the API
// refuses goes to the dead-letter queue at once, as does what it never wants again.
func TestOAuthDestination(t *testing.T) {
	server := &apiServer{answer: func(n int, w http.ResponseWriter) {
		switch n {
		case 2:
			w.WriteHeader(http.StatusUnauthorized)
		case 4:
			w.WriteHeader(http.StatusForbidden)
		case 5:
			w.Header().Set("Retry-After", "-1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}}
	endpoint := httptest.NewServer(server)
	defer endpoint.Close()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	st, err := store.Open(filepath.Join(dir, "s.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	sealer, err := secretsmanager.NewSealer(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	b, c, q := bus.New(), clock.NewSkipping(), &queue{}
	engine := work.New(st, c, log)
	s := New(Deps{Store: st, Clock: c, Bus: through{b, q}, IDs: bus.RandomIDs{}, Work: engine, Log: log})
	s.Register(engine)
	b.Register(s.Table())
	b.Register(secretsmanager.New(secretsmanager.Deps{Store: st, Clock: c, IDs: bus.RandomIDs{}, Log: log, Seal: sealer}).Table())
	ctx, stop := context.WithCancelCause(t.Context())
	defer engine.Wait()
	defer stop(work.ErrStopped)
	if err := engine.Start(ctx); err != nil {
		t.Fatal(err)
	}
	connection, err := bus.Invoke[api.CreateConnectionOutput](ctx, b, "events", "CreateConnection", &api.CreateConnectionInput{
		Name: new("c"), AuthorizationType: new(oauth), AuthParameters: &api.CreateConnectionAuthRequestParameters{
			OAuthParameters: &api.CreateConnectionOAuthRequestParameters{AuthorizationEndpoint: new(endpoint.URL + "/token"), HttpMethod: new("POST"),
				ClientParameters:    &api.CreateConnectionOAuthClientRequestParameters{ClientID: new("id"), ClientSecret: new("hush")},
				OAuthHttpParameters: &api.ConnectionHttpParameters{BodyParameters: []api.ConnectionBodyParameter{{Key: new("scope"), Value: new("all")}}}},
			InvocationHttpParameters: &api.ConnectionHttpParameters{BodyParameters: []api.ConnectionBodyParameter{{Key: new("extra"), Value: new("yes")}}},
		}})
	if err != nil {
		t.Fatal(err)
	}
	destination, err := bus.Invoke[api.CreateApiDestinationOutput](ctx, b, "events", "CreateApiDestination", &api.CreateApiDestinationInput{
		Name: new("d"), ConnectionArn: connection.ConnectionArn, InvocationEndpoint: new(endpoint.URL + "/orders/*"), HttpMethod: new("POST")})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Service: s, queue: q}
	w.target(t, &api.PutRuleInput{Name: new("r"), EventPattern: new(`{"source":["a"]}`)}, api.Target{Arn: destination.ApiDestinationArn, InputPath: new("$.detail"),
		HttpParameters:   &api.HttpParameters{PathParameterValues: []string{"7"}, QueryStringParameters: map[string]string{"q": "1"}, HeaderParameters: map[string]string{"X-Trace": "x"}},
		DeadLetterConfig: &api.DeadLetterConfig{Arn: new("arn:aws:sqs:us-east-1:123456789012:dead")}})
	for n := range 4 { // the third call repeats the second
		if _, err := s.putEvents(ctx, &api.PutEventsInput{Entries: []api.PutEventsRequestEntry{{Source: new("a"), DetailType: new("t"), Detail: new(fmt.Sprintf(`{"n":%d}`, n))}}}); err != nil {
			t.Fatal(err)
		}
		for wait := time.Now().Add(10 * time.Second); time.Now().Before(wait); time.Sleep(time.Millisecond) {
			server.mu.Lock()
			made := len(server.calls)
			server.mu.Unlock()
			if made >= []int{1, 3, 4, 5}[n] {
				break
			}
		}
	}
	const rest = " POST /orders/7 q=1 x Amazon/EventBridge/ApiDestinations "
	want := []string{"Bearer t1" + rest + "0 yes", "Bearer t1" + rest + "1 yes", "Bearer t2" + rest + "1 yes", "Bearer t2" + rest + "2 yes", "Bearer t2" + rest + "3 yes"}
	server.mu.Lock()
	defer server.mu.Unlock()
	if !slices.Equal(server.calls, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(server.calls, "\n"), strings.Join(want, "\n"))
	}
	left := w.messages(t, 2) // in no order
	slices.SortFunc(left, func(a, b string) int {
		return strings.Compare(a[strings.Index(a, `"detail":`):], b[strings.Index(b, `"detail":`):])
	})
	for i, dead := range left {
		if !strings.HasPrefix(dead, "dead SDK_CLIENT_ERROR {") || !strings.Contains(dead, fmt.Sprintf(`"detail":{"n":%d}`, i+2)) {
			t.Error(dead)
		}
	}
}

// through calls SQS where a test looks, and all else on the bus.
type through struct {
	*bus.Bus
	queue *queue
}

func (t through) Invoke(ctx context.Context, service, operation string, in any) (any, error) {
	if service == "sqs" {
		return t.queue.Invoke(ctx, service, operation, in)
	}
	return t.Bus.Invoke(ctx, service, operation, in)
}

// TestRate: an API destination is called no more often than its limit says.
func TestRate(t *testing.T) {
	var a apiClients
	d, now := &destination{ARN: "d", Rate: new(int64(4))}, time.Unix(1000, 0)
	var waits []string
	for range 3 {
		err := a.slot(d, now)
		waits = append(waits, fmt.Sprint(err == nil))
		now = now.Add(150 * time.Millisecond)
	}
	if err := a.slot(d, now); err == nil {
		t.Error("a fourth call in the second half of a second")
	}
	if got := strings.Join(waits, " "); got != "true false true" {
		t.Error(got)
	}
}

// TestRefusedTargets: the words of AWS where a target's input cannot be used.
func TestRefusedTargets(t *testing.T) {
	s := New(Deps{})
	const queue = "arn:aws:sqs:us-east-1:123456789012:q"
	for _, c := range []struct {
		target api.Target
		want   string
	}{
		{api.Target{Input: new("{'db_name':1}")}, `JSON syntax error in input for target t: [Source: (String)"{'db_name':1}"; line: 1, column: 2]`},
		{api.Target{Input: new("{\n\"a\": x}")}, "JSON syntax error in input for target t: [Source: (String)\"{\n\"a\": x}\"; line: 2, column: 6]"},
		{api.Target{Input: new("{}"), InputPath: new("$.a")}, "Only one of Input, InputPath, or InputTransformer must be provided for target t."},
		{api.Target{InputTransformer: &api.InputTransformer{InputTemplate: new("<who>")}}, "InputTemplate for target t contains invalid placeholder who."},
		{api.Target{Arn: new("queue")}, "Parameter queue is not valid. Reason: Provided Arn is not in correct format."},
		{api.Target{Arn: new("arn:aws:glue:us-east-1:123456789012:workflow/w")}, "not implemented: events:PutTargets with a target of glue"},
		{api.Target{Arn: new("arn:aws:redshift:us-east-1:123456789012:cluster:c")}, "Parameter(s) RedshiftDataParameters must be specified for target: t."},
	} {
		c.target.Id = new("t")
		if c.target.Arn == nil {
			c.target.Arn = new(queue)
		}
		if err := s.checkTarget(&c.target); err == nil || awserr.From(err).Message != c.want {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}

// TestMissingBus: an event for a bus that does not exist is dropped; one that a rule
// sends to such a bus goes to the dead-letter queue.
func TestMissingBus(t *testing.T) {
	w := start(t, t.TempDir(), clock.NewSkipping())
	defer w.close()
	w.target(t, &api.PutRuleInput{Name: new("r"), EventPattern: new(`{"source":["a"]}`)}, api.Target{
		Arn: new("arn:aws:events:us-east-1:123456789012:event-bus/gone"), DeadLetterConfig: &api.DeadLetterConfig{Arn: new("arn:aws:sqs:us-east-1:123456789012:dead")}})
	for _, name := range []string{"gone", "default"} {
		out, err := w.putEvents(t.Context(), &api.PutEventsInput{Entries: []api.PutEventsRequestEntry{{EventBusName: &name, Source: new("a"), DetailType: new("t"), Detail: new("{}")}}})
		if err != nil || *out.FailedEntryCount != 0 || out.Entries[0].EventId == nil {
			t.Error(out, err)
		}
	}
	if got := w.messages(t, 1); len(got) != 1 || !strings.HasPrefix(got[0], "dead NO_RESOURCE {") {
		t.Error(got)
	}
}

// TestBatches: events of one request go to a queue together; what it does not take of
// them is delivered alone.
func TestBatches(t *testing.T) {
	w := start(t, t.TempDir(), clock.NewSkipping())
	defer w.close()
	w.target(t, &api.PutRuleInput{Name: new("r"), EventPattern: new(`{"source":["a"]}`)}, api.Target{InputPath: new("$.detail.n")})
	in := &api.PutEventsInput{}
	for n := range 10 {
		in.Entries = append(in.Entries, api.PutEventsRequestEntry{Source: new("a"), DetailType: new("t"), Detail: new(fmt.Sprintf(`{"n":%d}`, n))})
	}
	in.Entries = append(in.Entries, api.PutEventsRequestEntry{Source: new("a"), DetailType: new("t"), Detail: new(`{}`)}) // has nothing at the path
	w.queue.fails, w.queue.err = 3, fmt.Errorf("not now")
	if _, err := w.putEvents(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	got := w.messages(t, 10)
	slices.Sort(got)
	for n, line := range got {
		if want := fmt.Sprintf("q %d", n); line != want {
			t.Errorf("%s, want %s", line, want)
		}
	}
}
