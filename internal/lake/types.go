package lake

import (
	"strings"

	"stepwell/internal/rsql/types"
)

// TypeOf is the Redshift type of a catalog column's Hive type. Nested types
// come as types.Nested, an unknown name is an error.
func TypeOf(hive string) (types.Type, error) {
	text := strings.ToLower(strings.TrimSpace(hive))
	name, rest, _ := strings.Cut(text, "(")
	name = strings.TrimSpace(name)
	if strings.ContainsRune(text, '<') {
		return types.Parse("", nil, text)
	}
	var args []string
	if rest != "" {
		for _, a := range strings.Split(strings.TrimSuffix(rest, ")"), ",") {
			args = append(args, strings.TrimSpace(a))
		}
	}
	switch name {
	case "string":
		return types.Type{Kind: types.Varchar, Length: types.MaxVarchar}, nil
	case "binary":
		name = "varbyte"
	case "float":
		name = "real" // Hive's float is single precision
	case "decimal":
		if len(args) == 0 {
			args = []string{"10", "0"}
		}
	}
	return types.Parse(name, args, "")
}

// HiveType is the catalog's spelling of a Redshift type, as CREATE EXTERNAL
// TABLE records it.
func HiveType(t types.Type) string {
	switch t.Kind {
	case types.Varchar:
		return strings.Replace(t.String(), "character varying", "varchar", 1)
	case types.Char:
		return strings.Replace(t.String(), "character", "char", 1)
	case types.Decimal:
		return strings.Replace(t.String(), "numeric", "decimal", 1)
	case types.Integer:
		return "int"
	case types.Real:
		return "float"
	case types.Double:
		return "double"
	case types.Timestamp:
		return "timestamp"
	case types.Varbyte:
		return "binary"
	}
	return t.String()
}
