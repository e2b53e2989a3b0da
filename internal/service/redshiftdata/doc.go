// Package redshiftdata is the Amazon Redshift Data API: SQL statements that are
// submitted, run on their own and are asked about later, as "Using the Amazon
// Redshift Data API" of the Redshift management guide describes it.
//
// A statement is durable when ExecuteStatement answers. It runs as a task of
// kind "redshift-data.statement": SUBMITTED until the task gets its turn,
// PICKED while it connects, STARTED while it runs, then FINISHED, FAILED or
// ABORTED. A batch is one transaction; its statements have the ids ID:1, ID:2, ...
//
// A server may die at any instant. Before the transaction of a statement is
// committed, the statement's outcome and its rows are durable here, and the
// transaction itself carries the statement's id as a mark. The next server
// reports FINISHED for what has its mark, FAILED for what was running without,
// and runs what had not started. Nothing is run twice.
//
// Rows are kept for 24 hours, one JSON array a line, in files under Deps.Dir.
// They and the records are removed when a later statement is submitted.
//
// All eleven operations are here; results are JSON or CSV (ResultFormat).
// Persistent sessions (SessionKeepAliveSeconds) live until the server stops.
// Long polling (WaitTimeSeconds) is not in the service model this is built on.
// A workgroup is accepted only where a bound cluster has its name.
//
// A cluster that is bound to another server (package remote) answers there; what
// is said above holds with that server's own knowledge of its transactions as
// the mark. A statement whose end it cannot tell is FAILED and says so.
//
// The service speaks to the SQL engine through [Warehouse] and to its
// neighbours redshift and secretsmanager over the bus. Only the composition
// root imports it.
package redshiftdata
