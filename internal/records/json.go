package records

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// members reads a file of JSON objects or arrays, one after the other.
type members struct {
	spec *Spec
	in   *bufio.Reader
	line int64
	buf  []byte
	row  picker
	done bool
}

func newJSON(s *Spec, in *bufio.Reader) (source, error) {
	return &members{spec: s, in: in, line: 1, row: newPicker(s)}, nil
}

func (m *members) next(r *Record) error {
	if m.done {
		return io.EOF
	}
	if err := m.start(); err != nil {
		return err
	}
	r.Line = m.line
	err := m.value()
	r.Raw = m.buf
	if err != nil {
		if f := (*Fault)(nil); errors.As(err, &f) && m.spec.Malformed {
			r.Fields = m.row.nulls()
			return nil
		}
		return err
	}
	if !utf8.Valid(m.buf) {
		if m.spec.Replace == "" {
			return invalidText(m.buf, -1)
		}
		m.buf = replaceInvalid(nil, m.buf, m.spec.Replace)
		r.Raw = m.buf
	}
	fields, f := m.row.pick(m.buf)
	if f != nil {
		if !m.spec.Malformed {
			return f
		}
		fields = m.row.nulls()
	}
	r.Fields = fields
	return nil
}

// start passes over what stands between values.
func (m *members) start() error {
	for {
		c, err := m.in.ReadByte()
		if err != nil {
			return err
		}
		switch c {
		case '\n':
			m.line++
		case ' ', '\t', '\r':
		case ',', '[', ']':
			if m.spec.Outer {
				continue
			}
			return m.in.UnreadByte()
		default:
			return m.in.UnreadByte()
		}
	}
}

// value reads one object or array as it stands.
func (m *members) value() error {
	m.buf = m.buf[:0]
	var n nesting
	for {
		part, err := m.in.Peek(max(1, m.in.Buffered()))
		if len(part) == 0 && errors.Is(err, io.EOF) {
			m.done = true
			return fault(1216, -1, len(m.buf), "Invalid JSON format: unexpected end of file")
		}
		if len(part) == 0 {
			return err
		}
		if len(m.buf) == 0 && part[0] != '{' && part[0] != '[' {
			return m.strayLine()
		}
		end, over := n.pass(part)
		m.buf = append(m.buf, part[:end]...)
		m.line += int64(bytes.Count(part[:end], []byte{'\n'}))
		if _, err := m.in.Discard(end); err != nil {
			return err
		}
		if len(m.buf) > MaxRecord {
			m.done = true
			return fault(1224, -1, 0, "JSON object exceeds the maximum size of 4194304 bytes")
		}
		if over {
			return nil
		}
	}
}

// nesting is where in an object or array its text has been read to.
type nesting struct {
	depth         int
	text, escaped bool
}

// pass goes on with the next part of the text. It tells how much of the part
// belongs to the value, and whether that is all of it.
func (n *nesting) pass(part []byte) (end int, over bool) {
	at := *n // in registers
	for i, c := range part {
		switch {
		case at.escaped:
			at.escaped = false
		case at.text:
			at.escaped, at.text = c == '\\', c != '"'
		case c == '"':
			at.text = true
		case c == '{', c == '[':
			at.depth++
		case c == '}', c == ']':
			if at.depth--; at.depth == 0 {
				return i + 1, true
			}
		}
	}
	*n = at
	return len(part), false
}

