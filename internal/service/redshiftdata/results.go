package redshiftdata

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/sqlerr"
)

// resultFile writes the rows of one result set, a JSON array a line. Numbers
// with a fraction are written as {"d": ...}, binary values as {"b": base64}.
type resultFile struct {
	file *os.File
	out  *bufio.Writer
	line []byte
	rows int64
	size int64
}

func createResult(path string) (*resultFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("cannot keep result: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot keep result: %w", err)
	}
	return &resultFile{file: f, out: bufio.NewWriterSize(f, 64<<10)}, nil
}

func (r *resultFile) add(values []any) error {
	line := append(r.line[:0], '[')
	for i, v := range values {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendValue(line, v)
	}
	r.line = append(line, ']', '\n')
	if len(r.line) > maxRow {
		return sqlerr.New(sqlerr.ProgramLimitExceeded, "Database response exceeded size limit of %d bytes for a row.", maxRow)
	}
	r.rows++
	if r.size += int64(len(r.line)); r.size > maxResult {
		return sqlerr.New(sqlerr.ProgramLimitExceeded, "Database response exceeded size limit of %d bytes.", maxResult)
	}
	_, err := r.out.Write(r.line)
	return err
}

func appendValue(line []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(line, "null"...)
	case bool:
		return strconv.AppendBool(line, v)
	case int64:
		return strconv.AppendInt(line, v, 10)
	case float64:
		line = append(line, `{"d":"`...)
		line = strconv.AppendFloat(line, v, 'g', -1, 64)
		return append(line, `"}`...)
	case []byte:
		line = append(line, `{"b":"`...)
		line = base64.StdEncoding.AppendEncode(line, v)
		return append(line, `"}`...)
	case string:
		b, _ := json.Marshal(v) // a string always encodes
		return append(line, b...)
	default:
		b, _ := json.Marshal(fmt.Sprint(v))
		return append(line, b...)
	}
}

// close makes the file durable.
func (r *resultFile) close() error {
	err := errors.Join(r.out.Flush(), r.file.Sync(), r.file.Close())
	if err != nil {
		return fmt.Errorf("cannot keep result: %w", err)
	}
	return nil
}

// page is a part of a result.
type page struct {
	rows [][]api.Field
	next int64 // offset of the following page; 0 where none follows
}

// readPage reads rows from offset until the page is full.
func readPage(path string, offset int64) (page, error) {
	f, err := os.Open(path)
	if err != nil {
		return page{}, fmt.Errorf("cannot read result: %w", err)
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return page{}, fmt.Errorf("cannot read result: %w", err)
	}
	in := bufio.NewReaderSize(f, 64<<10)
	p := page{rows: [][]api.Field{}}
	for read := int64(0); ; {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return p, nil
		} else if err != nil {
			return page{}, fmt.Errorf("cannot read result: %w", err)
		}
		if len(p.rows) > 0 && read+int64(len(line)) > pageBytes {
			p.next = offset + read
			return p, nil
		}
		row, err := decodeRow(line)
		if err != nil {
			return page{}, err
		}
		p.rows = append(p.rows, row)
		read += int64(len(line))
	}
}

func decodeRow(line []byte) ([]api.Field, error) {
	var values []json.RawMessage
	if err := json.Unmarshal(line, &values); err != nil {
		return nil, fmt.Errorf("cannot read result: %w", err)
	}
	row := make([]api.Field, len(values))
	for i, v := range values {
		f, err := decodeField(v)
		if err != nil {
			return nil, fmt.Errorf("cannot read result: %w", err)
		}
		row[i] = f
	}
	return row, nil
}

func decodeField(v json.RawMessage) (api.Field, error) {
	switch v[0] {
	case 'n':
		return api.Field{IsNull: new(true)}, nil
	case 't', 'f':
		return api.Field{BooleanValue: new(v[0] == 't')}, nil
	case '"':
		var text string
		err := json.Unmarshal(v, &text)
		return api.Field{StringValue: &text}, err
	case '{':
		var tagged struct {
			D string
			B *[]byte
		}
		if err := json.Unmarshal(v, &tagged); err != nil {
			return api.Field{}, err
		}
		if tagged.B != nil {
			return api.Field{BlobValue: *tagged.B}, nil
		}
		d, err := strconv.ParseFloat(tagged.D, 64)
		return api.Field{DoubleValue: &d}, err
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	return api.Field{LongValue: &n}, err
}

// csvText is the page as CSV, NULL as an empty field. Records end with a carriage
// return and a line feed, line feeds inside fields stay as they are.
func csvText(rows [][]api.Field) string {
	var out, line strings.Builder
	w := csv.NewWriter(&line)
	record := []string{}
	for _, row := range rows {
		record = record[:0]
		for _, f := range row {
			record = append(record, fieldText(f))
		}
		line.Reset()
		w.Write(record) // to memory; it cannot fail
		w.Flush()
		out.WriteString(strings.TrimSuffix(line.String(), "\n") + "\r\n")
	}
	return out.String()
}

func fieldText(f api.Field) string {
	switch {
	case f.StringValue != nil:
		return *f.StringValue
	case f.LongValue != nil:
		return strconv.FormatInt(*f.LongValue, 10)
	case f.DoubleValue != nil:
		return formatDouble(*f.DoubleValue)
	case f.BooleanValue != nil:
		return strconv.FormatBool(*f.BooleanValue)
	case f.BlobValue != nil:
		return base64.StdEncoding.EncodeToString(f.BlobValue)
	}
	return ""
}

func formatDouble(d float64) string {
	if math.IsInf(d, 0) {
		return strings.TrimPrefix(strconv.FormatFloat(d, 'g', -1, 64), "+") + "inity"
	}
	return strconv.FormatFloat(d, 'g', -1, 64)
}
