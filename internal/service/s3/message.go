package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// Kind is the kind of the tasks that deliver notifications.
const Kind = "s3.notification"

// eventTime is how times are written in notifications.
const eventTime = "2006-01-02T15:04:05.000Z"

// occasion is a request that has changed objects.
type occasion struct {
	caller                bus.Caller
	at                    time.Time
	bucket, owner, region string
	source                string // IP address
	host                  string // x-amz-id-2
}

type member map[string]any

// record is the message about an object ("Event message structure", version 2.1, Amazon
// S3 User Guide). The key is URL-encoded there, but
// for its slashes.
func (o *occasion) record(x *happening, configuration, sequencer string) (string, error) {
	type object struct {
		Key       string `json:"key"`
		Size      *int64 `json:"size,omitempty"`
		ETag      string `json:"eTag,omitempty"`
		Version   string `json:"versionId,omitempty"`
		Sequencer string `json:"sequencer"`
	}
	type record struct {
		EventVersion      string `json:"eventVersion"`
		EventSource       string `json:"eventSource"`
		Region            string `json:"awsRegion"`
		Time              string `json:"eventTime"`
		Name              string `json:"eventName"`
		UserIdentity      member `json:"userIdentity"`
		RequestParameters member `json:"requestParameters"`
		ResponseElements  member `json:"responseElements"`
		S3                struct {
			Version       string `json:"s3SchemaVersion"`
			Configuration string `json:"configurationId"`
			Bucket        struct {
				Name  string `json:"name"`
				Owner member `json:"ownerIdentity"`
				ARN   string `json:"arn"`
			} `json:"bucket"`
			Object object `json:"object"`
		} `json:"s3"`
	}
	r := record{
		EventVersion: "2.1", EventSource: "aws:s3", Region: o.region, Time: o.at.UTC().Format(eventTime), Name: x.Event,
		UserIdentity: member{"principalId": "AWS:" + o.caller.Account}, RequestParameters: member{"sourceIPAddress": o.source},
		ResponseElements: member{"x-amz-request-id": o.caller.RequestID, "x-amz-id-2": o.host},
	}
	r.S3.Version, r.S3.Configuration = "1.0", configuration
	r.S3.Bucket.Name, r.S3.Bucket.Owner, r.S3.Bucket.ARN = o.bucket, member{"principalId": o.owner}, "arn:aws:s3:::"+o.bucket
	r.S3.Object = object{strings.ReplaceAll(url.QueryEscape(x.Key), "%2F", "/"), x.Size, x.ETag, x.Version, sequencer}
	return compact(map[string][]record{"Records": {r}})
}

// detail is that of the event on EventBridge ("EventBridge event message structure").
func (o *occasion) detail(x *happening, sequencer string) (json.RawMessage, error) {
	type object struct {
		Key       string `json:"key"`
		Size      *int64 `json:"size,omitempty"`
		ETag      string `json:"etag,omitempty"`
		Version   string `json:"version-id,omitempty"`
		Sequencer string `json:"sequencer,omitempty"`
	}
	if x.Reason == "" { // tags
		sequencer = ""
	}
	text, err := compact(struct {
		Version      string            `json:"version"`
		EventVersion string            `json:"event-version"`
		Bucket       map[string]string `json:"bucket"`
		Object       object            `json:"object"`
		RequestID    string            `json:"request-id"`
		Requester    string            `json:"requester"`
		SourceIP     string            `json:"source-ip-address"`
		Reason       string            `json:"reason,omitempty"`
		Deletion     string            `json:"deletion-type,omitempty"`
	}{"0", "1.0", map[string]string{"name": o.bucket}, object{x.Key, x.Size, x.ETag, x.Version, sequencer},
		o.caller.RequestID, o.caller.Account, o.source, x.Reason, detailTypes[x.Event].deletion})
	return json.RawMessage(text), err
}

// compact is JSON with <, > and & as they are.
func compact(v any) (string, error) {
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	if err := w.Encode(v); err != nil {
		return "", fmt.Errorf("cannot write a notification: %w", err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// delivery is a message on its way: the payload of a task.
type delivery struct {
	Destination string // ARN
	Message     string
	First       time.Time
	Attempt     int // deliveries that failed
}

// submit adds the task of a message.
func (s *Service) submit(tx *store.Tx, c bus.Caller, destination, message string) error {
	d := delivery{Destination: destination, Message: message, First: s.clock.Now()}
	task, err := d.task(c, s.ids.UUID())
	if err != nil {
		return err
	}
	return s.work.Submit(tx, task)
}

func (d *delivery) task(c bus.Caller, id string) (work.Task, error) {
	payload, err := json.Marshal(d)
	if err != nil {
		return work.Task{}, fmt.Errorf("cannot write a notification: %w", err)
	}
	return work.Task{Kind: Kind, ID: id, Payload: payload, Caller: bus.Caller{Account: c.Account, Region: c.Region, Source: "s3"}}, nil
}

// notificationAge is how long a notification is tried.
const notificationAge = 24 * time.Hour

// deliver is the task of a message. One that the destination refuses is dropped, as
// S3 does; others are tried again.
func (s *Service) deliver(ctx context.Context, task *work.Task) error {
	var d delivery
	if err := json.Unmarshal(task.Payload, &d); err != nil {
		return fmt.Errorf("cannot read the notification %s: %w", task.ID, err)
	}
	err := s.sender().Send(ctx, d.Destination, &notify.Message{Body: d.Message, Subject: "Amazon S3 Notification"})
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause // the next server delivers it
	}
	verdict := notify.ForAge(notificationAge).Judge(err, d.Attempt, d.First, s.clock.Now())
	if !verdict.Again {
		s.log.Warn("notification could not be delivered", "destination", d.Destination, "attempts", d.Attempt+1, "error", err)
		return nil
	}
	d.Attempt++
	next, err := d.task(task.Caller, s.ids.UUID())
	if err != nil {
		return err
	}
	next.RunAt = s.clock.Now().Add(verdict.Wait)
	return s.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return s.work.Submit(tx, next) })
}

func (s *Service) sender() notify.Sender {
	return notify.Sender{Bus: s.bus, Source: "s3", Log: s.log}
}
