package s3type

import (
	"context"
	"strings"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

func bucket() resource.Type {
	optional := []string{"AccessControl", "BucketName", "ObjectLockEnabled", "Tags"}
	for _, p := range parts() {
		optional = append(optional, p.property)
	}
	return resource.Type{
		Name:     "AWS::S3::Bucket",
		Optional: optional,
		Refused: []string{"AbacStatus", "AccelerateConfiguration", "AnalyticsConfigurations", "BucketNamePrefix", "BucketNamespace",
			"IntelligentTieringConfigurations", "InventoryConfigurations", "MetadataConfiguration", "MetadataTableConfiguration",
			"MetricsConfigurations", "ReplicationConfiguration"},
		Attributes:  []string{"Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"},
		Replacement: []string{"BucketName"},
		Create:      createBucket, Update: updateBucket,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteBucket", &s3.DeleteBucketInput{Bucket: &r.ID}), "NoSuchBucket")
		},
	}
}

func createBucket(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &s3.CreateBucketInput{Bucket: new(strings.ToLower(r.Name("BucketName", 63)))}
	rename := map[string]string{"ObjectLockEnabled": "ObjectLockEnabledForBucket"}
	if err := resource.Decode(r.Only("ObjectLockEnabled"), in, rename); err != nil {
		return nil, err
	}
	switch err := do(ctx, r, "HeadBucket", &s3.HeadBucketInput{Bucket: in.Bucket}); {
	case err == nil && r.Again:
	case err == nil:
		return nil, resource.AlreadyExists("AWS::S3::Bucket", *in.Bucket) // CreateBucket would give it in us-east-1
	default:
		if err := do(ctx, r, "CreateBucket", in); err != nil {
			return nil, err
		}
	}
	r.ID = *in.Bucket
	made := bucketMade(ctx, r.ID)
	for _, p := range parts() {
		if r.Properties[p.property] == nil {
			continue
		}
		if err := p.set(ctx, r); err != nil {
			return made, err
		}
	}
	if err := control(ctx, r); err != nil {
		return made, err
	}
	return made, tag(ctx, r)
}

// bucketMade gives the attributes: names as S3's endpoints have them ("Website
// endpoints" and "Virtual hosting of general purpose buckets", S3 User Guide).
func bucketMade(ctx context.Context, name string) *resource.Made {
	region := bus.From(ctx).Region
	dash := map[string]bool{"us-east-1": true, "us-west-1": true, "us-west-2": true, "ap-southeast-1": true, "ap-southeast-2": true,
		"ap-northeast-1": true, "eu-west-1": true, "sa-east-1": true, "us-gov-west-1": true}
	website := ".s3-website." + region
	if dash[region] {
		website = ".s3-website-" + region
	}
	return &resource.Made{ID: name, Attributes: map[string]any{
		"Arn":                 "arn:aws:s3:::" + name,
		"DomainName":          name + ".s3.amazonaws.com",
		"DualStackDomainName": name + ".s3.dualstack." + region + ".amazonaws.com",
		"RegionalDomainName":  name + ".s3." + region + ".amazonaws.com",
		"WebsiteURL":          "http://" + name + website + ".amazonaws.com",
	}}
}

func updateBucket(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	for _, p := range parts() {
		if !r.Changed(p.property) {
			continue
		}
		act := p.set
		if r.Properties[p.property] == nil {
			act = p.unset
		}
		if err := act(ctx, r); err != nil {
			return nil, err
		}
	}
	if r.Changed("AccessControl") {
		if err := control(ctx, r); err != nil {
			return nil, err
		}
	}
	if err := tag(ctx, r); err != nil {
		return nil, err
	}
	return bucketMade(ctx, r.ID), nil
}

// control sets the canned access control list that AccessControl names.
func control(ctx context.Context, r *resource.Request) error {
	name := r.Text("AccessControl")
	if name == "BucketOwnerRead" || name == "BucketOwnerFullControl" {
		name = "Private" // S3 ignores those of objects on a bucket ("Canned ACL")
	}
	if (name == "" || name == "Private") && r.Old["AccessControl"] == nil {
		return nil // as buckets are
	}
	acl := map[string]string{"": "private", "Private": "private", "PublicRead": "public-read", "PublicReadWrite": "public-read-write"}[name]
	if acl == "" {
		return awserr.NotImplemented("AWS::S3::Bucket property AccessControl: " + name)
	}
	return do(ctx, r, "PutBucketAcl", &s3.PutBucketAclInput{Bucket: &r.ID, ACL: &acl})
}

// tag gives the bucket its tags, which S3 keeps as one set.
func tag(ctx context.Context, r *resource.Request) error {
	if set, remove := r.ChangedTags(); r.Old != nil && len(set)+len(remove) == 0 {
		return nil
	}
	all := r.AllTags()
	if len(all) == 0 {
		return do(ctx, r, "DeleteBucketTagging", &s3.DeleteBucketTaggingInput{Bucket: &r.ID})
	}
	in := &s3.PutBucketTaggingInput{Bucket: &r.ID}
	if err := resource.Decode(map[string]any{"Tagging": map[string]any{"TagSet": all}}, in, nil); err != nil {
		return err
	}
	return do(ctx, r, "PutBucketTagging", in)
}
