package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/wire/sigv4"
)

// newProxy builds the way of HTTP requests to the embedded server: bodies
// stream in both directions.
func (s *Service) newProxy(e *embedded) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			s.prepare(p.Out, bus.From(p.In.Context()))
		},
		Transport:      e.client.Transport,
		FlushInterval:  0,
		ModifyResponse: s.amend,
		ErrorHandler:   s.proxyError,
		BufferPool:     &buffers{},
	}
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 128<<10)
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

// ServeHTTP answers an S3 request for the bus.Caller in its context. Whether
// the caller is who they say they are has been decided before.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := s.embedded
	if e == nil {
		writeError(w, r, awserr.New(http.StatusServiceUnavailable, "ServiceUnavailable", "The S3 service is not started."))
		return
	}
	done := s.clock.Busy()
	defer done()
	t := targetOf(r)
	t.Source, _, _ = net.SplitHostPort(r.RemoteAddr)
	ctx := context.WithValue(r.Context(), targetKey{}, t)
	r = r.WithContext(ctx)
	w.Header().Del("X-Amz-Request-Id") // the answer brings its own
	r.Header.Del("Expect")             // Go's server answers 100-continue when the body is first read
	if err := s.intercept(r, t); err != nil {
		writeError(w, r, err)
		return
	}
	if resp, err := s.local(r, t); resp != nil || err != nil {
		if err != nil {
			s.proxyError(w, r, err)
			return
		}
		maps.Copy(w.Header(), resp.Header)
		lowerHeaders{w}.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
		return
	}
	if err := s.prepareDelete(r, t); err != nil {
		s.proxyError(w, r, err)
		return
	}
	if deletesNothing(r, t) {
		w.Header().Set("X-Amz-Request-Id", bus.From(ctx).RequestID)
		lowerHeaders{w}.WriteHeader(http.StatusNoContent)
		return
	}
	s.proxy.ServeHTTP(lowerHeaders{w}, r)
}

// lowerHeaders writes S3's own headers as S3 does, in lower case: clients
// return the names of user metadata as they receive them.
type lowerHeaders struct{ http.ResponseWriter }

func (w lowerHeaders) WriteHeader(status int) {
	lowerNames(w.Header(), "X-Amz-")
	w.ResponseWriter.WriteHeader(status)
}

func (w lowerHeaders) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func lowerNames(h http.Header, prefix string) {
	for name, values := range h {
		if strings.HasPrefix(name, prefix) {
			delete(h, name)
			h[strings.ToLower(name)] = values
		}
	}
}

// target is what a request addresses.
type target struct {
	Bucket, Key string
	Host        string // of the endpoint, without the bucket
	Query       url.Values
	Region      string // of a bucket being created
	Source      string // IP address of the client
	Deleting    []deleting
	Present     map[string]bool // of the objects being deleted, where somebody is told
}

type targetKey struct{}

// targetOf reads bucket and key from a path-style or virtual-hosted-style
// request ("Virtual hosting of general purpose buckets", Amazon S3 User Guide).
func targetOf(r *http.Request) *target {
	t := pathTarget(r)
	if bucket, rest := bucketOfHost(r.Host); bucket != "" {
		t.Bucket, t.Host, t.Key = bucket, rest, strings.TrimPrefix(r.URL.Path, "/")
	}
	return t
}

func pathTarget(r *http.Request) *target {
	t := &target{Host: r.Host, Query: r.URL.Query()}
	t.Bucket, t.Key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return t
}

// bucketOfHost splits the host of a virtual-hosted-style request:
// bucket.s3.amazonaws.com, bucket.s3.eu-west-1.amazonaws.com,
// bucket.s3-eu-west-1.amazonaws.com, bucket.s3.localhost:4566 and
// bucket.localhost:4566. Bucket names may contain dots.
func bucketOfHost(host string) (bucket, rest string) {
	for _, mark := range []string{".s3.", ".s3-"} {
		if i := strings.Index(host, mark); i > 0 {
			return host[:i], host[i+1:]
		}
	}
	name, _, _ := strings.Cut(host, ":")
	if bucket, ok := strings.CutSuffix(name, ".localhost"); ok && bucket != "s3" && bucket != "" {
		return bucket, host[len(bucket)+1:]
	}
	return "", host
}

// path is the request's path in path style, unescaped.
func (t *target) path() string {
	switch {
	case t.Bucket == "":
		return "/"
	case t.Key == "":
		return "/" + t.Bucket
	default:
		return "/" + t.Bucket + "/" + t.Key
	}
}

