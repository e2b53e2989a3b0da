// Package types holds Redshift's data types: their names and aliases, their
// modifiers, how PostgreSQL's protocol numbers them and how they print, and
// the DuckDB type each is kept in. It knows no values. Every package of the
// SQL stack may import it.
package types

import (
	"fmt"
	"strconv"
	"strings"

	"stepwell/internal/sqlerr"
)

// Kind is a type without its modifiers.
type Kind int

// The kinds. Unknown is the type of an untyped literal or of an expression
// nobody asked the database about.
const (
	Unknown Kind = iota
	Boolean
	Smallint
	Integer
	Bigint
	Decimal
	Real
	Double
	Char
	Varchar
	Date
	Time
	TimeTZ
	Timestamp
	TimestampTZ
	IntervalYM
	IntervalDS
	Super
	Varbyte
	HLLSketch
	Geometry
	Geography
	OID
	Name
	Nested // an external table's struct, array or map; see Type.Text
	// The arrays of the system catalog, which no table has.
	SmallintArray
	TextArray
)

// Type is a data type with its modifiers.
type Type struct {
	Kind Kind
	// Length is a CHAR's, VARCHAR's or VARBYTE's limit in bytes; 0 if none applies.
	Length int
	// Precision and Scale are a DECIMAL's.
	Precision, Scale int
	// Text is the text of a Nested type, as declared.
	Text string
	// Insensitive says that a text compares without regard to case: its
	// collation is CASE_INSENSITIVE.
	Insensitive bool
	// Array says that the text is an array or vector of the system catalog.
	Array bool
}

// The largest declared lengths (in bytes) and the default decimal.
const (
	MaxVarchar       = 65535
	MaxChar          = 4096
	MaxVarbyte       = 16777216
	DefaultVarchar   = 256
	DefaultPrecision = 18
	MaxPrecision     = 38
)

// info is what is fixed for a kind.
type info struct {
	display string
	duck    string
	oid     uint32
	size    int16 // -1 for variable
}

var kinds = [...]info{
	Unknown:     {"unknown", "VARCHAR", 705, -2},
	Boolean:     {"boolean", "BOOLEAN", 16, 1},
	Smallint:    {"smallint", "SMALLINT", 21, 2},
	Integer:     {"integer", "INTEGER", 23, 4},
	Bigint:      {"bigint", "BIGINT", 20, 8},
	Decimal:     {"numeric", "DECIMAL", 1700, -1},
	Real:        {"real", "FLOAT", 700, 4},
	Double:      {"double precision", "DOUBLE", 701, 8},
	Char:        {"character", "VARCHAR", 1042, -1},
	Varchar:     {"character varying", "VARCHAR", 1043, -1},
	Date:        {"date", "DATE", 1082, 4},
	Time:        {"time without time zone", "TIME", 1083, 8},
	TimeTZ:      {"time with time zone", "TIMETZ", 1266, 12},
	Timestamp:   {"timestamp without time zone", "TIMESTAMP", 1114, 8},
	TimestampTZ: {"timestamp with time zone", "TIMESTAMPTZ", 1184, 8},
	IntervalYM:  {"interval year to month", "INTERVAL", 1188, 4},
	IntervalDS:  {"interval day to second", "INTERVAL", 1190, 8},
	Super:       {"super", "JSON", 4000, -1},
	Varbyte:     {"binary varying", "BLOB", 6551, -1},
	HLLSketch:   {"hllsketch", "VARCHAR", 2935, -1},
	Geometry:    {"geometry", "BLOB", 3000, -1},
	Geography:   {"geography", "BLOB", 3001, -1},
	OID:         {"oid", "UINTEGER", 26, 4},
	Name:        {"name", "VARCHAR", 19, 64},
	Nested:      {"super", "JSON", 4000, -1},

	SmallintArray: {"smallint[]", "SMALLINT[]", 1005, -1},
	TextArray:     {"text[]", "VARCHAR[]", 1009, -1},
}

