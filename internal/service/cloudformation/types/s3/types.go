// Package s3type holds the resource types AWS::S3::*.
//
// Only package types imports it.
package s3type

import (
	"context"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types of S3.
func Types() []resource.Type {
	return []resource.Type{bucket(), bucketPolicy()}
}

// do calls an operation of S3.
func do(ctx context.Context, r *resource.Request, operation string, in any) error {
	_, err := r.Bus.Invoke(ctx, "s3", operation, in)
	return err
}

func bucketPolicy() resource.Type {
	set := func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
		in := &s3.PutBucketPolicyInput{}
		if err := resource.Decode(r.Properties, in, map[string]string{"PolicyDocument": "Policy"}); err != nil {
			return nil, err
		}
		if r.Old == nil && !r.Again && do(ctx, r, "GetBucketPolicy", &s3.GetBucketPolicyInput{Bucket: in.Bucket}) == nil {
			return nil, resource.AlreadyExists("AWS::S3::BucketPolicy", *in.Bucket)
		}
		if err := do(ctx, r, "PutBucketPolicy", in); err != nil {
			return nil, err
		}
		return &resource.Made{ID: *in.Bucket}, nil
	}
	return resource.Type{
		Name:        "AWS::S3::BucketPolicy",
		Required:    []string{"Bucket", "PolicyDocument"},
		Replacement: []string{"Bucket"},
		Create:      set, Update: set,
		Delete: func(ctx context.Context, r *resource.Request) error {
			in := &s3.DeleteBucketPolicyInput{Bucket: new(r.Text("Bucket"))}
			return resource.Unless(do(ctx, r, "DeleteBucketPolicy", in), "NoSuchBucket", "NoSuchBucketPolicy")
		},
	}
}
