package redshiftdata

import api "stepwell/internal/awsapi/redshiftdata"

// jdbcType is what the JDBC driver's ResultSetMetaData, on which the Data API
// is built, says of a type.
type jdbcType struct {
	precision, scale int
	signed, cased    bool
}

var jdbcTypes = map[string]jdbcType{
	"int2":        {precision: 5, signed: true},
	"int4":        {precision: 10, signed: true},
	"int8":        {precision: 19, signed: true},
	"float4":      {precision: 8, scale: 8, signed: true},
	"float8":      {precision: 17, scale: 17, signed: true},
	"numeric":     {signed: true},
	"bool":        {precision: 1},
	"date":        {precision: 13},
	"time":        {precision: 15, scale: 6},
	"timetz":      {precision: 21, scale: 6},
	"timestamp":   {precision: 29, scale: 6},
	"timestamptz": {precision: 35, scale: 6},
	"oid":         {precision: 10},
	"bpchar":      {cased: true},
	"varchar":     {cased: true},
	"text":        {cased: true},
	"name":        {precision: 63, cased: true},
	"super":       {cased: true},
}

// metadata is the column as GetStatementResult and DescribeTable show it.
func metadata(c Column) api.ColumnMetadata {
	t, known := jdbcTypes[c.Type]
	if c.Precision > 0 {
		t.precision = c.Precision
	}
	if c.Type == "numeric" {
		t.scale = c.Scale
	}
	if !known {
		t.cased = true
	}
	m := api.ColumnMetadata{
		IsCaseSensitive: new(t.cased),
		IsCurrency:      new(false),
		IsSigned:        new(t.signed),
		Label:           new(c.Name),
		Length:          new(int64(0)),
		Name:            new(c.Name),
		Nullable:        new(int64(1)),
		Precision:       new(int64(t.precision)),
		Scale:           new(int64(t.scale)),
		SchemaName:      new(c.Schema),
		TableName:       new(c.Table),
		TypeName:        new(c.Type),
	}
	if c.NotNull {
		m.Nullable = new(int64(0))
	}
	if c.Default != "" {
		m.ColumnDefault = new(c.Default)
	}
	return m
}
