package syntax

// CreateRoutine is CREATE [OR REPLACE] PROCEDURE or FUNCTION. Kind is
// procedure or function.
type CreateRoutine struct {
	Pos
	Kind      string
	OrReplace bool
	External  bool // CREATE EXTERNAL FUNCTION (Lambda)
	NonAtomic bool
	Name      Name
	Args      []RoutineArg
	Returns   *TypeName
	Language  string // lower case
	// Volatility is volatile, stable, immutable or empty.
	Volatility string
	// Body is the content of the quoted body, BodyAt its span in the text
	// (inside the quotes).
	Body     string
	BodyAt   Pos
	Security string // "definer", "invoker" or empty
	Options  []Option
}

// RoutineArg is one argument. Mode is in, out, inout or empty.
type RoutineArg struct {
	Pos
	Mode string
	Name *Ident
	Type TypeName
}

// AlterRoutine is ALTER PROCEDURE or FUNCTION name(args) RENAME TO | OWNER TO.
type AlterRoutine struct {
	Pos
	Kind     string
	Name     Name
	Args     []TypeName
	RenameTo *Ident
	OwnerTo  *Ident
}

func (*CreateRoutine) statement() {}
func (*AlterRoutine) statement()  {}
