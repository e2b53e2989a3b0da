package sns

import (
	"context"
	"encoding/json"
	"maps"
	"net/mail"
	"net/url"
	"slices"
	"time"

	api "stepwell/internal/awsapi/sns"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// tokenLife is how long a subscription can be confirmed.
const tokenLife = 2 * 24 * time.Hour

// Subscribe subscribes an endpoint to a topic. HTTP endpoints, and mail
// addresses unless they are confirmed at once, are asked to confirm.
func (s *Service) Subscribe(ctx context.Context, in *api.SubscribeInput) (*api.SubscribeOutput, error) {
	c := bus.From(ctx)
	t, err := s.viewTopic(ctx, *in.TopicArn, "TopicArn")
	if err != nil {
		return nil, err
	}
	x := subscription{Topic: t.Name, TopicARN: t.ARN, Account: t.Account, Region: t.Region, Protocol: *in.Protocol,
		Endpoint: text(in.Endpoint), Principal: c.Principal, Created: s.Clock.Now()}
	if err := s.acceptable(ctx, t, &x); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		if err := s.setAttribute(&x, name, in.Attributes[name], "Attributes Reason: Unknown attribute: "+name); err != nil {
			return nil, err
		}
	}
	if err := x.checkFilter(); err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error { return s.subscribe(tx, &x) })
	if err != nil {
		return nil, err
	}
	if !x.Confirmed && (in.ReturnSubscriptionArn == nil || !*in.ReturnSubscriptionArn) {
		return &api.SubscribeOutput{SubscriptionArn: new("pending confirmation")}, nil
	}
	return &api.SubscribeOutput{SubscriptionArn: &x.ARN}, nil
}

// subscribe keeps the subscription, or makes x the one that is there, and sends
// the confirmation it wants.
func (s *Service) subscribe(tx *store.Tx, x *subscription) error {
	if _, ok, err := topics.Get(tx, x.Account, x.Region, x.Topic); err != nil || !ok {
		if err == nil {
			err = noTopic()
		}
		return err
	}
	all, err := subscriptions.List(tx, x.Account, x.Region, x.Topic)
	if err != nil {
		return err
	}
	for _, old := range all {
		if old.Protocol != x.Protocol || old.Endpoint != x.Endpoint {
			continue
		}
		for name, value := range x.Attributes {
			if old.Attributes[name] != value {
				return invalid("Attributes Reason: Subscription already exists with different attributes")
			}
		}
		*x = old
		return s.ask(tx, x)
	}
	x.ID = s.IDs.UUID()
	x.ARN = x.TopicARN + ":" + x.ID
	return s.ask(tx, x)
}

// ask confirms the subscription where that needs nobody, else sends a token.
func (s *Service) ask(tx *store.Tx, x *subscription) error {
	if !x.Confirmed {
		isMail := x.Protocol == "email" || x.Protocol == "email-json"
		x.Confirmed = s.Targets[x.Protocol] != nil || isMail && s.AutoConfirmEmail
	}
	if err := x.put(tx); err != nil || x.Confirmed {
		return err
	}
	now := s.Clock.Now()
	old, err := confirmations.List(tx)
	if err != nil {
		return err
	}
	for _, c := range old {
		if now.After(c.Expires) {
			if _, err := confirmations.Delete(tx, c.Token); err != nil {
				return err
			}
		}
	}
	token := s.IDs.Hex(128)
	if err := confirmations.Put(tx, confirmation{token, x.Account, x.Region, x.Topic, x.ID, now.Add(tokenLife)}, token); err != nil {
		return err
	}
	return s.submit(tx, &delivery{Type: confirm, Account: x.Account, Region: x.Region, Topic: x.Topic, ID: x.ID,
		MessageID: s.IDs.UUID(), Message: confirmText(x.TopicARN), Token: token, Time: now})
}

