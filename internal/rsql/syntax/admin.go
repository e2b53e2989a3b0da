package syntax

// CreatePrincipal is CREATE USER, GROUP or ROLE. Kind is user, group or role.
type CreatePrincipal struct {
	Pos
	Kind    string
	Name    Ident
	Options []Option
	Members []Ident // CREATE GROUP ... WITH USER a, b
}

// AlterPrincipal is ALTER USER, GROUP or ROLE. Changes of a group's members
// are Add and Drop.
type AlterPrincipal struct {
	Pos
	Kind     string
	Name     Ident
	RenameTo *Ident
	OwnerTo  *Ident
	Add      []Ident
	Drop     []Ident
	Options  []Option
	Set      *Set // ALTER USER ... SET parameter
	Reset    *Reset
}

// CreateDatabase is CREATE DATABASE name [WITH options].
type CreateDatabase struct {
	Pos
	Name    Ident
	Options []Option
}

// AlterDatabase is ALTER DATABASE name ...
type AlterDatabase struct {
	Pos
	Name     Ident
	RenameTo *Ident
	OwnerTo  *Ident
	Options  []Option
}

// Grant is GRANT or REVOKE (Revoke set). Privileges are lower case ("select",
// "all"); a role or a system privilege granted is in Roles or Privileges with
// an empty On.
type Grant struct {
	Pos
	Revoke      bool
	GrantOption bool // WITH GRANT OPTION, REVOKE GRANT OPTION FOR
	AdminOption bool // WITH ADMIN OPTION
	Privileges  []Privilege
	Roles       []Ident
	// On is the object kind, lower case: table, schema, database, function,
	// procedure, language, "all tables in schema", datashare, ...
	On        string
	Objects   []Name
	Signature [][]TypeName // parallel to Objects for functions and procedures
	To        []Grantee
	Cascade   bool
	// For is the operations of GRANT ASSUMEROLE ... FOR.
	For []string
}

// Privilege is one privilege, with the columns it is limited to.
type Privilege struct {
	Pos
	Name    string
	Columns []Ident
}

// Grantee is who gets a privilege. Kind is user, group, role, public, or
// "rls policy".
type Grantee struct {
	Pos
	Kind string
	Name Ident
}

// DefaultPrivileges is ALTER DEFAULT PRIVILEGES [FOR USER ..] [IN SCHEMA ..] grant.
type DefaultPrivileges struct {
	Pos
	Users   []Ident
	Schemas []Ident
	Grant   *Grant
}

// Unsupported is a statement that is recognised but not built: CREATE MODEL,
// datashares, libraries. Feature names it in upper case. Compile and
// execution refuse it with SQLSTATE 0A000.
type Unsupported struct {
	Pos
	Feature string
}

func (*CreatePrincipal) statement()   {}
func (*AlterPrincipal) statement()    {}
func (*CreateDatabase) statement()    {}
func (*AlterDatabase) statement()     {}
func (*Grant) statement()             {}
func (*DefaultPrivileges) statement() {}
func (*Unsupported) statement()       {}
