package events

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/awserr"
)

// schedule is a schedule expression ("Schedule expressions" of the user guide):
// rate(5 minutes) or cron(0 10 * * ? *). Times are UTC.
type schedule struct {
	every time.Duration // of a rate

	minutes, hours, months, years set
	days                          func(time.Time) bool
}

// set is the allowed values of a cron field, sorted.
type set []int

func badSchedule() *awserr.Error { return validation("Parameter ScheduleExpression is not valid.") }

var rateForm = regexp.MustCompile(`^rate\((\d+) (minutes?|hours?|days?)\)$`)

func parseSchedule(text string) (*schedule, error) {
	if m := rateForm.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n < 1 || n > 1_000_000 || (n == 1) == strings.HasSuffix(m[2], "s") {
			return nil, badSchedule()
		}
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(m[2], "s")]
		return &schedule{every: time.Duration(n) * unit}, nil
	}
	body, ok := strings.CutPrefix(text, "cron(")
	body, closed := strings.CutSuffix(body, ")")
	fields := strings.Fields(body)
	if !ok || !closed || len(fields) != 6 {
		return nil, badSchedule()
	}
	s := &schedule{}
	for _, f := range []struct {
		to        *set
		text      string
		low, high int
		names     []string
	}{{&s.minutes, fields[0], 0, 59, nil}, {&s.hours, fields[1], 0, 23, nil}, {&s.months, fields[3], 1, 12, monthNames}, {&s.years, fields[5], 1970, 2199, nil}} {
		values, ok := parseField(f.text, f.low, f.high, f.names)
		if !ok {
			return nil, badSchedule()
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
		return nil, badSchedule()
	}
	if !ok {
		return nil, badSchedule()
	}
	return s, nil
}

var (
	monthNames = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	dayNames   = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}
)

// parseField reads values, ranges and increments: 1,5-7,0/15,*. Names count from
// the lowest value.
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
			if err != nil || n < 1 {
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
			for n := from; n <= high; n += by {
				values = append(values, n)
			}
			from = low
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
// of the month) and n#m (the m-th).
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

// next is the first time after `after`; a rate counts from start. ok is false where
// there is none.
func (s *schedule) next(start, after time.Time) (at time.Time, ok bool) {
	if s.every > 0 {
		if n := after.Sub(start); n >= 0 {
			return start.Add((n/s.every + 1) * s.every), true
		}
		return start.Add(s.every), true
	}
	after = after.UTC()
	first := after.Truncate(time.Minute).Add(time.Minute)
	for day := first.Truncate(24 * time.Hour); day.Year() <= s.years[len(s.years)-1]; {
		switch {
		case !slices.Contains(s.years, day.Year()):
			day = time.Date(day.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case !slices.Contains(s.months, int(day.Month())):
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case s.days(day):
			for _, h := range s.hours {
				for _, m := range s.minutes {
					if t := day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute); !t.Before(first) {
						return t, true
					}
				}
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}
