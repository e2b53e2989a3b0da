package records

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// The formats of a Spec.
const (
	Text  = "text"  // delimited, as COPY reads it by default
	CSV   = "csv"   // with quotes
	Fixed = "fixed" // columns of fixed widths
	JSON  = "json"
	Avro  = "avro"
	ORC   = "orc"
	Regex = "regex"
)

// MaxRecord is the length of the longest record: 4 MB, COPY's limit.
const MaxRecord = 4 << 20

// File is a file to read.
type File struct {
	Path string // where it lies
	Name string `json:",omitempty"` // what errors call it
	// Parts are constants that every record of the file carries behind its
	// fields; nil is NULL.
	Parts []*string `json:",omitempty"`
}

// Column is a field wanted of every record.
type Column struct {
	Name string `json:",omitempty"` // of the member in JSON, Avro and ORC
	// Path replaces the name: steps of member names and list positions.
	Path []Step `json:",omitempty"`
	// Whole asks for a value as JSON text, not for the text of a string.
	Whole bool `json:",omitempty"`
	// Pairs turns an object into a list of {"key": ..., "value": ...}.
	Pairs bool `json:",omitempty"`
	// Root asks for the whole record as JSON.
	Root  bool `json:",omitempty"`
	Width int  `json:",omitempty"` // of a fixed width column, in characters
}

// Step is one step of a JSON path: a member's name, or a position from 0.
type Step struct {
	Name  string `json:",omitempty"`
	Index int    `json:",omitempty"`
	List  bool   `json:",omitempty"`
}

// Spec says what to read.
type Spec struct {
	Format  string
	Files   []File
	Columns []Column
	// Compression is gzip, bzip2, lzop, zstd, none, or auto: by the
	// file's first bytes.
	Compression string `json:",omitempty"`
	Encoding    string `json:",omitempty"` // utf8, utf16, utf16le, utf16be, iso88591

	Delimiter    string  `json:",omitempty"`
	Quote        string  `json:",omitempty"`
	Null         *string `json:",omitempty"`
	Escape       string  `json:",omitempty"` // the character that takes the next one's meaning away
	RemoveQuotes bool    `json:",omitempty"`
	Fill         bool    `json:",omitempty"` // missing fields at the end are empty
	SkipBlank    bool    `json:",omitempty"`
	Skip         int     `json:",omitempty"` // lines at the start of every file
	// Replace, one character, stands for every byte that is not UTF-8.
	Replace    string `json:",omitempty"`
	IgnoreCase bool   `json:",omitempty"` // names of members
	Pattern    string `json:",omitempty"` // of Regex; its groups are the fields
	// Lenient takes records as a SerDe does: missing fields are NULL, surplus
	// ones are ignored.
	Lenient bool `json:",omitempty"`
	// Malformed: a record that does not parse is one of NULLs.
	Malformed bool `json:",omitempty"`
	// ByPosition finds the columns of ORC by their places, not by name.
	ByPosition bool `json:",omitempty"`
	// Outer: a list around all records is stripped.
	Outer bool `json:",omitempty"`
	// Logical renders Avro's dates and timestamps as text, not as numbers.
	Logical bool `json:",omitempty"`
	// Trace adds to every record where it was found and what is wrong with it.
	Trace bool `json:",omitempty"`
	// Origin adds the file's path to every record.
	Origin bool `json:",omitempty"`
}

// Fault is what is wrong with a record.
type Fault struct {
	Code     int // of the Load error reference
	Reason   string
	Column   int // which field, from 0; -1: none
	Position int // in the record, from 0
}

func (f *Fault) Error() string { return f.Reason }

func fault(code, column, position int, format string, args ...any) *Fault {
	return &Fault{Code: code, Column: column, Position: position, Reason: fmt.Sprintf(format, args...)}
}

// Record is one record. Its slices are valid until the next call of Next.
type Record struct {
	File   int
	Line   int64
	Raw    []byte
	Fields [][]byte // nil is NULL
	Fault  *Fault
}

// source reads the records of one file. It gives io.EOF at the end, a *Fault
// for one record that does not parse, and other errors for the file.
type source interface {
	next(r *Record) error
}

// Set is the files of a Spec, shared by readers.
type Set struct {
	spec Spec
	mu   sync.Mutex
	at   int
}

// Parse reads a Spec from its JSON.
func Parse(text string) (Spec, error) {
	var s Spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("cannot read the description of files: %w", err)
	}
	return s, nil
}

// String is the Spec's JSON.
func (s Spec) String() string {
	text, err := json.Marshal(s)
	if err != nil {
		return err.Error() // only texts and numbers: cannot fail
	}
	return string(text)
}

// Open prepares reading. No file is opened before a Reader asks for it.
func Open(s Spec) *Set { return &Set{spec: s} }

// Reader takes files from the set until none is left.
type Reader struct {
	set  *Set
	file int
	open io.Closer
	from source
}

// Reader starts a reader.
func (s *Set) Reader() *Reader { return &Reader{set: s, file: -1} }

// Next reads the next record. A record's own fault is in the record; an error
// is that of a file, io.EOF the end of all.
func (r *Reader) Next(rec *Record) error {
	for {
		if r.from == nil {
			if err := r.advance(); err != nil {
				return err
			}
		}
		rec.File, rec.Fault, rec.Raw = r.file, nil, nil
		err := r.from.next(rec)
		if err == nil {
			return nil
		}
		if errors.Is(err, io.EOF) {
			if err := r.Close(); err != nil {
				return err
			}
			continue
		}
		if f := (*Fault)(nil); errors.As(err, &f) {
			rec.Fault = f
			return nil
		}
		return r.failed(err)
	}
}

func (r *Reader) advance() error {
	s := r.set
	s.mu.Lock()
	r.file = s.at
	s.at++
	s.mu.Unlock()
	if r.file >= len(s.spec.Files) {
		return io.EOF
	}
	in, err := decompress(s.spec.Files[r.file].Path, s.spec.Compression)
	if err != nil {
		return r.failed(err)
	}
	r.open = in
	if r.from, err = newSource(&s.spec, in, s.spec.Files[r.file].Path); err != nil {
		return errors.Join(r.failed(err), r.Close())
	}
	return nil
}

func (r *Reader) failed(err error) error {
	f := r.set.spec.Files[r.file]
	return fmt.Errorf("cannot read %s: %w", cmp.Or(f.Name, f.Path), err)
}

// Close closes the file under way.
func (r *Reader) Close() error {
	if r.open == nil {
		return nil
	}
	err := r.open.Close()
	r.open, r.from = nil, nil
	return err
}

func newSource(s *Spec, in io.Reader, path string) (source, error) {
	switch s.Format {
	case ORC:
		return openORC(s, path, in)
	case Avro:
		return openAvro(s, in)
	}
	decoded, err := decode(in, s.Encoding)
	if err != nil {
		return nil, err
	}
	switch s.Format {
	case JSON:
		return newJSON(s, decoded)
	case Text, CSV, Fixed, Regex:
		return newLines(s, decoded)
	}
	return nil, fmt.Errorf("cannot read files in the format %q", s.Format)
}
