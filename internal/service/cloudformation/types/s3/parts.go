package s3type

import (
	"context"
	"maps"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/service/cloudformation/resource"
)

// part is a property of a bucket that operations of its own set and remove.
type part struct {
	property string
	put      string     // operation
	input    func() any // its input
	shape    func(x map[string]any) map[string]any
	rename   map[string]string

	remove      string // operation; "" puts absent
	removeInput func() any
	absent      map[string]any // members of put's input
}

func input[T any]() any { return new(T) }

// member gives the property to one member of the input.
func member(name string) func(map[string]any) map[string]any {
	return func(x map[string]any) map[string]any { return map[string]any{name: x} }
}

// parts are in the order in which a bucket gets them: what refers to other
// services is last.
func parts() []part {
	return []part{
		{property: "OwnershipControls", put: "PutBucketOwnershipControls", input: input[s3.PutBucketOwnershipControlsInput],
			shape: member("OwnershipControls"), remove: "DeleteBucketOwnershipControls", removeInput: input[s3.DeleteBucketOwnershipControlsInput]},
		{property: "PublicAccessBlockConfiguration", put: "PutPublicAccessBlock", input: input[s3.PutPublicAccessBlockInput],
			shape: member("PublicAccessBlockConfiguration"), remove: "DeletePublicAccessBlock", removeInput: input[s3.DeletePublicAccessBlockInput]},
		{property: "BucketEncryption", put: "PutBucketEncryption", input: input[s3.PutBucketEncryptionInput],
			shape: func(x map[string]any) map[string]any {
				return map[string]any{"ServerSideEncryptionConfiguration": map[string]any{"Rules": x["ServerSideEncryptionConfiguration"]}}
			},
			rename: map[string]string{"ServerSideEncryptionConfiguration/Rules/ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"},
			remove: "DeleteBucketEncryption", removeInput: input[s3.DeleteBucketEncryptionInput]},
		{property: "VersioningConfiguration", put: "PutBucketVersioning", input: input[s3.PutBucketVersioningInput],
			shape:  member("VersioningConfiguration"),
			absent: map[string]any{"VersioningConfiguration": map[string]any{"Status": "Suspended"}}},
		{property: "ObjectLockConfiguration", put: "PutObjectLockConfiguration", input: input[s3.PutObjectLockConfigurationInput],
			shape:  member("ObjectLockConfiguration"),
			absent: map[string]any{"ObjectLockConfiguration": map[string]any{"ObjectLockEnabled": "Enabled"}}},
		{property: "CorsConfiguration", put: "PutBucketCors", input: input[s3.PutBucketCorsInput], shape: member("CORSConfiguration"),
			rename: map[string]string{"CORSConfiguration/CorsRules/ExposedHeaders": "ExposeHeaders", "CORSConfiguration/CorsRules/MaxAge": "MaxAgeSeconds"},
			remove: "DeleteBucketCors", removeInput: input[s3.DeleteBucketCorsInput]},
		{property: "WebsiteConfiguration", put: "PutBucketWebsite", input: input[s3.PutBucketWebsiteInput], shape: website,
			rename: map[string]string{"WebsiteConfiguration/RoutingRules/RedirectRule": "Redirect", "WebsiteConfiguration/RoutingRules/RoutingRuleCondition": "Condition"},
			remove: "DeleteBucketWebsite", removeInput: input[s3.DeleteBucketWebsiteInput]},
		{property: "LifecycleConfiguration", put: "PutBucketLifecycleConfiguration", input: input[s3.PutBucketLifecycleConfigurationInput],
			shape: lifecycle, remove: "DeleteBucketLifecycle", removeInput: input[s3.DeleteBucketLifecycleInput]},
		{property: "LoggingConfiguration", put: "PutBucketLogging", input: input[s3.PutBucketLoggingInput],
			shape: func(x map[string]any) map[string]any {
				enabled := map[string]any{"LogFilePrefix": ""}
				maps.Copy(enabled, x)
				return map[string]any{"BucketLoggingStatus": map[string]any{"LoggingEnabled": enabled}}
			},
			rename: map[string]string{"BucketLoggingStatus/LoggingEnabled/DestinationBucketName": "TargetBucket",
				"BucketLoggingStatus/LoggingEnabled/LogFilePrefix": "TargetPrefix"},
			absent: map[string]any{"BucketLoggingStatus": map[string]any{}}},
		{property: "NotificationConfiguration", put: "PutBucketNotificationConfiguration", input: input[s3.PutBucketNotificationConfigurationInput],
			shape: notification, rename: notificationNames(),
			absent: map[string]any{"NotificationConfiguration": map[string]any{}}},
	}
}

// set sets the part as the property has it.
func (p part) set(ctx context.Context, r *resource.Request) error {
	x, _ := r.Properties[p.property].(map[string]any)
	in := p.input()
	if err := resource.Decode(p.shape(x), in, p.rename); err != nil {
		return err
	}
	return p.call(ctx, r, p.put, in)
}

// unset removes the part, or makes it what a bucket has that never had it.
func (p part) unset(ctx context.Context, r *resource.Request) error {
	if p.remove != "" {
		return p.call(ctx, r, p.remove, p.removeInput())
	}
	in := p.input()
	if err := resource.Decode(p.absent, in, nil); err != nil {
		return err
	}
	return p.call(ctx, r, p.put, in)
}

func (p part) call(ctx context.Context, r *resource.Request, operation string, in any) error {
	if err := resource.Decode(map[string]any{"Bucket": r.ID}, in, nil); err != nil {
		return err
	}
	return do(ctx, r, operation, in)
}

// website makes objects of the names of the two documents.
func website(x map[string]any) map[string]any {
	own := maps.Clone(x)
	for property, name := range map[string]string{"ErrorDocument": "Key", "IndexDocument": "Suffix"} {
		if own[property] != nil {
			own[property] = map[string]any{name: own[property]}
		}
	}
	return map[string]any{"WebsiteConfiguration": own}
}

// notification leaves EventBridge out where it is not enabled: in S3, its
// presence enables it.
func notification(x map[string]any) map[string]any {
	own := maps.Clone(x)
	if bridge, ok := own["EventBridgeConfiguration"].(map[string]any); ok {
		delete(own, "EventBridgeConfiguration")
		if enabled, _ := resource.Text(bridge["EventBridgeEnabled"]); enabled != "false" {
			own["EventBridgeConfiguration"] = map[string]any{}
		}
	}
	return map[string]any{"NotificationConfiguration": own}
}

func notificationNames() map[string]string {
	const at = "NotificationConfiguration/"
	names := map[string]string{at + "LambdaConfigurations": "LambdaFunctionConfigurations", at + "LambdaConfigurations/Function": "LambdaFunctionArn",
		at + "QueueConfigurations/Queue": "QueueArn", at + "TopicConfigurations/Topic": "TopicArn"}
	for _, kind := range []string{"Lambda", "Queue", "Topic"} {
		of := at + kind + "Configurations/"
		names[of+"Event"], names[of+"Filter/S3Key"], names[of+"Filter/S3Key/Rules"] = "Events", "Key", "FilterRules"
	}
	return names
}
