package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"stepwell/internal/awsapi"
	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/wire"
)

// notifications are the notification configurations of buckets that have one.
var notifications = store.NewTable[notification]("s3_notifications") // bucket

type notification struct {
	Bucket string
	s3.NotificationConfiguration
}

// local answers the requests that this package serves itself; nil for the others.
func (s *Service) local(r *http.Request, t *target) (*http.Response, error) {
	if t.Bucket == "" || t.Key != "" {
		return nil, nil
	}
	if !t.Query.Has("notification") {
		return s.localConfiguration(r, t)
	}
	switch r.Method {
	case http.MethodGet:
		return answer(s, r, t, "GetBucketNotificationConfiguration", s.getNotifications)
	case http.MethodPut:
		return answer(s, r, t, "PutBucketNotificationConfiguration", s.putNotifications)
	}
	return nil, nil
}

// answer calls an operation of the bucket's owner with what a request says.
func answer[In, Out any](s *Service, r *http.Request, t *target, name string, handle func(context.Context, *In) (*Out, error)) (*http.Response, error) {
	op := s.codec.Model.Operation(name)
	in, err := s.decode(op.Name, r, t)
	if err != nil {
		return nil, err
	}
	if fault := s.codec.Validate(op, in); fault != nil {
		return nil, errMalformedXML()
	}
	switch owner := s.embedded.owner(t.Bucket); {
	case owner == "":
		return nil, errNoSuchBucket(t.Bucket)
	case owner != bus.From(r.Context()).Account:
		return nil, awserr.New(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	out, err := handle(r.Context(), in.(*In))
	if err != nil {
		return nil, err
	}
	resp, err := s.codec.Encode(op, s.codec.Model.Protocol, out, bus.From(r.Context()).RequestID)
	if err != nil {
		return nil, err
	}
	resp.Header.Set("Server", "AmazonS3")
	return &http.Response{StatusCode: resp.Status, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(resp.Body)), ContentLength: int64(len(resp.Body)), Request: r}, nil
}

func (s *Service) decode(name string, r *http.Request, t *target) (any, error) {
	var body []byte
	if r.Body != nil {
		if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
			return nil, awserr.NotImplemented("s3:" + name + " with a body in the aws-chunked encoding")
		}
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxDocument)); err != nil {
			return nil, errMalformedXML()
		}
	}
	op := s.codec.Model.Operation(name)
	return s.codec.Decode(op, s.codec.Model.Protocol, &wire.Request{Method: r.Method, Path: "/" + t.Bucket, Query: t.Query, Header: r.Header, Body: body})
}