// aliases maps a type name as written to its kind. A name that fixes more than
// the kind (bpchar, text, float(n)) is finished in Parse.
var aliases = map[string]Kind{
	"boolean": Boolean, "bool": Boolean,
	"smallint": Smallint, "int2": Smallint,
	"integer": Integer, "int": Integer, "int4": Integer,
	"bigint": Bigint, "int8": Bigint,
	"decimal": Decimal, "numeric": Decimal, "dec": Decimal,
	"real": Real, "float4": Real,
	"double precision": Double, "float8": Double, "float": Double, "double": Double,
	"char": Char, "character": Char, "nchar": Char, "bpchar": Char,
	"varchar": Varchar, "character varying": Varchar, "nvarchar": Varchar, "text": Varchar, "string": Varchar,
	"national character": Char, "national character varying": Varchar,
	"date": Date,
	"time": Time, "time without time zone": Time,
	"timetz": TimeTZ, "time with time zone": TimeTZ,
	"timestamp": Timestamp, "timestamp without time zone": Timestamp, "datetime": Timestamp,
	"timestamptz": TimestampTZ, "timestamp with time zone": TimestampTZ,
	"interval": IntervalDS, "interval year to month": IntervalYM, "interval day to second": IntervalDS,
	"super":   Super,
	"varbyte": Varbyte, "varbinary": Varbyte, "binary varying": Varbyte, "binary": Varbyte,
	"hllsketch": HLLSketch, "geometry": Geometry, "geography": Geography,
	"oid": OID, "name": Name, "regclass": OID, "regproc": OID, "regtype": OID, "regnamespace": OID, "regprocedure": OID,
	"aclitem": Varchar, "aclitem[]": Varchar, "text[]": Varchar, "varchar[]": Varchar, "name[]": Varchar,
	"tinyint": Smallint, "unknown": Unknown,
}

// Parse turns a written type name and its modifiers into a type. nested is an
// external table's struct<>, array<> or map<> text. An unknown name gives
// SQLSTATE 42704.
func Parse(name string, args []string, nested string) (Type, error) {
	if nested != "" {
		return Type{Kind: Nested, Text: nested}, nil
	}
	kind, ok := aliases[name]
	if !ok {
		return Type{}, sqlerr.New(sqlerr.UndefinedObject, "type \"%s\" does not exist", name)
	}
	t := Type{Kind: kind}
	switch kind {
	case Char, Varchar, Varbyte:
		return t.withLength(name, args)
	case Decimal:
		return t.withPrecision(args)
	case Double:
		if name == "float" && len(args) == 1 {
			if n, err := strconv.Atoi(args[0]); err == nil && n <= 24 {
				t.Kind = Real
			}
		}
	}
	return t, nil
}

func (t Type) withLength(name string, args []string) (Type, error) {
	most := map[Kind]int{Char: MaxChar, Varchar: MaxVarchar, Varbyte: MaxVarbyte}[t.Kind]
	switch {
	case len(args) == 1 && args[0] == "max":
		t.Length = most
		if t.Kind == Varbyte {
			t.Length = 64000
		}
	case len(args) == 1:
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 {
			return t, sqlerr.New(sqlerr.InvalidParameterValue, "length for type %s must be at least 1", t.Base())
		}
		if n > most {
			return t, sqlerr.New(sqlerr.InvalidParameterValue, "length for type %s cannot exceed %d", t.Base(), most)
		}
		t.Length = n
	case name == "bpchar" || name == "text" || t.Kind == Varchar:
		t.Length = DefaultVarchar
	case t.Kind == Varbyte:
		t.Length = 64000
	default:
		t.Length = 1
	}
	return t, nil
}

func (t Type) withPrecision(args []string) (Type, error) {
	t.Precision = DefaultPrecision
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 || n > MaxPrecision {
			return t, sqlerr.New(sqlerr.InvalidParameterValue, "DECIMAL precision %s must be between 1 and %d", args[0], MaxPrecision)
		}
		t.Precision = n
	}
	if len(args) > 1 {
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 0 || n > t.Precision {
			return t, sqlerr.New(sqlerr.InvalidParameterValue, "DECIMAL scale %s must be between 0 and precision %d", args[1], t.Precision)
		}
		t.Scale = n
	}
	return t, nil
}

