package logs

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"strings"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// subscriptions are the subscription filters, by account, region, group and name.
var subscriptions = store.NewTable[logs.SubscriptionFilter]("logs_subscription_filters")

// maxSubscriptions is how many subscription filters a group may have (CloudWatch
// Logs quotas).
const maxSubscriptions = 2

// putSubscriptionFilter keeps a subscription of a function, which must be there.
func (s *Service) putSubscriptionFilter(ctx context.Context, in *logs.PutSubscriptionFilterInput) (*logs.PutSubscriptionFilterOutput, error) {
	if _, err := parsePattern(*in.FilterPattern); err != nil {
		return nil, err
	}
	to, ok := bus.ParseARN(*in.DestinationArn)
	switch {
	case !ok:
		return nil, logs.InvalidParameterException("destinationArn is not a valid ARN.")
	case to.Service != "lambda" || !strings.HasPrefix(to.Resource, "function:"):
		return nil, awserr.NotImplemented("logs:PutSubscriptionFilter to " + to.Service)
	case s.bus == nil:
		return nil, awserr.NotImplemented("logs:PutSubscriptionFilter without Lambda")
	}
	if _, err := s.bus.Invoke(ctx, "lambda", "GetFunctionConfiguration", &lambda.GetFunctionConfigurationInput{FunctionName: in.DestinationArn}); err != nil {
		return nil, logs.InvalidParameterException("Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.")
	}
	c := bus.From(ctx)
	return &logs.PutSubscriptionFilterOutput{}, s.changeFilters(ctx, *in.LogGroupName, func(tx *store.Tx, g *group) error {
		_, there, err := subscriptions.Get(tx, c.Account, c.Region, g.Name, *in.FilterName)
		if err != nil {
			return err
		}
		if !there {
			if g.Subscriptions++; g.Subscriptions > maxSubscriptions {
				return logs.LimitExceededException("Resource limit exceeded.")
			}
		}
		f := logs.SubscriptionFilter{FilterName: in.FilterName, LogGroupName: in.LogGroupName, FilterPattern: in.FilterPattern, DestinationArn: in.DestinationArn,
			RoleArn: in.RoleArn, Distribution: in.Distribution, CreationTime: new(s.now())}
		if f.Distribution == nil {
			f.Distribution = new(logs.DistributionByLogStream)
		}
		return subscriptions.Put(tx, f, c.Account, c.Region, g.Name, *in.FilterName)
	})
}

func (s *Service) deleteSubscriptionFilter(ctx context.Context, in *logs.DeleteSubscriptionFilterInput) (*logs.DeleteSubscriptionFilterOutput, error) {
	c := bus.From(ctx)
	return &logs.DeleteSubscriptionFilterOutput{}, s.changeFilters(ctx, *in.LogGroupName, func(tx *store.Tx, g *group) error {
		was, err := subscriptions.Delete(tx, c.Account, c.Region, g.Name, *in.FilterName)
		if err == nil && !was {
			err = logs.ResourceNotFoundException("The specified subscription filter does not exist.")
		}
		g.Subscriptions--
		return err
	})
}

// describeSubscriptionFilters shows them on one page: a group has two at most.
func (s *Service) describeSubscriptionFilters(ctx context.Context, in *logs.DescribeSubscriptionFiltersInput) (*logs.DescribeSubscriptionFiltersOutput, error) {
	c := bus.From(ctx)
	out := &logs.DescribeSubscriptionFiltersOutput{SubscriptionFilters: []logs.SubscriptionFilter{}}
	return out, s.store.View(ctx, func(tx *store.Tx) error {
		if _, err := findGroup(tx, c, *in.LogGroupName); err != nil {
			return err
		}
		all, err := subscriptions.List(tx, c.Account, c.Region, *in.LogGroupName)
		for _, f := range all {
			if in.FilterNamePrefix == nil || strings.HasPrefix(*f.FilterName, *in.FilterNamePrefix) {
				out.SubscriptionFilters = append(out.SubscriptionFilters, f)
			}
		}
		return err
	})
}

// delivery is what a subscriber gets, packed ("Using subscription filters",
// CloudWatch Logs User Guide).
type delivery struct {
	MessageType         string           `json:"messageType"`
	Owner               string           `json:"owner"`
	LogGroup            string           `json:"logGroup"`
	LogStream           string           `json:"logStream"`
	SubscriptionFilters []string         `json:"subscriptionFilters"`
	LogEvents           []deliveredEvent `json:"logEvents"`
}

type deliveredEvent struct {
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// notify hands new events of a stream to the group's subscribers, as event
// invokes, which Lambda keeps. It comes after the events are kept: a kill in
// between loses the delivery.
func (s *Service) notify(ctx context.Context, group string, st *stream, events []logs.InputLogEvent) error {
	c := bus.From(ctx)
	var all []logs.SubscriptionFilter
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = subscriptions.List(tx, c.Account, c.Region, group)
		return err
	})
	if err != nil {
		return err
	}
	first := st.Events - int64(len(events)) // st has them already
	c.Source = "logs"
	for _, f := range all {
		match, err := parsePattern(*f.FilterPattern)
		if err != nil {
			return err
		}
		d := delivery{"DATA_MESSAGE", c.Account, group, st.Name, []string{*f.FilterName}, nil}
		for i, e := range events {
			if match(*e.Message) {
				d.LogEvents = append(d.LogEvents, deliveredEvent{*eventID(st, key{*e.Timestamp, first + int64(i)}), *e.Timestamp, *e.Message})
			}
		}
		if len(d.LogEvents) == 0 {
			continue
		}
		payload, err := d.payload()
		if err != nil {
			return err
		}
		in := &lambda.InvokeInput{FunctionName: f.DestinationArn, InvocationType: new(lambda.InvocationTypeEvent), Payload: payload}
		if _, err := s.bus.Invoke(bus.With(ctx, c), "lambda", "Invoke", in); err != nil && awserr.From(err) == nil {
			return err // what Lambda refuses (the function is gone, say) is no fault of who writes a log
		}
	}
	return nil
}

// payload is the event of a function: the delivery as JSON, compressed.
func (d *delivery) payload() ([]byte, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	type data struct { // encoded as base64
		Data []byte `json:"data"`
	}
	return json.Marshal(map[string]data{"awslogs": {b.Bytes()}})
}
