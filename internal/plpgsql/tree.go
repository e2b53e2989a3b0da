package plpgsql

import (
	"stepwell/internal/rsql/syntax"
)

// Procedure is a parsed body.
type Procedure struct {
	Name string
	Args []*Variable
	Body *Block
	// found is the variable FOUND; slots is the number of variables.
	found *Variable
	slots int
	// NonAtomic is NONATOMIC: every statement commits for itself.
	NonAtomic bool
}

// Argument declares a procedure's argument. Mode is in, out or inout.
type Argument struct {
	Mode, Name string
	Type       syntax.TypeName
}

// VariableKind says what a variable holds.
type VariableKind int

// The kinds of variables.
const (
	Scalar VariableKind = iota
	Record              // RECORD: the columns come with each assignment
	Row                 // %ROWTYPE: the columns of a relation
	Cursor              // refcursor, or a bound cursor
)

// Variable is a declared variable or an argument.
type Variable struct {
	Name string
	Kind VariableKind
	Mode string // of an argument
	// Type is the declared type; Like the path of relation.column before %TYPE,
	// or of the relation before %ROWTYPE; LikeVar a variable before %TYPE.
	Type              syntax.TypeName
	Like              []string
	LikeVar           *Variable
	Constant, NotNull bool
	Default           *SQL
	// Query and Params are a bound cursor's.
	Query  *SQL
	Params []*Variable
	slot   int
}

// Ref is a use of a variable, or of one field of a record.
type Ref struct {
	Var   *Variable
	Field string
}

// SQL is one SQL statement of a body, or an expression as the query that
// computes it. Where it mentions variables its tree has nodes that Fill gives
// values.
type SQL struct {
	Text string // as written
	Tree syntax.Statement
	Refs []Ref
	// Pure says that it reads no relation, so that one plan serves every run.
	Pure bool
	// nodes stand for Refs in the tree.
	nodes []*syntax.Cast
	// trivial is the literal or the variable the expression consists of.
	trivial syntax.Expr
}

// Stmt is a statement of the language.
type Stmt interface {
	line() int
	// what names the kind of statement in an error's context.
	what() string
}

type at struct {
	lineNo int
}

func (a at) line() int { return a.lineNo }

// The statements.
type (
	// Block is [DECLARE ...] BEGIN ... [EXCEPTION WHEN OTHERS THEN ...] END.
	Block struct {
		at
		Label   string
		Vars    []*Variable
		Body    []Stmt
		Handler *Handler
	}
	// Handler is an exception handler.
	Handler struct {
		Continue          bool
		SQLState, SQLErrM *Variable
		Body              []Stmt
	}
	// Assign is target := value.
	Assign struct {
		at
		Target Ref
		Value  *SQL
	}
	// If is IF ... ELSIF ... ELSE ... END IF, and CASE.
	If struct {
		at
		Arms []Arm
		Else []Stmt
		// Case: a CASE without ELSE fails when no arm fits.
		Case    bool
		HasElse bool
	}
	// Arm is one condition with its statements.
	Arm struct {
		Cond *SQL
		Body []Stmt
	}
	// Loop is LOOP and WHILE.
	Loop struct {
		at
		Label string
		While *SQL
		Body  []Stmt
	}
	// ForRange is FOR i IN [REVERSE] a..b LOOP.
	ForRange struct {
		at
		Label   string
		Var     *Variable
		Lo, Hi  *SQL
		Reverse bool
		Body    []Stmt
	}
	// ForQuery is FOR target IN query LOOP; Text is the text of FOR IN EXECUTE.
	ForQuery struct {
		at
		Label   string
		Targets []Ref
		Query   *SQL
		Text    *SQL
		Body    []Stmt
	}
	// Exit is EXIT and CONTINUE.
	Exit struct {
		at
		Continue bool
		Label    string
		When     *SQL
	}
	// Return is RETURN.
	Return struct{ at }
	// Raise is RAISE; without a level it throws the handled error again.
	Raise struct {
		at
		Level  string
		Format string
		Args   []*SQL
	}
	// Exec is an SQL statement, with the targets of its INTO.
	Exec struct {
		at
		SQL  *SQL
		Into []Ref
	}
	// Execute is EXECUTE text [INTO targets].
	Execute struct {
		at
		Text *SQL
		Into []Ref
	}
	// Call is CALL of another procedure. Outs has a reference for each argument
	// that is a variable by itself.
	Call struct {
		at
		SQL  *SQL
		Outs []*Ref
	}
	// Diagnostics is GET DIAGNOSTICS target := ROW_COUNT.
	Diagnostics struct {
		at
		Target Ref
	}
	// Open opens a cursor: for a query, for a text, or a bound one with Args.
	Open struct {
		at
		Cursor *Variable
		Query  *SQL
		Text   *SQL
		Args   []*SQL
	}
	// Fetch is FETCH cursor INTO targets; Close is CLOSE.
	Fetch struct {
		at
		Cursor *Variable
		Into   []Ref
	}
	Close struct {
		at
		Cursor *Variable
	}
	// Transact is COMMIT, ROLLBACK or START TRANSACTION, in lower case.
	Transact struct {
		at
		Word string
	}
	// Null is NULL.
	Null struct{ at }
)

func (*Block) what() string       { return "statement block" }
func (*Assign) what() string      { return "assignment" }
func (*If) what() string          { return "if" }
func (*Loop) what() string        { return "loop" }
func (*ForRange) what() string    { return "for with integer loopvar" }
func (*Exit) what() string        { return "exit" }
func (*Return) what() string      { return "return" }
func (*Raise) what() string       { return "raise" }
func (*Execute) what() string     { return "execute statement" }
func (*Call) what() string        { return "SQL statement" }
func (*Diagnostics) what() string { return "get diagnostics" }
func (*Open) what() string        { return "open" }
func (*Fetch) what() string       { return "fetch" }
func (*Close) what() string       { return "close" }
func (*Transact) what() string    { return "SQL statement" }
func (*Null) what() string        { return "null" }

func (s *ForQuery) what() string {
	if s.Text != nil {
		return "for over execute statement"
	}
	return "for over select rows"
}

func (s *Exec) what() string {
	if s.Into != nil {
		return "select into variables"
	}
	return "SQL statement"
}
