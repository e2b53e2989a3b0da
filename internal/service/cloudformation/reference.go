package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awsapi/ssm"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// dynamic matches a dynamic reference ("Get values stored in other services
// using dynamic references").
var dynamic = regexp.MustCompile(`\{\{resolve:([^{}]*)\}\}`)

// resolved are properties with their dynamic references replaced by what they
// stand for. What is secret is in the outcome only, never in the store.
func (r *run) resolved(p map[string]any) (map[string]any, error) {
	x, err := r.resolve(p)
	if err != nil {
		return nil, err
	}
	m, _ := x.(map[string]any)
	return m, nil
}

func (r *run) resolve(x any) (any, error) {
	switch x := x.(type) {
	case string:
		return r.plain(x)
	case []any:
		out := make([]any, len(x))
		for i, item := range x {
			v, err := r.resolve(item)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	case properties:
		return r.resolve(map[string]any(x))
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, item := range x {
			v, err := r.resolve(item)
			if err != nil {
				return nil, err
			}
			out[k] = v
		}
		return out, nil
	}
	return x, nil
}

// plain is a text with its dynamic references replaced.
func (r *run) plain(text string) (string, error) {
	if !strings.Contains(text, "{{resolve:") {
		return text, nil
	}
	var fault error
	out := dynamic.ReplaceAllStringFunc(text, func(m string) string {
		v, err := r.s.reference(r.ctx, dynamic.FindStringSubmatch(m)[1])
		if err != nil && fault == nil {
			fault = err
			if e := awserr.From(err); e != nil && e.Code != "ServiceUnavailable" {
				fault = errors.New(e.Message)
			}
		}
		return v
	})
	return out, fault
}

// reference is what the inside of a dynamic reference stands for: the service, a
// colon and what the service says.
func (s *Service) reference(ctx context.Context, text string) (string, error) {
	service, rest, _ := strings.Cut(text, ":")
	switch service {
	case "ssm", "ssm-secure":
		return s.parameterReference(ctx, service, rest)
	case "secretsmanager":
		return s.secretReference(ctx, rest)
	}
	return "", invalid("Dynamic reference {{resolve:%s}} is not supported: unknown service %s", text, service)
}

func (s *Service) parameterReference(ctx context.Context, service, name string) (string, error) {
	out, err := bus.Invoke[ssm.GetParameterOutput](ctx, s.Bus, "ssm", "GetParameter", &ssm.GetParameterInput{Name: &name, WithDecryption: new(service == "ssm-secure")})
	if err != nil {
		if e := awserr.From(err); e != nil && strings.HasPrefix(e.Code, "Parameter") {
			return "", invalid("Unable to fetch parameters [%s] from parameter store for this account.", name)
		}
		return "", err
	}
	if service == "ssm" && value(out.Parameter.Type) == "SecureString" {
		return "", invalid("SSM Secure reference is not supported in: [%s]", name)
	}
	return value(out.Parameter.Value), nil
}

// secretReference takes secret-id:SecretString:json-key:version-stage:version-id;
// the id may be an ARN, which has six colons of its own.
func (s *Service) secretReference(ctx context.Context, text string) (string, error) {
	parts := strings.Split(text, ":")
	if strings.HasPrefix(text, "arn:") && len(parts) >= 7 {
		parts = append([]string{strings.Join(parts[:7], ":")}, parts[7:]...)
	}
	for len(parts) < 5 {
		parts = append(parts, "")
	}
	if parts[1] != "" && parts[1] != "SecretString" {
		return "", invalid("Could not parse SecretId, versionStage, versionId and json-key from: {{resolve:secretsmanager:%s}}", text)
	}
	out, err := bus.Invoke[secretsmanager.GetSecretValueOutput](ctx, s.Bus, "secretsmanager", "GetSecretValue", &secretsmanager.GetSecretValueInput{
		SecretId: &parts[0], VersionStage: optional(parts[3]), VersionId: optional(parts[4]),
	})
	if err != nil {
		return "", err
	}
	secret := value(out.SecretString)
	if parts[2] == "" {
		return secret, nil
	}
	var fields map[string]any
	if json.Unmarshal([]byte(secret), &fields) != nil {
		return "", invalid("Could not parse SecretString JSON")
	}
	v, ok := fields[parts[2]]
	if !ok {
		return "", invalid("Could not find a value associated with JSONKey in SecretString")
	}
	if s, is := v.(string); is {
		return s, nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}
