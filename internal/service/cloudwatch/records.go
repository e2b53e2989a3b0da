package cloudwatch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/store"
)

// metric is a metric that there has been data of. Its record's key is account,
// region, namespace, id.
type metric struct {
	ID         string // of namespace, name and dimensions
	Namespace  string
	Name       string
	Dimensions []api.Dimension // sorted by name
	Last       time.Time       // about when data came last
}

// point is what was put of a metric in a minute (high resolution: a second), with
// one unit. Its record's key is account, region, metric, time, unit.
type point struct {
	Time            time.Time
	Unit            string
	Fine            bool // a second's
	Count, Sum      float64
	Minimum, Most   float64
	Values          map[string]float64 `json:",omitempty"` // counts by value, for percentiles
	WithoutValues   bool               `json:",omitempty"` // sets of statistics, which have no values, are in it
	TooManyDistinct bool               `json:",omitempty"`
}

// alarm is a metric alarm. Its record's key is account, region, name.
type alarm struct {
	Account, Region string
	Shape           api.MetricAlarm
	Tags            []api.Tag
	Scheduled       time.Time // when it is evaluated next; zero while there is nothing to evaluate
	Generation      int       // of Scheduled: an evaluation for an older one does nothing
}

// dashboard is a dashboard. Its record's key is account, name.
type dashboard struct {
	Name, Body string
	Modified   time.Time
}

// happened is an item of an alarm's history. Its record's key is account,
// region, time and a number.
type happened struct{ Item api.AlarmHistoryItem }

var (
	metrics    = store.NewTable[metric]("cloudwatch_metrics")
	points     = store.NewTable[point]("cloudwatch_points")
	alarms     = store.NewTable[alarm]("cloudwatch_alarms")
	dashboards = store.NewTable[dashboard]("cloudwatch_dashboards")
	history    = store.NewTable[happened]("cloudwatch_history")
)

const (
	retention      = 15 * 24 * time.Hour // of data points, from their time
	active         = 14 * 24 * time.Hour // how long ListMetrics shows a metric without new data
	maxDistinct    = 150                 // values kept of a point
	maxHistory     = 30 * 24 * time.Hour
	fineResolution = time.Second
)

// metricID names a metric in keys.
func metricID(namespace, name string, dimensions []api.Dimension) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q", namespace, name)
	for _, d := range sorted(dimensions) {
		fmt.Fprintf(h, " %q=%q", text(d.Name), text(d.Value))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

func sorted(dimensions []api.Dimension) []api.Dimension {
	s := slices.Clone(dimensions)
	slices.SortFunc(s, func(a, b api.Dimension) int { return strings.Compare(text(a.Name), text(b.Name)) })
	return s
}

// at is a time in a key.
func at(t time.Time) string { return fmt.Sprintf("%012d", t.Unix()) }

func (p *point) put(tx *store.Tx, account, region, id string) error {
	return points.Put(tx, *p, account, region, id, at(p.Time), p.Unit)
}

// add adds n observations of a value.
func (p *point) add(value, n float64) {
	p.join(value*n, n, value, value)
	if p.Values == nil {
		p.Values = map[string]float64{}
	}
	key := strconv.FormatFloat(value, 'g', -1, 64)
	if _, there := p.Values[key]; !there && len(p.Values) >= maxDistinct {
		p.TooManyDistinct = true
		return
	}
	p.Values[key] += n
}

// join adds a set of statistics.
func (p *point) join(sum, n, least, most float64) {
	if p.Count == 0 {
		p.Minimum, p.Most = least, most
	}
	p.Sum, p.Count, p.Minimum, p.Most = p.Sum+sum, p.Count+n, min(p.Minimum, least), max(p.Most, most)
}

// merge adds another point's data.
func (p *point) merge(o *point) {
	p.join(o.Sum, o.Count, o.Minimum, o.Most)
	p.WithoutValues, p.TooManyDistinct = p.WithoutValues || o.WithoutValues, p.TooManyDistinct || o.TooManyDistinct
	for v, n := range o.Values {
		if p.Values == nil {
			p.Values = map[string]float64{}
		}
		p.Values[v] += n
	}
}

// between reads the points of a metric in [from, to), of one unit where it is
// not "".
func between(tx *store.Tx, account, region, id string, from, to time.Time, unit string) (some []point, err error) {
	after := store.Key(account, region, id, at(from))
	for {
		list, next, err := points.Page(tx, after, 1000, account, region, id)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if !p.Time.Before(to) {
				return some, nil
			}
			if !p.Time.Before(from) && (unit == "" || p.Unit == unit) {
				some = append(some, p)
			}
		}
		if next == "" {
			return some, nil
		}
		after = next
	}
}
