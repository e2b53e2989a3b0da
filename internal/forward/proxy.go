package forward

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"stepwell/internal/awserr"
	"stepwell/internal/wire/sigv4"
)

// Pass sends a client's request for a routed service on, signed anew, and the
// answer back. S3's bodies stream. The path names the bucket. The error is of a
// request that had no answer; nothing was written then.
func (f *Forwarder) Pass(w http.ResponseWriter, r *http.Request, service string) error {
	way := f.routes[service]
	bucket := ""
	if service == "s3" {
		bucket = bucketOfPath(r.URL.Path)
	}
	res, t, err := f.send(r, way, bucket)
	if err == nil && way.buckets.learn(bucket, t, res) && r.ContentLength == 0 {
		res.Body.Close()
		res, _, err = f.send(r, way, bucket)
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	for name, values := range res.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			name = strings.ToLower(name) // as S3 writes it: clients show the rest as the user's name
		}
		if !hop[name] {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(res.StatusCode)
	if _, err := io.Copy(w, res.Body); err != nil {
		panic(http.ErrAbortHandler) // the status is out: break the connection off
	}
	return nil
}

// send signs a client's request anew and sends it.
func (f *Forwarder) send(r *http.Request, w *way, bucket string) (*http.Response, target, error) {
	t, err := w.place(r.Context(), "", bucket)
	if err != nil {
		return nil, t, err
	}
	as, err := w.source.get(r.Context(), false)
	if err != nil {
		return nil, t, misconfigured(w, err)
	}
	req, hash, err := outgoing(r, t, w.Service)
	if err != nil {
		return nil, t, err
	}
	sigv4.Signer{Credentials: as, Region: t.region, Service: t.service}.Sign(req, hash, f.o.Now())
	res, err := f.http.Do(req)
	if err != nil {
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // the client went away
		}
		return nil, t, awserr.New(http.StatusServiceUnavailable, "ServiceUnavailable", "%s is routed to %s, which does not answer: %v", w.Service, t.endpoint, err)
	}
	return res, t, nil
}

// hop are the headers that belong to one connection.
var hop = map[string]bool{"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true}

// signing are the query parameters of presigned URLs, of both versions.
var signing = map[string]bool{"X-Amz-Algorithm": true, "X-Amz-Credential": true, "X-Amz-Date": true, "X-Amz-Expires": true, "X-Amz-SignedHeaders": true,
	"X-Amz-Signature": true, "X-Amz-Security-Token": true, "AWSAccessKeyId": true, "Signature": true, "Expires": true}

// outgoing is the request for the other side, unsigned, and the hash of its body.
func outgoing(r *http.Request, t target, service string) (*http.Request, string, error) {
	base, err := url.Parse(t.endpoint)
	if err != nil {
		return nil, "", err
	}
	u := *r.URL
	u.Scheme, u.Host = base.Scheme, base.Host
	if prefix := strings.TrimSuffix(base.EscapedPath(), "/"); prefix != "" {
		u.RawPath = prefix + r.URL.EscapedPath()
		if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
			return nil, "", err
		}
	}
	u.RawQuery = withoutSignature(u.RawQuery)
	req, err := http.NewRequestWithContext(r.Context(), r.Method, u.String(), nil)
	if err != nil {
		return nil, "", err
	}
	req.URL = &u // with the path escaped as the client escaped it
	for name, values := range r.Header {
		if !hop[name] && name != "Authorization" && name != "X-Amz-Date" && name != "X-Amz-Security-Token" && name != "Expect" {
			req.Header[name] = values
		}
	}
	hash, err := body(req, r, service)
	return req, hash, err
}

func withoutSignature(query string) string {
	var keep []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err == nil && !signing[plain] {
			keep = append(keep, part)
		}
	}
	return strings.Join(keep, "&")
}

// body gives the request its body, and says how it is signed: by the hash that
// the client gave, or not at all. Chunks signed by the client become plain bytes.
func body(req, r *http.Request, service string) (hash string, err error) {
	req.Body, req.ContentLength = r.Body, r.ContentLength
	if r.ContentLength == 0 {
		req.Body = http.NoBody
	}
	if service != "s3" {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return "", awserr.New(400, "IncompleteBody", "The request body terminated unexpectedly")
		}
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(string(data))), int64(len(data))
		return sigv4.HashPayload(data), nil
	}
	switch given := r.Header.Get("X-Amz-Content-Sha256"); {
	case given == sigv4.StreamingUnsignedTrailer || len(given) == 64:
		return given, nil
	case strings.HasPrefix(given, "STREAMING-"):
		plain(req, r)
	case req.Body == http.NoBody:
		return sigv4.EmptyHash, nil
	}
	return sigv4.UnsignedPayload, nil
}

// plain takes the client's chunks off the body. What its trailer says is not
// passed on.
func plain(req, r *http.Request) {
	req.Body = struct {
		io.Reader
		io.Closer
	}{sigv4.NewChunked(r.Body, sigv4.Auth{}, ""), r.Body}
	if n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64); err == nil {
		req.ContentLength = n
	}
	req.Header.Del("X-Amz-Decoded-Content-Length")
	req.Header.Del("X-Amz-Trailer")
	sigv4.DropChunked(req.Header)
}
