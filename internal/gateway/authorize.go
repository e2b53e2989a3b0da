package gateway

import (
	"errors"
	"strings"
	"time"

	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/wire/sigv4"
)

// authorize decides who the caller is and reads the body, unless it streams.
func (g *Gateway) authorize(x *exchange, stream bool) ([]byte, error) {
	a := &x.target.auth
	x.caller = bus.Caller{AccessKey: a.AccessKey, Region: x.target.region, Source: source, RequestID: x.id}
	if bus.IsAccount(a.AccessKey) {
		x.caller.Account = a.AccessKey
	}
	var known Credential
	var ok bool
	if g.o.Credentials != nil && a.AccessKey != "" {
		if known, ok = g.o.Credentials.Lookup(x.r.Context(), a.AccessKey); ok {
			x.caller.Account, x.caller.Principal = known.Account, known.Principal
		}
	}
	var body []byte
	if !stream {
		raw, err := g.body(x)
		if err != nil {
			return nil, err
		}
		if body, err = g.plain(x, raw); err != nil {
			return nil, err
		}
	}
	if !g.o.Verify || g.unsigned(x) {
		return body, nil
	}
	if err := g.verify(x, known, ok, stream); err != nil {
		return nil, g.authError(x, err)
	}
	return body, nil
}

// unsigned says that a request without a signature may pass: its operation has
// no use for one (sts:AssumeRoleWithWebIdentity).
func (g *Gateway) unsigned(x *exchange) bool {
	if x.target.entry == nil || !errors.Is(x.target.authErr, sigv4.ErrMissing) {
		return false
	}
	op := x.target.entry.codec.Model.Operation(x.target.operation)
	return op != nil && (op.NoAuth || g.open[x.target.service+":"+x.target.operation])
}

var (
	errUnknownKey = errors.New("unknown access key")
	errToken      = errors.New("wrong session token")
	errOldToken   = errors.New("expired session token")
	errLegacy     = errors.New("signature version 2 in a header")
)

func (g *Gateway) verify(x *exchange, known Credential, ok, stream bool) error {
	a := x.target.auth
	switch {
	case x.target.authErr != nil:
		return x.target.authErr
	case !ok:
		return errUnknownKey
	case a.Legacy && !a.Presigned:
		return errLegacy
	case known.SessionToken != a.SessionToken:
		return errToken
	case !known.Expires.IsZero() && g.o.Now().After(known.Expires):
		return errOldToken
	}
	if a.Legacy {
		return sigv4.VerifyLegacy(x.r, a, known.Secret, x.target.bucket, g.o.Now())
	}
	hash := ""
	if !stream {
		raw, err := g.body(x)
		if err != nil {
			return err
		}
		hash = sigv4.HashPayload(raw)
	}
	window := sigv4.Window
	if x.target.service == "s3" {
		window = 15 * time.Minute
	}
	if err := sigv4.Verify(x.r, a, known.Secret, hash, g.o.Now(), window); err != nil {
		return err
	}
	x.secret = known.Secret
	if stream {
		verifiedBody(x)
	}
	return nil
}

// authError words a refusal as the service's protocol does.
func (g *Gateway) authError(x *exchange, err error) *awserr.Error {
	if e := awserr.From(err); e != nil {
		return e
	}
	json := true
	switch _, p := g.speak(x); p {
	case awsapi.Query, awsapi.EC2:
		json = false
	}
	if x.target.service == "s3" {
		return s3AuthError(err, x.target.auth.Presigned)
	}
	pick := func(jsonCode, queryCode, text string) *awserr.Error {
		if json {
			return awserr.New(403, jsonCode, "%s", text)
		}
		return awserr.New(403, queryCode, "%s", text)
	}
	switch {
	case errors.Is(err, sigv4.ErrMissing):
		if json {
			return awserr.New(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
		}
		return awserr.New(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
	case errors.Is(err, sigv4.ErrIncomplete):
		e := pick("IncompleteSignatureException", "IncompleteSignature", tail(err, sigv4.ErrIncomplete))
		e.Status = 400
		return e
	case errors.Is(err, errUnknownKey), errors.Is(err, errToken):
		return pick("UnrecognizedClientException", "InvalidClientTokenId", "The security token included in the request is invalid.")
	case errors.Is(err, errOldToken):
		return pick("ExpiredTokenException", "ExpiredToken", "The security token included in the request is expired")
	case errors.Is(err, sigv4.ErrExpired):
		return pick("InvalidSignatureException", "SignatureDoesNotMatch", tail(err, sigv4.ErrExpired))
	case errors.Is(err, sigv4.ErrSkewed):
		return pick("InvalidSignatureException", "SignatureDoesNotMatch", tail(err, sigv4.ErrSkewed))
	}
	if text := tail(err, sigv4.ErrMismatch); text != "" {
		return pick("InvalidSignatureException", "SignatureDoesNotMatch", text)
	}
	return pick("InvalidSignatureException", "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

// tail is the text that an error adds to the one it wraps.
func tail(err, base error) string {
	text, _ := strings.CutPrefix(err.Error(), base.Error()+": ")
	if text == base.Error() {
		return ""
	}
	return text
}

// s3AuthError words a refusal as S3 does ("Error responses" of its API
// reference).
func s3AuthError(err error, presigned bool) *awserr.Error {
	switch {
	case presigned && errors.Is(err, sigv4.ErrExpired):
		return awserr.New(403, "AccessDenied", "Request has expired")
	case errors.Is(err, sigv4.ErrMissing):
		return awserr.New(403, "AccessDenied", "Access Denied")
	case errors.Is(err, sigv4.ErrIncomplete):
		return awserr.New(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; %s", tail(err, sigv4.ErrIncomplete))
	case errors.Is(err, errLegacy):
		return awserr.New(400, "InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	case errors.Is(err, errUnknownKey):
		return awserr.New(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	case errors.Is(err, errToken):
		return awserr.New(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
	case errors.Is(err, errOldToken):
		return awserr.New(400, "ExpiredToken", "The provided token has expired.")
	case errors.Is(err, sigv4.ErrExpired), errors.Is(err, sigv4.ErrSkewed):
		return awserr.New(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	}
	return s3Mismatch()
}

func s3Mismatch() *awserr.Error {
	return awserr.New(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
}
