package sts

import (
	"net/url"
	"testing"

	"stepwell/internal/bus"
)

func TestTrusts(t *testing.T) {
	const (
		root    = "arn:aws:iam::111122223333:root"
		ann     = "arn:aws:iam::111122223333:user/ann"
		session = "arn:aws:sts::111122223333:assumed-role/etl/me"
	)
	for _, c := range []struct {
		statement, principal, source, external string
		want                                   bool
	}{
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}`, ann, "http", "", true},
		{`[{"Effect":"Allow","Principal":{"AWS":["444455556666","111122223333"]},"Action":["sts:TagSession","sts:AssumeRole"]}]`, ann, "http", "", true},
		{`{"Effect":"Allow","Principal":"*","Action":"sts:*"}`, ann, "http", "", true},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sts:AssumeRole"}`, ann, "http", "", false},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"sts:AssumeRole"}`, ann, "http", "", false},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/team/etl"},"Action":"sts:AssumeRole"}`, session, "http", "", true},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/etl2"},"Action":"sts:AssumeRole"}`, session, "http", "", false},
		{`{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}`, root, "http", "", false},
		{`{"Effect":"Allow","Principal":{"Service":["glue.amazonaws.com","states.amazonaws.com"]},"Action":"sts:AssumeRole"}`, root, "states", "", true},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRoleWithWebIdentity"}`, root, "http", "", false},
		{`{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}`, root, "http", "", false},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}`, root, "http", "", false},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":["x","y"]}}}`, root, "http", "y", true},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`, root, "http", "", true},
	} {
		caller := bus.Caller{Account: "111122223333", Principal: c.principal, Source: c.source}
		var external *string
		if c.external != "" {
			external = &c.external
		}
		if got := trusts(url.PathEscape(`{"Statement":`+c.statement+`}`), caller, external); got != c.want {
			t.Errorf("%s for %s: %v", c.statement, c.principal, got)
		}
	}
}
