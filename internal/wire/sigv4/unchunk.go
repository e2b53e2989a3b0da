package sigv4

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Unchunk makes a request whose body is in signed chunks one for a server that
// does not know the client's key: signed chunks become the plain payload, those
// with a trailer unsigned chunks with the trailer, whose checksum is still
// verified where the object is written. With a secret the signatures of the
// chunks are verified against the request's authentication. Unsigned chunks and
// all other bodies stay as they are. The body fails as [Chunked] does.
//
// See "Signature calculations for the authorization header: transferring payload
// in multiple chunks", Amazon S3 API reference.
func Unchunk(r *http.Request, a Auth, secret string) {
	kind := r.Header.Get("X-Amz-Content-Sha256")
	if !strings.HasPrefix(kind, "STREAMING-") || kind == StreamingUnsignedTrailer {
		return
	}
	chunked := NewChunked(r.Body, a, secret)
	r.ContentLength = -1
	r.Header.Del("Content-Length")
	if strings.HasSuffix(kind, "-TRAILER") {
		r.Body = body{Reframe(chunked), r.Body}
		r.Header.Set("X-Amz-Content-Sha256", StreamingUnsignedTrailer)
		return
	}
	r.Body = body{chunked, r.Body}
	r.Header.Set("X-Amz-Content-Sha256", UnsignedPayload)
	if n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64); err == nil && n >= 0 {
		r.ContentLength = n
		r.Header.Set("Content-Length", strconv.FormatInt(n, 10))
	}
	r.Header.Del("X-Amz-Decoded-Content-Length")
	DropChunked(r.Header)
}

// body reads what was decoded and closes what it was decoded from.
type body struct {
	io.Reader
	io.Closer
}

// DropChunked takes aws-chunked off the content encodings: it belongs to the
// transfer, not to the object.
func DropChunked(h http.Header) {
	var keep []string
	for v := range strings.SplitSeq(h.Get("Content-Encoding"), ",") {
		if v = strings.TrimSpace(v); v != "" && v != "aws-chunked" {
			keep = append(keep, v)
		}
	}
	h.Del("Content-Encoding")
	if keep != nil {
		h.Set("Content-Encoding", strings.Join(keep, ","))
	}
}
