package remote

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Column describes a column of a result set or a table.
type Column struct {
	Name             string
	Type             string // short name: int4, varchar, numeric, super, ...
	Precision, Scale int    // of numeric; Precision of char and varchar is the length
	NotNull          bool
	Schema, Default  string // of a table's column
}

// typeNames are the short names of types by OID: PostgreSQL's (pg_type.dat) and
// those that Redshift has added, as its drivers list them.
var typeNames = map[uint32]string{
	16: "bool", 17: "bytea", 18: "char", 19: "name", 20: "int8", 21: "int2", 23: "int4", 25: "text", 26: "oid", 28: "xid",
	114: "json", 142: "xml", 700: "float4", 701: "float8", 705: "unknown", 790: "money", 869: "inet", 1000: "_bool", 1002: "_char",
	1005: "_int2", 1007: "_int4", 1009: "_text", 1015: "_varchar", 1016: "_int8", 1021: "_float4", 1022: "_float8", 1042: "bpchar",
	1043: "varchar", 1082: "date", 1083: "time", 1114: "timestamp", 1184: "timestamptz", 1186: "interval", 1188: "intervaly2m",
	1190: "intervald2s", 1231: "_numeric", 1266: "timetz", 1560: "bit", 1562: "varbit", 1700: "numeric", 2205: "regclass", 2206: "regtype",
	2278: "void", 2935: "hllsketch", 2950: "uuid", 3000: "geometry", 3001: "geography", 3802: "jsonb", 4000: "super", 6551: "varbyte",
}

const (
	oidBool, oidBytea, oidInt8, oidInt2, oidInt4, oidOID = 16, 17, 20, 21, 23, 26
	oidFloat4, oidFloat8, oidNumeric, oidVarbyte         = 700, 701, 1700, 6551
	oidBpchar, oidVarchar                                = 1042, 1043
	modifierHeader                                       = 4 // a type modifier is a length or a precision and this
)

func describe(f pgconn.FieldDescription) Column {
	c := Column{Name: f.Name, Type: typeNames[f.DataTypeOID]}
	if c.Type == "" {
		c.Type = "unknown"
	}
	if f.TypeModifier < modifierHeader {
		return c
	}
	switch m := int(f.TypeModifier) - modifierHeader; f.DataTypeOID {
	case oidNumeric:
		c.Precision, c.Scale = m>>16&0xffff, m&0xffff
	case oidBpchar, oidVarchar, oidVarbyte:
		c.Precision = m
	}
	return c
}

// value is a value in the Go type for its column; text is nil for NULL.
func value(oid uint32, text []byte) (any, error) {
	if text == nil {
		return nil, nil
	}
	switch oid {
	case oidBool:
		return string(text) == "t", nil
	case oidInt2, oidInt4, oidInt8, oidOID:
		return strconv.ParseInt(string(text), 10, 64)
	case oidFloat4:
		return strconv.ParseFloat(string(text), 64) // as it is printed, not the nearest float4
	case oidFloat8:
		return strconv.ParseFloat(string(text), 64)
	case oidBytea, oidVarbyte:
		digits := strings.TrimPrefix(string(text), `\x`)
		b, err := hex.DecodeString(digits)
		if err != nil {
			return nil, fmt.Errorf("cannot read a binary value: %w", err)
		}
		return b, nil
	}
	return string(text), nil
}
