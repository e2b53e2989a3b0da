package iam

import (
	"strings"
	"time"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/store"
)

// identity is what users, groups and roles have in common. Their key is the
// account and the name in lower case: names differ by more than case.
type identity struct {
	Name, Path, ID, ARN string
	Created             time.Time
	Boundary            *string    `json:",omitempty"`
	Tags                []tag      `json:",omitempty"`
	Attached            []attached `json:",omitempty"` // sorted by ARN
	Inline              []inline   `json:",omitempty"` // sorted by name
}

func (i *identity) self() *identity { return i }

// principal is a user, group or role.
type principal interface {
	self() *identity
	put(tx *store.Tx, account string) error
}

type role struct {
	identity
	Trust       string // assume role policy document
	Description *string
	MaxSession  int64  // seconds
	Service     string `json:",omitempty"` // that a service-linked role belongs to
}

type user struct {
	identity
	Groups []string `json:",omitempty"` // names, sorted
	Login  *login   `json:",omitempty"`
}

// login is a login profile; its password is not kept.
type login struct {
	Created       time.Time
	ResetRequired bool
}

type group struct{ identity }

type tag struct{ Key, Value string }

type attached struct{ Name, ARN string }

type inline struct{ Name, Document string }

// policy is a managed policy of a customer.
type policy struct {
	Name, Path, ID, ARN string
	Created             time.Time
	Updated             time.Time `json:",omitzero"`
	Document            string    `json:",omitempty"` // of v1, in records without Versions
	Versions            []version `json:",omitempty"` // the newest first
	Default             string    `json:",omitempty"` // version id
	Last                int       `json:",omitempty"` // number of the newest version there was
	Description         *string
	Tags                []tag
	Attachments         int64
	Boundaries          int64 `json:",omitempty"` // uses as a permissions boundary
}

type version struct {
	ID, Document string
	Created      time.Time
}

// accessKey is a long-term access key; its key is itself.
type accessKey struct {
	ID, Account, User string
	Sealed            []byte // the secret
	Status            string
	Created           time.Time
}

type instanceProfile struct {
	Name, Path, ID, ARN string
	Created             time.Time
	Roles               []string `json:",omitempty"` // names, at most one
	Tags                []tag    `json:",omitempty"`
}

// provider is an identity provider, OIDC or SAML. Its key is the account and ARN.
type provider struct {
	ARN         string
	Created     time.Time
	URL         string    `json:",omitempty"` // OIDC: without https://
	Clients     []string  `json:",omitempty"`
	Thumbprints []string  `json:",omitempty"`
	Metadata    string    `json:",omitempty"` // SAML
	ValidUntil  time.Time `json:",omitzero"`
	Tags        []tag     `json:",omitempty"`
}

// account is what an account has one of.
type account struct {
	Alias    string              `json:",omitempty"`
	Password *iam.PasswordPolicy `json:",omitempty"`
}

var (
	roles     = store.NewTable[role]("iam_roles")
	users     = store.NewTable[user]("iam_users")
	groups    = store.NewTable[group]("iam_groups")
	policies  = store.NewTable[policy]("iam_policies")
	keys      = store.NewTable[accessKey]("iam_access_keys")
	profiles  = store.NewTable[instanceProfile]("iam_instance_profiles")
	providers = store.NewTable[provider]("iam_providers")
	accounts  = store.NewTable[account]("iam_accounts")
)

func (r *role) put(tx *store.Tx, account string) error {
	return roles.Put(tx, *r, account, strings.ToLower(r.Name))
}

func (u *user) put(tx *store.Tx, account string) error {
	return users.Put(tx, *u, account, strings.ToLower(u.Name))
}

func (g *group) put(tx *store.Tx, account string) error {
	return groups.Put(tx, *g, account, strings.ToLower(g.Name))
}

func (p *instanceProfile) put(tx *store.Tx, account string) error {
	return profiles.Put(tx, *p, account, strings.ToLower(p.Name))
}

func findRole(tx *store.Tx, account, name string) (*role, error) {
	r, ok, err := roles.Get(tx, account, strings.ToLower(name))
	if err == nil && !ok {
		err = errNo("role", name)
	}
	return &r, err
}

func findUser(tx *store.Tx, account, name string) (*user, error) {
	u, ok, err := users.Get(tx, account, strings.ToLower(name))
	if err == nil && !ok {
		err = errNo("user", name)
	}
	return &u, err
}

func findGroup(tx *store.Tx, account, name string) (*group, error) {
	g, ok, err := groups.Get(tx, account, strings.ToLower(name))
	if err == nil && !ok {
		err = errNo("group", name)
	}
	return &g, err
}

func findProfile(tx *store.Tx, account, name string) (*instanceProfile, error) {
	p, ok, err := profiles.Get(tx, account, strings.ToLower(name))
	if err == nil && !ok {
		err = iam.NoSuchEntityException("Instance Profile %s cannot be found.", name)
	}
	return &p, err
}

// find finds a user, group or role.
func find(tx *store.Tx, account, kind, name string) (principal, error) {
	switch kind {
	case "user":
		return findUser(tx, account, name)
	case "group":
		return findGroup(tx, account, name)
	}
	return findRole(tx, account, name)
}

// everybody are the users, groups and roles of an account.
func everybody(tx *store.Tx, account string) (all []principal, err error) {
	us, err := users.List(tx, account)
	if err != nil {
		return nil, err
	}
	gs, err := groups.List(tx, account)
	if err != nil {
		return nil, err
	}
	rs, err := roles.List(tx, account)
	for i := range us {
		all = append(all, &us[i])
	}
	for i := range gs {
		all = append(all, &gs[i])
	}
	for i := range rs {
		all = append(all, &rs[i])
	}
	return all, err
}

// findPolicy finds a customer managed policy of the account by ARN.
func findPolicy(tx *store.Tx, account, arn string) (p policy, ok bool, err error) {
	name := arn[strings.LastIndex(arn, "/")+1:]
	p, ok, err = policies.Get(tx, account, strings.ToLower(name))
	if p.Versions == nil { // as an earlier release kept it
		p.Versions, p.Default, p.Last, p.Document = []version{{"v1", p.Document, p.Created}}, "v1", 1, ""
	}
	return p, ok && p.ARN == arn, err
}

func putPolicy(tx *store.Tx, account string, p policy) error {
	return policies.Put(tx, p, account, strings.ToLower(p.Name))
}
