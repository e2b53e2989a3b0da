package sns

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"

	api "stepwell/internal/awsapi/sns"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

var (
	topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	fifoName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,251}\.fifo$`)
)

// CreateTopic makes a topic, or returns the one of that name.
func (s *Service) CreateTopic(ctx context.Context, in *api.CreateTopicInput) (*api.CreateTopicOutput, error) {
	c := bus.From(ctx)
	fifo := in.Attributes["FifoTopic"] == "true"
	switch {
	case fifo && !fifoName.MatchString(*in.Name):
		return nil, invalid("Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.")
	case !fifo && !topicName.MatchString(*in.Name):
		return nil, invalid("Topic Name")
	}
	made := topic{ARN: c.ARN("sns", *in.Name), Name: *in.Name, Account: c.Account, Region: c.Region, FIFO: fifo,
		Tags: in.Tags, DataProtection: text(in.DataProtectionPolicy)}
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		if err := made.set(name, in.Attributes[name], "Attributes Reason: Unknown attribute: "+name); err != nil {
			return nil, err
		}
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		old, ok, err := topics.Get(tx, c.Account, c.Region, *in.Name)
		switch {
		case err != nil:
			return err
		case !ok:
			return made.put(tx)
		}
		for name, value := range made.Attributes {
			if old.Attributes[name] != value {
				return invalid("Attributes Reason: Topic already exists with different attributes")
			}
		}
		if len(in.Tags) > 0 && !maps.Equal(tagMap(old.Tags), tagMap(in.Tags)) {
			return invalid("Tags Reason: Topic already exists with different tags")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateTopicOutput{TopicArn: &made.ARN}, nil
}

func tagMap(tags []api.Tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[text(t.Key)] = text(t.Value)
	}
	return m
}

// feedback are the protocols whose delivery can be logged; such attributes are
// kept.
var feedback = regexp.MustCompile(`^(HTTP|Firehose|Lambda|Application|SQS)(SuccessFeedbackRoleArn|FailureFeedbackRoleArn|SuccessFeedbackSampleRate)$`)

// set changes an attribute; unknown is what an unknown one is answered with.
func (t *topic) set(name, value, unknown string) error {
	switch name {
	case "Policy":
		if !json.Valid([]byte(value)) {
			return invalid("Policy Error: null")
		}
		t.Policy = policy{Text: value}
		return nil
	case "DeliveryPolicy":
		if _, err := parseDelivery(value); err != nil {
			return err
		}
	case "FifoTopic", "ContentBasedDeduplication":
		if value != "true" && value != "false" {
			return invalid("Attributes Reason: %s", name)
		}
		if name == "ContentBasedDeduplication" && !t.FIFO {
			return invalid("Attributes Reason: Content-based deduplication can only be set for FIFO topics")
		}
	case "SignatureVersion":
		if value != "1" && value != "2" {
			return invalid("SignatureVersion")
		}
	case "DisplayName":
		if len(value) > 100 {
			return invalid("DisplayName")
		}
	case "KmsMasterKeyId", "TracingConfig", "FifoThroughputScope":
	case "ArchivePolicy":
		return awserr.NotImplemented("sns:ArchivePolicy")
	default:
		if !feedback.MatchString(name) {
			return invalid("%s", unknown)
		}
	}
	if t.Attributes == nil {
		t.Attributes = map[string]string{}
	}
	if value == "" {
		delete(t.Attributes, name)
	} else {
		t.Attributes[name] = value
	}
	return nil
}

// SetTopicAttributes changes one attribute.
func (s *Service) SetTopicAttributes(ctx context.Context, in *api.SetTopicAttributesInput) (*api.SetTopicAttributesOutput, error) {
	return &api.SetTopicAttributesOutput{}, s.changeTopic(ctx, *in.TopicArn, "TopicArn", func(t *topic) error {
		if *in.AttributeName == "FifoTopic" {
			return invalid("AttributeName")
		}
		return t.set(*in.AttributeName, text(in.AttributeValue), "AttributeName")
	})
}

// GetTopicAttributes returns what was set and what follows from it.
func (s *Service) GetTopicAttributes(ctx context.Context, in *api.GetTopicAttributesInput) (*api.GetTopicAttributesOutput, error) {
	out := &api.GetTopicAttributesOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		t, err := findTopic(tx, *in.TopicArn, "TopicArn")
		if err != nil {
			return err
		}
		subs, err := subscriptions.List(tx, t.Account, t.Region, t.Name)
		if err != nil {
			return err
		}
		confirmed := 0
		for _, x := range subs {
			if x.Confirmed {
				confirmed++
			}
		}
		m := map[string]string{"TopicArn": t.ARN, "Owner": t.Account, "DisplayName": "", "Policy": t.document(),
			"EffectiveDeliveryPolicy": effectiveTopicPolicy(t.Attributes["DeliveryPolicy"]),
			"SubscriptionsConfirmed":  strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(len(subs) - confirmed),
			"SubscriptionsDeleted": strconv.Itoa(t.Deleted)}
		if t.FIFO {
			m["ContentBasedDeduplication"] = "false"
		}
		maps.Copy(m, t.Attributes)
		out.Attributes = m
		return nil
	})
}

// DeleteTopic removes a topic and its subscriptions. One that does not exist
// is removed already.
func (s *Service) DeleteTopic(ctx context.Context, in *api.DeleteTopicInput) (*api.DeleteTopicOutput, error) {
	account, region, name, err := topicAt(*in.TopicArn, "TopicArn")
	if err != nil {
		return nil, err
	}
	return &api.DeleteTopicOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := subscriptions.DeleteAll(tx, account, region, name); err != nil {
			return err
		}
		if err := published.DeleteAll(tx, account, region, name); err != nil {
			return err
		}
		_, err := topics.Delete(tx, account, region, name)
		return err
	})
}

// ListTopics lists topics by name, 100 a page.
func (s *Service) ListTopics(ctx context.Context, in *api.ListTopicsInput) (*api.ListTopicsOutput, error) {
	c := bus.From(ctx)
	out := &api.ListTopicsOutput{Topics: []api.Topic{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		shown, next, err := page(tx, topics, in.NextToken, c.Account, c.Region)
		for _, t := range shown {
			out.Topics = append(out.Topics, api.Topic{TopicArn: new(t.ARN)})
		}
		out.NextToken = next
		return err
	})
}

// TagResource adds tags to a topic, or replaces those of the same key.
func (s *Service) TagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return &api.TagResourceOutput{}, asResource(s.changeTopic(ctx, *in.ResourceArn, "ResourceArn", func(t *topic) error {
		given := tagMap(in.Tags)
		t.Tags = slices.DeleteFunc(t.Tags, func(old api.Tag) bool { _, again := given[text(old.Key)]; return again })
		for _, key := range slices.Sorted(maps.Keys(given)) {
			if bus.From(ctx).ReservedTag(key) {
				return invalid("Tag Reason: tag key can't start with aws:")
			}
			t.Tags = append(t.Tags, api.Tag{Key: new(key), Value: new(given[key])})
		}
		if len(t.Tags) > 50 {
			return api.TagLimitExceededException("Could not complete request: tag quota of per resource exceeded")
		}
		return nil
	}))
}

// UntagResource removes tags from a topic.
func (s *Service) UntagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, asResource(s.changeTopic(ctx, *in.ResourceArn, "ResourceArn", func(t *topic) error {
		t.Tags = slices.DeleteFunc(t.Tags, func(old api.Tag) bool { return slices.Contains(in.TagKeys, text(old.Key)) })
		return nil
	}))
}

// ListTagsForResource lists a topic's tags.
func (s *Service) ListTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	t, err := s.viewTopic(ctx, *in.ResourceArn, "ResourceArn")
	if err != nil {
		return nil, asResource(err)
	}
	return &api.ListTagsForResourceOutput{Tags: t.Tags}, nil
}

// asResource gives a missing topic the error of the tagging operations.
func asResource(err error) error {
	if e := awserr.From(err); e != nil && e.Code == "NotFound" {
		return noResource()
	}
	return err
}
