// Package sigv4 signs and verifies AWS requests with Signature Version 4, as
// "AWS Signature Version 4 for API requests" of the IAM user guide and
// "Authenticating Requests" of the S3 API reference describe it: in the
// Authorization header, in a presigned query, and over the chunks of a stream
// (aws-chunked).
//
// It knows no service but for the one rule that differs: S3's paths are signed
// as they are sent, all others escaped once more.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Algorithm is the name of the signing algorithm in headers and queries.
const Algorithm = "AWS4-HMAC-SHA256"

// Payload hashes that are not the hash of the body.
const (
	UnsignedPayload          = "UNSIGNED-PAYLOAD"
	StreamingPayload         = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	StreamingPayloadTrailer  = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	StreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

const (
	timeForm = "20060102T150405Z"
	dateForm = "20060102"
)

// EmptyHash is the SHA-256 of nothing, in hexadecimal.
const EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Credentials sign a request.
type Credentials struct {
	AccessKey, SecretKey, SessionToken string
}

// Scope is where and for what a signature is valid.
type Scope struct {
	Date, Region, Service string
}

func (s Scope) String() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/aws4_request"
}

// Signer signs requests of one service in one region.
type Signer struct {
	Credentials Credentials
	Region      string
	Service     string // signing name, for example s3
	Headers     string // beside the host, only headers that begin so are signed, in lower case; "" for all
}

// Sign adds X-Amz-Date, X-Amz-Content-Sha256 (S3 only), X-Amz-Security-Token
// and Authorization to the request. payloadHash is the hexadecimal SHA-256 of
// the body or one of the constants above. It signs the host and the headers of
// the request, except those that proxies change.
func (s Signer) Sign(r *http.Request, payloadHash string, now time.Time) {
	stamp := now.UTC().Format(timeForm)
	r.Header.Del("Authorization")
	r.Header.Set("X-Amz-Date", stamp)
	if s.Service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", payloadHash)
	}
	if s.Credentials.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", s.Credentials.SessionToken)
	}
	names := []string{"host"}
	for name := range r.Header {
		if n := strings.ToLower(name); !unsigned[n] && strings.HasPrefix(n, s.Headers) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	scope := Scope{stamp[:8], s.Region, s.Service}
	canonical := canonicalRequest(r, r.URL.RawQuery, names, payloadHash, s.Service)
	key := SigningKey(s.Credentials.SecretKey, scope)
	signature := hexHMAC(key, stringToSign(Algorithm, stamp, scope, canonical))
	r.Header.Set("Authorization", Algorithm+" Credential="+s.Credentials.AccessKey+"/"+scope.String()+
		", SignedHeaders="+strings.Join(names, ";")+", Signature="+signature)
}

// unsigned are the headers that are left out of signatures because proxies and
// transports set them.
var unsigned = map[string]bool{"authorization": true, "user-agent": true, "x-amzn-trace-id": true, "expect": true,
	"connection": true, "transfer-encoding": true, "accept-encoding": true, "content-length": true}

// SigningKey derives the key of a scope from a secret key.
func SigningKey(secret string, s Scope) []byte {
	k := sum([]byte("AWS4"+secret), s.Date)
	k = sum(k, s.Region)
	k = sum(k, s.Service)
	return sum(k, "aws4_request")
}

// HashPayload is the hexadecimal SHA-256 of a body.
func HashPayload(body []byte) string {
	h := sha256.Sum256(body)
	return hex.EncodeToString(h[:])
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, text)
	return h.Sum(nil)
}

func hexHMAC(key []byte, text string) string { return hex.EncodeToString(sum(key, text)) }

func stringToSign(algorithm, stamp string, s Scope, canonical string) string {
	return algorithm + "\n" + stamp + "\n" + s.String() + "\n" + HashPayload([]byte(canonical))
}

// canonicalRequest is step 1 of the documentation. names are the signed
// headers, lower case and sorted.
func canonicalRequest(r *http.Request, rawQuery string, names []string, payloadHash, service string) string {
	var b strings.Builder
	b.WriteString(r.Method)
	b.WriteByte('\n')
	b.WriteString(canonicalPath(r.URL, service))
	b.WriteByte('\n')
	b.WriteString(canonicalRawQuery(rawQuery))
	b.WriteByte('\n')
	for _, n := range names {
		b.WriteString(n)
		b.WriteByte(':')
		b.WriteString(headerValue(r, n))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(strings.Join(names, ";"))
	b.WriteByte('\n')
	b.WriteString(payloadHash)
	return b.String()
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		if r.Host != "" {
			return r.Host
		}
		return r.URL.Host
	case "content-length":
		if v := r.Header.Get(name); v != "" {
			return v
		}
		if r.ContentLength >= 0 {
			return fmt.Sprint(r.ContentLength)
		}
	case "transfer-encoding":
		return strings.Join(r.TransferEncoding, ",")
	}
	values := r.Header.Values(name)
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(trimmed, ",")
}

// canonicalPath is the path of the request, each segment escaped; twice for all
// services but S3.
func canonicalPath(u *url.URL, service string) string {
	path := u.EscapedPath()
	if path == "" {
		return "/"
	}
	if service == "s3" || service == "s3express" || service == "s3-object-lambda" {
		if plain, err := url.PathUnescape(path); err == nil {
			return Escape(plain, true)
		}
		return path
	}
	return Escape(cleanPath(path), true)
}

// cleanPath removes empty, . and .. segments, as clients do before they sign.
func cleanPath(path string) string {
	var out []string
	for _, s := range strings.Split(path, "/") {
		switch s {
		case "", ".":
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
		default:
			out = append(out, s)
		}
	}
	clean := "/" + strings.Join(out, "/")
	if strings.HasSuffix(path, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

func canonicalRawQuery(raw string) string {
	q := url.Values{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		q.Add(unescape(k), unescape(v))
	}
	return canonicalQuery(q, "")
}

// unescape decodes a query part; a plus sign is a blank, a broken escape stays
// as it is.
func unescape(s string) string {
	if t, err := url.QueryUnescape(s); err == nil {
		return t
	}
	return s
}

// canonicalQuery sorts and escapes the parameters, leaving one out.
func canonicalQuery(q url.Values, without string) string {
	type pair struct{ k, v string }
	var list []pair
	for k, vs := range q {
		if k == without {
			continue
		}
		for _, v := range vs {
			list = append(list, pair{Escape(k, false), Escape(v, false)})
		}
	}
	slices.SortFunc(list, func(a, b pair) int {
		if c := strings.Compare(a.k, b.k); c != 0 {
			return c
		}
		return strings.Compare(a.v, b.v)
	})
	parts := make([]string, len(list))
	for i, p := range list {
		parts[i] = p.k + "=" + p.v
	}
	return strings.Join(parts, "&")
}

const upperHex = "0123456789ABCDEF"

// Escape is AWS's URI encoding: all bytes but letters, digits and -_.~ (and
// slashes, when they stay) as %XX.
func Escape(s string, slashes bool) string {
	b := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' || slashes && c == '/' {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(b)
}
