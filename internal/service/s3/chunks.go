package s3

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// errBody is a request body that breaks off or is not framed as it says.
var errBody = errors.New("the request body is malformed")

// streamBody prepares a body in the aws-chunked encoding for the embedded
// server, which knows nothing of the client's key and so cannot follow chunk
// signatures. (Whoever verifies signatures verifies those of the chunks too,
// before the body comes here.)
//
//   - signed chunks without trailer become the plain payload;
//   - signed chunks with a trailer become unsigned chunks with the trailer, so
//     that its checksum is still verified where the object is written;
//   - unsigned chunks go through as they are.
//
// See "Signature calculations for the authorization header: transferring
// payload in multiple chunks" in the Amazon S3 API reference.
func streamBody(r *http.Request) {
	kind := r.Header.Get("X-Amz-Content-Sha256")
	if !strings.HasPrefix(kind, "STREAMING-") {
		if kind == "" {
			r.Header.Set("X-Amz-Content-Sha256", payloadUnsigned)
		}
		return
	}
	stripChunkedEncoding(r.Header)
	if kind == payloadUnsignedTrailer {
		return
	}
	d := &chunkReader{in: bufio.NewReaderSize(r.Body, 64<<10), body: r.Body}
	if strings.HasSuffix(kind, "-TRAILER") {
		d.framed = true
		r.Header.Set("X-Amz-Content-Sha256", payloadUnsignedTrailer)
	} else {
		r.Header.Set("X-Amz-Content-Sha256", payloadUnsigned)
		if n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64); err == nil {
			r.ContentLength = n
		} else {
			r.ContentLength = -1
		}
		r.Header.Del("X-Amz-Decoded-Content-Length")
	}
	r.Body = d
}

// stripChunkedEncoding removes aws-chunked from Content-Encoding: it belongs
// to the transfer, not to the object.
func stripChunkedEncoding(h http.Header) {
	var kept []string
	for _, v := range strings.Split(h.Get("Content-Encoding"), ",") {
		if v = strings.TrimSpace(v); v != "" && v != "aws-chunked" {
			kept = append(kept, v)
		}
	}
	if kept == nil {
		h.Del("Content-Encoding")
		return
	}
	h.Set("Content-Encoding", strings.Join(kept, ","))
}

// chunkReader reads an aws-chunked body and gives its payload, or, framed, the
// same chunks and trailers without signatures. The framed form is as long as
// what was read: zeros before the chunk sizes stand for what is left out, so
// that the request keeps its Content-Length.
type chunkReader struct {
	in     *bufio.Reader
	body   io.Closer
	framed bool

	left    int64  // payload bytes to come of the current chunk
	pending []byte // framing to give out first
	done    bool
}

func (c *chunkReader) Close() error { return c.body.Close() }

func (c *chunkReader) Read(p []byte) (int, error) {
	for {
		switch {
		case len(p) == 0:
			return 0, nil
		case len(c.pending) > 0:
			n := copy(p, c.pending)
			c.pending = c.pending[n:]
			return n, nil
		case c.done:
			return 0, io.EOF
		case c.left > 0:
			return c.payload(p)
		}
		if err := c.header(); err != nil {
			return 0, err
		}
	}
}

func (c *chunkReader) payload(p []byte) (int, error) {
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err != nil {
		return n, broken(err)
	}
	if c.left == 0 {
		line, _, err := c.line()
		if err != nil {
			return n, err
		}
		if line != "" {
			return n, fmt.Errorf("%w: a chunk does not end where it should", errBody)
		}
		c.frame("\r\n")
	}
	return n, nil
}

func (c *chunkReader) header() error {
	line, room, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(line, ";")
	if c.left, err = strconv.ParseInt(size, 16, 63); err != nil || c.left < 0 {
		c.left = 0
		return fmt.Errorf("%w: chunk size %q", errBody, size)
	}
	if c.left > 0 {
		c.frame(padded(size, room-2) + "\r\n")
		return nil
	}
	var trailers strings.Builder
	for {
		line, n, err := c.line()
		room += n
		if errors.Is(err, errBody) && line == "" {
			break // bodies without trailers may end at the last chunk's line
		}
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		if !strings.HasPrefix(strings.ToLower(line), "x-amz-trailer-signature:") {
			trailers.WriteString(line + "\r\n")
		}
	}
	c.frame(padded("0", room-trailers.Len()-4) + "\r\n" + trailers.String() + "\r\n")
	c.done = true
	return nil
}

// padded is the number with as many zeros before it as make it n characters.
func padded(number string, n int) string {
	return strings.Repeat("0", max(0, n-len(number))) + number
}

func (c *chunkReader) frame(s string) {
	if c.framed {
		c.pending = append(c.pending, s...)
	}
}

// line reads up to a line feed and gives the text without the line's end, and
// how many bytes were read.
func (c *chunkReader) line() (text string, n int, err error) {
	line, err := c.in.ReadSlice('\n')
	text = strings.TrimRight(string(line), "\r\n")
	if err != nil {
		return text, len(line), broken(err)
	}
	return text, len(line), nil
}

func broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, bufio.ErrBufferFull) {
		return fmt.Errorf("%w: it ends early", errBody)
	}
	return err
}
