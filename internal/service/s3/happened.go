package s3

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// Happening is something that has happened to an object, for EventBridge.
type Happening struct {
	Account, Region string // of the bucket
	Bucket          string
	DetailType      string // "Object Created"
	At              time.Time
	Detail          json.RawMessage
}

// happening is what an operation has done to an object.
type happening struct {
	Event   string // "ObjectCreated:Put"
	Reason  string // the operation, "PutObject"
	Key     string
	Version string
	ETag    string
	Size    *int64
}

// detailTypes are the names of events on EventBridge, and what a deletion is there
// ("Using EventBridge", Amazon S3 User Guide).
var detailTypes = map[string]struct{ name, deletion string }{
	"ObjectCreated:Put":                     {"Object Created", ""},
	"ObjectCreated:Copy":                    {"Object Created", ""},
	"ObjectCreated:CompleteMultipartUpload": {"Object Created", ""},
	"ObjectRemoved:Delete":                  {"Object Deleted", "Permanently Deleted"},
	"ObjectRemoved:DeleteMarkerCreated":     {"Object Deleted", "Delete Marker Created"},
	"ObjectTagging:Put":                     {"Object Tags Added", ""},
	"ObjectTagging:Delete":                  {"Object Tags Deleted", ""},
}

// emptyETag is that of a delete marker in notifications: of no content.
const emptyETag = "d41d8cd98f00b204e9800998ecf8427e"

// prepareDelete notes which of the objects that a request deletes are there: only
// their deletion is told. It does nothing for buckets that tell nothing.
func (s *Service) prepareDelete(r *http.Request, t *target) error {
	one := r.Method == http.MethodDelete && t.Key != "" && !hasSubresourceButVersion(t.Query)
	if t.Bucket == "" || !one && len(t.Deleting) == 0 {
		return nil
	}
	c, err := s.notificationsOf(r.Context(), t.Bucket)
	if err != nil || c == nil {
		return err
	}
	t.Present = map[string]bool{}
	keys := t.Deleting
	if one {
		keys = []deleting{{Key: t.Key, VersionID: t.Query.Get("versionId")}}
	}
	for _, o := range keys {
		_, err := s.Path(r.Context(), t.Bucket, o.Key)
		t.Present[o.Key] = err == nil || o.VersionID != ""
	}
	return nil
}

// deleting is an object of a DeleteObjects.
type deleting struct {
	Key       string
	VersionID string `xml:"VersionId"`
}

func hasSubresourceButVersion(query url.Values) bool {
	for name := range query {
		if name != "versionId" && hasSubresource(url.Values{name: nil}) {
			return true
		}
	}
	return false
}

// observe tells of what a request has done that was answered with resp. It returns
// once the telling is durable: a client has no answer before.
func (s *Service) observe(resp *http.Response, t *target) error {
	ctx := resp.Request.Context()
	if t.Bucket == "" || resp.StatusCode >= 300 || resp.Request.Method == http.MethodGet || resp.Request.Method == http.MethodHead {
		return nil
	}
	c, err := s.notificationsOf(ctx, t.Bucket)
	if err != nil || c == nil {
		return err
	}
	list, err := s.happened(resp, t)
	if err != nil || len(list) == 0 {
		return err
	}
	return s.tell(ctx, c, t, list)
}

// happened is what a request has done.
func (s *Service) happened(resp *http.Response, t *target) ([]happening, error) {
	method, query, h := resp.Request.Method, t.Query, resp.Header
	version := h.Get("X-Amz-Version-Id")
	switch {
	case t.Key == "" && method == http.MethodPost && query.Has("delete"):
		return s.manyDeleted(resp, t)
	case t.Key == "":
		return nil, nil
	case method == http.MethodPut && query.Has("tagging"):
		return []happening{{Event: "ObjectTagging:Put", Key: t.Key, Version: version, ETag: s.etagOf(t.Bucket, t.Key)}}, nil
	case method == http.MethodDelete && query.Has("tagging"):
		return []happening{{Event: "ObjectTagging:Delete", Key: t.Key, Version: version, ETag: s.etagOf(t.Bucket, t.Key)}}, nil
	case method == http.MethodPost && query.Has("uploadId"):
		return s.created(t, "ObjectCreated:CompleteMultipartUpload", "CompleteMultipartUpload", version), nil
	case hasSubresourceButVersion(query):
		return nil, nil
	case method == http.MethodPut && resp.Request.Header.Get("X-Amz-Copy-Source") != "":
		return s.created(t, "ObjectCreated:Copy", "CopyObject", version), nil
	case method == http.MethodPut:
		return s.created(t, "ObjectCreated:Put", "PutObject", version), nil
	case method == http.MethodDelete:
		return s.deletion(t, t.Key, version, h.Get("X-Amz-Delete-Marker") == "true" && query.Get("versionId") == "", "DeleteObject"), nil
	}
	return nil, nil
}

