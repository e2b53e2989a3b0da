package jsonata

import (
	"math"
	"regexp"
	"strings"
	"time"
)

// Dates and times as XPath's format-dateTime pictures describe them
// (https://www.w3.org/TR/xpath-functions-31/#rules-for-datetime-formatting).

// timePart is a literal text (component 0) or a marker [...] of a picture.
type timePart struct {
	literal   string
	component byte
	named     bool // written as a name
	letters   letterCase
	zulu      bool // Z for the offset zero
	integer   *integerPicture
	maxWidth  int // -1: none
	width     int // digits of a year, month or day; -1: as many as it has
}

// presentation is how a component is written unless its marker says so.
func presentation(component byte) string {
	switch component {
	case 'Y', 'M', 'D', 'd', 'W', 'w', 'X', 'x', 'H', 'h', 'f':
		return "1"
	case 'F', 'P', 'C', 'E':
		return "n"
	case 'm', 's':
		return "01"
	case 'Z', 'z':
		return "01:01"
	}
	return ""
}

const isoPicture = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]"

func parseTimePicture(picture string) ([]timePart, error) {
	var parts []timePart
	literal := func(s string) {
		if s != "" {
			parts = append(parts, timePart{literal: strings.ReplaceAll(s, "]]", "]")})
		}
	}
	for {
		i := strings.IndexByte(picture, '[')
		if i < 0 {
			literal(picture)
			return parts, nil
		}
		literal(picture[:i])
		if picture = picture[i+1:]; strings.HasPrefix(picture, "[") {
			parts = append(parts, timePart{literal: "["})
			picture = picture[1:]
			continue
		}
		end := strings.IndexByte(picture, ']')
		if end < 0 {
			return nil, fault("D3135")
		}
		part, err := parseMarker(strings.Join(strings.Fields(picture[:end]), ""))
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		picture = picture[end+1:]
	}
}

func parseMarker(marker string) (timePart, error) {
	p := timePart{maxWidth: -1, width: -1}
	if marker == "" {
		return p, faultOf("D3132", "")
	}
	p.component = marker[0]
	form, minWidth := marker[1:], -1
	if i := strings.LastIndexByte(marker, ','); i >= 1 {
		low, high, _ := strings.Cut(marker[i+1:], "-")
		minWidth, p.maxWidth = widthOf(low), widthOf(high)
		form = marker[1:i]
	}
	modifier := ""
	if n := len(form); n > 1 && strings.IndexByte("atco", form[n-1]) >= 0 {
		form, modifier = form[:n-1], form[n-1:]
	} else if n == 0 {
		if form = presentation(p.component); form == "" {
			return p, faultOf("D3132", marker[:1])
		}
	}
	p.zulu = modifier == "t"
	var err error
	switch {
	case form[0] == 'n' || form[0] == 'N':
		p.named = true
		switch {
		case form[0] == 'n':
		case strings.HasPrefix(form, "Nn"):
			p.letters = caseTitle
		default:
			p.letters = caseUpper
		}
	case strings.IndexByte("YMDdFWwXxHhmsf", p.component) >= 0:
		if modifier != "" {
			form += ";" + modifier
		}
		if p.integer, err = parseIntegerPicture(form); err != nil {
			return p, err
		}
		p.widths(minWidth)
	}
	if p.component == 'Z' || p.component == 'z' {
		p.integer, err = parseIntegerPicture(form)
	}
	return p, err
}

func widthOf(s string) int {
	if f := leadingInt(s); f == f {
		return int(math.Min(f, 1000))
	}
	return -1
}

func (p *timePart) widths(minWidth int) {
	p.integer.mandatory = max(p.integer.mandatory, minWidth)
	if strings.IndexByte("YMD", p.component) < 0 {
		return
	}
	if p.maxWidth >= 0 {
		p.width = p.maxWidth
		p.integer.mandatory = p.width
	} else if w := p.integer.mandatory + p.integer.optional; w >= 2 {
		p.width = w
	}
}

// firstWeek is the Monday of the week that is the first one of what begins at t: the
// one with its first Thursday.
func firstWeek(t time.Time) time.Time {
	day := weekday(t)
	if day > 4 {
		return t.AddDate(0, 0, 8-day)
	}
	return t.AddDate(0, 0, 1-day)
}

// weekday counts from Monday, 1.
func weekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

func weeks(from, to time.Time) int { return int(math.Floor(to.Sub(from).Hours()/24/7)) + 1 }

// weekOf is the number of the week in a year (span 12 months) or month (1).
func weekOf(t time.Time, months int) int {
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	if months == 12 {
		first = time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	}
	today := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	most := 4
	if months == 12 {
		most = 52
	}
	begin := firstWeek(first)
	switch {
	case today.Before(begin):
		return weeks(firstWeek(first.AddDate(0, -months, 0)), today)
	case weeks(begin, today) > most && !today.Before(firstWeek(first.AddDate(0, months, 0))):
		return 1
	}
	return weeks(begin, today)
}

// component is the value of a part of a time in UTC.
func component(t time.Time, c byte) int {
	switch c {
	case 'Y':
		return t.Year()
	case 'M':
		return int(t.Month())
	case 'D':
		return t.Day()
	case 'd':
		return t.YearDay()
	case 'F':
		return weekday(t)
	case 'W':
		return weekOf(t, 12)
	case 'w':
		return weekOf(t, 1)
	case 'X':
		first := time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
		switch {
		case t.Before(firstWeek(first)):
			return t.Year() - 1
		case !t.Before(firstWeek(first.AddDate(1, 0, 0))):
			return t.Year() + 1
		}
		return t.Year()
	case 'x':
		first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
		switch {
		case t.Before(firstWeek(first)):
			return int(first.AddDate(0, -1, 0).Month())
		case !t.Before(firstWeek(first.AddDate(0, 1, 0))):
			return int(first.AddDate(0, 1, 0).Month())
		}
		return int(t.Month())
	case 'H':
		return t.Hour()
	case 'h':
		return (t.Hour()+11)%12 + 1
	case 'P':
		return t.Hour() / 12
	case 'm':
		return t.Minute()
	case 's':
		return t.Second()
	case 'f':
		return t.Nanosecond() / 1e6
	}
	return 0
}

