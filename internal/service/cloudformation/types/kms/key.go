// Package kmstype holds CloudFormation's resource types of KMS: AWS::KMS::Key
// and AWS::KMS::Alias. Package types imports it.
package kmstype

import (
	"context"
	"encoding/json"
	"fmt"

	"stepwell/internal/awsapi/kms"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types.
func Types() []resource.Type {
	return []resource.Type{
		{
			Name: "AWS::KMS::Key",
			Optional: []string{"BypassPolicyLockoutSafetyCheck", "Description", "EnableKeyRotation", "Enabled", "KeyPolicy", "KeySpec", "KeyUsage",
				"MultiRegion", "Origin", "PendingWindowInDays", "RotationPeriodInDays", "Tags"},
			Attributes: []string{"Arn", "KeyId"},
			Create:     createKey, Update: updateKey, Delete: deleteKey,
		},
		{
			Name:        "AWS::KMS::Alias",
			Required:    []string{"AliasName", "TargetKeyId"},
			Replacement: []string{"AliasName"},
			Create:      createAlias, Update: updateAlias, Delete: deleteAlias,
		},
	}
}

// separate are the properties that are not members of CreateKey.
var separate = map[string]string{
	"KeyPolicy": "Policy", "Enabled": "", "EnableKeyRotation": "", "RotationPeriodInDays": "", "PendingWindowInDays": "", "Tags": "",
}

func createKey(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &kms.CreateKeyInput{}
	if err := resource.Decode(r.Properties, in, separate); err != nil {
		return nil, err
	}
	if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, in, tagNames); err != nil {
		return nil, err
	}
	var made *resource.Made
	if r.Again {
		found, err := find(ctx, r)
		if err != nil {
			return nil, err
		}
		made = found
	}
	if made == nil {
		out, err := bus.Invoke[kms.CreateKeyOutput](ctx, r.Bus, "kms", "CreateKey", in)
		if err != nil {
			return nil, err
		}
		made = key(*out.KeyMetadata.KeyId, *out.KeyMetadata.Arn)
	}
	return made, settle(ctx, r, made.ID)
}

var tagNames = map[string]string{"Tags/Key": "TagKey", "Tags/Value": "TagValue"}

func key(id, arn string) *resource.Made {
	return &resource.Made{ID: id, Attributes: map[string]any{"Arn": arn, "KeyId": id}}
}

// find finds the key that an earlier attempt made, by its tags.
func find(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	var marker *string
	for {
		list, err := bus.Invoke[kms.ListKeysOutput](ctx, r.Bus, "kms", "ListKeys", &kms.ListKeysInput{Marker: marker})
		if err != nil {
			return nil, err
		}
		for _, k := range list.Keys {
			out, err := bus.Invoke[kms.ListResourceTagsOutput](ctx, r.Bus, "kms", "ListResourceTags", &kms.ListResourceTagsInput{KeyId: k.KeyId})
			if err != nil {
				return nil, err
			}
			has := map[string]string{}
			for _, t := range out.Tags {
				has[*t.TagKey] = *t.TagValue
			}
			if has["aws:cloudformation:stack-id"] == r.StackID && has["aws:cloudformation:logical-id"] == r.LogicalID {
				return key(*k.KeyId, *k.KeyArn), nil
			}
		}
		if marker = list.NextMarker; marker == nil {
			return nil, nil
		}
	}
}

// settle sets what CreateKey does not: whether the key is enabled and rotated.
func settle(ctx context.Context, r *resource.Request, id string) error {
	rotates, _ := resource.Text(r.Properties["EnableKeyRotation"])
	wasRotating, _ := resource.Text(r.Old["EnableKeyRotation"])
	enabled, given := resource.Text(r.Properties["Enabled"])
	wasEnabled, wasGiven := resource.Text(r.Old["Enabled"])
	if r.Again || wasGiven && wasEnabled == "false" && (!given || enabled == "true") { // a disabled key cannot be changed otherwise
		if _, err := r.Bus.Invoke(ctx, "kms", "EnableKey", &kms.EnableKeyInput{KeyId: &id}); err != nil {
			return err
		}
	}
	switch {
	case rotates == "true":
		in := &kms.EnableKeyRotationInput{KeyId: &id}
		if p := r.Properties["RotationPeriodInDays"]; p != nil {
			if err := resource.Decode(map[string]any{"RotationPeriodInDays": p}, in, nil); err != nil {
				return err
			}
		}
		if _, err := r.Bus.Invoke(ctx, "kms", "EnableKeyRotation", in); err != nil {
			return err
		}
	case wasRotating == "true":
		if _, err := r.Bus.Invoke(ctx, "kms", "DisableKeyRotation", &kms.DisableKeyRotationInput{KeyId: &id}); err != nil {
			return err
		}
	}
	if enabled == "false" {
		_, err := r.Bus.Invoke(ctx, "kms", "DisableKey", &kms.DisableKeyInput{KeyId: &id})
		return err
	}
	return nil
}

