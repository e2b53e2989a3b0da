package plpgsql

import (
	"context"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// Host runs SQL for the interpreter. Errors are *sqlerr.Error; a statement that
// failed leaves the transaction open until Rollback.
type Host interface {
	// Evaluate gives the one value of a pure expression whose tree has a
	// parameter for each of args. The host may keep its plan under key as long
	// as the types of args stay the same.
	Evaluate(ctx context.Context, key *SQL, args []Value) (Value, error)
	// Query gives up to limit rows of a query, all for 0.
	Query(ctx context.Context, tree syntax.Statement, text string, limit int) (*Rows, error)
	// Exec runs any statement, drops its rows, and gives the number of rows
	// returned or changed.
	Exec(ctx context.Context, tree syntax.Statement, text string) (int64, error)
	// Open opens a cursor; an empty name asks for a new one. Fetch and Close
	// give SQLSTATE 34000 for one that is not open, as it is after the end of its
	// transaction.
	Open(ctx context.Context, name string, tree *syntax.Query, text string) (string, error)
	Fetch(ctx context.Context, name string, limit int) (*Rows, error)
	Close(name string) error
	// Call runs another procedure; the values it gives are those of its OUT and
	// INOUT arguments, and at says which argument of its list each is.
	Call(ctx context.Context, name syntax.Name, args []Value, autocommit bool) (outs []Value, at []int, err error)
	// CanCommit says whether the procedure may end its transaction: it was not
	// called inside a block, and nobody in the chain of callers has SET options.
	CanCommit() bool
	// Commit and Rollback end the transaction and begin a new one.
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
	// Convert casts a value.
	Convert(ctx context.Context, v Value, to types.Type) (Value, error)
	// Relation gives the columns of a relation, for %TYPE and %ROWTYPE.
	Relation(ctx context.Context, path []string) ([]Column, error)
	// Notice passes a message of RAISE on. Level is DEBUG, LOG, INFO, NOTICE or WARNING.
	Notice(level, message string)
}
