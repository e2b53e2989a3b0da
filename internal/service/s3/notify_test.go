package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// told keeps what S3 tells the queues of the tests and EventBridge.
var told audience

type audience struct {
	mu       sync.Mutex
	messages []string // queue and message
	events   []string // bucket, detail type and detail
	fails    int
}

func (a *audience) happened(tx *store.Tx, h Happening) error {
	tx.AfterCommit(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.events = append(a.events, h.Account+" "+h.Bucket+" "+h.DetailType+" "+string(h.Detail))
	})
	return nil
}

func (a *audience) table() *bus.Service {
	return &bus.Service{Name: "sqs", Model: sqs.Model, Operations: []bus.Operation{
		bus.Op("SendMessage", func(_ context.Context, in *sqs.SendMessageInput) (*sqs.SendMessageOutput, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.fails > 0 {
				a.fails--
				return nil, awserr.New(503, "ServiceUnavailable", "try again")
			}
			a.messages = append(a.messages, (*in.QueueUrl)[strings.LastIndexByte(*in.QueueUrl, '/')+1:]+" "+*in.MessageBody)
			return &sqs.SendMessageOutput{}, nil
		}),
		bus.Op("GetQueueUrl", func(_ context.Context, in *sqs.GetQueueUrlInput) (*sqs.GetQueueUrlOutput, error) {
			if strings.HasPrefix(*in.QueueName, "no-") {
				return nil, sqs.QueueDoesNotExist("The specified queue does not exist.")
			}
			return &sqs.GetQueueUrlOutput{}, nil
		}),
	}}
}

// await waits for n messages to a queue.
func (a *audience) await(t *testing.T, queue string, n int) (list []string) {
	t.Helper()
	for stop := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		list = nil
		a.mu.Lock()
		for _, m := range a.messages {
			if text, ok := strings.CutPrefix(m, queue+" "); ok {
				list = append(list, text)
			}
		}
		a.mu.Unlock()
		if len(list) >= n {
			return list
		}
		if time.Now().After(stop) {
			t.Fatalf("%d messages, want %d: %v", len(list), n, list)
		}
	}
}

func queueARN(name string) *string {
	return new("arn:aws:sqs:us-east-1:" + bus.DefaultAccount + ":" + name)
}

func filter(prefix, suffix string) *s3.NotificationConfigurationFilter {
	return &s3.NotificationConfigurationFilter{Key: &s3.S3KeyFilter{FilterRules: []s3.FilterRule{{Name: new("Prefix"), Value: &prefix}, {Name: new("suffix"), Value: &suffix}}}}
}

// TestNotifications: the messages of the user guide's "Event message structure" and of
// "EventBridge event message structure".
func TestNotifications(t *testing.T) {
	name, in, gone := unique("notifying"), unique("in"), unique("gone")
	bucket := &name
	must[s3.CreateBucketOutput](t, "CreateBucket", &s3.CreateBucketInput{Bucket: bucket})
	put := func(key, text string) {
		t.Helper()
		must[s3.PutObjectOutput](t, "PutObject", &s3.PutObjectInput{Bucket: bucket, Key: &key, Body: io.NopCloser(strings.NewReader(text))})
	}
	put("before", "x")
	must[s3.PutBucketNotificationConfigurationOutput](t, "PutBucketNotificationConfiguration", &s3.PutBucketNotificationConfigurationInput{
		Bucket: bucket, NotificationConfiguration: &s3.NotificationConfiguration{
			EventBridgeConfiguration: &s3.EventBridgeConfiguration{},
			QueueConfigurations: []s3.QueueConfiguration{
				{Id: new("in"), QueueArn: queueARN(in), Events: []string{"s3:ObjectCreated:*"}, Filter: filter("in/", ".csv")},
				{Id: new("gone"), QueueArn: queueARN(gone), Events: []string{"s3:ObjectRemoved:Delete"}},
			}}})
	test := told.await(t, in, 1)[0]
	if want := `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-01-02T03:04:05.000Z","Bucket":"` + name + `",`; !strings.HasPrefix(test, want) {
		t.Errorf("test event %s", test)
	}
	put("in/<a> b.csv", "12345")
	put("in/a.txt", "x")
	put("out/a.csv", "x")
	must[s3.DeleteObjectOutput](t, "DeleteObject", &s3.DeleteObjectInput{Bucket: bucket, Key: new("before")})
	must[s3.DeleteObjectOutput](t, "DeleteObject", &s3.DeleteObjectInput{Bucket: bucket, Key: new("before")})
	hexadecimal := regexp.MustCompile(`"[0-9A-Fa-f]{16,}"`)
	plain := func(s string) string { return hexadecimal.ReplaceAllString(s, `"#"`) }
	created := plain(told.await(t, in, 2)[1])
	const head = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2026-01-02T03:04:05.000Z","eventName":`
	const who = `"userIdentity":{"principalId":"AWS:123456789012"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},"responseElements":{"x-amz-id-2":"#","x-amz-request-id":"#"},`
	where := `"bucket":{"name":"` + name + `","ownerIdentity":{"principalId":"123456789012"},"arn":"arn:aws:s3:::` + name + `"},`
	if want := head + `"ObjectCreated:Put",` + who + `"s3":{"s3SchemaVersion":"1.0","configurationId":"in",` + where +
		`"object":{"key":"in/%3Ca%3E+b.csv","size":5,"eTag":"#","sequencer":"#"}}}]}`; created != want {
		t.Errorf("got\n%s\nwant\n%s", created, want)
	}
	removed := plain(told.await(t, gone, 2)[1])
	if want := head + `"ObjectRemoved:Delete",` + who + `"s3":{"s3SchemaVersion":"1.0","configurationId":"gone",` + where + `"object":{"key":"before","sequencer":"#"}}}]}`; removed != want {
		t.Errorf("got\n%s\nwant\n%s", removed, want)
	}
	told.mu.Lock()
	events := slices.DeleteFunc(slices.Clone(told.events), func(e string) bool { return !strings.HasPrefix(e, "123456789012 "+name+" ") })
	told.mu.Unlock()
	var kinds []string
	for _, e := range events {
		kind, _, _ := strings.Cut(strings.TrimPrefix(e, "123456789012 "+name+" "), " {")
		kinds = append(kinds, kind)
	}
	if want := []string{"Object Created", "Object Created", "Object Created", "Object Deleted"}; !slices.Equal(kinds, want) {
		t.Fatal(kinds)
	}
	if got, want := plain(events[0]), `123456789012 `+name+` Object Created {"version":"0","event-version":"1.0","bucket":{"name":"`+name+`"},"object":{"key":"in/<a> b.csv","size":5,"etag":"#","sequencer":"#"},`+
		`"request-id":"#","requester":"123456789012","source-ip-address":"127.0.0.1","reason":"PutObject"}`; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !strings.Contains(events[3], `"reason":"DeleteObject","deletion-type":"Permanently Deleted"`) {
		t.Error(events[3])
	}
}

