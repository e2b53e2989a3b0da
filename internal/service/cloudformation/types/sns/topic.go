package snstype

import (
	"context"
	"slices"
	"strings"

	"stepwell/internal/awsapi/sns"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// changeable are the properties that are attributes, with what a topic has
// whose template says nothing.
func changeable() map[string]any {
	return map[string]any{"DisplayName": "", "KmsMasterKeyId": "", "SignatureVersion": "1", "TracingConfig": "PassThrough",
		"ContentBasedDeduplication": "false", "FifoThroughputScope": "Topic"}
}

func topic() resource.Type {
	return resource.Type{
		Name: "AWS::SNS::Topic",
		Optional: []string{"ContentBasedDeduplication", "DataProtectionPolicy", "DeliveryStatusLogging", "DisplayName", "FifoThroughputScope", "FifoTopic",
			"KmsMasterKeyId", "SignatureVersion", "Subscription", "Tags", "TopicName", "TracingConfig"},
		Refused:     []string{"ArchivePolicy", "MaximumMessageSize"},
		Attributes:  []string{"TopicArn", "TopicName"},
		Replacement: []string{"FifoTopic", "TopicName"},
		Create:      createTopic, Update: updateTopic,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteTopic", &sns.DeleteTopicInput{TopicArn: &r.ID}), gone)
		},
	}
}

// inline is an entry of the Subscription property.
type inline struct{ Endpoint, Protocol string }

func subscriptions(properties map[string]any) ([]inline, error) {
	given := struct{ Subscription []inline }{}
	if properties["Subscription"] == nil {
		return nil, nil
	}
	err := resource.Decode(map[string]any{"Subscription": properties["Subscription"]}, &given, nil)
	return given.Subscription, err
}

// topicAttributes are the attributes of the request's properties and its
// delivery status logging.
func topicAttributes(r *resource.Request, usual map[string]any) (map[string]string, error) {
	given := map[string]any{}
	for name := range changeable() {
		given[name] = r.Properties[name]
	}
	status, err := delivery(r.Properties)
	if err != nil {
		return nil, err
	}
	old, err := delivery(r.Old)
	if err != nil {
		return nil, err
	}
	for name := range old {
		given[name] = ""
	}
	for name, x := range status {
		given[name] = x
	}
	return attributes(given, usual)
}

// delivery is the property DeliveryStatusLogging as attributes.
func delivery(properties map[string]any) (map[string]string, error) {
	given := struct {
		DeliveryStatusLogging []struct {
			Protocol                                                                  *string
			SuccessFeedbackSampleRate, SuccessFeedbackRoleArn, FailureFeedbackRoleArn *string
		}
	}{}
	if properties["DeliveryStatusLogging"] != nil {
		own := map[string]any{"DeliveryStatusLogging": properties["DeliveryStatusLogging"]}
		if err := resource.Decode(own, &given, nil); err != nil {
			return nil, err
		}
	}
	all := map[string]string{}
	names := map[string]string{"http/s": "HTTP", "sqs": "SQS", "lambda": "Lambda", "firehose": "Firehose", "application": "Application"}
	for _, d := range given.DeliveryStatusLogging {
		if d.Protocol == nil {
			continue
		}
		for name, x := range map[string]*string{"SuccessFeedbackSampleRate": d.SuccessFeedbackSampleRate,
			"SuccessFeedbackRoleArn": d.SuccessFeedbackRoleArn, "FailureFeedbackRoleArn": d.FailureFeedbackRoleArn} {
			if x != nil {
				all[names[*d.Protocol]+name] = *x
			}
		}
	}
	return all, nil
}

