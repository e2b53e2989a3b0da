package sns

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	api "stepwell/internal/awsapi/sns"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// server is one life of the service over a folder.
type server struct {
	*Service
	bus   *bus.Bus
	clock *clock.Manual
	ctx   context.Context
	n     int
	stop  func()
}

func (s *server) UUID() string   { s.n++; return fmt.Sprintf("id-%d", s.n) }
func (s *server) Hex(int) string { s.n++; return fmt.Sprintf("token-%d", s.n) }

func newServer(t *testing.T, dir string, edit func(*Deps)) *server {
	t.Helper()
	db, err := store.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	s := &server{clock: clock.NewManual(start), bus: bus.New()}
	engine := work.New(db, s.clock, slog.Default())
	d := Deps{Store: db, Clock: s.clock, IDs: s, Work: engine, Log: slog.New(slog.DiscardHandler), Endpoint: "http://127.0.0.1:4566",
		Dir: filepath.Join(dir, "sns"), Mail: NewOutbox(filepath.Join(dir, "outbox")), AutoConfirmEmail: true}
	if edit != nil {
		edit(&d)
	}
	s.Service = New(d)
	s.Register(engine)
	s.bus.Register(s.Table())
	if err := engine.Start(ctx); err != nil {
		t.Fatal(err)
	}
	s.stop = sync.OnceFunc(func() { stop(work.ErrStopped); engine.Wait(); db.Close() })
	t.Cleanup(s.stop)
	s.ctx = bus.With(ctx, bus.Caller{Account: "111122223333", Region: "eu-west-1"})
	return s
}

const topicARN = "arn:aws:sns:eu-west-1:111122223333:"

func (s *server) run(t *testing.T, op, in string) string {
	t.Helper()
	_, o := s.bus.Lookup("sns", op)
	input := o.NewInput()
	if input != nil {
		if err := json.Unmarshal([]byte(strings.ReplaceAll(in, "TOPIC:", topicARN)), input); err != nil {
			t.Fatalf("bad test input %s: %v", in, err)
		}
	}
	out, err := s.bus.Invoke(s.ctx, "sns", op, input)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	w.Encode(out)
	return strings.ReplaceAll(strings.TrimSpace(b.String()), topicARN, "TOPIC:")
}

// received is a request an endpoint got.
type received struct {
	header http.Header
	body   string
	json   map[string]any
}

// endpoint is a subscriber that answers with the statuses given, then with 200.
func endpoint(t *testing.T, statuses ...int) (url string, got chan received) {
	got = make(chan received, 100)
	var mu sync.Mutex
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		x := received{header: r.Header, body: string(b)}
		json.Unmarshal(b, &x.json)
		mu.Lock()
		status := 200
		if len(statuses) > 0 && r.Header.Get("x-amz-sns-message-type") == notification {
			status, statuses = statuses[0], statuses[1:]
		}
		mu.Unlock()
		w.WriteHeader(status)
		got <- x
	}))
	t.Cleanup(h.Close)
	return h.URL, got
}

func next(t *testing.T, got chan received) received {
	t.Helper()
	select {
	case x := <-got:
		return x
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was delivered")
		return received{}
	}
}

