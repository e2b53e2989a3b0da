package redshiftdata

import "context"

// Warehouse is what the service needs of the SQL engine.
type Warehouse interface {
	// Connect opens a session. An unknown database or user is a *sqlerr.Error
	// of severity FATAL.
	Connect(ctx context.Context, t Target) (Session, error)
	// Committed reports whether a transaction that carried the mark was
	// committed. Marks of transactions older than a day may be forgotten. What
	// can never be known is a *sqlerr.Error of code OutcomeUnknown; after any
	// other error it is asked again.
	Committed(ctx context.Context, t Target, mark string) (bool, error)
}

// Target says where a session is opened, and as whom.
type Target struct {
	Account, Region string
	Cluster         string // cluster identifier; "" where Workgroup is set
	Workgroup       string
	WorkgroupARN    string `json:",omitempty"` // "" where it is a bound cluster's name
	Namespace       string `json:",omitempty"` // of the workgroup, "" where it is a bound cluster's name
	Database        string
	User            string // "awsuser", "IAM:name", "IAMR:role"
	Secret          string `json:",omitempty"` // that the request named
	Master          bool   `json:",omitempty"` // the user is the cluster's master user
	// Binding says where a cluster is that is bound to another server; it is
	// kept so that a statement's end is asked for where it ran. "" is here.
	Binding string `json:",omitempty"`
}

// OutcomeUnknown is the SQLSTATE (transaction_resolution_unknown) of a statement
// that may have taken effect: its connection was lost, and nobody can tell.
const OutcomeUnknown = "08007"

// Undecided is an error of Session.Execute: the connection was lost during the
// commit that Prepared told of. Warehouse.Committed is asked until it knows.
type Undecided struct{ Err error }

func (u *Undecided) Error() string { return u.Err.Error() }
func (u *Undecided) Unwrap() error { return u.Err }

// Session is one connection, used by one goroutine at a time.
type Session interface {
	// PID is the process id that pg_backend_pid() returns in the session.
	PID() int64
	// Execute runs the statements in order and reports to the sink. Several
	// statements, or one with Transaction set, are one transaction, rolled back
	// as a whole when one fails; a single statement commits by itself unless it
	// stands in a transaction the session began earlier. A transaction that
	// wrote carries the mark. A nil error means that it is committed, an error
	// that it is not, but for Undecided and OutcomeUnknown; ctx ends a running
	// statement with SQLSTATE 57014.
	Execute(ctx context.Context, x Execution, sink Sink) error

	// Databases lists the databases the user may connect to, sorted.
	Databases(ctx context.Context) ([]string, error)
	// Schemas lists schemas of a database, sorted. Patterns are those of LIKE;
	// "" means all.
	Schemas(ctx context.Context, database, pattern string) ([]string, error)
	// Tables lists relations of a database, sorted by schema and name.
	Tables(ctx context.Context, database, schemaPattern, tablePattern string) ([]Table, error)
	// Columns describes the columns of a table in order; none where there is no
	// such table. Schema "" means the search path.
	Columns(ctx context.Context, database, schema, table string) ([]Column, error)

	Close() error
}

// Execution is one call of Session.Execute.
type Execution struct {
	Statements  []Statement
	Transaction bool
	Mark        string // "" for none
}

// Statement is the text of one SQL statement with $1, $2, ... for its
// arguments, which are text that the server casts to what the place wants.
type Statement struct {
	SQL  string
	Args []string
}

// Sink receives what an execution does, in order. An error of the sink ends
// the execution: its transaction is rolled back and Execute returns the error.
type Sink interface {
	// Started says that statement i (from 0) begins.
	Started(i int) error
	// Columns says that statement i has a result set.
	Columns(i int, columns []Column) error
	// Row is one row of the result set: nil, bool, int64, float64, string or
	// []byte by column. The slice is the session's again on return.
	Row(i int, values []any) error
	// Done says that statement i has run.
	Done(i int, o Outcome) error
	// Prepared says that from here on there may be a commit. wrote is false
	// where there is nothing to commit. mark is what Committed is to be asked
	// for, "" for the execution's own.
	Prepared(wrote bool, mark string) error
}

// Outcome is what a statement came to.
type Outcome struct {
	Rows    int64 // returned, or affected
	QueryID int64 // as in sys_query_history; 0 where the statement has none
}

// Column describes a column of a result set or a table.
type Column struct {
	Name      string
	Type      string // Redshift's short name: int4, varchar, numeric, timestamptz, super, ...
	Precision int    // of numeric its digits, of char, varchar and varbyte the length; else 0
	Scale     int    // of numeric
	NotNull   bool
	Schema    string // of the table it comes from, where known
	Table     string
	Default   string // expression, of a table's column
}

// Table is a relation as ListTables shows it.
type Table struct {
	Schema, Name string
	Type         string // TABLE, VIEW, EXTERNAL TABLE, SYSTEM TABLE, SYSTEM VIEW, ...
}
