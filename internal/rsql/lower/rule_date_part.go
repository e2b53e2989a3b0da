package lower

import (
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// partName gives DuckDB's name of a date part (the guide's "Date parts for date or
// timestamp functions"); empty if there is no such part.
func partName(word string) string {
	switch strings.ToLower(word) {
	case "millennium", "millennia", "mil", "mils":
		return "millennium"
	case "century", "centuries", "c", "cent", "cents":
		return "century"
	case "decade", "decades", "dec", "decs":
		return "decade"
	case "epoch":
		return "epoch"
	case "year", "years", "y", "yr", "yrs", "yyyy", "yy":
		return "year"
	case "quarter", "quarters", "qtr", "qtrs", "q", "qq":
		return "quarter"
	case "month", "months", "mon", "mons", "mm":
		return "month"
	case "week", "weeks", "w", "ww", "wk":
		return "week"
	case "dayofweek", "dow", "dw", "weekday", "d_o_w":
		return "dow"
	case "dayofyear", "doy", "dy", "yearday":
		return "doy"
	case "day", "days", "d", "dd":
		return "day"
	case "hour", "hours", "h", "hr", "hrs", "hh":
		return "hour"
	case "minute", "minutes", "m", "min", "mins", "mi", "n":
		return "minute"
	case "second", "seconds", "s", "sec", "secs", "ss":
		return "second"
	case "millisecond", "milliseconds", "ms", "msec", "msecs", "msecond", "mseconds", "millisec", "millisecs", "millisecon":
		return "millisecond"
	case "microsecond", "microseconds", "us", "usec", "usecs", "usecond", "useconds", "microsec", "microsecs", "microsecon":
		return "microsecond"
	case "timezone", "timezone_hour", "timezone_minute", "isodow", "isoyear", "julian":
		return strings.ToLower(word)
	}
	return ""
}

// datePart lowers the functions whose first argument names a date part.
func datePart(l *lowering, c *syntax.Call) emit.Expr {
	if c.Name.Last().Name == "date_trunc" && isParam(c.Args[0]) {
		return call("rs_date_trunc", &emit.Cast{X: l.expr(c.Args[0]), Type: "VARCHAR"}, l.timestamp(c.Args[1]))
	}
	part := l.part(c.Args[0])
	switch c.Name.Last().Name {
	case "dateadd", "date_add":
		return l.dateAdd(c, part)
	case "datediff", "date_diff":
		if part == "dow" || part == "doy" {
			part = "day"
		}
		if part == "week" {
			return call("rs_weeks_apart", l.datetime(c.Args[1]), l.datetime(c.Args[2]))
		}
		return call("date_diff", &emit.Str{Value: part}, l.datetime(c.Args[1]), l.datetime(c.Args[2]))
	case "date_trunc":
		return l.dateTrunc(part, c.Args[1])
	}
	if part == "second" { // with its fraction, which EXTRACT leaves out
		micros := call("date_part", &emit.Str{Value: "microsecond"}, l.momentOf(part, c.Args[1]))
		return &emit.Op{Op: "/", Args: []emit.Expr{micros, &emit.Num{Text: "1000000"}}}
	}
	return &emit.Cast{X: l.fieldOf(part, c.Args[1]), Type: "DOUBLE"}
}

// part reads a date part written as a word or as a text.
func (l *lowering) part(e syntax.Expr) string {
	word := ""
	switch e := e.(type) {
	case *syntax.ColumnRef:
		word = e.Parts[len(e.Parts)-1].Name
	case *syntax.String:
		word = e.Value
	case *syntax.Cast:
		return l.part(e.X)
	default:
		l.missing(e, "a date part that is not a constant")
	}
	part := partName(word)
	if part == "" {
		l.fail(e, sqlerr.InvalidParameterValue, "timestamp units \"%s\" not recognized", word)
	}
	return part
}

// datetime lowers a date or time argument; a text becomes a timestamp.
func (l *lowering) datetime(e syntax.Expr) emit.Expr {
	if s, ok := e.(*syntax.String); ok {
		return temporal(s.Value, types.Type{Kind: types.Timestamp})
	}
	switch l.typeOf(e).Kind {
	case types.Date, types.Timestamp, types.TimestampTZ, types.Time, types.TimeTZ:
		return l.expr(e)
	}
	if isParam(e) { // as a timestamp; the macro takes texts
		return call("rs_timestamp", &emit.Cast{X: l.expr(e), Type: "VARCHAR"})
	}
	if l.isLate(e) {
		return l.chosen("rs_timestamp", e, l.expr(e), nil)
	}
	return call("rs_datetime", l.expr(e))
}

// timestamp lowers an argument that a date, too, is to be a timestamp.
func (l *lowering) timestamp(e syntax.Expr) emit.Expr {
	x := l.datetime(e)
	if l.typeOf(e).Kind == types.Date {
		return &emit.Cast{X: x, Type: "TIMESTAMP"}
	}
	return x
}

// dateAdd lowers DATEADD to an addition of an interval made from the number.
func (l *lowering) dateAdd(c *syntax.Call, part string) emit.Expr {
	unit := map[string]struct {
		maker string
		times int
		kind  string
	}{
		"millennium": {"to_months", 12000, "INTEGER"}, "century": {"to_months", 1200, "INTEGER"}, "decade": {"to_months", 120, "INTEGER"},
		"year": {"to_months", 12, "INTEGER"}, "quarter": {"to_months", 3, "INTEGER"}, "month": {"to_months", 1, "INTEGER"},
		"week": {"to_days", 7, "INTEGER"}, "day": {"to_days", 1, "INTEGER"}, "dow": {"to_days", 1, "INTEGER"}, "doy": {"to_days", 1, "INTEGER"},
		"hour": {"to_hours", 1, "BIGINT"}, "minute": {"to_minutes", 1, "BIGINT"}, "second": {"to_seconds", 1, "BIGINT"}, "epoch": {"to_seconds", 1, "BIGINT"},
		"millisecond": {"to_milliseconds", 1, "BIGINT"}, "microsecond": {"to_microseconds", 1, "BIGINT"},
	}[part]
	if unit.maker == "" {
		l.fail(c, sqlerr.InvalidParameterValue, "timestamp units \"%s\" not supported", part)
	}
	n := l.expr(c.Args[1])
	if unit.times >= 12 && unit.maker == "to_months" {
		return call("rs_add_years", l.datetime(c.Args[2]), n, &emit.Num{Text: strconv.Itoa(unit.times)})
	}
	if !l.typeOf(c.Args[1]).IsInteger() {
		n = &emit.Cast{X: n, Type: unit.kind}
	}
	if unit.times > 1 {
		n = &emit.Op{Op: "*", Args: []emit.Expr{n, &emit.Num{Text: strconv.Itoa(unit.times)}}}
	}
	return &emit.Op{Op: "+", Args: []emit.Expr{l.datetime(c.Args[2]), call(unit.maker, n)}}
}

// extract lowers EXTRACT.
func extract(l *lowering, e syntax.Expr) emit.Expr {
	x, ok := e.(*syntax.Extract)
	if !ok {
		return nil
	}
	part := partName(x.Field)
	if part == "" {
		l.fail(x, sqlerr.InvalidParameterValue, "timestamp units \"%s\" not recognized", x.Field)
	}
	if part == "epoch" {
		return l.fieldOf(part, x.X)
	}
	return &emit.Cast{X: l.fieldOf(part, x.X), Type: "INTEGER"}
}

// fieldOf takes one part of a date or time. Milliseconds and microseconds are
// those of the second's fraction, where DuckDB counts the seconds in.
func (l *lowering) fieldOf(part string, e syntax.Expr) emit.Expr {
	field := call("date_part", &emit.Str{Value: part}, l.momentOf(part, e))
	modulo := map[string]string{"millisecond": "1000", "microsecond": "1000000"}[part]
	switch {
	case modulo != "":
		return &emit.Op{Op: "%", Args: []emit.Expr{field, &emit.Num{Text: modulo}}}
	case part == "epoch":
		return &emit.Cast{X: call("floor", field), Type: "BIGINT"}
	case part == "decade": // the first is that of the years 1 to 9
		return &emit.Op{Op: "+", Args: []emit.Expr{field, &emit.Num{Text: "1"}}}
	}
	return field
}

// momentOf lowers the date, time or interval that a part is taken of.
func (l *lowering) momentOf(part string, e syntax.Expr) emit.Expr {
	if t, ok := e.(*syntax.TypedString); ok && strings.HasPrefix(part, "timezone") && l.typeOf(e).Kind == types.TimeTZ {
		return zonedTime(t.Value, false)
	}
	if k := l.typeOf(e).Kind; k == types.IntervalDS || k == types.IntervalYM {
		return l.expr(e)
	}
	return l.datetime(e)
}

// atTimeZone lowers AT TIME ZONE.
func atTimeZone(l *lowering, e syntax.Expr) emit.Expr {
	z, ok := e.(*syntax.AtTimeZone)
	if !ok {
		return nil
	}
	t := l.typeOf(z.X)
	if _, literal := z.X.(*syntax.String); literal {
		t.Kind = types.Timestamp
	}
	return zoned(l.expr(z.Zone), l.datetime(z.X), t)
}

// convertTimezone lowers CONVERT_TIMEZONE([source,] target, timestamp).
func convertTimezone(l *lowering, c *syntax.Call) emit.Expr {
	last := len(c.Args) - 1
	return call("rs_convert_timezone", append(l.exprs(c.Args[:last]), l.timestamp(c.Args[last]))...)
}

// zoned moves a date or time of type t into or out of a zone.
func zoned(zone, x emit.Expr, t types.Type) emit.Expr {
	switch t.Kind {
	case types.Timestamp, types.Date:
		return call("rs_instant", x, zone)
	case types.TimestampTZ:
		return call("rs_wall", x, zone)
	case types.Time, types.TimeTZ:
		return call("timezone", zone, x)
	}
	return call("rs_timezone", zone, x)
}

// dateTrunc lowers DATE_TRUNC. A century and a millennium begin with the year 1,
// where DuckDB's begin with the year 0.
func (l *lowering) dateTrunc(part string, e syntax.Expr) emit.Expr {
	x := l.timestamp(e)
	if part != "century" && part != "millennium" {
		return call("date_trunc", &emit.Str{Value: part}, x)
	}
	year := &emit.Interval{Text: "1 year"}
	before := &emit.Op{Op: "-", Args: []emit.Expr{x, year}}
	return &emit.Op{Op: "+", Args: []emit.Expr{call("date_trunc", &emit.Str{Value: part}, before), year}}
}