func updateKey(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	for _, fixed := range []string{"KeySpec", "KeyUsage", "MultiRegion", "Origin"} {
		if r.Changed(fixed) {
			return nil, fmt.Errorf("You cannot change the value of the %s property on an existing KMS key", fixed) //nolint:staticcheck // CloudFormation's words
		}
	}
	in := &kms.CreateKeyInput{}
	if err := resource.Decode(r.Properties, in, separate); err != nil {
		return nil, err
	}
	if r.Changed("Description") {
		description := ""
		if in.Description != nil {
			description = *in.Description
		}
		if _, err := r.Bus.Invoke(ctx, "kms", "UpdateKeyDescription", &kms.UpdateKeyDescriptionInput{KeyId: &r.ID, Description: &description}); err != nil {
			return nil, err
		}
	}
	if r.Changed("KeyPolicy") {
		policy := in.Policy
		if policy == nil {
			b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Id": "key-default-1", "Statement": []any{map[string]any{
				"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + bus.From(ctx).Account + ":root"},
				"Action": "kms:*", "Resource": "*"}}})
			if err != nil {
				return nil, err
			}
			policy = new(string(b))
		}
		if _, err := r.Bus.Invoke(ctx, "kms", "PutKeyPolicy", &kms.PutKeyPolicyInput{KeyId: &r.ID, Policy: policy}); err != nil {
			return nil, err
		}
	}
	if err := r.Retag(ctx, "kms", &kms.TagResourceInput{KeyId: &r.ID}, &kms.UntagResourceInput{KeyId: &r.ID}, tagNames); err != nil {
		return nil, err
	}
	arn, _ := resource.Text(r.Attributes["Arn"])
	return key(r.ID, arn), settle(ctx, r, r.ID)
}

// deleteKey schedules the key's deletion, as CloudFormation does.
func deleteKey(ctx context.Context, r *resource.Request) error {
	in := &kms.ScheduleKeyDeletionInput{KeyId: &r.ID}
	if p := r.Properties["PendingWindowInDays"]; p != nil {
		if err := resource.Decode(map[string]any{"PendingWindowInDays": p}, in, nil); err != nil {
			return err
		}
	}
	_, err := r.Bus.Invoke(ctx, "kms", "ScheduleKeyDeletion", in)
	return resource.Unless(err, "NotFoundException", "KMSInvalidStateException")
}

func createAlias(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &kms.CreateAliasInput{}
	if err := resource.Decode(r.Properties, in, nil); err != nil {
		return nil, err
	}
	_, err := r.Bus.Invoke(ctx, "kms", "CreateAlias", in)
	if r.Again {
		err = resource.Unless(err, "AlreadyExistsException")
	}
	if err != nil {
		return nil, err
	}
	return &resource.Made{ID: *in.AliasName, Attributes: map[string]any{}}, nil
}

func updateAlias(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &kms.UpdateAliasInput{}
	if err := resource.Decode(r.Properties, in, nil); err != nil {
		return nil, err
	}
	if _, err := r.Bus.Invoke(ctx, "kms", "UpdateAlias", in); err != nil {
		return nil, err
	}
	return &resource.Made{ID: r.ID, Attributes: map[string]any{}}, nil
}

func deleteAlias(ctx context.Context, r *resource.Request) error {
	_, err := r.Bus.Invoke(ctx, "kms", "DeleteAlias", &kms.DeleteAliasInput{AliasName: &r.ID})
	return resource.Unless(err, "NotFoundException")
}
