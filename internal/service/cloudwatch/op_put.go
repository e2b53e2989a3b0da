package cloudwatch

import (
	"context"
	"math"
	"strings"
	"time"

	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

const (
	maxData   = 1000 // data of one request
	maxValues = 150  // values of a datum
)

func (s *Service) putMetricData(ctx context.Context, in *api.PutMetricDataInput) (*api.PutMetricDataOutput, error) {
	c, now := bus.From(ctx), s.Clock.Now()
	if strings.HasPrefix(*in.Namespace, "AWS/") && c.Source != "lambda" { // a service's own
		return nil, invalid("The value AWS/ for parameter Namespace is invalid.")
	}
	if strings.HasPrefix(*in.Namespace, ":") {
		return nil, invalid("The value %s for parameter Namespace is invalid.", *in.Namespace)
	}
	if len(in.EntityMetricData) > 0 {
		return nil, awserr.NotImplemented("monitoring:PutMetricData with EntityMetricData")
	}
	if len(in.MetricData) == 0 {
		return nil, api.MissingRequiredParameterException("The parameter MetricData is required.")
	}
	if len(in.MetricData) > maxData {
		return nil, invalid("The collection MetricData must not have a size greater than %d.", maxData)
	}
	for i := range in.MetricData {
		if err := checkDatum(i+1, &in.MetricData[i], now); err != nil {
			return nil, err
		}
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		changed := map[string]bool{}
		for i := range in.MetricData {
			id, err := s.putDatum(tx, c, *in.Namespace, &in.MetricData[i], now)
			if err != nil {
				return err
			}
			changed[id] = true
		}
		return s.wake(tx, c, changed, now)
	})
	return &api.PutMetricDataOutput{}, err
}

func checkDatum(n int, d *api.MetricDatum, now time.Time) error {
	forms := 0
	for _, given := range []bool{d.Value != nil, d.StatisticValues != nil, len(d.Values) > 0} {
		if given {
			forms++
		}
	}
	switch {
	case forms == 0:
		return api.MissingRequiredParameterException("At least one of the parameters MetricData.member.%d.Value, MetricData.member.%d.StatisticValues or MetricData.member.%d.Values must be specified.", n, n, n)
	case forms > 1:
		return combination("The parameters MetricData.member.%d.Value, MetricData.member.%d.Values and MetricData.member.%d.StatisticValues are mutually exclusive and you have specified more than one.", n, n, n)
	case len(d.Counts) > 0 && len(d.Counts) != len(d.Values):
		return invalid("The parameters MetricData.member.%d.Values and MetricData.member.%d.Counts must be of the same size.", n, n)
	case len(d.Values) > maxValues:
		return invalid("The collection MetricData.member.%d.Values must not have a size greater than %d.", n, maxValues)
	case d.StorageResolution != nil && *d.StorageResolution != 1 && *d.StorageResolution != 60:
		return invalid("The value %d for parameter MetricData.member.%d.StorageResolution is invalid. Valid values are: 1, 60", *d.StorageResolution, n)
	case len(d.Dimensions) > 30:
		return invalid("The collection MetricData.member.%d.Dimensions must not have a size greater than 30.", n)
	}
	values := append([]float64{number(d.Value)}, d.Values...)
	if st := d.StatisticValues; st != nil {
		values = append(values, *st.SampleCount, *st.Sum, *st.Minimum, *st.Maximum)
	}
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return invalid("The value %v for parameter MetricData.member.%d.Value is invalid.", v, n)
		}
	}
	if t := d.Timestamp; t != nil {
		if t.After(now.Add(2 * time.Hour)) {
			return invalid("The parameter MetricData.member.%d.Timestamp must specify a time no more than two hours in the future.", n)
		}
		if t.Before(now.Add(-14 * 24 * time.Hour)) {
			return invalid("The parameter MetricData.member.%d.Timestamp must specify a time within the past two weeks.", n)
		}
	}
	return nil
}

