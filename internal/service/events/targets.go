package events

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// reachable refuses, by name, a target that no service here takes.
func (s *Service) reachable(t *api.Target) error {
	a, ok := bus.ParseARN(*t.Arn)
	if !ok {
		return validation("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", *t.Arn)
	}
	kind := targetKind(a)
	switch kind {
	case "sqs":
		if strings.HasSuffix(a.Resource, ".fifo") && (t.SqsParameters == nil || t.SqsParameters.MessageGroupId == nil) {
			return validation("Parameter(s) SqsParameters must be specified for target: %s.", *t.Id)
		}
	case "sns", "stateMachine", "log-group", "event-bus", "api-destination":
	case "function":
		if b, ok := s.Bus.(interface {
			Lookup(service, operation string) (*bus.Service, *bus.Operation)
		}); ok {
			if _, op := b.Lookup("lambda", "Invoke"); op == nil || op.Handle == nil {
				return awserr.NotImplemented("events:PutTargets with a target of lambda")
			}
		}
	case "cluster":
		if t.RedshiftDataParameters == nil {
			return validation("Parameter(s) RedshiftDataParameters must be specified for target: %s.", *t.Id)
		}
	default:
		return awserr.NotImplemented("events:PutTargets with a target of " + a.Service)
	}
	return nil
}

// targetKind is the kind of resource that a target is; "" for those that are not
// served.
func targetKind(a bus.ARN) string {
	kind, _, _ := strings.Cut(a.Resource, ":")
	path, _, _ := strings.Cut(a.Resource, "/")
	switch {
	case a.Service == "sqs" || a.Service == "sns":
		return a.Service
	case a.Service == "states" && kind == "stateMachine", a.Service == "lambda" && kind == "function",
		a.Service == "logs" && kind == "log-group", a.Service == "redshift" && kind == "cluster":
		return kind
	case a.Service == "events" && (path == "event-bus" || path == "api-destination"):
		return path
	}
	return ""
}

// send makes one attempt.
func (s *Service) send(ctx context.Context, d *delivery, input string) error {
	arn := *d.Target.Arn
	a, _ := bus.ParseARN(arn)
	ctx = as(ctx, a)
	var err error
	switch targetKind(a) {
	case "sqs":
		in := &sqs.SendMessageInput{MessageBody: &input, MessageGroupId: groupOf(&d.Target)}
		if strings.HasSuffix(a.Resource, ".fifo") {
			in.MessageDeduplicationId = &d.EventID
		}
		return s.sendTo(ctx, arn, in)
	case "sns":
		_, err = s.Bus.Invoke(ctx, "sns", "Publish", &sns.PublishInput{TopicArn: &arn, Message: &input})
	case "stateMachine":
		// The same name for every attempt: a started execution is not started again.
		h := sha256.Sum256([]byte(d.Rule + " " + *d.Target.Id))
		_, err = s.Bus.Invoke(ctx, "states", "StartExecution",
			&states.StartExecutionInput{StateMachineArn: &arn, Input: &input, Name: new(d.EventID + "_" + hex.EncodeToString(h[:16]))})
	case "function":
		_, err = s.Bus.Invoke(ctx, "lambda", "Invoke", &lambda.InvokeInput{FunctionName: &arn, InvocationType: new("Event"), Payload: []byte(input)})
	case "log-group":
		return s.sendLog(ctx, a, d, input)
	case "event-bus":
		return s.sendOn(ctx, a, d)
	case "cluster":
		return s.sendStatement(ctx, a, d)
	case "api-destination":
		return s.sendAPI(ctx, a, d, input)
	default:
		return refusedError{awserr.NotImplemented("events: delivery to " + arn)}
	}
	return err
}

// sendLog writes an event to a log group, each to a stream of its own.
func (s *Service) sendLog(ctx context.Context, a bus.ARN, d *delivery, input string) error {
	group := strings.TrimSuffix(strings.TrimPrefix(a.Resource, "log-group:"), ":*")
	_, err := s.Bus.Invoke(ctx, "logs", "CreateLogStream", &logs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &d.EventID})
	if e := awserr.From(err); err != nil && (e == nil || e.Code != "ResourceAlreadyExistsException") {
		return err
	}
	_, err = s.Bus.Invoke(ctx, "logs", "PutLogEvents", &logs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &d.EventID,
		LogEvents: []logs.InputLogEvent{{Message: &input, Timestamp: new(d.Ingested.UnixMilli())}}})
	return err
}