// TestNotificationRules: configurations that are refused, and which events a rule hears.
func TestNotificationRules(t *testing.T) {
	bucket := new("configured")
	must[s3.CreateBucketOutput](t, "CreateBucket", &s3.CreateBucketInput{Bucket: bucket})
	one := func(queue, event, prefix, suffix string) s3.QueueConfiguration {
		return s3.QueueConfiguration{QueueArn: queueARN(queue), Events: []string{event}, Filter: filter(prefix, suffix)}
	}
	same := func(c s3.QueueConfiguration) s3.QueueConfiguration {
		c.Id = new("same")
		return c
	}
	const ambiguous = "InvalidArgument: Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type."
	const gone = "InvalidArgument: Unable to validate the following destination configurations"
	for _, c := range []struct {
		list []s3.QueueConfiguration
		want string
	}{
		{[]s3.QueueConfiguration{one("q", "s3:ObjectCreated:*", "a", ".x")}, ""},
		{[]s3.QueueConfiguration{one("q", "s3:ObjectCreated:*", "a", ".x"), one("q", "s3:ObjectCreated:*", "b", ".x")}, ""},
		{[]s3.QueueConfiguration{one("q", "s3:ObjectCreated:*", "a", ".x"), one("q", "s3:ObjectRemoved:*", "a", ".x")}, ""},
		{[]s3.QueueConfiguration{one("q", "s3:ObjectCreated:*", "a", ".x"), one("q", "s3:ObjectCreated:Put", "a", ".y")}, ""},
		{[]s3.QueueConfiguration{one("q", "s3:ObjectCreated:*", "a", ".x"), one("q", "s3:ObjectCreated:Put", "ab", ".x")}, ambiguous},
		{[]s3.QueueConfiguration{one("q", "s3:ObjectCreated:Put", "", ""), one("q", "s3:ObjectCreated:Put", "ab", ".x")}, ambiguous},
		{[]s3.QueueConfiguration{same(one("q", "s3:ObjectCreated:Put", "a", "")), same(one("q", "s3:ObjectCreated:Put", "b", ""))}, "InvalidArgument: Same ID used for multiple configurations. IDs must be unique"},
		{[]s3.QueueConfiguration{one("no-queue", "s3:ObjectCreated:Put", "", "")}, gone},
		{[]s3.QueueConfiguration{one("q.fifo", "s3:ObjectCreated:Put", "", "")}, gone},
		{[]s3.QueueConfiguration{{QueueArn: queueARN("q"), Events: []string{"s3:ObjectCreated:Put"}, Filter: &s3.NotificationConfigurationFilter{Key: &s3.S3KeyFilter{
			FilterRules: []s3.FilterRule{{Name: new("infix"), Value: new("x")}}}}}}, "InvalidArgument: filter rule name must be either prefix or suffix"},
		{[]s3.QueueConfiguration{{QueueArn: queueARN("q"), Events: []string{"s3:Everything"}}}, "InvalidArgument: A specified event is not supported for notifications"},
	} {
		_, err := calls.Invoke(t.Context(), "s3", "PutBucketNotificationConfiguration", &s3.PutBucketNotificationConfigurationInput{
			Bucket: bucket, NotificationConfiguration: &s3.NotificationConfiguration{QueueConfigurations: c.list}})
		got := ""
		if e := awserr.From(err); e != nil {
			got = e.Code + ": " + e.Message
		} else if err != nil {
			got = err.Error()
		}
		if got != c.want {
			data, _ := json.Marshal(c.list)
			t.Errorf("%s\ngot  %s\nwant %s", data, got, c.want)
		}
	}
	for _, c := range []struct {
		pattern, event, key string
		want                bool
	}{
		{"s3:ObjectCreated:*", "s3:ObjectCreated:Put", "a/x.csv", true},
		{"s3:ObjectCreated:Copy", "s3:ObjectCreated:Put", "a/x.csv", false},
		{"s3:ObjectRemoved:*", "s3:ObjectCreated:Put", "a/x.csv", false},
		{"s3:ObjectCreated:*", "s3:ObjectCreated:Put", "b/x.csv", false},
		{"s3:ObjectCreated:*", "s3:ObjectCreated:Put", "a/x.csv.gz", false},
		{"s3:ObjectTagging:*", "s3:ObjectTagging:Delete", "a/.csv", true},
	} {
		r := rule{events: []string{c.pattern}, prefix: "a/", suffix: ".csv"}
		if got := r.hears(c.event, c.key); got != c.want {
			t.Error(fmt.Sprint(c, got))
		}
	}
}
