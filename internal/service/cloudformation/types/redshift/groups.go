package redshifttype

import (
	"context"
	"strings"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

func subnetGroup() resource.Type {
	return resource.Type{
		Name:       "AWS::Redshift::ClusterSubnetGroup",
		Required:   []string{"Description", "SubnetIds"},
		Optional:   []string{"Tags"},
		Attributes: []string{"ClusterSubnetGroupName"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &api.CreateClusterSubnetGroupInput{}
			if err := resource.Decode(r.Properties, in, map[string]string{"Tags": ""}); err != nil {
				return nil, err
			}
			if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, in, nil); err != nil {
				return nil, err
			}
			in.ClusterSubnetGroupName = new(strings.ToLower(r.Name("", 255)))
			_, err := r.Bus.Invoke(ctx, service, "CreateClusterSubnetGroup", in)
			if err != nil && !(r.Again && resource.Is(err, "ClusterSubnetGroupAlreadyExists")) {
				return nil, err
			}
			return madeSubnetGroup(*in.ClusterSubnetGroupName), nil
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &api.ModifyClusterSubnetGroupInput{}
			if err := resource.Decode(r.Properties, in, map[string]string{"Tags": ""}); err != nil {
				return nil, err
			}
			in.ClusterSubnetGroupName = &r.ID
			if _, err := r.Bus.Invoke(ctx, service, "ModifyClusterSubnetGroup", in); err != nil {
				return nil, err
			}
			return madeSubnetGroup(r.ID), retag(ctx, r, bus.From(ctx).ARN("redshift", "subnetgroup:"+r.ID))
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			_, err := r.Bus.Invoke(ctx, service, "DeleteClusterSubnetGroup", &api.DeleteClusterSubnetGroupInput{ClusterSubnetGroupName: &r.ID})
			return resource.Unless(err, "ClusterSubnetGroupNotFoundFault")
		},
	}
}

func madeSubnetGroup(name string) *resource.Made {
	return &resource.Made{ID: name, Attributes: map[string]any{"ClusterSubnetGroupName": name}}
}

func parameterGroup() resource.Type {
	return resource.Type{
		Name:        "AWS::Redshift::ClusterParameterGroup",
		Required:    []string{"Description", "ParameterGroupFamily"},
		Optional:    []string{"ParameterGroupName", "Parameters", "Tags"},
		Replacement: []string{"Description", "ParameterGroupFamily", "ParameterGroupName"},
		Create:      createParameterGroup,
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			if r.Changed("Parameters") {
				in := &api.ResetClusterParameterGroupInput{ParameterGroupName: &r.ID, ResetAllParameters: new(true)}
				if _, err := r.Bus.Invoke(ctx, service, "ResetClusterParameterGroup", in); err != nil {
					return nil, err
				}
				if err := setParameters(ctx, r, r.ID); err != nil {
					return nil, err
				}
			}
			return &resource.Made{ID: r.ID}, retag(ctx, r, bus.From(ctx).ARN("redshift", "parametergroup:"+r.ID))
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			_, err := r.Bus.Invoke(ctx, service, "DeleteClusterParameterGroup", &api.DeleteClusterParameterGroupInput{ParameterGroupName: &r.ID})
			return resource.Unless(err, "ClusterParameterGroupNotFound")
		},
	}
}

func createParameterGroup(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &api.CreateClusterParameterGroupInput{}
	if err := resource.Decode(r.Properties, in, map[string]string{"Tags": "", "Parameters": "", "ParameterGroupName": ""}); err != nil {
		return nil, err
	}
	if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, in, nil); err != nil {
		return nil, err
	}
	in.ParameterGroupName = new(strings.ToLower(r.Name("ParameterGroupName", 255)))
	_, err := r.Bus.Invoke(ctx, service, "CreateClusterParameterGroup", in)
	if err != nil && !(r.Again && resource.Is(err, "ClusterParameterGroupAlreadyExists")) {
		return nil, err
	}
	made := &resource.Made{ID: *in.ParameterGroupName}
	return made, setParameters(ctx, r, made.ID)
}

func setParameters(ctx context.Context, r *resource.Request, name string) error {
	if r.Properties["Parameters"] == nil {
		return nil
	}
	in := &api.ModifyClusterParameterGroupInput{ParameterGroupName: &name}
	if err := resource.Decode(map[string]any{"Parameters": r.Properties["Parameters"]}, in, nil); err != nil {
		return err
	}
	_, err := r.Bus.Invoke(ctx, service, "ModifyClusterParameterGroup", in)
	return err
}
