package events

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/awsapi/redshiftserverless"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/notify"
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
	case "cluster", "workgroup":
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
	case a.Service == "redshift-serverless" && path == "workgroup":
		return path
	case a.Service == "events" && (path == "event-bus" || path == "api-destination"):
		return path
	}
	return ""
}

// send makes one attempt.
func (s *Service) send(ctx context.Context, d *delivery, input string) error {
	arn := *d.Target.Arn
	a, _ := bus.ParseARN(arn)
	ctx = s.sender().At(ctx, a)
	switch targetKind(a) {
	case "log-group":
		return s.sendLog(ctx, a, d, input)
	case "event-bus":
		return s.sendOn(ctx, a, d)
	case "cluster", "workgroup":
		return s.sendStatement(ctx, a, d)
	case "api-destination":
		return s.sendAPI(ctx, a, d, input)
	}
	h := sha256.Sum256([]byte(d.Rule + " " + *d.Target.Id))
	return s.sender().Send(ctx, arn, &notify.Message{Body: input, Group: groupOf(&d.Target), Deduplication: d.EventID, Execution: d.EventID + "_" + hex.EncodeToString(h[:16])})
}

// sendLog writes an event to a log group, each to a stream of its own. An input
// transformer gives an object of a timestamp and a message (user guide, "Amazon
// CloudWatch Logs targets"); anything else is the message itself.
func (s *Service) sendLog(ctx context.Context, a bus.ARN, d *delivery, input string) error {
	group := strings.TrimSuffix(strings.TrimPrefix(a.Resource, "log-group:"), ":*")
	_, err := s.Bus.Invoke(ctx, "logs", "CreateLogStream", &logs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &d.EventID})
	if e := awserr.From(err); err != nil && (e == nil || e.Code != "ResourceAlreadyExistsException") {
		return err
	}
	at := d.Ingested
	if d.Target.InputTransformer != nil {
		input, at = logLine(input, at)
	}
	_, err = s.Bus.Invoke(ctx, "logs", "PutLogEvents", &logs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &d.EventID,
		LogEvents: []logs.InputLogEvent{{Message: &input, Timestamp: new(at.UnixMilli())}}})
	return err
}

// logLine reads {"timestamp": ..., "message": ...}: milliseconds since 1970 or an
// ISO 8601 time, and a text or other JSON.
func logLine(input string, at time.Time) (string, time.Time) {
	var line struct {
		Timestamp json.RawMessage `json:"timestamp"`
		Message   json.RawMessage `json:"message"`
	}
	if json.Unmarshal([]byte(input), &line) != nil || line.Message == nil {
		return input, at
	}
	var text string
	var ms int64
	switch {
	case json.Unmarshal(line.Timestamp, &ms) == nil:
		at = time.UnixMilli(ms)
	case json.Unmarshal(line.Timestamp, &text) == nil:
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			at = t
		}
	}
	if json.Unmarshal(line.Message, &text) == nil {
		return text, at
	}
	return string(line.Message), at
}

// sendOn puts an event on another bus. One that came from a bus goes no further.
func (s *Service) sendOn(ctx context.Context, a bus.ARN, d *delivery) error {
	var e Event
	if err := json.Unmarshal(d.Event, &e); err != nil {
		return notify.Refuse(fmt.Errorf("cannot read event %s: %w", d.EventID, err))
	}
	if d.Forwarded {
		return nil
	}
	e.forwarded = true
	c, on := bus.From(ctx), strings.TrimPrefix(a.Resource, "event-bus/")
	if err := s.Store.View(ctx, func(tx *store.Tx) error {
		_, err := findBus(tx, c, on)
		return err
	}); err != nil {
		return err
	}
	return s.publish(ctx, c, on, []Event{e}, nil)
}

// sendStatement runs SQL by the Redshift Data API.
func (s *Service) sendStatement(ctx context.Context, a bus.ARN, d *delivery) error {
	p := d.Target.RedshiftDataParameters
	token := sha256.Sum256([]byte(d.EventID + " " + d.Rule + " " + *d.Target.Id))
	in := &redshiftdata.ExecuteStatementInput{Database: p.Database, DbUser: p.DbUser, SecretArn: p.SecretManagerArn,
		Sql: p.Sql, StatementName: p.StatementName, WithEvent: p.WithEvent, ClientToken: new(hex.EncodeToString(token[:16]))}
	if id, ok := strings.CutPrefix(a.Resource, "workgroup/"); ok {
		name, err := s.workgroup(ctx, a, id)
		if err != nil {
			return err
		}
		in.WorkgroupName = &name
	} else {
		in.ClusterIdentifier = new(strings.TrimPrefix(a.Resource, "cluster:"))
	}
	_, err := s.Bus.Invoke(ctx, "redshift-data", "ExecuteStatement", in)
	return err
}

// workgroup is the name of the workgroup with an ARN, which has its id.
func (s *Service) workgroup(ctx context.Context, a bus.ARN, id string) (string, error) {
	in := &redshiftserverless.ListWorkgroupsInput{}
	for {
		out, err := bus.Invoke[redshiftserverless.ListWorkgroupsOutput](ctx, s.Bus, "redshift-serverless", "ListWorkgroups", in)
		if err != nil {
			return "", err
		}
		for _, w := range out.Workgroups {
			if value(w.WorkgroupArn) == a.String() || value(w.WorkgroupId) == id {
				return value(w.WorkgroupName), nil
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return "", redshiftserverless.ResourceNotFoundException("Workgroup %s does not exist.", id)
		}
	}
}
