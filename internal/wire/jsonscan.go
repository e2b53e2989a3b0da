package wire

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner reads JSON text (RFC 8259) token by token, without building a tree.
type scanner struct {
	data    []byte
	pos     int
	depth   int
	scratch []byte
}

// maxDepth is how deep values may nest.
const maxDepth = 512

var errSyntax = errors.New("malformed JSON")

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// peek is the first byte of the next token; 0 at the end.
func (s *scanner) peek() byte {
	s.space()
	if s.pos >= len(s.data) {
		return 0
	}
	return s.data[s.pos]
}

// eat consumes one byte that must be c.
func (s *scanner) eat(c byte) error {
	if s.peek() != c {
		return errSyntax
	}
	s.pos++
	return nil
}

// enter opens an object or list; leave closes it.
func (s *scanner) enter(c byte) error {
	if s.depth++; s.depth > maxDepth {
		return errSyntax
	}
	return s.eat(c)
}

func (s *scanner) leave() { s.depth-- }

// next moves to the next entry of an object or list that ends with closing:
// it reports whether there is one. first says that none was read yet.
func (s *scanner) next(closing byte, first bool) (bool, error) {
	switch c := s.peek(); {
	case c == closing:
		s.pos++
		s.leave()
		return false, nil
	case first:
		return true, nil
	case c == ',':
		s.pos++
		if s.peek() == closing {
			return false, errSyntax
		}
		return true, nil
	}
	return false, errSyntax
}

// key reads an object key and the colon. The bytes are valid until the next
// call.
func (s *scanner) key() ([]byte, error) {
	k, err := s.str()
	if err != nil {
		return nil, err
	}
	return k, s.eat(':')
}

// str reads a string. The bytes are valid until the next call.
func (s *scanner) str() ([]byte, error) {
	if err := s.eat('"'); err != nil {
		return nil, err
	}
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			b := s.data[start:s.pos]
			s.pos++
			return b, nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return nil, errSyntax
		}
		s.pos++
	}
	return nil, errSyntax
}

// escaped goes on with a string at its first backslash.
func (s *scanner) escaped(start int) ([]byte, error) {
	b := append(s.scratch[:0], s.data[start:s.pos]...)
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		s.pos++
		switch {
		case c == '"':
			s.scratch = b
			return b, nil
		case c < ' ':
			return nil, errSyntax
		case c != '\\':
			b = append(b, c)
			continue
		}
		if s.pos >= len(s.data) {
			return nil, errSyntax
		}
		c = s.data[s.pos]
		s.pos++
		switch c {
		case '"', '\\', '/':
			b = append(b, c)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r, err := s.rune()
			if err != nil {
				return nil, err
			}
			b = utf8.AppendRune(b, r)
		default:
			return nil, errSyntax
		}
	}
	return nil, errSyntax
}

// rune reads the digits of \uXXXX and, for a surrogate, its other half. A lone
// surrogate becomes U+FFFD.
func (s *scanner) rune() (rune, error) {
	r, err := s.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if s.pos+6 <= len(s.data) && s.data[s.pos] == '\\' && s.data[s.pos+1] == 'u' {
		save := s.pos
		s.pos += 2
		low, err := s.hex4()
		if err != nil {
			return 0, err
		}
		if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
			return both, nil
		}
		s.pos = save
	}
	return utf8.RuneError, nil
}

func (s *scanner) hex4() (rune, error) {
	if s.pos+4 > len(s.data) {
		return 0, errSyntax
	}
	var r rune
	for _, c := range s.data[s.pos : s.pos+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, errSyntax
		}
		r = r<<4 | rune(c)
	}
	s.pos += 4
	return r, nil
}

// number reads the text of a number.
func (s *scanner) number() ([]byte, error) {
	s.space()
	start := s.pos
	s.accept("-")
	switch {
	case s.accept("0"):
	case !s.digits():
		return nil, errSyntax
	}
	if s.accept(".") && !s.digits() {
		return nil, errSyntax
	}
	if s.accept("eE") {
		s.accept("+-")
		if !s.digits() {
			return nil, errSyntax
		}
	}
	return s.data[start:s.pos], nil
}

func (s *scanner) accept(set string) bool {
	if s.pos < len(s.data) {
		for i := range len(set) {
			if s.data[s.pos] == set[i] {
				s.pos++
				return true
			}
		}
	}
	return false
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	return s.pos > start
}

// word reads one of the literals true, false and null.
func (s *scanner) word(w string) error {
	s.space()
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		return errSyntax
	}
	s.pos += len(w)
	return nil
}

// skip reads over one value of any kind.
func (s *scanner) skip() error {
	switch c := s.peek(); {
	case c == '{':
		if err := s.enter('{'); err != nil {
			return err
		}
		for first := true; ; first = false {
			more, err := s.next('}', first)
			if err != nil || !more {
				return err
			}
			if _, err := s.key(); err != nil {
				return err
			}
			if err := s.skip(); err != nil {
				return err
			}
		}
	case c == '[':
		if err := s.enter('['); err != nil {
			return err
		}
		for first := true; ; first = false {
			more, err := s.next(']', first)
			if err != nil || !more {
				return err
			}
			if err := s.skip(); err != nil {
				return err
			}
		}
	case c == '"':
		_, err := s.str()
		return err
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	_, err := s.number()
	return err
}

// any reads one value into Go's usual types; numbers are float64 or, when they
// are integers in range, int64.
func (s *scanner) any() (any, error) {
	switch c := s.peek(); {
	case c == '{':
		return s.anyObject()
	case c == '[':
		return s.anyList()
	case c == '"':
		b, err := s.str()
		return string(b), err
	case c == 't':
		return true, s.word("true")
	case c == 'f':
		return false, s.word("false")
	case c == 'n':
		return nil, s.word("null")
	}
	b, err := s.number()
	if err != nil {
		return nil, err
	}
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return nil, errSyntax
	}
	return f, nil
}

func (s *scanner) anyObject() (any, error) {
	if err := s.enter('{'); err != nil {
		return nil, err
	}
	m := map[string]any{}
	for first := true; ; first = false {
		more, err := s.next('}', first)
		if err != nil || !more {
			return m, err
		}
		k, err := s.key()
		if err != nil {
			return nil, err
		}
		name := string(k)
		if m[name], err = s.any(); err != nil {
			return nil, err
		}
	}
}

func (s *scanner) anyList() (any, error) {
	if err := s.enter('['); err != nil {
		return nil, err
	}
	l := []any{}
	for first := true; ; first = false {
		more, err := s.next(']', first)
		if err != nil || !more {
			return l, err
		}
		v, err := s.any()
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
}
