package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"

	"stepwell/internal/bus"
)

// call answers a bus operation: the input becomes a request to the embedded
// server, through the same rules as a client's.
func (s *Service) call(ctx context.Context, name string, in any) (any, error) {
	if s.embedded == nil {
		return nil, errors.New("cannot call S3: it is not started")
	}
	op := s.codec.Model.Operation(name)
	r, err := s.codec.NewRequest(ctx, op, "http://s3.amazonaws.com", in)
	if err != nil {
		return nil, fmt.Errorf("cannot call s3:%s: %w", name, err)
	}
	spool, err := s.measure(r)
	if err != nil {
		return nil, fmt.Errorf("cannot call s3:%s: %w", name, err)
	}
	if spool != nil {
		defer spool.Close()
	}
	if op.ChecksumRequired && r.Header.Get("Content-Md5") == "" {
		if err := addMD5(r); err != nil {
			return nil, err
		}
	}
	resp, err := s.roundTrip(r)
	if err != nil {
		return nil, err
	}
	return s.codec.ReadResponse(op, resp)
}

// roundTrip does for a request made here what the HTTP door does for others.
func (s *Service) roundTrip(r *http.Request) (*http.Response, error) {
	r.Host = r.URL.Host
	t := pathTarget(r)
	r = r.WithContext(context.WithValue(r.Context(), targetKey{}, t))
	if err := s.intercept(r, t); err != nil {
		return nil, err
	}
	if resp, err := s.local(r, t); resp != nil || err != nil {
		return resp, err
	}
	if err := s.prepareDelete(r, t); err != nil {
		return nil, err
	}
	if deletesNothing(r, t) {
		return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	s.prepare(r, bus.From(r.Context()))
	resp, err := s.embedded.client.Transport.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("cannot reach the S3 server: %w", err)
	}
	if err := s.amend(resp); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// measure gives a streamed body the length that S3 needs to know in advance:
// that of a file, or, of any other stream, found by writing it to a temporary
// file, which the caller closes.
func (s *Service) measure(r *http.Request) (spool io.Closer, err error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength > 0 || r.GetBody != nil {
		return nil, nil
	}
	if f, ok := r.Body.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			at, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			return nil, setLength(r, info.Size()-at)
		}
	}
	f, err := os.CreateTemp("", "stepwell-upload-")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name()) // the open file remains, and goes with the process
	n, err := io.Copy(f, r.Body)
	r.Body.Close()
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	r.Body = io.NopCloser(f)
	return f, setLength(r, n)
}

func setLength(r *http.Request, n int64) error {
	r.ContentLength = n
	if n == 0 {
		r.Body = http.NoBody
	}
	r.Header.Set("Content-Length", strconv.FormatInt(n, 10))
	return nil
}

// addMD5 adds the digest that some operations require of their document.
func addMD5(r *http.Request) error {
	if r.GetBody == nil {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return err
	}
	h := md5.New()
	if _, err := io.Copy(h, body); err != nil {
		return err
	}
	r.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(h.Sum(nil)))
	return nil
}
