package duck

import (
	"fmt"
	"strings"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// Kind is the family of a DuckDB type.
type Kind int

// The kinds a column can have. Other DuckDB types arrive as Unknown and must
// be cast in SQL before they are fetched.
const (
	Unknown Kind = iota
	Null
	Bool
	TinyInt
	SmallInt
	Integer
	BigInt
	HugeInt
	UTinyInt
	USmallInt
	UInteger
	UBigInt
	UHugeInt
	Float
	Double
	Decimal
	Varchar
	Blob
	Date
	Time
	TimeTZ
	Timestamp
	TimestampS
	TimestampMS
	TimestampNS
	TimestampTZ
	Interval
	UUID
	JSON
	Enum
	List
	Array
	Map
	Struct
)

// Type is a DuckDB type.
type Type struct {
	Kind   Kind
	Width  int      // digits of a Decimal, length of an Array, bytes of an Enum's index
	Scale  int      // of a Decimal
	Fields []Field  // element of a List or Array, fields of a Struct, entry of a Map
	Words  []string // of an Enum
	Braces bool     // a List prints as an array of PostgreSQL; see Rows.Braces
	Pad    int      // bytes up to which a Varchar prints with blanks; see Rows.Pad
}

// Field is a part of a nested type.
type Field struct {
	Name string
	Type Type
}

// kinds pairs DuckDB's type ids with ours and with the names of the dialect.
var kinds = map[bindings.Type]struct {
	kind Kind
	name string
}{
	bindings.TypeBoolean:     {Bool, "BOOLEAN"},
	bindings.TypeTinyInt:     {TinyInt, "TINYINT"},
	bindings.TypeSmallInt:    {SmallInt, "SMALLINT"},
	bindings.TypeInteger:     {Integer, "INTEGER"},
	bindings.TypeBigInt:      {BigInt, "BIGINT"},
	bindings.TypeHugeInt:     {HugeInt, "HUGEINT"},
	bindings.TypeUTinyInt:    {UTinyInt, "UTINYINT"},
	bindings.TypeUSmallInt:   {USmallInt, "USMALLINT"},
	bindings.TypeUInteger:    {UInteger, "UINTEGER"},
	bindings.TypeUBigInt:     {UBigInt, "UBIGINT"},
	bindings.TypeUHugeInt:    {UHugeInt, "UHUGEINT"},
	bindings.TypeFloat:       {Float, "FLOAT"},
	bindings.TypeDouble:      {Double, "DOUBLE"},
	bindings.TypeVarchar:     {Varchar, "VARCHAR"},
	bindings.TypeBlob:        {Blob, "BLOB"},
	bindings.TypeDate:        {Date, "DATE"},
	bindings.TypeTime:        {Time, "TIME"},
	bindings.TypeTimeTZ:      {TimeTZ, "TIMETZ"},
	bindings.TypeTimestamp:   {Timestamp, "TIMESTAMP"},
	bindings.TypeTimestampS:  {TimestampS, "TIMESTAMP_S"},
	bindings.TypeTimestampMS: {TimestampMS, "TIMESTAMP_MS"},
	bindings.TypeTimestampNS: {TimestampNS, "TIMESTAMP_NS"},
	bindings.TypeTimestampTZ: {TimestampTZ, "TIMESTAMPTZ"},
	bindings.TypeInterval:    {Interval, "INTERVAL"},
	bindings.TypeUUID:        {UUID, "UUID"},
	bindings.TypeSQLNull:     {Null, "NULL"},
}

func typeOf(lt bindings.LogicalType) Type {
	id := bindings.GetTypeId(lt)
	switch id {
	case bindings.TypeVarchar:
		if bindings.LogicalTypeGetAlias(lt) == "JSON" {
			return Type{Kind: JSON}
		}
	case bindings.TypeDecimal:
		return Type{Kind: Decimal, Width: int(bindings.DecimalWidth(lt)), Scale: int(bindings.DecimalScale(lt))}
	case bindings.TypeList:
		return Type{Kind: List, Fields: []Field{{Type: taken(bindings.ListTypeChildType(lt))}}}
	case bindings.TypeArray:
		return Type{Kind: Array, Width: int(bindings.ArrayTypeArraySize(lt)), Fields: []Field{{Type: taken(bindings.ArrayTypeChildType(lt))}}}
	case bindings.TypeMap:
		entry := Type{Kind: Struct, Fields: []Field{
			{Name: "key", Type: taken(bindings.MapTypeKeyType(lt))},
			{Name: "value", Type: taken(bindings.MapTypeValueType(lt))},
		}}
		return Type{Kind: Map, Fields: []Field{{Type: entry}}}
	case bindings.TypeStruct:
		t := Type{Kind: Struct}
		for i := range bindings.StructTypeChildCount(lt) {
			t.Fields = append(t.Fields, Field{
				Name: bindings.StructTypeChildName(lt, i),
				Type: taken(bindings.StructTypeChildType(lt, i)),
			})
		}
		return t
	case bindings.TypeEnum:
		return enumType(lt)
	}
	return Type{Kind: kinds[id].kind}
}

func taken(lt bindings.LogicalType) Type {
	defer bindings.DestroyLogicalType(&lt)
	return typeOf(lt)
}

func enumType(lt bindings.LogicalType) Type {
	t := Type{Kind: Enum, Width: 4}
	switch bindings.EnumInternalType(lt) {
	case bindings.TypeUTinyInt:
		t.Width = 1
	case bindings.TypeUSmallInt:
		t.Width = 2
	}
	for i := range bindings.EnumDictionarySize(lt) {
		t.Words = append(t.Words, bindings.EnumDictionaryValue(lt, bindings.IdxT(i)))
	}
	return t
}

// String is the type as DuckDB's dialect spells it.
func (t Type) String() string {
	switch t.Kind {
	case Unknown:
		return "UNKNOWN"
	case JSON:
		return "JSON"
	case Enum:
		return "VARCHAR"
	case Decimal:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Width, t.Scale)
	case List:
		return t.Fields[0].Type.String() + "[]"
	case Array:
		return fmt.Sprintf("%s[%d]", t.Fields[0].Type, t.Width)
	case Map:
		kv := t.Fields[0].Type.Fields
		return fmt.Sprintf("MAP(%s, %s)", kv[0].Type, kv[1].Type)
	case Struct:
		parts := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			parts[i] = Ident(f.Name) + " " + f.Type.String()
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")"
	}
	for _, k := range kinds {
		if k.kind == t.Kind {
			return k.name
		}
	}
	return "UNKNOWN"
}

// TypeNamed is the type DuckDB prints as name. Of nested types only the kind
// is kept.
func TypeNamed(name string) Type {
	t := Type{Kind: Unknown}
	if p, ok := strings.CutPrefix(name, "DECIMAL("); ok {
		t.Kind = Decimal
		if _, err := fmt.Sscanf(p, "%d,%d)", &t.Width, &t.Scale); err == nil {
			return t
		}
	}
	switch {
	case name == "JSON":
		t.Kind = JSON
	case name == "TIMESTAMP WITH TIME ZONE":
		t.Kind = TimestampTZ
	case name == "TIME WITH TIME ZONE":
		t.Kind = TimeTZ
	case strings.HasSuffix(name, "[]"):
		return Type{Kind: List, Fields: []Field{{Type: TypeNamed(strings.TrimSuffix(name, "[]"))}}}
	case strings.HasPrefix(name, "STRUCT("):
		t.Kind = Struct
	case strings.HasPrefix(name, "ENUM("):
		t.Kind = Varchar
	}
	for _, k := range kinds {
		if k.name == name {
			t.Kind = k.kind
		}
	}
	return t
}
