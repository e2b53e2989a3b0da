package warehouse

import (
	"slices"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// Column describes a result column.
type Column struct {
	Name string
	Type types.Type
	// Schema and Table are where the column comes from, when that is known.
	Schema, Table string
	Nullable      bool
}

// Sink takes what statements answer, in order: for a statement with rows
// Columns once and Chunk any number of times, then Done for every statement.
// An error ends the execution and comes back from Execute.
type Sink interface {
	Columns(columns []Column) error
	// Chunk hands over rows; they are valid during the call only.
	Chunk(chunk *duck.Chunk) error
	Done(done Done) error
	Notice(notice *sqlerr.Error)
}

// Done is the end of one statement.
type Done struct {
	Tag     string // the command tag with its counts: "INSERT 0 5", "SELECT"
	Command string // the tag without counts
	Rows    int64  // rows returned or changed; -1 when that says nothing
	QueryID int64  // what pg_last_query_id() gives
	HasRows bool   // the statement returned a result set, perhaps empty
}

// rowsOf hands a result the warehouse itself has to the sink.
func (s *Session) rowsOf(sink Sink, columns []Column, rows [][]string) error {
	if err := sink.Columns(columns); err != nil {
		return err
	}
	for from := 0; from < len(rows); from += 1024 {
		part := rows[from:min(from+1024, len(rows))]
		if err := sink.Chunk(duck.TextChunk(len(columns), part)); err != nil {
			return err
		}
	}
	return nil
}

// resultColumns pairs the names and types the compiler knows with DuckDB's,
// which decide how the values are read.
func resultColumns(plan *rsql.Plan, from []duck.Column) []Column {
	out := make([]Column, len(from))
	for i, c := range from {
		out[i] = Column{Name: c.Name, Type: types.FromDuck(c.Type.String()), Nullable: true}
		if c.Type.Kind == duck.List && len(plan.Read) > 0 && !slices.ContainsFunc(plan.Read, ofUsers) {
			out[i].Type = types.Type{Kind: types.TextArray}
			switch c.Type.Fields[0].Type.Kind {
			case duck.SmallInt, duck.Integer, duck.BigInt:
				out[i].Type.Kind = types.SmallintArray
			}
		}
		if len(plan.Columns) != len(from) {
			continue
		}
		out[i].Name = plan.Columns[i]
		if i < len(plan.Types) {
			known := plan.Types[i]
			switch {
			case known.Kind != out[i].Type.Kind && !(known.IsText() && out[i].Type.IsText()):
			case known.Kind == types.Decimal && (known.Precision == 0 || known.Scale != out[i].Type.Scale): // DuckDB's scale is how the values are read
			default:
				out[i].Type = known
			}
		}
	}
	return out
}

// ofUsers says whether a relation is none of the catalog's.
func ofUsers(r *resolve.Relation) bool { return r.Kind != resolve.System && r.Schema != pgCatalog }

// Discard is a Sink that takes everything and keeps nothing.
type Discard struct{}

// Columns implements Sink.
func (Discard) Columns([]Column) error { return nil }

// Chunk implements Sink.
func (Discard) Chunk(*duck.Chunk) error { return nil }

// Done implements Sink.
func (Discard) Done(Done) error { return nil }

// Notice implements Sink.
func (Discard) Notice(*sqlerr.Error) {}

// Texts is a Sink that keeps every result as text, as the wire's text format
// prints it.
type Texts struct {
	Results []TextResult
	Notices []*sqlerr.Error
	Format  duck.Format
	open    bool
}

// TextResult is what one statement answered; Rows is nil without a result set.
type TextResult struct {
	Columns []Column
	Rows    [][]*string // nil is NULL
	Done    Done
}

// Columns implements Sink.
func (t *Texts) Columns(columns []Column) error {
	t.Results = append(t.Results, TextResult{Columns: columns, Rows: [][]*string{}})
	t.open = true
	return nil
}

// Chunk implements Sink.
func (t *Texts) Chunk(chunk *duck.Chunk) error {
	r := &t.Results[len(t.Results)-1]
	for i := range chunk.Len() {
		row := make([]*string, chunk.Width())
		for j := range row {
			if v := chunk.Column(j); !v.Null(i) {
				row[j] = new(string(v.AppendText(nil, i, t.Format)))
			}
		}
		r.Rows = append(r.Rows, row)
	}
	return nil
}

// Done implements Sink.
func (t *Texts) Done(done Done) error {
	if !t.open {
		t.Results = append(t.Results, TextResult{})
	}
	t.open = false
	t.Results[len(t.Results)-1].Done = done
	return nil
}

// Notice implements Sink.
func (t *Texts) Notice(n *sqlerr.Error) { t.Notices = append(t.Notices, n) }

// typeNames are the internal names of the types, as pg_type and the Data API
// give them.
var typeNames = map[types.Kind]string{
	types.Boolean: "bool", types.Smallint: "int2", types.Integer: "int4", types.Bigint: "int8", types.Decimal: "numeric",
	types.Real: "float4", types.Double: "float8", types.Char: "bpchar", types.Varchar: "varchar", types.Date: "date",
	types.Time: "time", types.TimeTZ: "timetz", types.Timestamp: "timestamp", types.TimestampTZ: "timestamptz",
	types.IntervalYM: "intervaly2m", types.IntervalDS: "intervald2s", types.Super: "super", types.Nested: "super",
	types.Varbyte: "varbyte", types.OID: "oid", types.Name: "name", types.SmallintArray: "_int2", types.TextArray: "_text",
}

// TypeName is the type's internal name: "int4", "varchar".
func (c Column) TypeName() string {
	if name, ok := typeNames[c.Type.Kind]; ok {
		return name
	}
	return "unknown"
}

// Value is a cell as the Data API's Field has it: nil, bool, int64, float64, or
// text for every other type.
func Value(v *duck.Vector, row int, f duck.Format) any {
	if v.Null(row) {
		return nil
	}
	switch v.Type.Kind {
	case duck.Bool:
		return v.Bool(row)
	case duck.TinyInt, duck.SmallInt, duck.Integer, duck.BigInt, duck.UTinyInt, duck.USmallInt, duck.UInteger:
		return v.Int(row)
	case duck.Float, duck.Double:
		return v.Float(row)
	}
	return string(v.AppendText(nil, row, f))
}
