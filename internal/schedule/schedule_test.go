package schedule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func lines(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.SplitSeq(string(data), "\n") {
		if line != "" && !strings.HasPrefix(line, "#") {
			list = append(list, line)
		}
	}
	return list
}

// check compares the times after start with those listed; "!" stands for an
// expression that is refused, "never" for the end.
func check(t *testing.T, line string, s *Schedule, err error, start, after time.Time, zone *time.Location, want string) {
	t.Helper()
	if (err != nil) != (want == "!") {
		t.Errorf("%s: %v", line, err)
	}
	if err != nil {
		return
	}
	for w := range strings.FieldsSeq(want) {
		at, ok := s.Next(start, after)
		got := strings.TrimSuffix(at.In(zone).Format("2006-01-02T15:04:05"), ":00")
		if strings.ContainsAny(w, "+Z") || strings.Count(w, "-") > 2 {
			got = at.In(zone).Format("2006-01-02T15:04Z07:00")
		}
		if !ok {
			got = "never"
		}
		if got != w {
			t.Errorf("%s: %s, want %s", line, got, w)
		}
		after = at
	}
}

// TestRules: expression: times.
func TestRules(t *testing.T) {
	now := time.Date(2026, 2, 27, 12, 34, 56, 0, time.UTC)
	for _, line := range lines(t, "rules.list") {
		text, want, _ := strings.Cut(line, ": ")
		s, err := ParseRule(text)
		check(t, line, s, err, now, now, time.UTC, want)
	}
}

// TestSchedules: zone start expression: times of the zone.
func TestSchedules(t *testing.T) {
	for _, line := range lines(t, "schedules.list") {
		head, want, _ := strings.Cut(line, ": ")
		name, rest, _ := strings.Cut(head, " ")
		begin, text, _ := strings.Cut(rest, " ")
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		start, err := time.Parse(time.RFC3339, begin)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(text, zone)
		check(t, line, s, err, start, start.Add(-1), zone, want)
	}
}

// FuzzParse: no text breaks the reader, and the times of one that it takes go forward.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"rate(5 minutes)", "cron(0/15 8-17 ? * MON-FRI *)", "cron(0 9 LW FEB ? 2026-2030/2)", "cron(1,5 2 ? 3 6#2 *)", "cron(0 0 L-3 * ?)", "at(2026-03-08T02:30:00)"} {
		f.Add(text)
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		f.Fatal(err)
	}
	start := time.Date(2026, 3, 7, 12, 0, 30, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text, zone)
		if err != nil {
			return
		}
		after := start
		for range 3 {
			at, ok := s.Next(start, after)
			if !ok {
				return
			}
			if !at.After(after) {
				t.Fatalf("%q: %s is not after %s", text, at, after)
			}
			after = at
		}
	})
}
