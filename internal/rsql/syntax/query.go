package syntax

// Query is a whole query: the WITH clause, the body, and what applies to the
// body's result. It is a statement, and a Body when in parentheses.
type Query struct {
	Pos
	With    *With
	Body    Body
	OrderBy []OrderItem
	Limit   Expr // nil for none and for LIMIT ALL
	Offset  Expr
}

// With is a WITH clause.
type With struct {
	Pos
	Recursive bool
	Tables    []CTE
}

// CTE is one table of a WITH clause.
type CTE struct {
	Pos
	Name    Ident
	Columns []Ident
	Query   *Query
}

// SetOp combines two bodies. Op is union, intersect or except (MINUS is except).
type SetOp struct {
	Pos
	Op          string
	All         bool
	Left, Right Body
}

// Values is VALUES (..), (..).
type Values struct {
	Pos
	Rows [][]Expr
}

// Select is one query block.
type Select struct {
	Pos
	Distinct   bool
	DistinctOn []Expr
	Top        Expr
	Items      []SelectItem
	Into       *Into
	From       []TableExpr
	Where      Expr
	StartWith  Expr
	ConnectBy  Expr
	GroupBy    []GroupItem
	GroupAll   bool // GROUP BY ALL
	Having     Expr
	Qualify    Expr
	Windows    []NamedWindow
}

// SelectItem is one item of a select list.
type SelectItem struct {
	Pos
	Expr  Expr
	Alias *Ident
}

// Into is the target of SELECT INTO.
type Into struct {
	Pos
	Temp bool
	Name Name
}

// GroupItem is one item of GROUP BY: an expression, or ROLLUP, CUBE or GROUPING
// SETS over nested items. Kind is "", "rollup", "cube", "grouping sets" or
// "set" (a parenthesised list inside the others).
type GroupItem struct {
	Pos
	Kind  string
	Expr  Expr
	Items []GroupItem
}

// NamedWindow is one definition of a WINDOW clause.
type NamedWindow struct {
	Pos
	Name   Ident
	Window *Window
}

// OrderItem is one sort key. Nulls is "first", "last" or empty.
type OrderItem struct {
	Pos
	Expr  Expr
	Desc  bool
	Asc   bool // written out
	Nulls string
}

// TableName is a named relation in FROM, or (resolve decides) the unnesting of
// a SUPER path of a table that stands before it: FROM t, t.orders AS o AT i.
type TableName struct {
	Pos
	Name  Name
	Path  []Expr // indexes after the name: t.orders[0] has one
	Alias *Alias
	At    *Ident
}

// TableQuery is a query in parentheses in FROM.
type TableQuery struct {
	Pos
	Query   *Query
	Alias   *Alias
	Lateral bool
}

// TableCall is a function in FROM: generate_series(1, 10) AS g.
type TableCall struct {
	Pos
	Call  *Call
	Alias *Alias
	At    *Ident
}

// JoinKind is the kind of a join.
type JoinKind string

// The kinds of joins.
const (
	InnerJoin JoinKind = "inner"
	LeftJoin  JoinKind = "left"
	RightJoin JoinKind = "right"
	FullJoin  JoinKind = "full"
	CrossJoin JoinKind = "cross"
)

// Join joins two table expressions.
type Join struct {
	Pos
	Kind        JoinKind
	Natural     bool
	Left, Right TableExpr
	On          Expr
	Using       []Ident
}

// Pivot is source PIVOT (aggregates FOR column IN (values)).
type Pivot struct {
	Pos
	Source     TableExpr
	Aggregates []SelectItem
	For        Expr
	In         []SelectItem
	Alias      *Alias
}

// Unpivot is source UNPIVOT [INCLUDE NULLS] (value FOR name IN (columns)).
type Unpivot struct {
	Pos
	Source       TableExpr
	IncludeNulls bool
	Value        Ident
	Name         Ident
	In           []SelectItem
	Alias        *Alias
}

// ObjectUnpivot is UNPIVOT expression AS value AT attribute, over a SUPER object.
type ObjectUnpivot struct {
	Pos
	Object Expr
	Value  Ident
	At     *Ident
}

func (*Query) statement() {}

func (*Query) body()  {}
func (*Select) body() {}
func (*SetOp) body()  {}
func (*Values) body() {}

func (*TableName) tableExpr()     {}
func (*TableQuery) tableExpr()    {}
func (*TableCall) tableExpr()     {}
func (*Join) tableExpr()          {}
func (*Pivot) tableExpr()         {}
func (*Unpivot) tableExpr()       {}
func (*ObjectUnpivot) tableExpr() {}