// prepare turns a client's request into one for the embedded server: path
// style, without the client's authentication, signed for the account.
func (s *Service) prepare(out *http.Request, c bus.Caller) {
	t, _ := out.Context().Value(targetKey{}).(*target)
	query := t.Query
	if query.Has("X-Amz-Signature") || query.Has("Signature") && query.Has("AWSAccessKeyId") {
		query = unsignQuery(query, out.Header)
	}
	for _, name := range []string{"Authorization", "X-Amz-Security-Token", "Date", "Proxy-Authorization",
		"X-Amz-Region-Set", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"} {
		out.Header.Del(name)
	}
	if t.Key != "" && (out.Method == http.MethodPut || out.Method == http.MethodPost) && out.Header.Get("Content-Type") == "" {
		out.Header.Set("Content-Type", defaultContentType)
	}
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", "stepwell")
	}
	out.URL = &url.URL{
		Scheme: "http", Host: "s3",
		Path:     t.path(),
		RawPath:  sigv4.Escape(t.path(), true),
		RawQuery: strings.ReplaceAll(query.Encode(), "+", "%20"),
	}
	out.Host = t.Host
	streamBody(out)
	if out.ContentLength < 0 {
		out.Close = true // the server leaves the end of such a body unread
	}
	s.embedded.accounts.sign(out, c.Account, time.Now())
}

// defaultContentType is the type of an object that was put without one.
const defaultContentType = "binary/octet-stream"

// authQuery names the query parameters of presigned requests, both versions.
var authQuery = map[string]bool{
	"x-amz-algorithm": true, "x-amz-credential": true, "x-amz-date": true, "x-amz-expires": true,
	"x-amz-signedheaders": true, "x-amz-signature": true, "x-amz-security-token": true,
	"awsaccesskeyid": true, "signature": true, "expires": true,
}

// unsignQuery takes the authentication out of a presigned request's query.
// Headers that the signer moved into the query become headers again.
func unsignQuery(query url.Values, h http.Header) url.Values {
	rest := url.Values{}
	for name, values := range query {
		lower := strings.ToLower(name)
		switch {
		case authQuery[lower]:
		case strings.HasPrefix(lower, "x-amz-"):
			if h.Get(name) == "" && len(values) > 0 {
				h.Set(name, values[0])
			}
		default:
			rest[name] = values
		}
	}
	return rest
}

// proxyError answers a request that did not get through.
func (s *Service) proxyError(w http.ResponseWriter, r *http.Request, err error) {
	if e := awserr.From(err); e != nil {
		writeError(w, r, e)
		return
	}
	switch fault := (*store.Fault)(nil); {
	case errors.As(err, &fault):
		writeError(w, r, awserr.New(http.StatusServiceUnavailable, "ServiceUnavailable", "The server's state cannot be kept (%s).", fault.Err))
	case errors.Is(err, sigv4.ErrChunk), errors.Is(err, io.ErrUnexpectedEOF):
		writeError(w, r, awserr.New(http.StatusBadRequest, "IncompleteBody",
			"You did not provide the number of bytes specified by the Content-Length HTTP header"))
	case r.Context().Err() != nil:
		w.WriteHeader(499) // the client has gone
	default:
		s.log.Error("cannot pass an S3 request on", "method", r.Method, "path", r.URL.Path, "error", err)
		writeError(w, r, awserr.New(http.StatusInternalServerError, "InternalError",
			"We encountered an internal error. Please try again."))
	}
}

// errorBody is S3's error document.
type errorBody struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Bucket    string `xml:"BucketName,omitempty"`
	Key       string `xml:",omitempty"`
	Resource  string
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

// writeError answers with S3's error document.
func writeError(w http.ResponseWriter, r *http.Request, e *awserr.Error) {
	id := bus.From(r.Context()).RequestID
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Server", "AmazonS3")
	if id != "" {
		w.Header().Set("X-Amz-Request-Id", id)
	}
	w.WriteHeader(e.HTTPStatus())
	if r.Method == http.MethodHead {
		return
	}
	body := errorBody{Code: e.Code, Message: e.Message, Resource: r.URL.Path, RequestID: id, HostID: id}
	if t, ok := r.Context().Value(targetKey{}).(*target); ok {
		body.Bucket, body.Key = t.Bucket, t.Key
	}
	text, err := xml.Marshal(body)
	if err == nil {
		io.WriteString(w, xml.Header)
		w.Write(text)
	}
}