func (s *Service) created(t *target, event, reason, version string) []happening {
	x := happening{Event: event, Reason: reason, Key: t.Key, Version: version, ETag: s.etagOf(t.Bucket, t.Key)}
	if path, err := s.Path(context.Background(), t.Bucket, t.Key); err == nil {
		if info, err := os.Stat(path); err == nil {
			x.Size = new(info.Size())
		}
	} else if strings.HasSuffix(t.Key, "/") {
		x.Size = new(int64(0)) // a folder marker
	}
	return []happening{x}
}

func (s *Service) deletion(t *target, key, version string, marker bool, reason string) []happening {
	switch {
	case marker:
		return []happening{{Event: "ObjectRemoved:DeleteMarkerCreated", Reason: reason, Key: key, Version: version, ETag: emptyETag}}
	case !t.Present[key]:
		return nil
	}
	return []happening{{Event: "ObjectRemoved:Delete", Reason: reason, Key: key, Version: version}}
}

// manyDeleted reads the answer of a DeleteObjects. A quiet one names only failures.
func (s *Service) manyDeleted(resp *http.Response, t *target) (list []happening, err error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDelete))
	if err != nil {
		return nil, err
	}
	setBody(resp, string(body))
	var doc struct {
		Deleted []struct {
			Key                   string
			VersionId             string
			DeleteMarker          bool
			DeleteMarkerVersionId string
		}
		Error []struct{ Key string }
	}
	if err := xml.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("cannot read the answer of DeleteObjects: %w", err)
	}
	if len(doc.Deleted) > 0 {
		for _, d := range doc.Deleted {
			marker := d.DeleteMarker && d.VersionId == ""
			version := d.VersionId
			if marker {
				version = d.DeleteMarkerVersionId
			}
			list = append(list, s.deletion(t, d.Key, version, marker, "DeleteObjects")...)
		}
		return list, nil
	}
	failed := map[string]bool{}
	for _, e := range doc.Error {
		failed[e.Key] = true
	}
	for _, o := range t.Deleting {
		if !failed[o.Key] {
			list = append(list, s.deletion(t, o.Key, o.VersionID, o.VersionID == "" && s.deleted(t.Bucket, o.Key), "DeleteObjects")...)
		}
	}
	return list, nil
}

func (s *Service) etagOf(bucket, key string) string {
	data, err := s.embedded.attributes.RetrieveAttribute(nil, bucket, key, attrETag)
	if err != nil {
		return ""
	}
	return strings.Trim(string(data), `"`)
}

// tell makes messages of happenings and hands them on, durably.
func (s *Service) tell(ctx context.Context, c *s3.NotificationConfiguration, t *target, list []happening) error {
	told, err := rules(c)
	if err != nil {
		return err
	}
	b, err := s.bucket(ctx, t.Bucket)
	if err != nil {
		return err
	}
	o := occasion{caller: bus.From(ctx), at: s.clock.Now(), bucket: t.Bucket, owner: s.embedded.owner(t.Bucket), region: b.Region, source: t.Source, host: s.ids.Hex(32)}
	if o.caller.RequestID == "" {
		o.caller.RequestID = strings.ToUpper(s.ids.Hex(8))
	}
	if o.source == "" {
		o.source = "127.0.0.1"
	}
	return s.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		for i := range list {
			x, sequencer := &list[i], s.sequencer()
			for _, r := range told {
				if !r.hears("s3:"+x.Event, x.Key) {
					continue
				}
				text, err := o.record(x, r.id, sequencer)
				if err == nil {
					err = s.submit(tx, bus.Caller{Account: o.owner, Region: o.region}, r.destination, text)
				}
				if err != nil {
					return err
				}
			}
			if c.EventBridgeConfiguration == nil || s.happenings == nil {
				continue
			}
			detail, err := o.detail(x, sequencer)
			if err != nil {
				return err
			}
			if err := s.happenings(tx, Happening{Account: o.owner, Region: o.region, Bucket: o.bucket, DetailType: detailTypes[x.Event].name, At: o.at, Detail: detail}); err != nil {
				return err
			}
		}
		return nil
	})
}

// sequencer is a hexadecimal number that grows from one event to the next.
func (s *Service) sequencer() string {
	for {
		last, now := s.sequence.Load(), s.clock.Now().UnixNano()
		if now <= last {
			now = last + 1
		}
		if s.sequence.CompareAndSwap(last, now) {
			return fmt.Sprintf("%018X", now)
		}
	}
}
