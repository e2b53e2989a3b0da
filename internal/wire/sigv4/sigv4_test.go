package sigv4

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

// vector is a request as botocore 1.43 signed it.
type vector struct {
	Service, Region, Method, URL string
	Headers                      map[string]string
	Body, Token                  string
	Expires                      int
	SignedURL                    string
	Signed                       map[string]string
}

func vectors(t *testing.T) []vector {
	b, err := os.ReadFile("testdata/botocore.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

var at = time.Date(2025, 11, 21, 4, 0, 0, 0, time.UTC)

func TestSignAsBotocore(t *testing.T) {
	for _, v := range vectors(t) {
		r, err := http.NewRequest(v.Method, v.URL, strings.NewReader(v.Body))
		if err != nil {
			t.Fatal(err)
		}
		for k, val := range v.Headers {
			r.Header.Set(k, val)
		}
		s := Signer{Credentials{"AKIDEXAMPLE", secretKey, v.Token}, v.Region, v.Service, ""}
		if v.Expires > 0 {
			got := presign(s, r, time.Duration(v.Expires)*time.Second, at)
			if signatureOf(got) != signatureOf(v.SignedURL) {
				t.Errorf("presigned %s:\n got %s\nwant %s", v.URL, got, v.SignedURL)
			}
			continue
		}
		s.Sign(r, HashPayload([]byte(v.Body)), at)
		if got, want := r.Header.Get("Authorization"), v.Signed["Authorization"]; got != want {
			t.Errorf("%s %s:\n got %s\nwant %s", v.Method, v.URL, got, want)
		}
	}
}

func signatureOf(u string) string {
	_, s, _ := strings.Cut(u, "X-Amz-Signature=")
	return s
}

// TestVerifyBotocore verifies what botocore signed, and refuses it when
// anything signed is changed.
func TestVerifyBotocore(t *testing.T) {
	for _, v := range vectors(t) {
		build := func() *http.Request {
			u := v.URL
			if v.SignedURL != "" {
				u = v.SignedURL
			}
			r, err := http.NewRequest(v.Method, u, strings.NewReader(v.Body))
			if err != nil {
				t.Fatal(err)
			}
			for k, val := range v.Signed {
				r.Header.Set(k, val)
			}
			return r
		}
		check := func(r *http.Request, secret, body string, now time.Time) error {
			a, err := Parse(r)
			if err != nil {
				return err
			}
			return Verify(r, a, secret, HashPayload([]byte(body)), now, Window)
		}
		if err := check(build(), secretKey, v.Body, at.Add(time.Second)); err != nil {
			t.Errorf("%s: %v", v.URL, err)
		}
		if err := check(build(), "other", v.Body, at); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s with another key: %v", v.URL, err)
		}
		if err := check(build(), secretKey, v.Body, at.Add(2*time.Hour)); !errors.Is(err, ErrExpired) {
			t.Errorf("%s two hours later: %v", v.URL, err)
		}
		if err := check(build(), secretKey, v.Body, at.Add(-time.Hour)); !errors.Is(err, ErrSkewed) {
			t.Errorf("%s an hour before: %v", v.URL, err)
		}
		if v.Expires == 0 {
			if err := check(build(), secretKey, v.Body+"x", at); !errors.Is(err, ErrMismatch) {
				t.Errorf("%s with another body: %v", v.URL, err)
			}
		}
		r := build()
		r.URL.RawQuery += "&extra=1"
		if err := check(r, secretKey, v.Body, at); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s with another query: %v", v.URL, err)
		}
		r = build()
		r.Host = "evil.example"
		if err := check(r, secretKey, v.Body, at); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s for another host: %v", v.URL, err)
		}
	}
}

