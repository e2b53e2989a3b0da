package lower

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// pattern is one element of a datetime format ("Datetime format strings" of the
// guide) and what strptime calls it; plain says that strftime prints it as
// TO_CHAR does.
type pattern struct {
	name  string
	code  string
	plain bool
}

// datePatterns are matched in order, so longer names stand first. Those without
// a code are only printed, by a function.
var datePatterns = []pattern{
	{"HH24", "%H", true}, {"HH12", "%I", true}, {"HH", "%I", true}, {"MI", "%M", true}, {"SSSS", "", false}, {"SS", "%S", true},
	{"MS", "%g", true}, {"US", "%f", true},
	{"A.M.", "%p", false}, {"P.M.", "%p", false}, {"AM", "%p", true}, {"PM", "%p", true}, {"am", "%p", false}, {"pm", "%p", false},
	{"Y,YYY", "", false}, {"YYYY", "%Y", true}, {"YYY", "", false}, {"IYYY", "%G", true}, {"IYY", "", false}, {"IY", "", false}, {"YY", "%y", true},
	{"MONTH", "%B", false}, {"Month", "%B", false}, {"month", "%B", false}, {"MON", "%b", false}, {"Mon", "%b", true}, {"mon", "%b", false},
	{"MM", "%m", true}, {"RM", "", false},
	{"DAY", "%A", false}, {"Day", "%A", false}, {"day", "%A", false}, {"DY", "%a", false}, {"Dy", "%a", true}, {"dy", "%a", false},
	{"IDDD", "", false}, {"DDD", "%j", true}, {"DD", "%d", true}, {"ID", "%u", true}, {"IW", "%V", true}, {"I", "", false}, {"WW", "", false}, {"CC", "", false},
	{"TZ", "%Z", true}, {"tz", "%Z", false}, {"OF", "%z", true},
	{"B.C.", "", false}, {"A.D.", "", false}, {"BC", "", false}, {"AD", "", false},
	{"D", "", false}, {"W", "", false}, {"Q", "", false}, {"J", "", false}, {"Y", "", false},
}

// dateFormat takes a format apart. What is no element stands for itself.
func dateFormat(format string) []pattern {
	var out []pattern
	for format != "" {
		if format[0] == '"' {
			if end := strings.IndexByte(format[1:], '"'); end >= 0 {
				out, format = append(out, literally(format[1:1+end])), format[end+2:]
				continue
			}
		}
		bare := len(format) > 2 && strings.EqualFold(format[:2], "FM")
		if bare {
			format = format[2:]
		}
		p := element(format)
		size := len(p.name)
		if size == 0 {
			p, size = literally(format[:1]), 1
		}
		format = format[size:]
		if p.name != "" && len(format) >= 2 && strings.EqualFold(format[:2], "TH") {
			p.plain, format = false, format[2:]
		}
		p.plain = p.plain && !bare
		out = append(out, p)
	}
	return out
}

func literally(text string) pattern {
	return pattern{code: strings.ReplaceAll(text, "%", "%%"), plain: true}
}

// element reads one element of a format; lower-case spellings of the numeric
// ones mean the same.
func element(format string) pattern {
	for _, p := range datePatterns {
		if strings.HasPrefix(format, p.name) {
			return p
		}
	}
	for _, p := range datePatterns {
		if len(format) >= len(p.name) && strings.EqualFold(format[:len(p.name)], p.name) {
			p.plain = p.plain && strings.ToUpper(p.name) == p.name && p.code != "%p"
			return p
		}
	}
	return pattern{}
}

// isDateFormat says whether a format has an element of dates and none of numbers.
func isDateFormat(format string) bool {
	dated := false
	for _, p := range dateFormat(format) {
		dated = dated || p.name != "" && p.name != "D"
	}
	return dated && !strings.ContainsAny(format, "09")
}

// toChar lowers TO_CHAR of dates and times to strftime where that prints the
// whole format, else to a function, as that of numbers. Where the type is not
// known the format decides.
func toChar(l *lowering, c *syntax.Call) emit.Expr {
	t := l.typeOf(c.Args[0])
	s, constant := c.Args[1].(*syntax.String)
	switch {
	case t.Kind == types.IntervalDS || t.Kind == types.IntervalYM:
		l.missing(c, "to_char of an interval")
	case t.IsNumber(), t.Kind == types.Unknown && constant && !isDateFormat(s.Value):
		return call("rs_to_char_number", l.exprs(c.Args)...)
	case t.Kind == types.Unknown && !constant:
		l.missing(c, "to_char of a value of unknown type with a format that is not a constant")
	}
	x := l.datetime(c.Args[0])
	if !constant {
		return l.timeToChar(t, x, l.expr(c.Args[1]))
	}
	code := ""
	for _, p := range dateFormat(s.Value) {
		if !p.plain {
			return l.timeToChar(t, x, &emit.Str{Value: s.Value})
		}
		if t.Kind == types.Timestamp || t.Kind == types.Date { // no zone: UTC
			switch p.name {
			case "TZ":
				p.code = "UTC"
			case "OF":
				p.code = "+00"
			}
		}
		code += p.code
	}
	return call("strftime", x, &emit.Str{Value: code})
}

// timeToChar prints a date or time by the function, whose overload the type chooses.
func (l *lowering) timeToChar(t types.Type, x, format emit.Expr) emit.Expr {
	switch t.Kind {
	case types.Timestamp, types.Date, types.TimestampTZ:
		x = &emit.Cast{X: x, Type: t.Duck()}
	}
	return call("rs_to_char", x, format)
}

// toNumber lowers TO_NUMBER, whose format gives the precision of the result.
func toNumber(l *lowering, c *syntax.Call) emit.Expr {
	s, ok := c.Args[1].(*syntax.String)
	if !ok {
		l.missing(c, "to_number with a format that is not a constant")
	}
	return &emit.Cast{X: call("rs_to_number", l.exprs(c.Args)...), Type: resolve.NumberType(s.Value).Duck()}
}

// toDate lowers TO_DATE and TO_TIMESTAMP to strptime. Without the strict
// parameter a day out of range runs over into the next month.
func toDate(l *lowering, c *syntax.Call) emit.Expr {
	name := c.Name.Last().Name
	s, ok := c.Args[1].(*syntax.String)
	if !ok {
		l.missing(c, name+" with a format that is not a constant")
	}
	format := ""
	for _, p := range dateFormat(s.Value) {
		if p.name != "" && p.code == "" {
			l.missing(c, name+" with the format element "+p.name)
		}
		format += p.code
	}
	t := types.Type{Kind: types.Date}
	if name == "to_timestamp" {
		t.Kind = types.TimestampTZ
	}
	parse := "rs_parse_time"
	if len(c.Args) == 3 {
		if b, ok := c.Args[2].(*syntax.Bool); ok && b.Value {
			parse = "rs_parse_time_strict"
		}
	}
	x := call(parse, call("rs_text", l.expr(c.Args[0])), &emit.Str{Value: format})
	if strings.Contains(format, "%y") { // whose 69 is 1969 to strptime
		x = call("rs_short_year", x)
	}
	return &emit.Cast{X: x, Type: t.Duck()}
}
