package records

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"
)

// lines reads the formats whose records are lines of text.
type lines struct {
	spec   *Spec
	in     *bufio.Reader
	line   int64 // those read
	buf    []byte
	values [][]byte
	split  func(raw []byte) *Fault
	re     *regexp.Regexp
	scraps []byte // unescaped fields of the record
	null   []byte
	delim  []byte
	quote  byte
	escape byte
}

func newLines(s *Spec, in *bufio.Reader) (source, error) {
	l := &lines{spec: s, in: in, delim: []byte(s.Delimiter)}
	if s.Null != nil {
		l.null = []byte(*s.Null)
	}
	if s.Quote != "" {
		l.quote = s.Quote[0]
	}
	if s.Escape != "" {
		l.escape = s.Escape[0]
	}
	switch s.Format {
	case CSV:
		l.split = l.csv
	case Fixed:
		l.split = l.fixed
	case Regex:
		re, err := regexp.Compile("^(?:" + s.Pattern + ")$")
		if err != nil {
			return nil, fmt.Errorf("cannot compile the table's regular expression: %w", err)
		}
		l.re, l.split = re, l.groups
	default:
		l.split = l.delimited
		if s.Escape == "" && !s.RemoveQuotes {
			l.split = l.plain
		}
	}
	if s.Format != Fixed && s.Format != Regex && len(l.delim) == 0 {
		return nil, errors.New("no delimiter")
	}
	for range s.Skip {
		if _, err := l.more(nil); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	return l, nil
}

// more appends the next line, with its line feed, to buf.
func (l *lines) more(buf []byte) ([]byte, error) {
	for {
		part, err := l.in.ReadSlice('\n')
		buf = append(buf, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if len(buf) > MaxRecord {
				return buf, l.skipLine()
			}
		case err == nil:
			l.line++
			return buf, nil
		case errors.Is(err, io.EOF) && len(buf) > 0:
			l.line++
			return buf, nil
		default:
			return buf, err
		}
	}
}

// skipLine passes over the rest of a line that is too long.
func (l *lines) skipLine() error {
	for {
		_, err := l.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		l.line++
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return fault(1204, -1, 0, "Line exceeds the maximum length of 4 MB")
	}
}

func (l *lines) next(r *Record) error {
	var err error
	for {
		r.Line = l.line + 1
		if l.buf, err = l.more(l.buf[:0]); err != nil {
			return err
		}
		if err = l.complete(); err != nil {
			return err
		}
		if !l.spec.SkipBlank || len(trimEnd(l.buf)) > 0 {
			break
		}
	}
	r.Raw = trimEnd(l.buf)
	if !utf8.Valid(r.Raw) && l.spec.Replace != "" {
		l.buf = replaceInvalid(nil, r.Raw, l.spec.Replace)
		r.Raw = l.buf
	}
	l.values, l.scraps = l.values[:0], l.scraps[:0]
	f := l.split(r.Raw)
	if f == nil {
		f = l.arrange()
	}
	if f != nil {
		return f
	}
	r.Fields = l.values
	return nil
}

// complete appends the lines that belong to the record: after a line feed in
// quotes or behind the escape character.
func (l *lines) complete() error {
	open, seen := false, 0
	for {
		switch {
		case l.spec.Format == CSV && l.quote != 0:
			open, seen = l.openQuote(open, l.buf[seen:]), len(l.buf)
		case l.spec.Format == Text && l.escape != 0:
			open = escapedEnd(l.buf, l.escape)
		}
		if !open {
			return nil
		}
		if len(l.buf) > MaxRecord {
			return fault(1204, -1, 0, "Line exceeds the maximum length of 4 MB")
		}
		n := len(l.buf)
		buf, err := l.more(l.buf)
		l.buf = buf
		if errors.Is(err, io.EOF) || err == nil && len(buf) == n {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// openQuote says that a record ends inside quotes after one more line, when
// open says whether it did so before: quotes in quotes are doubled, so an odd
// number is open.
func (l *lines) openQuote(open bool, line []byte) bool {
	if l.escape == 0 || l.escape == l.quote {
		return open != (bytes.Count(line, []byte{l.quote})%2 == 1)
	}
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case l.escape:
			i++
		case l.quote:
			open = !open
		}
	}
	return open
}

// escapedEnd says that the line feed at the end is escaped.
func escapedEnd(line []byte, escape byte) bool {
	if len(line) == 0 || line[len(line)-1] != '\n' {
		return false
	}
	n := 0
	for i := len(line) - 2; i >= 0 && line[i] == escape; i-- {
		n++
	}
	return n%2 == 1
}

func trimEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
		if n > 1 && line[n-2] == '\r' {
			line = line[:n-2]
		}
	}
	return line
}

// arrange checks the fields and makes them as many as the columns.
func (l *lines) arrange() *Fault {
	want := len(l.spec.Columns)
	if n := len(l.values); n == want+1 && len(l.values[want]) == 0 {
		l.values = l.values[:want] // a delimiter may end the record
	}
	if n := len(l.values); n > want {
		if !l.spec.Lenient {
			return fault(1202, -1, 0, "Extra column(s) found")
		}
		l.values = l.values[:want]
	}
	for i, v := range l.values {
		if !utf8.Valid(v) {
			if l.spec.Lenient {
				l.values[i] = bytes.ToValidUTF8(v, []byte("\ufffd"))
				continue
			}
			return invalidText(v, i)
		}
		if l.spec.Null != nil && bytes.Equal(v, l.null) {
			l.values[i] = nil
			continue
		}
	}
	for len(l.values) < want {
		switch {
		case l.spec.Lenient:
			l.values = append(l.values, nil)
		case l.spec.Fill:
			l.values = append(l.values, []byte{})
		default:
			return fault(1214, len(l.values)-1, 0, "Delimiter not found")
		}
	}
	return nil
}

func hexes(v []byte) string {
	out := ""
	for i, c := range v {
		if i > 0 {
			out += " "
		}
		out += fmt.Sprintf("%02x", c)
	}
	return out
}

// invalidText describes the first bytes that are not UTF-8 ("Multibyte
// character load errors").
func invalidText(v []byte, column int) *Fault {
	at := 0
	for at < len(v) {
		r, n := utf8.DecodeRune(v[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	rest := v[at:]
	code, width := 6, 1
	switch c := rest[0]; {
	case c < 0xc0 || c >= 0xfe:
		code = 3
	case c >= 0xf8:
		code = 1
	default:
		size := 2
		if c >= 0xe0 {
			size++
		}
		if c >= 0xf0 {
			size++
		}
		width = min(size, len(rest))
		if len(rest) < size {
			code = 2
		}
		for _, b := range rest[1:width] {
			if b&0xc0 != 0x80 {
				code = 4
			}
		}
		if code == 6 && c == 0xed {
			code = 5
		}
	}
	return fault(1220, column, at, "String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: %s (error %d)", hexes(rest[:width]), code)
}

// replaceInvalid puts the character for every byte that is not UTF-8.
func replaceInvalid(out, v []byte, with string) []byte {
	for len(v) > 0 {
		r, n := utf8.DecodeRune(v)
		if r == utf8.RuneError && n == 1 {
			out = append(out, with...)
		} else {
			out = append(out, v[:n]...)
		}
		v = v[n:]
	}
	return out
}
