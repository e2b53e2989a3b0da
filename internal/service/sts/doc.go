// Package sts is AWS Security Token Service: who a caller is, and temporary
// credentials.
//
// Temporary credentials work: they are kept in the store, and Lookup gives the
// gateway the secret, account and principal of an access key. A role need
// not exist to be assumed; of one that does, the id and the longest session are
// respected, and its trust policy as far as principals and external ids go. Session policies, MFA and web
// identity or SAML federation are not implemented.
//
// The server imports it; nothing else does.
package sts
