package records

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// stream is a decompressed file.
type stream struct {
	io.Reader
	close []func() error
}

func (s *stream) Close() (err error) {
	for i := len(s.close) - 1; i >= 0; i-- {
		err = errors.Join(err, s.close[i]())
	}
	return err
}

// magics are the first bytes of compressed files.
var magics = []struct{ name, magic string }{
	{"gzip", "\x1f\x8b"}, {"bzip2", "BZh"}, {"lzop", "\x89LZO\x00\r\n\x1a\n"}, {"zstd", "\x28\xb5\x2f\xfd"},
}

// Compression is what the first bytes of a file tell: gzip, bzip2, lzop, zstd
// or none.
func Compression(head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.name
		}
	}
	return "none"
}

// decompress opens the file and undoes its compression.
func decompress(path, compression string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &stream{close: []func() error{f.Close}}
	in := bufio.NewReaderSize(f, 1<<18)
	s.Reader = in
	if compression == "auto" {
		head, _ := in.Peek(9)
		compression = Compression(head)
	}
	if err := s.undo(in, compression); err != nil {
		return nil, errors.Join(fmt.Errorf("not a %s file: %w", strings.ToUpper(compression), err), s.Close())
	}
	return s, nil
}

func (s *stream) undo(in *bufio.Reader, compression string) error {
	switch compression {
	case "", "none":
	case "gzip":
		z, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		s.Reader, s.close = z, append(s.close, z.Close)
	case "bzip2":
		s.Reader = bzip2.NewReader(in)
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		s.Reader, s.close = z, append(s.close, func() error { z.Close(); return nil })
	case "lzop":
		z, err := newLzop(in)
		if err != nil {
			return err
		}
		s.Reader = &blocks{next: z.next}
	default:
		return errors.New("unknown compression")
	}
	return nil
}

// blocks reads what is made block by block; next returns io.EOF at the end.
type blocks struct {
	next func() ([]byte, error)
	rest []byte
}

func (b *blocks) Read(p []byte) (n int, err error) {
	for len(b.rest) == 0 {
		next, err := b.next()
		if err != nil {
			return 0, err
		}
		b.rest = next
	}
	n = copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// unpack undoes the compression of a block that holds limit bytes at the most;
// fault is the error of one that holds more.
func unpack(codec string, raw []byte, limit uint64, fault error) ([]byte, error) {
	all := func(r io.Reader) ([]byte, error) {
		out, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
		if err == nil && uint64(len(out)) > limit {
			err = fault
		}
		return out, err
	}
	switch codec {
	case "deflate":
		return all(flate.NewReader(bytes.NewReader(raw)))
	case "bzip2":
		return all(bzip2.NewReader(bytes.NewReader(raw)))
	case "snappy":
		if n, err := snappy.DecodedLen(raw); err != nil || uint64(n) > limit {
			return nil, fault
		}
		return snappy.Decode(nil, raw)
	case "lzo":
		return lzo1x(raw, int(limit))
	case "lz4":
		out := make([]byte, limit)
		n, err := lz4.UncompressBlock(raw, out)
		return out[:max(n, 0)], err
	}
	z, err := zstd.NewReader(bytes.NewReader(raw), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	return all(z)
}
