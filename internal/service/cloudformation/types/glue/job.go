package gluetype

import (
	"context"

	api "stepwell/internal/awsapi/glue"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

func job() resource.Type {
	return resource.Type{
		Name:     "AWS::Glue::Job",
		Required: []string{"Command", "Role"},
		Optional: []string{"AllocatedCapacity", "Connections", "DefaultArguments", "Description", "ExecutionClass", "ExecutionProperty", "GlueVersion",
			"JobMode", "JobRunQueuingEnabled", "LogUri", "MaintenanceWindow", "MaxCapacity", "MaxRetries", "Name", "NonOverridableArguments",
			"NotificationProperty", "NumberOfWorkers", "SecurityConfiguration", "Tags", "Timeout", "WorkerType"},
		Replacement: []string{"Name"},
		Create:      createJob,
		Update:      updateJob,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return remove(ctx, r, "DeleteJob", &api.DeleteJobInput{JobName: &r.ID})
		},
	}
}

// jobNames are the properties that Decode leaves to others.
var jobNames = map[string]string{"Name": "", "Tags": ""}

func createJob(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &api.CreateJobInput{}
	if err := resource.Decode(r.Properties, in, jobNames); err != nil {
		return nil, err
	}
	if err := resource.Decode(map[string]any{"Tags": r.OwnTags()}, in, nil); err != nil {
		return nil, err
	}
	in.Name = new(r.Name("Name", 255))
	return create(ctx, r, "CreateJob", in, *in.Name)
}

func updateJob(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &api.UpdateJobInput{JobName: &r.ID, JobUpdate: &api.JobUpdate{}}
	if err := resource.Decode(r.Properties, in.JobUpdate, jobNames); err != nil {
		return nil, err
	}
	if _, err := r.Bus.Invoke(ctx, service, "UpdateJob", in); err != nil {
		return nil, err
	}
	arn := bus.From(ctx).ARN("glue", "job/"+r.ID)
	return &resource.Made{ID: r.ID}, r.Retag(ctx, service, &api.TagResourceInput{ResourceArn: &arn}, &api.UntagResourceInput{ResourceArn: &arn},
		map[string]string{"Tags": "TagsToAdd", "TagKeys": "TagsToRemove"})
}
