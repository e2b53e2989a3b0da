// Package emit holds the tree of DuckDB SQL that lowering builds, and is the
// only producer of DuckDB SQL text. The tree says exactly what is printed; it
// decides nothing about Redshift. warehouse builds relations with it when a
// catalog entry is not a plain table; lower builds everything else.
package emit

// Expr is a DuckDB expression.
type Expr interface{ expr() }

// Table is an item of a FROM clause.
type Table interface{ table() }

// Body is a query body: *Select, *SetOp, *Values or a nested *Query.
type Body interface{ body() }

// Statement is a DuckDB statement.
type Statement interface{ statement() }

// The expressions.
type (
	// Ref is a name: column, table.column or deeper. Every part is quoted.
	Ref struct{ Parts []string }
	// Star is * or t.*, with columns left out or replaced.
	Star struct {
		Qualifier []string
		Exclude   []string
	}
	// Num is a number as written.
	Num struct{ Text string }
	// Str is a string literal.
	Str struct{ Value string }
	// Word is a keyword used as a value: NULL, TRUE, FALSE, DEFAULT, CURRENT_DATE.
	Word struct{ Text string }
	// Param is $n.
	Param struct{ Index int }
	// Call is a function or macro call.
	Call struct {
		Name        string
		Args        []Expr
		Star        bool
		Distinct    bool
		OrderBy     []Order
		WithinGroup []Order
		Filter      Expr
		IgnoreNulls bool
		Over        *Window
	}
	// Named is name := value as an argument.
	Named struct {
		Name  string
		Value Expr
	}
	// Op is an infix operator over two or more operands.
	Op struct {
		Op   string
		Args []Expr
	}
	// Prefix is a prefix operator: NOT, -, +, ~.
	Prefix struct {
		Op string
		X  Expr
	}
	// Postfix is a postfix test: IS NULL, IS NOT TRUE.
	Postfix struct {
		X  Expr
		Op string
	}
	// Like is X [NOT] LIKE|ILIKE pattern [ESCAPE e].
	Like struct {
		X, Pattern, Escape Expr
		Op                 string
	}
	// Between is X [NOT] BETWEEN lo AND hi.
	Between struct {
		X, Lo, Hi Expr
		Not       bool
	}
	// In is X [NOT] IN (list or query).
	In struct {
		X     Expr
		Not   bool
		List  []Expr
		Query *Query
	}
	// Quantified is X op ANY|ALL (query).
	Quantified struct {
		X     Expr
		Op    string
		All   bool
		Query *Query
		Array Expr
	}
	// Exists is EXISTS (query).
	Exists struct{ Query *Query }
	// Subquery is a scalar query.
	Subquery struct{ Query *Query }
	// Case is CASE.
	Case struct {
		Operand Expr
		Whens   []When
		Else    Expr
	}
	// When is one arm.
	When struct{ Cond, Result Expr }
	// Cast is CAST or TRY_CAST.
	Cast struct {
		X    Expr
		Type string
		Try  bool
	}
	// Interval is INTERVAL 'text'.
	Interval struct{ Text string }
	// List is [a, b].
	List struct{ Items []Expr }
	// Struct is {'a': x}.
	Struct struct{ Fields []Named }
	// Row is (a, b).
	Row struct{ Items []Expr }
	// Index is x[i].
	Index struct{ X, Index Expr }
	// Extract is extract(field FROM x).
	Extract struct {
		Field string
		X     Expr
	}
	// Lambda is lambda p: body.
	Lambda struct {
		Params []string
		Body   Expr
	}
)

// Window is an OVER clause.
type Window struct {
	Ref       string // a named window; the rest is empty
	Base      string
	Partition []Expr
	OrderBy   []Order
	Frame     *Frame
}

// Frame is a window frame; bounds are printed after their offset.
type Frame struct {
	Unit       string
	Start, End Bound
	Exclude    string
}

// Bound is one end of a frame; Kind as in SQL, upper case; empty End means none.
type Bound struct {
	Kind   string
	Offset Expr
}

// Order is a sort key; Nulls is FIRST, LAST or empty.
type Order struct {
	X     Expr
	Desc  bool
	Nulls string
}

// The tables.
type (
	// Name is a table, view or CTE.
	Name struct {
		Parts []string
		Alias Alias
	}
	// TableCall is a table function: read_parquet([...]).
	TableCall struct {
		Call  *Call
		Alias Alias
	}
	// Derived is a query in FROM.
	Derived struct {
		Query   *Query
		Lateral bool
		Alias   Alias
	}
	// Join joins two tables; Kind is INNER, LEFT, RIGHT, FULL or CROSS.
	Join struct {
		Kind        string
		Natural     bool
		Left, Right Table
		On          Expr
		Using       []string
	}
	// Unpivoted is source UNPIVOT [INCLUDE NULLS] (value FOR name IN (columns)).
	Unpivoted struct {
		Source       Table
		IncludeNulls bool
		Value, Name  string
		In           []Item
		Alias        Alias
	}
)

// Alias is AS name(columns); empty Name for none.
type Alias struct {
	Name    string
	Columns []string
}

// Query is a whole query.
type Query struct {
	Recursive bool
	With      []CTE
	Body      Body
	OrderBy   []Order
	Limit     Expr
	Offset    Expr
}

// CTE is one table of WITH.
type CTE struct {
	Name    string
	Columns []string
	Query   *Query
}

