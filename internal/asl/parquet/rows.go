package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"

	"stepwell/internal/asl/value"
)

const (
	// maxFooter is the largest footer that is read, in bytes.
	maxFooter = 64 << 20
	// readAhead is how much of a column is read at once, in bytes.
	readAhead = 256 << 10
	// rowsAtOnce is how many rows are decoded together.
	rowsAtOnce = 64
)

// Rows are the rows of a file.
type Rows struct {
	columns []*column
	groups  []pq.RowGroup
	open    pq.Rows
	buffer  []pq.Row
	ready   []pq.Row
	leaves  [][]pq.Value // of one row, by column
	err     error
}

// Open reads the footer of a file of size bytes.
func Open(r io.ReaderAt, size int64) (rows *Rows, err error) {
	defer fault(&err)
	if err := checkFooter(r, size); err != nil {
		return nil, err
	}
	f, err := pq.OpenFile(r, size, pq.SkipPageIndex(true), pq.SkipBloomFilters(true), pq.ReadBufferSize(readAhead))
	if err != nil {
		return nil, fmt.Errorf("cannot read the Parquet file: %w", err)
	}
	rows = &Rows{groups: f.RowGroups(), buffer: make([]pq.Row, rowsAtOnce)}
	next := 0
	for _, field := range f.Root().Fields() {
		rows.columns = append(rows.columns, newColumn(field, 0, 0, &next))
	}
	rows.leaves = make([][]pq.Value, next)
	return rows, nil
}

func checkFooter(r io.ReaderAt, size int64) error {
	var tail [8]byte
	if size < 12 {
		return errors.New("cannot read the Parquet file: it is too short")
	}
	if _, err := r.ReadAt(tail[:], size-8); err != nil && err != io.EOF {
		return err
	}
	switch length := int64(binary.LittleEndian.Uint32(tail[:])); {
	case string(tail[4:]) == "PARE":
		return errors.New("not implemented: encrypted Parquet files")
	case string(tail[4:]) != "PAR1":
		return errors.New("cannot read the Parquet file: it does not end with PAR1")
	case length > size-12 || length > maxFooter:
		return fmt.Errorf("cannot read the Parquet file: its footer has %d bytes", length)
	}
	return nil
}

// fault makes an error of a panic: damaged files are not all found out before.
func fault(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("cannot read the Parquet file: it is damaged (%v)", p)
	}
}

// Next returns the next row as JSON text; io.EOF ends them.
func (r *Rows) Next() (row []byte, err error) {
	defer fault(&err)
	for len(r.ready) == 0 {
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
	for i := range r.leaves {
		r.leaves[i] = r.leaves[i][:0]
	}
	for _, v := range r.ready[0] {
		r.leaves[v.Column()] = append(r.leaves[v.Column()], v)
	}
	r.ready = r.ready[1:]
	row = append(make([]byte, 0, 64), '{')
	for i, c := range r.columns {
		if i > 0 {
			row = append(row, ',')
		}
		row = append(value.AppendString(row, c.name), ':')
		row = c.append(row, r.leaves[c.first:c.end])
	}
	return append(row, '}'), nil
}

// fill decodes the next rows.
func (r *Rows) fill() error {
	if r.err != nil {
		return r.err
	}
	if r.open == nil {
		if len(r.groups) == 0 {
			return io.EOF
		}
		r.open, r.groups = r.groups[0].Rows(), r.groups[1:]
	}
	n, err := r.open.ReadRows(r.buffer)
	r.ready = r.buffer[:n]
	if err == io.EOF || err == nil && n == 0 {
		err = r.open.Close()
		r.open = nil
	}
	if err != nil {
		r.err = fmt.Errorf("cannot read the Parquet file: %w", err)
	}
	return nil
}

// Close lets go of what was read.
func (r *Rows) Close() {
	if r.open != nil {
		_ = r.open.Close() // it only reads
		r.open = nil
	}
}
