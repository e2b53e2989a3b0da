package warehouse

import (
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/types"
)

func call(name string, args ...emit.Expr) emit.Expr { return &emit.Call{Name: name, Args: args} }

// value converts one text field to its column's type. With try, what does not
// convert is NULL; else it fails.
func (l *load) value(column string, t types.Type, try bool) emit.Expr {
	var x emit.Expr = &emit.Ref{Parts: []string{column}}
	if t.IsText() {
		return l.textValue(x, t, try)
	}
	if t.Kind == types.Super {
		if try {
			x = &emit.Case{Whens: []emit.When{{Cond: call("json_valid", x), Result: x}}}
		}
		return call("json", x)
	}
	return l.quick(x, t, l.trimmedValue(call("nullif", call("trim", x), &emit.Str{}), t, try))
}

// trimmedValue converts a field without blanks around it, NULL when it was empty.
func (l *load) trimmedValue(x emit.Expr, t types.Type, try bool) emit.Expr {
	switch t.Kind {
	case types.Date, types.Timestamp, types.TimestampTZ:
		return l.dateValue(x, t, try)
	case types.Smallint, types.Integer, types.Bigint:
		return &emit.Cast{X: digits(x, try), Type: t.Duck(), Try: try}
	case types.Decimal:
		if !l.flags["ROUNDEC"] {
			x = call("rs_load_decimal", x, &emit.Num{Text: strconv.Itoa(t.Scale)})
		}
	case types.Varbyte:
		if try {
			return call("rs_load_hex_or_null", x)
		}
		return call("rs_load_hex", x)
	}
	return &emit.Cast{X: x, Type: t.Duck(), Try: try}
}

// quick converts a field as it stands where that is the same, and leaves the
// others to full: numbers that print as the field reads, times without blanks.
// The checks of full cost three times the conversion.
func (l *load) quick(x emit.Expr, t types.Type, full emit.Expr) emit.Expr {
	value := &emit.Cast{X: x, Type: t.Duck(), Try: true}
	when := func(cond emit.Expr) emit.Expr {
		return &emit.Case{Whens: []emit.When{{Cond: cond, Result: value}}, Else: full}
	}
	switch t.Kind {
	case types.Decimal, types.Smallint, types.Integer, types.Bigint:
		if t.Kind == types.Decimal && l.flags["ROUNDEC"] {
			break
		}
		return when(&emit.Op{Op: "=", Args: []emit.Expr{&emit.Cast{X: value, Type: "VARCHAR"}, x}})
	case types.Date:
		if l.dateFormat != "" {
			return full
		}
	case types.Timestamp, types.TimestampTZ:
		if l.timeFormat != "" {
			return full
		}
	case types.Real, types.Double, types.Boolean, types.Time:
	default:
		return full
	}
	return when(&emit.Postfix{X: value, Op: "IS NOT NULL"}) // coalesce computes both
}

// digits lets only integers as they are written pass.
func digits(x emit.Expr, try bool) emit.Expr {
	if try {
		return call("rs_load_digits_or_null", x)
	}
	return call("rs_load_digits", x)
}

func (l *load) textValue(x emit.Expr, t types.Type, try bool) emit.Expr {
	trimmed := x
	if l.flags["TRIMBLANKS"] && t.Kind == types.Varchar {
		trimmed = call("rtrim", x)
	}
	when := func(cond emit.Expr) emit.Expr {
		return &emit.Case{Whens: []emit.When{{Cond: cond, Result: &emit.Word{Text: "NULL"}}}, Else: trimmed}
	}
	blank := &emit.Op{Op: "=", Args: []emit.Expr{call("trim", x), &emit.Str{}}}
	empty := &emit.Op{Op: "=", Args: []emit.Expr{x, &emit.Str{}}}
	switch {
	case l.flags["BLANKSASNULL"] && l.flags["EMPTYASNULL"]:
		x = when(blank)
	case l.flags["BLANKSASNULL"]: // an empty field is not blank
		x = when(&emit.Op{Op: "AND", Args: []emit.Expr{blank, &emit.Prefix{Op: "NOT", X: empty}}})
	case l.flags["EMPTYASNULL"]:
		x = when(empty)
	default:
		x = trimmed
	}
	name := "rs_fit_varchar"
	switch {
	case t.Kind == types.Char && l.flags["TRUNCATECOLUMNS"]:
		name = "rs_load_char_cut"
	case t.Kind == types.Char:
		name = "rs_load_char"
	case l.flags["TRUNCATECOLUMNS"]:
		name = "rs_varchar"
	}
	if try && !l.flags["TRUNCATECOLUMNS"] {
		return x
	}
	return call(name, x, &emit.Num{Text: strconv.Itoa(t.Length)})
}

