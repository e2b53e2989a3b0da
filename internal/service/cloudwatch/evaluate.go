package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// watched is the metric of an alarm, its statistic and its period.
func (a *alarm) watched() (id, statistic, unit string, period time.Duration) {
	x := &a.Shape
	if len(x.Metrics) > 0 {
		for _, q := range x.Metrics {
			if q.ReturnData == nil || *q.ReturnData {
				st := q.MetricStat
				return metricID(text(st.Metric.Namespace), text(st.Metric.MetricName), st.Metric.Dimensions), text(st.Stat), text(st.Unit), time.Duration(*st.Period) * time.Second
			}
		}
	}
	statistic = text(x.Statistic)
	if statistic == "" {
		statistic = text(x.ExtendedStatistic)
	}
	return metricID(text(x.Namespace), text(x.MetricName), x.Dimensions), statistic, text(x.Unit), time.Duration(number(x.Period)) * time.Second
}

// step is the time between two evaluations of an alarm.
func step(period time.Duration) time.Duration {
	if period < time.Minute {
		return 10 * time.Second
	}
	return time.Minute
}

// schedule arranges for the alarm to be evaluated at a time.
func (s *Service) schedule(tx *store.Tx, a *alarm, when time.Time) error {
	a.Scheduled = when
	a.Generation++
	payload, err := json.Marshal(due{*a.Shape.AlarmName, a.Generation})
	if err != nil {
		return err
	}
	id := strings.Join([]string{a.Account, a.Region, *a.Shape.AlarmName, strconv.Itoa(a.Generation)}, "|")
	return s.Work.Submit(tx, work.Task{Kind: evaluation, ID: id, RunAt: when, Payload: payload,
		Caller: bus.Caller{Account: a.Account, Region: a.Region, Source: "monitoring"}})
}

// due is an evaluation to come.
type due struct {
	Alarm      string
	Generation int
}

// wake schedules the alarms of metrics that have new data: at the end of the
// minute that now is in.
func (s *Service) wake(tx *store.Tx, c bus.Caller, changed map[string]bool, now time.Time) error {
	all, err := alarms.List(tx, c.Account, c.Region)
	if err != nil {
		return err
	}
	for i := range all {
		a := &all[i]
		id, _, _, period := a.watched()
		if !changed[id] || !a.Scheduled.IsZero() {
			continue
		}
		if err := s.schedule(tx, a, now.Truncate(step(period)).Add(step(period))); err != nil {
			return err
		}
		if err := a.put(tx); err != nil {
			return err
		}
	}
	return nil
}

// runEvaluation evaluates an alarm at its time.
func (s *Service) runEvaluation(ctx context.Context, t *work.Task) error {
	c := bus.From(ctx)
	var e due
	if err := json.Unmarshal(t.Payload, &e); err != nil {
		return fmt.Errorf("cannot read the evaluation of an alarm: %w", err)
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		a, ok, err := alarms.Get(tx, c.Account, c.Region, e.Alarm)
		if err != nil || !ok || a.Generation != e.Generation {
			return err
		}
		return s.evaluate(tx, &a)
	})
}

// evaluate evaluates an alarm and writes it. It is evaluated again in a minute
// while there is data that it will still see.
func (s *Service) evaluate(tx *store.Tx, a *alarm) error {
	now := s.Clock.Now()
	id, statistic, unit, period := a.watched()
	end, n := now.UTC().Truncate(step(period)), int(*a.Shape.EvaluationPeriods)
	from := end.Add(-time.Duration(n+spare) * period)
	some, err := between(tx, a.Account, a.Region, id, from, now.Add(3*time.Hour), unit)
	if err != nil {
		return err
	}
	seen := []point{}
	for _, p := range some {
		if p.Time.Before(end) {
			seen = append(seen, p)
		}
	}
	grouped := periods(seen, from, period)
	values := make([]*float64, n+spare)
	for i := range values {
		if p := grouped[i]; p != nil {
			if v, ok := p.statistic(statistic); ok {
				values[i] = &v
			}
		}
	}
	a.Scheduled = time.Time{}
	state, reason := a.judge(values, from, period)
	if state != *a.Shape.StateValue {
		if err := s.enter(tx, a, state, reason, a.reasonData(values, from, period, now)); err != nil {
			return err
		}
	}
	if len(some) > 0 {
		if err := s.schedule(tx, a, end.Add(step(period))); err != nil {
			return err
		}
	}
	return a.put(tx)
}

// spare is how many periods more than its evaluation periods an alarm looks
// back, for what is missing.
const spare = 2

