package forward

import (
	"net/http"
	"reflect"
	"strings"
	"sync"
)

// buckets are the regions of S3 buckets that are not where their route says, as
// S3 has told.
type buckets struct {
	mu sync.Mutex
	m  map[string]string
}

func (b *buckets) region(bucket, otherwise string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.m[bucket]; r != "" {
		return r
	}
	return otherwise
}

// learn says whether a response tells that a bucket is in another region than the
// request was for, and keeps that ("Making requests", S3 API reference).
func (b *buckets) learn(bucket string, t target, res *http.Response) bool {
	told := res.Header.Get("X-Amz-Bucket-Region")
	if bucket == "" || res.StatusCode < 300 || told == "" || told == t.region {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.m == nil {
		b.m = map[string]string{}
	}
	b.m[bucket] = told
	return true
}

// bucketOfPath is the bucket of a request whose path names it.
func bucketOfPath(path string) string {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return bucket
}

// bucketOf is the Bucket member of an input.
func bucketOf(in any) string {
	f := reflect.ValueOf(in).Elem().FieldByName("Bucket")
	if !f.IsValid() {
		return ""
	}
	if name, ok := f.Interface().(*string); ok && name != nil {
		return *name
	}
	return ""
}
