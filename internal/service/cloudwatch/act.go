package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// enter puts an alarm into a state: it is recorded, told to EventBridge, and the
// actions for it become tasks.
func (s *Service) enter(tx *store.Tx, a *alarm, state, reason, data string) error {
	x, now, old := &a.Shape, s.Clock.Now(), a.Shape
	change := stateChange{AlarmName: *x.AlarmName, State: said(state, reason, data, now), Configuration: a.configuration(),
		PreviousState: said(*old.StateValue, text(old.StateReason), text(old.StateReasonData), *old.StateUpdatedTimestamp)}
	x.StateValue, x.StateReason, x.StateReasonData, x.StateUpdatedTimestamp, x.StateTransitionedTimestamp = &state, &reason, &data, &now, &now
	summary := fmt.Sprintf("Alarm updated from %s to %s", *old.StateValue, state)
	err := s.note(tx, a, api.HistoryItemTypeStateUpdate, summary, map[string]any{"version": "1.0", "oldState": change.PreviousState, "newState": change.State})
	if err != nil {
		return err
	}
	if x.ActionsEnabled == nil || *x.ActionsEnabled {
		for i, target := range map[string][]string{api.StateValueAlarm: x.AlarmActions, api.StateValueOk: x.OKActions, api.StateValueInsufficientData: x.InsufficientDataActions}[state] {
			payload, err := json.Marshal(acts{*x.AlarmName, target, a.message(&old, now), change, now})
			if err != nil {
				return err
			}
			id := strings.Join([]string{a.Account, a.Region, *x.AlarmName, strconv.FormatInt(now.UnixNano(), 10), strconv.Itoa(i)}, "|")
			err = s.Work.Submit(tx, work.Task{Kind: action, ID: id, Payload: payload, Caller: bus.Caller{Account: a.Account, Region: a.Region, Source: "monitoring"}})
			if err != nil {
				return err
			}
		}
	}
	if s.Events != nil {
		c, arn := bus.Caller{Account: a.Account, Region: a.Region, Source: "monitoring"}, *x.AlarmArn
		tx.AfterCommit(func() { s.Events(c, "CloudWatch Alarm State Change", []string{arn}, change) })
	}
	return nil
}

// stateChange is the detail of EventBridge's "CloudWatch Alarm State Change".
type stateChange struct {
	AlarmName     string         `json:"alarmName"`
	State         map[string]any `json:"state"`
	PreviousState map[string]any `json:"previousState"`
	Configuration map[string]any `json:"configuration"`
}

func said(state, reason, data string, t time.Time) map[string]any {
	m := map[string]any{"value": state, "reason": reason, "timestamp": t.UTC().Format(instant)}
	if data != "" {
		m["reasonData"] = data
	}
	return m
}

// configuration is what an event says of the alarm's metrics.
func (a *alarm) configuration() map[string]any {
	x := &a.Shape
	queries := []any{}
	one := func(id, namespace, name, stat, unit string, period int64, dimensions []api.Dimension, returned bool) {
		named := map[string]string{}
		for _, d := range dimensions {
			named[text(d.Name)] = text(d.Value)
		}
		st := map[string]any{"metric": map[string]any{"namespace": namespace, "name": name, "dimensions": named}, "period": period, "stat": stat}
		if unit != "" {
			st["unit"] = unit
		}
		queries = append(queries, map[string]any{"id": id, "metricStat": st, "returnData": returned})
	}
	if len(x.Metrics) == 0 {
		_, stat, unit, _ := a.watched()
		one("m1", text(x.Namespace), text(x.MetricName), stat, unit, number(x.Period), x.Dimensions, true)
	}
	for _, q := range x.Metrics {
		st := q.MetricStat
		one(*q.Id, text(st.Metric.Namespace), text(st.Metric.MetricName), text(st.Stat), text(st.Unit), number(st.Period), st.Metric.Dimensions, q.ReturnData == nil || *q.ReturnData)
	}
	c := map[string]any{"metrics": queries}
	if x.AlarmDescription != nil {
		c["description"] = *x.AlarmDescription
	}
	return c
}

