// Package duck runs SQL on DuckDB and hands its rows over as typed column
// chunks. It is the only importer of the DuckDB driver.
//
// An Engine is one DuckDB instance: a shared buffer pool and thread pool, an
// in-memory catalog named "memory" that holds the macros of prelude.sql, and
// any number of attached database files, each a catalog of its own. A Conn is
// one DuckDB connection; it is not safe for concurrent use, except for the
// cancellation of the context its calls were given. Rows stream: a Chunk and
// the bytes borrowed from it are valid until the next call on the same Rows.
//
// The package knows DuckDB's dialect and types only. Redshift's own names for
// types and its SQL live in rsql; sessions, transactions and catalogs live in
// warehouse. Errors leave as *sqlerr.Error with the SQLSTATE and, where it is
// known, the text Redshift gives. The warehouse imports this package; nothing
// else should.
package duck
