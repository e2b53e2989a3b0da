// Package iam is AWS Identity and Access Management: users, groups, roles
// (service-linked ones, too), their inline policies, managed policies with
// versions, permissions boundaries, instance profiles, access keys, identity
// providers, account alias and password policy, kept, linked and returned as AWS
// does.
//
// Nothing is enforced yet: every principal may do everything in its account. The
// access keys of users work: [Service.Lookup] gives the gateway secret, account
// and principal; secrets are sealed. The policies that AWS manages
// (arn:aws:iam::aws:policy/...) may be attached, and are described by name and
// use; their documents, versions and ids are not known here. IAM is global: the
// caller's region does not matter.
//
// Refused by name: MFA, certificates and SSH keys, service-specific credentials,
// credential and access reports, simulation.
//
// The server imports it; nothing else does.
package iam
