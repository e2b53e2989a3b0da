// Package logstype holds the resource types AWS::Logs::*.
//
// Only package types imports it.
package logstype

import (
	"context"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types of CloudWatch Logs.
func Types() []resource.Type {
	return []resource.Type{group(), stream(), metricFilter(), subscriptionFilter(), resourcePolicy()}
}

// The codes of the service's errors that types act on.
const (
	gone   = "ResourceNotFoundException"
	exists = "ResourceAlreadyExistsException"
)

// do calls an operation of CloudWatch Logs.
func do(ctx context.Context, r *resource.Request, operation string, in any) error {
	_, err := r.Bus.Invoke(ctx, "logs", operation, in)
	return err
}

func group() resource.Type {
	return resource.Type{
		Name:     "AWS::Logs::LogGroup",
		Optional: []string{"DeletionProtectionEnabled", "KmsKeyId", "LogGroupClass", "LogGroupName", "RetentionInDays", "Tags"},
		Refused: []string{"BearerTokenAuthenticationEnabled", "DataProtectionPolicy", "FieldIndexPolicies",
			"ResourcePolicyDocument"},
		Attributes:  []string{"Arn"},
		Replacement: []string{"LogGroupName"},
		Create:      createGroup, Update: updateGroup,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteLogGroup", &logs.DeleteLogGroupInput{LogGroupName: &r.ID}), gone)
		},
	}
}

func createGroup(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &logs.CreateLogGroupInput{}
	if err := resource.Decode(r.Properties, in, map[string]string{"RetentionInDays": "", "Tags": ""}); err != nil {
		return nil, err
	}
	if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, in, nil); err != nil {
		return nil, err
	}
	in.LogGroupName = new(r.Name("LogGroupName", 512))
	if err := do(ctx, r, "CreateLogGroup", in); err != nil && !(r.Again && resource.Is(err, exists)) {
		return nil, err
	}
	r.ID = *in.LogGroupName
	return groupMade(ctx, r), retain(ctx, r)
}

func groupMade(ctx context.Context, r *resource.Request) *resource.Made {
	return &resource.Made{ID: r.ID, Attributes: map[string]any{"Arn": bus.From(ctx).ARN("logs", "log-group:"+r.ID+":*")}}
}

// retain sets the retention as the properties have it.
func retain(ctx context.Context, r *resource.Request) error {
	if r.Properties["RetentionInDays"] == nil {
		if r.Old["RetentionInDays"] == nil {
			return nil
		}
		return do(ctx, r, "DeleteRetentionPolicy", &logs.DeleteRetentionPolicyInput{LogGroupName: &r.ID})
	}
	in := &logs.PutRetentionPolicyInput{LogGroupName: &r.ID}
	if err := resource.Decode(r.Only("RetentionInDays"), in, nil); err != nil {
		return err
	}
	return do(ctx, r, "PutRetentionPolicy", in)
}

func updateGroup(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	for _, name := range []string{"DeletionProtectionEnabled", "LogGroupClass"} {
		if r.Changed(name) {
			return nil, awserr.NotImplemented("a change of AWS::Logs::LogGroup property " + name)
		}
	}
	if err := retain(ctx, r); err != nil {
		return nil, err
	}
	if r.Changed("KmsKeyId") {
		var err error
		if key := r.Text("KmsKeyId"); key != "" {
			err = do(ctx, r, "AssociateKmsKey", &logs.AssociateKmsKeyInput{LogGroupName: &r.ID, KmsKeyId: &key})
		} else {
			err = do(ctx, r, "DisassociateKmsKey", &logs.DisassociateKmsKeyInput{LogGroupName: &r.ID})
		}
		if err != nil {
			return nil, err
		}
	}
	arn := bus.From(ctx).ARN("logs", "log-group:"+r.ID)
	if err := r.Retag(ctx, "logs", &logs.TagResourceInput{ResourceArn: &arn}, &logs.UntagResourceInput{ResourceArn: &arn}, nil); err != nil {
		return nil, err
	}
	return groupMade(ctx, r), nil
}

func stream() resource.Type {
	return resource.Type{
		Name:        "AWS::Logs::LogStream",
		Required:    []string{"LogGroupName"},
		Optional:    []string{"LogStreamName"},
		Replacement: []string{"LogGroupName", "LogStreamName"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &logs.CreateLogStreamInput{LogGroupName: new(r.Text("LogGroupName")), LogStreamName: new(r.Name("LogStreamName", 512))}
			if err := do(ctx, r, "CreateLogStream", in); err != nil && !(r.Again && resource.Is(err, exists)) {
				return nil, err
			}
			return &resource.Made{ID: *in.LogStreamName}, nil
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			in := &logs.DeleteLogStreamInput{LogGroupName: new(r.Text("LogGroupName")), LogStreamName: &r.ID}
			return resource.Unless(do(ctx, r, "DeleteLogStream", in), gone)
		},
	}
}
