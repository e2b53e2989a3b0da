package s3

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3err"

	"stepwell/internal/bus"
	"stepwell/internal/wire/sigv4"
)

// signRegion is the only region the embedded server is configured with.
const signRegion = "us-east-1"

// accounts is the account book that the embedded S3 server asks: every
// 12-digit account exists, with a secret that only this process knows. The
// server never sees a user's own credentials; requests reach it signed by the
// door with the account's secret.
type accounts struct {
	key []byte
	// owner is the account that owns a bucket, "" where there is no such bucket.
	owner func(bucket string) string
}

func newAccounts() *accounts {
	key := make([]byte, 32)
	rand.Read(key) // never fails: crypto/rand documents it
	return &accounts{key: key}
}

// secret is the secret key of an account in this process.
func (a *accounts) secret(account string) string {
	h := hmac.New(sha256.New, a.key)
	h.Write([]byte(account))
	return hex.EncodeToString(h.Sum(nil))
}

// sign signs a request for the embedded server: the host and what is S3's. The
// headers of clients may be in any form that HTTP allows, and no secret is at stake.
func (a *accounts) sign(r *http.Request, account string, now time.Time) {
	sigv4.Signer{
		Credentials: sigv4.Credentials{AccessKey: account, SecretKey: a.secret(account)}, Region: signRegion, Service: "s3", Headers: "x-amz-",
	}.Sign(r, r.Header.Get("X-Amz-Content-Sha256"), now)
}

// GetUserAccount implements auth.IAMService.
func (a *accounts) GetUserAccount(access string) (auth.Account, error) {
	if !bus.IsAccount(access) {
		return auth.Account{}, auth.ErrNoSuchUser
	}
	return auth.Account{
		Access: access,
		Secret: a.secret(access),
		Role:   auth.RoleUserPlus, // may create buckets, owns only its own
		Arn:    "arn:aws:iam::" + access + ":root",
	}, nil
}

// ResolveAccounts implements auth.IAMService: it returns the unknown ones.
func (a *accounts) ResolveAccounts(keys []string) ([]string, error) {
	unknown := []string{}
	for _, k := range keys {
		if !bus.IsAccount(k) {
			unknown = append(unknown, k)
		}
	}
	return unknown, nil
}

// ResolvePrincipals implements auth.PrincipalResolver: the principals of a
// bucket policy are ARNs or account ids; it returns those that are neither.
func (a *accounts) ResolvePrincipals(principals []string) ([]string, error) {
	invalid := []string{}
	for _, p := range principals {
		if !bus.IsAccount(p) && !strings.HasPrefix(p, "arn:aws:iam::") && !strings.HasPrefix(p, "arn:aws:sts::") {
			invalid = append(invalid, p)
		}
	}
	return invalid, nil
}

// EvaluatePolicy implements auth.PolicyEvaluator, the side of identity
// policies: an account may do anything with its own buckets, unless a bucket's
// policy denies it; with the buckets of others what their policy or ACL grants.
func (a *accounts) EvaluatePolicy(access, _ string, actions []auth.Action, resources []string, _ map[string][]string) (auth.PolicyEvaluation, error) {
	const noMatch, allow = 0, 1 // of auth's tri-state decision
	e := auth.PolicyEvaluation{PrincipalArn: "arn:aws:iam::" + access + ":root"}
	for i, arn := range resources {
		bucket, _, _ := strings.Cut(strings.TrimPrefix(arn, "arn:aws:s3:::"), "/")
		own := a.owner(bucket) == access
		e.Decisions = append(e.Decisions, nil)
		for _, action := range actions {
			if own || action == auth.CreateBucketAction || action == auth.ListAllMyBucketsAction {
				e.Decisions[i] = append(e.Decisions[i], allow)
			} else {
				e.Decisions[i] = append(e.Decisions[i], noMatch)
			}
		}
	}
	return e, nil
}

// CreateAccount implements auth.IAMService; accounts are not managed here.
func (a *accounts) CreateAccount(auth.Account) error { return errNotManaged() }

// UpdateUserAccount implements auth.IAMService; accounts are not managed here.
func (a *accounts) UpdateUserAccount(string, auth.MutableProps) error { return errNotManaged() }

// DeleteUserAccount implements auth.IAMService; accounts are not managed here.
func (a *accounts) DeleteUserAccount(string) error { return errNotManaged() }

// ListUserAccounts implements auth.IAMService; accounts are not managed here.
func (a *accounts) ListUserAccounts() ([]auth.Account, error) { return nil, errNotManaged() }

// Shutdown implements auth.IAMService.
func (a *accounts) Shutdown() error { return nil }

func errNotManaged() error { return s3err.GetAPIError(s3err.ErrAdminMethodNotSupported) }
