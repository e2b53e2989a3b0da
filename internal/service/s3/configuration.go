package s3

import (
	"context"
	"net/http"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
	"stepwell/internal/store"
)

// configuration are the settings of a bucket that are kept and shown, and not
// acted on.
type configuration struct {
	Encryption  *s3.ServerSideEncryptionConfiguration
	Block       *s3.PublicAccessBlockConfiguration
	Unblocked   bool // the public access block was deleted
	Lifecycle   *s3.BucketLifecycleConfiguration
	MinimumSize *string // TransitionDefaultMinimumObjectSize of the lifecycle
	Logging     *s3.BucketLoggingStatus
}

var configurations = store.NewTable[configuration]("s3_configurations") // bucket

func (s *Service) configuration(ctx context.Context, bucket string) (c configuration, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		c, _, err = configurations.Get(tx, bucket)
		return err
	})
	return c, err
}

func (s *Service) configure(ctx context.Context, bucket string, change func(*configuration)) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		c, _, err := configurations.Get(tx, bucket)
		if err != nil {
			return err
		}
		change(&c)
		return configurations.Put(tx, c, bucket)
	})
}

// localConfiguration answers the requests for the settings that this package
// keeps; nil for the others.
func (s *Service) localConfiguration(r *http.Request, t *target) (*http.Response, error) {
	act := s.localSetting
	if t.Query.Has("policy") {
		act = s.localPolicy
	}
	resp, err := act(r, t)
	if resp != nil && (r.Method == http.MethodDelete || r.Method == http.MethodPut && t.Query.Has("policy")) {
		resp.StatusCode = http.StatusNoContent
	}
	return resp, err
}

func (s *Service) localSetting(r *http.Request, t *target) (*http.Response, error) {
	has := func(method, query string) bool { return r.Method == method && t.Query.Has(query) }
	switch {
	case has(http.MethodGet, "encryption"):
		return answer(s, r, t, "GetBucketEncryption", s.getEncryption)
	case has(http.MethodPut, "encryption"):
		return answer(s, r, t, "PutBucketEncryption", s.putEncryption)
	case has(http.MethodDelete, "encryption"):
		return answer(s, r, t, "DeleteBucketEncryption", s.deleteEncryption)
	case has(http.MethodGet, "publicAccessBlock"):
		return answer(s, r, t, "GetPublicAccessBlock", s.getBlock)
	case has(http.MethodPut, "publicAccessBlock"):
		return answer(s, r, t, "PutPublicAccessBlock", s.putBlock)
	case has(http.MethodDelete, "publicAccessBlock"):
		return answer(s, r, t, "DeletePublicAccessBlock", s.deleteBlock)
	case has(http.MethodGet, "lifecycle"):
		return answer(s, r, t, "GetBucketLifecycleConfiguration", s.getLifecycle)
	case has(http.MethodPut, "lifecycle"):
		return answer(s, r, t, "PutBucketLifecycleConfiguration", s.putLifecycle)
	case has(http.MethodDelete, "lifecycle"):
		return answer(s, r, t, "DeleteBucketLifecycle", s.deleteLifecycle)
	case has(http.MethodGet, "logging"):
		return answer(s, r, t, "GetBucketLogging", s.getLogging)
	case has(http.MethodPut, "logging"):
		return answer(s, r, t, "PutBucketLogging", s.putLogging)
	}
	return nil, nil
}

// getEncryption shows what a bucket has since 2023 where nothing was chosen:
// SSE-S3 ("Setting default server-side encryption", Amazon S3 User Guide).
func (s *Service) getEncryption(ctx context.Context, in *s3.GetBucketEncryptionInput) (*s3.GetBucketEncryptionOutput, error) {
	c, err := s.configuration(ctx, *in.Bucket)
	if err != nil {
		return nil, err
	}
	if c.Encryption == nil {
		c.Encryption = &s3.ServerSideEncryptionConfiguration{Rules: []s3.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &s3.ServerSideEncryptionByDefault{SSEAlgorithm: new("AES256")}, BucketKeyEnabled: new(false)}}}
	}
	return &s3.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: c.Encryption}, nil
}

