package s3

import (
	"encoding/json"
	"strings"
	"testing"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/bus"
)

// TestKeptConfigurations puts, gets and removes the settings that are kept.
func TestKeptConfigurations(t *testing.T) {
	bucket := newBucket(t)
	encryption := func(algorithm string, key *string) *s3.PutBucketEncryptionInput {
		return &s3.PutBucketEncryptionInput{Bucket: &bucket, ServerSideEncryptionConfiguration: &s3.ServerSideEncryptionConfiguration{
			Rules: []s3.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &s3.ServerSideEncryptionByDefault{SSEAlgorithm: &algorithm, KMSMasterKeyID: key}}}}}
	}
	lifecycle := func(rules ...s3.LifecycleRule) *s3.PutBucketLifecycleConfigurationInput {
		return &s3.PutBucketLifecycleConfigurationInput{Bucket: &bucket, LifecycleConfiguration: &s3.BucketLifecycleConfiguration{Rules: rules}}
	}
	expire := func(id string) s3.LifecycleRule {
		return s3.LifecycleRule{ID: &id, Status: new("Enabled"), Filter: &s3.LifecycleRuleFilter{Prefix: new("")}, Expiration: &s3.LifecycleExpiration{Days: new(int64(3))}}
	}
	logging := func(to string) *s3.PutBucketLoggingInput {
		return &s3.PutBucketLoggingInput{Bucket: &bucket, BucketLoggingStatus: &s3.BucketLoggingStatus{
			LoggingEnabled: &s3.LoggingEnabled{TargetBucket: &to, TargetPrefix: new("l/")}}}
	}
	for _, c := range []struct {
		operation string
		in        any
		want      string // a part of the answer as JSON, or of the error
	}{
		{"GetBucketEncryption", &s3.GetBucketEncryptionInput{Bucket: &bucket}, `"SSEAlgorithm":"AES256"`},
		{"PutBucketEncryption", encryption("AES256", new("k")), "InvalidArgument"},
		{"PutBucketEncryption", encryption("aws:kms", new("k")), "{}"},
		{"GetBucketEncryption", &s3.GetBucketEncryptionInput{Bucket: &bucket}, `"KMSMasterKeyID":"k"},"BucketKeyEnabled":false`},
		{"DeleteBucketEncryption", &s3.DeleteBucketEncryptionInput{Bucket: &bucket}, "{}"},
		{"GetBucketEncryption", &s3.GetBucketEncryptionInput{Bucket: &bucket}, `"SSEAlgorithm":"AES256"`},
		{"GetPublicAccessBlock", &s3.GetPublicAccessBlockInput{Bucket: &bucket}, `"RestrictPublicBuckets":true`},
		{"PutPublicAccessBlock", &s3.PutPublicAccessBlockInput{Bucket: &bucket, PublicAccessBlockConfiguration: &s3.PublicAccessBlockConfiguration{BlockPublicAcls: new(true)}}, "{}"},
		{"GetPublicAccessBlock", &s3.GetPublicAccessBlockInput{Bucket: &bucket}, `"BlockPublicAcls":true,"IgnorePublicAcls":false`},
		{"DeletePublicAccessBlock", &s3.DeletePublicAccessBlockInput{Bucket: &bucket}, "{}"},
		{"GetPublicAccessBlock", &s3.GetPublicAccessBlockInput{Bucket: &bucket}, "NoSuchPublicAccessBlockConfiguration"},
		{"GetBucketLifecycleConfiguration", &s3.GetBucketLifecycleConfigurationInput{Bucket: &bucket}, "NoSuchLifecycleConfiguration"},
		{"PutBucketLifecycleConfiguration", lifecycle(expire("a"), expire("a")), "Rule ID must be unique"},
		{"PutBucketLifecycleConfiguration", lifecycle(s3.LifecycleRule{Status: new("Enabled")}), "At least one action"},
		{"PutBucketLifecycleConfiguration", lifecycle(expire("a")), "{}"},
		{"GetBucketLifecycleConfiguration", &s3.GetBucketLifecycleConfigurationInput{Bucket: &bucket}, `"Expiration":{"Days":3},"ID":"a"`},
		{"DeleteBucketLifecycle", &s3.DeleteBucketLifecycleInput{Bucket: &bucket}, "{}"},
		{"GetBucketLifecycleConfiguration", &s3.GetBucketLifecycleConfigurationInput{Bucket: &bucket}, "NoSuchLifecycleConfiguration"},
		{"GetBucketLogging", &s3.GetBucketLoggingInput{Bucket: &bucket}, "{}"},
		{"PutBucketLogging", logging("no-such-bucket-at-all"), "InvalidTargetBucketForLogging"},
		{"PutBucketLogging", logging(bucket), "{}"},
		{"GetBucketLogging", &s3.GetBucketLoggingInput{Bucket: &bucket}, `"TargetPrefix":"l/"`},
		{"GetBucketEncryption", &s3.GetBucketEncryptionInput{Bucket: new("no-such-bucket-at-all")}, "NoSuchBucket"},
		{"DeleteBucket", &s3.DeleteBucketInput{Bucket: &bucket}, "{}"},
		{"CreateBucket", &s3.CreateBucketInput{Bucket: &bucket}, "{"},
		{"GetBucketLogging", &s3.GetBucketLoggingInput{Bucket: &bucket}, "{}"},
	} {
		out, err := calls.Invoke(t.Context(), "s3", c.operation, c.in)
		got := jsonText(t, out)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.operation, got, c.want)
		}
	}
	other := bus.With(t.Context(), bus.Caller{Account: "111122223333"})
	if _, err := calls.Invoke(other, "s3", "GetBucketEncryption", &s3.GetBucketEncryptionInput{Bucket: &bucket}); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("another account: %v", err)
	}
}

