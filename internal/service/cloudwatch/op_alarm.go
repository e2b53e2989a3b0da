package cloudwatch

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (a *alarm) put(tx *store.Tx) error {
	return alarms.Put(tx, *a, a.Account, a.Region, *a.Shape.AlarmName)
}

func (s *Service) putMetricAlarm(ctx context.Context, in *api.PutMetricAlarmInput) (*api.PutMetricAlarmOutput, error) {
	c := bus.From(ctx)
	if err := checkAlarm(in); err != nil {
		return nil, err
	}
	if err := checkTags(c, in.Tags); err != nil {
		return nil, err
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		a, ok, err := alarms.Get(tx, c.Account, c.Region, *in.AlarmName)
		if err != nil {
			return err
		}
		now, old := s.Clock.Now(), a.Shape
		kind, summary := api.HistoryItemTypeConfigurationUpdate, "Alarm \""+*in.AlarmName+"\" updated"
		if !ok {
			summary = "Alarm \"" + *in.AlarmName + "\" created"
			a = alarm{Account: c.Account, Region: c.Region, Tags: in.Tags, Generation: int(now.UnixMilli())} // no number is used twice for a name
			old = api.MetricAlarm{StateValue: new(api.StateValueInsufficientData), StateReason: new("Unchecked: Initial alarm creation"),
				StateUpdatedTimestamp: &now, StateTransitionedTimestamp: &now}
		}
		a.Shape = api.MetricAlarm{
			AlarmName: in.AlarmName, AlarmArn: new(c.ARN("cloudwatch", "alarm:"+*in.AlarmName)), AlarmDescription: in.AlarmDescription, AlarmConfigurationUpdatedTimestamp: &now,
			ActionsEnabled: in.ActionsEnabled, OKActions: list(in.OKActions), AlarmActions: list(in.AlarmActions), InsufficientDataActions: list(in.InsufficientDataActions),
			StateValue: old.StateValue, StateReason: old.StateReason, StateReasonData: old.StateReasonData, StateUpdatedTimestamp: old.StateUpdatedTimestamp,
			StateTransitionedTimestamp: old.StateTransitionedTimestamp, MetricName: in.MetricName, Namespace: in.Namespace, Statistic: in.Statistic,
			ExtendedStatistic: in.ExtendedStatistic, Dimensions: in.Dimensions, Period: in.Period, Unit: in.Unit, EvaluationPeriods: in.EvaluationPeriods,
			DatapointsToAlarm: in.DatapointsToAlarm, Threshold: in.Threshold, ComparisonOperator: in.ComparisonOperator, TreatMissingData: in.TreatMissingData,
			EvaluateLowSampleCountPercentile: in.EvaluateLowSampleCountPercentile, Metrics: in.Metrics,
		}
		if in.ActionsEnabled == nil {
			a.Shape.ActionsEnabled = new(true)
		}
		if err := s.note(tx, &a, kind, summary, map[string]any{"version": "1.0", "type": map[bool]string{true: "Update", false: "Create"}[ok]}); err != nil {
			return err
		}
		return s.evaluate(tx, &a)
	})
	return &api.PutMetricAlarmOutput{}, err
}

