package schedule

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseCron reads six fields, of which the year may be missing.
func parseCron(text string, zone *time.Location) (*Schedule, error) {
	body, ok := strings.CutPrefix(text, "cron(")
	body, closed := strings.CutSuffix(body, ")")
	fields := strings.Fields(body)
	if len(fields) == 5 {
		fields = append(fields, "*")
	}
	if !ok || !closed || len(fields) != 6 {
		return nil, ErrSyntax
	}
	s := &Schedule{zone: zone}
	for _, f := range []struct {
		to        *set
		text      string
		low, high int
		names     []string
	}{{&s.minutes, fields[0], 0, 59, nil}, {&s.hours, fields[1], 0, 23, nil}, {&s.months, fields[3], 1, 12, monthNames}, {&s.years, fields[5], 1970, 2199, nil}} {
		values, ok := parseField(f.text, f.low, f.high, f.names)
		if !ok {
			return nil, ErrSyntax
		}
		*f.to = values
	}
	// One of the two days must be "?".
	switch day, weekday := fields[2], fields[4]; {
	case weekday == "?" && day != "?":
		s.days, ok = parseDay(day)
	case day == "?" && weekday != "?":
		s.days, ok = parseWeekday(weekday)
	default:
		return nil, ErrSyntax
	}
	if !ok {
		return nil, ErrSyntax
	}
	return s, nil
}

var (
	monthNames = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	dayNames   = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

// parseField reads values, ranges and increments: 1,5-7,0/15,*. Names count from
// the lowest value. An increment is no larger than the highest value.
func parseField(text string, low, high int, names []string) (values set, ok bool) {
	number := func(s string) (int, bool) {
		if i := slices.Index(names, strings.ToUpper(s)); i >= 0 {
			return low + i, true
		}
		n, err := strconv.Atoi(s)
		return n, err == nil && n >= low && n <= high
	}
	for part := range strings.SplitSeq(text, ",") {
		part, step, stepped := strings.Cut(part, "/")
		by := 1
		if stepped {
			n, err := strconv.Atoi(step)
			if err != nil || n < 1 || n > high {
				return nil, false
			}
			by = n
		}
		from, to := low, high
		if first, last, ranged := strings.Cut(part, "-"); ranged {
			var ok1, ok2 bool
			from, ok1 = number(first)
			to, ok2 = number(last)
			if !ok1 || !ok2 {
				return nil, false
			}
		} else if part != "*" {
			if from, ok = number(part); !ok {
				return nil, false
			}
			if !stepped {
				to = from
			}
		}
		if from > to { // around the end, as FRI-MON
			n := from
			for ; n <= high; n += by {
				values = append(values, n)
			}
			from = low + (n - high - 1)
		}
		for n := from; n <= to; n += by {
			values = append(values, n)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), true
}

// parseDay reads a day of the month: values, L (the last), nW (the weekday nearest
// to the n-th) and LW.
func parseDay(text string) (func(time.Time) bool, bool) {
	switch {
	case text == "L":
		return func(d time.Time) bool { return d.Day() == lastDay(d) }, true
	case text == "LW":
		return func(d time.Time) bool { return d.Day() == nearestWeekday(d, lastDay(d)) }, true
	case strings.HasPrefix(text, "L-"):
		n, err := strconv.Atoi(text[2:])
		return func(d time.Time) bool { return d.Day() == lastDay(d)-n }, err == nil && n >= 1 && n <= 30
	case strings.HasSuffix(text, "W"):
		n, err := strconv.Atoi(strings.TrimSuffix(text, "W"))
		return func(d time.Time) bool { return n <= lastDay(d) && d.Day() == nearestWeekday(d, n) }, err == nil && n >= 1 && n <= 31
	}
	values, ok := parseField(text, 1, 31, nil)
	return func(d time.Time) bool { return slices.Contains(values, d.Day()) }, ok
}

// parseWeekday reads a day of the week, from 1 (Sunday) or SUN: values, nL (the last
// of the month), L (the last of the week) and n#m (the m-th).
func parseWeekday(text string) (func(time.Time) bool, bool) {
	one := func(s string) (int, bool) {
		v, ok := parseField(s, 1, 7, dayNames)
		if !ok || len(v) != 1 {
			return 0, false
		}
		return v[0] - 1, true
	}
	if text == "L" {
		text = "7"
	}
	if day, ok := strings.CutSuffix(text, "L"); ok {
		n, ok := one(day)
		return func(d time.Time) bool { return int(d.Weekday()) == n && d.Day() > lastDay(d)-7 }, ok
	}
	if day, number, found := strings.Cut(text, "#"); found {
		n, ok := one(day)
		m, err := strconv.Atoi(number)
		return func(d time.Time) bool { return int(d.Weekday()) == n && (d.Day()-1)/7+1 == m }, ok && err == nil && m >= 1 && m <= 5
	}
	values, ok := parseField(text, 1, 7, dayNames)
	return func(d time.Time) bool { return slices.Contains(values, int(d.Weekday())+1) }, ok
}

func lastDay(d time.Time) int { return time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day() }

// nearestWeekday is the day from Monday to Friday that is nearest to day n of the
// month of d, within the month.
func nearestWeekday(d time.Time, n int) int {
	switch at := time.Date(d.Year(), d.Month(), n, 0, 0, 0, 0, time.UTC); at.Weekday() {
	case time.Saturday:
		if n == 1 {
			return 3
		}
		return n - 1
	case time.Sunday:
		if n == lastDay(d) {
			return n - 2
		}
		return n + 1
	}
	return n
}