// TestPolicyIsKept puts a policy that refuses requests without TLS: it is shown
// as it was put, and refuses nothing.
func TestPolicyIsKept(t *testing.T) {
	bucket := newBucket(t)
	policy := `{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::` + bucket +
		`", "arn:aws:s3:::` + bucket + `/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}`
	must[s3.PutBucketPolicyOutput](t, "PutBucketPolicy", &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy})
	put(t, bucket, "k", "x")
	out := must[s3.GetBucketPolicyOutput](t, "GetBucketPolicy", &s3.GetBucketPolicyInput{Bucket: &bucket})
	if *out.Policy != policy {
		t.Errorf("the policy is %s", *out.Policy)
	}
	if _, err := calls.Invoke(t.Context(), "s3", "PutBucketPolicy", &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: new("{")}); err == nil {
		t.Error("a policy that is not JSON was taken")
	}
	must[s3.DeleteBucketPolicyOutput](t, "DeleteBucketPolicy", &s3.DeleteBucketPolicyInput{Bucket: &bucket})
	if _, err := calls.Invoke(t.Context(), "s3", "GetBucketPolicy", &s3.GetBucketPolicyInput{Bucket: &bucket}); err == nil || !strings.Contains(err.Error(), "NoSuchBucketPolicy") {
		t.Errorf("after its deletion: %v", err)
	}
}

func TestEnforceable(t *testing.T) {
	statement := func(rest string) string { return `{"Statement":[{"Effect":"Deny"` + rest + `}]}` }
	for _, c := range []struct{ policy, want string }{
		{statement(`,"Principal":"*"`), statement(`,"Principal":"*"`)},
		{statement(`,"Principal":{"Service":"logging.s3.amazonaws.com"}`), ""},
		{statement(`,"Principal":{"AWS":"*","Service":"x"}`), statement(`,"Principal":{"AWS":"*","Service":"x"}`)},
		{statement(`,"Condition":{"Bool":{"aws:SecureTransport":false}}`), ""},
		{statement(`,"Condition":{"Bool":{"aws:SecureTransport":["true"]}}`), statement("")},
		{statement(`,"Condition":{"NumericLessThan":{"s3:TlsVersion":1.2}}`), ""},
		{statement(`,"Condition":{"Bool":{"aws:SecureTransport":"true"},"StringEquals":{"s3:prefix":"a"}}`), statement(`,"Condition":{"StringEquals":{"s3:prefix":"a"}}`)},
		{`{"Statement":{"Effect":"Deny","Principal":{"Service":"x"}}}`, ""},
		{`{"Statement":[]}`, `{"Statement":[]}`},
		{"no JSON", "no JSON"},
	} {
		got, err := enforceable(c.policy)
		if err != nil || normal(got) != normal(c.want) {
			t.Errorf("%s: %s, %v, want %s", c.policy, got, err, c.want)
		}
	}
}

// normal is JSON with its members in order; other text as it is.
func normal(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	b, _ := json.Marshal(v) // it was JSON
	return string(b)
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
