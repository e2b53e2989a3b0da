package warehouse

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/lake"
	"stepwell/internal/records"
)

// openRecords is the table function lake.RecordsFunction: the records of files
// as text columns c0, c1, ..., then the files' constants p0, ..., then what the
// Spec asks for beside them.
func openRecords(spec string) (duck.Table, error) {
	s, err := records.Parse(spec)
	if err != nil {
		return nil, err
	}
	return &recordTable{spec: s, set: records.Open(s)}, nil
}

type recordTable struct {
	spec records.Spec
	set  *records.Set
}

// traceColumns are those Spec.Trace adds, each with its kind.
var traceColumns = []duck.Column{
	{Name: "file", Type: duck.Type{Kind: duck.BigInt}}, {Name: "line", Type: duck.Type{Kind: duck.BigInt}},
	{Name: "raw", Type: duck.Type{Kind: duck.Varchar}}, {Name: "code", Type: duck.Type{Kind: duck.BigInt}},
	{Name: "reason", Type: duck.Type{Kind: duck.Varchar}}, {Name: "at", Type: duck.Type{Kind: duck.BigInt}},
	{Name: "pos", Type: duck.Type{Kind: duck.BigInt}},
}

// Columns implements duck.Table.
func (t *recordTable) Columns() []duck.Column {
	var out []duck.Column
	for i := range t.spec.Columns {
		out = append(out, duck.Column{Name: fileColumn(i), Type: duck.Type{Kind: duck.Varchar}})
	}
	for i := range t.parts() {
		out = append(out, duck.Column{Name: fmt.Sprintf("p%d", i), Type: duck.Type{Kind: duck.Varchar}})
	}
	if t.spec.Origin {
		out = append(out, duck.Column{Name: lake.OriginColumn, Type: duck.Type{Kind: duck.Varchar}})
	}
	if t.spec.Trace {
		out = append(out, traceColumns...)
	}
	if len(out) == 0 { // count(*)
		out = append(out, duck.Column{Name: "?", Type: duck.Type{Kind: duck.BigInt}})
	}
	return out
}

func (t *recordTable) parts() int {
	if len(t.spec.Files) == 0 {
		return 0
	}
	return len(t.spec.Files[0].Parts)
}

// Threads implements duck.Table: one per file. With a trace the records come
// in order.
func (t *recordTable) Threads() int {
	if t.spec.Trace {
		return 1
	}
	return len(t.spec.Files)
}

// Scan implements duck.Table.
func (t *recordTable) Scan() (duck.Scanner, error) {
	return &recordScanner{table: t, in: t.set.Reader(), parts: t.parts()}, nil
}

type recordScanner struct {
	table *recordTable
	in    *records.Reader
	rec   records.Record
	parts int
	done  bool
}

// Close implements duck.Scanner.
func (s *recordScanner) Close() error { return s.in.Close() }

// Fill implements duck.Scanner.
func (s *recordScanner) Fill(b *duck.Batch) error {
	for !s.done && !b.Full() {
		err := s.in.Next(&s.rec)
		if errors.Is(err, io.EOF) {
			s.done = true
			break
		}
		if err != nil {
			return fmt.Errorf("XX000:%w", err)
		}
		if f := s.rec.Fault; f != nil && !s.table.spec.Trace {
			return fmt.Errorf("XX000:%s (line %d)", f.Reason, s.rec.Line)
		}
		s.row(b)
		b.Add()
	}
	return nil
}

func (s *recordScanner) row(b *duck.Batch) {
	spec := &s.table.spec
	at := len(spec.Columns)
	for i := range at {
		if s.rec.Fault != nil || s.rec.Fields[i] == nil {
			b.Null(i)
		} else {
			b.Text(i, s.rec.Fields[i])
		}
	}
	file := &spec.Files[s.rec.File]
	for _, part := range file.Parts {
		if part == nil {
			b.Null(at)
		} else {
			b.Text(at, []byte(*part))
		}
		at++
	}
	if spec.Origin {
		b.Text(at, []byte(file.Path))
		at++
	}
	if spec.Trace {
		s.trace(b, at)
		at += len(traceColumns)
	}
	if at == 0 {
		b.BigInt(0, 1)
	}
}

func (s *recordScanner) trace(b *duck.Batch, at int) {
	f := s.rec.Fault
	if f == nil {
		f = &records.Fault{Column: -1}
	}
	b.BigInt(at, int64(s.rec.File))
	b.BigInt(at+1, s.rec.Line)
	b.Text(at+2, []byte(strings.ToValidUTF8(string(s.rec.Raw[:min(len(s.rec.Raw), rawLineSize)]), "?")))
	b.BigInt(at+3, int64(f.Code))
	b.Text(at+4, []byte(f.Reason))
	b.BigInt(at+5, int64(f.Column))
	b.BigInt(at+6, int64(f.Position))
}

// rawLineSize is how much of a record stl_load_errors keeps.
const rawLineSize = 1024
