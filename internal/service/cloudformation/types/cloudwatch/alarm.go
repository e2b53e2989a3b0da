// Package cloudwatchtype holds CloudFormation's resource types of CloudWatch:
// AWS::CloudWatch::Alarm and AWS::CloudWatch::Dashboard. Package types imports it.
package cloudwatchtype

import (
	"context"

	"stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types.
func Types() []resource.Type {
	return []resource.Type{
		{
			Name:     "AWS::CloudWatch::Alarm",
			Required: []string{"ComparisonOperator", "EvaluationPeriods"},
			Optional: []string{"ActionsEnabled", "AlarmActions", "AlarmDescription", "AlarmName", "DatapointsToAlarm", "Dimensions", "EvaluateLowSampleCountPercentile",
				"ExtendedStatistic", "InsufficientDataActions", "MetricName", "Metrics", "Namespace", "OKActions", "Period", "Statistic", "Tags", "Threshold",
				"TreatMissingData", "Unit"},
			Refused: []string{"ThresholdMetricId"}, Attributes: []string{"Arn"}, Replacement: []string{"AlarmName"},
			Create: createAlarm, Update: updateAlarm,
			Delete: func(ctx context.Context, r *resource.Request) error {
				_, err := r.Bus.Invoke(ctx, "monitoring", "DeleteAlarms", &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{r.ID}})
				return resource.Unless(err, "ResourceNotFound")
			},
		},
		{
			Name: "AWS::CloudWatch::Dashboard", Required: []string{"DashboardBody"}, Optional: []string{"DashboardName"}, Replacement: []string{"DashboardName"},
			Create: createDashboard, Update: putDashboard,
			Delete: func(ctx context.Context, r *resource.Request) error {
				_, err := r.Bus.Invoke(ctx, "monitoring", "DeleteDashboards", &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{r.ID}})
				return resource.Unless(err, "DashboardNotFoundError", "ResourceNotFound")
			},
		},
	}
}

func createAlarm(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	name := r.Name("AlarmName", 255)
	if !r.Again {
		there, err := describe(ctx, r, name)
		if err != nil {
			return nil, err
		}
		if there != nil {
			return nil, awserr.New(400, "AlreadyExists", "%s already exists", name)
		}
	}
	in := &cloudwatch.PutMetricAlarmInput{AlarmName: &name}
	if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, in, nil); err != nil {
		return nil, err
	}
	return put(ctx, r, in)
}

// describe is the alarm of a name, nil where there is none.
func describe(ctx context.Context, r *resource.Request, name string) (*cloudwatch.MetricAlarm, error) {
	out, err := bus.Invoke[cloudwatch.DescribeAlarmsOutput](ctx, r.Bus, "monitoring", "DescribeAlarms", &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
	if err != nil || len(out.MetricAlarms) == 0 {
		return nil, err
	}
	return &out.MetricAlarms[0], nil
}

func put(ctx context.Context, r *resource.Request, in *cloudwatch.PutMetricAlarmInput) (*resource.Made, error) {
	if err := resource.Decode(r.Properties, in, map[string]string{"AlarmName": "", "Tags": ""}); err != nil {
		return nil, err
	}
	if _, err := r.Bus.Invoke(ctx, "monitoring", "PutMetricAlarm", in); err != nil {
		return nil, err
	}
	a, err := describe(ctx, r, *in.AlarmName)
	if err != nil {
		return nil, err
	}
	return &resource.Made{ID: *in.AlarmName, Attributes: map[string]any{"Arn": *a.AlarmArn}}, nil
}

func updateAlarm(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	made, err := put(ctx, r, &cloudwatch.PutMetricAlarmInput{AlarmName: &r.ID})
	if err != nil {
		return nil, err
	}
	arn, _ := resource.Text(made.Attributes["Arn"])
	return made, r.Retag(ctx, "monitoring", &cloudwatch.TagResourceInput{ResourceARN: &arn}, &cloudwatch.UntagResourceInput{ResourceARN: &arn}, nil)
}

func createDashboard(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	name := r.Name("DashboardName", 255)
	if !r.Again {
		_, err := r.Bus.Invoke(ctx, "monitoring", "GetDashboard", &cloudwatch.GetDashboardInput{DashboardName: &name})
		switch {
		case err == nil:
			return nil, awserr.New(400, "AlreadyExists", "%s already exists", name)
		case awserr.From(err) == nil:
			return nil, err
		}
	}
	return putDashboard(ctx, r)
}

func putDashboard(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &cloudwatch.PutDashboardInput{DashboardName: new(r.Name("DashboardName", 255))}
	if err := resource.Decode(map[string]any{"DashboardBody": r.Properties["DashboardBody"]}, in, nil); err != nil {
		return nil, err
	}
	if _, err := r.Bus.Invoke(ctx, "monitoring", "PutDashboard", in); err != nil {
		return nil, err
	}
	return &resource.Made{ID: *in.DashboardName, Attributes: map[string]any{}}, nil
}
