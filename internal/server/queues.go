package server

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	sqsapi "stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/service/sns"
)

// queues hands the messages of topics to SQS.
type queues struct{ bus *bus.Bus }

// Accepts lets a queue be subscribed that is there; a FIFO queue takes only what
// comes in order.
func (q queues) Accepts(ctx context.Context, endpoint string, fifo bool) error {
	if fifo || !strings.HasSuffix(endpoint, ".fifo") {
		return nil
	}
	return awserr.New(400, "InvalidParameter", "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
}

// Deliver sends a message to the queue with that ARN.
func (q queues) Deliver(ctx context.Context, endpoint string, m sns.Delivery) error {
	ctx, url := queueAt(ctx, endpoint, "sns")
	in := &sqsapi.SendMessageInput{QueueUrl: &url, MessageBody: &m.Body}
	if m.Raw && len(m.Attributes) > 0 {
		in.MessageAttributes = map[string]sqsapi.MessageAttributeValue{}
		for name, a := range m.Attributes {
			v := sqsapi.MessageAttributeValue{DataType: &a.Type}
			if strings.HasPrefix(a.Type, "Binary") {
				b, err := base64.StdEncoding.DecodeString(a.Value)
				if err != nil {
					return fmt.Errorf("cannot read the attribute %s: %w", name, err)
				}
				v.BinaryValue = b
			} else {
				v.StringValue = &a.Value
			}
			in.MessageAttributes[name] = v
		}
	}
	if m.GroupID != "" {
		in.MessageGroupId = &m.GroupID
	}
	if strings.HasSuffix(endpoint, ".fifo") && m.DeduplicationID != "" {
		in.MessageDeduplicationId = &m.DeduplicationID
	}
	_, err := q.bus.Invoke(ctx, "sqs", "SendMessage", in)
	return err
}

// queueAt makes ctx that of a queue's owner and names the queue by its URL.
func queueAt(ctx context.Context, arn, source string) (context.Context, string) {
	a, ok := bus.ParseARN(arn)
	if !ok {
		return ctx, arn
	}
	c := bus.From(ctx)
	return bus.With(ctx, bus.Caller{Account: a.Account, Region: a.Region, Source: source, RequestID: c.RequestID}), "/" + a.Account + "/" + a.Resource
}
