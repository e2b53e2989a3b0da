package lambdatype

import (
	"context"
	"time"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

func eventInvokeConfig() resource.Type {
	put := func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
		in := &lambda.PutFunctionEventInvokeConfigInput{}
		if err := resource.Decode(r.Properties, in, nil); err != nil {
			return nil, err
		}
		if err := do(ctx, r, "PutFunctionEventInvokeConfig", in); err != nil {
			return nil, err
		}
		return &resource.Made{ID: *in.FunctionName + "|" + value(in.Qualifier)}, nil
	}
	return resource.Type{
		Name:        "AWS::Lambda::EventInvokeConfig",
		Required:    []string{"FunctionName", "Qualifier"},
		Optional:    []string{"DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"},
		Replacement: []string{"FunctionName", "Qualifier"},
		Create:      put, Update: put,
		Delete: func(ctx context.Context, r *resource.Request) error {
			in := &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: new(r.Text("FunctionName")), Qualifier: new(r.Text("Qualifier"))}
			return resource.Unless(do(ctx, r, "DeleteFunctionEventInvokeConfig", in), gone)
		},
	}
}

func eventSourceMapping() resource.Type {
	return resource.Type{
		Name:     "AWS::Lambda::EventSourceMapping",
		Required: []string{"FunctionName"},
		Optional: []string{"BatchSize", "Enabled", "EventSourceArn", "FilterCriteria", "FunctionResponseTypes",
			"MaximumBatchingWindowInSeconds", "ScalingConfig", "Tags"}, // mappings have no tags here: there is nothing that they would decide
		Refused: []string{"AmazonManagedKafkaEventSourceConfig", "BisectBatchOnFunctionError", "DestinationConfig", "DocumentDBEventSourceConfig",
			"KmsKeyArn", "LoggingConfig", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts", "MetricsConfig", "ParallelizationFactor",
			"ProvisionedPollerConfig", "Queues", "SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig", "SourceAccessConfigurations",
			"StartingPosition", "StartingPositionTimestamp", "Topics", "TumblingWindowInSeconds"},
		Attributes:  []string{"Id", "EventSourceMappingArn"},
		Replacement: []string{"EventSourceArn"},
		Create:      createMapping, Update: updateMapping, Delete: deleteMapping,
	}
}

func createMapping(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &lambda.CreateEventSourceMappingInput{}
	if err := resource.Decode(r.Properties, in, left("Tags")); err != nil {
		return nil, err
	}
	if r.Again {
		have, err := invoke[lambda.ListEventSourceMappingsOutput](ctx, r, "ListEventSourceMappings",
			&lambda.ListEventSourceMappingsInput{EventSourceArn: in.EventSourceArn, FunctionName: in.FunctionName})
		if err != nil {
			return nil, err
		}
		if len(have.EventSourceMappings) > 0 { // Lambda takes one of a source and a function
			r.ID = *have.EventSourceMappings[0].UUID
			return mapped(ctx, r)
		}
	}
	out, err := invoke[lambda.CreateEventSourceMappingOutput](ctx, r, "CreateEventSourceMapping", in)
	if err != nil {
		return nil, err
	}
	r.ID = *out.UUID
	return mapped(ctx, r)
}

// mapped waits until the event source mapping r.ID is enabled or disabled.
func mapped(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	made := &resource.Made{ID: r.ID, Attributes: map[string]any{
		"Id": r.ID, "EventSourceMappingArn": bus.From(ctx).ARN("lambda", "event-source-mapping:"+r.ID)}}
	return made, r.Wait(ctx, 100*time.Millisecond, 10*time.Minute, func() (bool, error) {
		out, err := invoke[lambda.GetEventSourceMappingOutput](ctx, r, "GetEventSourceMapping", &lambda.GetEventSourceMappingInput{UUID: &r.ID})
		if err != nil {
			return false, err
		}
		return value(out.State) == "Enabled" || value(out.State) == "Disabled", nil
	})
}

func updateMapping(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &lambda.UpdateEventSourceMappingInput{UUID: &r.ID, Enabled: new(true), FilterCriteria: &lambda.FilterCriteria{},
		FunctionResponseTypes: []string{}, ScalingConfig: &lambda.ScalingConfig{}, BatchSize: new(int64(10)), MaximumBatchingWindowInSeconds: new(int64(0))}
	if err := resource.Decode(r.Properties, in, left("EventSourceArn", "Tags")); err != nil {
		return nil, err
	}
	if err := do(ctx, r, "UpdateEventSourceMapping", in); err != nil {
		return nil, err
	}
	return mapped(ctx, r)
}

func deleteMapping(ctx context.Context, r *resource.Request) error {
	if err := do(ctx, r, "DeleteEventSourceMapping", &lambda.DeleteEventSourceMappingInput{UUID: &r.ID}); err != nil {
		return resource.Unless(err, gone)
	}
	return r.Wait(ctx, 100*time.Millisecond, 10*time.Minute, func() (bool, error) {
		_, err := invoke[lambda.GetEventSourceMappingOutput](ctx, r, "GetEventSourceMapping", &lambda.GetEventSourceMappingInput{UUID: &r.ID})
		return resource.Is(err, gone), resource.Unless(err, gone)
	})
}

func functionURL() resource.Type {
	return resource.Type{
		Name:        "AWS::Lambda::Url",
		Required:    []string{"AuthType", "TargetFunctionArn"},
		Optional:    []string{"Cors", "InvokeMode", "Qualifier"},
		Attributes:  []string{"FunctionArn", "FunctionUrl"},
		Replacement: []string{"Qualifier", "TargetFunctionArn"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &lambda.CreateFunctionUrlConfigInput{}
			if err := resource.Decode(r.Properties, in, map[string]string{"TargetFunctionArn": "FunctionName"}); err != nil {
				return nil, err
			}
			if err := do(ctx, r, "CreateFunctionUrlConfig", in); err != nil && !(r.Again && resource.Is(err, conflict)) {
				return nil, err
			}
			return readURL(ctx, r, in.FunctionName, in.Qualifier)
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &lambda.UpdateFunctionUrlConfigInput{Cors: &lambda.Cors{}, InvokeMode: new("BUFFERED")}
			if err := resource.Decode(r.Properties, in, map[string]string{"TargetFunctionArn": "FunctionName"}); err != nil {
				return nil, err
			}
			if err := do(ctx, r, "UpdateFunctionUrlConfig", in); err != nil {
				return nil, err
			}
			return readURL(ctx, r, in.FunctionName, in.Qualifier)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			in := &lambda.DeleteFunctionUrlConfigInput{}
			if err := resource.Decode(r.Only("TargetFunctionArn", "Qualifier"), in, map[string]string{"TargetFunctionArn": "FunctionName"}); err != nil {
				return err
			}
			return resource.Unless(do(ctx, r, "DeleteFunctionUrlConfig", in), gone)
		},
	}
}

func readURL(ctx context.Context, r *resource.Request, function, qualifier *string) (*resource.Made, error) {
	out, err := invoke[lambda.GetFunctionUrlConfigOutput](ctx, r, "GetFunctionUrlConfig",
		&lambda.GetFunctionUrlConfigInput{FunctionName: function, Qualifier: qualifier})
	if err != nil {
		return nil, err
	}
	return &resource.Made{ID: *out.FunctionArn, Attributes: map[string]any{"FunctionArn": *out.FunctionArn, "FunctionUrl": *out.FunctionUrl}}, nil
}