// TestDocumentedS3 is the example "GET Object" of the S3 API reference,
// Authenticating Requests: Using the Authorization Header.
func TestDocumentedS3(t *testing.T) {
	r, _ := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	r.Header.Set("Range", "bytes=0-9")
	s := Signer{Credentials{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""}, "us-east-1", "s3", ""}
	s.Sign(r, EmptyHash, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	if want := "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"; !strings.HasSuffix(r.Header.Get("Authorization"), want) {
		t.Errorf("got %s, want signature %s", r.Header.Get("Authorization"), want)
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ authorization, query, err string }{
		{"", "", "no authentication"},
		{"Basic abc", "", "incomplete signature: Unsupported AWS 'algorithm': 'Basic' (only 'AWS4-HMAC-SHA256' is supported)."},
		{"AWS4-HMAC-SHA256 Credential=a/20251121/us-east-1/s3/aws4_request", "", "incomplete signature: Authorization header requires 'Signature' parameter. " +
			"Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256 Credential=a/20251121/us-east-1/s3/aws4_request"},
		{"AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00", "", "incomplete signature: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b'"},
		{"", "X-Amz-Algorithm=AWS4-HMAC-SHA256", "incomplete signature: AWS query-string parameters must include 'X-Amz-Credential'. Re-examine the query-string parameters."},
		{"AWS AKID:sig=", "", ""},
	} {
		r, _ := http.NewRequest("GET", "http://h/?"+c.query, nil)
		r.Header.Set("X-Amz-Date", "20251121T040000Z")
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		_, err := Parse(r)
		if got := text(err); got != c.err {
			t.Errorf("%q %q: got %s, want %s", c.authorization, c.query, got, c.err)
		}
	}
}

// TestVerifyLegacy checks URLs that boto3 has presigned with version 2.
func TestVerifyLegacy(t *testing.T) {
	const get = "/bucket/a%20b/%C3%BC%2B.txt?response-content-type=text%2Fcsv&versionId=v1&AWSAccessKeyId=AKIDEXAMPLE&Signature=cscIOPFI81yB0eUOPpxYs0ji7Iw%3D&Expires=1800000060"
	const put = "/bucket/k?AWSAccessKeyId=AKIDEXAMPLE&Signature=E3CnhvcvtmtllYcDtlR%2Fwq95sYI%3D&content-type=text%2Fplain&x-amz-meta-a=b&x-amz-security-token=tok%2Fen%2B%3D&Expires=1800000060"
	for _, c := range []struct {
		method, url, bucket, secret string
		now                         int64
		err                         string
	}{
		{"GET", get, "", "secret", 1800000060, ""},
		{"GET", strings.Replace(get, "/bucket", "", 1), "bucket", "secret", 1800000000, ""},
		{"PUT", put, "", "secret", 1800000000, ""},
		{"GET", put, "", "secret", 1800000000, "signature does not match"},
		{"GET", get, "", "other", 1800000000, "signature does not match"},
		{"GET", strings.Replace(get, "v1", "v2", 1), "", "secret", 1800000000, "signature does not match"},
		{"GET", strings.Replace(get, "1800000060", "1900000060", 1), "", "secret", 1800000000, "signature does not match"},
		{"GET", get, "", "secret", 1800000061, "signature expired: the URL was valid until 20270115T080100Z"},
		{"GET", strings.Replace(get, "1800000060", "soon", 1), "", "secret", 1800000000,
			"incomplete signature: Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"},
	} {
		r, err := http.NewRequest(c.method, "http://h"+c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Parse(r)
		if err == nil {
			err = VerifyLegacy(r, a, c.secret, c.bucket, time.Unix(c.now, 0))
		}
		if got := text(err); got != c.err || a.AccessKey != "AKIDEXAMPLE" || strings.Contains(c.url, "token") != (a.SessionToken == "tok/en+=") {
			t.Errorf("%s %s: got %s, want %s", c.method, c.url, got, c.err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// documented is the request of the S3 API reference, Signature Calculations for
// the Authorization Header: Transferring Payload in Multiple Chunks.
func documented() (Auth, string, string) {
	a := Auth{Time: "20130524T000000Z", Scope: Scope{"20130524", "us-east-1", "s3"}, PayloadHash: StreamingPayload,
		Signature: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"}
	body := "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + strings.Repeat("a", 65536) + "\r\n" +
		"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + strings.Repeat("a", 1024) + "\r\n" +
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
	return a, body, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
}

func TestChunked(t *testing.T) {
	a, body, secret := documented()
	for name, in := range map[string]io.Reader{"whole": strings.NewReader(body), "byte by byte": iotest.OneByteReader(strings.NewReader(body))} {
		got, err := io.ReadAll(NewChunked(in, a, secret))
		if err != nil || len(got) != 66560 || strings.Trim(string(got), "a") != "" {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	for _, c := range []struct {
		name, from, to string
		want           error
	}{
		{"changed payload", "aaaa\r\n400", "aaab\r\n400", ErrChunkSignature},
		{"changed signature", "0055627c", "0155627c", ErrChunkSignature},
		{"changed last signature", "b6c6ea8a", "b6c6ea8b", ErrChunkSignature},
		{"no size", "400;", "x;", ErrChunk},
		{"wrong size", "400;", "3ff;", ErrChunk},
		{"cut", "\r\n0;chunk", "", io.ErrUnexpectedEOF},
	} {
		bad := strings.Replace(body, c.from, c.to, 1)
		if c.name == "cut" {
			bad = body[:66000]
		}
		if _, err := io.ReadAll(NewChunked(strings.NewReader(bad), a, secret)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if got, err := io.ReadAll(NewChunked(strings.NewReader(strings.ReplaceAll(body, "b6c6", "0000")), a, "")); err != nil || len(got) != 66560 {
		t.Errorf("unverified: %d bytes, %v", len(got), err)
	}
}

// TestChunkedTrailer reads a signed trailer and reframes it without signatures.
func TestChunkedTrailer(t *testing.T) {
	a, _, secret := documented()
	a.PayloadHash = StreamingPayloadTrailer
	key := SigningKey(secret, a.Scope)
	sign := func(kind, previous, rest string) string {
		return hexHMAC(key, kind+"\n"+a.Time+"\n"+a.Scope.String()+"\n"+previous+"\n"+rest)
	}
	s1 := sign("AWS4-HMAC-SHA256-PAYLOAD", a.Signature, EmptyHash+"\n"+HashPayload([]byte("hello")))
	s2 := sign("AWS4-HMAC-SHA256-PAYLOAD", s1, EmptyHash+"\n"+EmptyHash)
	s3 := sign("AWS4-HMAC-SHA256-TRAILER", s2, HashPayload([]byte("x-amz-checksum-crc32:NhCmhg==\n")))
	body := "5;chunk-signature=" + s1 + "\r\nhello\r\n0;chunk-signature=" + s2 + "\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:" + s3 + "\r\n\r\n"
	got, err := io.ReadAll(Reframe(NewChunked(strings.NewReader(body), a, secret)))
	want := "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	bad := strings.Replace(body, "NhCmhg", "NhCmhh", 1)
	if _, err := io.ReadAll(NewChunked(strings.NewReader(bad), a, secret)); !errors.Is(err, ErrChunkSignature) {
		t.Errorf("changed trailer: %v", err)
	}
	a.PayloadHash = StreamingUnsignedTrailer
	c := NewChunked(strings.NewReader(want), a, secret)
	got, err = io.ReadAll(c)
	if err != nil || string(got) != "hello" || c.Trailer().Get("X-Amz-Checksum-Crc32") != "NhCmhg==" {
		t.Errorf("unsigned trailer: %q, %v, %v", got, c.Trailer(), err)
	}
}

func FuzzChunked(f *testing.F) {
	a, body, secret := documented()
	f.Add([]byte(body[:200]), true)
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"), false)
	f.Fuzz(func(t *testing.T, in []byte, verify bool) {
		s := ""
		if verify {
			s = secret
		}
		c := NewChunked(bytes.NewReader(in), a, s)
		out, err := io.ReadAll(c)
		if len(out) > len(in) {
			t.Fatalf("%d bytes out of %d", len(out), len(in))
		}
		if err == nil && !verify {
			again, err := io.ReadAll(NewChunked(Reframe(NewChunked(bytes.NewReader(in), a, "")), a, ""))
			if err != nil || !bytes.Equal(again, out) {
				t.Fatalf("reframed %q, %v; want %q", again, err, out)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=a/20251121/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00", "")
	f.Add("", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20251121%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20251121T040000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=0")
	f.Fuzz(func(t *testing.T, authorization, query string) {
		r, _ := http.NewRequest("GET", "http://h/p", nil)
		r.URL.RawQuery = query
		r.Header.Set("X-Amz-Date", "20251121T040000Z")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		if a, err := Parse(r); err == nil {
			if Verify(r, a, "wrong", "", at, Window) == nil {
				t.Fatal("verified with a wrong key")
			}
		}
	})
}

// presign returns the URL of the request with a signature that is valid for the
// given time. The body is not signed.
func presign(s Signer, r *http.Request, expires time.Duration, now time.Time) string {
	stamp := now.UTC().Format(timeForm)
	scope := Scope{stamp[:8], s.Region, s.Service}
	q := r.URL.Query()
	q.Set("X-Amz-Algorithm", Algorithm)
	q.Set("X-Amz-Credential", s.Credentials.AccessKey+"/"+scope.String())
	q.Set("X-Amz-Date", stamp)
	q.Set("X-Amz-Expires", fmt.Sprint(int(expires/time.Second)))
	q.Set("X-Amz-SignedHeaders", "host")
	if s.Credentials.SessionToken != "" {
		q.Set("X-Amz-Security-Token", s.Credentials.SessionToken)
	}
	raw := canonicalQuery(q, "")
	hash := UnsignedPayload
	if s.Service != "s3" {
		hash = EmptyHash
	}
	canonical := canonicalRequest(r, raw, []string{"host"}, hash, s.Service)
	signature := hexHMAC(SigningKey(s.Credentials.SecretKey, scope), stringToSign(Algorithm, stamp, scope, canonical))
	u := *r.URL
	u.RawQuery = raw + "&X-Amz-Signature=" + signature
	if u.Host == "" {
		u.Host = r.Host
	}
	return u.String()
}