// putDatum adds a datum to its point and forgets a few that are too old.
func (s *Service) putDatum(tx *store.Tx, c bus.Caller, namespace string, d *api.MetricDatum, now time.Time) (id string, err error) {
	id = metricID(namespace, *d.MetricName, d.Dimensions)
	m, ok, err := metrics.Get(tx, c.Account, c.Region, namespace, id)
	if err != nil {
		return "", err
	}
	if !ok || now.Sub(m.Last) > time.Hour {
		m = metric{ID: id, Namespace: namespace, Name: *d.MetricName, Dimensions: sorted(d.Dimensions), Last: now}
		if err := metrics.Put(tx, m, c.Account, c.Region, namespace, id); err != nil {
			return "", err
		}
	}
	when, resolution, unit := now, time.Minute, "None"
	if d.Timestamp != nil {
		when = *d.Timestamp
	}
	if number(d.StorageResolution) == 1 {
		resolution = fineResolution
	}
	if d.Unit != nil {
		unit = *d.Unit
	}
	when = when.UTC().Truncate(resolution)
	p, ok, err := points.Get(tx, c.Account, c.Region, id, at(when), unit)
	if err != nil {
		return "", err
	}
	if !ok {
		p = point{Time: when, Unit: unit, Fine: resolution == fineResolution}
		if err := forget(tx, c, id, now); err != nil {
			return "", err
		}
	}
	switch st := d.StatisticValues; {
	case st != nil:
		if *st.Minimum == *st.Maximum { // one value, so often
			p.add(*st.Minimum, *st.SampleCount)
			break
		}
		p.join(*st.Sum, *st.SampleCount, *st.Minimum, *st.Maximum)
		p.WithoutValues = true
	case d.Value != nil:
		p.add(*d.Value, 1)
	default:
		for i, v := range d.Values {
			n := 1.0
			if len(d.Counts) > 0 {
				n = d.Counts[i]
			}
			p.add(v, n)
		}
	}
	return id, p.put(tx, c.Account, c.Region, id)
}

// forget removes some points of a metric that are past their time: twice as many
// as come.
func forget(tx *store.Tx, c bus.Caller, id string, now time.Time) error {
	oldest, _, err := points.Page(tx, "", 2, c.Account, c.Region, id)
	for _, p := range oldest {
		if err == nil && now.Sub(p.Time) > retention {
			_, err = points.Delete(tx, c.Account, c.Region, id, at(p.Time), p.Unit)
		}
	}
	return err
}

func (s *Service) listMetrics(ctx context.Context, in *api.ListMetricsInput) (*api.ListMetricsOutput, error) {
	c, now := bus.From(ctx), s.Clock.Now()
	prefix := []string{c.Account, c.Region}
	if in.Namespace != nil {
		prefix = append(prefix, *in.Namespace)
	}
	since := active
	if in.RecentlyActive != nil {
		since = 3 * time.Hour
	}
	var all []metric
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		list, err := metrics.List(tx, prefix...)
		for _, m := range list {
			if now.Sub(m.Last) < since && (in.MetricName == nil || *in.MetricName == m.Name) && m.has(in.Dimensions) {
				all = append(all, m)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	some, next, err := page(all, func(m *metric) string { return store.Key(m.Namespace, m.ID) }, in.NextToken, nil, 500)
	if err != nil {
		return nil, err
	}
	out := &api.ListMetricsOutput{Metrics: []api.Metric{}, NextToken: next}
	for i := range some {
		m := &some[i]
		out.Metrics = append(out.Metrics, api.Metric{Namespace: &m.Namespace, MetricName: &m.Name, Dimensions: append([]api.Dimension{}, m.Dimensions...)})
	}
	return out, nil
}

// has says whether the metric has dimensions of the names, with the values where
// they are given.
func (m *metric) has(filters []api.DimensionFilter) bool {
	for _, f := range filters {
		found := false
		for _, d := range m.Dimensions {
			found = found || text(d.Name) == text(f.Name) && (f.Value == nil || *f.Value == text(d.Value))
		}
		if !found {
			return false
		}
	}
	return true
}
