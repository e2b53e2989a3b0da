package sqs

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	api "stepwell/internal/awsapi/sqs"
)

// maxMessage is the length of a message with its attributes, and of a batch.
const maxMessage = 1 << 20

// outgoing is a message that is sent, alone or in a batch.
type outgoing api.SendMessageBatchRequestEntry

func (o *outgoing) size() int {
	n := len(text(o.MessageBody))
	for name, a := range o.MessageAttributes {
		n += len(name) + len(text(a.DataType)) + len(text(a.StringValue)) + len(a.BinaryValue)
	}
	return n
}

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)
	identifier    = regexp.MustCompile("^[A-Za-z0-9!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]{1,128}$")
)

// message checks what is sent to the queue and makes it a message.
func (o *outgoing) message(r *record, now time.Time) (*message, error) {
	body := text(o.MessageBody)
	switch {
	case o.MessageBody == nil:
		return nil, missing("MessageBody")
	case body == "":
		return nil, missing("MessageBody")
	case !printable(body):
		return nil, api.InvalidMessageContents("Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	case o.size() > r.number("MaximumMessageSize"):
		return nil, invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", r.number("MaximumMessageSize"))
	}
	m := &message{Body: body, MD5: sum([]byte(body)), Sent: now.Truncate(time.Millisecond)}
	if err := m.takeAttributes(o); err != nil {
		return nil, err
	}
	if err := m.order(o, r); err != nil {
		return nil, err
	}
	delay := r.number("DelaySeconds")
	if o.DelaySeconds != nil {
		if r.FIFO && *o.DelaySeconds != 0 {
			return nil, badValue(*o.DelaySeconds, "DelaySeconds", "The request include parameter that is not valid for this queue type.")
		}
		if *o.DelaySeconds < 0 || *o.DelaySeconds > 900 {
			return nil, badValue(*o.DelaySeconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
		}
		if !r.FIFO {
			delay = int(*o.DelaySeconds)
		}
	}
	if delay > 0 {
		m.Visible = now.Add(time.Duration(delay) * time.Second)
	}
	return m, nil
}

func (m *message) takeAttributes(o *outgoing) error {
	if len(o.MessageAttributes) > 10 {
		return invalid("Number of message attributes [%d] exceeds the allowed maximum [10].", len(o.MessageAttributes))
	}
	for _, name := range slices.Sorted(maps.Keys(o.MessageAttributes)) {
		v := o.MessageAttributes[name]
		a, err := parseAttribute(name, text(v.DataType), v.StringValue, v.BinaryValue)
		if err != nil {
			return err
		}
		if m.Attributes == nil {
			m.Attributes = map[string]attribute{}
		}
		m.Attributes[name] = a
	}
	m.AttributesMD5 = attributesSum(m.Attributes)
	for name, v := range o.MessageSystemAttributes {
		if name != "AWSTraceHeader" {
			return invalid("Message system attribute name '%s' is invalid.", name)
		}
		if text(v.DataType) != "String" {
			return invalid("The message system attribute 'AWSTraceHeader' must have the data type 'String'.")
		}
		m.Trace = text(v.StringValue)
		m.TraceMD5 = attributesSum(map[string]attribute{name: {Type: "String", Text: m.Trace}})
	}
	return nil
}

func parseAttribute(name, kind string, value *string, binary []byte) (a attribute, err error) {
	base, _, _ := strings.Cut(kind, ".")
	lower := strings.ToLower(name)
	switch {
	case !attributeName.MatchString(name) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
		return a, invalid("The message attribute name '%s' is invalid. Attribute names can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), and period (.).", name)
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
		return a, invalid("The message attribute name '%s' is invalid: it begins with a reserved prefix.", name)
	case kind == "":
		return a, invalid("The message attribute '%s' must contain a non-empty message attribute type.", name)
	case base != "String" && base != "Number" && base != "Binary" || len(kind) > 256:
		return a, invalid("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	a.Type = kind
	if base == "Binary" {
		if len(binary) == 0 {
			return a, invalid("The message attribute '%s' must contain a non-empty message attribute value for message attribute type '%s'.", name, kind)
		}
		a.Binary = binary
		return a, nil
	}
	if text(value) == "" {
		return a, invalid("The message attribute '%s' must contain a non-empty message attribute value for message attribute type '%s'.", name, kind)
	}
	a.Text = *value
	if _, err := strconv.ParseFloat(a.Text, 64); base == "Number" && err != nil {
		return a, invalid("Can't cast the value of message (user) attribute '%s' to a number.", name)
	}
	if !printable(a.Text) {
		return a, invalid("Invalid characters found in the value of message attribute '%s'.", name)
	}
	return a, nil
}

// order takes group and deduplication id, which a FIFO queue demands.
func (m *message) order(o *outgoing, r *record) error {
	for _, p := range []struct{ name, value string }{{"MessageGroupId", text(o.MessageGroupId)}, {"MessageDeduplicationId", text(o.MessageDeduplicationId)}} {
		if p.value != "" && !identifier.MatchString(p.value) {
			return badValue(p.value, p.name, p.name+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		}
	}
	m.Group, m.Dedup = text(o.MessageGroupId), text(o.MessageDeduplicationId)
	switch {
	case !r.FIFO && m.Dedup != "":
		return badValue(m.Dedup, "MessageDeduplicationId", "The request includes a parameter that is not valid for this queue type.")
	case !r.FIFO:
	case m.Group == "":
		return missing("MessageGroupId")
	case m.Dedup == "" && r.word("ContentBasedDeduplication") != "true":
		return invalid("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case m.Dedup == "":
		h := sha256.Sum256([]byte(m.Body))
		m.Dedup = hex.EncodeToString(h[:])
	}
	return nil
}

// printable reports whether a text has only the characters that SQS takes.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return true
}

func sum(b []byte) string {
	h := md5.Sum(b)
	return hex.EncodeToString(h[:])
}

// attributesSum is the MD5 of message attributes (developer guide, "Calculating
// the MD5 message digest for message attributes"); "" for none.
func attributesSum(all map[string]attribute) string {
	if len(all) == 0 {
		return ""
	}
	var b []byte
	add := func(v []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a := all[name]
		add([]byte(name))
		add([]byte(a.Type))
		if strings.HasPrefix(a.Type, "Binary") {
			b = append(b, 2)
			add(a.Binary)
		} else {
			b = append(b, 1)
			add([]byte(a.Text))
		}
	}
	return sum(b)
}