// judge is the state that an alarm is in by the values of its periods, oldest
// first, nil where there is none ("Configuring how CloudWatch alarms treat
// missing data" in the user guide).
func (a *alarm) judge(values []*float64, from time.Time, period time.Duration) (state, reason string) {
	n := int(*a.Shape.EvaluationPeriods)
	m := n
	if a.Shape.DatapointsToAlarm != nil {
		m = int(*a.Shape.DatapointsToAlarm)
	}
	there, breaching, oldest := 0, 0, 0
	shown := map[bool][]string{} // by whether they breach the threshold
	for i := len(values) - 1; i >= 0 && there < n; i-- {
		if values[i] == nil {
			continue
		}
		there++
		bad := a.breaches(*values[i])
		if bad {
			breaching, oldest = breaching+1, len(values)-i
		}
		shown[bad] = append(shown[bad], decimal(*values[i])+from.Add(time.Duration(i)*period).Format(" (02/01/06 15:04:05)"))
	}
	treat, missing := text(a.Shape.TreatMissingData), n-there
	if missing > 0 {
		switch {
		case treat == "breaching":
			breaching += missing
		case treat == "notBreaching":
		case there == 0 && treat == "ignore":
			return *a.Shape.StateValue, "unchanged"
		case there == 0:
			unknown := fmt.Sprintf("%d datapoints were", n)
			if n == 1 {
				unknown = "1 datapoint was"
			}
			return api.StateValueInsufficientData, "Insufficient Data: " + unknown + " unknown."
		case breaching < there || breaching >= m:
			// some are within the threshold, or there are enough: what is there decides
		case oldest < m || treat == "ignore": // too early for an alarm
			return *a.Shape.StateValue, "unchanged"
		default:
			breaching = m
		}
	}
	state = api.StateValueOk
	if breaching >= m {
		state = api.StateValueAlarm
	}
	return state, a.because(state == api.StateValueAlarm, there, m, shown[state == api.StateValueAlarm])
}

// because is the reason for a state in CloudWatch's words. shown are the data
// points that speak for it.
func (a *alarm) because(alarming bool, there, m int, shown []string) string {
	x, n := &a.Shape, int(*a.Shape.EvaluationPeriods)
	if there == 0 {
		treated := "NonBreaching"
		if text(x.TreatMissingData) == "breaching" {
			treated = "Breaching"
		}
		return fmt.Sprintf("Threshold Crossed: no datapoints were received for %d periods and %d missing datapoints were treated as [%s].", n, n, treated)
	}
	was, transition := "was", "OK -> ALARM"
	if !alarming {
		was, transition, m = "was not", "ALARM -> OK", n-m+1
	}
	if len(shown) > 1 {
		was = strings.Replace(was, "was", "were", 1)
	}
	plural := "s"
	if m == 1 {
		plural = ""
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s the threshold (%s) (minimum %d datapoint%s for %s transition).",
		len(shown), n, strings.Join(shown, ", "), was, comparisons[*x.ComparisonOperator].words, decimal(number(x.Threshold)), m, plural, transition)
}

// decimal is a number with at least one digit after the point.
func decimal(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// comparisons are the operators of thresholds.
var comparisons = map[string]struct {
	words string
	holds func(v, threshold float64) bool
}{
	"GreaterThanOrEqualToThreshold": {"greater than or equal to", func(v, t float64) bool { return v >= t }},
	"GreaterThanThreshold":          {"greater than", func(v, t float64) bool { return v > t }},
	"LessThanThreshold":             {"less than", func(v, t float64) bool { return v < t }},
	"LessThanOrEqualToThreshold":    {"less than or equal to", func(v, t float64) bool { return v <= t }},
}

func (a *alarm) breaches(v float64) bool {
	return comparisons[*a.Shape.ComparisonOperator].holds(v, number(a.Shape.Threshold))
}

const instant = "2006-01-02T15:04:05.000-0700"

// reasonData is what an alarm's state was judged by, as JSON.
func (a *alarm) reasonData(values []*float64, from time.Time, period time.Duration, now time.Time) string {
	_, statistic, unit, _ := a.watched()
	recent, first := []float64{}, time.Time{}
	for i := max(0, len(values)-int(*a.Shape.EvaluationPeriods)); i < len(values); i++ {
		if values[i] == nil {
			continue
		}
		if recent = append(recent, *values[i]); first.IsZero() {
			first = from.Add(time.Duration(i) * period)
		}
	}
	data := map[string]any{"version": "1.0", "queryDate": now.UTC().Format(instant), "statistic": statistic, "period": int(period.Seconds()),
		"recentDatapoints": recent, "threshold": number(a.Shape.Threshold)}
	if unit != "" {
		data["unit"] = unit
	}
	if !first.IsZero() {
		data["startDate"] = first.Format(instant)
	}
	b, err := json.Marshal(data)
	if err != nil {
		return ""
	}
	return string(b)
}
