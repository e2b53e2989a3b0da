package sns

import (
	"context"
	"strings"
	"time"

	api "stepwell/internal/awsapi/sns"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

var (
	topics        = store.NewTable[topic]("sns_topics")               // account, region, name
	subscriptions = store.NewTable[subscription]("sns_subscriptions") // account, region, topic, id
	confirmations = store.NewTable[confirmation]("sns_confirmations") // token
	published     = store.NewTable[duplicate]("sns_published")        // account, region, topic, deduplication id
)

type topic struct {
	ARN, Name, Account, Region string
	FIFO                       bool              `json:",omitempty"`
	Attributes                 map[string]string `json:",omitempty"` // as they were set
	Tags                       []api.Tag         `json:",omitempty"`
	Policy                     policy
	DataProtection             string `json:",omitempty"`
	Sequence                   int64  `json:",omitempty"` // of the last message of a FIFO topic
	Deleted                    int    `json:",omitempty"` // subscriptions
}

type subscription struct {
	ARN, ID, Topic, TopicARN string
	Account, Region          string
	Protocol, Endpoint       string
	Principal                string
	Attributes               map[string]string `json:",omitempty"`
	Confirmed                bool
	Authenticated            bool `json:",omitempty"` // AuthenticateOnUnsubscribe
	Created                  time.Time
}

// confirmation is what a token confirms.
type confirmation struct {
	Token                      string
	Account, Region, Topic, ID string
	Expires                    time.Time
}

// duplicate remembers a message of a FIFO topic for five minutes.
type duplicate struct {
	Dedup, MessageID, Sequence string
	At                         time.Time
}

func (t *topic) put(tx *store.Tx) error { return topics.Put(tx, *t, t.Account, t.Region, t.Name) }

func (x *subscription) put(tx *store.Tx) error {
	return subscriptions.Put(tx, *x, x.Account, x.Region, x.Topic, x.ID)
}

// topicAt splits the ARN of a topic; member names it in errors.
func topicAt(arn, member string) (account, region, name string, err error) {
	a, ok := bus.ParseARN(arn)
	if !ok || a.Service != "sns" || strings.Contains(a.Resource, ":") {
		return "", "", "", badARN(member, arn)
	}
	return a.Account, a.Region, a.Resource, nil
}

func findTopic(tx *store.Tx, arn, member string) (*topic, error) {
	account, region, name, err := topicAt(arn, member)
	if err != nil {
		return nil, err
	}
	t, ok, err := topics.Get(tx, account, region, name)
	if err == nil && !ok {
		err = noTopic()
	}
	return &t, err
}

// findSubscription finds a subscription by its ARN: that of its topic, a colon
// and an id.
func findSubscription(tx *store.Tx, arn string) (*subscription, error) {
	a, ok := bus.ParseARN(arn)
	name, id, found := strings.Cut(a.Resource, ":")
	if !ok || a.Service != "sns" || !found {
		return nil, badARN("SubscriptionArn", arn)
	}
	x, ok, err := subscriptions.Get(tx, a.Account, a.Region, name, id)
	if err == nil && !ok {
		err = noSubscription()
	}
	return &x, err
}

// viewTopic reads a topic.
func (s *Service) viewTopic(ctx context.Context, arn, member string) (t *topic, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		t, err = findTopic(tx, arn, member)
		return err
	})
	return t, err
}

// changeTopic runs f on a topic and keeps what it made of it.
func (s *Service) changeTopic(ctx context.Context, arn, member string, f func(*topic) error) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		t, err := findTopic(tx, arn, member)
		if err != nil {
			return err
		}
		if err := f(t); err != nil {
			return err
		}
		return t.put(tx)
	})
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
