package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseLegacy reads a query that is presigned with signature version 2, which
// boto3 still makes for buckets in us-east-1.
func parseLegacy(q url.Values) (Auth, error) {
	a := Auth{AccessKey: q.Get("AWSAccessKeyId"), Signature: q.Get("Signature"), Time: q.Get("Expires"),
		SessionToken: q.Get("x-amz-security-token"), Legacy: true, Presigned: true}
	if _, err := strconv.ParseInt(a.Time, 10, 64); err != nil {
		return a, fmt.Errorf("%w: Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters", ErrIncomplete)
	}
	return a, nil
}

// VerifyLegacy checks the signature of a query that is presigned with version 2
// ("Query string request authentication alternative" in the S3 developer
// guide's "Signing and authenticating REST requests (signature version 2)").
// bucket is that of a virtual-hosted request, else "".
func VerifyLegacy(r *http.Request, a Auth, secret, bucket string, now time.Time) error {
	expires, err := strconv.ParseInt(a.Time, 10, 64)
	if err != nil {
		return ErrIncomplete
	}
	if now.Unix() > expires {
		return fmt.Errorf("%w: the URL was valid until %s", ErrExpired, time.Unix(expires, 0).UTC().Format(timeForm))
	}
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(legacyString(r, a, bucket)))
	want := base64.StdEncoding.EncodeToString(h.Sum(nil))
	if !hmac.Equal([]byte(want), []byte(a.Signature)) {
		return ErrMismatch
	}
	return nil
}

// legacyString is the text that is signed. Headers may stand in the query.
func legacyString(r *http.Request, a Auth, bucket string) string {
	q := r.URL.Query()
	header := func(name string) string {
		if v := r.Header.Get(name); v != "" {
			return v
		}
		return q.Get(name)
	}
	amz := map[string]string{}
	for name, values := range r.Header {
		if n := strings.ToLower(name); strings.HasPrefix(n, "x-amz-") {
			amz[n] = strings.Join(values, ",")
		}
	}
	for name, values := range q {
		if strings.HasPrefix(name, "x-amz-") {
			amz[name] = strings.Join(values, ",")
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n%s\n%s\n", r.Method, header("content-md5"), header("content-type"), a.Time)
	for _, name := range slices.Sorted(maps.Keys(amz)) {
		fmt.Fprintf(&b, "%s:%s\n", name, amz[name])
	}
	if bucket != "" {
		b.WriteString("/" + bucket)
	}
	b.WriteString(r.URL.EscapedPath())
	separator := "?"
	for _, name := range legacyResource {
		if !q.Has(name) {
			continue
		}
		b.WriteString(separator + name)
		if v := q.Get(name); v != "" {
			b.WriteString("=" + v)
		}
		separator = "&"
	}
	return b.String()
}

// legacyResource are the query parameters that are part of the signed resource,
// sorted.
var legacyResource = []string{"accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
	"logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment", "response-cache-control",
	"response-content-disposition", "response-content-encoding", "response-content-language", "response-content-type", "response-expires",
	"restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website"}
