package value

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth bounds the nesting of arrays and objects.
const MaxDepth = 1000

var errEnd = errors.New("cannot parse JSON: unexpected end of text")

// Parse reads one JSON text.
func Parse(text []byte) (Value, error) {
	p := parser{text: text}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(p.text) {
		return nil, p.unexpected()
	}
	return v, nil
}

type parser struct {
	text []byte
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) unexpected() error {
	if p.at >= len(p.text) {
		return errEnd
	}
	r, _ := utf8.DecodeRune(p.text[p.at:])
	return fmt.Errorf("cannot parse JSON: unexpected %q at offset %d", r, p.at)
}

func (p *parser) value(depth int) (Value, error) {
	p.space()
	if p.at >= len(p.text) {
		return nil, errEnd
	}
	switch c := p.text[p.at]; {
	case c == '{':
		return p.object(depth + 1)
	case c == '[':
		return p.array(depth + 1)
	case c == '"':
		return p.str()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for _, w := range [...]struct {
		word string
		v    Value
	}{{"true", true}, {"false", false}, {"null", nil}} {
		if bytes.HasPrefix(p.text[p.at:], []byte(w.word)) {
			p.at += len(w.word)
			return w.v, nil
		}
	}
	return nil, p.unexpected()
}

func (p *parser) object(depth int) (Value, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("cannot parse JSON: nested deeper than %d", MaxDepth)
	}
	o := &Object{}
	p.at++
	for first := true; ; first = false {
		p.space()
		if p.at < len(p.text) && p.text[p.at] == '}' && first {
			p.at++
			return o, nil
		}
		if p.at >= len(p.text) || p.text[p.at] != '"' {
			return nil, p.unexpected()
		}
		name, err := p.str()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != ':' {
			return nil, p.unexpected()
		}
		p.at++
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		o.Set(name, v)
		if more, err := p.comma('}'); err != nil || !more {
			return o, err
		}
	}
}

func (p *parser) array(depth int) (Value, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("cannot parse JSON: nested deeper than %d", MaxDepth)
	}
	list := []Value{}
	p.at++
	p.space()
	if p.at < len(p.text) && p.text[p.at] == ']' {
		p.at++
		return list, nil
	}
	for {
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if more, err := p.comma(']'); err != nil || !more {
			return list, err
		}
	}
}

// comma consumes a comma (true) or the closing bracket (false).
func (p *parser) comma(closing byte) (bool, error) {
	p.space()
	if p.at < len(p.text) && (p.text[p.at] == ',' || p.text[p.at] == closing) {
		p.at++
		return p.text[p.at-1] == ',', nil
	}
	return false, p.unexpected()
}

func (p *parser) number() (Value, error) {
	start := p.at
	if p.text[p.at] == '-' {
		p.at++
	}
	whole := p.digits()
	if whole == 0 || whole > 1 && p.text[p.at-whole] == '0' {
		return nil, p.unexpected()
	}
	if p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		if p.digits() == 0 {
			return nil, p.unexpected()
		}
	}
	if p.at < len(p.text) && (p.text[p.at] == 'e' || p.text[p.at] == 'E') {
		p.at++
		if p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '-') {
			p.at++
		}
		if p.digits() == 0 {
			return nil, p.unexpected()
		}
	}
	return Number(p.text[start:p.at]), nil
}

func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}

func (p *parser) str() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			s := string(p.text[start:p.at])
			p.at++
			return s, nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.unexpected()
		}
		p.at++
	}
	return "", errEnd
}

func (p *parser) escaped(start int) (string, error) {
	out := append([]byte(nil), p.text[start:p.at]...)
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '"':
			p.at++
			return string(out), nil
		case c < ' ':
			return "", p.unexpected()
		case c != '\\':
			out = append(out, c)
			p.at++
			continue
		}
		if p.at+1 >= len(p.text) {
			return "", errEnd
		}
		e := p.text[p.at+1]
		if e == 'u' {
			r, err := p.unicode()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		i := bytes.IndexByte([]byte(`"\/bfnrt`), e)
		if i < 0 {
			p.at++
			return "", p.unexpected()
		}
		out = append(out, "\"\\/\b\f\n\r\t"[i])
		p.at += 2
	}
	return "", errEnd
}

// unicode reads \uXXXX, and the second half of a surrogate pair.
func (p *parser) unicode() (rune, error) {
	hex := func(at int) (rune, bool) {
		if at+6 > len(p.text) || p.text[at] != '\\' || p.text[at+1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(p.text[at+2:at+6]), 16, 32)
		return rune(n), err == nil
	}
	r, ok := hex(p.at)
	if !ok {
		return 0, p.unexpected()
	}
	p.at += 6
	if utf16.IsSurrogate(r) {
		if low, ok := hex(p.at); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				p.at += 6
				return pair, nil
			}
		}
		return utf8.RuneError, nil
	}
	return r, nil
}
