package sigv4

import (
	"io"
	"slices"
	"strconv"
	"strings"
)

// Reframe gives the content of a decoded stream as unsigned chunks with its
// trailer (STREAMING-UNSIGNED-PAYLOAD-TRAILER), for a server that does not know
// the client's key. All chunks but the last are 64 KiB long: S3 refuses those
// below 8 KiB (InvalidChunkSizeError).
func Reframe(c *Chunked) io.Reader { return &reframer{in: c} }

type reframer struct {
	in      *Chunked
	buf     []byte
	pending []byte
	done    bool
}

func (r *reframer) Read(p []byte) (int, error) {
	for len(r.pending) == 0 {
		if r.done {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	return n, nil
}

// next frames the next chunk, or the end.
func (r *reframer) next() error {
	if r.buf == nil {
		r.buf = make([]byte, 64<<10)
	}
	n, err := 0, error(nil)
	for n < len(r.buf) && err == nil {
		var more int
		more, err = r.in.Read(r.buf[n:])
		n += more
	}
	if n > 0 {
		r.pending = strconv.AppendInt(nil, int64(n), 16)
		r.pending = append(r.pending, "\r\n"...)
		r.pending = append(r.pending, r.buf[:n]...)
		r.pending = append(r.pending, "\r\n"...)
	}
	if err != io.EOF {
		return err
	}
	r.done = true
	r.pending = append(r.pending, "0\r\n"...)
	var lines []string
	for name, values := range r.in.Trailer() {
		lines = append(lines, strings.ToLower(name)+":"+strings.Join(values, ",")+"\r\n")
	}
	slices.Sort(lines)
	r.pending = append(r.pending, strings.Join(lines, "")+"\r\n"...)
	return nil
}
