package sigv4

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Auth is the authentication that a request carries.
type Auth struct {
	AccessKey    string
	Scope        Scope
	Signed       []string // names of the signed headers
	Signature    string   // hexadecimal
	Time         string   // X-Amz-Date; of version 2, Expires
	Expires      time.Duration
	Presigned    bool
	SessionToken string
	PayloadHash  string // as signed
	Legacy       bool   // signature version 2: verified where it is presigned (VerifyLegacy)
}

// Reasons for which a signature is refused.
var (
	ErrMissing    = errors.New("no authentication")
	ErrIncomplete = errors.New("incomplete signature")
	ErrMismatch   = errors.New("signature does not match")
	ErrExpired    = errors.New("signature expired")
	ErrSkewed     = errors.New("signature not yet current")
)

// Parse reads the authentication of a request from its Authorization header or
// its query. ErrMissing says that it has none; ErrIncomplete is wrapped with
// AWS's text.
func Parse(r *http.Request) (Auth, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		return parseHeader(r, h)
	}
	q := r.URL.Query()
	switch {
	case q.Get("X-Amz-Algorithm") != "" || q.Get("X-Amz-Credential") != "":
		return parseQuery(r)
	case q.Get("AWSAccessKeyId") != "" && q.Get("Signature") != "":
		return parseLegacy(q)
	}
	return Auth{}, ErrMissing
}

func parseHeader(r *http.Request, h string) (Auth, error) {
	if rest, ok := strings.CutPrefix(h, "AWS "); ok {
		key, _, _ := strings.Cut(rest, ":")
		return Auth{AccessKey: key, Legacy: true}, nil
	}
	rest, ok := strings.CutPrefix(h, Algorithm)
	if !ok {
		return Auth{}, fmt.Errorf("%w: Unsupported AWS 'algorithm': '%s' (only 'AWS4-HMAC-SHA256' is supported).", ErrIncomplete, firstWord(h))
	}
	parts := map[string]string{}
	for p := range strings.SplitSeq(rest, ",") {
		if k, v, ok := strings.Cut(strings.TrimSpace(p), "="); ok {
			parts[k] = v
		}
	}
	var missing []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[name] == "" {
			missing = append(missing, fmt.Sprintf("Authorization header requires '%s' parameter.", name))
		}
	}
	stamp := r.Header.Get("X-Amz-Date")
	if stamp == "" {
		if t, err := http.ParseTime(r.Header.Get("Date")); err == nil {
			stamp = t.UTC().Format(timeForm)
		}
	}
	if stamp == "" {
		missing = append(missing, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if missing != nil {
		return Auth{}, fmt.Errorf("%w: %s Authorization=%s", ErrIncomplete, strings.Join(missing, " "), h)
	}
	a := Auth{Signature: parts["Signature"], Signed: strings.Split(parts["SignedHeaders"], ";"), Time: stamp,
		SessionToken: r.Header.Get("X-Amz-Security-Token"), PayloadHash: r.Header.Get("X-Amz-Content-Sha256")}
	return a, a.credential(parts["Credential"])
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(s, " ")
	return w
}

func parseQuery(r *http.Request) (Auth, error) {
	q := r.URL.Query()
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		if q.Get(name) == "" {
			return Auth{}, fmt.Errorf("%w: AWS query-string parameters must include '%s'. Re-examine the query-string parameters.", ErrIncomplete, name)
		}
	}
	a := Auth{Presigned: true, Signature: q.Get("X-Amz-Signature"), Signed: strings.Split(q.Get("X-Amz-SignedHeaders"), ";"),
		Time: q.Get("X-Amz-Date"), SessionToken: q.Get("X-Amz-Security-Token"), PayloadHash: q.Get("X-Amz-Content-Sha256"), Expires: 15 * time.Minute}
	if s := q.Get("X-Amz-Expires"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > 7*24*3600 {
			return Auth{}, fmt.Errorf("%w: X-Amz-Expires must be a number of seconds up to 604800", ErrIncomplete)
		}
		a.Expires = time.Duration(n) * time.Second
	}
	return a, a.credential(q.Get("X-Amz-Credential"))
}

func (a *Auth) credential(text string) error {
	p := strings.Split(text, "/")
	n := len(p)
	if n < 5 || p[n-1] != "aws4_request" {
		return fmt.Errorf("%w: Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", ErrIncomplete, text)
	}
	a.AccessKey = strings.Join(p[:n-4], "/")
	a.Scope = Scope{p[n-4], p[n-3], p[n-2]}
	return nil
}

// Window is how far a signature's time may lie from now.
const Window = 5 * time.Minute

// Verify checks the signature of a request against a secret key. bodyHash is
// the hexadecimal SHA-256 of the body that arrived, or "" when the body is a
// stream that the caller does not hash; a signed X-Amz-Content-Sha256 must agree
// with it. window is how far the clocks may differ (Window; S3 allows 15
// minutes).
func Verify(r *http.Request, a Auth, secret, bodyHash string, now time.Time, window time.Duration) error {
	at, err := time.Parse(timeForm, a.Time)
	if err != nil {
		return fmt.Errorf("%w: Date must be in ISO-8601 'basic format'. Got '%s'.", ErrIncomplete, a.Time)
	}
	if at.Format(dateForm) != a.Scope.Date {
		return fmt.Errorf("%w: Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP", ErrMismatch)
	}
	if !slices.Contains(a.Signed, "host") {
		return fmt.Errorf("%w: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.", ErrMismatch)
	}
	if err := a.timely(at, now, window); err != nil {
		return err
	}
	hash, raw := a.PayloadHash, r.URL.RawQuery
	if a.Presigned {
		raw = withoutSignature(raw)
		if hash == "" {
			hash = EmptyHash
			if a.Scope.Service == "s3" {
				hash = UnsignedPayload
			} else if bodyHash != "" {
				hash = bodyHash
			}
		}
	}
	if hash == "" {
		hash = bodyHash
	}
	if bodyHash != "" && len(hash) == 64 && !a.Presigned && hash != bodyHash {
		return ErrMismatch
	}
	canonical := canonicalRequest(r, raw, a.Signed, hash, a.Scope.Service)
	want := hexHMAC(SigningKey(secret, a.Scope), stringToSign(Algorithm, a.Time, a.Scope, canonical))
	if !hmac.Equal([]byte(want), []byte(a.Signature)) {
		return ErrMismatch
	}
	return nil
}

func (a *Auth) timely(at, now time.Time, window time.Duration) error {
	now = now.UTC()
	mins := fmt.Sprintf("%d min.", int(window/time.Minute))
	switch {
	case a.Presigned && now.After(at.Add(a.Expires)):
		return fmt.Errorf("%w: Signature expired: %s is now earlier than %s", ErrExpired, a.Time, now.Add(-a.Expires).Format(timeForm))
	case !a.Presigned && now.Sub(at) > window:
		return fmt.Errorf("%w: Signature expired: %s is now earlier than %s (%s - %s)", ErrExpired, a.Time, now.Add(-window).Format(timeForm), now.Format(timeForm), mins)
	case at.Sub(now) > window:
		return fmt.Errorf("%w: Signature not yet current: %s is still later than %s (%s + %s)", ErrSkewed, a.Time, now.Add(window).Format(timeForm), now.Format(timeForm), mins)
	}
	return nil
}

func withoutSignature(raw string) string {
	var keep []string
	for part := range strings.SplitSeq(raw, "&") {
		if k, _, _ := strings.Cut(part, "="); k != "X-Amz-Signature" {
			keep = append(keep, part)
		}
	}
	return strings.Join(keep, "&")
}