// dateValue converts dates and timestamps by DATEFORMAT and TIMEFORMAT.
func (l *load) dateValue(x emit.Expr, t types.Type, try bool) emit.Expr {
	try = try || l.flags["ACCEPTANYDATE"]
	format := l.timeFormat
	if t.Kind == types.Date {
		format = l.dateFormat
	}
	cast := func(x emit.Expr) emit.Expr { return &emit.Cast{X: x, Type: t.Duck(), Try: try} }
	epoch := func(factor string) emit.Expr {
		number := &emit.Cast{X: x, Type: "DECIMAL(24,6)", Try: try}
		return cast(call("make_timestamp", &emit.Cast{X: &emit.Op{Op: "*", Args: []emit.Expr{number, &emit.Num{Text: factor}}}, Type: "BIGINT", Try: try}))
	}
	switch strings.ToLower(format) {
	case "":
		return cast(x)
	case "auto":
		formats := autoDates
		if t.Kind != types.Date {
			formats = autoTimes
		}
		list := &emit.List{}
		for _, f := range formats {
			list.Items = append(list.Items, &emit.Str{Value: f})
		}
		return call("coalesce", &emit.Cast{X: call("try_strptime", x, list), Type: t.Duck(), Try: true}, cast(x))
	case "epochsecs":
		return epoch("1000000")
	case "epochmillisecs":
		return epoch("1000")
	}
	name := "strptime"
	if try {
		name = "try_strptime"
	}
	pattern := timePattern(format)
	list := &emit.List{Items: []emit.Expr{&emit.Str{Value: pattern}}}
	if t.Kind != types.Date && strings.Contains(pattern, "%S") && !strings.Contains(pattern, "%f") {
		list.Items = append(list.Items, &emit.Str{Value: strings.Replace(pattern, "%S", "%S.%f", 1)})
	}
	return cast(call(name, x, list))
}

// autoDates and autoTimes are the formats DATEFORMAT 'auto' and TIMEFORMAT
// 'auto' recognise, as strptime spells them ("Using automatic recognition with
// DATEFORMAT and TIMEFORMAT").
var (
	autoDates = []string{
		"%Y-%m-%d", "%m/%d/%Y", "%Y/%m/%d", "%m-%d-%Y", "%d.%m.%Y", "%Y%m%d", "%y%m%d", "%m/%d/%y", "%B %d, %Y", "%b %d, %Y",
		"%d-%b-%Y", "%d-%B-%Y", "%b-%d-%Y", "%d-%b-%y", "%Y-%b-%d", "%Y.%j", "%d %b %Y", "%d %B %Y",
	}
	autoTimes = withTimes(autoDates)
)

// withTimes gives the dates alone and before every time of day.
func withTimes(dates []string) []string {
	out := slices.Clone(dates)
	for _, d := range dates {
		for _, sep := range []string{" ", "T"} {
			for _, clock := range []string{"%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%H%M%S", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S%z", "%H:%M:%S.%f%z"} {
				out = append(out, d+sep+clock)
			}
		}
	}
	return out
}

// timePatterns pairs the parts of DATEFORMAT and TIMEFORMAT strings with
// strptime's, the longer before their prefixes.
var timePatterns = []string{
	"YYYY", "%Y", "YY", "%y", "MONTH", "%B", "MON", "%b", "MM", "%m", "DDD", "%j", "DD", "%d", "HH24", "%H", "HH12", "%I", "HH", "%H",
	"MI", "%M", "SS", "%S", "US", "%f", "MS", "%g", "AM", "%p", "PM", "%p", "OF", "%z", "TZ", "%Z",
}

func timePattern(format string) string {
	pattern := strings.NewReplacer(timePatterns...).Replace(strings.ToUpper(format))
	if strings.Contains(pattern, "%p") { // hours of a half day
		pattern = strings.Replace(pattern, "%H", "%I", 1)
	}
	return pattern
}