func (s *Service) putEncryption(ctx context.Context, in *s3.PutBucketEncryptionInput) (*s3.PutBucketEncryptionOutput, error) {
	rules := in.ServerSideEncryptionConfiguration.Rules
	if len(rules) != 1 {
		return nil, errMalformedXML()
	}
	if by := rules[0].ApplyServerSideEncryptionByDefault; by != nil && by.KMSMasterKeyID != nil && text(by.SSEAlgorithm) == "AES256" {
		return nil, awserr.New(http.StatusBadRequest, "InvalidArgument", "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
	}
	if rules[0].BucketKeyEnabled == nil {
		rules[0].BucketKeyEnabled = new(false)
	}
	return &s3.PutBucketEncryptionOutput{}, s.configure(ctx, *in.Bucket, func(c *configuration) { c.Encryption = in.ServerSideEncryptionConfiguration })
}

func (s *Service) deleteEncryption(ctx context.Context, in *s3.DeleteBucketEncryptionInput) (*s3.DeleteBucketEncryptionOutput, error) {
	return &s3.DeleteBucketEncryptionOutput{}, s.configure(ctx, *in.Bucket, func(c *configuration) { c.Encryption = nil })
}

// getBlock shows what a new bucket has since 2023: everything is blocked.
func (s *Service) getBlock(ctx context.Context, in *s3.GetPublicAccessBlockInput) (*s3.GetPublicAccessBlockOutput, error) {
	c, err := s.configuration(ctx, *in.Bucket)
	switch {
	case err != nil:
		return nil, err
	case c.Unblocked:
		return nil, awserr.New(http.StatusNotFound, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found").With("BucketName", *in.Bucket)
	case c.Block == nil:
		c.Block = &s3.PublicAccessBlockConfiguration{BlockPublicAcls: new(true), IgnorePublicAcls: new(true), BlockPublicPolicy: new(true), RestrictPublicBuckets: new(true)}
	}
	return &s3.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: c.Block}, nil
}

func (s *Service) putBlock(ctx context.Context, in *s3.PutPublicAccessBlockInput) (*s3.PutPublicAccessBlockOutput, error) {
	b := in.PublicAccessBlockConfiguration
	for _, member := range []**bool{&b.BlockPublicAcls, &b.IgnorePublicAcls, &b.BlockPublicPolicy, &b.RestrictPublicBuckets} {
		if *member == nil {
			*member = new(false)
		}
	}
	return &s3.PutPublicAccessBlockOutput{}, s.configure(ctx, *in.Bucket, func(c *configuration) { c.Block, c.Unblocked = b, false })
}

func (s *Service) deleteBlock(ctx context.Context, in *s3.DeletePublicAccessBlockInput) (*s3.DeletePublicAccessBlockOutput, error) {
	return &s3.DeletePublicAccessBlockOutput{}, s.configure(ctx, *in.Bucket, func(c *configuration) { c.Block, c.Unblocked = nil, true })
}

func (s *Service) getLifecycle(ctx context.Context, in *s3.GetBucketLifecycleConfigurationInput) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	c, err := s.configuration(ctx, *in.Bucket)
	if err != nil {
		return nil, err
	}
	if c.Lifecycle == nil {
		return nil, awserr.New(http.StatusNotFound, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist").With("BucketName", *in.Bucket)
	}
	return &s3.GetBucketLifecycleConfigurationOutput{Rules: c.Lifecycle.Rules, TransitionDefaultMinimumObjectSize: c.MinimumSize}, nil
}

func (s *Service) putLifecycle(ctx context.Context, in *s3.PutBucketLifecycleConfigurationInput) (*s3.PutBucketLifecycleConfigurationOutput, error) {
	if in.LifecycleConfiguration == nil || len(in.LifecycleConfiguration.Rules) == 0 {
		return nil, errMalformedXML()
	}
	ids := map[string]bool{}
	for i := range in.LifecycleConfiguration.Rules {
		r := &in.LifecycleConfiguration.Rules[i]
		if r.Expiration == nil && r.NoncurrentVersionExpiration == nil && r.AbortIncompleteMultipartUpload == nil &&
			len(r.Transitions)+len(r.NoncurrentVersionTransitions) == 0 {
			return nil, awserr.New(http.StatusBadRequest, "InvalidRequest", "At least one action needs to be specified in a rule")
		}
		if r.ID == nil {
			r.ID = new(s.ids.Hex(16))
		}
		if ids[*r.ID] {
			return nil, awserr.New(http.StatusBadRequest, "InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
		}
		ids[*r.ID] = true
	}
	size := in.TransitionDefaultMinimumObjectSize
	if size == nil {
		size = new("all_storage_classes_128K")
	}
	return &s3.PutBucketLifecycleConfigurationOutput{},
		s.configure(ctx, *in.Bucket, func(c *configuration) { c.Lifecycle, c.MinimumSize = in.LifecycleConfiguration, size })
}

func (s *Service) deleteLifecycle(ctx context.Context, in *s3.DeleteBucketLifecycleInput) (*s3.DeleteBucketLifecycleOutput, error) {
	return &s3.DeleteBucketLifecycleOutput{}, s.configure(ctx, *in.Bucket, func(c *configuration) { c.Lifecycle, c.MinimumSize = nil, nil })
}

func (s *Service) getLogging(ctx context.Context, in *s3.GetBucketLoggingInput) (*s3.GetBucketLoggingOutput, error) {
	c, err := s.configuration(ctx, *in.Bucket)
	if err != nil || c.Logging == nil {
		return &s3.GetBucketLoggingOutput{}, err
	}
	return &s3.GetBucketLoggingOutput{LoggingEnabled: c.Logging.LoggingEnabled}, nil
}

func (s *Service) putLogging(ctx context.Context, in *s3.PutBucketLoggingInput) (*s3.PutBucketLoggingOutput, error) {
	if to := in.BucketLoggingStatus.LoggingEnabled; to != nil && s.embedded.owner(*to.TargetBucket) == "" {
		return nil, awserr.New(http.StatusBadRequest, "InvalidTargetBucketForLogging", "The target bucket for logging does not exist").With("TargetBucket", *to.TargetBucket)
	}
	return &s3.PutBucketLoggingOutput{}, s.configure(ctx, *in.Bucket, func(c *configuration) { c.Logging = in.BucketLoggingStatus })
}
