package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	eventsapi "stepwell/internal/awsapi/events"
	api "stepwell/internal/awsapi/lambda"
	snsapi "stepwell/internal/awsapi/sns"
	sqsapi "stepwell/internal/awsapi/sqs"
	"stepwell/internal/bus"
	"stepwell/internal/notify"
)

// record is what a destination gets (developer guide, "Adding a destination").
type record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID   string `json:"requestId"`
	FunctionARN string `json:"functionArn"`
	Condition   string `json:"condition"`
	Count       int64  `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// conclude tells the destination and, of a failure, the dead-letter queue. What
// cannot be told for reasons that pass is tried again: the task is.
func (s *Service) conclude(ctx context.Context, e accepted, config api.FunctionEventInvokeConfig, f *function, condition string, o outcome) error {
	failed := condition != "Success"
	ctx = bus.With(ctx, bus.Caller{Account: e.To.Account, Region: e.To.Region, Principal: value(f.Config.Role), Source: "lambda"})
	if failed && f.Config.DeadLetterConfig != nil && value(f.Config.DeadLetterConfig.TargetArn) != "" {
		if err := s.tell(ctx, *f.Config.DeadLetterConfig.TargetArn, string(e.Payload), e, o, ""); err != nil {
			return err
		}
	}
	target := destination(config, failed)
	if target == "" {
		return nil
	}
	r := record{
		Version: "1.0", Timestamp: s.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"), RequestPayload: e.Payload,
		RequestContext: requestContext{e.ID, executedARN(e.To, o), condition, e.Attempts},
	}
	if o.payload != nil {
		r.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: o.version}
		if o.failed {
			r.ResponseContext.FunctionError = "Unhandled"
		}
		if r.ResponsePayload = o.payload; !json.Valid(o.payload) {
			r.ResponsePayload, _ = json.Marshal(string(o.payload)) // cannot fail: a string
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("cannot write an invocation record: %w", err)
	}
	return s.tell(ctx, target, string(text), e, o, condition)
}

// executedARN names the function with what was asked for, $LATEST where nothing was.
func executedARN(to ref, o outcome) string {
	if to.Qualifier == "" {
		return to.unqualified() + ":" + o.version
	}
	return to.arn()
}

func destination(config api.FunctionEventInvokeConfig, failed bool) string {
	d := config.DestinationConfig
	switch {
	case d == nil:
	case failed && d.OnFailure != nil:
		return value(d.OnFailure.Destination)
	case !failed && d.OnSuccess != nil:
		return value(d.OnSuccess.Destination)
	}
	return ""
}

// tell sends text to a queue, topic, function or event bus. condition is "" for
// a dead-letter queue, which gets the event with attributes about the error.
// A target that refuses it is reported in the server's log, as AWS does in a metric.
func (s *Service) tell(ctx context.Context, target, text string, e accepted, o outcome, condition string) error {
	a, _ := bus.ParseARN(target)
	service, operation, in := "", "", any(nil)
	switch a.Service {
	case "sqs":
		message := &sqsapi.SendMessageInput{QueueUrl: notify.QueueURL(a), MessageBody: &text}
		if condition == "" {
			message.MessageAttributes = map[string]sqsapi.MessageAttributeValue{
				"RequestID":    {DataType: new("String"), StringValue: &e.ID},
				"ErrorCode":    {DataType: new("Number"), StringValue: new("200")},
				"ErrorMessage": {DataType: new("String"), StringValue: new(errorMessage(o))},
			}
		}
		service, operation, in = "sqs", "SendMessage", message
	case "sns":
		message := &snsapi.PublishInput{TopicArn: &target, Message: &text}
		if condition == "" {
			message.MessageAttributes = map[string]snsapi.MessageAttributeValue{
				"RequestID":    {DataType: new("String"), StringValue: &e.ID},
				"ErrorCode":    {DataType: new("String"), StringValue: new("200")},
				"ErrorMessage": {DataType: new("String"), StringValue: new(errorMessage(o))},
			}
		}
		service, operation, in = "sns", "Publish", message
	case "lambda":
		service, operation, in = "lambda", "Invoke", &api.InvokeInput{FunctionName: &target, InvocationType: new(event), Payload: []byte(text)}
	case "events":
		kind := "Lambda Function Invocation Result - Success"
		if condition != "Success" {
			kind = "Lambda Function Invocation Result - Failure"
		}
		service, operation, in = "events", "PutEvents", &eventsapi.PutEventsInput{Entries: []eventsapi.PutEventsRequestEntry{{
			Source: new("lambda"), DetailType: &kind, Detail: &text, EventBusName: &target,
			Resources: []string{target, executedARN(e.To, o)},
		}}}
	}
	_, err := s.Bus.Invoke(ctx, service, operation, in)
	if err != nil && !notify.Retriable(err) {
		s.Log.Error("destination of an asynchronous invocation refuses it", "function", e.To.arn(), "request", e.ID, "destination", target, "error", err)
		return nil
	}
	return err
}

// errorMessage is what the function's error says, as dead-letter queues are told it.
func errorMessage(o outcome) string {
	var said struct{ ErrorMessage string }
	if json.Unmarshal(o.payload, &said) != nil || said.ErrorMessage == "" {
		return "unknown"
	}
	return said.ErrorMessage[:min(len(said.ErrorMessage), 1024)]
}

// checkDestination refuses destinations that cannot be told.
func (s *Service) checkDestination(target *string) error {
	if value(target) == "" {
		return nil
	}
	a, ok := bus.ParseARN(*target)
	operation := map[string]string{"sqs": "SendMessage", "sns": "Publish", "lambda": "Invoke", "events": "PutEvents"}[a.Service]
	if !ok || a.Service == "lambda" && !strings.HasPrefix(a.Resource, "function:") {
		return invalid("The provided destination ARN is invalid: %s", *target)
	}
	if operation == "" {
		return notImplemented("destinations of %s", a.Service)
	}
	if _, o := s.Bus.Lookup(a.Service, operation); o == nil || o.Handle == nil {
		return notImplemented("destinations of %s (%s:%s is not there)", a.Service, a.Service, operation)
	}
	return nil
}
