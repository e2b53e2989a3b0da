package warehouse

import (
	"slices"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// moments are the texts that stand for a date or time.
var moments = []string{"now", "today", "tomorrow", "yesterday"}

// fixDefaults puts the dates and times that the defaults of new columns name
// by such words in their place: 'now' is a constant from the moment it is read
// as a date or time, getdate() is not (PostgreSQL's "Date/Time Functions", Tip
// of "Current Date/Time").
func (r *running) fixDefaults(tree syntax.Statement) (syntax.Statement, error) {
	switch t := tree.(type) {
	case *syntax.CreateTable:
		fixed := *t
		fixed.Columns = slices.Clone(t.Columns)
		for i := range fixed.Columns {
			if err := r.fixDefault(&fixed.Columns[i]); err != nil {
				return nil, err
			}
		}
		return &fixed, nil
	case *syntax.AlterTable:
		if a, ok := t.Action.(*syntax.AddColumn); ok {
			fixed, action := *t, *a
			fixed.Action = &action
			return &fixed, r.fixDefault(&action.Column)
		}
	}
	return tree, nil
}

func (r *running) fixDefault(def *syntax.ColumnDef) error {
	literal := syntax.TypedString{Type: def.Type}
	switch e := def.Default.(type) {
	case *syntax.String:
		literal.Value = e.Value
	case *syntax.TypedString:
		literal = syntax.TypedString{Type: e.Type, Value: e.Value}
	case *syntax.Cast:
		s, ok := e.X.(*syntax.String)
		if !ok {
			return nil
		}
		literal = syntax.TypedString{Type: e.Type, Value: s.Value}
	}
	if !slices.Contains(moments, strings.ToLower(strings.TrimSpace(literal.Value))) {
		return nil
	}
	typ, err := types.Parse(literal.Type.Name, literal.Type.Args, literal.Type.Nested)
	if err != nil || typ.Kind != types.Date && typ.Kind != types.Timestamp && typ.Kind != types.TimestampTZ {
		return nil // a type that is no good is reported better where the column is made
	}
	sql, err := rsql.CompileExpr(&literal, r.catalog, r.session.compileOptions())
	if err != nil {
		return err
	}
	err = eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, row int) error {
		literal.Value = text(c, 0, row)
		return nil
	}, "SELECT CAST("+sql+" AS VARCHAR)")
	def.Default = &literal
	return err
}
