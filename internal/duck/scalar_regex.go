package duck

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// finder gives the spans of the leftmost match from byte from on.
type finder func(subject string, from int) ([]int, error)

// compileFinder compiles a pattern by the parameters of Redshift's REGEXP
// functions: i ignores case, p asks for PCRE.
func compileFinder(pattern, flags string) (finder, error) {
	fold := strings.Contains(flags, "i")
	if strings.Contains(flags, "p") {
		p, err := compilePerl(pattern, fold)
		if err != nil {
			return nil, err
		}
		return p.find, nil
	}
	if fold {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, errPattern(err)
	}
	return func(s string, from int) ([]int, error) {
		spans := re.FindStringSubmatchIndex(s[from:])
		for i := range spans {
			if spans[i] >= 0 {
				spans[i] += from
			}
		}
		return spans, nil
	}, nil
}

type patternError struct{ error }

func errPattern(err error) error { return patternError{err} }

func (e patternError) Error() string { return "2201B:invalid regular expression: " + e.error.Error() }

// finderOf compiles a row's pattern, or takes the last row's.
func (o *output) finderOf(pattern, flags string) (finder, error) {
	key := flags + "\x00" + pattern
	if o.find != nil && o.key == key {
		return o.find, nil
	}
	f, err := compileFinder(pattern, flags)
	if err == nil {
		o.find, o.key = f, key
	}
	return f, err
}

// matches calls f for every match from character position pos (from 1) on,
// until it answers false.
func (o *output) matches(args []Vector, row int, pos int64, flags string, f func(spans []int) bool) error {
	find, err := o.finderOf(args[1].Text(row), flags)
	if err != nil {
		return err
	}
	s := args[0].Text(row)
	from := byteAt(s, pos)
	for from <= len(s) {
		spans, err := find(s, from)
		if err != nil {
			return err
		}
		if spans == nil || !f(spans) {
			return nil
		}
		from = spans[1]
		if spans[0] == spans[1] {
			_, size := utf8.DecodeRuneInString(s[from:])
			from += max(size, 1)
		}
	}
	return nil
}

// byteAt is the byte offset of a character position.
func byteAt(s string, pos int64) int {
	i := 0
	for ; pos > 1 && i < len(s); pos-- {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return i
}

// regexpCount is (subject, pattern, position, flags).
func regexpCount(args []Vector, row int, out *output) error {
	n := int32(0)
	err := out.matches(args, row, args[2].Int(row), args[3].Text(row), func([]int) bool { n++; return true })
	out.integer(row, n)
	return err
}

// regexpInstr is (subject, pattern, position, occurrence, after, flags).
func regexpInstr(args []Vector, row int, out *output) error {
	nth, at := args[3].Int(row), -1
	err := out.matches(args, row, args[2].Int(row), args[5].Text(row), func(spans []int) bool {
		if nth--; nth > 0 {
			return true
		}
		spans, _ = inner(spans, args[5].Text(row))
		at = spans[min(args[4].Int(row), 1)]
		return false
	})
	n := int32(0)
	if at >= 0 {
		n = int32(utf8.RuneCount(args[0].Bytes(row)[:at])) + 1
	}
	out.integer(row, n)
	return err
}

// inner narrows the spans to the first group where flag e asks for it.
func inner(spans []int, flags string) ([]int, bool) {
	if strings.Contains(flags, "e") && len(spans) > 3 && spans[2] >= 0 {
		return spans[2:4], true
	}
	return spans, false
}

// regexpSubstr is (subject, pattern, position, occurrence, flags).
func regexpSubstr(args []Vector, row int, out *output) error {
	nth := args[3].Int(row)
	var found []byte
	err := out.matches(args, row, args[2].Int(row), args[4].Text(row), func(spans []int) bool {
		if nth--; nth > 0 {
			return true
		}
		spans, _ = inner(spans, args[4].Text(row))
		found = args[0].Bytes(row)[spans[0]:spans[1]]
		return false
	})
	out.text(row, found)
	return err
}

// regexpReplace is (subject, pattern, replacement, position, flags). \1 and $1
// in the replacement are groups.
func regexpReplace(args []Vector, row int, out *output) error {
	s, with := args[0].Text(row), args[2].Text(row)
	var b []byte
	last := 0
	err := out.matches(args, row, args[3].Int(row), args[4].Text(row), func(spans []int) bool {
		b = append(b, s[last:spans[0]]...)
		for i := 0; i < len(with); i++ {
			if (with[i] == '\\' || with[i] == '$') && i+1 < len(with) && with[i+1] >= '0' && with[i+1] <= '9' {
				i++
				if g := 2 * int(with[i]-'0'); g+1 < len(spans) && spans[g] >= 0 {
					b = append(b, s[spans[g]:spans[g+1]]...)
				}
				continue
			}
			b = append(b, with[i])
		}
		last = spans[1]
		return true
	})
	out.text(row, append(b, s[last:]...))
	return err
}
