// Package lower turns a resolved Redshift tree into DuckDB's tree (emit). What
// the two dialects say alike is translated node by node; where they differ, a
// named rule in an ordered list does it. A rule is one file with its own test
// data. Rules see the Redshift tree and answer with DuckDB nodes, or with
// other Redshift nodes that are lowered in turn.
//
// rsql is its only importer.
package lower
