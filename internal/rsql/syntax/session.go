package syntax

// Begin is BEGIN or START TRANSACTION. Isolation is lower case or empty.
type Begin struct {
	Pos
	Start     bool // START TRANSACTION
	Isolation string
	ReadOnly  bool
	ReadWrite bool
}

// Commit is COMMIT or END.
type Commit struct{ Pos }

// Rollback is ROLLBACK or ABORT.
type Rollback struct{ Pos }

// Set is SET [SESSION|LOCAL] name TO values. Values are the plain texts
// (identifiers lower case, strings decoded). SET SESSION AUTHORIZATION has Name
// "session_authorization", SET TIME ZONE has "timezone", SET SESSION
// CHARACTERISTICS AS TRANSACTION ... "transaction_isolation". Default: TO DEFAULT.
type Set struct {
	Pos
	Local   bool
	Name    string
	Values  []string
	Default bool
}

// Reset is RESET name | ALL (Name "all").
type Reset struct {
	Pos
	Name string
}

// Show is SHOW parameter; Kind is "" for a parameter (Name "all" for SHOW ALL),
// else the object kind: table, view, procedure, tables, schemas, databases,
// columns, constraints, grants, external table, model, datashares, ...
type Show struct {
	Pos
	Kind string
	Name string
	// Of says more of the kind: of constraints primary keys, foreign keys or
	// foreign keys exported; of grants what Object is (database, schema, table,
	// tables, function, procedure, template), empty for those of a grantee; of
	// parameters procedure or function; data catalog for those of Glue.
	Of           string
	Object       Name // for a Kind with a name; its parts may be "$1", see Param
	Args         []TypeName
	HasArgs      bool
	From         Name // SHOW TABLES FROM SCHEMA db.schema
	FromDatabase bool // FROM DATABASE
	For          *Grantee
	Like         Expr // a String or a Param
	Where        []ShowFilter
	Limit        Expr
	Partitions   bool // SHOW EXTERNAL TABLE ... PARTITION
}

// ShowFilter is one condition of SHOW ... WHERE column LIKE pattern.
type ShowFilter struct {
	Column string
	Like   Expr
}

// Analyze is ANALYZE [COMPRESSION] [table [(columns)]] ...
type Analyze struct {
	Pos
	Compression bool
	Verbose     bool
	Table       *Name
	Columns     []Ident
	Options     []Option
}

// Vacuum is VACUUM [FULL|SORT ONLY|DELETE ONLY|REINDEX|RECLUSTER] [table] ...
type Vacuum struct {
	Pos
	Mode    string
	Table   *Name
	Options []Option
}

// Lock is LOCK [TABLE] names.
type Lock struct {
	Pos
	Tables []Name
}

// Explain is EXPLAIN [VERBOSE] statement.
type Explain struct {
	Pos
	Verbose   bool
	Statement Statement
}

// Use is USE database.
type Use struct {
	Pos
	Database Ident
}

// Cancel is CANCEL pid ['message'].
type Cancel struct {
	Pos
	PID     string
	Message string
}

// Declare is DECLARE name CURSOR FOR query.
type Declare struct {
	Pos
	Name  Ident
	Query *Query
}

// Fetch is FETCH [direction] FROM cursor. Direction is next, all or forward;
// Count the number given, 0 if none.
type Fetch struct {
	Pos
	Direction string
	Count     int64
	Cursor    Ident
}

// CloseCursor is CLOSE cursor.
type CloseCursor struct {
	Pos
	Name Ident
}

// Prepare is PREPARE name [(types)] AS statement.
type Prepare struct {
	Pos
	Name      Ident
	Types     []TypeName
	Statement Statement
	// Text is the source of Statement.
	Text string
}

// Execute is EXECUTE name [(values)].
type Execute struct {
	Pos
	Name Ident
	Args []Expr
}

// Deallocate is DEALLOCATE [PREPARE] name; All for DEALLOCATE ALL.
type Deallocate struct {
	Pos
	Name Ident
	All  bool
}

// Call statement: CALL procedure(args).
type CallStatement struct {
	Pos
	Name Name
	Args []Expr
}

func (*Begin) statement()         {}
func (*Commit) statement()        {}
func (*Rollback) statement()      {}
func (*Set) statement()           {}
func (*Reset) statement()         {}
func (*Show) statement()          {}
func (*Analyze) statement()       {}
func (*Vacuum) statement()        {}
func (*Lock) statement()          {}
func (*Explain) statement()       {}
func (*Use) statement()           {}
func (*Cancel) statement()        {}
func (*Declare) statement()       {}
func (*Fetch) statement()         {}
func (*CloseCursor) statement()   {}
func (*Prepare) statement()       {}
func (*Execute) statement()       {}
func (*Deallocate) statement()    {}
func (*CallStatement) statement() {}