func checkAlarm(in *api.PutMetricAlarmInput) error {
	if in.ThresholdMetricId != nil || comparisons[*in.ComparisonOperator].holds == nil {
		return awserr.NotImplemented("monitoring:PutMetricAlarm with anomaly detection (" + *in.ComparisonOperator + ")")
	}
	for _, target := range slices.Concat(in.OKActions, in.AlarmActions, in.InsufficientDataActions) {
		if a, ok := bus.ParseARN(target); !ok {
			return malformed("Invalid arn syntax: %s", target)
		} else if _, able := actionService(target); !able {
			return awserr.NotImplemented("monitoring:PutMetricAlarm with an action of " + a.Service)
		}
	}
	switch {
	case in.Threshold == nil:
		return malformed("Threshold must be specified for alarms on a metric.")
	case in.DatapointsToAlarm != nil && *in.DatapointsToAlarm > *in.EvaluationPeriods:
		return malformed("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
	case in.TreatMissingData != nil && !slices.Contains([]string{"missing", "ignore", "breaching", "notBreaching"}, *in.TreatMissingData):
		return malformed("TreatMissingData must be one of [missing, ignore, breaching, notBreaching]")
	}
	if len(in.Metrics) > 0 {
		return checkMetrics(in)
	}
	switch {
	case in.MetricName == nil || in.Namespace == nil:
		return malformed("Exactly one of MetricName or Metrics must be specified; MetricName and Namespace belong together.")
	case (in.Statistic == nil) == (in.ExtendedStatistic == nil):
		return malformed("Exactly one of Statistic or ExtendedStatistic must be specified.")
	case in.Period == nil:
		return malformed("Period must not be null.")
	}
	if err := checkPeriod(*in.Period); err != nil || *in.Period == 1 || *in.Period == 5 {
		return malformed("Metrics list contains one or more metrics with a period that is not supported: it must be 10, 20, 30 or a multiple of 60.")
	}
	if *in.Period**in.EvaluationPeriods > 7*24*60*60 {
		return malformed("Metrics cannot be checked across more than %d seconds (EvaluationPeriods * Period must be <= %d).", 7*24*60*60, 7*24*60*60)
	}
	statistic := in.Statistic
	if statistic == nil {
		statistic = in.ExtendedStatistic
	}
	return checkStatistic(*statistic)
}

// checkMetrics allows queries of which one, a plain metric, is what the alarm
// watches.
func checkMetrics(in *api.PutMetricAlarmInput) error {
	if in.MetricName != nil || in.Namespace != nil || in.Statistic != nil || in.Period != nil {
		return malformed("If you specify the Metrics list, you must not specify MetricName, Namespace, Dimensions, Period, Unit, Statistic or ExtendedStatistic.")
	}
	if err := checkQueries("PutMetricAlarm", in.Metrics); err != nil {
		return err
	}
	returned := 0
	for _, q := range in.Metrics {
		if q.ReturnData == nil || *q.ReturnData {
			returned++
		}
	}
	if returned != 1 {
		return malformed("Exactly one element of the metrics list should return data.")
	}
	return nil
}

// chosen lists the caller's alarms that are wanted, by name.
func (s *Service) chosen(ctx context.Context, wanted func(*alarm) bool) (some []alarm, err error) {
	c := bus.From(ctx)
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := alarms.List(tx, c.Account, c.Region)
		some = slices.DeleteFunc(all, func(a alarm) bool { return !wanted(&a) })
		return err
	})
	return some, err
}

func (s *Service) describeAlarms(ctx context.Context, in *api.DescribeAlarmsInput) (*api.DescribeAlarmsOutput, error) {
	switch {
	case in.ChildrenOfAlarmName != nil || in.ParentsOfAlarmName != nil:
		return nil, awserr.NotImplemented("monitoring:DescribeAlarms of composite alarms' children and parents")
	case len(in.AlarmNames) > 0 && in.AlarmNamePrefix != nil:
		return nil, malformed("AlarmNames and AlarmNamePrefix are mutually exclusive")
	}
	out := &api.DescribeAlarmsOutput{CompositeAlarms: []api.CompositeAlarm{}, MetricAlarms: []api.MetricAlarm{}}
	if len(in.AlarmTypes) > 0 && !slices.Contains(in.AlarmTypes, api.AlarmTypeMetricAlarm) {
		return out, nil
	}
	some, err := s.chosen(ctx, func(a *alarm) bool {
		return (len(in.AlarmNames) == 0 || slices.Contains(in.AlarmNames, *a.Shape.AlarmName)) && strings.HasPrefix(*a.Shape.AlarmName, text(in.AlarmNamePrefix)) &&
			(in.StateValue == nil || *in.StateValue == *a.Shape.StateValue) && (in.ActionPrefix == nil || a.actsOn(*in.ActionPrefix))
	})
	if err != nil {
		return nil, err
	}
	some, out.NextToken, err = page(some, func(a *alarm) string { return *a.Shape.AlarmName }, in.NextToken, in.MaxRecords, 50)
	if err != nil {
		return nil, err
	}
	for _, a := range some {
		out.MetricAlarms = append(out.MetricAlarms, a.Shape)
	}
	return out, nil
}

func (a *alarm) actsOn(prefix string) bool {
	return slices.ContainsFunc(slices.Concat(a.Shape.OKActions, a.Shape.AlarmActions, a.Shape.InsufficientDataActions), func(t string) bool { return strings.HasPrefix(t, prefix) })
}

