package syntax

// CreateExternalSchema is CREATE EXTERNAL SCHEMA name FROM source. Source is
// "data catalog", "hive metastore", "postgres", "mysql", "kinesis" or "redshift".
type CreateExternalSchema struct {
	Pos
	IfNotExists bool
	Name        Ident
	Source      string
	// Database is the catalog's database; Schema the source's schema, if any.
	Database  string
	Schema    string
	Region    string
	URI       string
	IAMRole   string // "default" for IAM_ROLE DEFAULT
	SecretARN string
	Port      string
	// CatalogRole is CATALOG_ROLE's value, if any.
	CatalogRole    string
	CreateDatabase bool // CREATE EXTERNAL DATABASE IF NOT EXISTS
}

// CreateExternalTable is CREATE EXTERNAL TABLE.
type CreateExternalTable struct {
	Pos
	IfNotExists bool
	Name        Name
	Columns     []ExternalColumn
	PartitionBy []ExternalColumn
	// Delimited holds ROW FORMAT DELIMITED's clauses; nil unless written.
	Delimited *RowDelimited
	// SerDe is ROW FORMAT SERDE's class, with its properties.
	SerDe           string
	SerDeProperties []Property
	// StoredAs is the word after STORED AS, lower case ("parquet",
	// "textfile"); or InputFormat and OutputFormat are set.
	StoredAs     string
	InputFormat  string
	OutputFormat string
	Location     string
	Properties   []Property
	// As is the query of CREATE EXTERNAL TABLE AS.
	As *Query
}

// ExternalColumn is a column of an external table. In CREATE EXTERNAL TABLE AS
// partition columns have no type (Type.Name is empty).
type ExternalColumn struct {
	Pos
	Name Ident
	Type TypeName
}

// RowDelimited is ROW FORMAT DELIMITED. A clause that is absent is nil.
type RowDelimited struct {
	Pos
	Fields      *string
	Lines       *string
	Escaped     *string
	Collections *string
	MapKeys     *string
	Null        *string
}

func (*CreateExternalSchema) statement() {}
func (*CreateExternalTable) statement()  {}
