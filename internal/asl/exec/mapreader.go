package exec

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"

	"stepwell/internal/asl/value"
)

// errReader and errWriter are the errors of the ends of a Map run.
const (
	errReader = "States.ItemReaderFailed"
	errWriter = "States.ResultWriterFailed"
)

// itemSource hands out the items of a Map run, JSON texts, one after the
// other; io.EOF ends them. It streams: no more than one item is held.
type itemSource interface {
	next() (json.RawMessage, error)
	close()
}

// listSource are items at hand.
type listSource struct{ items [][]byte }

func (s *listSource) next() (json.RawMessage, error) {
	if len(s.items) == 0 {
		return nil, io.EOF
	}
	item := s.items[0]
	s.items = s.items[1:]
	return item, nil
}

func (s *listSource) close() {}

// limited ends after some items.
type limited struct {
	itemSource
	left int64
}

func (s *limited) next() (json.RawMessage, error) {
	if s.left == 0 {
		return nil, io.EOF
	}
	s.left--
	return s.itemSource.next()
}

// openItems opens the items of a Map run.
func openItems(ctx context.Context, host MapHost, caller Info, spec *runSpec) (itemSource, error) {
	if spec.Reader == nil {
		return &listSource{splitItems(spec.Items)}, nil
	}
	s, err := openReader(ctx, host, caller, spec.Reader)
	if err == nil && spec.Reader.Max > 0 {
		s = &limited{s, spec.Reader.Max}
	}
	return s, err
}

func openReader(ctx context.Context, host MapHost, caller Info, r *readerSpec) (itemSource, error) {
	object := r.Object.object(caller)
	if r.List {
		return &listing{ctx: ctx, host: host, object: object}, nil
	}
	switch r.Type {
	case "CSV":
		in, err := openObject(ctx, host, object)
		if err != nil {
			return nil, err
		}
		return newCSV(in, r)
	case "JSON":
		in, err := openObject(ctx, host, object)
		if err != nil {
			return nil, err
		}
		return newJSONArray(in, r.Pointer)
	case "JSONL":
		in, err := openObject(ctx, host, object)
		if err != nil {
			return nil, err
		}
		return &lines{in: in, r: bufio.NewReaderSize(in, 1<<16)}, nil
	case "MANIFEST":
		return openManifest(ctx, host, object)
	}
	return nil, fmt.Errorf("not implemented: ItemReader with InputType %q", r.Type)
}

// stream is an object, unpacked.
type stream struct {
	io.Reader
	object io.Closer
}

func (s *stream) Close() error { return s.object.Close() }

// openObject opens an object; gzip is recognised by its first bytes.
func openObject(ctx context.Context, host MapHost, o Object) (io.ReadCloser, error) {
	in, err := host.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(in, 1<<16)
	head, _ := r.Peek(4)
	s := &stream{r, in}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		unpacked, err := gzip.NewReader(r)
		if err != nil {
			in.Close()
			return nil, err
		}
		s.Reader = unpacked
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		in.Close()
		return nil, errors.New("not implemented: ItemReader of zstd-compressed objects")
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, _ = r.Discard(3)
	}
	return s, nil
}

// csvSource reads CSV; every row is an object of strings.
type csvSource struct {
	in      io.ReadCloser
	r       *csv.Reader
	headers []string
	columns []column // in the order of the objects' members
}

type column struct {
	key []byte // the header as JSON, with the colon
	at  int
}

var delimiters = map[string]rune{"": ',', "COMMA": ',', "PIPE": '|', "SEMICOLON": ';', "SPACE": ' ', "TAB": '\t'}

func newCSV(in io.ReadCloser, spec *readerSpec) (itemSource, error) {
	s := &csvSource{in: in, r: csv.NewReader(in), headers: spec.Headers}
	s.r.LazyQuotes, s.r.FieldsPerRecord, s.r.ReuseRecord = true, -1, true
	if s.r.Comma = delimiters[spec.Delimiter]; s.r.Comma == 0 {
		s.close()
		return nil, fmt.Errorf("not implemented: CSVDelimiter %s", spec.Delimiter)
	}
	if !spec.Given {
		row, err := s.r.Read()
		if err != nil && err != io.EOF {
			s.close()
			return nil, err
		}
		s.headers = append([]string(nil), row...)
	}
	seen := map[string]bool{}
	for i, h := range s.headers {
		if seen[h] {
			s.close()
			return nil, errors.New("CSV headers cannot contain duplicates.")
		}
		seen[h] = true
		s.columns = append(s.columns, column{append(value.AppendString(nil, h), ':'), i})
	}
	slices.SortStableFunc(s.columns, func(a, b column) int {
		return bucket(s.headers[a.at], len(s.headers)) - bucket(s.headers[b.at], len(s.headers))
	})
	return s, nil
}

// bucket is the place of a name among n in a hash map of Java's: the service
// hands out the columns of a row in that order (the example of "Iterating over
// an Amazon S3 CSV file" in the developer guide: rating, movieId, userId, timestamp).
func bucket(name string, n int) int {
	size := 16
	for 4*n > 3*size {
		size *= 2
	}
	var h uint32
	for _, unit := range utf16.Encode([]rune(name)) {
		h = 31*h + uint32(unit)
	}
	return int((h ^ h>>16) & uint32(size-1))
}

