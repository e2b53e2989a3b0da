package records

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// orcFile reads an ORC file (ORC specification v1): the wanted columns of one
// stripe after the other, each column's streams as they are needed.
type orcFile struct {
	spec    *Spec
	in      io.ReaderAt
	tail    orcTail
	columns []int // type of every wanted column; 0: the file has none
	stripe  int
	left    int64
	row     int64
	readers []orcColumn
	values  [][]byte
	buf     []byte
	marks   []int
}

var errORC = errors.New("broken ORC data")

// orcLimit bounds what a file may ask to be held in memory at once.
const orcLimit = 256 << 20

func openORC(s *Spec, path string, in io.Reader) (source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if c, ok := in.(*stream); ok {
		c.close = append(c.close, f.Close)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return newORC(s, f, info.Size())
}

func newORC(s *Spec, in io.ReaderAt, size int64) (source, error) {
	o := &orcFile{spec: s, in: in, values: make([][]byte, len(s.Columns))}
	if err := o.tail.read(in, size); err != nil {
		return nil, err
	}
	root := o.tail.types[0]
	if root.kind != orcStruct {
		return nil, errors.New("the records of the ORC file are not structs")
	}
	if n := len(root.subtypes); s.ByPosition && !s.Lenient && (n > len(s.Columns) || n < len(s.Columns) && !s.Fill) {
		return nil, fmt.Errorf("unmatched number of columns between table and file. Table columns: %d, Data columns: %d", len(s.Columns), n)
	}
	for i, c := range s.Columns {
		found := 0
		for k, name := range root.names {
			if s.ByPosition && k == i || !s.ByPosition && (name == c.Name || s.IgnoreCase && strings.EqualFold(name, c.Name)) {
				found = root.subtypes[k]
			}
		}
		o.columns = append(o.columns, found)
	}
	return o, nil
}

func (o *orcFile) next(r *Record) error {
	for o.left == 0 {
		if o.stripe == len(o.tail.stripes) {
			return io.EOF
		}
		if err := o.openStripe(o.tail.stripes[o.stripe]); err != nil {
			return err
		}
		o.stripe++
	}
	o.left--
	o.row++
	r.Line = o.row
	o.buf, o.marks = o.buf[:0], o.marks[:0]
	for i, c := range o.readers {
		o.marks = append(o.marks, len(o.buf), -1)
		if c == nil {
			continue
		}
		out, null, err := c.value(o.buf, o.spec.Columns[i].Whole)
		if err != nil {
			return err
		}
		if o.buf = out; !null {
			o.marks[2*i+1] = len(out)
		}
		if len(out) > orcLimit {
			return errORC
		}
	}
	for i := range o.readers {
		o.values[i] = nil
		if from, to := o.marks[2*i], o.marks[2*i+1]; to >= 0 {
			o.values[i] = o.buf[from:to:to]
			if o.spec.Columns[i].Pairs && to > from && o.buf[from] == '{' {
				o.values[i] = pairs(o.values[i])
			}
		}
	}
	r.Fields = o.values
	return nil
}

// orcStream is where a stream of the stripe stands.
type orcStream struct{ offset, length int64 }

// orcStripe holds what the columns of one stripe are opened from.
type orcStripe struct {
	file      *orcFile
	streams   map[[2]int]orcStream // by column and kind
	encodings []orcEncoding
	zone      string
}

type orcEncoding struct {
	kind       uint64
	dictionary uint64
}

func (o *orcFile) openStripe(info orcStripeInfo) error {
	if info.footer > orcLimit {
		return errORC
	}
	raw := io.NewSectionReader(o.in, info.offset+info.index+info.data, info.footer)
	text, err := io.ReadAll(io.LimitReader(o.tail.reader(raw), orcLimit))
	if err != nil {
		return err
	}
	s := &orcStripe{file: o, streams: map[[2]int]orcStream{}}
	at := info.offset
	err = eachField(text, func(n int, v uint64, b []byte) error {
		switch n {
		case 1:
			var kind, column, length uint64
			err := eachField(b, func(n int, v uint64, _ []byte) error {
				switch n {
				case 1:
					kind = v
				case 2:
					column = v
				case 3:
					length = v
				}
				return nil
			})
			if length > 1<<40 {
				return errORC
			}
			s.streams[[2]int{int(column), int(kind)}] = orcStream{at, int64(length)}
			at += int64(length)
			return err
		case 2:
			var e orcEncoding
			err := eachField(b, func(n int, v uint64, _ []byte) error {
				switch n {
				case 1:
					e.kind = v
				case 2:
					e.dictionary = v
				}
				return nil
			})
			s.encodings = append(s.encodings, e)
			return err
		case 3:
			s.zone = string(b)
		}
		return nil
	})
	if err != nil {
		return err
	}
	o.readers = o.readers[:0]
	for _, id := range o.columns {
		var c orcColumn
		if id > 0 {
			if c, err = s.column(id, 0); err != nil {
				return err
			}
		}
		o.readers = append(o.readers, c)
	}
	o.left = info.rows
	return nil
}

// open reads a stream of a column; one that is missing is empty.
func (s *orcStripe) open(column, kind int) *bufio.Reader {
	at := s.streams[[2]int{column, kind}]
	raw := io.NewSectionReader(s.file.in, at.offset, at.length)
	return bufio.NewReaderSize(s.file.tail.reader(raw), 1<<15)
}

// The kinds of ORC types.
const (
	orcBoolean = iota
	orcByte
	orcShort
	orcInt
	orcLong
	orcFloat
	orcDouble
	orcString
	orcBinary
	orcTimestamp
	orcList
	orcMap
	orcStruct
	orcUnion
	orcDecimal
	orcDate
	orcVarchar
	orcChar
	orcInstant
)

type orcType struct {
	kind     int
	subtypes []int
	names    []string
}

type orcStripeInfo struct{ offset, index, data, footer, rows int64 }

// orcTail is what the end of the file tells.
type orcTail struct {
	compression uint64
	block       uint64
	types       []orcType
	stripes     []orcStripeInfo
}

func (t *orcTail) read(in io.ReaderAt, size int64) error {
	end := make([]byte, min(size, 256))
	if _, err := in.ReadAt(end, size-int64(len(end))); err != nil {
		return err
	}
	n := 0
	if len(end) > 0 {
		n = int(end[len(end)-1])
	}
	if n == 0 || n >= len(end) {
		return errors.New("not an ORC file")
	}
	var footer uint64
	magic := ""
	err := eachField(end[len(end)-1-n:len(end)-1], func(n int, v uint64, b []byte) error {
		switch n {
		case 1:
			footer = v
		case 2:
			t.compression = v
		case 3:
			t.block = v
		case 8000:
			magic = string(b)
		}
		return nil
	})
	if err != nil || magic != "ORC" || footer > orcLimit || int64(footer)+int64(n)+1 > size {
		return errors.New("not an ORC file")
	}
	raw := io.NewSectionReader(in, size-1-int64(n)-int64(footer), int64(footer))
	text, err := io.ReadAll(io.LimitReader(t.reader(raw), orcLimit))
	if err != nil {
		return err
	}
	if err := eachField(text, t.footer); err != nil {
		return err
	}
	return t.check()
}

func (t *orcTail) footer(n int, _ uint64, b []byte) error {
	switch n {
	case 3:
		var s orcStripeInfo
		err := eachField(b, func(n int, v uint64, _ []byte) error {
			if v > 1<<50 {
				return errORC
			}
			if to := []*int64{nil, &s.offset, &s.index, &s.data, &s.footer, &s.rows}; n > 0 && n < len(to) {
				*to[n] = int64(v)
			}
			return nil
		})
		t.stripes = append(t.stripes, s)
		return err
	case 4:
		var typ orcType
		err := eachField(b, func(n int, v uint64, b []byte) error {
			switch n {
			case 1:
				typ.kind = int(v)
			case 2:
				if b == nil {
					typ.subtypes = append(typ.subtypes, int(v))
				}
				for len(b) > 0 {
					v, k := binary.Uvarint(b)
					if k <= 0 {
						return errORC
					}
					typ.subtypes = append(typ.subtypes, int(v))
					b = b[k:]
				}
			case 3:
				typ.names = append(typ.names, string(b))
			}
			return nil
		})
		t.types = append(t.types, typ)
		return err
	}
	return nil
}

// check makes sure that the types refer to types behind them only.
func (t *orcTail) check() error {
	if len(t.types) == 0 {
		return errORC
	}
	for i, typ := range t.types {
		for _, sub := range typ.subtypes {
			if sub <= i || sub >= len(t.types) {
				return errORC
			}
		}
		if typ.kind == orcStruct && len(typ.names) != len(typ.subtypes) {
			return errORC
		}
	}
	return nil
}

// reader undoes the compression of a part of the file.
func (t *orcTail) reader(in io.Reader) io.Reader {
	if t.compression == 0 {
		return in
	}
	return &blocks{next: (&orcChunks{in: in, tail: t}).next}
}

// orcChunks decompresses chunk by chunk: three bytes of length, the lowest bit
// says that the chunk is as it was.
type orcChunks struct {
	in   io.Reader
	tail *orcTail
	raw  []byte
}

func (c *orcChunks) next() ([]byte, error) {
	var head [3]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return nil, err
	}
	size := int(head[0])>>1 | int(head[1])<<7 | int(head[2])<<15
	if cap(c.raw) < size {
		c.raw = make([]byte, size)
	}
	c.raw = c.raw[:size]
	if _, err := io.ReadFull(c.in, c.raw); err != nil {
		return nil, errORC
	}
	if head[0]&1 == 1 {
		return c.raw, nil
	}
	return c.tail.unpack(c.raw)
}

