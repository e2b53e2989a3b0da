package logs

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
)

// functions stand in for Lambda: f is there, and keeps what it is invoked with.
type functions struct{ got []delivery }

func (f *functions) table(t *testing.T) *bus.Service {
	missing := lambda.ResourceNotFoundException("Function not found")
	return &bus.Service{Name: "lambda", Operations: []bus.Operation{
		bus.Op("GetFunctionConfiguration", func(_ context.Context, in *lambda.GetFunctionConfigurationInput) (*lambda.GetFunctionConfigurationOutput, error) {
			if !strings.HasSuffix(*in.FunctionName, ":f") {
				return nil, missing
			}
			return &lambda.GetFunctionConfigurationOutput{}, nil
		}),
		bus.Op("Invoke", func(_ context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			if *in.InvocationType != "Event" {
				t.Errorf("a delivery is a %s invoke", *in.InvocationType)
			}
			f.got = append(f.got, unpacked(t, in.Payload))
			return &lambda.InvokeOutput{}, nil
		}),
	}}
}

func unpacked(t *testing.T, payload []byte) (d delivery) {
	t.Helper()
	var event struct{ Awslogs struct{ Data []byte } }
	if err := json.Unmarshal(payload, &event); err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(event.Awslogs.Data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSubscriptions(t *testing.T) {
	w, seen := setup(t), &functions{}
	w.bus.Register(seen.table(t))
	w.stream("g", "s")
	const f = "arn:aws:lambda:us-east-1:123456789012:function:f"
	for _, c := range []struct{ name, pattern, to, want string }{
		{"a", "7", f, ""},
		{"a", "8", f, ""}, // the same again, changed
		{"b", "", f, ""},
		{"c", "", f, "Resource limit exceeded."},
		{"b", "[a, b]", f, "not implemented"},
		{"b", "", "arn:aws:lambda:us-east-1:123456789012:function:g", "Could not execute the lambda function."},
		{"b", "", "arn:aws:kinesis:us-east-1:123456789012:stream/s", "not implemented: logs:PutSubscriptionFilter to kinesis"},
		{"b", "", "f", "destinationArn is not a valid ARN."},
	} {
		_, err := w.bus.Invoke(t.Context(), "logs", "PutSubscriptionFilter", &logs.PutSubscriptionFilterInput{
			LogGroupName: new("g"), FilterName: &c.name, FilterPattern: &c.pattern, DestinationArn: &c.to})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s of %s to %s: %v, want %q", c.name, c.pattern, c.to, err, c.want)
		}
	}
	w.put("g", "s", "x", 1)
	w.put("g", "s", "x", 7, 8, 9)
	got := ""
	for _, d := range seen.got {
		got += d.MessageType + " " + d.Owner + " " + d.LogGroup + "/" + d.LogStream + " " + strings.Join(d.SubscriptionFilters, ",") + ":"
		for _, e := range d.LogEvents {
			got += " " + e.Message
		}
		got += "\n"
	}
	const want = "DATA_MESSAGE 123456789012 g/s b: 1x\nDATA_MESSAGE 123456789012 g/s a: 8x\nDATA_MESSAGE 123456789012 g/s b: 7x 8x 9x\n"
	if got != want {
		t.Errorf("deliveries\n%swant\n%s", got, want)
	}
	ids := map[string]bool{}
	for _, e := range call[logs.FilterLogEventsOutput](w, "FilterLogEvents", &logs.FilterLogEventsInput{LogGroupName: new("g")}).Events {
		ids[*e.EventId] = true
	}
	for _, d := range seen.got {
		for _, e := range d.LogEvents {
			if !ids[e.ID] {
				t.Errorf("event %s has the id %s, which no event of the group has", e.Message, e.ID)
			}
		}
	}
	remove := &logs.DeleteSubscriptionFilterInput{LogGroupName: new("g"), FilterName: new("a")}
	call[logs.DeleteSubscriptionFilterOutput](w, "DeleteSubscriptionFilter", remove)
	if _, err := w.bus.Invoke(t.Context(), "logs", "DeleteSubscriptionFilter", remove); err == nil {
		t.Error("a filter was deleted twice")
	}
	list := &logs.DescribeSubscriptionFiltersInput{LogGroupName: new("g"), FilterNamePrefix: new("b")}
	if out := call[logs.DescribeSubscriptionFiltersOutput](w, "DescribeSubscriptionFilters", list); len(out.SubscriptionFilters) != 1 || *out.SubscriptionFilters[0].Distribution != "ByLogStream" {
		t.Errorf("filters %v", out.SubscriptionFilters)
	}
}