// acceptable checks protocol and endpoint.
func (s *Service) acceptable(ctx context.Context, t *topic, x *subscription) error {
	switch x.Protocol {
	case "http", "https":
		u, err := url.Parse(x.Endpoint)
		if err != nil || u.Scheme != x.Protocol || u.Host == "" {
			return invalid("Endpoint must match the specified protocol")
		}
	case "email", "email-json":
		if a, err := mail.ParseAddress(x.Endpoint); err != nil || a.Address != x.Endpoint {
			return invalid("Email address")
		}
	case "sqs", "lambda":
		a, ok := bus.ParseARN(x.Endpoint)
		if !ok || a.Service != x.Protocol {
			return invalid("%s endpoint ARN", map[string]string{"sqs": "SQS", "lambda": "Lambda"}[x.Protocol])
		}
		target := s.Targets[x.Protocol]
		if target == nil {
			return awserr.NotImplemented("sns:Subscribe with protocol " + x.Protocol)
		}
		return target.Accepts(ctx, x.Endpoint, t.FIFO)
	case "sms", "application", "firehose":
		return awserr.NotImplemented("sns:Subscribe with protocol " + x.Protocol)
	default:
		return invalid("Amazon SNS does not support this protocol string: %s", x.Protocol)
	}
	if t.FIFO {
		return invalid("Invalid protocol type: %s", x.Protocol)
	}
	return nil
}

// setAttribute changes an attribute; unknown is what an unknown one is answered with.
func (s *Service) setAttribute(x *subscription, name, value, unknown string) error {
	switch name {
	case "DeliveryPolicy":
		if _, err := parseDelivery(value); err != nil {
			return err
		}
	case "FilterPolicy":
		if value == "{}" {
			value = ""
		}
	case "FilterPolicyScope":
		if value != "MessageAttributes" && value != "MessageBody" {
			return invalid("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", value)
		}
	case "RawMessageDelivery":
		if value != "true" && value != "false" {
			return invalid("RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
		if value == "true" && (x.Protocol == "email" || x.Protocol == "email-json" || x.Protocol == "lambda") {
			return invalid("Delivery protocol [%s] does not support raw message delivery.", x.Protocol)
		}
	case "RedrivePolicy":
		if s.Targets["sqs"] == nil && value != "" {
			return awserr.NotImplemented("sns:RedrivePolicy (dead-letter queues)")
		}
		if value != "" && !json.Valid([]byte(value)) {
			return invalid("RedrivePolicy: failed to parse JSON.")
		}
	case "ReplayPolicy":
		return awserr.NotImplemented("sns:ReplayPolicy")
	default:
		return invalid("%s", unknown)
	}
	if x.Attributes == nil {
		x.Attributes = map[string]string{}
	}
	if value == "" {
		delete(x.Attributes, name)
	} else {
		x.Attributes[name] = value
	}
	return nil
}

// checkFilter parses the filter policy in its scope.
func (x *subscription) checkFilter() error {
	if policy := x.Attributes["FilterPolicy"]; policy != "" {
		_, err := parseFilter(policy, x.Attributes["FilterPolicyScope"] == "MessageBody")
		return err
	}
	return nil
}

// ConfirmSubscription confirms what a token was sent for. A second time is as
// good as the first.
func (s *Service) ConfirmSubscription(ctx context.Context, in *api.ConfirmSubscriptionInput) (*api.ConfirmSubscriptionOutput, error) {
	out := &api.ConfirmSubscriptionOutput{}
	return out, s.Store.Update(ctx, func(tx *store.Tx) error {
		t, err := findTopic(tx, *in.TopicArn, "TopicArn")
		if err != nil {
			return err
		}
		c, ok, err := confirmations.Get(tx, *in.Token)
		if err != nil {
			return err
		}
		if !ok || c.Account != t.Account || c.Region != t.Region || c.Topic != t.Name || s.Clock.Now().After(c.Expires) {
			return invalid("Token")
		}
		x, ok, err := subscriptions.Get(tx, c.Account, c.Region, c.Topic, c.ID)
		if err != nil {
			return err
		}
		if !ok {
			return noSubscription()
		}
		x.Confirmed = true
		x.Authenticated = x.Authenticated || text(in.AuthenticateOnUnsubscribe) == "true"
		out.SubscriptionArn = &x.ARN
		return x.put(tx)
	})
}
