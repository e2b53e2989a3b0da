package records

import (
	"bytes"
	"unicode/utf8"
)

// plain cuts a line at its delimiters.
func (l *lines) plain(raw []byte) *Fault {
	for {
		i := bytes.Index(raw, l.delim)
		if i < 0 {
			l.values = append(l.values, raw)
			return nil
		}
		l.values = append(l.values, raw[:i])
		raw = raw[i+len(l.delim):]
	}
}

// delimited cuts a line whose fields may be escaped or quoted (ESCAPE and
// REMOVEQUOTES of COPY, escape.delim of LazySimpleSerDe).
func (l *lines) delimited(raw []byte) *Fault {
	// Slices into scraps must stay valid: it never grows beyond the record.
	if cap(l.scraps) < len(raw) {
		l.scraps = make([]byte, 0, len(raw)+len(raw)/2)
	}
	for i := 0; ; {
		from := len(l.scraps)
		quote := byte(0)
		isNull := false
		if l.spec.RemoveQuotes && i < len(raw) && (raw[i] == '"' || raw[i] == '\'') {
			quote = raw[i]
			i++
		} else if n := len(l.null); l.escape != 0 && n > 0 && bytes.HasPrefix(raw[i:], l.null) &&
			(i+n == len(raw) || bytes.HasPrefix(raw[i+n:], l.delim)) {
			isNull = true // \N is a null marker, not an escaped N
			i += n
		}
		closed := quote == 0
		for i < len(raw) {
			c := raw[i]
			switch {
			case c == l.escape && l.escape != 0 && i+1 < len(raw):
				i++
				l.scraps = append(l.scraps, raw[i])
				i++
				continue
			case c == quote && quote != 0 && (i+1 == len(raw) || bytes.HasPrefix(raw[i+1:], l.delim)):
				i, quote, closed = i+1, 0, true
				continue
			case quote == 0 && bytes.HasPrefix(raw[i:], l.delim):
				goto end
			}
			l.scraps = append(l.scraps, c)
			i++
		}
	end:
		if !closed {
			return fault(1216, len(l.values), i, "Unmatched quote found in field")
		}
		field := l.scraps[from:len(l.scraps):len(l.scraps)]
		if isNull {
			field = l.null
		}
		l.values = append(l.values, field)
		if i >= len(raw) {
			return nil
		}
		i += len(l.delim)
		if i == len(raw) { // a delimiter ends the line
			l.values = append(l.values, raw[i:])
			return nil
		}
	}
}

// csv cuts a record with quotes, which are doubled or escaped inside quotes.
func (l *lines) csv(raw []byte) *Fault {
	if l.quote == 0 || bytes.IndexByte(raw, l.quote) < 0 {
		return l.plain(raw)
	}
	if cap(l.scraps) < len(raw) {
		l.scraps = make([]byte, 0, len(raw)+len(raw)/2)
	}
	for i := 0; ; {
		if i < len(raw) && raw[i] == l.quote {
			end, f := l.quoted(raw, i+1)
			if f != nil {
				return f
			}
			if i = end; i == len(raw) {
				return nil
			}
			if !bytes.HasPrefix(raw[i:], l.delim) {
				return fault(1216, len(l.values)-1, i, "Invalid quote formatting for CSV")
			}
		} else {
			n := bytes.Index(raw[i:], l.delim)
			field := raw[i:]
			if n >= 0 {
				field = raw[i : i+n]
			}
			if bytes.IndexByte(field, l.quote) >= 0 && !l.spec.Lenient {
				return fault(1216, len(l.values), i, "Invalid quote formatting for CSV")
			}
			l.values = append(l.values, field)
			if n < 0 {
				return nil
			}
			i += n
		}
		i += len(l.delim)
		if i == len(raw) {
			l.values = append(l.values, raw[i:])
			return nil
		}
	}
}

// quoted reads the field that follows an opening quote and returns where the
// field ends.
func (l *lines) quoted(raw []byte, i int) (int, *Fault) {
	from := len(l.scraps)
	for i < len(raw) {
		c := raw[i]
		switch {
		case l.escape != 0 && c == l.escape && c != l.quote && i+1 < len(raw):
			i++
			l.scraps = append(l.scraps, raw[i])
		case c == l.quote && i+1 < len(raw) && raw[i+1] == l.quote:
			i++
			l.scraps = append(l.scraps, c)
		case c == l.quote:
			l.values = append(l.values, l.scraps[from:len(l.scraps):len(l.scraps)])
			return i + 1, nil
		default:
			l.scraps = append(l.scraps, c)
		}
		i++
	}
	if l.spec.Lenient {
		l.values = append(l.values, l.scraps[from:])
		return i, nil
	}
	return i, fault(1216, len(l.values), i, "Invalid quote formatting for CSV")
}

// fixed cuts a line into columns of so many characters, and takes the blanks
// at their ends away.
func (l *lines) fixed(raw []byte) *Fault {
	for i, c := range l.spec.Columns {
		n := 0
		for range c.Width {
			if n >= len(raw) {
				break
			}
			_, size := utf8.DecodeRune(raw[n:])
			n += size
		}
		if n == 0 && !l.spec.Fill {
			return fault(1203, i, 0, "Input data had fewer columns than were defined in the DDL")
		}
		l.values = append(l.values, bytes.TrimRight(raw[:n], " "))
		raw = raw[n:]
	}
	if len(bytes.TrimRight(raw, " ")) > 0 {
		return fault(1202, -1, 0, "Extra column(s) found")
	}
	return nil
}

// groups gives the groups of the regular expression; a line that does not
// match is a row of NULLs.
func (l *lines) groups(raw []byte) *Fault {
	spans := l.re.FindSubmatchIndex(raw)
	for i := range l.spec.Columns {
		k := 2 * (i + 1)
		if k+1 >= len(spans) || spans[k] < 0 {
			l.values = append(l.values, nil)
			continue
		}
		l.values = append(l.values, raw[spans[k]:spans[k+1]])
	}
	return nil
}