// strayLine passes over a line that begins with neither an object nor an array.
func (m *members) strayLine() error {
	for {
		part, err := m.in.ReadSlice('\n')
		if len(m.buf) < MaxRecord {
			m.buf = append(m.buf, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == nil {
			m.line++
		} else if !errors.Is(err, io.EOF) {
			return err
		}
		m.buf = trimEnd(m.buf)
		return fault(1216, -1, 0, "Invalid value.")
	}
}

// picker finds the wanted columns in a JSON value.
type picker struct {
	spec   *Spec
	values [][]byte
	names  map[string]int // of columns without a path
	simple bool           // no column has a path
}

func newPicker(s *Spec) picker {
	p := picker{spec: s, names: map[string]int{}, simple: true, values: make([][]byte, len(s.Columns))}
	for i, c := range s.Columns {
		if len(c.Path) > 0 || c.Root {
			p.simple = false
		}
		name := c.Name
		if s.IgnoreCase {
			name = strings.ToLower(name)
		}
		p.names[name] = i
	}
	return p
}

func (p *picker) nulls() [][]byte {
	clear(p.values)
	return p.values
}

// pick gives the columns' values of one record.
func (p *picker) pick(doc []byte) ([][]byte, *Fault) {
	clear(p.values)
	if !json.Valid(doc) {
		return nil, fault(1216, -1, 0, "Invalid value.")
	}
	if !p.simple {
		for i, c := range p.spec.Columns {
			value := doc
			if !c.Root {
				value = p.walk(doc, c.Path)
			}
			p.values[i] = p.shown(value, c)
		}
		return p.values, nil
	}
	if doc[0] != '{' {
		return nil, fault(1216, -1, 0, "Invalid value.")
	}
	eachMember(doc, func(name, value []byte) bool {
		if i, ok := p.column(name); ok {
			p.values[i] = p.shown(value, p.spec.Columns[i])
		}
		return true
	})
	return p.values, nil
}

func (p *picker) column(name []byte) (int, bool) {
	name = unquote(name)
	if p.spec.IgnoreCase {
		name = bytes.ToLower(name)
	}
	i, ok := p.names[string(name)]
	return i, ok
}

// walk follows a path from a value; nil when there is nothing.
func (p *picker) walk(value []byte, path []Step) []byte {
	for _, step := range path {
		var found []byte
		switch {
		case len(value) == 0:
			return nil
		case value[0] == '{' && !step.List:
			eachMember(value, func(name, v []byte) bool {
				name = unquote(name)
				if string(name) == step.Name || p.spec.IgnoreCase && strings.EqualFold(string(name), step.Name) {
					found = v
				}
				return found == nil
			})
		case value[0] == '[' && step.List:
			n := 0
			eachElement(value, func(v []byte) bool {
				if n == step.Index {
					found = v
				}
				n++
				return found == nil
			})
		}
		value = found
	}
	return value
}

// shown is a value as a field: the text of a string, the JSON of anything
// else; null is NULL.
func (p *picker) shown(value []byte, c Column) []byte {
	switch {
	case len(value) == 0 || string(value) == "null" && !c.Root:
		return nil
	case value[0] == '"' && !c.Whole && !c.Root:
		return unquote(value)
	case c.Pairs && value[0] == '{':
		return pairs(value)
	}
	return value
}

// pairs is an object as the list of its members.
func pairs(doc []byte) []byte {
	out := []byte{'['}
	eachMember(doc, func(name, value []byte) bool {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, `{"key":`...), name...), `,"value":`...)
		out = append(append(out, value...), '}')
		return true
	})
	return append(out, ']')
}

// unquote is the text of a JSON string; without escapes it is not copied.
func unquote(v []byte) []byte {
	if len(v) < 2 || v[0] != '"' {
		return v
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	var text string
	if err := json.Unmarshal(v, &text); err != nil {
		return v[1 : len(v)-1]
	}
	return []byte(text)
}

// eachMember calls f for the members of a valid object until it says false.
func eachMember(doc []byte, f func(name, value []byte) bool) {
	for i := blanks(doc, 1); i < len(doc) && doc[i] == '"'; {
		end := valueEnd(doc, i)
		name := doc[i:end]
		i = blanks(doc, blanks(doc, end)+1) // behind the colon
		end = valueEnd(doc, i)
		if !f(name, doc[i:end]) {
			return
		}
		if i = blanks(doc, end); doc[i] != ',' {
			return
		}
		i = blanks(doc, i+1)
	}
}

// eachElement calls f for the elements of a valid array until it says false.
func eachElement(doc []byte, f func(value []byte) bool) {
	for i := blanks(doc, 1); i < len(doc) && doc[i] != ']'; {
		end := valueEnd(doc, i)
		if !f(doc[i:end]) {
			return
		}
		if i = blanks(doc, end); doc[i] != ',' {
			return
		}
		i = blanks(doc, i+1)
	}
}

func blanks(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\n' || doc[i] == '\t' || doc[i] == '\r') {
		i++
	}
	return i
}

// valueEnd is where the value that begins at i ends, in valid JSON.
func valueEnd(doc []byte, i int) int {
	depth := 0
	for ; i < len(doc); i++ {
		switch c := doc[i]; c {
		case '"':
			for i++; i < len(doc) && doc[i] != '"'; i++ {
				if doc[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']', ',', ' ', '\n', '\t', '\r', ':':
			if depth == 0 {
				return i
			}
			if c == '}' || c == ']' {
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	return i
}
