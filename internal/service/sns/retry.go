package sns

import (
	"encoding/json"
	"math"
	"time"
)

// retryPolicy is the healthyRetryPolicy of a delivery policy ("Amazon SNS
// message delivery retries"). Delays are in seconds.
type retryPolicy struct {
	MinDelayTarget     int    `json:"minDelayTarget"`
	MaxDelayTarget     int    `json:"maxDelayTarget"`
	NumRetries         int    `json:"numRetries"`
	NumMaxDelayRetries int    `json:"numMaxDelayRetries"`
	NumNoDelayRetries  int    `json:"numNoDelayRetries"`
	NumMinDelayRetries int    `json:"numMinDelayRetries"`
	BackoffFunction    string `json:"backoffFunction"`
}

type requestPolicy struct {
	HeaderContentType string `json:"headerContentType"`
}

// deliveryPolicy is a DeliveryPolicy attribute of a topic (under http) or of a
// subscription.
type deliveryPolicy struct {
	HealthyRetryPolicy *retryPolicy   `json:"healthyRetryPolicy,omitempty"`
	RequestPolicy      *requestPolicy `json:"requestPolicy,omitempty"`
}

type topicPolicy struct {
	HTTP struct {
		DefaultHealthyRetryPolicy    *retryPolicy   `json:"defaultHealthyRetryPolicy,omitempty"`
		DisableSubscriptionOverrides bool           `json:"disableSubscriptionOverrides"`
		DefaultRequestPolicy         *requestPolicy `json:"defaultRequestPolicy,omitempty"`
	} `json:"http"`
}

// The schedules SNS documents for endpoints without a policy of their own.
var (
	httpRetries = retryPolicy{MinDelayTarget: 20, MaxDelayTarget: 20, NumRetries: 3, BackoffFunction: "linear"}
	mailRetries = retryPolicy{MinDelayTarget: 10, MaxDelayTarget: 600, NumRetries: 50, NumMinDelayRetries: 2, NumMaxDelayRetries: 38, BackoffFunction: "exponential"}
	awsRetries  = retryPolicy{MinDelayTarget: 1, MaxDelayTarget: 20, NumRetries: 100_015, NumNoDelayRetries: 3, NumMinDelayRetries: 2, NumMaxDelayRetries: 100_000, BackoffFunction: "exponential"}
)

const textPlain = "text/plain; charset=UTF-8"

// parseDelivery reads a DeliveryPolicy of a topic or a subscription.
func parseDelivery(value string) (topicPolicy, error) {
	var p topicPolicy
	if value == "" {
		return p, nil
	}
	var own deliveryPolicy
	if json.Unmarshal([]byte(value), &p) != nil || json.Unmarshal([]byte(value), &own) != nil {
		return p, invalid("DeliveryPolicy: Unable to parse JSON")
	}
	if own.HealthyRetryPolicy != nil {
		p.HTTP.DefaultHealthyRetryPolicy = own.HealthyRetryPolicy
	}
	if own.RequestPolicy != nil {
		p.HTTP.DefaultRequestPolicy = own.RequestPolicy
	}
	if r := p.HTTP.DefaultHealthyRetryPolicy; r != nil {
		if err := r.check(); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (r *retryPolicy) check() error {
	switch {
	case r.NumRetries < 0 || r.NumRetries > 100:
		return invalid("DeliveryPolicy: healthyRetryPolicy.numRetries must be between 0 and 100")
	case r.MinDelayTarget < 1 || r.MaxDelayTarget > 3600 || r.MinDelayTarget > r.MaxDelayTarget:
		return invalid("DeliveryPolicy: healthyRetryPolicy.minDelayTarget must be between 1 and maxDelayTarget, maxDelayTarget at most 3600")
	case r.NumNoDelayRetries+r.NumMinDelayRetries+r.NumMaxDelayRetries > r.NumRetries:
		return invalid("DeliveryPolicy: healthyRetryPolicy.numRetries must be at least the sum of numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries")
	}
	return nil
}

// delay returns how long to wait before retry n (from 1); ok is false where
// there is no such retry.
func (r retryPolicy) delay(n int) (wait time.Duration, ok bool) {
	backoff := r.NumRetries - r.NumNoDelayRetries - r.NumMinDelayRetries - r.NumMaxDelayRetries
	lo, hi := float64(r.MinDelayTarget), float64(r.MaxDelayTarget)
	switch {
	case n > r.NumRetries:
		return 0, false
	case n <= r.NumNoDelayRetries:
		return 0, true
	case n <= r.NumNoDelayRetries+r.NumMinDelayRetries:
		return seconds(lo), true
	case n > r.NumRetries-r.NumMaxDelayRetries:
		return seconds(hi), true
	}
	i := float64(n - r.NumNoDelayRetries - r.NumMinDelayRetries) // of the backoff phase, from 1
	share := i / float64(backoff)
	switch r.BackoffFunction {
	case "exponential":
		return seconds(min(hi, lo*math.Pow(2, i-1))), true
	case "geometric":
		return seconds(lo * math.Pow(hi/lo, share)), true
	case "arithmetic":
		return seconds(lo + (hi-lo)*share*(i+1)/float64(backoff+1)), true
	}
	return seconds(lo + (hi-lo)*share), true
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// retries is the schedule of a subscription of the topic.
func (t *topic) retries(x *subscription) (retryPolicy, string) {
	switch x.Protocol {
	case "http", "https":
	case "email", "email-json":
		return mailRetries, textPlain
	default:
		return awsRetries, textPlain
	}
	policy, content := httpRetries, textPlain
	use := func(value string) (override bool) {
		p, err := parseDelivery(value)
		if err != nil {
			return true // it was checked when it was set
		}
		if p.HTTP.DefaultHealthyRetryPolicy != nil {
			policy = *p.HTTP.DefaultHealthyRetryPolicy
		}
		if r := p.HTTP.DefaultRequestPolicy; r != nil && r.HeaderContentType != "" {
			content = r.HeaderContentType
		}
		return !p.HTTP.DisableSubscriptionOverrides
	}
	if use(t.Attributes["DeliveryPolicy"]) {
		use(x.Attributes["DeliveryPolicy"])
	}
	return policy, content
}

// effectiveTopicPolicy is the EffectiveDeliveryPolicy attribute of a topic.
func effectiveTopicPolicy(value string) string {
	p, _ := parseDelivery(value) // it was checked when it was set
	if p.HTTP.DefaultHealthyRetryPolicy == nil {
		p.HTTP.DefaultHealthyRetryPolicy = new(httpRetries)
	}
	if p.HTTP.DefaultRequestPolicy == nil {
		p.HTTP.DefaultRequestPolicy = &requestPolicy{textPlain}
	}
	b, _ := json.Marshal(p)
	return string(b)
}

// effectivePolicy is the EffectiveDeliveryPolicy attribute of an http subscription.
func (t *topic) effectivePolicy(x *subscription) string {
	policy, content := t.retries(x)
	b, _ := json.Marshal(deliveryPolicy{&policy, &requestPolicy{content}})
	return string(b)
}
