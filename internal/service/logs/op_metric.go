package logs

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// metricFilters are the metric filters, by account, region, group and name.
var metricFilters = store.NewTable[logs.MetricFilter]("logs_metric_filters")

// maxFilters is how many metric filters a group may have (CloudWatch Logs quotas).
const maxFilters = 100

func (s *Service) putMetricFilter(ctx context.Context, in *logs.PutMetricFilterInput) (*logs.PutMetricFilterOutput, error) {
	if _, err := parsePattern(*in.FilterPattern); err != nil {
		return nil, err
	}
	for _, m := range in.MetricTransformations {
		if _, err := valueOf(*m.MetricValue); err != nil {
			return nil, err
		}
		if m.DefaultValue != nil && len(m.Dimensions) > 0 {
			return nil, logs.InvalidParameterException("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
		}
		for _, selector := range m.Dimensions {
			if _, err := selected(selector); err != nil {
				return nil, err
			}
		}
	}
	c := bus.From(ctx)
	return &logs.PutMetricFilterOutput{}, s.changeFilters(ctx, *in.LogGroupName, func(tx *store.Tx, g *group) error {
		_, there, err := metricFilters.Get(tx, c.Account, c.Region, g.Name, *in.FilterName)
		if err != nil {
			return err
		}
		if !there {
			if g.Filters++; g.Filters > maxFilters {
				return logs.LimitExceededException("Resource limit exceeded.")
			}
		}
		return metricFilters.Put(tx, logs.MetricFilter{FilterName: in.FilterName, FilterPattern: in.FilterPattern, LogGroupName: in.LogGroupName,
			MetricTransformations: in.MetricTransformations, CreationTime: new(s.now())}, c.Account, c.Region, g.Name, *in.FilterName)
	})
}

func (s *Service) deleteMetricFilter(ctx context.Context, in *logs.DeleteMetricFilterInput) (*logs.DeleteMetricFilterOutput, error) {
	c := bus.From(ctx)
	return &logs.DeleteMetricFilterOutput{}, s.changeFilters(ctx, *in.LogGroupName, func(tx *store.Tx, g *group) error {
		was, err := metricFilters.Delete(tx, c.Account, c.Region, g.Name, *in.FilterName)
		if err == nil && !was {
			err = logs.ResourceNotFoundException("The specified metric filter does not exist.")
		}
		g.Filters--
		return err
	})
}

func (s *Service) describeMetricFilters(ctx context.Context, in *logs.DescribeMetricFiltersInput) (*logs.DescribeMetricFiltersOutput, error) {
	c := bus.From(ctx)
	under := []string{c.Account, c.Region}
	if in.LogGroupName != nil {
		under = append(under, *in.LogGroupName)
	}
	var all []logs.MetricFilter
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		if in.LogGroupName != nil {
			if _, err := findGroup(tx, c, *in.LogGroupName); err != nil {
				return err
			}
		}
		all, err = metricFilters.List(tx, under...)
		return err
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f logs.MetricFilter) bool { return !wantedFilter(&f, in) })
	key := func(f *logs.MetricFilter) string { return store.Key(*f.LogGroupName, *f.FilterName) }
	shown, next, err := paging.Cut(all, key, in.NextToken, paging.Size(in.Limit, pageSize))
	if err != nil {
		return nil, errToken()
	}
	return &logs.DescribeMetricFiltersOutput{MetricFilters: shown, NextToken: next}, nil
}

// changeFilters changes the metric filters of a group, which counts them.
func (s *Service) changeFilters(ctx context.Context, name string, change func(*store.Tx, *group) error) error {
	c := bus.From(ctx)
	return s.store.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, c, name)
		if err != nil {
			return err
		}
		if err := change(tx, &g); err != nil {
			return err
		}
		return groups.Put(tx, g, c.Account, c.Region, g.Name)
	})
}

func wantedFilter(f *logs.MetricFilter, in *logs.DescribeMetricFiltersInput) bool {
	if in.FilterNamePrefix != nil && !strings.HasPrefix(*f.FilterName, *in.FilterNamePrefix) {
		return false
	}
	return in.MetricName == nil && in.MetricNamespace == nil || slices.ContainsFunc(f.MetricTransformations, func(m logs.MetricTransformation) bool {
		return (in.MetricName == nil || *in.MetricName == *m.MetricName) && (in.MetricNamespace == nil || *in.MetricNamespace == *m.MetricNamespace)
	})
}