// settled waits until no task is left.
func (s *server) settled(t *testing.T) {
	t.Helper()
	tasks := store.NewTable[work.Task]("work_tasks")
	for deadline := time.Now().Add(10 * time.Second); ; {
		left := 0
		s.Store.View(context.Background(), func(tx *store.Tx) error {
			all, err := tasks.List(tx)
			for _, task := range all {
				if !task.RunAt.After(s.clock.Now()) {
					left++
				}
			}
			return err
		})
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("tasks are left")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestHTTP(t *testing.T) {
	for _, version := range []string{"1", "2"} {
		s := newServer(t, t.TempDir(), nil)
		where, got := endpoint(t)
		s.run(t, "CreateTopic", `{"Name":"t","Attributes":{"SignatureVersion":"`+version+`"}}`)
		if out := s.run(t, "Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"http","Endpoint":"`+where+`"}`); out != `{"SubscriptionArn":"pending confirmation"}` {
			t.Fatal(out)
		}
		c := next(t, got)
		s.verify(t, c)
		if c.header.Get("x-amz-sns-message-type") != confirm || c.json["Type"] != confirm || c.header.Get("Content-Type") != textPlain {
			t.Errorf("confirmation: %v %s", c.header, c.body)
		}
		s.run(t, "Publish", `{"TopicArn":"TOPIC:t","Message":"too early"}`)
		link, err := url.Parse(c.json["SubscribeURL"].(string))
		if err != nil || link.Query().Get("Action") != "ConfirmSubscription" || link.Host != "127.0.0.1:4566" {
			t.Fatalf("link %v", c.json["SubscribeURL"])
		}
		confirmed := s.run(t, "ConfirmSubscription", fmt.Sprintf(`{"TopicArn":%q,"Token":%q}`, link.Query().Get("TopicArn"), link.Query().Get("Token")))
		if confirmed != `{"SubscriptionArn":"TOPIC:t:id-1"}` {
			t.Fatal(confirmed)
		}
		s.settled(t)
		published := s.run(t, "Publish", `{"TopicArn":"TOPIC:t","Message":"héllo <b>&\n","Subject":"Sub","MessageAttributes":{"n":{"DataType":"Number","StringValue":"1.5"},"b":{"DataType":"Binary","BinaryValue":"AQI="}}}`)
		m := next(t, got)
		s.verify(t, m)
		want := "{\n  \"Type\" : \"Notification\",\n  \"MessageId\" : \"" + m.json["MessageId"].(string) + "\",\n  \"TopicArn\" : \"" + topicARN + "t\",\n  \"Subject\" : \"Sub\",\n" +
			"  \"Message\" : \"héllo <b>&\\n\",\n  \"Timestamp\" : \"2026-03-01T12:00:00.000Z\",\n  \"SignatureVersion\" : \"" + version + "\",\n  \"Signature\" : \"" + m.json["Signature"].(string) +
			"\",\n  \"SigningCertURL\" : \"" + m.json["SigningCertURL"].(string) + "\",\n  \"UnsubscribeURL\" : \"http://127.0.0.1:4566/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:eu-west-1:111122223333:t:id-1\",\n" +
			"  \"MessageAttributes\" : {\n    \"b\" : {\"Type\":\"Binary\",\"Value\":\"AQI=\"},\n    \"n\" : {\"Type\":\"Number\",\"Value\":\"1.5\"}\n  }\n}"
		if m.body != want {
			t.Errorf("envelope:\n%s\nwant\n%s", m.body, want)
		}
		if published != `{"MessageId":"`+m.header.Get("x-amz-sns-message-id")+`"}` || m.header.Get("x-amz-sns-subscription-arn") != topicARN+"t:id-1" {
			t.Errorf("published %s, headers %v", published, m.header)
		}
		s.run(t, "SetSubscriptionAttributes", `{"SubscriptionArn":"TOPIC:t:id-1","AttributeName":"RawMessageDelivery","AttributeValue":"true"}`)
		s.run(t, "Publish", `{"TopicArn":"TOPIC:t","MessageStructure":"json","Message":"{\"default\":\"d\",\"http\":\"h\"}"}`)
		if raw := next(t, got); raw.body != "h" || raw.header.Get("x-amz-sns-rawdelivery") != "true" {
			t.Errorf("raw: %+v", raw)
		}
		s.run(t, "Unsubscribe", `{"SubscriptionArn":"TOPIC:t:id-1"}`)
		s.run(t, "Publish", `{"TopicArn":"TOPIC:t","Message":"too late"}`)
		s.settled(t)
		if len(got) != 0 {
			t.Errorf("delivered after unsubscribing: %s", next(t, got).body)
		}
	}
}

// verify checks a message's signature as the developer guide tells receivers to.
func (s *server) verify(t *testing.T, m received) {
	t.Helper()
	cert, err := url.Parse(m.json["SigningCertURL"].(string))
	if err != nil || !strings.HasPrefix(cert.Path, CertificatePath) {
		t.Fatalf("certificate at %v", m.json["SigningCertURL"])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", cert.Path, nil))
	block, _ := pem.Decode(w.Body.Bytes())
	if block == nil {
		t.Fatalf("no certificate at %s", cert.Path)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	text := ""
	for _, name := range names {
		if value, ok := m.json[name].(string); ok {
			text += name + "\n" + value + "\n"
		}
	}
	signature, _ := base64.StdEncoding.DecodeString(m.json["Signature"].(string))
	hash, digest := crypto.SHA1, []byte(nil)
	if m.json["SignatureVersion"] == "2" {
		sum := sha256.Sum256([]byte(text))
		hash, digest = crypto.SHA256, sum[:]
	} else {
		sum := sha1.Sum([]byte(text))
		digest = sum[:]
	}
	if err := rsa.VerifyPKCS1v15(c.PublicKey.(*rsa.PublicKey), hash, digest, signature); err != nil {
		t.Errorf("signature of %s: %v", m.body, err)
	}
}

// confirmHTTP subscribes an endpoint and confirms it.
func (s *server) confirmHTTP(t *testing.T, where string, got chan received, attributes string) {
	t.Helper()
	if out := s.run(t, "Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"http","Endpoint":"`+where+`","Attributes":`+attributes+`}`); !strings.Contains(out, "pending") {
		t.Fatal(out)
	}
	c := next(t, got)
	s.run(t, "ConfirmSubscription", fmt.Sprintf(`{"TopicArn":%q,"Token":%q}`, c.json["TopicArn"], c.json["Token"]))
	s.settled(t)
}

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		policy   string
		statuses []int
		delays   []int // seconds between deliveries
	}{
		{`{}`, []int{500, 503}, []int{20, 20}},
		{`{}`, []int{500, 500, 500, 500, 500}, []int{20, 20, 20}}, // given up
		{`{}`, []int{404}, nil},
		{`{}`, []int{429}, []int{20}},
		{`{"DeliveryPolicy":"{\"healthyRetryPolicy\":{\"numRetries\":4,\"numNoDelayRetries\":1,\"numMinDelayRetries\":1,\"numMaxDelayRetries\":1,\"minDelayTarget\":2,\"maxDelayTarget\":9}}"}`,
			[]int{500, 500, 500, 500}, []int{0, 2, 9, 9}},
	} {
		s := newServer(t, t.TempDir(), nil)
		s.run(t, "CreateTopic", `{"Name":"t"}`)
		where, got := endpoint(t, c.statuses...)
		s.confirmHTTP(t, where, got, c.policy)
		s.run(t, "Publish", `{"TopicArn":"TOPIC:t","Message":"x"}`)
		first := next(t, got)
		s.settled(t)
		for i, d := range c.delays {
			if d > 0 {
				s.clock.Advance(time.Duration(d)*time.Second - time.Millisecond)
				if len(got) != 0 {
					t.Errorf("%v: retry %d before %d s", c.statuses, i+1, d)
				}
				s.clock.Advance(time.Millisecond)
			}
			if again := next(t, got); again.body != first.body && again.json["Message"] != "x" {
				t.Errorf("retry %d differs: %s", i+1, again.body)
			}
			s.settled(t)
		}
		s.clock.Advance(24 * time.Hour)
		s.settled(t)
		if len(got) != 0 {
			t.Errorf("%v: %d more deliveries", c.statuses, len(got))
		}
	}
}

func TestDeliveredByTheNextServer(t *testing.T) {
	dir := t.TempDir()
	where, got := endpoint(t, 500)
	first := newServer(t, dir, nil)
	first.run(t, "CreateTopic", `{"Name":"t"}`)
	first.confirmHTTP(t, where, got, `{}`)
	first.run(t, "Publish", `{"TopicArn":"TOPIC:t","Message":"x"}`)
	m := next(t, got) // refused with 500; the retry waits for 20 seconds
	first.settled(t)
	first.stop()
	second := newServer(t, dir, nil)
	second.clock.Advance(time.Minute)
	if again := next(t, got); again.json["MessageId"] != m.json["MessageId"] || again.json["SigningCertURL"] != m.json["SigningCertURL"] {
		t.Errorf("%s\n%s", m.body, again.body)
	}
}

func TestMail(t *testing.T) {
	dir := t.TempDir()
	s := newServer(t, dir, func(d *Deps) { d.AutoConfirmEmail = false })
	s.run(t, "CreateTopic", `{"Name":"t","Attributes":{"DisplayName":"Nightly"}}`)
	read := func(n int) (list []*mail.Message, bodies []string) {
		s.settled(t)
		files, _ := filepath.Glob(filepath.Join(dir, "outbox", "*"))
		if len(files) != n {
			t.Fatalf("outbox holds %v", files)
		}
		for _, f := range files {
			r, _ := os.Open(f)
			m, err := mail.ReadMessage(r)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := io.ReadAll(m.Body)
			r.Close()
			list, bodies = append(list, m), append(bodies, string(b))
		}
		return list, bodies
	}
	s.run(t, "Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"email","Endpoint":"ops@example.com"}`)
	m, bodies := read(1)
	if m[0].Header.Get("Subject") != "AWS Notification - Subscription Confirmation" || m[0].Header.Get("From") != `"Nightly" <no-reply@sns.amazonaws.com>` {
		t.Errorf("headers %v", m[0].Header)
	}
	_, rest, _ := strings.Cut(bodies[0], "Token=")
	token, _, _ := strings.Cut(rest, "\r\n")
	if out := s.run(t, "ConfirmSubscription", `{"TopicArn":"TOPIC:t","Token":"`+token+`"}`); !strings.Contains(out, "SubscriptionArn") {
		t.Fatal(out)
	}
	s.clock.Advance(time.Second)
	s.run(t, "Publish", `{"TopicArn":"TOPIC:t","Message":"The load failed.","Subject":"Load: fehlgeschlagen ü"}`)
	m, bodies = read(2)
	subject, _ := new(mime.WordDecoder).DecodeHeader(m[1].Header.Get("Subject"))
	if subject != "Load: fehlgeschlagen ü" || m[1].Header.Get("To") != "ops@example.com" || !strings.HasPrefix(bodies[1], "The load failed.\r\n\r\n--\r\nIf you wish to stop receiving") {
		t.Errorf("mail %v\n%s", m[1].Header, bodies[1])
	}
	auto := newServer(t, t.TempDir(), nil)
	auto.run(t, "CreateTopic", `{"Name":"t"}`)
	if out := auto.run(t, "Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"email-json","Endpoint":"ops@example.com"}`); out != `{"SubscriptionArn":"TOPIC:t:id-1"}` {
		t.Errorf("auto: %s", out)
	}
}

func TestOperations(t *testing.T) {
	s := newServer(t, t.TempDir(), nil)
	for _, c := range []struct{ op, in, want string }{
		{"CreateTopic", `{"Name":"bad name"}`, `InvalidParameter: Invalid parameter: Topic Name`},
		{"CreateTopic", `{"Name":"t","Attributes":{"FifoTopic":"true"}}`, `InvalidParameter: Invalid parameter: Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.`},
		{"CreateTopic", `{"Name":"t","Attributes":{"Nope":"1"}}`, `InvalidParameter: Invalid parameter: Attributes Reason: Unknown attribute: Nope`},
		{"CreateTopic", `{"Name":"t","Tags":[{"Key":"a","Value":"1"}]}`, `{"TopicArn":"TOPIC:t"}`},
		{"CreateTopic", `{"Name":"t"}`, `{"TopicArn":"TOPIC:t"}`},
		{"CreateTopic", `{"Name":"t","Attributes":{"DisplayName":"x"}}`, `InvalidParameter: Invalid parameter: Attributes Reason: Topic already exists with different attributes`},
		{"CreateTopic", `{"Name":"t","Tags":[{"Key":"a","Value":"2"}]}`, `InvalidParameter: Invalid parameter: Tags Reason: Topic already exists with different tags`},
		{"SetTopicAttributes", `{"TopicArn":"TOPIC:t","AttributeName":"DisplayName","AttributeValue":"Shown"}`, `{}`},
		{"SetTopicAttributes", `{"TopicArn":"TOPIC:t","AttributeName":"Nope","AttributeValue":"x"}`, `InvalidParameter: Invalid parameter: AttributeName`},
		{"GetTopicAttributes", `{"TopicArn":"TOPIC:none"}`, `NotFound: Topic does not exist`},
		{"GetTopicAttributes", `{"TopicArn":"x"}`, `InvalidParameter: Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1`},
		{"GetTopicAttributes", `{"TopicArn":"arn:aws:sqs:a:b:c"}`, `InvalidParameter: Invalid parameter: TopicArn`},
		{"Publish", `{"Message":"x"}`, `InvalidParameter: Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter`},
		{"Publish", `{"TopicArn":"TOPIC:none","Message":"x"}`, `NotFound: Topic does not exist`},
		{"Publish", `{"TopicArn":"TOPIC:t","Message":""}`, `InvalidParameter: Invalid parameter: Empty message`},
		{"Publish", `{"TopicArn":"TOPIC:t","Message":"x","Subject":"a\nb"}`, `InvalidParameter: Invalid parameter: Subject`},
		{"Publish", `{"TopicArn":"TOPIC:t","Message":"` + strings.Repeat("x", maxMessage+1) + `"}`, `InvalidParameter: Invalid parameter: Message too long`},
		{"Publish", `{"TopicArn":"TOPIC:t","Message":"x","MessageStructure":"json"}`, `InvalidParameter: Invalid parameter: Message Structure - JSON message body failed to parse`},
		{"Publish", `{"TopicArn":"TOPIC:t","Message":"{}","MessageStructure":"json"}`, `InvalidParameter: Invalid parameter: Message Structure - No default entry in JSON message body`},
		{"Publish", `{"TopicArn":"TOPIC:t","Message":"x","MessageAttributes":{"a":{"DataType":"Number","StringValue":"x"}}}`, `ParameterValueInvalid: Could not cast message attribute 'a' value to number.`},
		{"Publish", `{"TopicArn":"TOPIC:t","Message":"x","MessageAttributes":{"a":{"DataType":"String","StringValue":""}}}`, `ParameterValueInvalid: The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'.`},
		{"Publish", `{"TopicArn":"TOPIC:t","Message":"x","MessageDeduplicationId":"d"}`, `InvalidParameter: Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type`},
		{"Publish", `{"PhoneNumber":"+491","Message":"x"}`, `NotImplemented: not implemented: sns:Publish with PhoneNumber (SMS)`},
		{"Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"pigeon","Endpoint":"x"}`, `InvalidParameter: Invalid parameter: Amazon SNS does not support this protocol string: pigeon`},
		{"Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"https","Endpoint":"http://x"}`, `InvalidParameter: Invalid parameter: Endpoint must match the specified protocol`},
		{"Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"email","Endpoint":"x"}`, `InvalidParameter: Invalid parameter: Email address`},
		{"Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"sqs","Endpoint":"arn:aws:sqs:eu-west-1:111122223333:q"}`, `NotImplemented: not implemented: sns:Subscribe with protocol sqs`},
		{"Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"email","Endpoint":"a@b.c","Attributes":{"FilterPolicy":"{"}}`, `InvalidParameter: Invalid parameter: FilterPolicy: failed to parse JSON.`},
		{"Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"email","Endpoint":"a@b.c","Attributes":{"RawMessageDelivery":"true"}}`, `InvalidParameter: Invalid parameter: Delivery protocol [email] does not support raw message delivery.`},
		{"Subscribe", `{"TopicArn":"TOPIC:none","Protocol":"email","Endpoint":"a@b.c"}`, `NotFound: Topic does not exist`},
		{"Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"email","Endpoint":"a@b.c","Attributes":{"FilterPolicy":"{\"k\":[\"v\"]}"}}`, `{"SubscriptionArn":"TOPIC:t:id-2"}`},
		{"Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"email","Endpoint":"a@b.c"}`, `{"SubscriptionArn":"TOPIC:t:id-2"}`},
		{"Subscribe", `{"TopicArn":"TOPIC:t","Protocol":"email","Endpoint":"a@b.c","Attributes":{"FilterPolicy":"{\"k\":[\"w\"]}"}}`, `InvalidParameter: Invalid parameter: Attributes Reason: Subscription already exists with different attributes`},
		{"GetSubscriptionAttributes", `{"SubscriptionArn":"TOPIC:t:id-2"}`, `{"Attributes":{"ConfirmationWasAuthenticated":"false","Endpoint":"a@b.c","FilterPolicy":"{\"k\":[\"v\"]}","FilterPolicyScope":"MessageAttributes","Owner":"111122223333","PendingConfirmation":"false","Protocol":"email","RawMessageDelivery":"false","SubscriptionArn":"TOPIC:t:id-2","SubscriptionPrincipal":"arn:aws:iam::111122223333:root","TopicArn":"TOPIC:t"}}`},
		{"GetSubscriptionAttributes", `{"SubscriptionArn":"TOPIC:t:nope"}`, `NotFound: Subscription does not exist`},
		{"SetSubscriptionAttributes", `{"SubscriptionArn":"TOPIC:t:id-2","AttributeName":"FilterPolicyScope","AttributeValue":"x"}`, `InvalidParameter: Invalid parameter: FilterPolicyScope: Invalid value [x]. Please use either MessageBody or MessageAttributes`},
		{"ConfirmSubscription", `{"TopicArn":"TOPIC:t","Token":"x"}`, `InvalidParameter: Invalid parameter: Token`},
		{"ListSubscriptionsByTopic", `{"TopicArn":"TOPIC:t"}`, `{"Subscriptions":[{"SubscriptionArn":"TOPIC:t:id-2","Owner":"111122223333","Protocol":"email","Endpoint":"a@b.c","TopicArn":"TOPIC:t"}]}`},
		{"AddPermission", `{"TopicArn":"TOPIC:t","Label":"l","AWSAccountId":["444455556666"],"ActionName":["Publish"]}`, `{}`},
		{"AddPermission", `{"TopicArn":"TOPIC:t","Label":"l","AWSAccountId":["444455556666"],"ActionName":["Publish"]}`, `InvalidParameter: Invalid parameter: Statement already exists`},
		{"AddPermission", `{"TopicArn":"TOPIC:t","Label":"m","AWSAccountId":["444455556666"],"ActionName":["Fly"]}`, `InvalidParameter: Invalid parameter: Policy statement action out of service scope!`},
		{"GetTopicAttributes", `{"TopicArn":"TOPIC:t"}`, `{"Attributes":{"DisplayName":"Shown","EffectiveDeliveryPolicy":"{\"http\":{\"defaultHealthyRetryPolicy\":{\"minDelayTarget\":20,\"maxDelayTarget\":20,\"numRetries\":3,\"numMaxDelayRetries\":0,\"numNoDelayRetries\":0,\"numMinDelayRetries\":0,\"backoffFunction\":\"linear\"},\"disableSubscriptionOverrides\":false,\"defaultRequestPolicy\":{\"headerContentType\":\"text/plain; charset=UTF-8\"}}}","Owner":"111122223333","Policy":"{\"Version\":\"2008-10-17\",\"Id\":\"__default_policy_ID\",\"Statement\":[{\"Sid\":\"__default_statement_ID\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":[\"SNS:GetTopicAttributes\",\"SNS:SetTopicAttributes\",\"SNS:AddPermission\",\"SNS:RemovePermission\",\"SNS:DeleteTopic\",\"SNS:Subscribe\",\"SNS:ListSubscriptionsByTopic\",\"SNS:Publish\"],\"Resource\":\"TOPIC:t\",\"Condition\":{\"StringEquals\":{\"AWS:SourceOwner\":\"111122223333\"}}},{\"Sid\":\"l\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::444455556666:root\"},\"Action\":\"SNS:Publish\",\"Resource\":\"TOPIC:t\"}]}","SubscriptionsConfirmed":"1","SubscriptionsDeleted":"0","SubscriptionsPending":"0","TopicArn":"TOPIC:t"}}`},
		{"RemovePermission", `{"TopicArn":"TOPIC:t","Label":"l"}`, `{}`},
		{"TagResource", `{"ResourceArn":"TOPIC:t","Tags":[{"Key":"a","Value":"2"},{"Key":"b","Value":"3"}]}`, `{}`},
		{"UntagResource", `{"ResourceArn":"TOPIC:t","TagKeys":["a"]}`, `{}`},
		{"ListTagsForResource", `{"ResourceArn":"TOPIC:t"}`, `{"Tags":[{"Key":"b","Value":"3"}]}`},
		{"ListTagsForResource", `{"ResourceArn":"TOPIC:none"}`, `ResourceNotFound: Resource does not exist`},
		{"PutDataProtectionPolicy", `{"ResourceArn":"TOPIC:t","DataProtectionPolicy":"{}"}`, `{}`},
		{"GetDataProtectionPolicy", `{"ResourceArn":"TOPIC:t"}`, `{"DataProtectionPolicy":"{}"}`},
		{"CreatePlatformApplication", `{}`, `NotImplemented: not implemented: sns:CreatePlatformApplication`},
		{"Unsubscribe", `{"SubscriptionArn":"TOPIC:t:id-2"}`, `{}`},
		{"Unsubscribe", `{"SubscriptionArn":"TOPIC:t:id-2"}`, `{}`},
		{"Unsubscribe", `{"SubscriptionArn":"nonsense"}`, `InvalidParameter: Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1`},
		{"ListSubscriptions", `{}`, `{"Subscriptions":[]}`},
		{"DeleteTopic", `{"TopicArn":"TOPIC:t"}`, `{}`},
		{"DeleteTopic", `{"TopicArn":"TOPIC:t"}`, `{}`},
		{"ListTopics", `{}`, `{"Topics":[]}`},
		{"ListTopics", `{"NextToken":"?"}`, `InvalidParameter: Invalid parameter: NextToken Reason: Value is invalid`},
	} {
		if got := s.run(t, c.op, c.in); got != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.op, c.in, got, c.want)
		}
	}
	for i := range 250 {
		s.run(t, "CreateTopic", fmt.Sprintf(`{"Name":"n%03d"}`, i))
	}
	in, n := `{}`, 0
	for {
		var out api.ListTopicsOutput
		json.Unmarshal([]byte(s.run(t, "ListTopics", in)), &out)
		n += len(out.Topics)
		if out.NextToken == nil {
			break
		}
		in = `{"NextToken":"` + *out.NextToken + `"}`
	}
	if n != 250 {
		t.Errorf("%d topics", n)
	}
}

// queue is a Target that keeps what it is given.
type queue struct{ got chan Delivery }

func (queue) Accepts(context.Context, string, bool) error { return nil }

func (q queue) Deliver(_ context.Context, _ string, m Delivery) error { q.got <- m; return nil }

func TestFIFO(t *testing.T) {
	q := queue{make(chan Delivery, 10)}
	s := newServer(t, t.TempDir(), func(d *Deps) { d.Targets = map[string]Target{"sqs": q} })
	s.run(t, "CreateTopic", `{"Name":"t.fifo","Attributes":{"FifoTopic":"true","ContentBasedDeduplication":"true"}}`)
	for _, c := range []struct{ op, in, want string }{
		{"Subscribe", `{"TopicArn":"TOPIC:t.fifo","Protocol":"http","Endpoint":"http://x"}`, `InvalidParameter: Invalid parameter: Invalid protocol type: http`},
		{"Subscribe", `{"TopicArn":"TOPIC:t.fifo","Protocol":"sqs","Endpoint":"arn:aws:sqs:eu-west-1:111122223333:q.fifo","Attributes":{"RawMessageDelivery":"true"}}`, `{"SubscriptionArn":"TOPIC:t.fifo:id-1"}`},
		{"Publish", `{"TopicArn":"TOPIC:t.fifo","Message":"x"}`, `InvalidParameter: Invalid parameter: The MessageGroupId parameter is required for FIFO topics`},
		{"Publish", `{"TopicArn":"TOPIC:t.fifo","Message":"one","MessageGroupId":"g"}`, `{"MessageId":"id-3","SequenceNumber":"10000000000000000001"}`},
		{"Publish", `{"TopicArn":"TOPIC:t.fifo","Message":"one","MessageGroupId":"g"}`, `{"MessageId":"id-3","SequenceNumber":"10000000000000000001"}`},
		{"PublishBatch", `{"TopicArn":"TOPIC:t.fifo","PublishBatchRequestEntries":[{"Id":"a","Message":"two","MessageGroupId":"g"},{"Id":"b","Message":"three"}]}`,
			`{"Successful":[{"Id":"a","MessageId":"id-5","SequenceNumber":"10000000000000000002"}],"Failed":[{"Id":"b","Code":"InvalidParameter","Message":"Invalid parameter: The MessageGroupId parameter is required for FIFO topics","SenderFault":true}]}`},
		{"PublishBatch", `{"TopicArn":"TOPIC:t.fifo","PublishBatchRequestEntries":[]}`, `EmptyBatchRequest: The batch request doesn't contain any entries.`},
		{"PublishBatch", `{"TopicArn":"TOPIC:t.fifo","PublishBatchRequestEntries":[{"Id":"a","Message":"x"},{"Id":"a","Message":"y"}]}`, `BatchEntryIdsNotDistinct: Two or more batch entries in the request have the same Id.`},
	} {
		if got := s.run(t, c.op, c.in); got != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.op, c.in, got, c.want)
		}
	}
	s.settled(t)
	if len(q.got) != 2 {
		t.Fatalf("%d messages delivered", len(q.got))
	}
	bodies := map[string]string{}
	for range 2 {
		m := <-q.got
		bodies[m.Body] = m.SequenceNumber + m.GroupID
	}
	if bodies["one"] != "10000000000000000001g" || bodies["two"] != "10000000000000000002g" {
		t.Errorf("%v", bodies)
	}
	s.clock.Advance(dedupWindow)
	if got := s.run(t, "Publish", `{"TopicArn":"TOPIC:t.fifo","Message":"one","MessageGroupId":"g"}`); !strings.Contains(got, "0003") {
		t.Errorf("after the window: %s", got)
	}
}
