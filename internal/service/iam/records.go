package iam

import (
	"strings"
	"time"

	"stepwell/internal/store"
)

// role is what is kept of a role. Its key is the account and the name in lower
// case: names differ by more than case.
type role struct {
	Name, Path, ID, ARN string
	Created             time.Time
	Trust               string // assume role policy document
	Description         *string
	MaxSession          int64 // seconds
	Boundary            *string
	Tags                []tag
	Attached            []attached // sorted by ARN
	Inline              []inline   // sorted by name
}

type tag struct{ Key, Value string }

type attached struct{ Name, ARN string }

type inline struct{ Name, Document string }

// policy is what is kept of a managed policy. Its key is the account and the
// name in lower case.
type policy struct {
	Name, Path, ID, ARN string
	Created             time.Time
	Document            string
	Description         *string
	Tags                []tag
	Attachments         int64
}

var (
	roles    = store.NewTable[role]("iam_roles")
	policies = store.NewTable[policy]("iam_policies")
)

func findRole(tx *store.Tx, account, name string) (role, error) {
	r, ok, err := roles.Get(tx, account, strings.ToLower(name))
	if err == nil && !ok {
		err = errNoRole(name)
	}
	return r, err
}

func putRole(tx *store.Tx, account string, r role) error {
	return roles.Put(tx, r, account, strings.ToLower(r.Name))
}

// findPolicy finds a customer managed policy of the account by ARN.
func findPolicy(tx *store.Tx, account, arn string) (p policy, ok bool, err error) {
	name := arn[strings.LastIndex(arn, "/")+1:]
	p, ok, err = policies.Get(tx, account, strings.ToLower(name))
	return p, ok && p.ARN == arn, err
}

func putPolicy(tx *store.Tx, account string, p policy) error {
	return policies.Put(tx, p, account, strings.ToLower(p.Name))
}
