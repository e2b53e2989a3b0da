// Package rsql compiles Redshift SQL to DuckDB SQL.
//
//	Parse   text  -> statements (rsql/syntax)
//	Compile tree + catalog -> Plan with the DuckDB text
//	Explain text  -> the print of one stage
//
// Queries, DML and the DDL that DuckDB can run come back as a Plan with SQL; for
// the others (COPY, UNLOAD, external schemas and tables, SET, GRANT, ...) the
// plan has an empty SQL and Kind Utility, and the caller executes the tree.
// The stages are packages of their own: syntax, resolve, lower, emit; types
// holds Redshift's types. rsql is pure Go, knows no driver and no service, and
// runs nothing. warehouse is its user; cli prints stages with it.
package rsql
