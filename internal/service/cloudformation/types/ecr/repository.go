// Package ecrtype holds CloudFormation's resource types of Amazon ECR:
// AWS::ECR::Repository. Package types imports it.
package ecrtype

import (
	"context"
	"encoding/json"
	"fmt"

	"stepwell/internal/awsapi/ecr"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types.
func Types() []resource.Type {
	return []resource.Type{{
		Name: "AWS::ECR::Repository",
		Optional: []string{"RepositoryName", "EmptyOnDelete", "EncryptionConfiguration", "ImageScanningConfiguration", "ImageTagMutability",
			"LifecyclePolicy", "RepositoryPolicyText", "Tags"},
		Refused:     []string{"ImageTagMutabilityExclusionFilters"},
		Attributes:  []string{"Arn", "RepositoryUri"},
		Replacement: []string{"RepositoryName", "EncryptionConfiguration"},
		Create:      create,
		Update:      update,
		Delete:      remove,
	}}
}

// separate are the properties that are not the repository's own.
var separate = map[string]string{"EmptyOnDelete": "", "LifecyclePolicy": "", "RepositoryPolicyText": "", "Tags": ""}

func create(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &ecr.CreateRepositoryInput{}
	if err := resource.Decode(r.Properties, in, separate); err != nil {
		return nil, err
	}
	if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, in, nil); err != nil {
		return nil, err
	}
	in.RepositoryName = new(r.Name("RepositoryName", 256))
	if r.Text("RepositoryName") == "" {
		in.RepositoryName = new(lower(*in.RepositoryName))
	}
	_, err := bus.Invoke[ecr.CreateRepositoryOutput](ctx, r.Bus, "ecr", "CreateRepository", in)
	if r.Again {
		err = resource.Unless(err, "RepositoryAlreadyExistsException")
	}
	if err != nil {
		return nil, err
	}
	made, err := describe(ctx, r, *in.RepositoryName)
	if err != nil {
		return nil, err
	}
	return made, policies(ctx, r, made.ID)
}

// lower is a name in the small letters that repositories have.
func lower(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func describe(ctx context.Context, r *resource.Request, name string) (*resource.Made, error) {
	out, err := bus.Invoke[ecr.DescribeRepositoriesOutput](ctx, r.Bus, "ecr", "DescribeRepositories", &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	if err != nil {
		return nil, err
	}
	made := out.Repositories[0]
	return &resource.Made{ID: name, Attributes: map[string]any{"Arn": *made.RepositoryArn, "RepositoryUri": *made.RepositoryUri}}, nil
}

// policies sets the policies that the properties have and removes those they no
// longer have.
func policies(ctx context.Context, r *resource.Request, name string) error {
	if p := r.Properties["RepositoryPolicyText"]; p != nil {
		text, err := document(p)
		if err != nil {
			return err
		}
		if _, err := r.Bus.Invoke(ctx, "ecr", "SetRepositoryPolicy", &ecr.SetRepositoryPolicyInput{RepositoryName: &name, PolicyText: &text}); err != nil {
			return err
		}
	} else if r.Old["RepositoryPolicyText"] != nil {
		_, err := r.Bus.Invoke(ctx, "ecr", "DeleteRepositoryPolicy", &ecr.DeleteRepositoryPolicyInput{RepositoryName: &name})
		if err := resource.Unless(err, "RepositoryPolicyNotFoundException"); err != nil {
			return err
		}
	}
	lifecycle, _ := r.Properties["LifecyclePolicy"].(map[string]any)
	if text, ok := resource.Text(lifecycle["LifecyclePolicyText"]); ok {
		_, err := r.Bus.Invoke(ctx, "ecr", "PutLifecyclePolicy", &ecr.PutLifecyclePolicyInput{RepositoryName: &name, LifecyclePolicyText: &text})
		return err
	}
	if r.Old["LifecyclePolicy"] != nil {
		_, err := r.Bus.Invoke(ctx, "ecr", "DeleteLifecyclePolicy", &ecr.DeleteLifecyclePolicyInput{RepositoryName: &name})
		return resource.Unless(err, "LifecyclePolicyNotFoundException")
	}
	return nil
}

// document is a policy as JSON text.
func document(p any) (string, error) {
	if text, ok := resource.Text(p); ok {
		return text, nil
	}
	b, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("cannot write the policy: %w", err)
	}
	return string(b), nil
}

func update(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if err := resource.Decode(r.Properties, &ecr.CreateRepositoryInput{}, separate); err != nil {
		return nil, err
	}
	scan := &ecr.PutImageScanningConfigurationInput{RepositoryName: &r.ID, ImageScanningConfiguration: &ecr.ImageScanningConfiguration{ScanOnPush: new(false)}}
	mutability := &ecr.PutImageTagMutabilityInput{RepositoryName: &r.ID, ImageTagMutability: new(ecr.ImageTagMutabilityMutable)}
	for name, in := range map[string]any{"ImageScanningConfiguration": scan, "ImageTagMutability": mutability} {
		if r.Properties[name] == nil {
			continue
		}
		if err := resource.Decode(map[string]any{name: r.Properties[name]}, in, nil); err != nil {
			return nil, err
		}
	}
	if _, err := r.Bus.Invoke(ctx, "ecr", "PutImageScanningConfiguration", scan); err != nil {
		return nil, err
	}
	if _, err := r.Bus.Invoke(ctx, "ecr", "PutImageTagMutability", mutability); err != nil {
		return nil, err
	}
	if err := policies(ctx, r, r.ID); err != nil {
		return nil, err
	}
	made, err := describe(ctx, r, r.ID)
	if err != nil {
		return nil, err
	}
	arn := made.Attributes["Arn"].(string)
	return made, r.Retag(ctx, "ecr", &ecr.TagResourceInput{ResourceArn: &arn}, &ecr.UntagResourceInput{ResourceArn: &arn}, nil)
}

func remove(ctx context.Context, r *resource.Request) error {
	force, _ := resource.Text(r.Properties["EmptyOnDelete"])
	_, err := r.Bus.Invoke(ctx, "ecr", "DeleteRepository", &ecr.DeleteRepositoryInput{RepositoryName: &r.ID, Force: new(force == "true")})
	return resource.Unless(err, "RepositoryNotFoundException")
}
