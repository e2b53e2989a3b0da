package lower

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// dateLiteral writes date and time literals the one way DuckDB reads them.
func dateLiteral(l *lowering, e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.TypedString:
		return l.castLiteral(e.Value, e.Type, e)
	case *syntax.Binary:
		if e.Op != "+" { // the day depends on the zone the time was written in
			return nil
		}
		if t, ok := e.R.(*syntax.TypedString); ok && l.typeOf(e.L).Kind == types.Date && l.typeOf(e.R).Kind == types.TimeTZ {
			return &emit.Op{Op: "+", Args: []emit.Expr{l.expr(e.L), zonedTime(t.Value, false)}}
		}
	}
	return nil
}

// temporal is a literal of a date or time type.
func temporal(text string, t types.Type) emit.Expr {
	if x := moment(text); x != nil {
		return &emit.Cast{X: x, Type: t.Duck()}
	}
	if date, clock, ok := splitDate(text); ok {
		clock = plainClock(clock)
		switch {
		case clock != "" && !isClock.MatchString(clock): // DuckDB would pass over it
			fault := fmt.Sprintf("22007:invalid input syntax for type %s: \"%s\"", t.Base(), text)
			return &emit.Cast{X: call("error", &emit.Str{Value: fault}), Type: t.Duck()}
		case t.Kind == types.Date, clock == "":
			text = date
		default:
			if text = date + " " + withOffset(clock); t.Kind == types.Timestamp { // the zone is passed over
				text = zoneAfter.ReplaceAllString(text, "$1")
			}
		}
	}
	if julianDay.MatchString(text) {
		return &emit.Cast{X: call("rs_date_of", &emit.Str{Value: text}), Type: t.Duck()}
	}
	return &emit.Cast{X: &emit.Str{Value: text}, Type: t.Duck()}
}

// julianDay is a date as its Julian day.
var julianDay = regexp.MustCompile(`^J\d{7}$`)

// zoneOffsets are the abbreviations whose offset does not depend on the day.
var zoneOffsets = map[string]int{
	"UTC": 0, "GMT": 0, "Z": 0, "ZULU": 0, "PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CST": -6, "CDT": -5, "EST": -5, "EDT": -4,
	"AKST": -9, "AKDT": -8, "HST": -10, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "WET": 0, "BST": 1, "JST": 9, "MSK": 3,
}

// noSeconds is a time of hours and minutes with a zone, which DuckDB wants
// seconds in; zoneAfter a zone's offset after a time.
var (
	noSeconds = regexp.MustCompile(`^(\d{1,2}:\d{2})(\s*(?:[-+]|[A-Za-z]{3}).*)$`)
	zoneAfter = regexp.MustCompile(`(:\d{2}(?:\.\d+)?)\s*(?:[-+]\d{1,2}(?::?\d{2})?|[Zz])$`)
)

// withOffset writes a zone's abbreviation at the end of a time as an offset.
func withOffset(clock string) string {
	clock = noSeconds.ReplaceAllString(clock, "$1:00$2")
	i := strings.LastIndexByte(clock, ' ')
	if hours, ok := zoneOffsets[strings.ToUpper(clock[i+1:])]; ok && i > 0 {
		return fmt.Sprintf("%s%+03d", strings.TrimSpace(clock[:i]), hours)
	}
	return clock
}

// moment reads the words that stand for a date or time: the start of the
// transaction, or midnight of a day beside it. Nil if text is none of them.
func moment(text string) emit.Expr {
	days := 0
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "now":
		return &emit.Word{Text: "current_timestamp"}
	case "yesterday":
		days = -1
	case "today":
	case "tomorrow":
		days = 1
	default:
		return nil
	}
	day := &emit.Cast{X: &emit.Word{Text: "current_timestamp"}, Type: "DATE"}
	return &emit.Op{Op: "+", Args: []emit.Expr{day, &emit.Word{Text: strconv.Itoa(days)}}}
}

// digitClock is a time without colons, halfDay one of a twelve hour clock.
var (
	digitClock = regexp.MustCompile(`^(\d{2})(\d{2})(\d{2})(\.\d+)?(\D.*)?$`)
	halfDay    = regexp.MustCompile(`^(\d{1,2})(:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*([AaPp])[Mm]\b(.*)$`)
)

// plainClock writes a time with colons and 24 hours.
func plainClock(clock string) string {
	clock = digitClock.ReplaceAllString(strings.TrimSpace(clock), "$1:$2:$3$4$5")
	m := halfDay.FindStringSubmatch(clock)
	if m == nil {
		return clock
	}
	hour, err := strconv.Atoi(m[1])
	afternoon := strings.EqualFold(m[3], "p")
	switch {
	case err != nil, hour > 12:
		return clock // refused as it stands
	case hour == 12 && !afternoon:
		hour = 0
	case hour < 12 && afternoon:
		hour += 12
	}
	return fmt.Sprintf("%02d%s%s", hour, m[2], m[4])
}

