package duck

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// timePatterns are the elements of a datetime format ("Datetime format strings"
// of the guide), those that begin alike longest first. What is none of them is
// printed as it stands.
var timePatterns = []string{
	"HH24", "HH12", "HH", "MI", "SSSS", "SS", "MS", "US", "A.M.", "P.M.", "a.m.", "p.m.", "AM", "PM", "am", "pm",
	"Y,YYY", "YYYY", "YYY", "YY", "Y", "IYYY", "IYY", "IY", "IDDD", "ID", "IW", "I",
	"MONTH", "Month", "month", "MON", "Mon", "mon", "MM", "RM", "rm", "DAY", "Day", "day", "DY", "Dy", "dy", "DDD", "DD", "D",
	"WW", "W", "CC", "Q", "J", "TZ", "tz", "OF", "B.C.", "A.D.", "b.c.", "a.d.", "BC", "AD", "bc", "ad",
}

// timeElement finds the element a format begins with; empty if there is none.
// Numeric ones may be written in lower case.
func timeElement(format string) string {
	for _, p := range timePatterns {
		if strings.HasPrefix(format, p) {
			return p
		}
	}
	for _, p := range timePatterns {
		if len(format) >= len(p) && strings.EqualFold(format[:len(p)], p) {
			return p
		}
	}
	return ""
}

// timeToChar is TO_CHAR(timestamp, format); the zone is the name and the offset
// that TZ and OF print.
func timeToChar(args []Vector, row int, out *output) error {
	t := time.UnixMicro(args[0].Int(row)).UTC()
	zone, offset, _ := strings.Cut(args[2].Text(row), " ")
	var b strings.Builder
	for format := args[1].Text(row); format != ""; {
		if format[0] == '"' {
			if end := strings.IndexByte(format[1:], '"'); end >= 0 {
				b.WriteString(format[1 : 1+end])
				format = format[end+2:]
				continue
			}
		}
		rest, bare := format, false
		if len(rest) > 2 && strings.EqualFold(rest[:2], "FM") {
			rest, bare = rest[2:], true
		}
		name := timeElement(rest)
		if name == "" {
			b.WriteByte(format[0])
			format = format[1:]
			continue
		}
		format = rest[len(name):]
		text, number := timeText(t, name, bare)
		switch name {
		case "TZ":
			text = zone
		case "tz":
			text = strings.ToLower(zone)
		case "OF":
			text = offset
		}
		if len(format) >= 2 && strings.EqualFold(format[:2], "TH") {
			if number {
				text += ordinal(text, format[0] == 'T')
			}
			format = format[2:]
		}
		b.WriteString(text)
	}
	out.text(row, []byte(b.String()))
	return nil
}

// ordinal is the suffix of an English ordinal number.
func ordinal(digits string, upper bool) string {
	suffix := "th"
	if n := len(digits); n < 2 || digits[n-2] != '1' {
		switch digits[n-1] {
		case '1':
			suffix = "st"
		case '2':
			suffix = "nd"
		case '3':
			suffix = "rd"
		}
	}
	if upper {
		return strings.ToUpper(suffix)
	}
	return suffix
}

// timeText prints one element. A bare one, after FM, has neither leading zeros
// nor blanks behind it.
func timeText(t time.Time, name string, bare bool) (text string, number bool) {
	if width, n, ok := timeNumber(t, name); ok {
		if bare {
			width = 1
		}
		return fmt.Sprintf("%0*d", width, n), true
	}
	year := t.Year()
	switch strings.ToUpper(name) {
	case "Y,YYY":
		return fmt.Sprintf("%d,%03d", year/1000, year%1000), true
	case "YYY", "YY", "Y":
		return lastDigits(year, len(name)), true
	case "IYY", "IY", "I":
		year, _ = t.ISOWeek()
		return lastDigits(year, len(name)), true
	case "A.M.", "P.M.", "AM", "PM":
		return cased(name, pointed(name, t.Hour() < 12, "A.M.", "P.M.")), false
	case "B.C.", "A.D.", "BC", "AD":
		return cased(name, pointed(name, year > 0, "A.D.", "B.C.")), false
	case "MONTH":
		text = fmt.Sprintf("%-9s", cased(name, t.Month().String()))
	case "MON":
		text = cased(name, t.Month().String()[:3])
	case "DAY":
		text = fmt.Sprintf("%-9s", cased(name, t.Weekday().String()))
	case "DY":
		text = cased(name, t.Weekday().String()[:3])
	case "RM":
		months := [...]string{"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"}
		text = fmt.Sprintf("%-4s", cased(name, months[t.Month()-1]))
	}
	if bare {
		text = strings.TrimRight(text, " ")
	}
	return text, false
}

