// Package notify is how services tell queues, topics, functions and state
// machines that something has happened: EventBridge and its Scheduler, S3's
// notifications, alarms. It calls the neighbour, says which failures are tried
// again and when, and fills dead-letter queues.
//
// It keeps nothing: what is on its way, and the task that brings it, are the
// service's own. Services import it.
package notify

import (
	"context"
	"log/slog"
	"strings"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// Message is what a target gets.
type Message struct {
	Body          string
	Subject       string            // topics
	Group         *string           // queues: the message group
	Deduplication string            // FIFO queues
	Execution     string            // state machines: the execution's name; a name that is started already is not started again
	Attributes    map[string]string // queues: texts; "" is left out
}

// Sender delivers on behalf of a service.
type Sender struct {
	Bus    bus.Invoker
	Source string // the service
	Log    *slog.Logger
}

// At makes ctx that of the account and region of an ARN.
func (s Sender) At(ctx context.Context, a bus.ARN) context.Context {
	return bus.With(ctx, bus.From(ctx).At(a, s.Source))
}

// QueueURL is AWS's URL of the queue with an ARN: SQS takes it here and, where the
// service is routed to AWS, there.
func QueueURL(a bus.ARN) *string {
	return new("https://sqs." + a.Region + ".amazonaws.com/" + a.Account + "/" + a.Resource)
}

// Send makes one attempt to bring a message to the target with an ARN.
func (s Sender) Send(ctx context.Context, arn string, m *Message) error {
	a, ok := bus.ParseARN(arn)
	if !ok {
		return Refuse(awserr.NotImplemented(s.Source + ": delivery to " + arn))
	}
	service, operation, in := a.Service, "", any(nil)
	switch a.Service {
	case "sqs":
		operation, in = "SendMessage", m.queued(a)
	case "sns":
		operation, in = "Publish", &sns.PublishInput{TopicArn: &arn, Message: &m.Body, Subject: optional(m.Subject)}
	case "lambda":
		operation, in = "Invoke", &lambda.InvokeInput{FunctionName: &arn, InvocationType: new("Event"), Payload: []byte(m.Body)}
	case "states":
		operation, in = "StartExecution", &states.StartExecutionInput{StateMachineArn: &arn, Input: &m.Body, Name: optional(m.Execution)}
	default:
		return Refuse(awserr.NotImplemented(s.Source + ": delivery to " + arn))
	}
	_, err := s.Bus.Invoke(s.At(ctx, a), service, operation, in)
	return err
}

func (m *Message) queued(a bus.ARN) *sqs.SendMessageInput {
	in := &sqs.SendMessageInput{QueueUrl: QueueURL(a), MessageBody: &m.Body, MessageGroupId: m.Group}
	if strings.HasSuffix(a.Resource, ".fifo") {
		in.MessageDeduplicationId = optional(m.Deduplication)
	}
	for name, v := range m.Attributes {
		if v == "" {
			continue
		}
		if in.MessageAttributes == nil {
			in.MessageAttributes = map[string]sqs.MessageAttributeValue{}
		}
		in.MessageAttributes[name] = sqs.MessageAttributeValue{DataType: new("String"), StringValue: &v}
	}
	return in
}

// Bury sends what could not be delivered to a dead-letter queue; arn may be nil
// or "": there is none. One that the queue refuses is reported in the server's log,
// as AWS does in a metric.
func (s Sender) Bury(ctx context.Context, arn *string, m *Message) error {
	if arn == nil || *arn == "" {
		return nil
	}
	err := s.Send(ctx, *arn, m)
	if err != nil && !Retriable(err) {
		s.Log.Error("message could not be kept in its dead-letter queue", "service", s.Source, "queue", *arn, "error", err)
		return nil
	}
	return err
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
