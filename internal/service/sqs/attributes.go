package sqs

import (
	"encoding/json"
	"regexp"
	"strconv"
	"time"

	api "stepwell/internal/awsapi/sqs"
	"stepwell/internal/bus"
)

// number is an attribute with a range and a default (SetQueueAttributes).
type number struct{ low, high, usual int }

var numbers = map[string]number{
	"DelaySeconds":                  {0, 900, 0},
	"KmsDataKeyReusePeriodSeconds":  {60, 86_400, 300},
	"MaximumMessageSize":            {1024, maxMessage, maxMessage},
	"MessageRetentionPeriod":        {60, 1_209_600, 345_600},
	"ReceiveMessageWaitTimeSeconds": {0, 20, 0},
	"VisibilityTimeout":             {0, 43_200, 30},
}

// words are the attributes with a few values, the usual one first.
var words = map[string][]string{
	"ContentBasedDeduplication": {"false", "true"},
	"DeduplicationScope":        {"queue", "messageGroup"},
	"FifoThroughputLimit":       {"perQueue", "perMessageGroupId"},
	"SqsManagedSseEnabled":      {"true", "false"},
}

var fifoOnly = map[string]bool{"ContentBasedDeduplication": true, "DeduplicationScope": true, "FifoThroughputLimit": true, "FifoQueue": true}

// computed are the attributes that cannot be set.
var computed = map[string]bool{
	"ApproximateNumberOfMessages": true, "ApproximateNumberOfMessagesDelayed": true, "ApproximateNumberOfMessagesNotVisible": true,
	"CreatedTimestamp": true, "LastModifiedTimestamp": true, "QueueArn": true,
}

// texts are the attributes with any other text.
var texts = map[string]bool{"KmsMasterKeyId": true, "Policy": true, "RedriveAllowPolicy": true, "RedrivePolicy": true}

func (r *record) number(name string) int {
	if n, err := strconv.Atoi(r.Attributes[name]); err == nil {
		return n
	}
	return numbers[name].usual
}

func (r *record) word(name string) string {
	if w := r.Attributes[name]; w != "" {
		return w
	}
	return words[name][0]
}

func (r *record) seconds(name string) time.Duration {
	return time.Duration(r.number(name)) * time.Second
}

// check checks an attribute that is to be set on a queue.
func (s *Service) check(r *record, name, value string) error {
	bad := func() error { return api.InvalidAttributeValue("Invalid value for the parameter %s.", name) }
	if fifoOnly[name] && !r.FIFO {
		return api.InvalidAttributeName("Unknown Attribute %s.", name)
	}
	if n, ok := numbers[name]; ok {
		if v, err := strconv.Atoi(value); err != nil || v < n.low || v > n.high {
			return bad()
		}
		return nil
	}
	if list, ok := words[name]; ok {
		for _, w := range list {
			if w == value {
				return nil
			}
		}
		return bad()
	}
	switch {
	case name == "FifoQueue":
		if value != "true" {
			return bad()
		}
	case !texts[name]:
		return api.InvalidAttributeName("Unknown Attribute %s.", name)
	case value == "" || name == "KmsMasterKeyId":
	case name == "Policy":
		if !json.Valid([]byte(value)) {
			return bad()
		}
	case name == "RedriveAllowPolicy":
		_, err := parseAllow(value)
		return err
	case name == "RedrivePolicy":
		return s.checkRedrive(r, value)
	}
	return nil
}

// redrive is a RedrivePolicy.
type redrive struct {
	Target string
	Max    int
}