func (s *csvSource) next() (json.RawMessage, error) {
	row, err := s.r.Read()
	if err != nil {
		return nil, err
	}
	size := 10
	for _, c := range s.columns {
		size += len(c.key) + 3
		if c.at < len(row) {
			size += len(row[c.at])
		}
	}
	item := append(make([]byte, 0, size), '{')
	for i, c := range s.columns {
		if i > 0 {
			item = append(item, ',')
		}
		item = append(item, c.key...)
		field := ""
		if c.at < len(row) {
			field = row[c.at]
		}
		item = value.AppendString(item, field)
	}
	return append(item, '}'), nil
}

func (s *csvSource) close() { s.in.Close() }

// jsonArray reads the elements of an array, that of the text or the one that a
// pointer (RFC 6901) leads to.
type jsonArray struct {
	in io.ReadCloser
	d  *json.Decoder
}

var errNoArray = errors.New("Attempting to map over non-iterable node.")

func newJSONArray(in io.ReadCloser, pointer string) (itemSource, error) {
	s := &jsonArray{in, json.NewDecoder(in)}
	s.d.UseNumber()
	err := s.seek(pointer)
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// seek goes to the array.
func (s *jsonArray) seek(pointer string) error {
	for _, name := range strings.Split(pointer, "/")[min(1, strings.Count(pointer, "/")):] {
		if pointer == "" {
			break
		}
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		if t, err := s.d.Token(); err != nil || t != json.Delim('{') {
			return errNoArray
		}
		for found := false; !found; {
			t, err := s.d.Token()
			if err != nil || t == json.Delim('}') {
				return errNoArray
			}
			if found = t == name; !found {
				var skipped json.RawMessage
				if err := s.d.Decode(&skipped); err != nil {
					return err
				}
			}
		}
	}
	if t, err := s.d.Token(); err != nil || t != json.Delim('[') {
		return errNoArray
	}
	return nil
}

func (s *jsonArray) next() (json.RawMessage, error) {
	if !s.d.More() {
		if _, err := s.d.Token(); err != nil {
			return nil, unexpected(err)
		}
		return nil, io.EOF
	}
	var item json.RawMessage
	if err := s.d.Decode(&item); err != nil {
		return nil, unexpected(err)
	}
	return compact(item)
}

func (s *jsonArray) close() { s.in.Close() }

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func compact(item []byte) (json.RawMessage, error) {
	var b bytes.Buffer
	b.Grow(len(item))
	if err := json.Compact(&b, item); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// lines reads JSON texts, one a line.
type lines struct {
	in io.ReadCloser
	r  *bufio.Reader
}

func (s *lines) next() (json.RawMessage, error) {
	for {
		line, err := s.r.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return compact(line)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (s *lines) close() { s.in.Close() }

// listing are the objects under a prefix.
type listing struct {
	ctx    context.Context
	host   MapHost
	object Object
	page   []ObjectEntry
	token  string
	ended  bool
}

func (s *listing) next() (json.RawMessage, error) {
	for len(s.page) == 0 {
		if s.ended {
			return nil, io.EOF
		}
		var err error
		if s.page, s.token, err = s.host.List(s.ctx, s.object, s.token); err != nil {
			return nil, err
		}
		s.ended = s.token == ""
	}
	e := s.page[0]
	s.page = s.page[1:]
	return value.Text(value.NewObject(
		value.Member{Name: "Etag", Value: e.ETag},
		value.Member{Name: "LastModified", Value: value.Int(e.LastModified.Unix())},
		value.Member{Name: "Key", Value: e.Key},
		value.Member{Name: "Size", Value: value.Int(e.Size)},
		value.Member{Name: "StorageClass", Value: e.StorageClass})), nil
}

func (s *listing) close() {}

// manifest reads the files of an S3 inventory, one behind the other.
type manifest struct {
	ctx    context.Context
	host   MapHost
	object Object
	keys   []string
	spec   readerSpec
	file   itemSource
}

func openManifest(ctx context.Context, host MapHost, o Object) (itemSource, error) {
	in, err := openObject(ctx, host, o)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var m struct {
		DestinationBucket, FileFormat, FileSchema string
		Files                                     []struct{ Key string }
	}
	if err := json.NewDecoder(in).Decode(&m); err != nil {
		return nil, fmt.Errorf("the S3 inventory manifest cannot be read: %w", err)
	}
	if m.FileFormat != "CSV" {
		return nil, fmt.Errorf("not implemented: S3 inventory in the format %s", m.FileFormat)
	}
	s := &manifest{ctx: ctx, host: host, object: o, spec: readerSpec{Given: true}}
	s.object.Bucket, s.object.Version = m.DestinationBucket[strings.LastIndexByte(m.DestinationBucket, ':')+1:], ""
	for _, name := range strings.Split(m.FileSchema, ",") {
		s.spec.Headers = append(s.spec.Headers, strings.TrimSpace(name))
	}
	for _, f := range m.Files {
		s.keys = append(s.keys, f.Key)
	}
	return s, nil
}

func (s *manifest) next() (json.RawMessage, error) {
	for {
		if s.file == nil {
			if len(s.keys) == 0 {
				return nil, io.EOF
			}
			s.object.Key, s.keys = s.keys[0], s.keys[1:]
			in, err := openObject(s.ctx, s.host, s.object)
			if err != nil {
				return nil, err
			}
			if s.file, err = newCSV(in, &s.spec); err != nil {
				return nil, err
			}
		}
		item, err := s.file.next()
		if err != io.EOF {
			return item, err
		}
		s.file.close()
		s.file = nil
	}
}

func (s *manifest) close() {
	if s.file != nil {
		s.file.close()
	}
}
