package lower

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// pattern is one element of a datetime format ("Datetime format strings" of the
// guide) and what strftime calls it. Shape says what is done to the text.
type pattern struct {
	name  string
	code  string
	shape string // "", upper, lower; pad in front of it fills to nine characters
}

// patterns are matched in order, so longer names stand first.
var datePatterns = []pattern{
	{"HH24", "%H", ""}, {"HH12", "%I", ""}, {"HH", "%I", ""}, {"MI", "%M", ""}, {"SSSS", "", ""}, {"SS", "%S", ""}, {"MS", "%g", ""}, {"US", "%f", ""},
	{"A.M.", "%p", ""}, {"P.M.", "%p", ""}, {"AM", "%p", ""}, {"PM", "%p", ""}, {"am", "%p", "lower"}, {"pm", "%p", "lower"},
	{"YYYY", "%Y", ""}, {"IYYY", "%G", ""}, {"YY", "%y", ""}, {"MONTH", "%B", "pad upper"}, {"Month", "%B", "pad"}, {"month", "%B", "pad lower"},
	{"MON", "%b", "upper"}, {"Mon", "%b", ""}, {"mon", "%b", "lower"}, {"MM", "%m", ""},
	{"DAY", "%A", "pad upper"}, {"Day", "%A", "pad"}, {"day", "%A", "pad lower"}, {"DY", "%a", "upper"}, {"Dy", "%a", ""}, {"dy", "%a", "lower"},
	{"DDD", "%j", ""}, {"DD", "%d", ""}, {"IW", "%V", ""}, {"TZ", "%Z", ""}, {"tz", "%Z", "lower"}, {"OF", "%z", ""},
}

// dateFormat takes a format apart. False if it has an element DuckDB has no
// word for.
func dateFormat(format string) ([]pattern, bool) {
	var out []pattern
	fill := true
	for format != "" {
		if strings.HasPrefix(format, "FM") || strings.HasPrefix(format, "fm") {
			fill, format = false, format[2:]
			continue
		}
		if format[0] == '"' {
			end := strings.IndexByte(format[1:], '"')
			if end < 0 {
				return nil, false
			}
			out, format = append(out, pattern{code: strings.ReplaceAll(format[1:1+end], "%", "%%")}), format[end+2:]
			continue
		}
		p, size := element(format)
		if size == 0 {
			return nil, false
		}
		if !fill {
			p.shape = strings.TrimPrefix(strings.TrimPrefix(p.shape, "pad"), " ")
		}
		out, format = append(out, p), format[size:]
	}
	return out, true
}

// element reads one element of a format; lower-case spellings of the numeric
// ones mean the same.
func element(format string) (pattern, int) {
	for _, p := range datePatterns {
		if strings.HasPrefix(format, p.name) {
			return p, len(p.name) * boolInt(p.code != "")
		}
	}
	for _, p := range datePatterns {
		if p.shape == "" && len(format) >= len(p.name) && strings.EqualFold(format[:len(p.name)], p.name) {
			return p, len(p.name) * boolInt(p.code != "")
		}
	}
	c := format[0]
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
		return pattern{}, 0
	}
	return pattern{code: strings.ReplaceAll(format[:1], "%", "%%")}, 1
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// formatOf is the constant format of a call.
func (l *lowering) formatOf(c *syntax.Call) []pattern {
	name := c.Name.Last().Name
	s, ok := c.Args[1].(*syntax.String)
	if !ok {
		l.missing(c, name+" with a format that is not a constant")
	}
	p, ok := dateFormat(s.Value)
	if !ok {
		l.missing(c, name+" with the format \""+s.Value+"\"")
	}
	return p
}

// toChar lowers TO_CHAR of dates and times to strftime, in pieces where a
// piece has a case or a width of its own. A format that is not constant is
// read by the macro.
func toChar(l *lowering, c *syntax.Call) emit.Expr {
	s, constant := c.Args[1].(*syntax.String)
	if !constant {
		return call("rs_to_char", l.exprs(c.Args)...)
	}
	if strings.ContainsAny(s.Value, "90") {
		l.missing(c, "to_char of a number")
	}
	x := l.datetime(c.Args[0])
	var pieces []emit.Expr
	plain := ""
	flush := func() {
		if plain != "" {
			pieces = append(pieces, call("strftime", x, &emit.Str{Value: plain}))
			plain = ""
		}
	}
	for _, p := range l.formatOf(c) {
		if p.shape == "" {
			plain += p.code
			continue
		}
		flush()
		var e emit.Expr = call("strftime", x, &emit.Str{Value: p.code})
		if word := strings.TrimPrefix(strings.TrimPrefix(p.shape, "pad"), " "); word != "" {
			e = call(word, e)
		}
		if strings.HasPrefix(p.shape, "pad") {
			e = call("rpad", e, &emit.Num{Text: "9"}, &emit.Str{Value: " "})
		}
		pieces = append(pieces, e)
	}
	flush()
	switch len(pieces) {
	case 0:
		return &emit.Str{}
	case 1:
		return pieces[0]
	}
	return &emit.Op{Op: "||", Args: pieces}
}

// toDate lowers TO_DATE and TO_TIMESTAMP to strptime.
func toDate(l *lowering, c *syntax.Call) emit.Expr {
	format := ""
	for _, p := range l.formatOf(c) {
		format += p.code
	}
	t := types.Type{Kind: types.Date}
	if c.Name.Last().Name == "to_timestamp" {
		t.Kind = types.TimestampTZ
	}
	return &emit.Cast{X: call("strptime", call("rs_text", l.expr(c.Args[0])), &emit.Str{Value: format}), Type: t.Duck()}
}
