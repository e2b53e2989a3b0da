package iam

import (
	"encoding/json"
	"net/url"
	"strings"
)

// checkDocument refuses a policy document that AWS would not take. trust is a
// role's trust policy; others are identity policies ("Grammar of the IAM JSON
// policy language", IAM User Guide).
func checkDocument(text string, trust bool) error {
	var doc struct {
		Version   string
		Statement json.RawMessage
	}
	if json.Unmarshal([]byte(text), &doc) != nil {
		if !json.Valid([]byte(text)) {
			return errMalformed("This policy contains invalid Json")
		}
		return errMalformed("Syntax errors in policy.")
	}
	switch {
	case doc.Version != "" && doc.Version != "2012-10-17" && doc.Version != "2008-10-17":
		return errMalformed("Syntax errors in policy.")
	case doc.Version == "" && !trust:
		return errMalformed("Policy document must be version 2012-10-17 or greater.")
	case len(doc.Statement) == 0:
		return errMalformed("Syntax errors in policy.")
	}
	var statements []map[string]any
	if doc.Statement[0] != '[' {
		doc.Statement = append(append(json.RawMessage("["), doc.Statement...), ']')
	}
	if json.Unmarshal(doc.Statement, &statements) != nil || len(statements) == 0 {
		return errMalformed("Syntax errors in policy.")
	}
	for _, s := range statements {
		if err := checkStatement(s, trust); err != nil {
			return err
		}
	}
	return nil
}

func checkStatement(s map[string]any, trust bool) error {
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := s[n]; ok {
				return true
			}
		}
		return false
	}
	switch effect := s["Effect"]; {
	case effect == nil:
		return errMalformed("Missing required field Effect")
	case effect != "Allow" && effect != "Deny":
		return errMalformed("Invalid effect: " + strings.Trim(jsonText(effect), `"`))
	}
	if trust {
		switch {
		case has("Resource", "NotResource"):
			return errMalformed("Has prohibited field Resource")
		case !has("Principal", "NotPrincipal"):
			return errMalformed("Missing required field Principal")
		case !has("Action", "NotAction"):
			return errMalformed("Missing required field Action")
		}
		return nil
	}
	switch {
	case has("Principal", "NotPrincipal"):
		return errMalformed("Policy document should not specify a principal.")
	case !has("Action", "NotAction"):
		return errMalformed("Policy statement must contain actions.")
	case !has("Resource", "NotResource"):
		return errMalformed("Policy statement must contain resources.")
	}
	return nil
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// encoded is a document as answers carry it: percent-encoded after RFC 3986.
func encoded(document string) *string {
	return new(strings.ReplaceAll(url.QueryEscape(document), "+", "%20"))
}
