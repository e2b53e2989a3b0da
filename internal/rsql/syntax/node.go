package syntax

import "stepwell/internal/diag"

// Pos is the byte span of a node in the text that was parsed. Every node embeds it.
type Pos struct{ diag.Span }

// Range returns the byte span of the node.
func (p Pos) Range() diag.Span { return p.Span }

// Node is any part of a tree that knows where it stood in the text.
type Node interface{ Range() diag.Span }

// Statement is one SQL statement. The family is sealed: its members are the
// pointer types of this package that implement it.
type Statement interface {
	Node
	statement()
}

// Expr is a value expression.
type Expr interface {
	Node
	expr()
}

// TableExpr is an item of a FROM clause.
type TableExpr interface {
	Node
	tableExpr()
}

// Body is what a query is made of: *Select, *SetOp, *Values or, in
// parentheses, another *Query.
type Body interface {
	Node
	body()
}

// Ident is an identifier. Name is folded to lower case unless it was quoted;
// whether a quoted name keeps its case is a session setting
// (enable_case_sensitive_identifier), applied by resolve.
type Ident struct {
	Pos
	Name   string
	Quoted bool
}

// Name is a dotted name of one to three parts: [database.][schema.]name.
type Name struct {
	Pos
	Parts []Ident
}

// Last returns the rightmost part.
func (n Name) Last() Ident { return n.Parts[len(n.Parts)-1] }

// TypeName is a type as written: the words in lower case ("character varying",
// "timestamp without time zone"), the modifiers in parentheses, and for
// external tables the nested text ("struct<a:int>").
type TypeName struct {
	Pos
	Name string
	// Args are the modifiers; "max" stands as written.
	Args []string
	// Nested is the text of an external table's struct<>, array<> or map<>
	// type, angle brackets included; empty otherwise.
	Nested string
}

// Alias names a table expression and, optionally, its columns.
type Alias struct {
	Pos
	Name    Ident
	Columns []Ident
}

// Option is one named setting of a statement with a long option list (COPY,
// UNLOAD, CREATE USER, ...). Name is upper case, words joined by one space
// ("IAM_ROLE", "FORMAT", "PARALLEL").
type Option struct {
	Pos
	Name string
	// Value is the option's plain value: the content of a string, a number, or
	// a bare word in upper case. Empty if there is none.
	Value string
	// Quoted says that Value stood in quotes.
	Quoted bool
	// Second is a second value: NULL AS with a name, JSON 'auto', MAXFILESIZE 5 MB's unit.
	Second string
	// List holds the names or strings in parentheses (PARTITION BY, ...).
	List []string
}
