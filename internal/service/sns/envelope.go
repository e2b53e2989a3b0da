package sns

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// stamp is how SNS writes times in messages.
const stamp = "2006-01-02T15:04:05.000Z"

// envelope is the JSON document SNS delivers, its members in SNS's order.
type envelope struct {
	members []member
}

type member struct {
	name  string
	value any
}

func (e *envelope) add(name string, value any) { e.members = append(e.members, member{name, value}) }

func (e *envelope) get(name string) (string, bool) {
	i := slices.IndexFunc(e.members, func(m member) bool { return m.name == name })
	if i < 0 {
		return "", false
	}
	value, _ := e.members[i].value.(string)
	return value, true
}

// String prints the envelope as SNS does.
func (e *envelope) String() string {
	var b strings.Builder
	b.WriteString("{")
	for i, m := range e.members {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n  " + quoteJSON(m.name) + " : ")
		if attributes, ok := m.value.(map[string]Attribute); ok {
			writeAttributes(&b, attributes)
		} else {
			b.WriteString(quoteJSON(m.value.(string)))
		}
	}
	b.WriteString("\n}")
	return b.String()
}

func writeAttributes(b *strings.Builder, attributes map[string]Attribute) {
	b.WriteString("{")
	for i, name := range slices.Sorted(maps.Keys(attributes)) {
		if i > 0 {
			b.WriteString(",")
		}
		a := attributes[name]
		b.WriteString("\n    " + quoteJSON(name) + " : {\"Type\":" + quoteJSON(a.Type) + ",\"Value\":" + quoteJSON(a.Value) + "}")
	}
	b.WriteString("\n  }")
}

// quoteJSON is a string as JSON, with <, > and & as they are.
func quoteJSON(s string) string {
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	w.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// The types of messages.
const (
	notification = "Notification"
	confirm      = "SubscriptionConfirmation"
)

// seal makes the signed envelope of a delivery to a subscription.
func (s *Service) seal(t *topic, x *subscription, d *delivery) (*envelope, error) {
	version := "1"
	if v := t.Attributes["SignatureVersion"]; v != "" {
		version = v
	}
	e := &envelope{}
	e.add("Type", d.Type)
	e.add("MessageId", d.MessageID)
	if d.Sequence != "" {
		e.add("SequenceNumber", d.Sequence)
	}
	signed := []string{"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"}
	if d.Type == confirm {
		e.add("Token", d.Token)
		signed = []string{"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"}
	}
	e.add("TopicArn", t.ARN)
	if d.Subject != "" {
		e.add("Subject", d.Subject)
	}
	e.add("Message", d.Message)
	if d.Type == confirm {
		e.add("SubscribeURL", s.confirmURL(x, d.Token))
	}
	e.add("Timestamp", d.Time.UTC().Format(stamp))
	var canonical strings.Builder
	for _, name := range signed {
		if value, ok := e.get(name); ok {
			canonical.WriteString(name + "\n" + value + "\n")
		}
	}
	signature, path, err := s.sign(canonical.String(), version)
	if err != nil {
		return nil, err
	}
	e.add("SignatureVersion", version)
	e.add("Signature", signature)
	e.add("SigningCertURL", s.Endpoint+path)
	if d.Type == notification {
		e.add("UnsubscribeURL", s.unsubscribeURL(x))
		if len(d.Attributes) > 0 {
			e.add("MessageAttributes", d.Attributes)
		}
	}
	return e, nil
}

func (s *Service) confirmURL(x *subscription, token string) string {
	return s.Endpoint + "/?Action=ConfirmSubscription&TopicArn=" + x.TopicARN + "&Token=" + token
}

func (s *Service) unsubscribeURL(x *subscription) string {
	return s.Endpoint + "/?Action=Unsubscribe&SubscriptionArn=" + x.ARN
}

// confirmText is the Message of a SubscriptionConfirmation.
func confirmText(topicARN string) string {
	return "You have chosen to subscribe to the topic " + topicARN + ".\nTo confirm the subscription, visit the SubscribeURL included in this message."
}

// delivery is a message on its way to one subscription: the payload of a task.
type delivery struct {
	Type         string
	Topic, ID    string // the subscription's topic and id; account and region are the task's
	Account      string
	Region       string
	MessageID    string
	Message      string
	Subject      string               `json:",omitempty"`
	Attributes   map[string]Attribute `json:",omitempty"`
	Token        string               `json:",omitempty"`
	Group, Dedup string               `json:",omitempty"`
	Sequence     string               `json:",omitempty"`
	Time         time.Time
	Attempt      int // deliveries that failed
}
