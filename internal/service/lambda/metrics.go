package lambda

import (
	"context"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/bus"
)

// metrics gathers what CloudWatch is told of invocations ("Types of metrics for
// Lambda functions" of the developer guide): Invocations, Errors, Throttles and
// Duration, of the account, of each function, and of what was invoked. What has
// not been told when the server is killed is not told.
type metrics struct {
	s *Service

	mu      sync.Mutex
	pending map[measured]*tally
	timer   *time.Timer // nil while nothing waits
}

const (
	gatherMetrics = 2 * time.Second // how long counts are gathered for a call, real time
	maxValues     = 150             // values of a datum
	maxData       = 1000            // data of a call
	tooOldToPut   = 13 * 24 * time.Hour
)

// measured is what is counted together: Function and Resource are empty for all
// functions of an account, Resource alone for a function.
type measured struct {
	scope
	Function, Resource string
	Minute             time.Time
}

type tally struct {
	invocations, errors, throttles float64
	durations                      map[float64]float64 // counts by milliseconds
}

// throttled counts an invocation that was throttled.
func (m *metrics) throttled(to ref) { m.count(to, func(t *tally) { t.throttles++ }) }

// invoked counts an invocation.
func (m *metrics) invoked(to ref, failed bool, spent time.Duration) {
	ms := math.Round(float64(spent)/float64(10*time.Microsecond)) / 100
	m.count(to, func(t *tally) {
		t.invocations++
		if failed {
			t.errors++
		}
		if t.durations == nil {
			t.durations = map[float64]float64{}
		}
		t.durations[ms]++
	})
}

func (m *metrics) count(to ref, add func(*tally)) {
	if m.s.Bus == nil {
		return
	}
	if _, o := m.s.Bus.Lookup("monitoring", "PutMetricData"); o == nil {
		return
	}
	resource, minute := to.Name, m.s.Clock.Now().UTC().Truncate(time.Minute)
	if to.Qualifier != "" {
		resource += ":" + to.Qualifier
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, of := range []measured{{to.scope, "", "", minute}, {to.scope, to.Name, "", minute}, {to.scope, to.Name, resource, minute}} {
		if m.pending == nil {
			m.pending = map[measured]*tally{}
		}
		if m.pending[of] == nil {
			m.pending[of] = &tally{}
		}
		add(m.pending[of])
	}
	if m.timer == nil {
		m.timer = time.AfterFunc(gatherMetrics, m.flush)
	}
}

// flush tells CloudWatch what has been gathered.
func (m *metrics) flush() {
	m.mu.Lock()
	pending := m.pending
	m.pending, m.timer = nil, nil
	m.mu.Unlock()
	data, now := map[scope][]cloudwatch.MetricDatum{}, m.s.Clock.Now()
	for of, t := range pending {
		if now.Sub(of.Minute) > tooOldToPut { // a clock that skips waits has passed over it
			continue
		}
		data[of.scope] = append(data[of.scope], t.data(of)...)
	}
	for at, list := range data {
		ctx := bus.With(context.Background(), bus.Caller{Account: at.Account, Region: at.Region, Source: "lambda"})
		for part := range slices.Chunk(list, maxData) {
			in := &cloudwatch.PutMetricDataInput{Namespace: new("AWS/Lambda"), MetricData: part}
			if _, err := m.s.Bus.Invoke(ctx, "monitoring", "PutMetricData", in); err != nil {
				m.s.Log.Warn("metrics of functions were not put", "error", err)
			}
		}
	}
}

// data are the metrics that a tally comes to.
func (t *tally) data(of measured) (all []cloudwatch.MetricDatum) {
	var dimensions []cloudwatch.Dimension
	for _, d := range [][2]string{{"FunctionName", of.Function}, {"Resource", of.Resource}} {
		if d[1] != "" {
			dimensions = append(dimensions, cloudwatch.Dimension{Name: &d[0], Value: &d[1]})
		}
	}
	add := func(name, unit string, values, counts []float64) {
		all = append(all, cloudwatch.MetricDatum{MetricName: &name, Unit: &unit, Dimensions: dimensions, Timestamp: &of.Minute, Values: values, Counts: counts})
	}
	split := func(name string, yes, of float64) { // 1 for each that was so, 0 for the others
		if yes > 0 {
			add(name, "Count", []float64{1}, []float64{yes})
		}
		if of > yes {
			add(name, "Count", []float64{0}, []float64{of - yes})
		}
	}
	split("Invocations", t.invocations, t.invocations)
	split("Errors", t.errors, t.invocations)
	split("Throttles", t.throttles, t.invocations+t.throttles)
	for values := range slices.Chunk(slices.Sorted(maps.Keys(t.durations)), maxValues) {
		counts := make([]float64, len(values))
		for i, v := range values {
			counts[i] = t.durations[v]
		}
		add("Duration", "Milliseconds", values, counts)
	}
	return all
}

// close puts what is left.
func (m *metrics) close() {
	m.mu.Lock()
	waits := m.timer != nil && m.timer.Stop()
	m.mu.Unlock()
	if waits {
		m.flush()
	}
}
