package cloudwatch

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"stepwell/internal/awserr"
)

var percentile = regexp.MustCompile(`^p(\d{1,2}(?:\.\d{0,10})?|100)$`)

// checkStatistic refuses statistics that are not there.
func checkStatistic(name string) error {
	switch name {
	case "SampleCount", "Average", "Sum", "Minimum", "Maximum":
		return nil
	}
	if percentile.MatchString(name) {
		return nil
	}
	if regexp.MustCompile(`^(tm|wm|tc|ts|PR|TM|WM|TC|TS|IQM|p)`).MatchString(name) {
		return awserr.NotImplemented("monitoring statistic " + name)
	}
	return invalid("The value %s for parameter Stat is not supported.", name)
}

// statistic is a statistic of a point; ok is false where it has none, as a
// percentile of what was put as a set of statistics.
func (p *point) statistic(name string) (v float64, ok bool) {
	switch name {
	case "SampleCount":
		return p.Count, true
	case "Sum":
		return p.Sum, true
	case "Minimum":
		return p.Minimum, true
	case "Maximum":
		return p.Most, true
	case "Average":
		return p.Sum / p.Count, p.Count > 0
	}
	rank, err := strconv.ParseFloat(name[1:], 64)
	if err != nil || p.WithoutValues || p.TooManyDistinct || p.Count == 0 {
		return 0, false
	}
	values := make([]float64, 0, len(p.Values))
	for key := range p.Values {
		if v, err := strconv.ParseFloat(key, 64); err == nil {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	want, seen := math.Ceil(rank/100*p.Count), 0.0
	for _, v := range values {
		if seen += p.Values[strconv.FormatFloat(v, 'g', -1, 64)]; seen >= want {
			return v, true
		}
	}
	return values[len(values)-1], true
}

// periods puts points together by periods that begin at from; those without
// data are absent. Keys are the numbers of the periods.
func periods(some []point, from time.Time, period time.Duration) map[int]*point {
	all := map[int]*point{}
	for i := range some {
		n := int(some[i].Time.Sub(from) / period)
		if all[n] == nil {
			all[n] = &point{Time: from.Add(time.Duration(n) * period), Unit: some[i].Unit}
		}
		all[n].merge(&some[i])
	}
	return all
}
