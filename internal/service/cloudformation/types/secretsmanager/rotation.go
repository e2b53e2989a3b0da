package secretsmanagertype

import (
	"context"

	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// rotation is a schedule by which a function of the template, or of another,
// rotates a secret. AWS's own functions (HostedRotationLambda) are not there.
func rotation() resource.Type {
	return resource.Type{
		Name:        "AWS::SecretsManager::RotationSchedule",
		Required:    []string{"SecretId"},
		Optional:    []string{"RotateImmediatelyOnUpdate", "RotationLambdaARN", "RotationRules"},
		Refused:     []string{"ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn", "HostedRotationLambda"},
		Attributes:  []string{"Id"},
		Replacement: []string{"SecretId"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			if r.Again {
				out, err := bus.Invoke[api.DescribeSecretOutput](ctx, r.Bus, service, "DescribeSecret", &api.DescribeSecretInput{SecretId: new(r.Text("SecretId"))})
				if err != nil {
					return nil, err
				}
				if out.RotationEnabled != nil && *out.RotationEnabled {
					return made(*out.ARN), nil
				}
			}
			return rotate(ctx, r)
		},
		Update: rotate,
		Delete: func(ctx context.Context, r *resource.Request) error {
			_, err := r.Bus.Invoke(ctx, service, "CancelRotateSecret", &api.CancelRotateSecretInput{SecretId: &r.ID})
			return resource.Unless(err, "ResourceNotFoundException", "InvalidRequestException")
		},
	}
}

func rotate(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &api.RotateSecretInput{}
	if err := resource.Decode(r.Properties, in, map[string]string{"RotateImmediatelyOnUpdate": "RotateImmediately"}); err != nil {
		return nil, err
	}
	out, err := bus.Invoke[api.RotateSecretOutput](ctx, r.Bus, service, "RotateSecret", in)
	if err != nil {
		return nil, err
	}
	return made(*out.ARN), nil
}
