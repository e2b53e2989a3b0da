package cloudwatch

import (
	"slices"
	"strings"

	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	const plain = "of metrics: no metric math, no metrics insights"
	rows := []bus.Operation{
		bus.Op("DeleteAlarms", s.deleteAlarms),
		bus.Op("DeleteDashboards", s.deleteDashboards),
		bus.Op("DescribeAlarmHistory", s.describeAlarmHistory),
		bus.PartialOp("DescribeAlarms", "metric alarms", s.describeAlarms),
		bus.Op("DescribeAlarmsForMetric", s.describeAlarmsForMetric),
		bus.Op("DisableAlarmActions", s.disableAlarmActions),
		bus.Op("EnableAlarmActions", s.enableAlarmActions),
		bus.Op("GetDashboard", s.getDashboard),
		bus.PartialOp("GetMetricData", plain, s.getMetricData),
		bus.PartialOp("GetMetricStatistics", "of extended statistics the percentiles", s.getMetricStatistics),
		bus.Op("ListDashboards", s.listDashboards),
		bus.PartialOp("ListMetrics", "of the account itself", s.listMetrics),
		bus.Op("ListTagsForResource", s.listTagsForResource),
		bus.PartialOp("PutDashboard", "kept; nothing draws it", s.putDashboard),
		bus.PartialOp("PutMetricAlarm", plain+"; acts on SNS topics and Lambda functions", s.putMetricAlarm),
		bus.PartialOp("PutMetricData", "no entities", s.putMetricData),
		bus.Op("SetAlarmState", s.setAlarmState),
		bus.Op("TagResource", s.tagResource),
		bus.Op("UntagResource", s.untagResource),
	}
	for _, o := range api.Model.Operations {
		if slices.ContainsFunc(rows, func(r bus.Operation) bool { return r.Name == o.Name }) {
			continue
		}
		note := "only metrics, metric alarms and dashboards are there"
		if o.Name == "PutCompositeAlarm" {
			note = "composite alarms are not evaluated"
		}
		rows = append(rows, bus.Missing(note, o.Name)...)
	}
	slices.SortFunc(rows, func(a, b bus.Operation) int { return strings.Compare(a.Name, b.Name) })
	return &bus.Service{Name: "monitoring", Model: api.Model, Operations: rows}
}