// orcCodecs are the compressions by their numbers.
var orcCodecs = []string{"", "deflate", "snappy", "lzo", "lz4", "zstandard"}

func (t *orcTail) unpack(raw []byte) ([]byte, error) {
	if t.compression == 0 || t.compression >= uint64(len(orcCodecs)) {
		return nil, fmt.Errorf("cannot read ORC's compression %d", t.compression)
	}
	return unpack(orcCodecs[t.compression], raw, min(max(t.block, 1<<10), orcLimit), errORC)
}

// eachField calls f for the fields of a protocol buffer: v is the number, b
// the bytes of those that have bytes.
func eachField(text []byte, f func(n int, v uint64, b []byte) error) error {
	for len(text) > 0 {
		key, k := binary.Uvarint(text)
		if k <= 0 {
			return errORC
		}
		text = text[k:]
		var v uint64
		var b []byte
		switch key & 7 {
		case 0:
			if v, k = binary.Uvarint(text); k <= 0 {
				return errORC
			}
			text = text[k:]
		case 1, 5:
			size := 8
			if key&7 == 5 {
				size = 4
			}
			if len(text) < size {
				return errORC
			}
			text = text[size:]
		case 2:
			n, k := binary.Uvarint(text)
			if k <= 0 || n > uint64(len(text)-k) {
				return errORC
			}
			b = text[k : k+int(n) : k+int(n)]
			text = text[k+int(n):]
			if b == nil {
				b = []byte{}
			}
		default:
			return errORC
		}
		if err := f(int(key>>3), v, b); err != nil {
			return err
		}
	}
	return nil
}
