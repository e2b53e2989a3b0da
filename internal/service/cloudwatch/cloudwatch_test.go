package cloudwatch

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/test/opscript"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestScripts runs against a stand-in for SNS: "published" is the messages that
// the topics got, "happened" the events.
func TestScripts(t *testing.T) {
	var published, happened []string
	topics := &bus.Service{Name: "sns", Model: sns.Model, Operations: []bus.Operation{
		bus.Op("Publish", func(_ context.Context, in *sns.PublishInput) (*sns.PublishOutput, error) {
			if strings.HasSuffix(*in.TopicArn, ":gone") {
				return nil, awserr.New(404, "NotFound", "Topic does not exist")
			}
			published = append(published, *in.Subject+" "+*in.Message)
			return &sns.PublishOutput{MessageId: new("1")}, nil
		}),
		bus.Op("ListTopics", func(context.Context, *sns.ListTopicsInput) (*sns.ListTopicsOutput, error) { // what came so far
			out := &sns.ListTopicsOutput{}
			for _, p := range append(published, happened...) {
				out.Topics = append(out.Topics, sns.Topic{TopicArn: &p})
			}
			published, happened = nil, nil
			return out, nil
		}),
	}}
	opscript.Suite{Service: "monitoring", Build: func(t *testing.T, p opscript.Parts) {
		s := New(Deps{Store: p.Store, Clock: p.Clock, Bus: p.Bus, Work: p.Work, Log: p.Log, Events: func(_ bus.Caller, detailType string, _ []string, detail any) {
			b, err := json.Marshal(detail)
			if err != nil {
				t.Error(err)
			}
			happened = append(happened, detailType+" "+string(b))
		}})
		s.Register(p.Work)
		p.Bus.Register(s.Table())
		p.Bus.Register(topics)
	}}.Run(t)
}

// TestMissingData: the tables of "Configuring how CloudWatch alarms treat missing
// data": data points oldest first, 0 within the threshold, X breaching it, -
// missing; the states by missing, ignore, breaching and notBreaching, = for the
// state that the alarm was in.
func TestMissingData(t *testing.T) {
	for _, c := range []struct {
		m, n   int64
		points string
		want   string
	}{
		{3, 3, "0-X-X", "OK OK OK OK"},
		{3, 3, "----0", "OK OK OK OK"},
		{3, 3, "-----", "INSUFFICIENT_DATA = ALARM OK"},
		{3, 3, "0XX-X", "ALARM ALARM ALARM ALARM"},
		{3, 3, "--X--", "ALARM = ALARM OK"},
		{3, 3, "----X", "= = ALARM OK"}, // not before it is as old as three data points
		{2, 3, "0-X-X", "ALARM ALARM ALARM ALARM"},
		{2, 3, "00X0X", "ALARM ALARM ALARM ALARM"},
		{2, 3, "0-X--", "OK OK ALARM OK"},
		{2, 3, "----0", "OK OK ALARM OK"},
		{2, 3, "---X-", "ALARM = ALARM OK"},
		{1, 1, "--X", "ALARM ALARM ALARM ALARM"},
		{1, 1, "X-0", "OK OK OK OK"},
	} {
		for i, treat := range []string{"missing", "ignore", "breaching", "notBreaching"} {
			a := &alarm{Shape: api.MetricAlarm{EvaluationPeriods: &c.n, DatapointsToAlarm: &c.m, TreatMissingData: &treat, Threshold: new(0.5),
				ComparisonOperator: new("GreaterThanThreshold"), StateValue: new("=")}}
			var values []*float64
			for _, p := range c.points {
				switch p {
				case '0':
					values = append(values, new(0.0))
				case 'X':
					values = append(values, new(1.0))
				default:
					values = append(values, nil)
				}
			}
			if got, _ := a.judge(values, start, 60e9); got != strings.Fields(c.want)[i] {
				t.Errorf("%d of %d, %s, %s: %s, want %s", c.m, c.n, c.points, treat, got, strings.Fields(c.want)[i])
			}
		}
	}
}
