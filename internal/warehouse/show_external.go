package warehouse

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/lake"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

var externalDDLColumn = []Column{{Name: "Show External Table DDL statement", Type: textColumn}}

// showExternalTable executes SHOW EXTERNAL TABLE: the statements that make the
// table again, and with PARTITION its partitions.
func (r *running) showExternalTable(t *syntax.Show) (Done, error) {
	found, err := r.catalog.Relation(parts(t.Object))
	if err != nil {
		return Done{}, err
	}
	if found == nil {
		return Done{}, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(parts(t.Object), "."))
	}
	h, ok := found.Handle.(*externalHandle)
	if !ok || found.Kind != resolve.External || h.table == nil {
		return Done{}, sqlerr.New(sqlerr.WrongObjectType, "\"%s\" is not an external table", found.Name)
	}
	name := found.Schema + "." + found.Name
	ddl := externalDDL(name, h.table)
	if t.Partitions {
		list, err := r.session.cluster.w.options.Catalog.Partitions(r.ctx, h.ns, h.table.Database, h.table.Name)
		if err != nil {
			return Done{}, catalogError(err)
		}
		for _, p := range list {
			keys := make([]string, len(p.Values))
			for i, v := range p.Values {
				keys[i] = h.table.PartitionKeys[i].Name + "=" + duck.Literal(v)
			}
			ddl += fmt.Sprintf("\nALTER TABLE %s ADD IF NOT EXISTS PARTITION (%s) LOCATION %s;", name, strings.Join(keys, ", "), duck.Literal(p.Storage.Location))
		}
	}
	return Done{Tag: "SHOW", Rows: 1, HasRows: true}, r.session.rowsOf(r.sink, externalDDLColumn, [][]string{{ddl}})
}

// externalDDL is the statement that makes an external table, laid out as the
// page "SHOW EXTERNAL TABLE" lays it out.
func externalDDL(name string, t *lake.Table) string {
	var out strings.Builder
	fmt.Fprintf(&out, "CREATE EXTERNAL TABLE %s (\n    %s\n)", name, strings.Join(externalTypes(t.Columns), ",\n    "))
	if len(t.PartitionKeys) > 0 {
		fmt.Fprintf(&out, "\nPARTITIONED BY (%s)", strings.Join(externalTypes(t.PartitionKeys), ", "))
	}
	fmt.Fprintf(&out, "\nROW FORMAT SERDE %s", duck.Literal(t.Storage.SerDe))
	if list := properties(t.Storage.SerDeParams, "serialization.format"); list != "" {
		fmt.Fprintf(&out, "\nWITH SERDEPROPERTIES (%s)", list)
	}
	fmt.Fprintf(&out, "\nSTORED AS INPUTFORMAT %s\nOUTPUTFORMAT %s\nLOCATION %s", duck.Literal(t.Storage.InputFormat), duck.Literal(t.Storage.OutputFormat), duck.Literal(t.Storage.Location))
	if list := properties(t.Parameters, "EXTERNAL", "transient_lastDdlTime"); list != "" {
		fmt.Fprintf(&out, "\nTABLE PROPERTIES (%s)", list)
	}
	return out.String() + ";"
}

// properties are key='value' pairs in the order of the keys.
func properties(list map[string]string, but ...string) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(list)) {
		if !slices.Contains(but, key) {
			out = append(out, duck.Literal(key)+"="+duck.Literal(list[key]))
		}
	}
	return strings.Join(out, ", ")
}

// externalTypes are columns with their types as CREATE EXTERNAL TABLE takes them.
func externalTypes(list []lake.Column) []string {
	short := map[types.Kind]string{
		types.Integer: "int", types.Real: "float4", types.Double: "float8", types.Timestamp: "timestamp", types.Decimal: "decimal", types.Char: "char", types.Varchar: "varchar",
	}
	out := make([]string, len(list))
	for i, c := range list {
		written := c.Type
		if t, err := lake.TypeOf(c.Type); err == nil && !strings.Contains(c.Type, "<") {
			written = t.String()
			if name, ok := short[t.Kind]; ok {
				written = name + strings.TrimPrefix(written, t.Base())
			}
		}
		out[i] = c.Name + " " + written
	}
	return out
}
