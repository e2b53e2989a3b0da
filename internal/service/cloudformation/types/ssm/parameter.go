// Package ssmtype holds CloudFormation's resource types of Systems Manager:
// AWS::SSM::Parameter. Package types imports it.
package ssmtype

import (
	"context"
	"errors"

	"stepwell/internal/awsapi/ssm"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types.
func Types() []resource.Type {
	return []resource.Type{{
		Name:        "AWS::SSM::Parameter",
		Required:    []string{"Type", "Value"},
		Optional:    []string{"Name", "Description", "AllowedPattern", "Tier", "Tags", "DataType"},
		Refused:     []string{"Policies"},
		Attributes:  []string{"Type", "Value"},
		Replacement: []string{"Name"},
		Create:      create,
		Update:      update,
		Delete:      remove,
	}}
}

const nameLimit = 1011

func input(r *resource.Request) (*ssm.PutParameterInput, error) {
	in := &ssm.PutParameterInput{}
	err := resource.Decode(r.Properties, in, map[string]string{"Tags": ""})
	if err == nil && *in.Type == ssm.ParameterTypeSecureString {
		err = errors.New("#/Type: SecureString is not a valid enum value: CloudFormation does not make parameters of this type")
	}
	in.Name = new(r.Name("Name", nameLimit))
	return in, err
}

func create(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in, err := input(r)
	if err != nil {
		return nil, err
	}
	var tags struct{ Tags []ssm.Tag }
	if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, &tags, nil); err != nil {
		return nil, err
	}
	in.Tags = tags.Tags
	_, err = bus.Invoke[ssm.PutParameterOutput](ctx, r.Bus, "ssm", "PutParameter", in)
	if r.Again {
		err = resource.Unless(err, "ParameterAlreadyExists")
	}
	if err != nil {
		return nil, err
	}
	return made(in), nil
}

func made(in *ssm.PutParameterInput) *resource.Made {
	return &resource.Made{ID: *in.Name, Attributes: map[string]any{"Type": *in.Type, "Value": *in.Value}}
}

func update(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in, err := input(r)
	if err != nil {
		return nil, err
	}
	in.Name, in.Overwrite = &r.ID, new(true)
	if in.Description == nil {
		in.Description = new("")
	}
	if _, err := bus.Invoke[ssm.PutParameterOutput](ctx, r.Bus, "ssm", "PutParameter", in); err != nil {
		return nil, err
	}
	kind := new(ssm.ResourceTypeForTaggingParameter)
	return made(in), r.Retag(ctx, "ssm", &ssm.AddTagsToResourceInput{ResourceType: kind, ResourceId: &r.ID},
		&ssm.RemoveTagsFromResourceInput{ResourceType: kind, ResourceId: &r.ID}, nil)
}

func remove(ctx context.Context, r *resource.Request) error {
	_, err := r.Bus.Invoke(ctx, "ssm", "DeleteParameter", &ssm.DeleteParameterInput{Name: &r.ID})
	return resource.Unless(err, "ParameterNotFound")
}
