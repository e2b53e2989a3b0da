package pgwire

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgproto3"
	"stepwell/internal/duck"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
	"stepwell/internal/warehouse"
)

// flushAt is how many bytes of rows are gathered before they are written.
const flushAt = 64 << 10

// rowSink writes results to the client.
type rowSink struct {
	c        *connection
	describe bool    // the simple protocol: describe every result
	formats  []int16 // the extended one: as the portal was bound
	// columns are those the client was told of: with the extended protocol at
	// Describe, and every value is sent as their types say.
	columns []warehouse.Column
	format  duck.Format
	cells   []cell // of the chunk under way
	any     bool   // a statement ran
}

func rowDescription(columns []warehouse.Column, formats []int16) *pgproto3.RowDescription {
	m := &pgproto3.RowDescription{Fields: make([]pgproto3.FieldDescription, len(columns))}
	for i, col := range columns {
		t := col.Type
		m.Fields[i] = pgproto3.FieldDescription{
			Name: []byte(col.Name), DataTypeOID: t.OID(), DataTypeSize: t.Size(), TypeModifier: t.Typmod(), Format: formatOf(formats, i, t),
		}
	}
	return m
}

// formatOf is the format a column is sent in: binary where it was asked for and
// the type has a binary form here.
func formatOf(formats []int16, i int, t types.Type) int16 {
	if f := formatAt(formats, i); f == 1 && hasBinary(t) {
		return 1
	}
	return 0
}

// Columns implements warehouse.Sink.
func (s *rowSink) Columns(columns []warehouse.Column) error {
	if len(s.columns) != len(columns) || s.describe {
		s.columns = columns
	}
	s.format = s.c.session.FormatNow()
	if s.describe {
		s.c.send(rowDescription(columns, nil))
	}
	return nil
}

// Chunk implements warehouse.Sink: it encodes DataRow messages by hand, into
// one buffer.
func (s *rowSink) Chunk(chunk *duck.Chunk) error {
	out := s.c.out
	s.lay(chunk)
	for row := range chunk.Len() {
		out = append(out, 'D', 0, 0, 0, 0, byte(len(s.cells)>>8), byte(len(s.cells)))
		start := len(out) - 6
		for i := range s.cells {
			c := &s.cells[i]
			if c.v.Null(row) {
				out = append(out, 0xff, 0xff, 0xff, 0xff)
				continue
			}
			out = append(out, 0, 0, 0, 0)
			at := len(out)
			switch c.form {
			case asText:
				out = c.v.AppendText(out, row, s.format)
			case asBinary:
				out = appendBinary(out, c.v, row, c.t)
			case converted:
				var err error
				if out, err = appendConverted(out, c.v, row, c.t, s.format); err != nil {
					return err
				}
			}
			binary.BigEndian.PutUint32(out[at-4:], uint32(len(out)-at))
		}
		binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start))
		if len(out) >= flushAt {
			s.c.out = out
			if err := s.c.flush(); err != nil {
				return &brokenWire{err}
			}
			out = s.c.out
		}
	}
	s.c.out = out
	return nil
}

// cell is a column of a chunk with the form its values are sent in.
type cell struct {
	v    *duck.Vector
	t    types.Type
	form form
}

type form byte

const (
	asText form = iota
	asBinary
	converted // to the type the client was told of, then in binary
)

// lay finds out once for a chunk what would be the same for all of its rows.
func (s *rowSink) lay(chunk *duck.Chunk) {
	s.cells = s.cells[:0]
	for i := range chunk.Width() {
		c := cell{v: chunk.Column(i), t: s.columns[i].Type}
		if formatOf(s.formats, i, c.t) == 1 {
			c.form = binaryForm(c.v, c.t)
		}
		s.cells = append(s.cells, c)
	}
}

// Done implements warehouse.Sink.
func (s *rowSink) Done(done warehouse.Done) error {
	s.any = true
	s.c.send(&pgproto3.CommandComplete{CommandTag: []byte(done.Tag)})
	return nil
}

// Notice implements warehouse.Sink.
func (s *rowSink) Notice(n *sqlerr.Error) {
	s.c.send(noticeResponse(n))
}
