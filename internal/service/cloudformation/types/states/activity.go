package statestype

import (
	"context"

	"stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

func activity() resource.Type {
	return resource.Type{
		Name:        "AWS::StepFunctions::Activity",
		Required:    []string{"Name"},
		Optional:    []string{"EncryptionConfiguration", "Tags"},
		Attributes:  []string{"Arn", "Name"},
		Replacement: []string{"EncryptionConfiguration", "Name"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &states.CreateActivityInput{}
			if err := resource.Decode(r.Properties, in, map[string]string{"Tags": ""}); err != nil {
				return nil, err
			}
			if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, in, nil); err != nil {
				return nil, err
			}
			arn := bus.From(ctx).ARN("states", "activity:"+*in.Name)
			if !r.Again && do(ctx, r, "DescribeActivity", &states.DescribeActivityInput{ActivityArn: &arn}) == nil {
				return nil, resource.AlreadyExists("AWS::StepFunctions::Activity", arn)
			}
			out, err := invoke[states.CreateActivityOutput](ctx, r, "CreateActivity", in)
			if err != nil {
				return nil, err
			}
			return &resource.Made{ID: *out.ActivityArn, Attributes: map[string]any{"Arn": *out.ActivityArn, "Name": *in.Name}}, nil
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			return &resource.Made{ID: r.ID, Attributes: r.Attributes}, retag(ctx, r)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return do(ctx, r, "DeleteActivity", &states.DeleteActivityInput{ActivityArn: &r.ID})
		},
	}
}

// version is a published version: what a change of any property makes anew.
func version() resource.Type {
	return resource.Type{
		Name:       "AWS::StepFunctions::StateMachineVersion",
		Required:   []string{"StateMachineArn"},
		Optional:   []string{"Description", "StateMachineRevisionId"},
		Attributes: []string{"Arn"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &states.PublishStateMachineVersionInput{}
			if err := resource.Decode(r.Properties, in, map[string]string{"StateMachineRevisionId": "RevisionId"}); err != nil {
				return nil, err
			}
			out, err := invoke[states.PublishStateMachineVersionOutput](ctx, r, "PublishStateMachineVersion", in)
			if err != nil {
				return nil, err
			}
			return made(*out.StateMachineVersionArn), nil
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteStateMachineVersion", &states.DeleteStateMachineVersionInput{StateMachineVersionArn: &r.ID}), gone)
		},
	}
}

const gone = "ResourceNotFound"

func made(arn string) *resource.Made {
	return &resource.Made{ID: arn, Attributes: map[string]any{"Arn": arn}}
}

// alias is an alias; with DeploymentPreference, its version takes all the
// traffic at once.
func alias() resource.Type {
	return resource.Type{
		Name:        "AWS::StepFunctions::StateMachineAlias",
		Optional:    []string{"DeploymentPreference", "Description", "Name", "RoutingConfiguration", "StateMachineArn"},
		Attributes:  []string{"Arn"},
		Replacement: []string{"Name", "StateMachineArn"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &states.CreateStateMachineAliasInput{Name: new(r.Name("Name", 80))}
			if err := resource.Decode(r.Only("Description"), in, nil); err != nil {
				return nil, err
			}
			var err error
			if in.RoutingConfiguration, err = routing(r); err != nil {
				return nil, err
			}
			out, err := invoke[states.CreateStateMachineAliasOutput](ctx, r, "CreateStateMachineAlias", in)
			if err != nil {
				return nil, err
			}
			return made(*out.StateMachineAliasArn), nil
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &states.UpdateStateMachineAliasInput{StateMachineAliasArn: &r.ID, Description: new(r.Text("Description"))}
			var err error
			if in.RoutingConfiguration, err = routing(r); err != nil {
				return nil, err
			}
			return made(r.ID), do(ctx, r, "UpdateStateMachineAlias", in)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteStateMachineAlias", &states.DeleteStateMachineAliasInput{StateMachineAliasArn: &r.ID}), gone)
		},
	}
}

// routing is what the alias points to, after RoutingConfiguration or
// DeploymentPreference.
func routing(r *resource.Request) ([]states.RoutingConfigurationListItem, error) {
	given := struct {
		RoutingConfiguration []states.RoutingConfigurationListItem
		DeploymentPreference *struct {
			StateMachineVersionArn, Type *string
			Interval, Percentage         *int64
			Alarms                       []string
		}
	}{}
	if err := resource.Decode(r.Only("DeploymentPreference", "RoutingConfiguration"), &given, nil); err != nil {
		return nil, err
	}
	p := given.DeploymentPreference
	switch {
	case p == nil:
		return given.RoutingConfiguration, nil
	case p.Type == nil || p.StateMachineVersionArn == nil:
		return nil, awserr.New(400, "InvalidRequest", "#/DeploymentPreference: required keys [StateMachineVersionArn, Type] not found")
	case *p.Type != "ALL_AT_ONCE":
		return nil, awserr.NotImplemented("AWS::StepFunctions::StateMachineAlias property DeploymentPreference: " + *p.Type)
	case len(p.Alarms) > 0:
		return nil, awserr.NotImplemented("AWS::StepFunctions::StateMachineAlias property DeploymentPreference/Alarms")
	}
	return []states.RoutingConfigurationListItem{{StateMachineVersionArn: p.StateMachineVersionArn, Weight: new(int64(100))}}, nil
}
