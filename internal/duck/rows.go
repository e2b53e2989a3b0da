package duck

import (
	"context"
	"io"
	"unsafe"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Column is one column of a result.
type Column struct {
	Name string
	Type Type
}

// Rows streams the chunks of one result.
type Rows struct {
	conn    *Conn
	owned   *Stmt // closed with the rows
	res     bindings.Result
	columns []Column
	current bindings.DataChunk
	chunk   Chunk
	done    bool
	closed  bool

	buffered bool // Buffer took the rest out of the stream
	buffer   []bindings.DataChunk
	failure  error // met while buffering
}

func resultColumns(res *bindings.Result) []Column {
	n := bindings.ColumnCount(res)
	cols := make([]Column, 0, n)
	for i := range n {
		lt := bindings.ColumnLogicalType(res, i)
		cols = append(cols, Column{Name: bindings.ColumnName(res, i), Type: typeOf(lt)})
		bindings.DestroyLogicalType(&lt)
	}
	return cols
}

// Pad makes the texts of a column print with blanks up to n bytes, as CHAR(n)
// does. It is called before the first Next.
func (r *Rows) Pad(column, n int) { r.columns[column].Type.Pad = n }

// Braces makes a column of lists print as PostgreSQL's arrays: {1,2}. It is
// called before the first Next.
func (r *Rows) Braces(column int) { r.columns[column].Type.Braces = true }

// Columns describes the result.
func (r *Rows) Columns() []Column { return r.columns }

// Changed is the number of rows an INSERT, UPDATE or DELETE changed.
func (r *Rows) Changed() int64 { return int64(bindings.RowsChanged(&r.res)) }

// Next returns the next chunk, or io.EOF after the last one. The chunk is
// valid until the next call of Next or Close.
func (r *Rows) Next(ctx context.Context) (*Chunk, error) {
	r.drop()
	if r.done || r.closed {
		return nil, io.EOF
	}
	if ctx.Err() != nil {
		return nil, canceled()
	}
	chunk := r.fetch(ctx)
	if chunk.Ptr == nil {
		r.done = true
		if r.failure != nil {
			return nil, r.failure
		}
		if msg := bindings.ResultError(&r.res); msg != "" {
			return nil, r.conn.translate(bindings.ResultErrorType(&r.res), msg)
		}
		return nil, io.EOF
	}
	r.current = chunk
	r.chunk.fill(chunk, r.columns)
	if r.chunk.n == 0 {
		r.done = true
		return nil, io.EOF
	}
	return &r.chunk, nil
}

func (r *Rows) drop() {
	if r.current.Ptr != nil {
		bindings.DestroyDataChunk(&r.current)
		r.current.Ptr = nil
	}
}

// Close ends the stream. It may be called more than once.
func (r *Rows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.drop()
	for i := range r.buffer {
		bindings.DestroyDataChunk(&r.buffer[i])
	}
	bindings.DestroyResult(&r.res)
	if r.conn.open == r {
		r.conn.open = nil
		r.conn.engine.workers.leave(&r.conn.activity, true)
	}
	if r.owned != nil {
		r.owned.Close()
	}
}

// Chunk is up to a few thousand rows, column by column.
type Chunk struct {
	n       int
	columns []Vector
}

// Len is the number of rows.
func (c *Chunk) Len() int { return c.n }

// Column is column i, from 0.
func (c *Chunk) Column(i int) *Vector { return &c.columns[i] }

// Width is the number of columns.
func (c *Chunk) Width() int { return len(c.columns) }

func (c *Chunk) fill(chunk bindings.DataChunk, columns []Column) {
	c.n = int(bindings.DataChunkGetSize(chunk))
	if c.columns == nil {
		c.columns = make([]Vector, len(columns))
	}
	for i := range columns {
		c.columns[i].fill(bindings.DataChunkGetVector(chunk, bindings.IdxT(i)), columns[i].Type)
	}
}

// Vector is one column of a chunk. Which accessor fits follows from its Type;
// all but Null must not be asked for a row that is NULL.
type Vector struct {
	Type     Type
	data     unsafe.Pointer
	mask     unsafe.Pointer // nil: no NULLs
	first    int            // row 0 is this row of the DuckDB vector
	children []Vector       // element of a list, fields of a struct
	texts    []string       // the values of a column made by TextChunk
}

func (v *Vector) fill(vec bindings.Vector, t Type) {
	v.Type, v.first = t, 0
	v.data = bindings.VectorGetData(vec)
	v.mask = bindings.VectorGetValidity(vec)
	if len(t.Fields) == 0 {
		return
	}
	if len(v.children) != len(t.Fields) {
		v.children = make([]Vector, len(t.Fields))
	}
	switch t.Kind {
	case List, Map:
		v.children[0].fill(bindings.ListVectorGetChild(vec), t.Fields[0].Type)
	case Array:
		v.children[0].fill(bindings.ArrayVectorGetChild(vec), t.Fields[0].Type)
	case Struct:
		for i := range t.Fields {
			v.children[i].fill(bindings.StructVectorGetChild(vec, bindings.IdxT(i)), t.Fields[i].Type)
		}
	}
}

// Null tells whether the row is NULL.
func (v *Vector) Null(row int) bool {
	if v.mask == nil {
		return false
	}
	row += v.first
	word := *(*uint64)(unsafe.Add(v.mask, row/64*8))
	return word&(1<<(row%64)) == 0
}

func at[T any](v *Vector, row int) T {
	var zero T
	return *(*T)(unsafe.Add(v.data, uintptr(row+v.first)*unsafe.Sizeof(zero)))
}

// Bool is the value of a Bool column.
func (v *Vector) Bool(row int) bool { return at[uint8](v, row) != 0 }

// Int is the value of an integer column of any width, the days since 1970 of a
// Date, the microseconds of a Time, Timestamp or TimestampTZ.
func (v *Vector) Int(row int) int64 {
	switch v.Type.Kind {
	case TinyInt:
		return int64(at[int8](v, row))
	case UTinyInt, Bool:
		return int64(at[uint8](v, row))
	case SmallInt:
		return int64(at[int16](v, row))
	case USmallInt:
		return int64(at[uint16](v, row))
	case Integer, Date:
		return int64(at[int32](v, row))
	case UInteger:
		return int64(at[uint32](v, row))
	case TimestampS:
		return at[int64](v, row) * 1_000_000
	case TimestampMS:
		return at[int64](v, row) * 1_000
	case TimestampNS:
		return at[int64](v, row) / 1_000
	}
	return at[int64](v, row)
}

// Float is the value of a Float or Double column.
func (v *Vector) Float(row int) float64 {
	if v.Type.Kind == Float {
		return float64(at[float32](v, row))
	}
	return at[float64](v, row)
}

// Huge is a 128-bit integer in two's complement: that of a HugeInt, or the
// unscaled value of a Decimal of any width.
func (v *Vector) Huge(row int) (hi int64, lo uint64) {
	if v.Type.Kind == Decimal {
		var n int64
		switch {
		case v.Type.Width <= 4:
			n = int64(at[int16](v, row))
		case v.Type.Width <= 9:
			n = int64(at[int32](v, row))
		case v.Type.Width <= 18:
			n = at[int64](v, row)
		default:
			h := at[[2]uint64](v, row)
			return int64(h[1]), h[0]
		}
		return n >> 63, uint64(n)
	}
	h := at[[2]uint64](v, row)
	return int64(h[1]), h[0]
}

// Interval is the value of an Interval column.
func (v *Vector) Interval(row int) (months, days int32, micros int64) {
	i := at[struct {
		months, days int32
		micros       int64
	}](v, row)
	return i.months, i.days, i.micros
}

// inline is the longest text DuckDB keeps inside its 16-byte string header.
const inline = 12

// Bytes are those of a Varchar or Blob value, borrowed from the chunk.
func (v *Vector) Bytes(row int) []byte {
	if v.texts != nil {
		return borrow(v.texts[row+v.first])
	}
	head := unsafe.Add(v.data, (row+v.first)*16)
	n := *(*uint32)(head)
	if n <= inline {
		return unsafe.Slice((*byte)(unsafe.Add(head, 4)), n)
	}
	return unsafe.Slice(*(**byte)(unsafe.Add(head, 8)), n)
}

// Text is a copy of a Varchar value.
func (v *Vector) Text(row int) string { return string(v.Bytes(row)) }

// elements is the range of a list's or array's elements in its child vector.
func (v *Vector) elements(row int) (from, n int) {
	if v.Type.Kind == Array {
		return (row + v.first) * v.Type.Width, v.Type.Width
	}
	e := at[[2]uint64](v, row)
	return int(e[0]), int(e[1])
}

// Buffer fetches what is left of the stream, so that the connection can run
// another statement while Next goes on to give the rows.
func (r *Rows) Buffer(ctx context.Context) {
	if r.done || r.closed || r.buffered {
		return
	}
	r.buffered = true
	for {
		stop := r.conn.interruptOn(ctx)
		chunk := r.fetchNow()
		stop()
		if chunk.Ptr == nil {
			break
		}
		r.buffer = append(r.buffer, chunk)
	}
	if msg := bindings.ResultError(&r.res); msg != "" {
		r.failure = r.conn.translate(bindings.ResultErrorType(&r.res), msg)
	}
	if r.conn.open == r {
		r.conn.open = nil
	}
}

// fetch is the next chunk from the buffer or the stream; nil at the end.
func (r *Rows) fetch(ctx context.Context) bindings.DataChunk {
	if !r.buffered {
		defer r.conn.interruptOn(ctx)()
		return r.fetchNow()
	}
	if len(r.buffer) == 0 {
		return bindings.DataChunk{}
	}
	chunk := r.buffer[0]
	r.buffer = r.buffer[1:]
	return chunk
}

// fetchNow is the next chunk from the stream.
func (r *Rows) fetchNow() bindings.DataChunk {
	work := r.conn.engine.workers
	work.enter(&r.conn.activity)
	chunk := bindings.FetchChunk(r.res)
	work.leave(&r.conn.activity, chunk.Ptr == nil)
	return chunk
}

// Slice is the rows from (included) to to (excluded) of the chunk, which it
// shares.
func (c *Chunk) Slice(from, to int) *Chunk {
	out := &Chunk{n: to - from, columns: make([]Vector, len(c.columns))}
	for i, v := range c.columns {
		v.first += from
		out.columns[i] = v
	}
	return out
}
