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
	shape string // "", upper, lower; pad in front of it fills to nine characters; rs_ and more: a macro of the value
}

// patterns are matched in order, so longer names stand first.
var datePatterns = []pattern{
	{"HH24", "%H", ""}, {"HH12", "%I", ""}, {"HH", "%I", ""}, {"MI", "%M", ""}, {"SSSS", "", "rs_format_ssss"}, {"SS", "%S", ""}, {"MS", "%g", ""}, {"US", "%f", ""},
	{"A.M.", "%p", ""}, {"P.M.", "%p", ""}, {"AM", "%p", ""}, {"PM", "%p", ""}, {"am", "%p", "lower"}, {"pm", "%p", "lower"},
	{"Y,YYY", "", "rs_format_y_yyy"}, {"YYYY", "%Y", ""}, {"YYY", "", "rs_format_yyy"}, {"IYYY", "%G", ""}, {"YY", "%y", ""}, {"MONTH", "%B", "pad upper"}, {"Month", "%B", "pad"}, {"month", "%B", "pad lower"},
	{"MON", "%b", "upper"}, {"Mon", "%b", ""}, {"mon", "%b", "lower"}, {"MM", "%m", ""},
	{"DAY", "%A", "pad upper"}, {"Day", "%A", "pad"}, {"day", "%A", "pad lower"}, {"DY", "%a", "upper"}, {"Dy", "%a", ""}, {"dy", "%a", "lower"},
	{"DDD", "%j", ""}, {"DD", "%d", ""}, {"ID", "%u", ""}, {"IW", "%V", ""}, {"WW", "", "rs_format_ww"}, {"CC", "", "rs_format_cc"}, {"TZ", "%Z", ""}, {"tz", "%Z", "lower"}, {"OF", "%z", ""},
	{"B.C.", "", "rs_format_era_dots"}, {"A.D.", "", "rs_format_era_dots"}, {"BC", "", "rs_format_era"}, {"AD", "", "rs_format_era"},
	{"D", "", "rs_format_d"}, {"W", "", "rs_format_w"}, {"Q", "", "rs_format_q"}, {"J", "", "rs_format_j"}, {"Y", "", "rs_format_y"},
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
			return p, len(p.name)
		}
	}
	for _, p := range datePatterns {
		if (p.shape == "" || p.code == "") && len(format) >= len(p.name) && strings.EqualFold(format[:len(p.name)], p.name) {
			return p, len(p.name)
		}
	}
	c := format[0]
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
		return pattern{}, 0
	}
	return pattern{code: strings.ReplaceAll(format[:1], "%", "%%")}, 1
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
// piece has a case or a width of its own, and that of numbers to a macro. Where
// the type is not known the format decides. A format that is not constant is
// read by the macro.
func toChar(l *lowering, c *syntax.Call) emit.Expr {
	t := l.typeOf(c.Args[0])
	s, constant := c.Args[1].(*syntax.String)
	if t.Kind == types.IntervalDS || t.Kind == types.IntervalYM {
		l.missing(c, "to_char of an interval")
	}
	if t.IsNumber() {
		return call("rs_to_char_number", l.exprs(c.Args)...)
	}
	if !constant {
		return call("rs_to_char", l.exprs(c.Args)...)
	}
	if _, ok := dateFormat(s.Value); !ok && t.Kind == types.Unknown {
		return call("rs_to_char_number", l.exprs(c.Args)...)
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
		if t.Kind == types.Timestamp || t.Kind == types.Date { // no zone: UTC
			p.code = map[string]string{"TZ": "UTC", "OF": "+00"}[p.name] + map[bool]string{true: p.code}[p.name != "TZ" && p.name != "OF"]
		}
		if p.shape == "" {
			plain += p.code
			continue
		}
		flush()
		pieces = append(pieces, shaped(p, x))
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

// shaped prints an element that strftime alone does not give.
func shaped(p pattern, x emit.Expr) emit.Expr {
	if strings.HasPrefix(p.shape, "rs_") {
		return call(p.shape, x)
	}
	var e emit.Expr = call("strftime", x, &emit.Str{Value: p.code})
	if word := strings.TrimPrefix(strings.TrimPrefix(p.shape, "pad"), " "); word != "" {
		e = call(word, e)
	}
	if strings.HasPrefix(p.shape, "pad") {
		e = call("rpad", e, &emit.Num{Text: "9"}, &emit.Str{Value: " "})
	}
	return e
}

// toDate lowers TO_DATE and TO_TIMESTAMP to strptime. Without the strict
// parameter a day out of range runs over into the next month.
func toDate(l *lowering, c *syntax.Call) emit.Expr {
	format := ""
	for _, p := range l.formatOf(c) {
		if strings.HasPrefix(p.shape, "rs_") {
			l.missing(c, c.Name.Last().Name+" with the format element "+p.name)
		}
		format += p.code
	}
	t := types.Type{Kind: types.Date}
	if c.Name.Last().Name == "to_timestamp" {
		t.Kind = types.TimestampTZ
	}
	name := "rs_parse_time"
	if len(c.Args) == 3 {
		if b, ok := c.Args[2].(*syntax.Bool); ok && b.Value {
			name = "rs_parse_time_strict"
		}
	}
	return &emit.Cast{X: call(name, call("rs_text", l.expr(c.Args[0])), &emit.Str{Value: format}), Type: t.Duck()}
}
