package cloudformation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"stepwell/internal/awsapi/sns"
	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// event is an event of a stack.
type event struct {
	ID, LogicalID, PhysicalID, Type string
	At                              time.Time
	Status, Reason                  string `json:",omitempty"`
	Properties                      string `json:",omitempty"` // JSON, with what is NoEcho hidden
	Token                           string `json:",omitempty"` // ClientRequestToken
}

const stackType = "AWS::CloudFormation::Stack"

// stamp is how CloudFormation writes instants.
const stamp = "2006-01-02T15:04:05.000Z"

// record adds an event to a stack's, and to what its topics and the event bus get.
func (s *Service) record(tx *store.Tx, st *stack, e event) error {
	e.At, e.Token = s.Clock.Now(), st.Operation.Token
	if e.ID == "" {
		e.ID = fmt.Sprintf("%s-%s-%s", e.LogicalID, e.Status, e.At.UTC().Format(stamp))
	}
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if _, err := tx.Append(events(st.ID), b); err != nil {
		return err
	}
	for i, topic := range st.Spec.NotificationARNs {
		payload, err := json.Marshal(notice{Topic: topic, Message: message(st, &e)})
		if err != nil {
			return err
		}
		t := work.Task{Kind: NoticeKind, ID: fmt.Sprintf("%s/%s/%d", st.ID, s.IDs.UUID(), i), Caller: caller(st), Payload: payload}
		if err := s.Work.Submit(tx, t); err != nil {
			return err
		}
	}
	if s.Events == nil {
		return nil
	}
	c := StatusChange{Account: st.Account, Region: st.Region, StackARN: st.ARN, DetailType: "CloudFormation Resource Status Change"}
	if e.Type == stackType && e.PhysicalID == st.ARN {
		c.DetailType = "CloudFormation Stack Status Change"
	}
	c.Detail = func() (json.RawMessage, error) { return detail(st, &e, c.DetailType) }
	return s.Events(tx, c)
}

// detail is the detail of the event on the event bus.
func detail(st *stack, e *event, kind string) (json.RawMessage, error) {
	m := map[string]any{
		"stack-id": st.ARN, "status-details": map[string]any{"status": e.Status, "status-reason": e.Reason}, "client-request-token": e.Token,
	}
	if kind == "CloudFormation Resource Status Change" {
		m["logical-resource-id"], m["physical-resource-id"], m["resource-type"] = e.LogicalID, e.PhysicalID, e.Type
	}
	return json.Marshal(m)
}

// turn gives a stack a status, with its event.
func (s *Service) turn(tx *store.Tx, st *stack, status, reason string) error {
	st.Status, st.Reason = status, reason
	return s.record(tx, st, event{ID: s.IDs.UUID(), LogicalID: st.Name, PhysicalID: st.ARN, Type: stackType, Status: status, Reason: reason})
}

// caller is on whose behalf a stack's operations act.
func caller(st *stack) bus.Caller {
	return bus.Caller{Account: st.Account, Region: st.Region, Principal: st.RoleARN, Source: "cloudformation"}
}

// notice is an event on its way to an SNS topic.
type notice struct{ Topic, Message string }

// message is an event as topics get it: a line for each member.
func message(st *stack, e *event) string {
	var b strings.Builder
	for _, line := range [][2]string{
		{"StackId", st.ARN}, {"Timestamp", e.At.UTC().Format(stamp)}, {"EventId", e.ID}, {"LogicalResourceId", e.LogicalID},
		{"Namespace", st.Account}, {"PhysicalResourceId", e.PhysicalID}, {"PrincipalId", ""}, {"ResourceProperties", orNull(e.Properties)},
		{"ResourceStatus", e.Status}, {"ResourceStatusReason", e.Reason}, {"ResourceType", e.Type}, {"StackName", st.Name},
		{"ClientRequestToken", orNull(e.Token)},
	} {
		fmt.Fprintf(&b, "%s='%s'\n", line[0], line[1])
	}
	return b.String()
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

// notify publishes a notice. A topic that does not take it is nobody's fault here.
func (s *Service) notify(ctx context.Context, t *work.Task) error {
	var n notice
	if err := json.Unmarshal(t.Payload, &n); err != nil {
		return err
	}
	_, err := s.Bus.Invoke(ctx, "sns", "Publish", &sns.PublishInput{TopicArn: &n.Topic, Message: &n.Message, Subject: new("AWS CloudFormation Notification")})
	if err != nil {
		s.Log.Warn("a stack event was not published", "topic", n.Topic, "error", err)
	}
	return nil
}
