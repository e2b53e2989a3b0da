package lambda

import (
	"encoding/json"
	"testing"

	sqsapi "stepwell/internal/awsapi/sqs"
)

// TestBatchResults: which messages of the batch a, b, c are deleted after what
// the function answered.
func TestBatchResults(t *testing.T) {
	batch := []sqsapi.Message{{MessageId: new("a")}, {MessageId: new("b")}, {MessageId: new("c")}}
	for _, c := range []struct {
		payload         string
		failed, partial bool
		deleted         string
	}{
		{`"anything"`, false, false, "abc"},
		{`{"errorType":"E"}`, true, false, ""},
		{`{"errorType":"E"}`, true, true, ""},
		{`null`, false, true, "abc"},
		{``, false, true, "abc"},
		{`{}`, false, true, "abc"},
		{`{"batchItemFailures":null}`, false, true, "abc"},
		{`{"batchItemFailures":[]}`, false, true, "abc"},
		{`{"batchItemFailures":[{"itemIdentifier":"b"}]}`, false, true, "ac"},
		{`{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}`, false, true, "a"},
		{`{"batchItemFailures":[{"itemIdentifier":""}]}`, false, true, ""},
		{`{"batchItemFailures":[{"itemIdentifier":null}]}`, false, true, ""},
		{`{"batchItemFailures":[{"messageId":"b"}]}`, false, true, ""},
		{`{"batchItemFailures":[{"itemIdentifier":"x"}]}`, false, true, ""},
		{`{"batchItemFailures":"b"}`, false, true, ""},
		{`"text"`, false, true, ""},
		{`{`, false, true, ""},
	} {
		p := &poller{}
		if c.partial {
			p.m.FunctionResponseTypes = []string{"ReportBatchItemFailures"}
		}
		deleted := ""
		for _, m := range p.succeeded(batch, outcome{answer: answer{payload: []byte(c.payload), failed: c.failed}}) {
			deleted += *m.MessageId
		}
		if deleted != c.deleted {
			t.Errorf("%s (failed %v, partial %v): deleted %q, want %q", c.payload, c.failed, c.partial, deleted, c.deleted)
		}
	}
}

// TestBatchSizes: which sizes of batches queues allow.
func TestBatchSizes(t *testing.T) {
	for _, c := range []struct {
		arn          string
		size, window int64
		message      string
	}{
		{"arn:aws:sqs:r:1:q", 10, 0, ""},
		{"arn:aws:sqs:r:1:q", 10000, 1, ""},
		{"arn:aws:sqs:r:1:q", 11, 0, "InvalidParameterValueException: Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"},
		{"arn:aws:sqs:r:1:q.fifo", 10, 0, ""},
		{"arn:aws:sqs:r:1:q.fifo", 11, 1, "InvalidParameterValueException: Invalid request provided: Batch size for FIFO queues must not exceed 10."},
		{"arn:aws:sqs:r:1:q.fifo", 1, 1, "InvalidParameterValueException: Batching window is not supported for FIFO queues."},
	} {
		message := ""
		if err := checkBatch(&mapping{EventSourceArn: &c.arn, BatchSize: &c.size, MaximumBatchingWindowInSeconds: &c.window}); err != nil {
			message = err.Error()
		}
		if message != c.message {
			t.Errorf("%s, %d, %d: %q", c.arn, c.size, c.window, message)
		}
	}
}

// TestQueueRecord: a message as the function gets it.
func TestQueueRecord(t *testing.T) {
	p := &poller{m: mapping{EventSourceArn: new("arn:aws:sqs:r:1:q")}, at: scope{"1", "r"}}
	text, err := json.Marshal(p.record(sqsapi.Message{MessageId: new("id"), ReceiptHandle: new("handle"), Body: new("{}"), MD5OfBody: new("5"),
		Attributes:        map[string]string{"ApproximateReceiveCount": "1"},
		MessageAttributes: map[string]sqsapi.MessageAttributeValue{"b": {DataType: new("Binary"), BinaryValue: []byte{1}}}, MD5OfMessageAttributes: new("6")}))
	const want = `{"messageId":"id","receiptHandle":"handle","body":"{}","attributes":{"ApproximateReceiveCount":"1"},` +
		`"messageAttributes":{"b":{"binaryValue":"AQ==","stringListValues":[],"binaryListValues":[],"dataType":"Binary"}},` +
		`"md5OfMessageAttributes":"6","md5OfBody":"5","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:q","awsRegion":"r"}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}
