package lake

import (
	"stepwell/internal/records"
	"stepwell/internal/rsql/emit"
)

// RecordsFunction is the table function that reads a records.Spec, given as its
// JSON: text columns c0, c1, ... of every record, then p0, p1, ... of the
// file's constants. Who runs the SQL of this package registers it.
const RecordsFunction = "stepwell_records"

// OriginColumn is the name of the column that holds a row's file.
const OriginColumn = "stepwell file"

// RecordsCall is the relation of a Spec.
func RecordsCall(spec records.Spec) emit.Table {
	return &emit.TableCall{Call: &emit.Call{Name: RecordsFunction, Args: []emit.Expr{&emit.Str{Value: spec.String()}}}}
}
