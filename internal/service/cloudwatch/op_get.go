package cloudwatch

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

const maxDatapoints = 1440 // of GetMetricStatistics

func checkPeriod(period int64) error {
	if period == 1 || period == 5 || period == 10 || period == 20 || period == 30 || period > 0 && period%60 == 0 {
		return nil
	}
	return invalid("The parameter Period must be a multiple of 60 or one of 1, 5, 10, 20, 30.")
}

func (s *Service) getMetricStatistics(ctx context.Context, in *api.GetMetricStatisticsInput) (*api.GetMetricStatisticsOutput, error) {
	period := time.Duration(*in.Period) * time.Second
	if err := checkPeriod(*in.Period); err != nil {
		return nil, err
	}
	switch {
	case len(in.Statistics) == 0 && len(in.ExtendedStatistics) == 0:
		return nil, api.MissingRequiredParameterException("Must specify either Statistics or ExtendedStatistics")
	case !in.StartTime.Before(*in.EndTime):
		return nil, combination("The parameter StartTime must be less than the parameter EndTime.")
	case in.EndTime.Sub(*in.StartTime)/period > maxDatapoints:
		return nil, combination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
			in.EndTime.Sub(*in.StartTime)/period, maxDatapoints)
	}
	for _, name := range in.ExtendedStatistics {
		if err := checkStatistic(name); err != nil {
			return nil, err
		}
	}
	from := in.StartTime.UTC().Truncate(min(period, time.Minute))
	some, err := s.read(ctx, metricID(*in.Namespace, *in.MetricName, in.Dimensions), from, *in.EndTime, text(in.Unit))
	if err != nil {
		return nil, err
	}
	units := map[string][]point{}
	for _, p := range some {
		units[p.Unit] = append(units[p.Unit], p)
	}
	out := &api.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []api.Datapoint{}}
	for _, unit := range slices.Sorted(maps.Keys(units)) {
		grouped := periods(units[unit], from, period)
		for _, n := range slices.Sorted(maps.Keys(grouped)) {
			out.Datapoints = append(out.Datapoints, datapoint(grouped[n], in))
		}
	}
	return out, nil
}

func datapoint(p *point, in *api.GetMetricStatisticsInput) api.Datapoint {
	d := api.Datapoint{Timestamp: &p.Time, Unit: &p.Unit}
	for _, name := range in.Statistics {
		v, ok := p.statistic(name)
		if !ok {
			continue
		}
		switch name {
		case "SampleCount":
			d.SampleCount = &v
		case "Average":
			d.Average = &v
		case "Sum":
			d.Sum = &v
		case "Minimum":
			d.Minimum = &v
		case "Maximum":
			d.Maximum = &v
		}
	}
	for _, name := range in.ExtendedStatistics {
		if v, ok := p.statistic(name); ok {
			if d.ExtendedStatistics == nil {
				d.ExtendedStatistics = map[string]float64{}
			}
			d.ExtendedStatistics[name] = v
		}
	}
	return d
}

// read reads points of a metric of the caller's.
func (s *Service) read(ctx context.Context, id string, from, to time.Time, unit string) (some []point, err error) {
	c := bus.From(ctx)
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		some, err = between(tx, c.Account, c.Region, id, from, to, unit)
		return err
	})
	return some, err
}

// checkQueries refuses queries that are no plain metric.
func checkQueries(operation string, queries []api.MetricDataQuery) error {
	seen := map[string]bool{}
	for _, q := range queries {
		switch {
		case seen[*q.Id]:
			return malformed("The values for parameter id in MetricDataQueries are not unique.")
		case q.Expression != nil && q.MetricStat != nil:
			return malformed("The parameters Expression and MetricStat are mutually exclusive and you have specified both.")
		case q.Expression != nil:
			return awserr.NotImplemented("monitoring:" + operation + " with an Expression (metric math)")
		case q.MetricStat == nil:
			return malformed("Either Expression or MetricStat must be specified.")
		case q.MetricStat.Metric == nil || q.MetricStat.Metric.MetricName == nil || q.MetricStat.Metric.Namespace == nil:
			return malformed("The metric of the query %s needs a name and a namespace.", *q.Id)
		}
		seen[*q.Id] = true
		if err := checkPeriod(*q.MetricStat.Period); err != nil {
			return err
		}
		if err := checkStatistic(*q.MetricStat.Stat); err != nil {
			return err
		}
	}
	return nil
}

const maxQueryPoints = 100_800 // of GetMetricData

func (s *Service) getMetricData(ctx context.Context, in *api.GetMetricDataInput) (*api.GetMetricDataOutput, error) {
	if !in.StartTime.Before(*in.EndTime) {
		return nil, malformed("The parameter StartTime must be less than the parameter EndTime.")
	}
	if err := checkQueries("GetMetricData", in.MetricDataQueries); err != nil {
		return nil, err
	}
	if in.NextToken != nil {
		return nil, api.InvalidNextToken("The specified nextToken is invalid.")
	}
	most, total := maxQueryPoints, 0
	if in.MaxDatapoints != nil {
		most = min(most, int(*in.MaxDatapoints))
	}
	out := &api.GetMetricDataOutput{MetricDataResults: []api.MetricDataResult{}, Messages: []api.MessageData{}}
	for _, q := range in.MetricDataQueries {
		if q.ReturnData != nil && !*q.ReturnData {
			continue
		}
		st := q.MetricStat
		period := time.Duration(*st.Period) * time.Second
		from := in.StartTime.UTC().Truncate(min(period, time.Minute))
		some, err := s.read(ctx, metricID(*st.Metric.Namespace, *st.Metric.MetricName, st.Metric.Dimensions), from, *in.EndTime, text(st.Unit))
		if err != nil {
			return nil, err
		}
		r := api.MetricDataResult{Id: q.Id, Label: q.Label, Timestamps: []time.Time{}, Values: []float64{}, StatusCode: new("Complete")}
		if r.Label == nil {
			r.Label = st.Metric.MetricName
		}
		grouped := periods(some, from, period)
		order := slices.Sorted(maps.Keys(grouped))
		if !strings.EqualFold(text(in.ScanBy), "TimestampAscending") {
			slices.Reverse(order)
		}
		for _, n := range order {
			if v, ok := grouped[n].statistic(*st.Stat); ok {
				r.Timestamps, r.Values = append(r.Timestamps, grouped[n].Time), append(r.Values, v)
			}
		}
		if total += len(r.Values); total > most {
			return nil, awserr.NotImplemented("monitoring:GetMetricData with more data points than a page has")
		}
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	return out, nil
}