func (s *Service) testMetricFilter(_ context.Context, in *logs.TestMetricFilterInput) (*logs.TestMetricFilterOutput, error) {
	match, err := parsePattern(*in.FilterPattern)
	if err != nil {
		return nil, err
	}
	out := &logs.TestMetricFilterOutput{Matches: []logs.MetricFilterMatchRecord{}}
	for i, message := range in.LogEventMessages {
		if match(message) {
			out.Matches = append(out.Matches, logs.MetricFilterMatchRecord{EventNumber: new(int64(i + 1)), EventMessage: &message, ExtractedValues: map[string]string{}})
		}
	}
	return out, nil
}

// lookup finds a text in a message that is JSON.
type lookup func(doc any) (text string, ok bool)

// selected reads a selector ($.name).
func selected(text string) (lookup, error) {
	p := &jsonPattern{text: text}
	find, err := p.selector()
	if err != nil || strings.TrimSpace(p.text) != "" {
		return nil, logs.InvalidParameterException("Invalid metric transformation: '%s' is not a valid selector.", text)
	}
	return func(doc any) (string, bool) {
		found := find(doc)
		if len(found) == 0 {
			return "", false
		}
		switch x := found[0].(type) {
		case string:
			return x, true
		case float64:
			return strconv.FormatFloat(x, 'g', -1, 64), true
		case bool:
			return strconv.FormatBool(x), true
		}
		return "", false
	}, nil
}

// valueOf reads the value of a metric transformation: a number, or a selector.
func valueOf(text string) (lookup, error) {
	if strings.HasPrefix(text, "$") {
		return selected(text)
	}
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return nil, logs.InvalidParameterException("Invalid metric transformation: '%s' is not a valid metric value.", text)
	}
	return func(any) (string, bool) { return text, true }, nil
}

// measure gives CloudWatch what the group's metric filters make of new events.
// It comes after they are kept: a kill in between loses the metric.
func (s *Service) measure(ctx context.Context, group string, events []logs.InputLogEvent) error {
	c := bus.From(ctx)
	var all []logs.MetricFilter
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = metricFilters.List(tx, c.Account, c.Region, group)
		return err
	})
	if err != nil {
		return err
	}
	data := map[string][]cloudwatch.MetricDatum{} // by namespace
	for _, f := range all {
		match, err := parsePattern(*f.FilterPattern)
		if err != nil {
			return err
		}
		for _, m := range f.MetricTransformations {
			matched := false
			for _, e := range events {
				if !match(*e.Message) {
					continue
				}
				matched = true
				if d, ok := datum(&m, e); ok {
					data[*m.MetricNamespace] = append(data[*m.MetricNamespace], d)
				}
			}
			if !matched && m.DefaultValue != nil {
				last := time.UnixMilli(*events[len(events)-1].Timestamp).UTC()
				data[*m.MetricNamespace] = append(data[*m.MetricNamespace], cloudwatch.MetricDatum{
					MetricName: m.MetricName, Timestamp: &last, Unit: m.Unit, Value: m.DefaultValue})
			}
		}
	}
	c.Source = "logs"
	for _, namespace := range slices.Sorted(maps.Keys(data)) {
		for part := range slices.Chunk(data[namespace], 1000) {
			in := &cloudwatch.PutMetricDataInput{Namespace: &namespace, MetricData: part}
			if _, err := s.bus.Invoke(bus.With(ctx, c), "monitoring", "PutMetricData", in); err != nil {
				return err
			}
		}
	}
	return nil
}

// datum is what a transformation makes of an event that matches: ok is false
// where it has no such value, or not all the dimensions.
func datum(m *logs.MetricTransformation, e logs.InputLogEvent) (_ cloudwatch.MetricDatum, ok bool) {
	d := cloudwatch.MetricDatum{MetricName: m.MetricName, Timestamp: new(time.UnixMilli(*e.Timestamp).UTC()), Unit: m.Unit}
	var doc any
	if json.Unmarshal([]byte(*e.Message), &doc) != nil {
		doc = nil
	}
	find, err := valueOf(*m.MetricValue)
	if err != nil {
		return d, false
	}
	text, ok := find(doc)
	value, err := strconv.ParseFloat(text, 64)
	if !ok || err != nil {
		return d, false
	}
	d.Value = &value
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		find, err := selected(m.Dimensions[name])
		if err != nil {
			return d, false
		}
		x, ok := find(doc)
		if !ok {
			return d, false
		}
		d.Dimensions = append(d.Dimensions, cloudwatch.Dimension{Name: &name, Value: &x})
	}
	return d, true
}
