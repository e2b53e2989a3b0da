package server

import (
	"context"
	"encoding/json"
	"fmt"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation"
	"stepwell/internal/service/events"
	"stepwell/internal/service/redshiftdata"
	"stepwell/internal/service/s3"
	"stepwell/internal/service/sns"
	"stepwell/internal/service/states"
	"stepwell/internal/store"
)

// executionChanged puts an execution's change on the event bus, in the transaction
// that makes it.
func (s *services) executionChanged(tx *store.Tx, c states.StatusChange) error {
	return s.events.EmitIn(tx, events.Emission{Account: c.Account, Region: c.Region, Source: "aws.states", DetailType: states.StatusChangeType,
		Resources: []string{*c.Execution.ExecutionArn}, Detail: c.Detail})
}

// objectChanged puts what has happened to an object on the event bus.
func (s *services) objectChanged(tx *store.Tx, h s3.Happening) error {
	return s.events.EmitIn(tx, events.Emission{Account: h.Account, Region: h.Region, Source: "aws.s3", DetailType: h.DetailType, At: h.At,
		Resources: []string{"arn:aws:s3:::" + h.Bucket}, Detail: func() (json.RawMessage, error) { return h.Detail, nil }})
}

// stackChanged puts what becomes of a stack or its resources on the event bus.
func (s *services) stackChanged(tx *store.Tx, c cloudformation.StatusChange) error {
	return s.events.EmitIn(tx, events.Emission{Account: c.Account, Region: c.Region, Source: "aws.cloudformation", DetailType: c.DetailType,
		Resources: []string{c.StackARN}, Detail: c.Detail})
}

// glueChanged puts a change of a job run or of the Data Catalog on the event bus.
func (s *services) glueChanged(tx *store.Tx, account, region, detailType string, resources []string, detail any) error {
	return s.events.EmitIn(tx, events.Emission{Account: account, Region: region, Source: "aws.glue", DetailType: detailType, Resources: resources,
		Detail: func() (json.RawMessage, error) { return json.Marshal(detail) }})
}

// emitter puts the events of a source on the event bus, a moment after what they
// tell of.
func (s *services) emitter(source string) func(c bus.Caller, detailType string, resources []string, detail any) {
	return func(c bus.Caller, detailType string, resources []string, detail any) {
		s.events.Emit(bus.With(context.Background(), c), source, detailType, resources, func() (json.RawMessage, error) { return json.Marshal(detail) })
	}
}

// statementEnded puts the end of a Data API statement on the event bus ("Monitoring
// Data API events in Amazon EventBridge", Redshift Management Guide).
func (s *services) statementEnded(tx *store.Tx, e redshiftdata.Event) error {
	c := bus.Caller{Account: e.Account, Region: e.Region}
	resource := c.ARN("redshift", "cluster:"+e.Cluster)
	if e.WorkgroupARN != "" {
		resource = e.WorkgroupARN
	}
	return s.events.EmitIn(tx, events.Emission{Account: e.Account, Region: e.Region, Source: "aws.redshift-data", DetailType: "Redshift Data Statement Status Change",
		Resources: []string{resource}, Detail: func() (json.RawMessage, error) {
			return json.Marshal(struct {
				StatementID   string `json:"statementId"`
				Cluster       string `json:"clusterId,omitempty"`
				Workgroup     string `json:"workgroupName,omitempty"`
				StatementName string `json:"statementName"`
				State         string `json:"state"`
				Rows          int64  `json:"rows"`
				ExpireAt      string `json:"expireAt"`
				Principal     string `json:"principal"`
				QueryID       int64  `json:"queryId"`
			}{e.StatementID, e.Cluster, e.Workgroup, e.StatementName, e.State, e.Rows, e.ExpireAt.UTC().Format("2006-01-02T15:04:05Z"), e.Principal, e.QueryID})
		}})
}

// handlers hands the messages of topics to Lambda functions.
type handlers struct{ bus *bus.Bus }

// Accepts lets a function be subscribed to a standard topic: a FIFO topic delivers to
// queues only.
func (h handlers) Accepts(_ context.Context, _ string, fifo bool) error {
	if fifo {
		return awserr.New(400, "InvalidParameter", "Invalid parameter: Invalid protocol type: lambda")
	}
	return nil
}

// Deliver invokes the function with that ARN as an event ("Using AWS Lambda with Amazon
// SNS", Lambda Developer Guide). m.Body is the envelope, of which the event spells two
// members otherwise and has a Subject always.
func (h handlers) Deliver(ctx context.Context, endpoint string, m sns.Delivery) error {
	type message struct {
		Type              string
		MessageID         string `json:"MessageId"`
		TopicARN          string `json:"TopicArn"`
		Subject           *string
		Message           string
		Timestamp         string
		SignatureVersion  string
		Signature         string
		SigningCertURL    string `json:"SigningCertUrl"`
		UnsubscribeURL    string `json:"UnsubscribeUrl"`
		MessageAttributes map[string]sns.Attribute
	}
	sent := message{MessageAttributes: map[string]sns.Attribute{}}
	if err := json.Unmarshal([]byte(m.Body), &sent); err != nil { // the names of members match in any case
		return fmt.Errorf("cannot read the message %s: %w", m.MessageID, err)
	}
	type record struct {
		EventSource          string
		EventVersion         string
		EventSubscriptionARN string `json:"EventSubscriptionArn"`
		Sns                  message
	}
	payload, err := json.Marshal(map[string][]record{"Records": {{"aws:sns", "1.0", m.SubscriptionARN, sent}}})
	if err != nil {
		return fmt.Errorf("cannot write the event of message %s: %w", m.MessageID, err)
	}
	a, ok := bus.ParseARN(endpoint)
	if !ok {
		return awserr.New(400, "InvalidParameter", "Invalid parameter: Lambda endpoint ARN")
	}
	ctx = bus.With(ctx, bus.Caller{Account: a.Account, Region: a.Region, Source: "sns", RequestID: bus.From(ctx).RequestID})
	_, err = h.bus.Invoke(ctx, "lambda", "Invoke", &lambda.InvokeInput{FunctionName: &endpoint, InvocationType: new("Event"), Payload: payload})
	return err
}
