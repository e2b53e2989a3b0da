package eventstype

import (
	"context"

	"stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

func archive() resource.Type {
	rename := map[string]string{"SourceArn": "EventSourceArn"}
	made := func(ctx context.Context, name string) *resource.Made {
		return &resource.Made{ID: name, Attributes: map[string]any{"Arn": bus.From(ctx).ARN("events", "archive/"+name), "ArchiveName": name}}
	}
	return resource.Type{
		Name:        "AWS::Events::Archive",
		Required:    []string{"SourceArn"},
		Optional:    []string{"ArchiveName", "Description", "EventPattern", "RetentionDays"},
		Refused:     []string{"KmsKeyIdentifier"},
		Attributes:  []string{"Arn", "ArchiveName"},
		Replacement: []string{"ArchiveName", "SourceArn"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &events.CreateArchiveInput{}
			if err := resource.Decode(r.Properties, in, rename); err != nil {
				return nil, err
			}
			in.ArchiveName = new(r.Name("ArchiveName", 48))
			if err := do(ctx, r, "CreateArchive", in); err != nil && !(r.Again && resource.Is(err, exists)) {
				return nil, err
			}
			return made(ctx, *in.ArchiveName), nil
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &events.UpdateArchiveInput{ArchiveName: &r.ID, Description: new(""), EventPattern: new(""), RetentionDays: new(int64(0))}
			if err := resource.Decode(r.Only("Description", "EventPattern", "RetentionDays"), in, nil); err != nil {
				return nil, err
			}
			return made(ctx, r.ID), do(ctx, r, "UpdateArchive", in)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteArchive", &events.DeleteArchiveInput{ArchiveName: &r.ID}), gone)
		},
	}
}

func connection() resource.Type {
	return resource.Type{
		Name:        "AWS::Events::Connection",
		Optional:    []string{"AuthParameters", "AuthorizationType", "Description", "Name"},
		Refused:     []string{"InvocationConnectivityParameters", "KmsKeyIdentifier"},
		Attributes:  []string{"Arn", "ArnForPolicy", "SecretArn"},
		Replacement: []string{"Name"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &events.CreateConnectionInput{}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			in.Name = new(r.Name("Name", 64))
			if err := do(ctx, r, "CreateConnection", in); err != nil && !(r.Again && resource.Is(err, exists)) {
				return nil, err
			}
			return readConnection(ctx, r, *in.Name)
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &events.UpdateConnectionInput{Description: new("")}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			in.Name = &r.ID
			if err := do(ctx, r, "UpdateConnection", in); err != nil {
				return nil, err
			}
			return readConnection(ctx, r, r.ID)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteConnection", &events.DeleteConnectionInput{Name: &r.ID}), gone)
		},
	}
}

func readConnection(ctx context.Context, r *resource.Request, name string) (*resource.Made, error) {
	out, err := invoke[events.DescribeConnectionOutput](ctx, r, "DescribeConnection", &events.DescribeConnectionInput{Name: &name})
	if err != nil {
		return nil, err
	}
	made := &resource.Made{ID: name, Attributes: map[string]any{"Arn": *out.ConnectionArn, "ArnForPolicy": forPolicy(*out.ConnectionArn)}}
	if out.SecretArn != nil {
		made.Attributes["SecretArn"] = *out.SecretArn
	}
	return made, nil
}

func destination() resource.Type {
	return resource.Type{
		Name:        "AWS::Events::ApiDestination",
		Required:    []string{"ConnectionArn", "HttpMethod", "InvocationEndpoint"},
		Optional:    []string{"Description", "InvocationRateLimitPerSecond", "Name"},
		Attributes:  []string{"Arn", "ArnForPolicy"},
		Replacement: []string{"Name"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &events.CreateApiDestinationInput{}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			in.Name = new(r.Name("Name", 64))
			if err := do(ctx, r, "CreateApiDestination", in); err != nil && !(r.Again && resource.Is(err, exists)) {
				return nil, err
			}
			return readDestination(ctx, r, *in.Name)
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &events.UpdateApiDestinationInput{Description: new(""), InvocationRateLimitPerSecond: new(int64(300))}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			in.Name = &r.ID
			if err := do(ctx, r, "UpdateApiDestination", in); err != nil {
				return nil, err
			}
			return readDestination(ctx, r, r.ID)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteApiDestination", &events.DeleteApiDestinationInput{Name: &r.ID}), gone)
		},
	}
}

func readDestination(ctx context.Context, r *resource.Request, name string) (*resource.Made, error) {
	out, err := invoke[events.DescribeApiDestinationOutput](ctx, r, "DescribeApiDestination", &events.DescribeApiDestinationInput{Name: &name})
	if err != nil {
		return nil, err
	}
	arn := *out.ApiDestinationArn
	return &resource.Made{ID: name, Attributes: map[string]any{"Arn": arn, "ArnForPolicy": forPolicy(arn)}}, nil
}
