package syntax

// Insert is INSERT INTO table [(columns)] query | DEFAULT VALUES. A VALUES list
// is a Query whose body is *Values and may hold *Default.
type Insert struct {
	Pos
	With          *With
	Table         Name
	Columns       []Ident
	Query         *Query // nil for DEFAULT VALUES
	DefaultValues bool
}

// Assignment is column = value in UPDATE and MERGE.
type Assignment struct {
	Pos
	Column Ident
	Value  Expr
}

// Update is UPDATE table [alias] SET ... [FROM ...] [WHERE ...].
type Update struct {
	Pos
	With  *With
	Table Name
	Alias *Ident
	Set   []Assignment
	From  []TableExpr
	Where Expr
}

// Delete is DELETE [FROM] table [alias] [USING ...] [WHERE ...].
type Delete struct {
	Pos
	With  *With
	Table Name
	Alias *Ident
	Using []TableExpr
	Where Expr
}

// Merge is MERGE INTO target USING source ON condition, with its actions or
// REMOVE DUPLICATES.
type Merge struct {
	Pos
	Target           Name
	TargetAlias      *Ident
	Source           TableExpr
	On               Expr
	RemoveDuplicates bool
	Whens            []MergeWhen
}

// MergeWhen is one WHEN clause. Action is update, delete or insert.
type MergeWhen struct {
	Pos
	Matched bool
	And     Expr
	Action  string
	Set     []Assignment
	Columns []Ident
	Values  []Expr
}

// Truncate is TRUNCATE [TABLE] name.
type Truncate struct {
	Pos
	Table Name
}

func (*Insert) statement()   {}
func (*Update) statement()   {}
func (*Delete) statement()   {}
func (*Merge) statement()    {}
func (*Truncate) statement() {}
