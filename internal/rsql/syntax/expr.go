package syntax

// ColumnRef is a dotted name used as a value: a column, perhaps qualified,
// perhaps followed by SUPER attributes.
type ColumnRef struct {
	Pos
	Parts []Ident
}

// Star is * or t.*, in a select list or in count(*).
type Star struct {
	Pos
	Qualifier []Ident
	// Exclude are the columns left out: * EXCLUDE (a, b).
	Exclude []Ident
}

// Number is a numeric literal, as written.
type Number struct {
	Pos
	Text string
}

// String is a text literal; Value is its decoded content.
type String struct {
	Pos
	Value string
}

// Bool is TRUE or FALSE.
type Bool struct {
	Pos
	Value bool
}

// Null is NULL.
type Null struct{ Pos }

// Param is a parameter of a prepared statement: $1 has Index 1.
type Param struct {
	Pos
	Index int
}

// TypedString is a literal written type 'text': DATE '2008-01-01'.
type TypedString struct {
	Pos
	Type  TypeName
	Value string
}

// Interval is INTERVAL 'value' [fields]. Fields is lower case ("day",
// "year to month"), empty if absent.
type Interval struct {
	Pos
	Value  string
	Fields string
}

// Unary is a prefix operator: -, +, ~, @, |/, ||/, not, prior.
type Unary struct {
	Pos
	Op string
	X  Expr
}

// Binary is an infix operator; Op is lower case ("+", "and", "||", "~*",
// "is distinct from").
type Binary struct {
	Pos
	Op   string
	L, R Expr
	// OpAt is where the operator stands.
	OpAt Pos
}

// IsTest is X IS [NOT] What; What is null, true, false or unknown.
type IsTest struct {
	Pos
	X    Expr
	Not  bool
	What string
}

// Like is a pattern match: Kind is "like", "ilike" or "similar to".
type Like struct {
	Pos
	X, Pattern Expr
	Escape     Expr // nil if absent
	Not        bool
	Kind       string
}

// Between is X [NOT] BETWEEN Lo AND Hi.
type Between struct {
	Pos
	X, Lo, Hi Expr
	Not       bool
}

// In is X [NOT] IN (list) or X [NOT] IN (query); exactly one of List and Query is set.
type In struct {
	Pos
	X     Expr
	Not   bool
	List  []Expr
	Query *Query
}

// Quantified is X op ANY|ALL (query) or of an array expression.
type Quantified struct {
	Pos
	X     Expr
	Op    string
	All   bool
	Query *Query
	Array Expr
}

// Exists is EXISTS (query).
type Exists struct {
	Pos
	Query *Query
}

// Subquery is a query in parentheses used as a value.
type Subquery struct {
	Pos
	Query *Query
}

// Case is CASE [operand] WHEN ... THEN ... [ELSE ...] END.
type Case struct {
	Pos
	Operand Expr
	Whens   []When
	Else    Expr
}

// When is one arm of a Case.
type When struct {
	Pos
	Cond, Result Expr
}

// CastStyle says how a cast was written.
type CastStyle int

// The spellings of a cast.
const (
	CastFunc    CastStyle = iota // CAST(x AS t)
	CastColons                   // x::t
	CastConvert                  // CONVERT(t, x)
	CastTry                      // TRY_CAST(x AS t)
)

// Cast converts X to a type.
type Cast struct {
	Pos
	X     Expr
	Type  TypeName
	Style CastStyle
}

// NullTreatment is IGNORE NULLS, RESPECT NULLS or neither.
type NullTreatment int

// The null treatments.
const (
	NullsDefault NullTreatment = iota
	NullsIgnore
	NullsRespect
)

