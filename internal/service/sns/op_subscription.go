package sns

import (
	"context"
	"maps"
	"strconv"

	api "stepwell/internal/awsapi/sns"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// Unsubscribe removes a subscription. One that does not exist is removed
// already. The link in messages comes here unsigned, with no access key.
func (s *Service) Unsubscribe(ctx context.Context, in *api.UnsubscribeInput) (*api.UnsubscribeOutput, error) {
	return &api.UnsubscribeOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		x, err := findSubscription(tx, *in.SubscriptionArn)
		if err != nil {
			if err.Error() == noSubscription().Error() {
				return nil
			}
			return err
		}
		if c := bus.From(ctx); x.Authenticated && c.Source == "http" && c.AccessKey == "" {
			return authorization("User: anonymous is not authorized to perform: SNS:Unsubscribe on resource: " + x.ARN)
		}
		if _, err := subscriptions.Delete(tx, x.Account, x.Region, x.Topic, x.ID); err != nil {
			return err
		}
		t, ok, err := topics.Get(tx, x.Account, x.Region, x.Topic)
		if err != nil || !ok {
			return err
		}
		t.Deleted++
		return t.put(tx)
	})
}

func authorization(text string) error { return api.AuthorizationErrorException("%s", text) }

// GetSubscriptionAttributes returns what was set and what follows from it.
func (s *Service) GetSubscriptionAttributes(ctx context.Context, in *api.GetSubscriptionAttributesInput) (*api.GetSubscriptionAttributesOutput, error) {
	out := &api.GetSubscriptionAttributesOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		x, err := findSubscription(tx, *in.SubscriptionArn)
		if err != nil {
			return err
		}
		t, err := findTopic(tx, x.TopicARN, "TopicArn")
		if err != nil {
			return err
		}
		m := map[string]string{"SubscriptionArn": x.ARN, "TopicArn": x.TopicARN, "Protocol": x.Protocol, "Endpoint": x.Endpoint,
			"Owner": x.Account, "SubscriptionPrincipal": x.Principal, "PendingConfirmation": strconv.FormatBool(!x.Confirmed),
			"ConfirmationWasAuthenticated": strconv.FormatBool(x.Authenticated || s.Targets[x.Protocol] != nil), "RawMessageDelivery": "false"}
		if x.Protocol == "http" || x.Protocol == "https" {
			m["EffectiveDeliveryPolicy"] = t.effectivePolicy(x)
		}
		maps.Copy(m, x.Attributes)
		if m["FilterPolicy"] != "" && m["FilterPolicyScope"] == "" {
			m["FilterPolicyScope"] = "MessageAttributes"
		}
		out.Attributes = m
		return nil
	})
}

// SetSubscriptionAttributes changes one attribute.
func (s *Service) SetSubscriptionAttributes(ctx context.Context, in *api.SetSubscriptionAttributesInput) (*api.SetSubscriptionAttributesOutput, error) {
	return &api.SetSubscriptionAttributesOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		x, err := findSubscription(tx, *in.SubscriptionArn)
		if err != nil {
			return err
		}
		if err := s.setAttribute(x, *in.AttributeName, text(in.AttributeValue), "AttributeName"); err != nil {
			return err
		}
		if err := x.checkFilter(); err != nil {
			return err
		}
		return x.put(tx)
	})
}

// ListSubscriptions lists the subscriptions of the account, 100 a page.
func (s *Service) ListSubscriptions(ctx context.Context, in *api.ListSubscriptionsInput) (*api.ListSubscriptionsOutput, error) {
	c := bus.From(ctx)
	list, next, err := s.listed(ctx, in.NextToken, c.Account, c.Region)
	return &api.ListSubscriptionsOutput{Subscriptions: list, NextToken: next}, err
}

// ListSubscriptionsByTopic lists the subscriptions of a topic, 100 a page.
func (s *Service) ListSubscriptionsByTopic(ctx context.Context, in *api.ListSubscriptionsByTopicInput) (*api.ListSubscriptionsByTopicOutput, error) {
	t, err := s.viewTopic(ctx, *in.TopicArn, "TopicArn")
	if err != nil {
		return nil, err
	}
	list, next, err := s.listed(ctx, in.NextToken, t.Account, t.Region, t.Name)
	return &api.ListSubscriptionsByTopicOutput{Subscriptions: list, NextToken: next}, err
}

func (s *Service) listed(ctx context.Context, token *string, prefix ...string) (list []api.Subscription, next *string, err error) {
	list = []api.Subscription{}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		shown, more, err := page(tx, subscriptions, token, prefix...)
		next = more
		for _, x := range shown {
			if !x.Confirmed {
				x.ARN = "PendingConfirmation"
			}
			list = append(list, api.Subscription{SubscriptionArn: &x.ARN, Owner: &x.Account, Protocol: &x.Protocol, Endpoint: &x.Endpoint, TopicArn: &x.TopicARN})
		}
		return err
	})
	return list, next, err
}
