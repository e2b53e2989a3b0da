package sts

import (
	"encoding/json"
	"net/url"
	"path"
	"slices"
	"strings"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// trustPolicy is what is read of a role's trust policy.
type trustPolicy struct{ Statement statements }

type statement struct {
	Effect    string
	Principal any
	Action    any
	Condition map[string]map[string]any

	NotPrincipal, NotAction any
}

// statements are one statement or a list of them.
type statements []statement

func (s *statements) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		*s = make(statements, 1)
		return json.Unmarshal(b, &(*s)[0])
	}
	return json.Unmarshal(b, (*[]statement)(s))
}

func texts(x any) []string {
	switch x := x.(type) {
	case string:
		return []string{x}
	case []any:
		var all []string
		for _, item := range x {
			if s, ok := item.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// trusts says whether a role's trust policy, percent-encoded, lets the caller
// assume it. It looks at principals (accounts, users, roles, the service that
// calls) and at external ids; a statement with other conditions, or that says
// whom it is not for, is taken to hold. Deny statements are not looked at.
func trusts(policy string, c bus.Caller, externalID *string) bool {
	text, err := url.PathUnescape(policy)
	var p trustPolicy
	if err != nil || json.Unmarshal([]byte(text), &p) != nil {
		return true // IAM has checked it
	}
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		return s.Effect == "Allow" && s.allowsAssuming() && s.matches(c) && s.holds(externalID)
	})
}

func (s *statement) allowsAssuming() bool {
	return s.NotAction != nil || slices.ContainsFunc(texts(s.Action), func(pattern string) bool {
		ok, err := path.Match(strings.ToLower(pattern), "sts:assumerole")
		return ok && err == nil
	})
}

func (s *statement) matches(c bus.Caller) bool {
	if s.NotPrincipal != nil || s.Principal == "*" {
		return true
	}
	who, _ := s.Principal.(map[string]any)
	if slices.Contains(texts(who["Service"]), c.Source+".amazonaws.com") {
		return true
	}
	return slices.ContainsFunc(texts(who["AWS"]), func(p string) bool {
		return p == "*" || p == c.Account || p == "arn:aws:iam::"+c.Account+":root" || p == c.Principal || p == roleOf(c.Principal, p)
	})
}

// roleOf is the principal p where it is the role that a session's ARN names:
// that has no path.
func roleOf(session, p string) string {
	s, _ := bus.ParseARN(session)
	r, _ := bus.ParseARN(p)
	kind, name, _ := strings.Cut(s.Resource, "/")
	name, _, _ = strings.Cut(name, "/")
	if kind == "assumed-role" && s.Account == r.Account && strings.HasPrefix(r.Resource, "role/") && path.Base(r.Resource) == name {
		return p
	}
	return ""
}

// holds evaluates a condition on the external id alone.
func (s *statement) holds(externalID *string) bool {
	if len(s.Condition) != 1 || len(s.Condition["StringEquals"]) != 1 {
		return true
	}
	want, ok := s.Condition["StringEquals"]["sts:ExternalId"]
	return !ok || externalID != nil && slices.Contains(texts(want), *externalID)
}

func errNotTrusted(c bus.Caller, role string) *awserr.Error {
	return awserr.New(403, "AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.Principal, role)
}
