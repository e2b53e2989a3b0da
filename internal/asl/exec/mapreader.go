package exec

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

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
	format
	origin() origin // of the item that next returned last
}

// format reads items in one format.
type format interface {
	next() (json.RawMessage, error)
	close()
}

// origin is what the context object says of an item beside its index and value
// ("Context object data for Map states", developer guide).
type origin struct {
	source string  // Map.Item.Source
	key    *string // Map.Item.Key: of a member of an object; nil: the item is an element of an array
}

// stateData is the source of items that come with the state's input.
const stateData = "STATE_DATA"

// listSource are items at hand: the elements of an array, or the members of an object.
type listSource struct {
	items [][]byte
	keys  []string // nil: an array
	read  int
}

func newList(text []byte) *listSource {
	v, err := value.Parse(text)
	o, ok := v.(*value.Object)
	if err != nil || !ok {
		return &listSource{items: splitItems(text)}
	}
	s := &listSource{keys: []string{}}
	for _, m := range o.Members() {
		s.keys, s.items = append(s.keys, m.Name), append(s.items, value.Text(m.Value))
	}
	return s
}

func (s *listSource) origin() origin {
	o := origin{source: stateData}
	if s.keys != nil {
		o.key = &s.keys[s.read-1]
	}
	return o
}

func (s *listSource) next() (json.RawMessage, error) {
	if s.read == len(s.items) {
		return nil, io.EOF
	}
	s.read++
	return s.items[s.read-1], nil
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
		return newList(spec.Items), nil
	}
	s, err := openReader(ctx, host, caller, spec.Reader)
	if err == nil && spec.Reader.Max > 0 {
		s = &limited{s, spec.Reader.Max}
	}
	return s, err
}

// openReader opens the items that an ItemReader names.
func openReader(ctx context.Context, host MapHost, caller Info, r *readerSpec) (itemSource, error) {
	f := &fetcher{ctx: ctx, host: host, spec: r}
	object := r.Object.object(caller)
	objects := &listing{ctx: ctx, host: host, object: object}
	switch {
	case r.List && r.Load:
		return &files{fetcher: f, more: objects.nextFile}, nil
	case r.List:
		return objects, nil
	case r.Manifest == athenaManifest:
		return f.athena(object)
	case r.Manifest == inventoryManifest || r.Type == "MANIFEST":
		return f.inventory(object)
	}
	return f.open(object)
}

// fetcher opens objects of a format.
type fetcher struct {
	ctx  context.Context
	host MapHost
	spec *readerSpec
}

// objectItems are the items of one object.
type objectItems struct {
	format
	source string
}

func (s *objectItems) origin() origin {
	o := origin{source: s.source}
	if members, ok := s.format.(*jsonItems); ok {
		o.key = members.key
	}
	return o
}

func (f *fetcher) open(o Object) (itemSource, error) {
	items, err := f.read(o)
	if err != nil {
		return nil, err
	}
	return &objectItems{items, "S3://" + o.Bucket + "/" + o.Key}, nil
}

func (f *fetcher) read(o Object) (format, error) {
	switch f.spec.Type {
	case "PARQUET":
		return openParquet(f.ctx, f.host, o)
	case "CSV", "JSON", "JSONL":
	default:
		return nil, missing(fmt.Sprintf("ItemReader with InputType %q", f.spec.Type))
	}
	in, err := openObject(f.ctx, f.host, o)
	if err != nil {
		return nil, err
	}
	switch f.spec.Type {
	case "CSV":
		return newCSV(in, f.spec)
	case "JSON":
		return newJSON(in, f.spec.Pointer)
	}
	return newLines(in), nil
}

// stream is an object, unpacked.
type stream struct {
	io.Reader
	object io.Closer
	packed *zstd.Decoder // nil: it is not
}

func (s *stream) Close() error {
	if s.packed != nil {
		s.packed.Close()
	}
	return s.object.Close()
}

// mostWindow is how much of a zstd stream may have to be kept, in bytes.
const mostWindow = 128 << 20

// openObject opens an object; gzip and zstd are recognised by their first bytes.
func openObject(ctx context.Context, host MapHost, o Object) (io.ReadCloser, error) {
	in, err := host.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(in, 1<<16)
	head, _ := r.Peek(4)
	s := &stream{Reader: r, object: in}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		unpacked, err := gzip.NewReader(r)
		if err != nil {
			in.Close()
			return nil, err
		}
		r = bufio.NewReaderSize(unpacked, 1<<16)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		s.packed, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(mostWindow))
		if err != nil {
			in.Close()
			return nil, err
		}
		r = bufio.NewReaderSize(s.packed, 1<<16)
	}
	if mark, _ := r.Peek(3); bytes.Equal(mark, []byte{0xef, 0xbb, 0xbf}) {
		_, _ = r.Discard(3)
	}
	s.Reader = r
	return s, nil
}

