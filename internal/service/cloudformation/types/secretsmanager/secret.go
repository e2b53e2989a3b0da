// Package secretsmanagertype holds the resource types of AWS Secrets Manager:
// secrets, their resource policies, their rotation and their attachment to
// Redshift.
//
// Package types lists them; nothing else imports it.
package secretsmanagertype

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types.
func Types() []resource.Type { return []resource.Type{secret(), policy(), rotation(), attachment()} }

const service = "secretsmanager"

func secret() resource.Type {
	return resource.Type{
		Name:        "AWS::SecretsManager::Secret",
		Optional:    []string{"Description", "GenerateSecretString", "KmsKeyId", "Name", "SecretString", "Tags", "Type"},
		Refused:     []string{"ReplicaRegions"},
		Attributes:  []string{"Id"},
		Replacement: []string{"Name"},
		Create:      createSecret,
		Update:      updateSecret,
		Delete:      deleteSecret,
	}
}

func made(arn string) *resource.Made {
	return &resource.Made{ID: arn, Attributes: map[string]any{"Id": arn}}
}

func createSecret(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	name := r.Text("Name")
	if name == "" {
		name = r.LogicalID + "-" + r.Token[:min(12, len(r.Token))]
	}
	if r.Again {
		out, err := bus.Invoke[api.DescribeSecretOutput](ctx, r.Bus, service, "DescribeSecret", &api.DescribeSecretInput{SecretId: &name})
		if err == nil {
			return made(*out.ARN), nil
		}
		if !resource.Is(err, "ResourceNotFoundException") {
			return nil, err
		}
	}
	value, err := secretValue(ctx, r)
	if err != nil {
		return nil, err
	}
	in := &api.CreateSecretInput{Name: &name, SecretString: value}
	if err := decodeSecret(r, in, true); err != nil {
		return nil, err
	}
	out, err := bus.Invoke[api.CreateSecretOutput](ctx, r.Bus, service, "CreateSecret", in)
	if err != nil {
		return nil, err
	}
	return made(*out.ARN), nil
}

// decodeSecret sets the plain members of a create or update input.
func decodeSecret(r *resource.Request, in any, tags bool) error {
	plain := r.Only("Description", "KmsKeyId", "Type")
	if tags {
		plain["Tags"] = r.AllTags()
	}
	return resource.Decode(plain, in, nil)
}

// secretValue is the value the properties give or ask to be generated; nil
// where they say nothing of one.
func secretValue(ctx context.Context, r *resource.Request) (*string, error) {
	generate := r.Properties["GenerateSecretString"]
	switch given := r.Properties["SecretString"]; {
	case given != nil && generate != nil:
		return nil, api.InvalidRequestException("You can't specify both SecretString and GenerateSecretString.")
	case given != nil:
		text, ok := resource.Text(given)
		if !ok {
			b, err := json.Marshal(given)
			return new(string(b)), err
		}
		return &text, nil
	case generate == nil:
		return nil, nil
	}
	options, ok := generate.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("#/GenerateSecretString: expected type: JSONObject")
	}
	in := &api.GetRandomPasswordInput{}
	if err := resource.Decode(options, in, map[string]string{"SecretStringTemplate": "", "GenerateStringKey": ""}); err != nil {
		return nil, err
	}
	out, err := bus.Invoke[api.GetRandomPasswordOutput](ctx, r.Bus, service, "GetRandomPassword", in)
	if err != nil {
		return nil, err
	}
	template, hasTemplate := resource.Text(options["SecretStringTemplate"])
	key, hasKey := resource.Text(options["GenerateStringKey"])
	if hasTemplate != hasKey {
		return nil, api.InvalidRequestException("You must specify both SecretStringTemplate and GenerateStringKey, or neither of them.")
	}
	if !hasTemplate {
		return out.RandomPassword, nil
	}
	return withMember(template, key, *out.RandomPassword)
}

// withMember adds a member at the end of a JSON object, whose text stays as it
// is where it does not have the member.
func withMember(object, key, value string) (*string, error) {
	var members map[string]any
	if decode(object, &members) != nil || members == nil {
		return nil, api.InvalidRequestException("SecretStringTemplate is not a valid JSON object.")
	}
	if _, there := members[key]; there {
		members[key] = value
		return text(members)
	}
	member, err := text(map[string]any{key: value})
	if err != nil {
		return nil, err
	}
	body := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(object), "}"))
	if len(members) > 0 {
		body += ","
	}
	return new(body + strings.TrimPrefix(*member, "{")), nil
}

// text writes members as JSON, with < and & as they are.
func text(members map[string]any) (*string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(members)
	return new(strings.TrimSuffix(b.String(), "\n")), err
}

func updateSecret(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &api.UpdateSecretInput{SecretId: &r.ID}
	if err := decodeSecret(r, in, false); err != nil {
		return nil, err
	}
	if in.Description == nil {
		in.Description = new("")
	}
	if in.KmsKeyId == nil && r.Old["KmsKeyId"] != nil {
		in.KmsKeyId = new("alias/aws/secretsmanager") // the key of a secret that names none
	}
	if r.Changed("SecretString") || r.Changed("GenerateSecretString") {
		value, err := secretValue(ctx, r)
		if err != nil {
			return nil, err
		}
		in.SecretString = value
	}
	if _, err := r.Bus.Invoke(ctx, service, "UpdateSecret", in); err != nil {
		return nil, err
	}
	return made(r.ID), r.Retag(ctx, service, &api.TagResourceInput{SecretId: &r.ID}, &api.UntagResourceInput{SecretId: &r.ID}, nil)
}

// deleteSecret removes the secret without a recovery window, as CloudFormation
// does.
func deleteSecret(ctx context.Context, r *resource.Request) error {
	_, err := r.Bus.Invoke(ctx, service, "DeleteSecret", &api.DeleteSecretInput{SecretId: &r.ID, ForceDeleteWithoutRecovery: new(true)})
	return resource.Unless(err, "ResourceNotFoundException")
}