func (s *Service) describeAlarmsForMetric(ctx context.Context, in *api.DescribeAlarmsForMetricInput) (*api.DescribeAlarmsForMetricOutput, error) {
	want := metricID(*in.Namespace, *in.MetricName, in.Dimensions)
	some, err := s.chosen(ctx, func(a *alarm) bool {
		id, statistic, unit, period := a.watched()
		return id == want && (in.Statistic == nil || *in.Statistic == statistic) && (in.ExtendedStatistic == nil || *in.ExtendedStatistic == statistic) &&
			(in.Unit == nil || *in.Unit == unit) && (in.Period == nil || time.Duration(*in.Period)*time.Second == period)
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeAlarmsForMetricOutput{MetricAlarms: []api.MetricAlarm{}}
	for _, a := range some {
		out.MetricAlarms = append(out.MetricAlarms, a.Shape)
	}
	return out, nil
}

// change changes an alarm of the caller's.
func (s *Service) change(tx *store.Tx, c bus.Caller, name string, f func(*alarm) error) error {
	a, ok, err := alarms.Get(tx, c.Account, c.Region, name)
	if err == nil && !ok {
		err = api.ResourceNotFound("")
	}
	if err != nil {
		return err
	}
	if err := f(&a); err != nil {
		return err
	}
	return a.put(tx)
}

func (s *Service) deleteAlarms(ctx context.Context, in *api.DeleteAlarmsInput) (*api.DeleteAlarmsOutput, error) {
	c := bus.From(ctx)
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		for _, name := range in.AlarmNames {
			a, ok, err := alarms.Get(tx, c.Account, c.Region, name)
			if err != nil {
				return err
			}
			if !ok {
				continue // AWS deletes those that there are and says nothing of the others
			}
			if err := s.note(tx, &a, api.HistoryItemTypeConfigurationUpdate, "Alarm \""+name+"\" deleted", map[string]any{"version": "1.0", "type": "Delete"}); err != nil {
				return err
			}
			if _, err := alarms.Delete(tx, c.Account, c.Region, name); err != nil {
				return err
			}
		}
		return nil
	})
	return &api.DeleteAlarmsOutput{}, err
}

func (s *Service) setActions(ctx context.Context, names []string, on bool) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		for _, name := range names {
			err := s.change(tx, bus.From(ctx), name, func(a *alarm) error {
				a.Shape.ActionsEnabled = &on
				return nil
			})
			if e := awserr.From(err); err != nil && e == nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) enableAlarmActions(ctx context.Context, in *api.EnableAlarmActionsInput) (*api.EnableAlarmActionsOutput, error) {
	if err := s.setActions(ctx, in.AlarmNames, true); err != nil {
		return nil, err
	}
	return &api.EnableAlarmActionsOutput{}, nil
}

func (s *Service) disableAlarmActions(ctx context.Context, in *api.DisableAlarmActionsInput) (*api.DisableAlarmActionsOutput, error) {
	if err := s.setActions(ctx, in.AlarmNames, false); err != nil {
		return nil, err
	}
	return &api.DisableAlarmActionsOutput{}, nil
}

// setAlarmState puts an alarm into a state until its next evaluation.
func (s *Service) setAlarmState(ctx context.Context, in *api.SetAlarmStateInput) (*api.SetAlarmStateOutput, error) {
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		return s.change(tx, bus.From(ctx), *in.AlarmName, func(a *alarm) error {
			if *in.StateValue != *a.Shape.StateValue {
				if err := s.enter(tx, a, *in.StateValue, *in.StateReason, text(in.StateReasonData)); err != nil {
					return err
				}
			} else {
				a.Shape.StateReason, a.Shape.StateReasonData, a.Shape.StateUpdatedTimestamp = in.StateReason, in.StateReasonData, new(s.Clock.Now())
			}
			if !a.Scheduled.IsZero() {
				return nil
			}
			_, _, _, period := a.watched()
			return s.schedule(tx, a, s.Clock.Now().Truncate(step(period)).Add(step(period)))
		})
	})
	return &api.SetAlarmStateOutput{}, err
}

func (s *Service) describeAlarmHistory(ctx context.Context, in *api.DescribeAlarmHistoryInput) (*api.DescribeAlarmHistoryOutput, error) {
	c := bus.From(ctx)
	type entry struct {
		item api.AlarmHistoryItem
		n    int
	}
	var all []entry
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		list, err := history.List(tx, c.Account, c.Region)
		for i, h := range list {
			t := *h.Item.Timestamp
			if (in.AlarmName == nil || *in.AlarmName == *h.Item.AlarmName) && (in.HistoryItemType == nil || *in.HistoryItemType == *h.Item.HistoryItemType) &&
				(in.StartDate == nil || !t.Before(*in.StartDate)) && (in.EndDate == nil || !t.After(*in.EndDate)) &&
				(len(in.AlarmTypes) == 0 || slices.Contains(in.AlarmTypes, *h.Item.AlarmType)) {
				all = append(all, entry{h.Item, i})
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	key := func(e *entry) string { return at(*e.item.Timestamp) + at(time.Unix(int64(e.n), 0)) }
	if text(in.ScanBy) != api.ScanByTimestampAscending {
		key = func(e *entry) string {
			return at(time.Unix(1<<39-e.item.Timestamp.Unix(), 0)) + at(time.Unix(1<<30-int64(e.n), 0))
		}
		slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(key(&a), key(&b)) })
	}
	some, next, err := page(all, key, in.NextToken, in.MaxRecords, 100)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeAlarmHistoryOutput{AlarmHistoryItems: []api.AlarmHistoryItem{}, NextToken: next}
	for _, e := range some {
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, e.item)
	}
	return out, nil
}