// formatTime writes a time, given in milliseconds of the Unix epoch.
func formatTime(millis float64, picture, zone any) (string, error) {
	form := isoPicture
	if s, ok := picture.(string); ok {
		form = s
	}
	parts, err := parseTimePicture(form)
	if err != nil {
		return "", err
	}
	hours, minutes := 0, 0
	if s, ok := zone.(string); ok {
		if f := leadingInt(s); f == f && math.Abs(f) < 1e6 {
			hours, minutes = int(math.Floor(f/100)), int(math.Mod(f, 100))
		}
	}
	if !(math.Abs(millis) <= 8.64e15) {
		return "", faultOf("D1001", millis)
	}
	t := time.UnixMilli(int64(millis)).UTC().Add(time.Duration(60*hours+minutes) * time.Minute)
	var b strings.Builder
	for i := range parts {
		s, err := parts[i].format(t, hours, minutes)
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (p *timePart) format(t time.Time, hours, minutes int) (string, error) {
	v := component(t, p.component)
	switch p.component {
	case 0:
		return p.literal, nil
	case 'Z', 'z':
		return p.offset(hours, minutes)
	case 'P':
		name := [...]string{"am", "pm"}[v]
		if p.letters == caseUpper && p.named {
			name = strings.ToUpper(name)
		}
		return name, nil
	case 'C', 'E':
		return "ISO", nil
	case 'Y':
		if p.width >= 0 && p.width < 10 {
			v %= int(math.Pow10(p.width))
		}
	}
	if !p.named {
		if p.integer == nil {
			return "", faultOf("D3132", string(p.component))
		}
		return p.integer.format(float64(v))
	}
	var name string
	switch p.component {
	case 'M', 'x':
		name = time.Month(v).String()
	case 'F':
		name = time.Weekday(v % 7).String()
	default:
		return "", faultOf("D3133", string(p.component))
	}
	switch p.letters {
	case caseUpper:
		name = strings.ToUpper(name)
	case caseLower:
		name = strings.ToLower(name)
	}
	if p.maxWidth >= 0 && len(name) > p.maxWidth {
		name = name[:p.maxWidth]
	}
	return name, nil
}

func (p *timePart) offset(hours, minutes int) (string, error) {
	if p.integer == nil {
		return "", faultOf("D3132", string(p.component))
	}
	both := hours*100 + minutes
	var out string
	var err error
	switch n := p.integer.mandatory; {
	case p.integer.style == styleDecimal && p.integer.every > 0:
		out, err = p.integer.format(float64(both))
	case n == 1 || n == 2:
		out, err = p.integer.format(float64(hours))
		if minutes != 0 {
			plain := &integerPicture{zero: '0', mandatory: 2}
			rest, _ := plain.format(float64(minutes))
			out += ":" + rest
		}
	case n == 3 || n == 4:
		out, err = p.integer.format(float64(both))
	default:
		return "", faultOf("D3134", float64(n))
	}
	if err != nil {
		return "", err
	}
	if both >= 0 {
		out = "+" + out
	}
	if p.component == 'z' {
		out = "GMT" + out
	}
	if both == 0 && p.zulu {
		out = "Z"
	}
	return out, nil
}

func fnNow(r *run, a []any) (any, error) {
	return formatTime(float64(r.time().UnixMilli()), argument(a, 0), argument(a, 1))
}

func fnMillis(r *run, _ []any) (any, error) { return float64(r.time().UnixMilli()), nil }

func fnFromMillis(_ *run, a []any) (any, error) {
	return formatTime(num(a, 0), argument(a, 1), argument(a, 2))
}

var (
	isoForm = regexp.MustCompile(`^\d{4}(-[01]\d)*(-[0-3]\d)*(T[0-2]\d:[0-5]\d:[0-5]\d)*(\.\d+)?([+-][0-2]\d:?[0-5]\d|Z)?$`)
	isoTime = regexp.MustCompile(`^(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?)?(?:([+-])(\d\d):?(\d\d)|Z)?$`)
)

func fnToMillis(r *run, a []any) (any, error) {
	text := str(a, 0)
	if picture, ok := argument(a, 1).(string); ok {
		return parseTime(r, text, picture)
	}
	m := isoTime.FindStringSubmatch(text)
	if m == nil || !isoForm.MatchString(text) {
		return nil, faultOf("D3110", text)
	}
	part := func(i, otherwise int) int {
		if m[i] == "" {
			return otherwise
		}
		return int(leadingInt(m[i]))
	}
	month, day, hour := part(2, 1), part(3, 1), part(4, 0)
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 {
		return nil, faultOf("D3110", text)
	}
	ms := int(leadingInt((m[7] + "000")[:3]))
	t := time.Date(part(1, 0), time.Month(month), day, hour, part(5, 0), part(6, 0), ms*1e6, time.UTC)
	shift := part(9, 0)*60 + part(10, 0)
	if m[8] == "-" {
		shift = -shift
	}
	return float64(t.UnixMilli() - int64(shift)*60_000), nil
}