func createTopic(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	fifo := strings.EqualFold(r.Text("FifoTopic"), "true")
	name := r.Name("TopicName", 256)
	if fifo && r.Text("TopicName") == "" {
		name = r.Name("TopicName", 256-len(".fifo")) + ".fifo"
	}
	arn := bus.From(ctx).ARN("sns", name)
	if err := do(ctx, r, "GetTopicAttributes", &sns.GetTopicAttributesInput{TopicArn: &arn}); !r.Again && !resource.Is(err, gone) {
		if err != nil {
			return nil, err
		}
		return nil, resource.AlreadyExists("AWS::SNS::Topic", arn)
	}
	own, err := topicAttributes(r, nil)
	if err != nil {
		return nil, err
	}
	if fifo {
		own["FifoTopic"] = "true"
	}
	in := &sns.CreateTopicInput{Name: &name, Attributes: own}
	rest := map[string]any{"Tags": r.AllTags(), "DataProtectionPolicy": r.Properties["DataProtectionPolicy"]}
	if err := resource.Decode(rest, in, nil); err != nil {
		return nil, err
	}
	if err := do(ctx, r, "CreateTopic", in); err != nil {
		return nil, err
	}
	r.ID = arn
	return topicMade(arn), subscribeInline(ctx, r)
}

func topicMade(arn string) *resource.Made {
	return &resource.Made{ID: arn, Attributes: map[string]any{"TopicArn": arn, "TopicName": arn[strings.LastIndex(arn, ":")+1:]}}
}

// subscribeInline makes the subscriptions of the property Subscription, and
// removes those that only the old ones had.
func subscribeInline(ctx context.Context, r *resource.Request) error {
	want, err := subscriptions(r.Properties)
	if err != nil {
		return err
	}
	for _, s := range want {
		if err := do(ctx, r, "Subscribe", &sns.SubscribeInput{TopicArn: &r.ID, Protocol: &s.Protocol, Endpoint: &s.Endpoint}); err != nil {
			return err
		}
	}
	before, err := subscriptions(r.Old)
	if err != nil {
		return err
	}
	dropped := slices.DeleteFunc(before, func(s inline) bool { return slices.Contains(want, s) })
	if len(dropped) == 0 {
		return nil
	}
	in := &sns.ListSubscriptionsByTopicInput{TopicArn: &r.ID}
	for {
		out, err := invoke[sns.ListSubscriptionsByTopicOutput](ctx, r, "ListSubscriptionsByTopic", in)
		if err != nil {
			return err
		}
		for _, s := range out.Subscriptions {
			if !slices.Contains(dropped, inline{*s.Endpoint, *s.Protocol}) || !strings.HasPrefix(*s.SubscriptionArn, "arn:") {
				continue
			}
			if err := do(ctx, r, "Unsubscribe", &sns.UnsubscribeInput{SubscriptionArn: s.SubscriptionArn}); err != nil {
				return err
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return nil
		}
	}
}

func updateTopic(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	usual := changeable()
	for name := range usual {
		if !r.Changed(name) {
			delete(usual, name)
		}
	}
	all, err := topicAttributes(r, usual)
	if err != nil {
		return nil, err
	}
	for name, v := range all {
		if _, known := changeable()[name]; known && !r.Changed(name) {
			continue
		}
		if err := do(ctx, r, "SetTopicAttributes", &sns.SetTopicAttributesInput{TopicArn: &r.ID, AttributeName: &name, AttributeValue: &v}); err != nil {
			return nil, err
		}
	}
	if r.Changed("DataProtectionPolicy") {
		in := &sns.PutDataProtectionPolicyInput{ResourceArn: &r.ID, DataProtectionPolicy: new("")}
		if err := resource.Decode(r.Only("DataProtectionPolicy"), in, nil); err != nil {
			return nil, err
		}
		if err := do(ctx, r, "PutDataProtectionPolicy", in); err != nil {
			return nil, err
		}
	}
	if err := subscribeInline(ctx, r); err != nil {
		return nil, err
	}
	if err := r.Retag(ctx, "sns", &sns.TagResourceInput{ResourceArn: &r.ID}, &sns.UntagResourceInput{ResourceArn: &r.ID}, nil); err != nil {
		return nil, err
	}
	return topicMade(r.ID), nil
}