// listing are the objects under a prefix.
type listing struct {
	ctx    context.Context
	host   MapHost
	object Object
	page   []ObjectEntry
	token  string
	ended  bool
}

// entry is the next object.
func (s *listing) entry() (ObjectEntry, error) {
	for len(s.page) == 0 {
		if s.ended {
			return ObjectEntry{}, io.EOF
		}
		var err error
		if s.page, s.token, err = s.host.List(s.ctx, s.object, s.token); err != nil {
			return ObjectEntry{}, err
		}
		s.ended = s.token == ""
	}
	e := s.page[0]
	s.page = s.page[1:]
	return e, nil
}

// nextFile is the next object that is not the mark of a folder.
func (s *listing) nextFile() (Object, error) {
	for {
		e, err := s.entry()
		if err != nil || !strings.HasSuffix(e.Key, "/") || e.Size > 0 {
			o := s.object
			o.Key, o.Prefix = e.Key, ""
			return o, err
		}
	}
}

func (s *listing) next() (json.RawMessage, error) {
	e, err := s.entry()
	if err != nil {
		return nil, err
	}
	return value.Text(value.NewObject(
		value.Member{Name: "Etag", Value: e.ETag},
		value.Member{Name: "LastModified", Value: value.Int(e.LastModified.Unix())},
		value.Member{Name: "Key", Value: e.Key},
		value.Member{Name: "Size", Value: value.Int(e.Size)},
		value.Member{Name: "StorageClass", Value: e.StorageClass})), nil
}

func (s *listing) close() {}

func (s *listing) origin() origin { return origin{source: "S3://" + s.object.Bucket} }

// files reads objects of one format, one behind the other.
type files struct {
	*fetcher
	more func() (Object, error) // the next object; io.EOF ends them
	file itemSource
	last origin
	done func() // closes what more reads; nil: there is none
}

func (s *files) next() (json.RawMessage, error) {
	for {
		if s.file == nil {
			o, err := s.more()
			if err != nil {
				return nil, err
			}
			if s.file, err = s.open(o); err != nil {
				return nil, fmt.Errorf("%s: %w", o.Key, err)
			}
		}
		item, err := s.file.next()
		if err == nil {
			s.last = s.file.origin()
		}
		if err != io.EOF {
			return item, err
		}
		s.file.close()
		s.file = nil
	}
}

func (s *files) origin() origin { return s.last }

func (s *files) close() {
	if s.file != nil {
		s.file.close()
	}
	if s.done != nil {
		s.done()
	}
}

// Types of manifests ("ItemReader", developer guide).
const (
	inventoryManifest = "S3_INVENTORY"
	athenaManifest    = "ATHENA_DATA"
)

// inventory reads the files of an S3 inventory by its manifest.json.
func (f *fetcher) inventory(o Object) (itemSource, error) {
	in, err := openObject(f.ctx, f.host, o)
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
	spec := &readerSpec{Type: strings.ToUpper(m.FileFormat), Given: true}
	switch spec.Type {
	case "CSV":
		for name := range strings.SplitSeq(m.FileSchema, ",") {
			spec.Headers = append(spec.Headers, strings.TrimSpace(name))
		}
	case "PARQUET":
	default:
		return nil, missing("S3 inventory in the format " + m.FileFormat)
	}
	o.Bucket, o.Version = m.DestinationBucket[strings.LastIndexByte(m.DestinationBucket, ':')+1:], ""
	return &files{fetcher: &fetcher{f.ctx, f.host, spec}, more: func() (Object, error) {
		if len(m.Files) == 0 {
			return Object{}, io.EOF
		}
		o.Key, m.Files = m.Files[0].Key, m.Files[1:]
		return o, nil
	}}, nil
}

// athena reads the files that the manifest of Athena's UNLOAD lists, an s3:// address a line.
func (f *fetcher) athena(o Object) (itemSource, error) {
	in, err := openObject(f.ctx, f.host, o)
	if err != nil {
		return nil, err
	}
	r := bufio.NewScanner(in)
	return &files{fetcher: f, done: func() { in.Close() }, more: func() (Object, error) {
		for r.Scan() {
			line := strings.Trim(strings.TrimSpace(r.Text()), `"`)
			if line == "" {
				continue
			}
			path, ok := strings.CutPrefix(line, "s3://")
			bucket, key, found := strings.Cut(path, "/")
			if !ok || !found {
				return Object{}, fmt.Errorf("the manifest has a line that is no S3 address: %q", line)
			}
			return Object{Bucket: bucket, Key: key, Owner: o.Owner, Caller: o.Caller}, nil
		}
		if err := r.Err(); err != nil {
			return Object{}, err
		}
		return Object{}, io.EOF
	}}, nil
}
