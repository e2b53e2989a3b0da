// Package remote is a Redshift cluster somewhere else: sessions on it over its
// wire protocol, for clusters that are bound rather than answered here.
//
// A [Binding] says where the cluster is and which secret opens it; a [Login] is
// a binding with its secret read. A [Session] passes SQL as it is written and
// hands on what comes back: types, NULLs, rows and errors with all their fields.
// SQL is neither parsed nor translated, but for the first word of a statement.
//
// A connection can be lost at any instant, also while a transaction is being
// committed. [Session.Transaction] names a transaction so that [Decided] can ask
// for its end later, over another connection. What a server cannot tell is
// reported with SQLSTATE 08007 (transaction_resolution_unknown), never guessed.
//
// The servers are Redshift, and PostgreSQL from version 10 on. Passwords that
// Redshift keeps as SHA-256 digests need an exchange that the client library
// does not have: such users cannot log in.
//
// It stands beside warehouse. The services redshift and redshiftdata know only
// bindings; server makes sessions of them, and pgwire passes connections through.
package remote
