package bus

import (
	"context"
	"slices"
	"strings"
)

// DefaultAccount is the account of a caller whose access key is not itself a
// 12-digit account id; DefaultRegion that of one whose credentials name none.
const (
	DefaultAccount = "123456789012"
	DefaultRegion  = "us-east-1"
)

// Caller is who asks for an operation, and where.
type Caller struct {
	Account   string // 12 digits
	Region    string // e.g. "us-east-1"
	Principal string // ARN of the user or role; the account's root where unknown
	AccessKey string // empty for callers inside the process
	Source    string // the door: "http", "states", "glue", "cli", ...
	RequestID string // of the request that led here; may be empty
}

type callerKey struct{}

// With returns ctx carrying the caller.
func With(ctx context.Context, c Caller) context.Context {
	if c.Account == "" {
		c.Account = DefaultAccount
	}
	if c.Region == "" {
		c.Region = DefaultRegion
	}
	if c.Principal == "" {
		c.Principal = "arn:aws:iam::" + c.Account + ":root"
	}
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns the caller in ctx: the default account's root where there is none.
func From(ctx context.Context) Caller {
	if c, ok := ctx.Value(callerKey{}).(Caller); ok {
		return c
	}
	return From(With(ctx, Caller{}))
}

// ARN returns the name of a resource in the caller's account and region:
// arn:aws:service:region:account:resource.
func (c Caller) ARN(service, resource string) string {
	return "arn:aws:" + service + ":" + c.Region + ":" + c.Account + ":" + resource
}

// ReservedTags is what most services say of tags that begin with aws:.
const ReservedTags = "aws: prefixed tag key names are not allowed for external use."

// ReservedTag reports whether the caller cannot give a tag with this key: those that
// begin with aws:, in any case, are AWS's, as which CloudFormation gives some.
func (c Caller) ReservedTag(key string) bool {
	return len(key) >= 4 && strings.EqualFold(key[:4], "aws:") && c.Source != "cloudformation"
}

// MergeTags gives tags others, which replace those of the same key.
func MergeTags[T any](tags, given []T, key func(*T) *string) []T {
	for i := range given {
		k := *key(&given[i])
		if at := slices.IndexFunc(tags, func(old T) bool { return *key(&old) == k }); at >= 0 {
			tags[at] = given[i]
		} else {
			tags = append(tags, given[i])
		}
	}
	return tags
}

// At is the caller in the account and region of a, where it has them, at the
// door source: a service that calls its neighbour for the owner of a resource.
func (c Caller) At(a ARN, source string) Caller {
	at := Caller{Account: c.Account, Region: c.Region, Principal: c.Principal, Source: source, RequestID: c.RequestID}
	if a.Account != "" {
		at.Account = a.Account
	}
	if a.Region != "" {
		at.Region = a.Region
	}
	return at
}

// IsAccount reports whether s is an account id: 12 digits.
func IsAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
