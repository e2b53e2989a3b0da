package sigv4

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// ErrChunk says that a stream of chunks is malformed; ErrChunkSignature that a
// chunk's signature is wrong.
var (
	ErrChunk          = errors.New("malformed aws-chunked body")
	ErrChunkSignature = errors.New("chunk signature does not match")
)

// Chunked decodes an aws-chunked body: STREAMING-AWS4-HMAC-SHA256-PAYLOAD with
// or without trailer, and STREAMING-UNSIGNED-PAYLOAD-TRAILER. It streams; no
// chunk is held in memory. Read fails with ErrChunk or ErrChunkSignature.
type Chunked struct {
	in      *bufio.Reader
	left    int64 // of the chunk being read
	err     error
	trailer http.Header

	// Signature check; key is nil when chunks are not verified.
	key       []byte
	stamp     string
	scope     Scope
	previous  string // signature of what came before
	signature string // of the chunk being read
	sum       hash.Hash
}

// NewChunked decodes body. With a secret the signatures of chunks and trailer
// are verified against the request's authentication; with "" they are read over.
func NewChunked(body io.Reader, a Auth, secret string) *Chunked {
	c := &Chunked{in: bufio.NewReaderSize(body, 64<<10), trailer: http.Header{}, previous: a.Signature, stamp: a.Time, scope: a.Scope}
	if secret != "" && a.PayloadHash != StreamingUnsignedTrailer {
		c.key = SigningKey(secret, a.Scope)
		c.sum = sha256.New()
	}
	return c
}

// Trailer is what followed the last chunk, for example X-Amz-Checksum-Crc32. It
// is complete once Read has answered io.EOF.
func (c *Chunked) Trailer() http.Header { return c.trailer }

// Read gives the decoded bytes.
func (c *Chunked) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	for c.left == 0 {
		if c.err = c.nextChunk(); c.err != nil {
			return 0, c.err
		}
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.in.Read(p)
	c.left -= int64(n)
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	switch {
	case err == io.EOF:
		c.err = io.ErrUnexpectedEOF
	case err != nil:
		c.err = err
	case c.left == 0:
		c.err = c.endChunk()
	}
	return n, c.err
}

// nextChunk reads a chunk's header line. After the last, empty chunk it reads
// the trailer and answers io.EOF.
func (c *Chunked) nextChunk() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	size, ext, _ := strings.Cut(line, ";")
	n, err := strconv.ParseInt(size, 16, 64)
	if err != nil || n < 0 || n > 5<<30 {
		return fmt.Errorf("%w: chunk size %q", ErrChunk, size)
	}
	c.signature = strings.TrimPrefix(ext, "chunk-signature=")
	c.left = n
	if n > 0 {
		return nil
	}
	if err := c.check(); err != nil {
		return err
	}
	if err := c.readTrailer(); err != nil {
		return err
	}
	return io.EOF
}

func (c *Chunked) endChunk() error {
	if line, err := c.line(); err != nil {
		return err
	} else if line != "" {
		return fmt.Errorf("%w: no line end after a chunk", ErrChunk)
	}
	return c.check()
}

// check verifies the signature of the chunk that has been read.
func (c *Chunked) check() error {
	if c.key == nil {
		return nil
	}
	text := "AWS4-HMAC-SHA256-PAYLOAD\n" + c.stamp + "\n" + c.scope.String() + "\n" + c.previous + "\n" + EmptyHash + "\n" + hex.EncodeToString(c.sum.Sum(nil))
	return c.compare(hexHMAC(c.key, text), c.signature)
}

func (c *Chunked) compare(want, got string) error {
	if !hmac.Equal([]byte(want), []byte(got)) {
		return ErrChunkSignature
	}
	c.previous = want
	c.sum.Reset()
	return nil
}

// line reads a line without its end.
func (c *Chunked) line() (string, error) {
	b, err := c.in.ReadSlice('\n')
	switch {
	case err == io.EOF:
		return "", io.ErrUnexpectedEOF
	case errors.Is(err, bufio.ErrBufferFull):
		return "", fmt.Errorf("%w: line too long", ErrChunk)
	case err != nil:
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// readTrailer reads header lines up to an empty one or the end, and verifies
// the signature that signed trailers end with.
func (c *Chunked) readTrailer() error {
	var signature string
	for range 64 {
		line, err := c.line()
		if errors.Is(err, io.ErrUnexpectedEOF) || err == nil && line == "" {
			return c.checkTrailer(signature)
		}
		if err != nil {
			return err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("%w: trailer %q", ErrChunk, line)
		}
		if strings.EqualFold(name, "x-amz-trailer-signature") {
			signature = strings.TrimSpace(value)
			continue
		}
		c.trailer.Add(name, strings.TrimSpace(value))
	}
	return fmt.Errorf("%w: trailer too long", ErrChunk)
}

func (c *Chunked) checkTrailer(signature string) error {
	if c.key == nil || len(c.trailer) == 0 && signature == "" {
		return nil
	}
	var lines []string
	for name, values := range c.trailer {
		lines = append(lines, strings.ToLower(name)+":"+strings.Join(values, ",")+"\n")
	}
	slices.Sort(lines)
	text := "AWS4-HMAC-SHA256-TRAILER\n" + c.stamp + "\n" + c.scope.String() + "\n" + c.previous + "\n" + HashPayload([]byte(strings.Join(lines, "")))
	return c.compare(hexHMAC(c.key, text), signature)
}
