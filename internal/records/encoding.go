package records

import (
	"bufio"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// decode turns a file's encoding into UTF-8 and drops a byte order mark.
func decode(in io.Reader, encoding string) (*bufio.Reader, error) {
	r := bufio.NewReaderSize(in, 1<<18)
	switch encoding {
	case "", "utf8":
		if head, _ := r.Peek(3); string(head) == "\ufeff" {
			_, _ = r.Discard(3)
		}
		return r, nil
	case "iso88591":
		return bufio.NewReaderSize(&recoder{in: r, unit: 1}, 1<<18), nil
	case "utf16", "utf16le", "utf16be":
		big := encoding == "utf16be"
		switch head, _ := r.Peek(2); string(head) {
		case "\xff\xfe":
			big = false
			_, _ = r.Discard(2)
		case "\xfe\xff":
			big = true
			_, _ = r.Discard(2)
		default:
			if encoding == "utf16" {
				return nil, fmt.Errorf("a file in UTF16 needs a byte order mark")
			}
		}
		return bufio.NewReaderSize(&recoder{in: r, unit: 2, big: big}, 1<<18), nil
	}
	return nil, fmt.Errorf("cannot read the encoding %q", encoding)
}

// recoder turns units of one byte (ISO 8859-1) or two (UTF-16) into UTF-8.
type recoder struct {
	in   *bufio.Reader
	unit int
	big  bool
	rest []byte
}

func (d *recoder) Read(p []byte) (int, error) {
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	for len(p)-n >= utf8.UTFMax {
		r, err := d.rune()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		n += utf8.EncodeRune(p[n:], r)
	}
	if n == 0 && len(p) > 0 {
		r, err := d.rune()
		if err != nil {
			return 0, err
		}
		d.rest = utf8.AppendRune(nil, r)
		n = copy(p, d.rest)
		d.rest = d.rest[n:]
	}
	return n, nil
}

func (d *recoder) rune() (rune, error) {
	first, err := d.next()
	if err != nil || d.unit == 1 || !utf16.IsSurrogate(first) {
		return first, err
	}
	second, err := d.next()
	if err != nil {
		return utf8.RuneError, nil
	}
	return utf16.DecodeRune(first, second), nil
}

func (d *recoder) next() (rune, error) {
	a, err := d.in.ReadByte()
	if err != nil || d.unit == 1 {
		return rune(a), err
	}
	b, err := d.in.ReadByte()
	if err != nil {
		return utf8.RuneError, nil
	}
	if d.big {
		return rune(a)<<8 | rune(b), nil
	}
	return rune(b)<<8 | rune(a), nil
}
