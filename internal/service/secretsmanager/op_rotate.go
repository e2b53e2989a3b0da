package secretsmanager

import (
	"context"
	"regexp"
	"time"

	lambdaapi "stepwell/internal/awsapi/lambda"
	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/schedule"
	"stepwell/internal/store"
)

// RotateSecret says how a secret is rotated, and rotates it, or, without
// RotateImmediately, tests the function.
func (s *Service) RotateSecret(ctx context.Context, in *api.RotateSecretInput) (*api.RotateSecretOutput, error) {
	if in.ExternalSecretRotationMetadata != nil || in.ExternalSecretRotationRoleArn != nil {
		return nil, awserr.NotImplemented("secretsmanager:RotateSecret of external secrets")
	}
	if err := checkRules(in.RotationRules); err != nil {
		return nil, err
	}
	if in.RotationLambdaARN != nil {
		if err := s.checkFunction(ctx, *in.RotationLambdaARN); err != nil {
			return nil, err
		}
	}
	token := s.token(in.ClientRequestToken)
	now := is(in.RotateImmediately, true)
	x, err := s.change(ctx, *in.SecretId, func(tx *store.Tx, x *secret) error {
		if _, repeated := x.Versions[token]; repeated {
			return nil
		}
		r := x.Rotation
		switch {
		case r == nil:
			r = &rotation{}
		case r.Version != "":
			return api.InvalidRequestException("A previous rotation isn't complete. That rotation will be reattempted.")
		}
		if in.RotationLambdaARN != nil {
			r.Lambda = *in.RotationLambdaARN
		}
		if in.RotationRules != nil {
			r.Rules = in.RotationRules
		}
		if r.Lambda == "" {
			return api.InvalidRequestException("No Lambda rotation function ARN is associated with this secret.")
		}
		x.Rotation, r.Enabled = r, true
		x.Changed = s.Clock.Now()
		if err := s.plan(tx, x); err != nil {
			return err
		}
		return s.begin(tx, x, token, !now)
	})
	if err != nil {
		return nil, err
	}
	out := &api.RotateSecretOutput{ARN: &x.ARN, Name: &x.Name}
	if now {
		out.VersionId = &token
	}
	return out, nil
}

// checkFunction refuses a function that cannot be invoked: one that is not there.
func (s *Service) checkFunction(ctx context.Context, arn string) error {
	c := bus.From(ctx)
	c.Source = "secretsmanager"
	_, err := s.Bus.Invoke(bus.With(ctx, c), "lambda", "GetFunctionConfiguration", &lambdaapi.GetFunctionConfigurationInput{FunctionName: &arn})
	if awserr.From(err) != nil {
		return awserr.New(400, "AccessDeniedException", "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.")
	}
	return err
}

var durationForm = regexp.MustCompile(`^[0-9]{1,3}h$`)

func checkRules(r *api.RotationRulesType) error {
	switch {
	case r == nil:
		return nil
	case r.AutomaticallyAfterDays != nil && r.ScheduleExpression != nil:
		return api.InvalidParameterException("You can't specify both AutomaticallyAfterDays and ScheduleExpression.")
	case r.Duration != nil && !durationForm.MatchString(*r.Duration):
		return api.InvalidParameterException("The Duration value is invalid.")
	case r.ScheduleExpression != nil:
		s, err := schedule.ParseRule(*r.ScheduleExpression)
		if err != nil || s.Rate() != 0 && s.Rate() < 4*time.Hour {
			return api.InvalidParameterException("The ScheduleExpression value is invalid.")
		}
	}
	return nil
}

// CancelRotateSecret turns rotation off; one that is under way ends where it is.
func (s *Service) CancelRotateSecret(ctx context.Context, in *api.CancelRotateSecretInput) (*api.CancelRotateSecretOutput, error) {
	var left string
	x, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *secret) error {
		if x.Rotation == nil {
			return nil
		}
		left = x.Rotation.Version
		x.Rotation.Enabled, x.Rotation.Next, x.Rotation.Version = false, time.Time{}, ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &api.CancelRotateSecretOutput{ARN: &x.ARN, Name: &x.Name}
	if left != "" {
		out.VersionId = &left
	}
	return out, nil
}
