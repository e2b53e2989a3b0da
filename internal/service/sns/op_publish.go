package sns

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"time"
	"unicode"

	api "stepwell/internal/awsapi/sns"
	"stepwell/internal/awserr"
	"stepwell/internal/store"
)

const (
	maxMessage  = 256 << 10       // bytes of a message with its attributes, or of a batch
	dedupWindow = 5 * time.Minute // of a FIFO topic
)

// Publish sends a message to a topic's subscriptions.
func (s *Service) Publish(ctx context.Context, in *api.PublishInput) (*api.PublishOutput, error) {
	arn, member := text(in.TopicArn), "TopicArn"
	switch {
	case in.PhoneNumber != nil:
		return nil, awserr.NotImplemented("sns:Publish with PhoneNumber (SMS)")
	case arn == "" && in.TargetArn == nil:
		return nil, invalid("TopicArn or TargetArn Reason: no value for required parameter")
	case arn == "":
		arn, member = *in.TargetArn, "TargetArn"
	}
	m, err := readMessage(&api.PublishBatchRequestEntry{Message: in.Message, Subject: in.Subject, MessageStructure: in.MessageStructure,
		MessageAttributes: in.MessageAttributes, MessageDeduplicationId: in.MessageDeduplicationId, MessageGroupId: in.MessageGroupId})
	if err != nil {
		return nil, err
	}
	var out *api.PublishOutput
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		t, err := findTopic(tx, arn, member)
		if err != nil {
			return err
		}
		out, err = s.publish(tx, t, m)
		return err
	})
	return out, err
}

// message is a message as it was published.
type message struct {
	id, text, subject string
	byProtocol        map[string]string // of MessageStructure json
	attributes        map[string]Attribute
	group, dedup      string
	size              int
}

var controls = regexp.MustCompile(`[\x00-\x1f\x7f]`)

// readMessage checks what does not depend on the topic.
func readMessage(in *api.PublishBatchRequestEntry) (*message, error) {
	m := &message{text: text(in.Message), subject: text(in.Subject), group: text(in.MessageGroupId), dedup: text(in.MessageDeduplicationId)}
	if m.text == "" {
		return nil, invalid("Empty message")
	}
	if in.Subject != nil && !goodSubject(m.subject) {
		return nil, invalid("Subject")
	}
	var err error
	if m.attributes, err = readAttributes(in.MessageAttributes); err != nil {
		return nil, err
	}
	m.size = len(m.text)
	for name, a := range m.attributes {
		m.size += len(name) + len(a.Type) + len(a.Value)
	}
	if m.size > maxMessage {
		return nil, invalid("Message too long")
	}
	switch structure := text(in.MessageStructure); structure {
	case "":
	case "json":
		var parts map[string]any
		if json.Unmarshal([]byte(m.text), &parts) != nil {
			return nil, invalid("Message Structure - JSON message body failed to parse")
		}
		m.byProtocol = map[string]string{}
		for protocol, part := range parts {
			if part, ok := part.(string); ok {
				m.byProtocol[protocol] = part
			}
		}
		if _, ok := m.byProtocol["default"]; !ok {
			return nil, invalid("Message Structure - No default entry in JSON message body")
		}
	default:
		return nil, invalid("MessageStructure")
	}
	return m, nil
}

// goodSubject: "ASCII text that begins with a letter, number, or punctuation
// mark; must not include line breaks or control characters; and must be less
// than 100 characters long". SNS itself accepts exactly 100 and Unicode.
func goodSubject(subject string) bool {
	runes := []rune(subject)
	return len(runes) > 0 && len(runes) <= 100 && !unicode.IsSpace(runes[0]) && !controls.MatchString(subject)
}

// textFor is the text for subscribers of a protocol.
func (m *message) textFor(protocol string) string {
	if m.byProtocol == nil {
		return m.text
	}
	if part, ok := m.byProtocol[protocol]; ok {
		return part
	}
	return m.byProtocol["default"]
}

// publish submits the deliveries of a message.
func (s *Service) publish(tx *store.Tx, t *topic, m *message) (*api.PublishOutput, error) {
	m.id = s.IDs.UUID()
	sequence := ""
	if t.FIFO {
		earlier, err := s.order(tx, t, m, &sequence)
		if err != nil || earlier != nil {
			return earlier, err
		}
	} else if m.dedup != "" {
		return nil, invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	}
	all, err := subscriptions.List(tx, t.Account, t.Region, t.Name)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	for _, x := range all {
		body := m.textFor(x.Protocol)
		if !x.Confirmed || !x.passes(body, m.attributes) {
			continue
		}
		d := &delivery{Type: notification, Account: t.Account, Region: t.Region, Topic: t.Name, ID: x.ID, MessageID: m.id, Message: body,
			Subject: m.subject, Attributes: m.attributes, Group: m.group, Dedup: m.dedup, Sequence: sequence, Time: now}
		if err := s.submit(tx, d); err != nil {
			return nil, err
		}
	}
	out := &api.PublishOutput{MessageId: &m.id}
	if sequence != "" {
		out.SequenceNumber = &sequence
	}
	return out, nil
}

