// Package warehouse answers Redshift's SQL: it joins the compiler (rsql) to
// DuckDB (duck) and executes beside them what DuckDB has no statement for.
//
// # Clusters, databases, sessions
//
// A namespace of account, region and cluster is one DuckDB instance; a Redshift
// database is one DuckDB file, <dir>/<account>/<region>/<cluster>/<name>.duckdb,
// attached under its own name. Nothing is opened before the first statement of
// the first session. Users, groups and the list of databases are in
// cluster.json beside the files. A Session is one client's connection: settings,
// temporary tables, a transaction. Execute is the simple query protocol (a
// script in one transaction), Prepare, Bind and Portal.Run the extended one,
// ExecuteBatch the Data API's batch. Results go to a Sink as typed column
// chunks, without a copy of the rows; Texts is a Sink that keeps them as text.
//
// # What stands where
//
// What DuckDB's catalog cannot say (VARCHAR lengths, distribution and sort
// keys, encodings, defaults as written, view texts, external schemas,
// constraints, grants) is in tables of the hidden schema "stepwell" of the
// same file, written in the transaction of the DDL. The system views of
// pg_catalog and information_schema are views over them in the in-memory
// catalog; stl_, sys_ and stv_ tables are rows Go code gives when they are read.
//
// COPY, UNLOAD, external schemas and tables, cursors, PREPARE, users and grants
// are executed here. COPY is one INSERT ... SELECT over the files, so it is as
// atomic and durable as its transaction. Parquet, and CSV and text without
// unusual options, are read by DuckDB; everything else, and every load that has
// to say which record is at fault, by the records package through a table
// function (scan.go). Only when a load fails are the records looked at one by one
// for stl_load_errors. UNLOAD writes to a temporary folder and publishes all files
// or none: a journal of what is to be published survives a crash, and Recover
// carries it out. External tables are read where they lie, with the partitions
// the WHERE clause leaves. A COPY JOB notes the objects it has loaded in the
// transaction that loads them.
//
// # Procedures
//
// CREATE PROCEDURE parses and checks the body (plpgsql) and keeps it with the
// metadata; CALL runs it in the session's own transaction. The variables in its
// SQL become constants of the statement's tree; expressions that read no table
// are prepared once per call. A procedure called outside a block may COMMIT,
// ROLLBACK and TRUNCATE. The trees are parsed anew for every call.
//
// # Transactions
//
// DuckDB gives snapshot isolation and finds write conflicts; a conflict is
// reported as Redshift's serializable isolation violation. In a database with
// ISOLATION LEVEL SERIALIZABLE a graph of who read and wrote which table finds
// the statement that leaves no serial order (serialize.go). UPDATE, DELETE,
// MERGE, TRUNCATE and ALTER wait for the table's write lock as they do in
// Redshift, so that single statements do not fail each other. DDL is
// transactional. A failed statement ends its implicit transaction, or puts the
// block into the state that only ROLLBACK leaves (SQLSTATE 25P02). A commit is
// in DuckDB's write-ahead log before it is acknowledged.
//
// # Users and privileges
//
// Users, groups and roles are the cluster's (cluster.json, and as tables in
// memory.principals, where the system views find them); privileges are rows of
// stepwell.acl in the database. All of them change with the transaction: what
// it does to users is its own until it commits, is in cluster.json as pending
// before DuckDB commits, and counts if the database then has its mark, so that
// a crash leaves both or neither (principal_transaction.go). One transaction at a
// time changes users. Every compiled statement is checked against
// those of its user: schema usage, table and column privileges, EXECUTE,
// ownership. Superusers pass, and so do IAM identities for which no user was
// created: what they may reach is IAM's matter. A view is read with its owner's
// privileges, a SECURITY DEFINER procedure runs with them.
//
// # History
//
// What ran on a cluster is in history.jsonl, load_errors.jsonl and messages.jsonl
// beside its databases: statements, loads, unloads, load errors, messages of
// procedures, sessions that ended, the newest 5000 of each in memory; open sessions and locks are of this process.
//
// # What is refused, and what is only recorded
//
// User-defined functions, COPY of SHAPEFILE, by SSH and from DynamoDB, UNLOAD with
// BZIP2, client-side encryption, external tables in Ion, RCFile, SequenceFile or
// with GrokSerDe, ALTER SCHEMA RENAME, USE, templates, scoped permissions and
// OBJECT_TRANSFORM with SET alone answer SQLSTATE 0A000 with their name.
// ANALYZE COMPRESSION stands AZ64, whose format is not published, for by packed
// groups of 64 values; it knows no sizes of LZO. SHOW TABLES does not know when
// a table was changed last.
// Blank lines of a compressed file are passed over by COPY, with or without
// IGNOREBLANKLINES.
//
// The doors (pgwire), the redshiftdata service and server import it.
package warehouse