// parseRedrive reads a RedrivePolicy, whose count may be a number or a text.
func parseRedrive(value string) (p redrive, err error) {
	var raw struct {
		DeadLetterTargetArn string          `json:"deadLetterTargetArn"`
		MaxReceiveCount     json.RawMessage `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(value), &raw) != nil {
		return p, badValue(value, "RedrivePolicy", "Redrive policy is not a valid JSON map.")
	}
	if raw.DeadLetterTargetArn == "" {
		return p, badValue(value, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if raw.MaxReceiveCount == nil {
		return p, badValue(value, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	p.Target = raw.DeadLetterTargetArn
	count := string(raw.MaxReceiveCount)
	if unquoted, err := strconv.Unquote(count); err == nil {
		count = unquoted
	}
	if p.Max, err = strconv.Atoi(count); err != nil || p.Max < 1 || p.Max > 1000 {
		return p, badValue(value, "RedrivePolicy", "Invalid value for maxReceiveCount: "+count+", valid values are from 1 to 1000 both inclusive.")
	}
	return p, nil
}

func (s *Service) checkRedrive(r *record, value string) error {
	p, err := parseRedrive(value)
	if err != nil {
		return err
	}
	a, ok := bus.ParseARN(p.Target)
	if !ok || a.Service != "sqs" {
		return badValue(value, "RedrivePolicy", "Invalid ARN for deadLetterTargetArn.")
	}
	if a.Account != r.Account || a.Region != r.Region {
		return badValue(value, "RedrivePolicy", "Dead letter target owned by a different account or in another region.")
	}
	target, err := s.byARN(p.Target)
	if err != nil {
		return api.QueueDoesNotExist("Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.", value)
	}
	if target.FIFO != r.FIFO {
		return badValue(value, "RedrivePolicy", "Dead-letter queue must be same type of queue as the source.")
	}
	s.mu.Lock()
	allow, err := parseAllow(target.Attributes["RedriveAllowPolicy"])
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if !allow.allows(r.ARN) {
		return badValue(value, "RedrivePolicy", "Queue is not allowed to use the dead-letter queue "+p.Target+" by its redrive allow policy.")
	}
	return nil
}

// allowPolicy is a RedriveAllowPolicy.
type allowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns"`
}

func parseAllow(value string) (p allowPolicy, err error) {
	if value == "" {
		return allowPolicy{Permission: "allowAll"}, nil
	}
	if json.Unmarshal([]byte(value), &p) != nil {
		return p, badValue(value, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy, as it's in an unsupported format.")
	}
	switch {
	case p.Permission != "allowAll" && p.Permission != "denyAll" && p.Permission != "byQueue":
		return p, badValue(value, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy. The redrivePermission must be allowAll, denyAll or byQueue.")
	case p.Permission == "byQueue" && (len(p.Sources) == 0 || len(p.Sources) > 10):
		return p, badValue(value, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy. When you specify the byQueue permission type, you must specify one or more and at most 10 sourceQueueArns values.")
	case p.Permission != "byQueue" && len(p.Sources) > 0:
		return p, badValue(value, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy. When you specify the allowAll or denyAll permission type, you can't specify a sourceQueueArns value.")
	}
	return p, nil
}

func (p *allowPolicy) allows(source string) bool {
	if p.Permission != "byQueue" {
		return p.Permission == "allowAll"
	}
	for _, arn := range p.Sources {
		if arn == source {
			return true
		}
	}
	return false
}

var (
	plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	fifoName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,75}\.fifo$`)
)

// known lists the attributes that a queue shows.
func (q *queue) shown(now time.Time) map[string]string {
	q.advance(now)
	all := map[string]string{
		"QueueArn":                              q.ARN,
		"ApproximateNumberOfMessages":           strconv.Itoa(q.count[ready]),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(q.count[delayed]),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(q.count[inFlight]),
		"CreatedTimestamp":                      strconv.FormatInt(q.Created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(q.Modified.Unix(), 10),
	}
	for name := range numbers {
		if name != "KmsDataKeyReusePeriodSeconds" || q.Attributes["KmsMasterKeyId"] != "" {
			all[name] = strconv.Itoa(q.number(name))
		}
	}
	for name := range words {
		if !fifoOnly[name] || q.FIFO {
			all[name] = q.word(name)
		}
	}
	if q.Attributes["KmsMasterKeyId"] != "" {
		all["SqsManagedSseEnabled"] = "false"
	}
	for name := range texts {
		if v := q.Attributes[name]; v != "" {
			all[name] = v
		}
	}
	if q.FIFO {
		all["FifoQueue"] = "true"
	}
	return all
}