// message is what an SNS topic is told ("Notifying users on alarm changes").
func (a *alarm) message(old *api.MetricAlarm, now time.Time) string {
	x := &a.Shape
	dimensions := []map[string]string{}
	for _, d := range x.Dimensions {
		dimensions = append(dimensions, map[string]string{"value": text(d.Value), "name": text(d.Name)})
	}
	trigger := map[string]any{"MetricName": x.MetricName, "Namespace": x.Namespace, "StatisticType": "Statistic", "Statistic": upper(text(x.Statistic)),
		"Unit": x.Unit, "Dimensions": dimensions, "Period": x.Period, "EvaluationPeriods": x.EvaluationPeriods, "ComparisonOperator": x.ComparisonOperator,
		"Threshold": x.Threshold, "TreatMissingData": text(x.TreatMissingData), "EvaluateLowSampleCountPercentile": text(x.EvaluateLowSampleCountPercentile)}
	if x.DatapointsToAlarm != nil {
		trigger["DatapointsToAlarm"] = x.DatapointsToAlarm
	}
	if x.ExtendedStatistic != nil {
		delete(trigger, "Statistic")
		trigger["StatisticType"], trigger["ExtendedStatistic"] = "ExtendedStatistic", *x.ExtendedStatistic
	}
	message, err := compact(map[string]any{"AlarmName": x.AlarmName, "AlarmDescription": x.AlarmDescription, "AWSAccountId": a.Account,
		"AlarmConfigurationUpdatedTimestamp": x.AlarmConfigurationUpdatedTimestamp.UTC().Format(instant), "NewStateValue": x.StateValue, "NewStateReason": x.StateReason,
		"StateChangeTime": now.UTC().Format(instant), "Region": a.Region, "AlarmArn": x.AlarmArn, "OldStateValue": old.StateValue,
		"OKActions": list(x.OKActions), "AlarmActions": list(x.AlarmActions), "InsufficientDataActions": list(x.InsufficientDataActions), "Trigger": trigger})
	if err != nil {
		return ""
	}
	return message
}

// upper is a statistic as messages spell it: SAMPLE_COUNT, AVERAGE.
func upper(s string) string {
	if s == "SampleCount" {
		return "SAMPLE_COUNT"
	}
	return strings.ToUpper(s)
}

// compact is JSON without the escapes for HTML.
func compact(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func list(items []string) []string { return append([]string{}, items...) }

// acts is an action to take: what a topic is told, and what a function gets.
type acts struct {
	Alarm, Target, Message string
	Change                 stateChange
	At                     time.Time
}

// runAction takes an action. One that its service refuses is noted in the
// alarm's history and not tried again.
func (s *Service) runAction(ctx context.Context, t *work.Task) error {
	c := bus.From(ctx)
	var x acts
	if err := json.Unmarshal(t.Payload, &x); err != nil {
		return fmt.Errorf("cannot read an action: %w", err)
	}
	failure := s.act(ctx, c, &x)
	if failure != nil && notify.Retriable(failure) {
		return failure
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		a, ok, err := alarms.Get(tx, c.Account, c.Region, x.Alarm)
		if err != nil || !ok {
			return err
		}
		data := map[string]any{"actionState": "Succeeded", "notificationResource": x.Target, "publishedMessage": x.Message, "error": nil}
		summary := "Successfully executed action " + x.Target
		if failure != nil {
			why := failure.Error()
			if e := awserr.From(failure); e != nil {
				why = e.Message
			}
			data["actionState"], data["error"], summary = "Failed", why, "Failed to execute action "+x.Target+". Received error: "+strconv.Quote(why)
		}
		return s.note(tx, &a, api.HistoryItemTypeAction, summary, data)
	})
}

func (s *Service) act(ctx context.Context, c bus.Caller, x *acts) error {
	m := notify.Message{Body: x.Message}
	if service, _ := actionService(x.Target); service == "lambda" {
		payload, err := json.Marshal(map[string]any{"source": "aws.cloudwatch", "alarmArn": c.ARN("cloudwatch", "alarm:"+x.Alarm), "accountId": c.Account,
			"time": x.At.UTC().Format(instant), "region": c.Region, "alarmData": x.Change})
		if err != nil {
			return err
		}
		m.Body = string(payload)
	} else {
		state, _ := x.Change.State["value"].(string)
		subject := state + ": " + strconv.Quote(x.Alarm) + " in " + c.Region
		if r := []rune(subject); len(r) > 99 {
			subject = string(r[:99])
		}
		m.Subject = subject
	}
	return notify.Sender{Bus: s.Bus, Source: "monitoring", Log: s.Log}.Send(ctx, x.Target, &m)
}

// actionService is the service of an action, where it can be taken.
func actionService(target string) (string, bool) {
	a, ok := bus.ParseARN(target)
	return a.Service, ok && (a.Service == "sns" || a.Service == "lambda")
}

// note adds an item to an alarm's history and forgets the oldest that are past
// their time.
func (s *Service) note(tx *store.Tx, a *alarm, kind, summary string, data any) error {
	text, err := compact(data)
	if err != nil {
		return err
	}
	now := s.Clock.Now()
	oldest, _, err := history.Page(tx, "", 2, a.Account, a.Region)
	if err != nil {
		return err
	}
	for _, h := range oldest {
		if now.Sub(*h.Item.Timestamp) > maxHistory {
			if err := history.DeleteAll(tx, a.Account, a.Region, at(*h.Item.Timestamp)); err != nil {
				return err
			}
		}
	}
	same, err := history.List(tx, a.Account, a.Region, at(now))
	if err != nil {
		return err
	}
	item := api.AlarmHistoryItem{AlarmName: a.Shape.AlarmName, AlarmType: new(api.AlarmTypeMetricAlarm), Timestamp: &now, HistoryItemType: &kind, HistorySummary: &summary, HistoryData: &text}
	return history.Put(tx, happened{item}, a.Account, a.Region, at(now), fmt.Sprintf("%06d", len(same)))
}
