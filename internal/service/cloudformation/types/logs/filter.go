package logstype

import (
	"context"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

func metricFilter() resource.Type {
	return resource.Type{
		Name:        "AWS::Logs::MetricFilter",
		Required:    []string{"FilterPattern", "LogGroupName", "MetricTransformations"},
		Optional:    []string{"FilterName"},
		Refused:     []string{"ApplyOnTransformedLogs", "EmitSystemFieldDimensions", "FieldSelectionCriteria"},
		Replacement: []string{"FilterName", "LogGroupName"},
		Create:      putMetricFilter, Update: putMetricFilter,
		Delete: func(ctx context.Context, r *resource.Request) error {
			in := &logs.DeleteMetricFilterInput{LogGroupName: new(r.Text("LogGroupName")), FilterName: &r.ID}
			return resource.Unless(do(ctx, r, "DeleteMetricFilter", in), gone)
		},
	}
}

// putMetricFilter makes a map of the list that the property Dimensions is.
func putMetricFilter(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	given := struct {
		MetricTransformations []struct {
			MetricName, MetricNamespace, MetricValue, Unit *string
			DefaultValue                                   *float64
			Dimensions                                     []struct{ Key, Value *string }
		}
	}{}
	if err := resource.Decode(r.Only("MetricTransformations"), &given, nil); err != nil {
		return nil, err
	}
	in := &logs.PutMetricFilterInput{}
	if err := resource.Decode(r.Only("FilterPattern", "LogGroupName"), in, nil); err != nil {
		return nil, err
	}
	in.FilterName = new(r.Name("FilterName", 512))
	for _, m := range given.MetricTransformations {
		t := logs.MetricTransformation{MetricName: m.MetricName, MetricNamespace: m.MetricNamespace, MetricValue: m.MetricValue, Unit: m.Unit, DefaultValue: m.DefaultValue}
		for _, d := range m.Dimensions {
			if d.Key == nil || d.Value == nil {
				return nil, awserr.New(400, "InvalidRequest", "#/MetricTransformations/Dimensions: required keys [Key, Value] not found")
			}
			if t.Dimensions == nil {
				t.Dimensions = map[string]string{}
			}
			t.Dimensions[*d.Key] = *d.Value
		}
		in.MetricTransformations = append(in.MetricTransformations, t)
	}
	if r.Old == nil && !r.Again {
		have, err := bus.Invoke[logs.DescribeMetricFiltersOutput](ctx, r.Bus, "logs", "DescribeMetricFilters",
			&logs.DescribeMetricFiltersInput{LogGroupName: in.LogGroupName, FilterNamePrefix: in.FilterName})
		if err != nil {
			return nil, err
		}
		if len(have.MetricFilters) > 0 && *have.MetricFilters[0].FilterName == *in.FilterName { // the shortest comes first
			return nil, resource.AlreadyExists("AWS::Logs::MetricFilter", *in.FilterName)
		}
	}
	if err := do(ctx, r, "PutMetricFilter", in); err != nil {
		return nil, err
	}
	return &resource.Made{ID: *in.FilterName}, nil
}

func subscriptionFilter() resource.Type {
	return resource.Type{
		Name:        "AWS::Logs::SubscriptionFilter",
		Required:    []string{"DestinationArn", "FilterPattern", "LogGroupName"},
		Optional:    []string{"Distribution", "FilterName", "RoleArn"},
		Refused:     []string{"ApplyOnTransformedLogs", "EmitSystemFields", "FieldSelectionCriteria"},
		Replacement: []string{"FilterName", "LogGroupName"},
		Create:      putSubscriptionFilter, Update: putSubscriptionFilter,
		Delete: func(ctx context.Context, r *resource.Request) error {
			in := &logs.DeleteSubscriptionFilterInput{LogGroupName: new(r.Text("LogGroupName")), FilterName: &r.ID}
			return resource.Unless(do(ctx, r, "DeleteSubscriptionFilter", in), gone)
		},
	}
}

func putSubscriptionFilter(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &logs.PutSubscriptionFilterInput{}
	if err := resource.Decode(r.Properties, in, nil); err != nil {
		return nil, err
	}
	in.FilterName = new(r.Name("FilterName", 512))
	if r.Old == nil && !r.Again {
		have, err := bus.Invoke[logs.DescribeSubscriptionFiltersOutput](ctx, r.Bus, "logs", "DescribeSubscriptionFilters",
			&logs.DescribeSubscriptionFiltersInput{LogGroupName: in.LogGroupName, FilterNamePrefix: in.FilterName})
		if err != nil {
			return nil, err
		}
		if len(have.SubscriptionFilters) > 0 && *have.SubscriptionFilters[0].FilterName == *in.FilterName {
			return nil, resource.AlreadyExists("AWS::Logs::SubscriptionFilter", *in.FilterName)
		}
	}
	if err := do(ctx, r, "PutSubscriptionFilter", in); err != nil {
		return nil, err
	}
	return &resource.Made{ID: *in.FilterName}, nil
}

func resourcePolicy() resource.Type {
	put := func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
		in := &logs.PutResourcePolicyInput{}
		if err := resource.Decode(r.Properties, in, nil); err != nil {
			return nil, err
		}
		if err := do(ctx, r, "PutResourcePolicy", in); err != nil {
			return nil, err
		}
		return &resource.Made{ID: *in.PolicyName}, nil
	}
	return resource.Type{
		Name:        "AWS::Logs::ResourcePolicy",
		Required:    []string{"PolicyDocument", "PolicyName"},
		Replacement: []string{"PolicyName"},
		Create:      put, Update: put,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteResourcePolicy", &logs.DeleteResourcePolicyInput{PolicyName: &r.ID}), gone)
		},
	}
}
