package s3

import (
	"context"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	rows := []bus.Operation{
		pass[s3.AbortMultipartUploadInput, s3.AbortMultipartUploadOutput](s, "AbortMultipartUpload", ""),
		pass[s3.CompleteMultipartUploadInput, s3.CompleteMultipartUploadOutput](s, "CompleteMultipartUpload", ""),
		pass[s3.CopyObjectInput, s3.CopyObjectOutput](s, "CopyObject", "encryption and storage class headers have no effect"),
		pass[s3.CreateBucketInput, s3.CreateBucketOutput](s, "CreateBucket", "general purpose buckets only"),
		pass[s3.CreateMultipartUploadInput, s3.CreateMultipartUploadOutput](s, "CreateMultipartUpload", "encryption and storage class headers have no effect"),
		pass[s3.DeleteBucketInput, s3.DeleteBucketOutput](s, "DeleteBucket", ""),
		pass[s3.DeleteBucketCorsInput, s3.DeleteBucketCorsOutput](s, "DeleteBucketCors", ""),
		pass[s3.DeleteBucketEncryptionInput, s3.DeleteBucketEncryptionOutput](s, "DeleteBucketEncryption", ""),
		pass[s3.DeleteBucketLifecycleInput, s3.DeleteBucketLifecycleOutput](s, "DeleteBucketLifecycle", ""),
		pass[s3.DeleteBucketOwnershipControlsInput, s3.DeleteBucketOwnershipControlsOutput](s, "DeleteBucketOwnershipControls", ""),
		pass[s3.DeleteBucketPolicyInput, s3.DeleteBucketPolicyOutput](s, "DeleteBucketPolicy", ""),
		pass[s3.DeleteBucketTaggingInput, s3.DeleteBucketTaggingOutput](s, "DeleteBucketTagging", ""),
		pass[s3.DeleteBucketWebsiteInput, s3.DeleteBucketWebsiteOutput](s, "DeleteBucketWebsite", ""),
		pass[s3.DeleteObjectInput, s3.DeleteObjectOutput](s, "DeleteObject", ""),
		pass[s3.DeleteObjectTaggingInput, s3.DeleteObjectTaggingOutput](s, "DeleteObjectTagging", ""),
		pass[s3.DeleteObjectsInput, s3.DeleteObjectsOutput](s, "DeleteObjects", ""),
		pass[s3.DeletePublicAccessBlockInput, s3.DeletePublicAccessBlockOutput](s, "DeletePublicAccessBlock", ""),
		pass[s3.GetBucketAclInput, s3.GetBucketAclOutput](s, "GetBucketAcl", ""),
		pass[s3.GetBucketCorsInput, s3.GetBucketCorsOutput](s, "GetBucketCors", ""),
		pass[s3.GetBucketEncryptionInput, s3.GetBucketEncryptionOutput](s, "GetBucketEncryption", ""),
		pass[s3.GetBucketLifecycleConfigurationInput, s3.GetBucketLifecycleConfigurationOutput](s, "GetBucketLifecycleConfiguration", ""),
		pass[s3.GetBucketLocationInput, s3.GetBucketLocationOutput](s, "GetBucketLocation", ""),
		pass[s3.GetBucketLoggingInput, s3.GetBucketLoggingOutput](s, "GetBucketLogging", ""),
		pass[s3.GetBucketNotificationConfigurationInput, s3.GetBucketNotificationConfigurationOutput](s, "GetBucketNotificationConfiguration", ""),
		pass[s3.GetBucketOwnershipControlsInput, s3.GetBucketOwnershipControlsOutput](s, "GetBucketOwnershipControls", ""),
		pass[s3.GetBucketPolicyInput, s3.GetBucketPolicyOutput](s, "GetBucketPolicy", ""),
		pass[s3.GetBucketPolicyStatusInput, s3.GetBucketPolicyStatusOutput](s, "GetBucketPolicyStatus", ""),
		pass[s3.GetBucketTaggingInput, s3.GetBucketTaggingOutput](s, "GetBucketTagging", ""),
		pass[s3.GetBucketVersioningInput, s3.GetBucketVersioningOutput](s, "GetBucketVersioning", ""),
		pass[s3.GetBucketWebsiteInput, s3.GetBucketWebsiteOutput](s, "GetBucketWebsite", ""),
		pass[s3.GetObjectInput, s3.GetObjectOutput](s, "GetObject", ""),
		pass[s3.GetObjectAttributesInput, s3.GetObjectAttributesOutput](s, "GetObjectAttributes", ""),
		pass[s3.GetObjectLegalHoldInput, s3.GetObjectLegalHoldOutput](s, "GetObjectLegalHold", ""),
		pass[s3.GetObjectLockConfigurationInput, s3.GetObjectLockConfigurationOutput](s, "GetObjectLockConfiguration", ""),
		pass[s3.GetObjectRetentionInput, s3.GetObjectRetentionOutput](s, "GetObjectRetention", ""),
		pass[s3.GetObjectTaggingInput, s3.GetObjectTaggingOutput](s, "GetObjectTagging", ""),
		pass[s3.GetPublicAccessBlockInput, s3.GetPublicAccessBlockOutput](s, "GetPublicAccessBlock", ""),
		pass[s3.HeadBucketInput, s3.HeadBucketOutput](s, "HeadBucket", ""),
		pass[s3.HeadObjectInput, s3.HeadObjectOutput](s, "HeadObject", ""),
		pass[s3.ListBucketsInput, s3.ListBucketsOutput](s, "ListBuckets", ""),
		pass[s3.ListMultipartUploadsInput, s3.ListMultipartUploadsOutput](s, "ListMultipartUploads", ""),
		pass[s3.ListObjectVersionsInput, s3.ListObjectVersionsOutput](s, "ListObjectVersions", ""),
		pass[s3.ListObjectsInput, s3.ListObjectsOutput](s, "ListObjects", ""),
		pass[s3.ListObjectsV2Input, s3.ListObjectsV2Output](s, "ListObjectsV2", ""),
		pass[s3.ListPartsInput, s3.ListPartsOutput](s, "ListParts", ""),
		pass[s3.PutBucketAclInput, s3.PutBucketAclOutput](s, "PutBucketAcl", ""),
		pass[s3.PutBucketCorsInput, s3.PutBucketCorsOutput](s, "PutBucketCors", ""),
		pass[s3.PutBucketEncryptionInput, s3.PutBucketEncryptionOutput](s, "PutBucketEncryption", "kept, not acted on"),
		pass[s3.PutBucketLifecycleConfigurationInput, s3.PutBucketLifecycleConfigurationOutput](s, "PutBucketLifecycleConfiguration", "kept, not acted on: objects neither expire nor move"),
		pass[s3.PutBucketLoggingInput, s3.PutBucketLoggingOutput](s, "PutBucketLogging", "kept; no log is written"),
		pass[s3.PutBucketNotificationConfigurationInput, s3.PutBucketNotificationConfigurationOutput](s, "PutBucketNotificationConfiguration",
			"objects created, removed and tagged; permissions of destinations are not checked"),
		pass[s3.PutBucketOwnershipControlsInput, s3.PutBucketOwnershipControlsOutput](s, "PutBucketOwnershipControls", ""),
		pass[s3.PutBucketPolicyInput, s3.PutBucketPolicyOutput](s, "PutBucketPolicy", "principals are accounts; policies are enforced between accounts only; every request counts as one over TLS"),
		pass[s3.PutBucketTaggingInput, s3.PutBucketTaggingOutput](s, "PutBucketTagging", ""),
		pass[s3.PutBucketVersioningInput, s3.PutBucketVersioningOutput](s, "PutBucketVersioning", ""),
		pass[s3.PutBucketWebsiteInput, s3.PutBucketWebsiteOutput](s, "PutBucketWebsite", "kept; no website endpoint serves it"),
		pass[s3.PutObjectInput, s3.PutObjectOutput](s, "PutObject", "encryption and storage class headers have no effect"),
		pass[s3.PutObjectLegalHoldInput, s3.PutObjectLegalHoldOutput](s, "PutObjectLegalHold", ""),
		pass[s3.PutObjectLockConfigurationInput, s3.PutObjectLockConfigurationOutput](s, "PutObjectLockConfiguration", ""),
		pass[s3.PutObjectRetentionInput, s3.PutObjectRetentionOutput](s, "PutObjectRetention", ""),
		pass[s3.PutObjectTaggingInput, s3.PutObjectTaggingOutput](s, "PutObjectTagging", ""),
		pass[s3.PutPublicAccessBlockInput, s3.PutPublicAccessBlockOutput](s, "PutPublicAccessBlock", "kept, not enforced"),
		pass[s3.UploadPartInput, s3.UploadPartOutput](s, "UploadPart", ""),
		pass[s3.UploadPartCopyInput, s3.UploadPartCopyOutput](s, "UploadPartCopy", ""),
	}
	rows = append(rows, bus.Missing("the embedded S3 server does not have it",
		"CreateBucketMetadataConfiguration",
		"CreateBucketMetadataTableConfiguration",
		"CreateSession",
		"DeleteBucketAnalyticsConfiguration",
		"DeleteBucketIntelligentTieringConfiguration",
		"DeleteBucketInventoryConfiguration",
		"DeleteBucketMetadataConfiguration",
		"DeleteBucketMetadataTableConfiguration",
		"DeleteBucketMetricsConfiguration",
		"DeleteBucketReplication",
		"GetBucketAbac",
		"GetBucketAccelerateConfiguration",
		"GetBucketAnalyticsConfiguration",
		"GetBucketIntelligentTieringConfiguration",
		"GetBucketInventoryConfiguration",
		"GetBucketLifecycle",
		"GetBucketMetadataConfiguration",
		"GetBucketMetadataTableConfiguration",
		"GetBucketMetricsConfiguration",
		"GetBucketNotification",
		"GetBucketReplication",
		"GetBucketRequestPayment",
		"GetObjectAcl",
		"GetObjectTorrent",
		"ListBucketAnalyticsConfigurations",
		"ListBucketIntelligentTieringConfigurations",
		"ListBucketInventoryConfigurations",
		"ListBucketMetricsConfigurations",
		"ListDirectoryBuckets",
		"PutBucketAbac",
		"PutBucketAccelerateConfiguration",
		"PutBucketAnalyticsConfiguration",
		"PutBucketIntelligentTieringConfiguration",
		"PutBucketInventoryConfiguration",
		"PutBucketLifecycle",
		"PutBucketMetricsConfiguration",
		"PutBucketNotification",
		"PutBucketReplication",
		"PutBucketRequestPayment",
		"PutObjectAcl",
		"RenameObject",
		"RestoreObject",
		"SelectObjectContent",
		"UpdateBucketMetadataInventoryTableConfiguration",
		"UpdateBucketMetadataJournalTableConfiguration",
		"UpdateObjectEncryption",
		"WriteGetObjectResponse",
	)...)
	return &bus.Service{Name: "s3", Model: s3.Model, Operations: rows}
}

// pass is the row of an operation that the embedded server answers; note says
// what it lacks, "" that it is there in full.
func pass[In, Out any](s *Service, name, note string) bus.Operation {
	handle := func(ctx context.Context, in *In) (*Out, error) {
		out, err := s.call(ctx, name, in)
		if err != nil {
			return nil, err
		}
		return out.(*Out), nil
	}
	if note != "" {
		return bus.PartialOp(name, note, handle)
	}
	return bus.Op(name, handle)
}
