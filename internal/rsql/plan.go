package rsql

import (
	"stepwell/internal/rsql/lower"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// Kind says how a compiled statement is to be run.
type Kind int

// The kinds of plans.
const (
	// Rows is a statement that returns rows: SELECT, VALUES, SHOW built on a query.
	Rows Kind = iota
	// Write is INSERT, UPDATE, DELETE, MERGE, CTAS: run SQL, the count is the rows affected.
	Write
	// Define is DDL that DuckDB runs: run every text of SQL in order.
	Define
	// Utility has no SQL: the caller executes Statement itself.
	Utility
)

// Plan is a compiled statement.
type Plan struct {
	Kind      Kind
	Statement syntax.Statement
	// SQL are the DuckDB statements, run in order in one transaction; the last
	// one gives the rows or the count. Empty for Utility.
	SQL []string
	// Tag is the command tag without counts: SELECT, INSERT, CREATE TABLE, ...
	// The caller adds the counts as PostgreSQL does ("INSERT 0 5", "SELECT").
	Tag string
	// Params is the number of $n parameters.
	Params int
	// Inferred are the types that casts give parameters listed as Unknown.
	Inferred map[int]types.Type
	// Columns are the names of the result columns, for Rows. An item * of a
	// relation with unknown columns makes it nil: DuckDB's names are then right.
	Columns []string
	// Types are the columns' types as far as the compiler knows them without
	// asking DuckDB; Unknown where it does not. As long as Columns.
	Types []types.Type
	// Read and Written are the relations read and written, each once, in the
	// order of their appearance. CREATE TABLE AS lists nothing for its target.
	Read, Written []*resolve.Relation
	// Used are the columns of the relations in Read and Written that the
	// statement names itself.
	Used map[resolve.Place][]string
	// Called are the user-defined functions the statement calls itself.
	Called []*resolve.UserFunction
	// Scans are the reads of external relations, with their partition filters.
	Scans []*resolve.Scan
	// Guarded says that policies changed what the statement reads.
	Guarded bool
	// Volatile says that the statement calls a function whose value changes
	// within a transaction or has an effect.
	Volatile bool
	// Momentary says that SQL holds something of the session's moment, such as
	// pg_last_query_id(): compiled once more, the statement may be another.
	Momentary bool
	// Configs are the parameters that SET_CONFIG sets when the plan runs.
	Configs []lower.Config
}

// Options are the session settings that change a statement's meaning.
type Options struct {
	// Text is the text the statement was parsed from; with it the positions of
	// errors count characters, without it bytes.
	Text string
	// CaseSensitive is enable_case_sensitive_identifier.
	CaseSensitive bool
	// User, Database and Schema are what CURRENT_USER, CURRENT_DATABASE() and
	// CURRENT_SCHEMA() give.
	User, Database, Schema string
	// Params are the types the client declared for the parameters. One listed as
	// Unknown gets a type from its place, as in PostgreSQL; one not listed is
	// left to DuckDB.
	Params []types.Type
	// Insensitive says that the database's collation is CASE_INSENSITIVE.
	Insensitive bool
	// Backend is pg_backend_pid().
	Backend int
	// Settings answers current_setting(name); nil knows none.
	Settings func(name string) (string, bool)
	// LastCopyCount, LastCopyID, LastQueryID and LastUnloadCount answer the functions of those names.
	LastCopyCount, LastCopyID, LastQueryID, LastUnloadCount int64
}