// timeNumber is the value of an element that is a number, and its digits.
func timeNumber(t time.Time, name string) (width, n int, ok bool) {
	isoYear, isoWeek := t.ISOWeek()
	isoDay := (int(t.Weekday())+6)%7 + 1
	switch name {
	case "HH24":
		return 2, t.Hour(), true
	case "HH12", "HH":
		return 2, (t.Hour()+11)%12 + 1, true
	case "MI":
		return 2, t.Minute(), true
	case "SS":
		return 2, t.Second(), true
	case "SSSS":
		return 1, t.Hour()*3600 + t.Minute()*60 + t.Second(), true
	case "MS":
		return 3, t.Nanosecond() / 1e6, true
	case "US":
		return 6, t.Nanosecond() / 1e3, true
	case "YYYY":
		if t.Year() <= 0 {
			return 4, 1 - t.Year(), true
		}
		return 4, t.Year(), true
	case "IYYY":
		return 4, isoYear, true
	case "IDDD":
		return 3, (isoWeek-1)*7 + isoDay, true
	case "ID":
		return 1, isoDay, true
	case "IW":
		return 2, isoWeek, true
	case "MM":
		return 2, int(t.Month()), true
	case "DDD":
		return 3, t.YearDay(), true
	case "DD":
		return 2, t.Day(), true
	case "D":
		return 1, int(t.Weekday()) + 1, true
	case "WW":
		return 2, (t.YearDay()-1)/7 + 1, true
	case "W":
		return 1, (t.Day()-1)/7 + 1, true
	case "CC":
		return 2, (t.Year() + 99) / 100, true
	case "Q":
		return 1, (int(t.Month())-1)/3 + 1, true
	case "J":
		return 1, int((t.Unix()-t.Unix()%86400)/86400) + 2440588, true
	}
	return 0, 0, false
}

func lastDigits(year, digits int) string {
	text := fmt.Sprintf("%04d", year)
	return text[len(text)-digits:]
}

// pointed chooses between two spellings with points, which go if the element has none.
func pointed(name string, first bool, yes, no string) string {
	if !first {
		yes = no
	}
	if !strings.Contains(name, ".") {
		return strings.ReplaceAll(yes, ".", "")
	}
	return yes
}

// cased writes text in the letters of the element: all large, all small, or as it is.
func cased(name, text string) string {
	switch name {
	case strings.ToUpper(name):
		return strings.ToUpper(text)
	case strings.ToLower(name):
		return strings.ToLower(text)
	}
	return text
}

// textToNumber is TO_NUMBER(text, format): the digits that stand where the
// format has places for them, with a point and a sign.
func textToNumber(args []Vector, row int, out *output) error {
	source, digits := strings.TrimSpace(args[0].Text(row)), ""
	f, err := readNumberFormat(args[1].Text(row))
	if err != nil {
		return err
	}
	s := source
	take := func(set string) byte {
		if s == "" || strings.IndexByte(set, s[0]) < 0 {
			return 0
		}
		c := s[0]
		s = s[1:]
		return c
	}
	negative, point := false, false
	sign := func() { negative = take("+-<") == '-' || negative }
	if strings.HasPrefix(s, "<") {
		negative = true
		s = s[1:]
	}
	for _, token := range f.tokens {
		if digits == "" {
			sign()
		}
		switch token {
		case "9", "0":
			s = strings.TrimLeft(s, " ")
			if c := take("0123456789"); c != 0 {
				digits += string(c)
			} else if s != "" && s[0] == '.' && f.fraction == 0 {
				s = ""
			} else if s != "" && s[0] != '.' && strings.IndexByte("+->", s[0]) < 0 {
				s = s[1:]
			}
		case "D", ".":
			for s != "" && s[0] >= '0' && s[0] <= '9' { // more than the format has places for
				s = s[1:]
			}
			if take(".") != 0 && !point {
				digits, point = digits+".", true
			}
		case "G", ",":
			take(",")
		case "L", "$":
			take("$")
		case "S", "MI", "PL", "SG":
			sign()
		}
	}
	if strings.Trim(digits, ".") == "" {
		return fmt.Errorf("22P02:invalid input syntax for type numeric: %s", strconv.Quote(source))
	}
	if negative {
		digits = "-" + digits
	}
	out.text(row, []byte(digits))
	return nil
}
