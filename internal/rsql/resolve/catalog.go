// Package resolve gives the names of a statement their meaning: which
// relations it reads and writes, what its columns are called as Redshift calls
// them, which functions exist, and which predicates prune an external table's
// partitions. It asks a Catalog, which warehouse implements, and changes no
// tree: its result stands beside it, keyed by node.
package resolve

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// RelationKind says what a relation is.
type RelationKind int

// The kinds of relations.
const (
	Table RelationKind = iota
	View
	LateView // WITH NO SCHEMA BINDING: Definition is compiled where it is used
	MaterializedView
	External
	System // a system table or view; like View, but not writable
)

// Column is a column of a relation.
type Column struct {
	Name string
	Type types.Type
	// Default is the column's DEFAULT as written, Identity its identity
	// clause: IdentityNone, IdentityAlways or IdentityByDefault.
	HasDefault bool
	Default    string
	Identity   IdentityKind
	NotNull    bool
	// Partition marks a partition column of an external table.
	Partition bool
}

// IdentityKind is how an identity column takes its values.
type IdentityKind int

// The kinds of identity.
const (
	IdentityNone IdentityKind = iota
	IdentityAlways
	IdentityByDefault
)

// Relation is what a name in FROM or the target of a DML statement stands for.
type Relation struct {
	// Database, Schema and Name are the Redshift names, lower case.
	Database, Schema, Name string
	Kind                   RelationKind
	Columns                []Column
	// Duck is the DuckDB name to emit, one to three parts. Unused for External
	// and LateView.
	Duck []string
	// Definition is the Redshift text of a LateView's query.
	Definition string
	// Handle is the catalog's own; the compiler passes it back in a Scan.
	Handle any
}

// Catalog answers for names. Implementations may be called from one goroutine
// per Compile only. Names come folded.
type Catalog interface {
	// Relation finds a relation by one to three name parts ([database.][schema.]name);
	// a single part is looked up along the search path, temporary tables first.
	// A name that does not exist gives nil and no error; a schema or database
	// that does not exist gives an error with Redshift's text.
	Relation(path []string) (*Relation, error)
	// Target gives the DuckDB name under which a relation, schema member or
	// (kind "schema") schema that may not exist yet is to be created.
	// temp asks for the session's temporary schema.
	Target(path []string, temp bool) ([]string, error)
	// Functions are the user-defined functions of a name, those in the schema
	// found first before the others.
	Functions(path []string) ([]*UserFunction, error)
	// Scan gives the DuckDB relation that reads an external relation. The
	// relation must have at least the columns in scan.Columns (all, when nil)
	// under their lower-case names.
	Scan(scan *Scan) (emit.Table, error)
}

// UserFunction is a scalar function in SQL or Python (CREATE FUNCTION ... LANGUAGE sql, plpythonu).
type UserFunction struct {
	// Python is what the function in Python is, for the catalog's own reader of
	// stepwell_python; empty of one in SQL.
	Python   string
	Volatile bool
	// Handle is the catalog's own.
	Handle  any
	Args    []syntax.TypeName
	Returns syntax.TypeName
	// Body is SELECT with one expression, in which $1 is the first argument.
	Body string
}

// Scan is one read of an external relation.
type Scan struct {
	Relation *Relation
	// Columns are the columns the statement may use, in the relation's order;
	// nil means all. "$path", "$size" and "$spectrum_oid" appear only if asked for.
	Columns []string
	// Filter keeps the partitions that may hold wanted rows; nil keeps all.
	Filter *Filter
}

// ReadsLive says that the external relations a query reads are system tables,
// and that there are any: their rows exist only while a query runs, so that a
// view over them is kept as its text, like a LateView.
func ReadsLive(scans []*Scan) bool {
	for _, s := range scans {
		if s.Relation.Schema != "pg_catalog" {
			return false
		}
	}
	return len(scans) > 0
}
