package s3

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/wire/sigv4"
)

// maxDocument bounds the XML documents this package reads itself.
const maxDocument = 1 << 20

const xmlns = "http://s3.amazonaws.com/doc/2006-03-01/"

var regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)

// intercept answers or changes the requests that the embedded server would get
// wrong: it knows one region only, and no operation by name.
func (s *Service) intercept(r *http.Request, t *target) *awserr.Error {
	if name := missingOperation(r.Method, t); name != "" {
		return awserr.NotImplemented("s3:" + name)
	}
	if r.Method == http.MethodPost && t.Key == "" && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return awserr.NotImplemented("s3:PostObject (uploads from HTML forms)")
	}
	if fault := s.interceptKey(r, t); fault != nil {
		return fault
	}
	if fault := reservedTags(r, t); fault != nil {
		return fault
	}
	if r.Method == http.MethodPut && t.Bucket != "" && t.Key == "" && !hasSubresource(t.Query) {
		return s.interceptCreate(r, t)
	}
	if legacyName(t.Bucket) {
		return errNoSuchBucket(t.Bucket)
	}
	return nil
}

// legacyName tells whether a bucket name was good in us-east-1 until 2018 and is
// not since ("Bucket naming rules", Amazon S3 User Guide). Here no bucket has such a
// name, but asking for one is no fault of the name.
func legacyName(bucket string) bool {
	return len(bucket) >= 3 && len(bucket) <= 255 && strings.Trim(bucket, legacyCharacters) == "" &&
		(len(bucket) > 63 || strings.ToLower(bucket) != bucket || strings.Contains(bucket, "_"))
}

const legacyCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

// hasSubresource tells an operation on part of a bucket from one on the bucket.
func hasSubresource(query url.Values) bool {
	for name := range query {
		if lower := strings.ToLower(name); lower != "x-id" && !strings.HasPrefix(lower, "x-amz-") && !authQuery[lower] {
			return true
		}
	}
	return false
}

// interceptCreate takes the location out of a CreateBucket request, after the
// rules of "CreateBucket" in the API reference: a signed request to a regional
// endpoint must name that region, one to us-east-1 any or none. Calls from
// inside the process may leave the region to the caller.
func (s *Service) interceptCreate(r *http.Request, t *target) *awserr.Error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDocument))
	if err != nil {
		return errMalformedXML()
	}
	var doc struct {
		XMLName            xml.Name
		LocationConstraint string
		Tags               *struct {
			Inner []byte `xml:",innerxml"`
		}
	}
	if len(bytes.TrimSpace(body)) > 0 {
		if err := xml.Unmarshal(body, &doc); err != nil || doc.XMLName.Local != "CreateBucketConfiguration" {
			return errMalformedXML()
		}
	}
	region, fault := bucketRegion(bus.From(r.Context()), doc.LocationConstraint)
	if fault != nil {
		return fault
	}
	t.Region = region
	var rest []byte
	if doc.Tags != nil {
		rest = fmt.Appendf(nil, `<CreateBucketConfiguration xmlns="%s"><Tags>%s</Tags></CreateBucketConfiguration>`, xmlns, doc.Tags.Inner)
	}
	r.Body = http.NoBody
	if rest != nil {
		r.Body = io.NopCloser(bytes.NewReader(rest))
	}
	r.ContentLength = int64(len(rest))
	r.Header.Set("Content-Length", strconv.Itoa(len(rest)))
	r.Header.Set("X-Amz-Content-Sha256", sigv4.UnsignedPayload)
	r.Header.Del("Content-Md5")
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Checksum-") || name == "X-Amz-Sdk-Checksum-Algorithm" {
			r.Header.Del(name)
		}
	}
	return nil
}

func bucketRegion(c bus.Caller, constraint string) (string, *awserr.Error) {
	if constraint == "EU" {
		constraint = "eu-west-1"
	}
	switch {
	case constraint == "" && c.Region != bus.DefaultRegion && c.AccessKey != "":
		return "", errIllegalLocation("unspecified")
	case constraint == "":
		return c.Region, nil
	case !regionName.MatchString(constraint) || constraint == bus.DefaultRegion:
		return "", errInvalidLocation()
	case c.Region != bus.DefaultRegion && constraint != c.Region:
		return "", errIllegalLocation(constraint)
	}
	return constraint, nil
}

