// Package schedule is the language of AWS's schedule expressions, as rules of
// EventBridge and schedules of EventBridge Scheduler have them:
//
//	rate(5 minutes)
//	cron(0 10 * * ? *)
//	at(2026-11-20T13:00:00)
//
// It reads expressions and tells the times that they name. It holds no clock and
// starts nothing. Services may import it.
package schedule

import (
	"errors"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrSyntax is the error of a text that is no schedule expression.
var ErrSyntax = errors.New("not a schedule expression")

// Schedule is a schedule expression.
type Schedule struct {
	every time.Duration // of a rate
	at    time.Time     // of a one-time schedule
	zone  *time.Location

	minutes, hours, months, years set
	days                          func(time.Time) bool
}

// set is the allowed values of a cron field, sorted.
type set []int

// ParseRule reads the expression of a rule: rate and cron, in UTC ("Setting a
// schedule pattern for scheduled rules", EventBridge User Guide). The unit of a
// rate is singular for the value 1 and plural for others, and a cron expression has
// all six fields.
func ParseRule(text string) (*Schedule, error) {
	s, err := Parse(text, time.UTC)
	if err != nil || s.OneTime() {
		return nil, ErrSyntax
	}
	if m := rateForm.FindStringSubmatch(text); m != nil && (m[1] == "1") == strings.HasSuffix(m[2], "s") || m == nil && len(strings.Fields(text)) != 6 {
		return nil, ErrSyntax
	}
	return s, nil
}

// Parse reads the expression of a schedule: rate, cron and at, evaluated in a time
// zone ("Schedule types", EventBridge Scheduler User Guide). A cron expression may go
// without a year.
func Parse(text string, zone *time.Location) (*Schedule, error) {
	switch {
	case strings.HasPrefix(text, "rate("):
		return parseRate(text)
	case strings.HasPrefix(text, "at("):
		return parseAt(text, zone)
	}
	return parseCron(text, zone)
}

// OneTime reports whether the schedule names a single time.
func (s *Schedule) OneTime() bool { return !s.at.IsZero() }

// Rate is the interval of a rate; 0 for the others.
func (s *Schedule) Rate() time.Duration { return s.every }

// longest is the longest interval of a rate: what a time.Duration holds, nearly 300
// years.
const longest = math.MaxInt64 * time.Nanosecond

var rateForm = regexp.MustCompile(`^rate\((\d+) (minutes?|hours?|days?)\)$`)

func parseRate(text string) (*Schedule, error) {
	m := rateForm.FindStringSubmatch(text)
	if m == nil {
		return nil, ErrSyntax
	}
	n, err := strconv.Atoi(m[1])
	unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(m[2], "s")]
	if err != nil || n < 1 || n > int(longest/unit) {
		return nil, ErrSyntax
	}
	return &Schedule{every: time.Duration(n) * unit}, nil
}

// parseAt reads at(yyyy-mm-ddThh:mm:ss). A time that the zone's clocks skip is as
// long after the last one before the gap as it says.
func parseAt(text string, zone *time.Location) (*Schedule, error) {
	body, ok := strings.CutSuffix(strings.TrimPrefix(text, "at("), ")")
	wall, err := time.Parse("2006-01-02T15:04:05", body)
	if !ok || err != nil {
		return nil, ErrSyntax
	}
	at, ok := instant(wall, zone)
	if !ok {
		_, offset := wall.Add(-dayLong).In(zone).Zone()
		at = wall.Add(-time.Duration(offset) * time.Second)
	}
	return &Schedule{at: at.UTC()}, nil
}

const dayLong = 24 * time.Hour

// wallOf is what the clocks of a zone show at t, as a time in UTC.
func wallOf(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant is when the clocks of a zone show a time: the first of two where they are
// set back over it; ok is false where they are set forward over it.
func instant(wall time.Time, zone *time.Location) (at time.Time, ok bool) {
	_, before := wall.Add(-dayLong).In(zone).Zone()
	_, after := wall.Add(dayLong).In(zone).Zone()
	for _, offset := range []int{max(before, after), min(before, after)} { // the larger offset gives the earlier time
		t := wall.Add(-time.Duration(offset) * time.Second)
		if wallOf(t, zone).Equal(wall) {
			return t, true
		}
	}
	return time.Time{}, false
}

// Next is the first time after `after`. A rate counts from start, which is its
// first time. A cron expression names times of its zone's clocks: times that they
// skip do not come, times that they show twice come once. ok is false where there
// is none.
func (s *Schedule) Next(start, after time.Time) (at time.Time, ok bool) {
	switch {
	case s.OneTime():
		return s.at, s.at.After(after)
	case s.every > 0:
		if after.Before(start) {
			return start, true
		}
		at = start.Add((after.Sub(start)/s.every + 1) * s.every)
		return at, at.After(after) // not where the interval reaches beyond what is counted
	}
	first := wallOf(after, s.zone).Truncate(time.Minute)
	for day := first.Truncate(dayLong); day.Year() <= s.years[len(s.years)-1]; {
		switch {
		case !slices.Contains(s.years, day.Year()):
			day = time.Date(day.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case !slices.Contains(s.months, int(day.Month())):
			day = time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		case s.days(day):
			if at, ok := s.within(day, first, after); ok {
				return at, true
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// within is the first time of a day that is after `after`; none is before `first`,
// a time of the clocks.
func (s *Schedule) within(day, first, after time.Time) (at time.Time, ok bool) {
	for _, h := range s.hours {
		for _, m := range s.minutes {
			wall := day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
			if wall.Before(first) {
				continue
			}
			if at, ok := instant(wall, s.zone); ok && at.After(after) {
				return at.UTC(), true
			}
		}
	}
	return time.Time{}, false
}