// Select is one query block.
type Select struct {
	Distinct   bool
	DistinctOn []Expr
	Items      []Item
	From       []Table
	Where      Expr
	GroupBy    []Group
	GroupAll   bool
	Having     Expr
	Qualify    Expr
	Windows    []NamedWindow
}

// Item is an expression with a name; empty for none.
type Item struct {
	X  Expr
	As string
}

// Group is an item of GROUP BY; Kind is "", ROLLUP, CUBE, GROUPING SETS or SET.
type Group struct {
	Kind  string
	X     Expr
	Items []Group
}

// NamedWindow is one window of a WINDOW clause.
type NamedWindow struct {
	Name   string
	Window Window
}

// SetOp is UNION, INTERSECT or EXCEPT.
type SetOp struct {
	Op          string
	All         bool
	Left, Right Body
}

// Values is VALUES.
type Values struct{ Rows [][]Expr }

// The statements other than *Query.
type (
	// Insert inserts the rows of Query; nil means DEFAULT VALUES.
	Insert struct {
		With    []CTE
		Table   []string
		Columns []string
		Query   *Query
	}
	// Update updates Table.
	Update struct {
		With  []CTE
		Table []string
		Alias string
		Set   []Set
		From  []Table
		Where Expr
	}
	// Set is column = value.
	Set struct {
		Column string
		Value  Expr
	}
	// Delete deletes from Table.
	Delete struct {
		With  []CTE
		Table []string
		Alias string
		Using []Table
		Where Expr
	}
	// Merge is MERGE INTO.
	Merge struct {
		Table  []string
		Alias  string
		Source Table
		On     Expr
		Whens  []MergeWhen
	}
	// MergeWhen is one arm: Action is UPDATE, DELETE or INSERT.
	MergeWhen struct {
		Matched bool
		And     Expr
		Action  string
		Set     []Set
		Columns []string
		Values  []Expr
	}
	// CreateTable creates a table from columns or from a query.
	CreateTable struct {
		Temp        bool
		IfNotExists bool
		Name        []string
		Columns     []Column
		As          *Query
	}
	// Column is a column of CreateTable and AddColumn.
	Column struct {
		Name    string
		Type    string
		NotNull bool
		Default Expr
	}
	// CreateView creates a view.
	CreateView struct {
		OrReplace bool
		Temp      bool
		Name      []string
		Columns   []string
		Query     *Query
	}
	// CreateSchema creates a schema.
	CreateSchema struct {
		IfNotExists bool
		Name        []string
	}
	// CreateSequence creates, or replaces, the sequence behind an IDENTITY column.
	CreateSequence struct {
		Temp        bool
		Name        []string
		Start, Step int64
	}
	// Drop drops an object; Kind is TABLE, VIEW, SCHEMA or SEQUENCE.
	Drop struct {
		Kind     string
		IfExists bool
		Name     []string
		Cascade  bool
	}
	// AlterTable is one change of a table, or of a view.
	AlterTable struct {
		View   bool
		Table  []string
		Change Change
	}
)

// Change is what AlterTable does.
type Change interface{ change() }

// The changes.
type (
	// AddColumn adds a column.
	AddColumn struct {
		IfNotExists bool
		Column      Column
	}
	// DropColumn drops a column.
	DropColumn struct{ Name string }
	// RenameColumn renames a column.
	RenameColumn struct{ From, To string }
	// RenameTable renames the table.
	RenameTable struct{ To string }
	// SetNotNull forbids NULL in a column.
	SetNotNull struct{ Column string }
	// SetDefault changes what a column gets from now on.
	SetDefault struct {
		Column  string
		Default Expr
	}
	// AlterType changes a column's type; Using gives its values, nil as they were.
	AlterType struct {
		Column, Type string
		Using        Expr
	}
)

func (*Ref) expr()        {}
func (*Star) expr()       {}
func (*Num) expr()        {}
func (*Str) expr()        {}
func (*Word) expr()       {}
func (*Param) expr()      {}
func (*Call) expr()       {}
func (*Named) expr()      {}
func (*Op) expr()         {}
func (*Prefix) expr()     {}
func (*Postfix) expr()    {}
func (*Like) expr()       {}
func (*Between) expr()    {}
func (*In) expr()         {}
func (*Quantified) expr() {}
func (*Exists) expr()     {}
func (*Subquery) expr()   {}
func (*Case) expr()       {}
func (*Cast) expr()       {}
func (*Interval) expr()   {}
func (*List) expr()       {}
func (*Struct) expr()     {}
func (*Row) expr()        {}
func (*Index) expr()      {}
func (*Extract) expr()    {}
func (*Lambda) expr()     {}

func (*Name) table()      {}
func (*TableCall) table() {}
func (*Derived) table()   {}
func (*Join) table()      {}
func (*Unpivoted) table() {}

func (*Query) body()  {}
func (*Select) body() {}
func (*SetOp) body()  {}
func (*Values) body() {}

func (*Query) statement()          {}
func (*Insert) statement()         {}
func (*Update) statement()         {}
func (*Delete) statement()         {}
func (*Merge) statement()          {}
func (*CreateTable) statement()    {}
func (*CreateView) statement()     {}
func (*CreateSchema) statement()   {}
func (*CreateSequence) statement() {}
func (*Drop) statement()           {}
func (*AlterTable) statement()     {}

func (*AddColumn) change()    {}
func (*DropColumn) change()   {}
func (*RenameColumn) change() {}
func (*RenameTable) change()  {}
func (*SetNotNull) change()   {}
func (*SetDefault) change()   {}
func (*AlterType) change()    {}
