package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// TestJudge: what follows a failure.
func TestJudge(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	busy := awserr.New(503, "ServiceUnavailable", "try again")
	usual := NewPolicy(nil, nil)
	for _, c := range []struct {
		policy  Policy
		failure error
		failed  int
		age     time.Duration
		want    Verdict
	}{
		{usual, busy, 0, 0, Verdict{true, time.Second, ""}},
		{usual, busy, 3, 0, Verdict{true, 8 * time.Second, ""}},
		{usual, busy, 184, 0, Verdict{true, 5 * time.Minute, ""}},
		{usual, busy, 185, 0, Verdict{Exhausted: "MaximumRetryAttempts"}},
		{usual, busy, 9, 24*time.Hour - 5*time.Minute, Verdict{true, 5 * time.Minute, ""}},
		{usual, busy, 9, 24*time.Hour - 4*time.Minute, Verdict{Exhausted: "MaximumEventAgeInSeconds"}},
		{NewPolicy(new(int64(0)), nil), busy, 0, 0, Verdict{Exhausted: "MaximumRetryAttempts"}},
		{NewPolicy(nil, new(int64(60))), busy, 0, time.Minute, Verdict{Exhausted: "MaximumEventAgeInSeconds"}},
		{ForAge(time.Hour), busy, 1000, 0, Verdict{true, 5 * time.Minute, ""}},
		{usual, Later(errors.New("429"), time.Hour), 0, 0, Verdict{true, time.Hour, ""}},
		{usual, Later(errors.New("429"), 0), 2, 0, Verdict{true, 4 * time.Second, ""}},
		{usual, errors.New("connection refused"), 0, 0, Verdict{true, time.Second, ""}},
		{usual, awserr.New(400, "ThrottlingException", ""), 0, 0, Verdict{true, time.Second, ""}},
		{usual, awserr.New(429, "Whatever", ""), 0, 0, Verdict{true, time.Second, ""}},
		{usual, awserr.New(400, "ExecutionLimitExceeded", ""), 0, 0, Verdict{true, time.Second, ""}},
		{usual, fmt.Errorf("cannot send: %w", Refuse(busy)), 0, 0, Verdict{}},
		{usual, awserr.New(400, "QueueDoesNotExist", ""), 0, 0, Verdict{}},
		{usual, awserr.NotImplemented("x"), 0, 0, Verdict{}},
	} {
		if got := c.policy.Judge(c.failure, c.failed, start, start.Add(c.age)); got != c.want {
			t.Errorf("%v after %d, %v old: %+v, want %+v", c.failure, c.failed, c.age, got, c.want)
		}
	}
}

// neighbours keep what they are asked for.
type neighbours struct {
	got string
	err error
}

func (n *neighbours) Invoke(ctx context.Context, service, operation string, in any) (any, error) {
	text, err := json.Marshal(in)
	c := bus.From(ctx)
	n.got = fmt.Sprint(c.Account, " ", c.Region, " ", c.Source, " ", service, ":", operation, " ", string(text))
	return nil, errors.Join(err, n.err)
}

// TestSend: what each kind of target is asked for, in its own account and region.
func TestSend(t *testing.T) {
	n := &neighbours{}
	s := Sender{Bus: n, Source: "events"}
	ctx := bus.With(t.Context(), bus.Caller{Account: "111111111111", Region: "us-east-1"})
	m := &Message{Body: "b", Subject: "s", Group: new("g"), Deduplication: "d", Execution: "e", Attributes: map[string]string{"A": "1", "B": ""}}
	for _, c := range []struct{ arn, want string }{
		{"arn:aws:sqs:eu-west-1:222222222222:q", `222222222222 eu-west-1 events sqs:SendMessage {"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/222222222222/q","MessageBody":"b","MessageAttributes":{"A":{"StringValue":"1","DataType":"String"}},"MessageGroupId":"g"}`},
		{"arn:aws:sqs:eu-west-1:222222222222:q.fifo", `222222222222 eu-west-1 events sqs:SendMessage {"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/222222222222/q.fifo","MessageBody":"b","MessageAttributes":{"A":{"StringValue":"1","DataType":"String"}},"MessageDeduplicationId":"d","MessageGroupId":"g"}`},
		{"arn:aws:sns:eu-west-1:222222222222:t", `222222222222 eu-west-1 events sns:Publish {"TopicArn":"arn:aws:sns:eu-west-1:222222222222:t","Message":"b","Subject":"s"}`},
		{"arn:aws:lambda:eu-west-1:222222222222:function:f", `222222222222 eu-west-1 events lambda:Invoke {"FunctionName":"arn:aws:lambda:eu-west-1:222222222222:function:f","InvocationType":"Event","Payload":"Yg=="}`},
		{"arn:aws:states:eu-west-1:222222222222:stateMachine:m", `222222222222 eu-west-1 events states:StartExecution {"StateMachineArn":"arn:aws:states:eu-west-1:222222222222:stateMachine:m","Name":"e","Input":"b"}`},
		{"arn:aws:kinesis:eu-west-1:222222222222:stream/s", "NotImplemented: not implemented: events: delivery to arn:aws:kinesis:eu-west-1:222222222222:stream/s"},
		{"q", "NotImplemented: not implemented: events: delivery to q"},
	} {
		n.got = ""
		if err := s.Send(ctx, c.arn, m); err != nil {
			n.got = err.Error()
		}
		if n.got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.arn, n.got, c.want)
		}
	}
}

// TestBury: a queue that refuses is reported, one that is busy is tried again.
func TestBury(t *testing.T) {
	queue := new("arn:aws:sqs:us-east-1:111111111111:q")
	busy := awserr.New(503, "ServiceUnavailable", "try again")
	for _, c := range []struct {
		arn          *string
		fails        error
		again, noted bool
	}{
		{nil, busy, false, false},
		{new(""), busy, false, false},
		{queue, nil, false, false},
		{queue, busy, true, false},
		{queue, awserr.New(400, "QueueDoesNotExist", ""), false, true},
	} {
		var log bytes.Buffer
		s := Sender{Bus: &neighbours{err: c.fails}, Source: "events", Log: slog.New(slog.NewTextHandler(&log, nil))}
		err := s.Bury(t.Context(), c.arn, &Message{Body: "b"})
		if (err != nil) != c.again || (log.Len() > 0) != c.noted {
			t.Errorf("%v: %v, log %q", c.fails, err, log.String())
		}
	}
}