// sendOn puts an event on another bus. One that came from a bus goes no further.
func (s *Service) sendOn(ctx context.Context, a bus.ARN, d *delivery) error {
	var e Event
	if err := json.Unmarshal(d.Event, &e); err != nil {
		return refusedError{fmt.Errorf("cannot read event %s: %w", d.EventID, err)}
	}
	if d.Forwarded {
		return nil
	}
	e.forwarded = true
	return s.publish(ctx, bus.From(ctx), strings.TrimPrefix(a.Resource, "event-bus/"), []Event{e}, nil)
}

// sendStatement runs SQL by the Redshift Data API.
func (s *Service) sendStatement(ctx context.Context, a bus.ARN, d *delivery) error {
	p := d.Target.RedshiftDataParameters
	token := sha256.Sum256([]byte(d.EventID + " " + d.Rule + " " + *d.Target.Id))
	_, err := s.Bus.Invoke(ctx, "redshift-data", "ExecuteStatement", &redshiftdata.ExecuteStatementInput{
		ClusterIdentifier: new(strings.TrimPrefix(a.Resource, "cluster:")), Database: p.Database, DbUser: p.DbUser, SecretArn: p.SecretManagerArn,
		Sql: p.Sql, StatementName: p.StatementName, WithEvent: p.WithEvent, ClientToken: new(hex.EncodeToString(token[:16])),
	})
	return err
}

// apiTimeout is how long EventBridge waits for an API destination.
const apiTimeout = 5 * time.Second

// sendAPI calls an API destination.
func (s *Service) sendAPI(ctx context.Context, a bus.ARN, d *delivery, input string) error {
	parts := strings.Split(a.Resource, "/")
	var dest destination
	if err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		dest, err = destinationOf(tx, bus.From(ctx), parts[1])
		return err
	}); err != nil {
		return err
	}
	_, name, ok := nameIn(dest.ConnectionARN)
	if !ok {
		return refusedError{fmt.Errorf("cannot read the connection of %s", dest.ARN)}
	}
	c, err := s.connection(ctx, name)
	if err != nil {
		return err
	}
	cr, err := s.kept(ctx, &c)
	if err != nil {
		return err
	}
	r, err := apiRequest(ctx, &dest, cr, d.Target.HttpParameters, input)
	if err != nil {
		return refusedError{err}
	}
	switch {
	case c.State != authorized:
		return refusedError{fmt.Errorf("connection %s is not authorized", c.Name)}
	case c.Type == basic:
		r.SetBasicAuth(value(cr.Username), value(cr.Password))
	case c.Type == apiKey:
		r.Header.Set(value(cr.APIKeyName), value(cr.APIKeyValue))
	default:
		return refusedError{awserr.NotImplemented("events: API destinations with OAuth")}
	}
	client := http.Client{Timeout: apiTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // lets the connection be used again
	switch code := resp.StatusCode; {
	case code < 300:
		return nil
	case code == 401, code == 407, code == 409, code == 429, code >= 500: // those that are tried again (user guide, "API destinations")
		return fmt.Errorf("the API answered %s", resp.Status)
	}
	return refusedError{fmt.Errorf("the API answered %s", resp.Status)}
}

// apiRequest is the request of a delivery without its authorization. The connection's
// parameters win over the target's.
func apiRequest(ctx context.Context, dest *destination, cr *credentials, p *api.HttpParameters, input string) (*http.Request, error) {
	address := dest.Endpoint
	if p != nil {
		for _, v := range p.PathParameterValues {
			address = strings.Replace(address, "*", url.PathEscape(v), 1)
		}
	}
	r, err := http.NewRequestWithContext(ctx, dest.Method, address, strings.NewReader(input))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Amazon/EventBridge/ApiDestinations")
	query := r.URL.Query()
	if p != nil {
		for k, v := range p.HeaderParameters {
			r.Header.Set(k, v)
		}
		for k, v := range p.QueryStringParameters {
			query.Set(k, v)
		}
	}
	if more := cr.Invocation; more != nil {
		for _, x := range more.Header {
			r.Header.Set(value(x.Key), value(x.Value))
		}
		for _, x := range more.Query {
			query.Set(value(x.Key), value(x.Value))
		}
		if len(more.Body) > 0 {
			var body map[string]any
			if err := json.Unmarshal([]byte(input), &body); err != nil {
				return nil, fmt.Errorf("cannot add body parameters to an input that is no object: %w", err)
			}
			for _, x := range more.Body {
				body[value(x.Key)] = value(x.Value)
			}
			text := literalText(body)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		}
	}
	r.URL.RawQuery = query.Encode()
	return r, nil
}