// notificationsOf is the configuration of a bucket; nil where it has none.
func (s *Service) notificationsOf(ctx context.Context, bucket string) (*s3.NotificationConfiguration, error) {
	version := notifications.Version(s.store)
	if known := s.configured.Load(); known != nil && known.version == version {
		return known.byBucket[bucket], nil
	}
	all := &configured{version: version, byBucket: map[string]*s3.NotificationConfiguration{}}
	err := s.store.View(ctx, func(tx *store.Tx) error {
		list, err := notifications.List(tx)
		for i := range list {
			all.byBucket[list[i].Bucket] = &list[i].NotificationConfiguration
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.configured.Store(all)
	return all.byBucket[bucket], nil
}

// configured are the configurations of all buckets at some version of their table.
type configured struct {
	version  int64
	byBucket map[string]*s3.NotificationConfiguration
}

func (s *Service) getNotifications(ctx context.Context, in *s3.GetBucketNotificationConfigurationInput) (*s3.GetBucketNotificationConfigurationOutput, error) {
	c, err := s.notificationsOf(ctx, *in.Bucket)
	if err != nil || c == nil {
		return &s3.GetBucketNotificationConfigurationOutput{}, err
	}
	return (*s3.GetBucketNotificationConfigurationOutput)(c), nil
}

// rule is one configuration of a bucket: which events of which keys go where.
type rule struct {
	id          string
	destination string // ARN
	events      []string
	prefix      string
	suffix      string
}

func (r *rule) hears(event, key string) bool {
	return strings.HasPrefix(key, r.prefix) && strings.HasSuffix(key, r.suffix) && slices.ContainsFunc(r.events, func(e string) bool {
		family, any := strings.CutSuffix(e, "*")
		return e == event || any && strings.HasPrefix(event, family)
	})
}

// rules are the configurations of a bucket for destinations other than EventBridge.
func rules(c *s3.NotificationConfiguration) (list []rule, err error) {
	add := func(id, arn *string, events []string, f *s3.NotificationConfigurationFilter) {
		r := rule{id: *id, destination: *arn, events: events}
		if f != nil && f.Key != nil {
			seen := map[string]bool{}
			for _, x := range f.Key.FilterRules {
				name := strings.ToLower(text(x.Name))
				switch {
				case name != "prefix" && name != "suffix":
					err = errNotification("filter rule name must be either prefix or suffix")
				case seen[name]:
					err = errNotification("Cannot specify more than one " + name + " rule in a filter.")
				case name == "prefix":
					r.prefix = text(x.Value)
				default:
					r.suffix = text(x.Value)
				}
				seen[name] = true
			}
		}
		list = append(list, r)
	}
	for _, x := range c.TopicConfigurations {
		add(x.Id, x.TopicArn, x.Events, x.Filter)
	}
	for _, x := range c.QueueConfigurations {
		add(x.Id, x.QueueArn, x.Events, x.Filter)
	}
	for _, x := range c.LambdaFunctionConfigurations {
		add(x.Id, x.LambdaFunctionArn, x.Events, x.Filter)
	}
	return list, err
}

// eventNames are the events that a configuration can name.
func eventNames() []string {
	i := slices.IndexFunc(s3.Model.Shapes, func(x awsapi.Shape) bool { return x.Name == "Event" && len(x.Enum) > 0 })
	return s3.Model.Shapes[i].Enum
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// putNotifications replaces a bucket's configuration. Queues and topics that it names
// get a test event; functions do not ("Event message structure", Amazon S3 User Guide).
func (s *Service) putNotifications(ctx context.Context, in *s3.PutBucketNotificationConfigurationInput) (*s3.PutBucketNotificationConfigurationOutput, error) {
	c := *in.NotificationConfiguration
	s.nameConfigurations(&c)
	list, err := rules(&c)
	if err == nil {
		err = checkRules(list)
	}
	if err == nil && (in.SkipDestinationValidation == nil || !*in.SkipDestinationValidation) {
		err = s.checkDestinations(ctx, &c)
	}
	if err != nil {
		return nil, err
	}
	test, err := json.Marshal(testEvent{"Amazon S3", "s3:TestEvent", s.clock.Now().UTC().Format(eventTime), *in.Bucket, bus.From(ctx).RequestID, s.ids.Hex(32)})
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketNotificationConfigurationOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		for _, r := range list {
			if a, _ := bus.ParseARN(r.destination); a.Service == "lambda" {
				continue
			}
			if err := s.submit(tx, bus.From(ctx), r.destination, string(test)); err != nil {
				return err
			}
		}
		if len(list) == 0 && c.EventBridgeConfiguration == nil {
			_, err := notifications.Delete(tx, *in.Bucket)
			return err
		}
		return notifications.Put(tx, notification{*in.Bucket, c}, *in.Bucket)
	})
}

// testEvent is the message that tells a destination of its configuration.
type testEvent struct {
	Service   string
	Event     string
	Time      string
	Bucket    string
	RequestID string `json:"RequestId"`
	HostID    string `json:"HostId"`
}

// nameConfigurations gives ids to those that have none.
func (s *Service) nameConfigurations(c *s3.NotificationConfiguration) {
	name := func(id **string) {
		if *id == nil || **id == "" {
			*id = new(s.ids.UUID())
		}
	}
	for i := range c.TopicConfigurations {
		name(&c.TopicConfigurations[i].Id)
	}
	for i := range c.QueueConfigurations {
		name(&c.QueueConfigurations[i].Id)
	}
	for i := range c.LambdaFunctionConfigurations {
		name(&c.LambdaFunctionConfigurations[i].Id)
	}
}

// checkRules refuses unknown events, and configurations of which an object's event
// could meet two.
func checkRules(list []rule) error {
	overlap := func(a, b string, has func(string, string) bool) bool { return has(a, b) || has(b, a) }
	known := eventNames()
	for i := range list {
		if slices.ContainsFunc(list[i].events, func(e string) bool { return !slices.Contains(known, e) }) {
			return errNotification("A specified event is not supported for notifications")
		}
		for j := range i {
			a, b := &list[i], &list[j]
			if a.id == b.id {
				return errNotification("Same ID used for multiple configurations. IDs must be unique")
			}
			if !overlap(a.prefix, b.prefix, strings.HasPrefix) || !overlap(a.suffix, b.suffix, strings.HasSuffix) {
				continue
			}
			for _, e := range a.events {
				for _, f := range b.events {
					if overlap(strings.TrimSuffix(e, "*"), strings.TrimSuffix(f, "*"), func(x, y string) bool {
						return x == y || strings.HasSuffix(y, ":") && strings.HasPrefix(x, y)
					}) {
						return errNotification("Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.")
					}
				}
			}
		}
	}
	return nil
}

// checkDestinations refuses destinations that are not there, and FIFO queues and topics,
// which S3 does not send to.
func (s *Service) checkDestinations(ctx context.Context, c *s3.NotificationConfiguration) error {
	check := func(arn, service, operation string, in func(bus.ARN) any) error {
		a, ok := bus.ParseARN(arn)
		if !ok || a.Service != service || strings.HasSuffix(a.Resource, ".fifo") {
			return errNotification("Unable to validate the following destination configurations")
		}
		if _, err := s.bus.Invoke(s.sender().At(ctx, a), service, operation, in(a)); err != nil {
			return errNotification("Unable to validate the following destination configurations")
		}
		return nil
	}
	for _, x := range c.TopicConfigurations {
		if err := check(*x.TopicArn, "sns", "GetTopicAttributes", func(bus.ARN) any { return &sns.GetTopicAttributesInput{TopicArn: x.TopicArn} }); err != nil {
			return err
		}
	}
	for _, x := range c.QueueConfigurations {
		if err := check(*x.QueueArn, "sqs", "GetQueueUrl", func(a bus.ARN) any {
			return &sqs.GetQueueUrlInput{QueueName: &a.Resource, QueueOwnerAWSAccountId: &a.Account}
		}); err != nil {
			return err
		}
	}
	for _, x := range c.LambdaFunctionConfigurations {
		if err := check(*x.LambdaFunctionArn, "lambda", "GetFunctionConfiguration", func(bus.ARN) any {
			return &lambda.GetFunctionConfigurationInput{FunctionName: x.LambdaFunctionArn}
		}); err != nil {
			return err
		}
	}
	return nil
}

func errNotification(message string) *awserr.Error {
	return awserr.New(http.StatusBadRequest, "InvalidArgument", "%s", message)
}
