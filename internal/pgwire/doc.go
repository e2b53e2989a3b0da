// Package pgwire is the door on Redshift's port: a listener that speaks the
// PostgreSQL protocol version 3.0 over sessions of a warehouse, as psql,
// psycopg, redshift-connector and the JDBC drivers expect Redshift to.
//
// It holds startup (TLS when configured, authentication, parameter status),
// the simple and the extended query protocol with portals, text and binary
// formats, cancel requests and shutdown. It does not know SQL. COPY FROM STDIN
// and COPY TO STDOUT, which Redshift does not have either, are refused by the
// parser. An idle connection costs a goroutine and small buffers: the database
// is opened by the first statement.
//
// server builds it; nothing else imports it.
package pgwire