// amend changes the answers in which the embedded server's single region, its
// clockless buckets or its name show.
func (s *Service) amend(resp *http.Response) error {
	ctx := resp.Request.Context()
	resp.Header.Set("Server", "AmazonS3")
	for _, name := range []string{"X-Amz-Request-Id", "X-Amz-Id-2"} { // some answers carry them twice
		if values := resp.Header[name]; len(values) > 1 {
			resp.Header[name] = values[:1]
		}
	}
	if err := s.amendIDs(resp, bus.From(ctx).RequestID); err != nil {
		return err
	}
	t, _ := ctx.Value(targetKey{}).(*target)
	if err := s.observe(resp, t); err != nil {
		return err
	}
	method, ok := resp.Request.Method, resp.StatusCode < 300
	switch {
	case t.Region != "":
		return s.amendCreate(ctx, resp, t)
	case t.Bucket == "":
		if ok && method == http.MethodGet {
			return s.amendList(ctx, resp, t)
		}
	case t.Key != "":
		if resp.StatusCode == http.StatusBadRequest && method != http.MethodHead && strings.HasSuffix(t.Key, "/") {
			return amendFolder(resp)
		}
		if ok {
			amendObject(resp)
		}
	case ok && method == http.MethodDelete && !hasSubresource(t.Query):
		return s.dropBucket(ctx, t.Bucket)
	case ok && method == http.MethodGet && t.Query.Has("location"):
		b, err := s.bucket(ctx, t.Bucket)
		if err != nil {
			return err
		}
		if b.Region == bus.DefaultRegion {
			b.Region = ""
		}
		setBody(resp, xml.Header+`<LocationConstraint xmlns="`+xmlns+`">`+b.Region+`</LocationConstraint>`)
	case resp.Header.Get("X-Amz-Bucket-Region") != "":
		b, err := s.bucket(ctx, t.Bucket)
		if err != nil {
			return err
		}
		resp.Header.Set("X-Amz-Bucket-Region", b.Region)
	}
	return nil
}

// amendObject makes the headers of an object's answer S3's: no storage class where
// it is STANDARD, and the encryption that every object has since 2023 unless its
// writer chose another ("GetObject", "PutObject", API reference). Objects are plain
// files here all the same.
func amendObject(resp *http.Response) {
	h, r := resp.Header, resp.Request
	if h.Get("X-Amz-Storage-Class") == "STANDARD" {
		h.Del("X-Amz-Storage-Class")
	}
	stored := r.Method == http.MethodPost || r.Header.Get("X-Amz-Copy-Source") != "" || h.Get("Etag") != ""
	if stored && r.Header.Get("X-Amz-Server-Side-Encryption") == "" && h.Get("X-Amz-Server-Side-Encryption") == "" {
		h.Set("X-Amz-Server-Side-Encryption", "AES256")
	}
}

// amendIDs gives the answer the request id under which the request is logged.
func (s *Service) amendIDs(resp *http.Response, id string) error {
	own := resp.Header.Get("X-Amz-Request-Id")
	if id == "" || own == "" {
		return nil
	}
	resp.Header.Set("X-Amz-Request-Id", id)
	if resp.StatusCode < 400 || resp.Request.Method == http.MethodHead {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument))
	if err == nil {
		setBody(resp, strings.ReplaceAll(string(body), own, id))
	}
	return err
}

// amendCreate keeps a new bucket's region. Creating a bucket again that one
// owns succeeds in us-east-1 and nowhere else.
func (s *Service) amendCreate(ctx context.Context, resp *http.Response, t *target) error {
	if resp.StatusCode == http.StatusOK {
		if t.Region != bus.DefaultRegion {
			resp.Header.Set("Location", "http://"+t.Bucket+".s3.amazonaws.com/")
		}
		return s.keepBucket(ctx, t.Bucket, t.Region)
	}
	if resp.StatusCode != http.StatusConflict || t.Region != bus.DefaultRegion {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument))
	if err != nil {
		return err
	}
	var doc struct{ Code string }
	kept, keptErr := s.bucket(ctx, t.Bucket)
	if xml.Unmarshal(body, &doc) == nil && doc.Code == "BucketAlreadyOwnedByYou" && keptErr == nil && kept.Region == bus.DefaultRegion {
		resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
		resp.Header.Set("Location", "/"+t.Bucket)
		resp.Header.Del("Content-Type")
		setBody(resp, "")
		return nil
	}
	setBody(resp, string(body))
	return nil
}

type bucketList struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Buckets struct{ Bucket []bucketEntry }
	Owner   struct {
		ID          string
		DisplayName string `xml:",omitempty"`
	}
	Prefix            string `xml:",omitempty"`
	ContinuationToken string `xml:",omitempty"`
}

type bucketEntry struct {
	Name         string
	CreationDate string
	BucketRegion string
}

func (s *Service) amendList(ctx context.Context, resp *http.Response, t *target) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var list bucketList
	if err := xml.Unmarshal(body, &list); err != nil {
		return errors.Join(errors.New("cannot read the list of buckets"), err)
	}
	only := t.Query.Get("bucket-region")
	kept := list.Buckets.Bucket[:0]
	for _, b := range list.Buckets.Bucket {
		r, err := s.bucket(ctx, b.Name)
		if err != nil {
			return err
		}
		if only != "" && r.Region != only {
			continue
		}
		b.BucketRegion = r.Region
		if !r.Created.IsZero() {
			b.CreationDate = r.Created.UTC().Format(time.RFC3339)
		}
		kept = append(kept, b)
	}
	list.Buckets.Bucket = kept
	text, err := xml.Marshal(list)
	if err != nil {
		return err
	}
	setBody(resp, xml.Header+string(text))
	return nil
}

func setBody(resp *http.Response, body string) {
	resp.Body.Close()
	resp.Body = io.NopCloser(strings.NewReader(body))
	resp.ContentLength = int64(len(body))
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	if body != "" {
		resp.Header.Set("Content-Type", "application/xml")
	}
}
