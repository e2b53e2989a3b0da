package exec

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf16"

	"stepwell/internal/asl/parquet"
	"stepwell/internal/asl/value"
)

// The formats of an ItemReader. All of them stream.

// mostItem is how much of an object is read for one item, in bytes. A child's
// input is far smaller; ItemSelector may take a part of it.
const mostItem = 16 << 20

var errItemSize = errors.New("An item exceeds the maximum size that can be read.")

// budget reads until its budget is used up: what holds an item grows no further.
type budget struct {
	r    io.Reader
	left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errItemSize
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// csvSource reads CSV; every row is an object of strings.
type csvSource struct {
	in      io.ReadCloser
	budget  *budget
	r       *csv.Reader
	headers []string
	columns []column // in the order of the objects' members
}

type column struct {
	key []byte // the header as JSON, with the colon
	at  int
}

var delimiters = map[string]rune{"": ',', "COMMA": ',', "PIPE": '|', "SEMICOLON": ';', "SPACE": ' ', "TAB": '\t'}

func newCSV(in io.ReadCloser, spec *readerSpec) (format, error) {
	b := &budget{in, mostItem}
	s := &csvSource{in: in, budget: b, r: csv.NewReader(b), headers: spec.Headers}
	s.r.LazyQuotes, s.r.FieldsPerRecord, s.r.ReuseRecord = true, -1, true
	if s.r.Comma = delimiters[spec.Delimiter]; s.r.Comma == 0 {
		s.close()
		return nil, missing("CSVDelimiter " + spec.Delimiter)
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
	s.budget.left = mostItem
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

// jsonItems reads the elements of an array or the members of an object, that of
// the text or the one that a pointer (RFC 6901) leads to.
type jsonItems struct {
	in      io.ReadCloser
	budget  *budget
	d       *json.Decoder
	members bool
	key     *string // of the member read last
}

var errNoItems = errors.New("Attempting to map over non-iterable node.")

func newJSON(in io.ReadCloser, pointer string) (format, error) {
	b := &budget{in, mostItem}
	s := &jsonItems{in: in, budget: b, d: json.NewDecoder(b)}
	s.d.UseNumber()
	err := s.seek(pointer)
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// seek goes to the array or the object.
func (s *jsonItems) seek(pointer string) error {
	for _, name := range strings.Split(pointer, "/")[min(1, strings.Count(pointer, "/")):] {
		if pointer == "" {
			break
		}
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		if t, err := s.token(); err != nil || t != json.Delim('{') {
			return errNoItems
		}
		for found := false; !found; {
			t, err := s.token()
			if err != nil || t == json.Delim('}') {
				return errNoItems
			}
			if found = t == name; !found {
				if err := s.skip(); err != nil {
					return err
				}
			}
		}
	}
	t, err := s.token()
	s.members = t == json.Delim('{')
	if err != nil || t != json.Delim('[') && !s.members {
		return errNoItems
	}
	return nil
}

func (s *jsonItems) token() (json.Token, error) {
	s.budget.left = mostItem
	return s.d.Token()
}

// skip passes over a value.
func (s *jsonItems) skip() error {
	for depth := 0; ; {
		t, err := s.token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

func (s *jsonItems) next() (json.RawMessage, error) {
	s.budget.left = mostItem
	if !s.d.More() {
		if _, err := s.d.Token(); err != nil {
			return nil, unexpected(err)
		}
		return nil, io.EOF
	}
	if s.members {
		t, err := s.d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, unexpected(err)
		}
		s.key = &name
	}
	var item json.RawMessage
	if err := s.d.Decode(&item); err != nil {
		return nil, unexpected(err)
	}
	return compacted(item)
}

func (s *jsonItems) close() { s.in.Close() }

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func compacted(item []byte) (json.RawMessage, error) {
	var b bytes.Buffer
	b.Grow(len(item))
	if err := json.Compact(&b, item); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// lines reads JSON texts, one a line.
type lines struct {
	in     io.ReadCloser
	budget *budget
	r      *bufio.Reader
}

func newLines(in io.ReadCloser) *lines {
	b := &budget{in, mostItem}
	return &lines{in, b, bufio.NewReaderSize(b, 1<<16)}
}

func (s *lines) next() (json.RawMessage, error) {
	for {
		s.budget.left = mostItem
		line, err := s.r.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return compacted(line)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (s *lines) close() { s.in.Close() }

// parquetRows reads the rows of a Parquet file, by parts of the object.
type parquetRows struct{ rows *parquet.Rows }

func openParquet(ctx context.Context, host MapHost, o Object) (format, error) {
	size, err := host.Size(ctx, o)
	if err != nil {
		in, cause := host.Open(ctx, o) // its error says more than the answer to a HEAD can
		if cause != nil {
			return nil, cause
		}
		in.Close()
		return nil, err
	}
	rows, err := parquet.Open(&objectParts{ctx, host, o}, size)
	if err != nil {
		return nil, err
	}
	return &parquetRows{rows}, nil
}

func (s *parquetRows) next() (json.RawMessage, error) { return s.rows.Next() }
func (s *parquetRows) close()                         { s.rows.Close() }

// objectParts is an object that is read by parts.
type objectParts struct {
	ctx    context.Context
	host   MapHost
	object Object
}

func (p *objectParts) ReadAt(b []byte, offset int64) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	o := p.object
	o.Offset, o.Length = offset, int64(len(b))
	in, err := p.host.Open(p.ctx, o)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	n, err := io.ReadFull(in, b)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}