// Base is the display name without modifiers: "character varying".
func (t Type) Base() string { return kinds[t.Kind].display }

// String is the name as format_type prints it: "character varying(256)", "numeric(18,0)".
func (t Type) String() string {
	switch {
	case t.Kind == Nested:
		return t.Text
	case t.Length > 0:
		return fmt.Sprintf("%s(%d)", t.Base(), t.Length)
	case t.Kind == Decimal && t.Precision > 0:
		return fmt.Sprintf("numeric(%d,%d)", t.Precision, t.Scale)
	}
	return t.Base()
}

// Duck is the DuckDB type that keeps values of this type.
func (t Type) Duck() string {
	if t.Kind == Decimal && t.Precision > 0 {
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	}
	return kinds[t.Kind].duck
}

// OID is the type's number in PostgreSQL's protocol, as Redshift sends it.
func (t Type) OID() uint32 { return kinds[t.Kind].oid }

// Size is the type's length in a row description: -1 for variable.
func (t Type) Size() int16 { return kinds[t.Kind].size }

// Typmod is the modifier in a row description: length+4, precision and scale
// packed, or -1.
func (t Type) Typmod() int32 {
	switch {
	case (t.Kind == Char || t.Kind == Varchar) && t.Length > 0:
		return int32(t.Length) + 4
	case t.Kind == Decimal && t.Precision > 0:
		return int32(t.Precision)<<16 | int32(t.Scale) + 4
	}
	return -1
}

// IsText, IsInteger and IsNumber group kinds as the type rules do.
func (t Type) IsText() bool { return t.Kind == Char || t.Kind == Varchar || t.Kind == Name }

// IsInteger says whether the type is one of the three integer types.
func (t Type) IsInteger() bool {
	return t.Kind == Smallint || t.Kind == Integer || t.Kind == Bigint
}

// IsNumber says whether the type is numeric, exact or not.
func (t Type) IsNumber() bool {
	return t.IsInteger() || t.Kind == Decimal || t.Kind == Real || t.Kind == Double
}

// FromDuck gives the Redshift type of a DuckDB result column by the name DuckDB
// prints ("DECIMAL(18,2)", "VARCHAR"). HUGEINT is NUMERIC(38,0); what Redshift
// has no type for is SUPER when nested, else VARCHAR.
func FromDuck(name string) Type {
	if p, ok := strings.CutPrefix(name, "DECIMAL("); ok && strings.HasSuffix(p, ")") {
		var t = Type{Kind: Decimal}
		if _, err := fmt.Sscanf(p, "%d,%d)", &t.Precision, &t.Scale); err == nil {
			return t
		}
	}
	switch name {
	case "BOOLEAN":
		return Type{Kind: Boolean}
	case "TINYINT", "SMALLINT", "UTINYINT":
		return Type{Kind: Smallint}
	case "INTEGER", "USMALLINT":
		return Type{Kind: Integer}
	case "BIGINT", "UINTEGER":
		return Type{Kind: Bigint}
	case "HUGEINT", "UHUGEINT", "UBIGINT":
		return Type{Kind: Decimal, Precision: MaxPrecision}
	case "FLOAT":
		return Type{Kind: Real}
	case "DOUBLE":
		return Type{Kind: Double}
	case "DATE":
		return Type{Kind: Date}
	case "TIME":
		return Type{Kind: Time}
	case "TIME WITH TIME ZONE", "TIMETZ":
		return Type{Kind: TimeTZ}
	case "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS":
		return Type{Kind: Timestamp}
	case "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ":
		return Type{Kind: TimestampTZ}
	case "INTERVAL":
		return Type{Kind: IntervalDS}
	case "BLOB":
		return Type{Kind: Varbyte}
	case "JSON":
		return Type{Kind: Super}
	case "VARCHAR":
		return Type{Kind: Varchar}
	}
	if strings.HasSuffix(name, "]") || strings.HasPrefix(name, "STRUCT") || strings.HasPrefix(name, "MAP") {
		return Type{Kind: Super}
	}
	return Type{Kind: Varchar}
}
