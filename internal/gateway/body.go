package gateway

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"

	"stepwell/internal/awserr"
	"stepwell/internal/wire/sigv4"
)

// body reads the whole body of a request, once; later calls give the same.
func (g *Gateway) body(x *exchange) ([]byte, error) {
	if kept, ok := x.r.Body.(*keptBody); ok {
		return kept.data, kept.err
	}
	kept := &keptBody{}
	if x.r.ContentLength > g.o.MaxBody {
		kept.err = tooLarge()
	} else {
		kept.data, kept.err = readLimited(x.r.Body, g.o.MaxBody, x.r.ContentLength)
	}
	x.bytesIn = int64(len(kept.data))
	kept.Reader = bytes.NewReader(kept.data)
	x.r.Body = kept
	return kept.data, kept.err
}

// keptBody is a body that has been read and can be read again.
type keptBody struct {
	*bytes.Reader
	data []byte
	err  error
}

func (k *keptBody) Close() error { return nil }

func tooLarge() *awserr.Error {
	return awserr.New(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request size exceeded the limit.")
}

func incomplete() *awserr.Error {
	return awserr.New(400, "IncompleteBody", "The request body terminated unexpectedly")
}

func readLimited(r io.Reader, limit, hint int64) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	var b bytes.Buffer
	if hint > 0 && hint < limit {
		b.Grow(int(hint) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, incomplete()
	}
	if n > limit {
		return nil, tooLarge()
	}
	return b.Bytes(), nil
}

// plain undoes a gzip content encoding.
func (g *Gateway) plain(x *exchange, body []byte) ([]byte, error) {
	if !strings.EqualFold(x.r.Header.Get("Content-Encoding"), "gzip") || len(body) == 0 {
		return body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, awserr.New(400, "SerializationException", "")
	}
	out, err := readLimited(z, g.o.MaxBody, 0)
	if e := awserr.From(err); e != nil && e.Status == http.StatusRequestEntityTooLarge {
		return nil, e
	}
	if err != nil {
		return nil, awserr.New(400, "SerializationException", "")
	}
	return out, nil
}

// verifiedBody replaces the body of a streamed request by one that fails when
// it is not what was signed.
func verifiedBody(x *exchange) {
	r, a := x.r, x.target.auth
	hash := a.PayloadHash
	switch {
	case hash == sigv4.StreamingPayload, hash == sigv4.StreamingPayloadTrailer:
		sigv4.Unchunk(r, a, x.secret)
		r.Body = &faultBody{r.Body, r.Body}
	case len(hash) == 64:
		r.Body = &faultBody{&hashed{in: r.Body, want: hash, sum: sha256.New()}, r.Body}
	}
}

// hashed passes a body through and fails at its end when its SHA-256 is not
// the signed one.
type hashed struct {
	in   io.Reader
	want string
	sum  hash.Hash
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.in.Read(p)
	h.sum.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(h.sum.Sum(nil)) != h.want {
		return n, awserr.New(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return n, err
}

// faultBody turns the faults of signed streams into S3's errors.
type faultBody struct {
	io.Reader
	io.Closer
}

func (f *faultBody) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	switch {
	case errors.Is(err, sigv4.ErrChunkSignature):
		err = s3Mismatch()
	case errors.Is(err, sigv4.ErrChunk), errors.Is(err, io.ErrUnexpectedEOF):
		err = incomplete()
	}
	return n, err
}
