package secretsmanagertype

import (
	"context"

	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

func policy() resource.Type {
	return resource.Type{
		Name:        "AWS::SecretsManager::ResourcePolicy",
		Required:    []string{"ResourcePolicy", "SecretId"},
		Optional:    []string{"BlockPublicPolicy"},
		Attributes:  []string{"Id"},
		Replacement: []string{"SecretId"},
		Create:      putPolicy,
		Update:      putPolicy,
		Delete: func(ctx context.Context, r *resource.Request) error {
			_, err := r.Bus.Invoke(ctx, service, "DeleteResourcePolicy", &api.DeleteResourcePolicyInput{SecretId: &r.ID})
			return resource.Unless(err, "ResourceNotFoundException")
		},
	}
}

func putPolicy(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &api.PutResourcePolicyInput{}
	if err := resource.Decode(r.Properties, in, nil); err != nil {
		return nil, err
	}
	out, err := bus.Invoke[api.PutResourcePolicyOutput](ctx, r.Bus, service, "PutResourcePolicy", in)
	if err != nil {
		return nil, err
	}
	return made(*out.ARN), nil
}
