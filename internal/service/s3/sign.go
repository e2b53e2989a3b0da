package s3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	signRegion    = "us-east-1" // the only region the embedded server is configured with
	amzDateFormat = "20060102T150405Z"
)

// sign puts a Signature Version 4 of the account on a request for the embedded
// server: the host and all x-amz-* headers are signed, the body as
// X-Amz-Content-Sha256 says. The request's escaped path and query must already
// be in canonical form.
func (a *accounts) sign(r *http.Request, account string, now time.Time) {
	now = now.UTC()
	date, day := now.Format(amzDateFormat), now.Format("20060102")
	r.Header.Set("X-Amz-Date", date)

	names := []string{"host"}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") {
			names = append(names, lower)
		}
	}
	slices.Sort(names)
	var headers strings.Builder
	for _, name := range names {
		headers.WriteString(name + ":")
		if name == "host" {
			headers.WriteString(r.Host)
		} else {
			for i, v := range r.Header.Values(name) {
				if i > 0 {
					headers.WriteByte(',')
				}
				headers.WriteString(strings.Join(strings.FieldsFunc(v, func(c rune) bool { return c == ' ' }), " "))
			}
		}
		headers.WriteByte('\n')
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery,
		headers.String(), signed, r.Header.Get("X-Amz-Content-Sha256")}, "\n")
	digest := sha256.Sum256([]byte(canonical))

	scope := day + "/" + signRegion + "/s3/aws4_request"
	text := "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + hex.EncodeToString(digest[:])
	key := []byte("AWS4" + a.secret(account))
	for _, part := range []string{day, signRegion, "s3", "aws4_request", text} {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+account+"/"+scope+
		", SignedHeaders="+signed+", Signature="+hex.EncodeToString(key))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// escapePath encodes a path as Signature Version 4 wants it: everything but
// unreserved characters and slashes.
func escapePath(path string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}
