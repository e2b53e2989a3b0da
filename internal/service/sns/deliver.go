package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// submit adds the task of a delivery.
func (s *Service) submit(tx *store.Tx, d *delivery) error {
	if d.Sequence != "" {
		return s.submitOrdered(tx, d)
	}
	payload, err := json.Marshal(d)
	if err != nil {
		return err
	}
	t := work.Task{Kind: Kind, ID: d.MessageID + "/" + d.ID + "/" + strconv.Itoa(d.Attempt), Payload: payload,
		Caller: bus.Caller{Account: d.Account, Region: d.Region, Source: "sns"}}
	if d.Attempt > 0 {
		wait, err := s.wait(tx, d)
		if err != nil {
			return err
		}
		t.RunAt = s.Clock.Now().Add(wait)
	}
	return s.Work.Submit(tx, t)
}

// deliver is the task of a delivery.
func (s *Service) deliver(ctx context.Context, task *work.Task) error {
	var d delivery
	if err := json.Unmarshal(task.Payload, &d); err != nil {
		return fmt.Errorf("cannot read delivery %s: %w", task.ID, err)
	}
	t, x, err := s.ends(ctx, &d)
	if err != nil || x == nil {
		return err
	}
	failure := s.send(ctx, t, x, &d)
	if failure == nil {
		return nil
	}
	if err := context.Cause(ctx); err != nil {
		return err // the next server delivers it
	}
	if !notify.Retriable(failure) {
		s.Log.Warn("message was refused", "subscription", x.ARN, "message", d.MessageID, "error", failure)
		return s.bury(ctx, t, x, &d, failure)
	}
	d.Attempt++
	err = s.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return s.submit(tx, &d) })
	if errors.Is(err, errGivenUp) {
		s.Log.Warn("message could not be delivered", "subscription", x.ARN, "message", d.MessageID, "attempts", d.Attempt, "error", failure)
		return s.bury(ctx, t, x, &d, failure)
	}
	return err
}

// bury sends a message that could not be delivered to the subscription's
// dead-letter queue, where it has one.
func (s *Service) bury(ctx context.Context, t *topic, x *subscription, d *delivery, failure error) error {
	policy := x.Attributes["RedrivePolicy"]
	if policy == "" || d.Type != notification || s.Targets["sqs"] == nil {
		return nil
	}
	var p struct {
		DeadLetterTargetArn string `json:"deadLetterTargetArn"`
	}
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		return fmt.Errorf("cannot read the redrive policy of %s: %w", x.ARN, err)
	}
	m, err := s.outgoing(t, x, d)
	if err != nil {
		return err
	}
	err = s.Targets["sqs"].Deliver(ctx, p.DeadLetterTargetArn, m)
	if err != nil && !notify.Retriable(err) {
		s.Log.Error("message could not be kept in its dead-letter queue", "subscription", x.ARN, "message", d.MessageID, "queue", p.DeadLetterTargetArn, "error", err)
		return nil
	}
	return err
}

// outgoing is a delivery as a Target takes it.
func (s *Service) outgoing(t *topic, x *subscription, d *delivery) (Delivery, error) {
	m := Delivery{Body: d.Message, Raw: x.Attributes["RawMessageDelivery"] == "true" && x.Protocol != "lambda", MessageID: d.MessageID, TopicARN: t.ARN,
		SubscriptionARN: x.ARN, Subject: d.Subject, Attributes: d.Attributes, GroupID: d.Group, DeduplicationID: d.Dedup, SequenceNumber: d.Sequence}
	if m.Raw {
		return m, nil
	}
	e, err := s.seal(t, x, d)
	if err != nil {
		return m, err
	}
	m.Body = e.String()
	return m, nil
}

func (s *Service) ends(ctx context.Context, d *delivery) (t *topic, x *subscription, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		t, x, err = d.ends(tx)
		return err
	})
	return t, x, err
}

// ends returns the topic and subscription, nil where one is gone or, for a
// notification, not confirmed.
func (d *delivery) ends(tx *store.Tx) (*topic, *subscription, error) {
	t, ok, err := topics.Get(tx, d.Account, d.Region, d.Topic)
	if err != nil || !ok {
		return nil, nil, err
	}
	x, ok, err := subscriptions.Get(tx, d.Account, d.Region, d.Topic, d.ID)
	if err != nil || !ok || d.Type == notification && !x.Confirmed || d.Type == confirm && x.Confirmed {
		return nil, nil, err
	}
	return &t, &x, nil
}

var errGivenUp = errors.New("no retries are left")

func (s *Service) wait(tx *store.Tx, d *delivery) (wait time.Duration, err error) {
	t, x, err := d.ends(tx)
	if err != nil {
		return 0, err
	}
	if x == nil {
		return 0, errGivenUp
	}
	policy, _ := t.retries(x)
	wait, ok := policy.delay(d.Attempt)
	if !ok {
		return 0, errGivenUp
	}
	return wait, nil
}

// send makes one attempt.
func (s *Service) send(ctx context.Context, t *topic, x *subscription, d *delivery) error {
	raw := d.Type == notification && x.Attributes["RawMessageDelivery"] == "true"
	body := d.Message
	target := s.Targets[x.Protocol]
	if target == nil && !raw && x.Protocol != "email" {
		e, err := s.seal(t, x, d)
		if err != nil {
			return err
		}
		body = e.String()
	}
	switch x.Protocol {
	case "http", "https":
		return s.post(ctx, t, x, d, body, raw)
	case "email", "email-json":
		return s.Mail.Send(ctx, s.mail(t, x, d, body))
	}
	if target == nil {
		return notify.Refuse(fmt.Errorf("no service delivers to %s", x.Protocol))
	}
	m, err := s.outgoing(t, x, d)
	if err != nil {
		return err
	}
	return target.Deliver(ctx, x.Endpoint, m)
}

// post delivers to an HTTP endpoint with SNS's headers. A status of 4xx other
// than 429 is final.
func (s *Service) post(ctx context.Context, t *topic, x *subscription, d *delivery, body string, raw bool) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, x.Endpoint, strings.NewReader(body))
	if err != nil {
		return notify.Refuse(err)
	}
	_, content := t.retries(x)
	r.Header.Set("Content-Type", content)
	r.Header.Set("User-Agent", "Amazon Simple Notification Service Agent")
	r.Header.Set("x-amz-sns-message-type", d.Type)
	r.Header.Set("x-amz-sns-message-id", d.MessageID)
	r.Header.Set("x-amz-sns-topic-arn", t.ARN)
	if d.Type == notification {
		r.Header.Set("x-amz-sns-subscription-arn", x.ARN)
	}
	if raw {
		r.Header.Set("x-amz-sns-rawdelivery", "true")
	}
	if user := r.URL.User; user != nil {
		password, _ := user.Password()
		r.SetBasicAuth(user.Username(), password)
	}
	resp, err := s.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // lets the connection be used again
	switch {
	case resp.StatusCode < 300:
		return nil
	case resp.StatusCode >= 400 && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests:
		return notify.Refuse(fmt.Errorf("the endpoint answered %s", resp.Status))
	}
	return fmt.Errorf("the endpoint answered %s", resp.Status)
}
