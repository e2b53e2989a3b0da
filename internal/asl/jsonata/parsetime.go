package jsonata

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
)

// pattern is a regular expression for the text of a part.
func (p *timePart) pattern() (string, error) {
	switch {
	case p.component == 0:
		return regexp.QuoteMeta(p.literal), nil
	case p.component == 'Z' || p.component == 'z':
		out := "[-+][0-9]+"
		if p.integer.every > 0 {
			out += regexp.QuoteMeta(p.integer.places[0].char) + "[0-9]+"
		}
		if p.component == 'z' {
			out = "GMT" + out
		}
		return out, nil
	case p.integer != nil:
		return p.integer.pattern(p.width)
	}
	switch p.component {
	case 'M', 'x', 'F', 'P':
		return "[a-zA-Z]+", nil
	}
	return "", faultOf("D3133", string(p.component))
}

func (p *integerPicture) pattern(width int) (string, error) {
	switch p.style {
	case styleLetters:
		return "[A-Za-z]+", nil
	case styleRoman:
		return "[MDCLXVImdclxvi]+", nil
	case styleWords:
		return wordPattern(), nil
	case styleSequence:
		return "", faultOf("D3130", p.token)
	}
	out := "[0-9]+"
	if width > 0 {
		out = fmt.Sprintf("[0-9]{%d,%d}", max(width-p.optional, 0), width)
	}
	if p.ordinal {
		out += "(?:th|st|nd|rd)"
	}
	return out, nil
}

// wordPattern matches the words of numbers.
func wordPattern() string {
	var all []string
	for _, list := range [][]string{few[:], fewth[:], tens[:], magnitudes[:]} {
		all = append(all, list...)
	}
	for _, w := range tens {
		all = append(all, w[:len(w)-1]+"ieth")
	}
	for _, w := range magnitudes {
		all = append(all, w+"th")
	}
	return "(?:" + strings.ToLower(strings.Join(all, "|")) + "|hundred|hundredth|and|[-, ])+"
}

// read is the value of a part's text; NaN is none.
func (p *timePart) read(s string) (float64, error) {
	switch {
	case p.component == 'Z' || p.component == 'z':
		return p.readOffset(strings.TrimPrefix(s, "GMT")), nil
	case p.integer != nil:
		return p.integer.parse(s)
	case p.component == 'P':
		switch s {
		case "am", "AM":
			return 0, nil
		case "pm", "PM":
			return 1, nil
		}
		return math.NaN(), nil
	}
	n, name := 12, func(i int) string { return time.Month(i).String() }
	if p.component == 'F' {
		n, name = 7, func(i int) string { return time.Weekday(i % 7).String() }
	}
	for i := 1; i <= n; i++ {
		full := name(i)
		if p.maxWidth > 0 && len(full) > p.maxWidth {
			full = full[:p.maxWidth]
		}
		if s == full {
			return float64(i), nil
		}
	}
	return math.NaN(), nil
}

// readOffset is the minutes that a zone is ahead of UTC.
func (p *timePart) readOffset(s string) float64 {
	if p.integer.every > 0 {
		hours, minutes, _ := strings.Cut(s, p.integer.places[0].char)
		return leadingInt(hours)*60 + leadingInt(minutes)
	}
	if len(s) <= 3 {
		return leadingInt(s) * 60
	}
	return leadingInt(s[:3])*60 + leadingInt(s[3:])
}

// parseTime reads a time with a picture: milliseconds of the Unix epoch.
func parseTime(r *run, text, picture string) (any, error) {
	if err := r.text(64 * len(picture)); err != nil {
		return nil, err
	}
	parts, err := parseTimePicture(picture)
	if err != nil {
		return nil, err
	}
	var form strings.Builder
	form.WriteString("(?i)^")
	for i := range parts {
		s, err := parts[i].pattern()
		if err != nil {
			return nil, err
		}
		form.WriteString("(" + s + ")")
	}
	re, err := regexp.Compile(form.String() + "$")
	if err != nil {
		return nil, fault("D3136")
	}
	m := re.FindStringSubmatch(text)
	if m == nil {
		return undef{}, nil
	}
	fields := timeFields{}
	for i := range parts {
		if parts[i].component == 0 {
			continue
		}
		v, err := parts[i].read(m[i+1])
		if err != nil {
			return nil, err
		}
		fields[parts[i].component] = v
	}
	if len(fields) == 0 {
		return undef{}, nil
	}
	return fields.millis(r)
}

// timeFields are the parts of a time that a text gave, by their component letters.
type timeFields map[byte]float64

// given tells whether a field is there and not zero: as in the reference, a field that
// is zero does not count for what kind of date it is.
func (f timeFields) given(c byte) bool { return f[c] != 0 && f[c] == f[c] }

// only tells whether some of the fields are given, and none of the others.
func (f timeFields) only(some, others string) bool {
	for i := range others {
		if f.given(others[i]) {
			return false
		}
	}
	for i := range some {
		if f.given(some[i]) {
			return true
		}
	}
	return false
}

// millis puts the fields together. What is coarser than the coarsest one given is
// taken from now, what is finer than the finest is the least; there may be no gap.
func (f timeFields) millis(r *run) (any, error) {
	yearly := f.only("YMD", "XxWwd") // year, month, day
	byDay := !yearly && f.only("Yd", "XMxWwD")
	monthWeek := f.only("Xxw", "YMWdD")
	yearWeek := !monthWeek && f.only("XW", "YMxwdD")
	clock24 := f.only("Hmsf", "Ph")
	clock12 := !clock24 && f.only("Phmsf", "H")
	date, clock := "YMD", "Hmsf"
	switch {
	case byDay:
		date = "YD"
	case monthWeek:
		date = "XxwF"
	case yearWeek:
		date = "XWF"
	}
	if clock12 {
		clock = "Phmsf"
	}
	if err := f.complete(r, date+clock); err != nil {
		return nil, err
	}
	if monthWeek || yearWeek {
		return nil, fault("D3136")
	}
	month, day := math.Max(f['M'], 1), f['D']
	if byDay {
		month, day = 1, f['d']
	}
	hour := f['H']
	if clock12 {
		hour = math.Mod(f['h'], 12)
		if f['P'] == 1 {
			hour += 12
		}
	}
	for _, v := range [...]float64{f['Y'], month, day, hour, f['m'], f['s'], f['f']} {
		if !(math.Abs(v) < 1e7) {
			return undef{}, nil
		}
	}
	year := int(f['Y'])
	if year >= 0 && year <= 99 { // as JavaScript's Date.UTC
		year += 1900
	}
	t := time.Date(year, time.Month(int(month)), int(day), int(hour), int(f['m']), int(f['s']), int(f['f'])*1e6, time.UTC)
	zone := f['Z']
	if !f.given('Z') {
		zone = f['z']
	}
	return float64(t.UnixMilli()) - zone*60_000, nil
}

func (f timeFields) complete(r *run, order string) error {
	begun, ended := false, false
	for i := range order {
		c := order[i]
		if _, ok := f[c]; ok {
			if begun = true; ended {
				return fault("D3136")
			}
			continue
		}
		if begun {
			ended = true
			f[c] = 0
			if c == 'M' || c == 'D' || c == 'd' {
				f[c] = 1
			}
			continue
		}
		f[c] = float64(component(r.time().UTC(), c))
	}
	return nil
}