// isClock is a time, with a zone perhaps.
var isClock = regexp.MustCompile(`^\d{1,2}:\d{2}(?::\d{2}(?:\.\d*)?)?\s*(?:[-+]\d{1,2}(?::?\d{2})?|[A-Za-z][A-Za-z0-9/_+-]*)?$`)

// zonedTime is a literal TIMETZ. A date before it only chooses the offset, of
// which abbreviations have one; utc moves the time to that zone, as Redshift
// keeps it.
func zonedTime(text string, utc bool) emit.Expr {
	if _, clock, ok := splitDate(text); ok && clock != "" {
		text = clock
	}
	text = withOffset(plainClock(text))
	if i := strings.IndexByte(text, ':'); i == 1 {
		text = "0" + text
	}
	x := &emit.Cast{X: &emit.Str{Value: text}, Type: "TIMETZ"}
	if !utc || strings.HasSuffix(text, "+00") || !strings.ContainsAny(text, "+-") {
		return x
	}
	return call("rs_timetz_utc", x)
}

// ofMoment calls a function of a date or time, which may be written as text.
func (l *lowering) ofMoment(c *syntax.Call, name string) emit.Expr {
	x := l.callAs(c, name)
	switch s, literal := c.Args[0].(*syntax.String); {
	case literal:
		x.Args[0] = temporal(s.Value, types.Type{Kind: types.Timestamp})
	case l.isText(c.Args[0]):
		x.Args[0] = call("rs_timestamp_of", x.Args[0])
	}
	return x
}

// splitDate reads a date in one of the spellings Redshift takes (with its
// default DateStyle ISO, MDY), and gives it as YYYY-MM-DD with what follows.
// False if the text is not such a date.
func splitDate(text string) (date, clock string, ok bool) {
	text = strings.TrimSpace(text)
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	if len(words) == 0 {
		return "", "", false
	}
	if i := strings.IndexByte(words[0], 'T'); i > 0 && words[0][0] >= '0' && words[0][0] <= '9' && strings.IndexByte(words[0], '-') > 0 && !hasMonth(words[0]) {
		words = append([]string{words[0][:i], words[0][i+1:]}, words[1:]...)
	}
	if m := dayOfYear.FindStringSubmatch(words[0]); m != nil {
		if day, err := time.Parse("2006.002", m[0]); err == nil {
			return day.Format(time.DateOnly), strings.Join(words[1:], " "), true
		}
		return "", "", false
	}
	used := 1
	fields := strings.FieldsFunc(words[0], func(r rune) bool { return r == '-' || r == '/' || r == '.' })
	if len(fields) == 1 && len(words) >= 3 && !strings.Contains(words[1], ":") { // January 8, 1999
		fields, used = words[:3], 3
	}
	if len(fields) == 1 {
		fields = compact(fields[0])
	}
	if len(fields) != 3 {
		return "", "", false
	}
	year, month, day, ok := order(fields)
	if !ok || month < 1 || month > 12 || day < 1 || day > 31 {
		return "", "", false
	}
	return fmt.Sprintf("%04d-%02d-%02d", year, month, day), strings.Join(words[used:], " "), true
}

// dayOfYear is a date as its year and the number of its day.
var dayOfYear = regexp.MustCompile(`^\d{4}\.\d{3}$`)

// compact splits YYYYMMDD and YYMMDD.
func compact(s string) []string {
	year, err := strconv.Atoi(s[:min(2, len(s))])
	if _, number := strconv.Atoi(s); err != nil || number != nil {
		return nil
	}
	switch len(s) {
	case 8:
		return []string{s[:4], s[4:6], s[6:]}
	case 6:
		return []string{strconv.Itoa(century(year, s[:2])), s[2:4], s[4:]}
	}
	return nil
}

var months = []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}

func monthOf(s string) int {
	if len(s) < 3 {
		return 0
	}
	for i, m := range months {
		if strings.EqualFold(s[:3], m) {
			return i + 1
		}
	}
	return 0
}

func hasMonth(s string) bool {
	for _, f := range strings.Split(s, "-") {
		if monthOf(f) > 0 {
			return true
		}
	}
	return false
}

// order tells year, month and day apart.
func order(f []string) (year, month, day int, ok bool) {
	n := make([]int, 3)
	named := -1
	for i, s := range f {
		if m := monthOf(s); m > 0 {
			named, n[i] = i, m
			continue
		}
		v, err := strconv.Atoi(s)
		if err != nil || v < 0 {
			return 0, 0, 0, false
		}
		n[i] = v
	}
	switch {
	case len(f[0]) == 4 && named != 0:
		return n[0], n[1], n[2], true
	case named == 1:
		return century(n[2], f[2]), n[1], n[0], true
	}
	return century(n[2], f[2]), n[0], n[1], named <= 0
}

// century completes a year of two digits.
func century(year int, text string) int {
	switch {
	case len(text) != 2:
		return year
	case year < 70:
		return 2000 + year
	}
	return 1900 + year
}