// order gives a message of a FIFO topic its sequence number, or returns the
// answer to the same message published in the last five minutes.
func (s *Service) order(tx *store.Tx, t *topic, m *message, sequence *string) (*api.PublishOutput, error) {
	if m.group == "" {
		return nil, invalid("The MessageGroupId parameter is required for FIFO topics")
	}
	if m.dedup == "" {
		if t.Attributes["ContentBasedDeduplication"] != "true" {
			return nil, invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
		sum := sha256.Sum256([]byte(m.text))
		m.dedup = hex.EncodeToString(sum[:])
	}
	now := s.Clock.Now()
	old, ok, err := published.Get(tx, t.Account, t.Region, t.Name, m.dedup)
	if err != nil {
		return nil, err
	}
	if ok && now.Sub(old.At) < dedupWindow {
		return &api.PublishOutput{MessageId: &old.MessageID, SequenceNumber: &old.Sequence}, nil
	}
	t.Sequence++
	*sequence = fmt.Sprintf("1%019d", t.Sequence)
	if err := t.put(tx); err != nil {
		return nil, err
	}
	if t.Sequence%1000 == 0 {
		if err := t.forget(tx, now); err != nil {
			return nil, err
		}
	}
	return nil, published.Put(tx, duplicate{m.dedup, m.id, *sequence, now}, t.Account, t.Region, t.Name, m.dedup)
}

// forget removes the deduplication records that are past the window.
func (t *topic) forget(tx *store.Tx, now time.Time) error {
	all, err := published.List(tx, t.Account, t.Region, t.Name)
	if err != nil {
		return err
	}
	for _, old := range all {
		if now.Sub(old.At) < dedupWindow {
			continue
		}
		if _, err := published.Delete(tx, t.Account, t.Region, t.Name, old.Dedup); err != nil {
			return err
		}
	}
	return nil
}

// PublishBatch publishes up to ten messages. Each succeeds or fails for itself.
func (s *Service) PublishBatch(ctx context.Context, in *api.PublishBatchInput) (*api.PublishBatchOutput, error) {
	entries := in.PublishBatchRequestEntries
	switch {
	case len(entries) == 0:
		return nil, api.EmptyBatchRequestException("The batch request doesn't contain any entries.")
	case len(entries) > 10:
		return nil, api.TooManyEntriesInBatchRequestException("The batch request contains more entries than permissible.")
	}
	seen, size := map[string]bool{}, 0
	for _, e := range entries {
		if !entryID.MatchString(*e.Id) {
			return nil, api.InvalidBatchEntryIdException("The Id of a batch entry in a batch request doesn't abide by the specification.")
		}
		if seen[*e.Id] {
			return nil, api.BatchEntryIdsNotDistinctException("Two or more batch entries in the request have the same Id.")
		}
		seen[*e.Id] = true
		size += len(text(e.Message))
	}
	if size > maxMessage {
		return nil, api.BatchRequestTooLongException("The length of all the batch messages put together is more than the limit.")
	}
	var out *api.PublishBatchOutput
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		out = &api.PublishBatchOutput{Successful: []api.PublishBatchResultEntry{}, Failed: []api.BatchResultErrorEntry{}}
		t, err := findTopic(tx, *in.TopicArn, "TopicArn")
		if err != nil {
			return err
		}
		for i := range entries {
			if err := s.publishEntry(tx, t, &entries[i], out); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Service) publishEntry(tx *store.Tx, t *topic, e *api.PublishBatchRequestEntry, out *api.PublishBatchOutput) error {
	m, err := readMessage(e)
	var done *api.PublishOutput
	if err == nil {
		done, err = s.publish(tx, t, m)
	}
	if fault := awserr.From(err); fault != nil {
		out.Failed = append(out.Failed, api.BatchResultErrorEntry{Id: e.Id, Code: &fault.Code, Message: &fault.Message, SenderFault: new(true)})
		return nil
	}
	if err != nil {
		return err
	}
	out.Successful = append(out.Successful, api.PublishBatchResultEntry{Id: e.Id, MessageId: done.MessageId, SequenceNumber: done.SequenceNumber})
	return nil
}