// Call is a function call. Functions written without parentheses
// (CURRENT_DATE, SYSDATE, CURRENT_USER) have Bare set.
type Call struct {
	Pos
	Name        Name
	Args        []Expr
	Star        bool // count(*)
	Distinct    bool
	All         bool
	Approximate bool
	Bare        bool
	OrderBy     []OrderItem // within the parentheses
	WithinGroup []OrderItem
	Filter      Expr
	Nulls       NullTreatment
	Over        *Window // nil unless a window function
	// Transform are the paths of OBJECT_TRANSFORM; Args are then its input and
	// the values of SET.
	Transform *ObjectPaths
}

// ObjectPaths are the paths of OBJECT_TRANSFORM(x KEEP path, ... SET path, value, ...),
// as written: quoted names with dots between them.
type ObjectPaths struct {
	Keep, Set []string
}

// Window is what follows OVER: a reference to a named window, or a
// specification, perhaps based on one (Base).
type Window struct {
	Pos
	Ref       *Ident // OVER name
	Base      *Ident // OVER (name ...)
	Partition []Expr
	OrderBy   []OrderItem
	Frame     *Frame
}

// Frame is a window frame. Unit is rows, range or groups.
type Frame struct {
	Pos
	Unit    string
	Start   Bound
	End     *Bound
	Exclude string
}

// Bound is one end of a frame: Kind is "unbounded preceding", "preceding",
// "current row", "following" or "unbounded following".
type Bound struct {
	Pos
	Kind   string
	Offset Expr
}

// Extract is EXTRACT(field FROM x).
type Extract struct {
	Pos
	Field string
	X     Expr
}

// Trim is TRIM([BOTH|LEADING|TRAILING] [chars FROM] x). Side is both, leading,
// trailing or empty.
type Trim struct {
	Pos
	Side  string
	Chars Expr
	X     Expr
}

// Position is POSITION(part IN whole).
type Position struct {
	Pos
	Part, Whole Expr
}

// Row is (a, b) or ROW(a, b).
type Row struct {
	Pos
	Items []Expr
}

// Array is ARRAY[a, b].
type Array struct {
	Pos
	Items []Expr
}

// Field is navigation into a SUPER object: x.name, where x is not a plain name.
type Field struct {
	Pos
	X    Expr
	Name Ident
}

// Index is navigation into a SUPER array or object: x[i].
type Index struct {
	Pos
	X, Index Expr
}

// AtTimeZone is x AT TIME ZONE zone.
type AtTimeZone struct {
	Pos
	X, Zone Expr
}

// Collate is COLLATE applied to a value.
type Collate struct {
	Pos
	X         Expr
	Collation Ident
}

// OuterMark is Oracle's outer join mark on a column: t.a(+).
type OuterMark struct {
	Pos
	Column *ColumnRef
}

// Default is DEFAULT in a VALUES row or a SET clause.
type Default struct{ Pos }

// CurrentOf is WHERE CURRENT OF cursor.
type CurrentOf struct {
	Pos
	Cursor Ident
}

func (*ColumnRef) expr()   {}
func (*Star) expr()        {}
func (*Number) expr()      {}
func (*String) expr()      {}
func (*Bool) expr()        {}
func (*Null) expr()        {}
func (*Param) expr()       {}
func (*TypedString) expr() {}
func (*Interval) expr()    {}
func (*Unary) expr()       {}
func (*Binary) expr()      {}
func (*IsTest) expr()      {}
func (*Like) expr()        {}
func (*Between) expr()     {}
func (*In) expr()          {}
func (*Quantified) expr()  {}
func (*Exists) expr()      {}
func (*Subquery) expr()    {}
func (*Case) expr()        {}
func (*Cast) expr()        {}
func (*Call) expr()        {}
func (*Extract) expr()     {}
func (*Trim) expr()        {}
func (*Position) expr()    {}
func (*Row) expr()         {}
func (*Array) expr()       {}
func (*Field) expr()       {}
func (*Index) expr()       {}
func (*AtTimeZone) expr()  {}
func (*Collate) expr()     {}
func (*OuterMark) expr()   {}
func (*Default) expr()     {}
func (*CurrentOf) expr()   {}
