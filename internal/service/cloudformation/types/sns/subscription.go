package snstype

import (
	"context"

	"stepwell/internal/awsapi/sns"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// changing are the properties that are attributes, with what a subscription
// has whose template says nothing.
func changing() map[string]any {
	return map[string]any{"DeliveryPolicy": "", "FilterPolicy": "", "FilterPolicyScope": "MessageAttributes",
		"RawMessageDelivery": "false", "RedrivePolicy": "", "SubscriptionRoleArn": ""}
}

func subscription() resource.Type {
	return resource.Type{
		Name:     "AWS::SNS::Subscription",
		Required: []string{"Protocol", "TopicArn"},
		Optional: []string{"DeliveryPolicy", "Endpoint", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy",
			"Region", "SubscriptionRoleArn"},
		Refused:     []string{"ReplayPolicy"},
		Attributes:  []string{"Arn"},
		Replacement: []string{"Endpoint", "Protocol", "Region", "TopicArn"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &sns.SubscribeInput{ReturnSubscriptionArn: new(true)}
			if err := resource.Decode(r.Only("Endpoint", "Protocol", "TopicArn"), in, nil); err != nil {
				return nil, err
			}
			given := map[string]any{}
			for name := range changing() {
				given[name] = r.Properties[name]
			}
			var err error
			if in.Attributes, err = attributes(given, nil); err != nil {
				return nil, err
			}
			out, err := invoke[sns.SubscribeOutput](inRegion(ctx, r), r, "Subscribe", in)
			if err != nil {
				return nil, err
			}
			return &resource.Made{ID: *out.SubscriptionArn, Attributes: map[string]any{"Arn": *out.SubscriptionArn}}, nil
		},
		Update: updateSubscription,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(inRegion(ctx, r), r, "Unsubscribe", &sns.UnsubscribeInput{SubscriptionArn: &r.ID}), gone)
		},
	}
}

// inRegion is ctx in the region of the topic, where the property Region names it.
func inRegion(ctx context.Context, r *resource.Request) context.Context {
	c := bus.From(ctx)
	if region := r.Text("Region"); region != "" {
		c.Region = region
	}
	return bus.With(ctx, c)
}

func updateSubscription(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	ctx = inRegion(ctx, r)
	for name, usual := range changing() {
		if !r.Changed(name) {
			continue
		}
		all, err := attributes(map[string]any{name: r.Properties[name]}, map[string]any{name: usual})
		if err != nil {
			return nil, err
		}
		in := &sns.SetSubscriptionAttributesInput{SubscriptionArn: &r.ID, AttributeName: &name, AttributeValue: new(all[name])}
		if err := do(ctx, r, "SetSubscriptionAttributes", in); err != nil {
			return nil, err
		}
	}
	return &resource.Made{ID: r.ID, Attributes: map[string]any{"Arn": r.ID}}, nil
}

// topicPolicy sets the access policy of any number of topics.
func topicPolicy() resource.Type {
	set := func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
		id := r.Name("", 100)
		made := &resource.Made{ID: id, Attributes: map[string]any{"Id": id}}
		kept := map[string]bool{}
		for _, arn := range resource.Texts(r.Properties["Topics"]) {
			kept[arn] = true
			if err := setPolicy(ctx, r, arn, r.Properties["PolicyDocument"]); err != nil {
				return made, err
			}
		}
		for _, arn := range resource.Texts(r.Old["Topics"]) {
			if kept[arn] {
				continue
			}
			if err := resetPolicy(ctx, r, arn); err != nil {
				return made, err
			}
		}
		return made, nil
	}
	return resource.Type{
		Name:       "AWS::SNS::TopicPolicy",
		Required:   []string{"PolicyDocument", "Topics"},
		Attributes: []string{"Id"},
		Create:     set, Update: set,
		Delete: func(ctx context.Context, r *resource.Request) error {
			for _, arn := range resource.Texts(r.Properties["Topics"]) {
				if err := resetPolicy(ctx, r, arn); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func inlinePolicy() resource.Type {
	set := func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
		arn := r.Text("TopicArn")
		if err := setPolicy(ctx, r, arn, r.Properties["PolicyDocument"]); err != nil {
			return nil, err
		}
		return &resource.Made{ID: arn}, nil
	}
	return resource.Type{
		Name:        "AWS::SNS::TopicInlinePolicy",
		Required:    []string{"PolicyDocument", "TopicArn"},
		Replacement: []string{"TopicArn"},
		Create:      set, Update: set,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resetPolicy(ctx, r, r.Text("TopicArn"))
		},
	}
}
