// Package iam is AWS Identity and Access Management: roles, their inline
// policies, and managed policies, kept and returned as AWS does.
//
// Nothing is enforced yet: every principal may do everything in its account.
// Users, groups, instance profiles and policy versions are not implemented.
// The policies that AWS manages (arn:aws:iam::aws:policy/...) may be attached;
// their documents are not known here. IAM is global: the caller's region does
// not matter.
//
// The server imports it; nothing else does.
package iam
