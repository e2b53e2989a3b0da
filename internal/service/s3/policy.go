package s3

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
	"stepwell/internal/store"
)

// A bucket policy is kept as it was put. The embedded server gets what of it can
// hold here: it sees every request on a socket without TLS, and knows no principals
// but accounts.

// policies are the policies of buckets as they were put.
var policies = store.NewTable[bucketDocument]("s3_policies") // bucket

type bucketDocument struct{ Text string }

// enforcedKey marks requests for the policy that the embedded server enforces.
type enforcedKey struct{}

// localPolicy answers the requests for a bucket's policy; nil for the others.
func (s *Service) localPolicy(r *http.Request, t *target) (*http.Response, error) {
	if !t.Query.Has("policy") || r.Context().Value(enforcedKey{}) != nil {
		return nil, nil
	}
	switch r.Method {
	case http.MethodPut:
		return answer(s, r, t, "PutBucketPolicy", s.putPolicy)
	case http.MethodGet:
		return answer(s, r, t, "GetBucketPolicy", s.getPolicy)
	case http.MethodDelete:
		return answer(s, r, t, "DeleteBucketPolicy", s.deletePolicy)
	}
	return nil, nil
}

func (s *Service) putPolicy(ctx context.Context, in *s3.PutBucketPolicyInput) (*s3.PutBucketPolicyOutput, error) {
	text := *in.Policy
	enforced, err := enforceable(text)
	if err != nil {
		return nil, err
	}
	inside := context.WithValue(ctx, enforcedKey{}, true)
	if enforced == "" {
		_, err = s.call(inside, "DeleteBucketPolicy", &s3.DeleteBucketPolicyInput{Bucket: in.Bucket})
	} else {
		_, err = s.call(inside, "PutBucketPolicy", &s3.PutBucketPolicyInput{Bucket: in.Bucket, Policy: &enforced})
	}
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketPolicyOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		return policies.Put(tx, bucketDocument{text}, *in.Bucket)
	})
}

func (s *Service) getPolicy(ctx context.Context, in *s3.GetBucketPolicyInput) (*s3.GetBucketPolicyOutput, error) {
	var kept bucketDocument
	var there bool
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		kept, there, err = policies.Get(tx, *in.Bucket)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !there { // one that was put before policies were kept, or none
		out, err := s.call(context.WithValue(ctx, enforcedKey{}, true), "GetBucketPolicy", in)
		if err != nil {
			return nil, err
		}
		return out.(*s3.GetBucketPolicyOutput), nil
	}
	return &s3.GetBucketPolicyOutput{Policy: &kept.Text}, nil
}

func (s *Service) deletePolicy(ctx context.Context, in *s3.DeleteBucketPolicyInput) (*s3.DeleteBucketPolicyOutput, error) {
	if _, err := s.call(context.WithValue(ctx, enforcedKey{}, true), "DeleteBucketPolicy", in); err != nil {
		return nil, err
	}
	return &s3.DeleteBucketPolicyOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		_, err := policies.Delete(tx, *in.Bucket)
		return err
	})
}

// enforceable is the policy without the statements that never hold here: those
// for services, whose calls come from inside, and those for requests without TLS,
// which is what loopback stands for. It is "" where nothing remains.
func enforceable(text string) (string, error) {
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return text, nil // the embedded server says what is wrong with it
	}
	statements, ok := doc["Statement"].([]any)
	if one, single := doc["Statement"].(map[string]any); single {
		statements, ok = []any{one}, true
	}
	if !ok || len(statements) == 0 {
		return text, nil
	}
	var kept []any
	for _, x := range statements {
		m, ok := x.(map[string]any)
		if ok && (forServices(m["Principal"]) || !holds(m)) {
			continue
		}
		kept = append(kept, x)
	}
	if len(kept) == 0 {
		return "", nil
	}
	doc["Statement"] = kept
	b, err := json.Marshal(doc)
	if err != nil {
		return "", awserr.New(http.StatusBadRequest, "MalformedPolicy", "This policy contains invalid Json")
	}
	return string(b), nil
}

// forServices says whether a principal names no account.
func forServices(principal any) bool {
	m, ok := principal.(map[string]any)
	return ok && len(m) > 0 && m["AWS"] == nil
}

// holds takes the conditions on TLS out of a statement and says whether it can
// hold when TLS of the newest version is in use.
func holds(statement map[string]any) bool {
	conditions, _ := statement["Condition"].(map[string]any)
	for operator, x := range conditions {
		keys, _ := x.(map[string]any)
		for key, want := range keys {
			switch {
			case strings.EqualFold(key, "aws:SecureTransport") && strings.EqualFold(operator, "Bool"):
				if !wants(want, "true") {
					return false
				}
			case strings.EqualFold(key, "s3:TlsVersion") && strings.HasPrefix(operator, "NumericLess"):
				return false
			case strings.EqualFold(key, "s3:TlsVersion") && strings.HasPrefix(operator, "NumericGreater"):
			default:
				continue
			}
			delete(keys, key)
		}
		if len(keys) == 0 {
			delete(conditions, operator)
		}
	}
	if len(conditions) == 0 {
		delete(statement, "Condition")
	}
	return true
}

// wants says whether a condition's value, or one of several, is the text.
func wants(value any, text string) bool {
	switch v := value.(type) {
	case string:
		return strings.EqualFold(v, text)
	case bool:
		return v == (text == "true")
	case []any:
		for _, one := range v {
			if wants(one, text) {
				return true
			}
		}
	}
	return false
}
