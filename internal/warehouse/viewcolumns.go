package warehouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stepwell/internal/rsql"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
)

// lateEncoding marks the columns a late-binding view had when it was made,
// which svv_columns shows and nothing else goes by.
const lateEncoding = "late"

// viewColumns are the columns of PG_GET_LATE_BINDING_VIEW_COLS and PG_GET_COLS
// ("System administration functions"); callers rename them in FROM.
var viewColumns = cols("view_schema n, view_name n, col_name n, col_type t, col_num i")

// callable is a function in FROM whose rows are read from the catalog.
func (c *catalog) callable(function, arg string) *resolve.Relation {
	out := &resolve.Relation{Database: c.session.db.name, Schema: pgCatalog, Name: function, Kind: resolve.External, Columns: viewColumns}
	switch function {
	case "pg_get_late_binding_view_cols":
		out.Handle = &externalHandle{live: lateColumnRows}
	case "pg_get_cols":
		out.Handle = &externalHandle{live: func(ctx context.Context, s *Session) ([][]emit.Expr, error) { return columnRows(ctx, s, arg) }}
	default:
		return nil
	}
	return out
}

// lateColumnRows are the columns late-binding views have now. A view whose
// tables are gone has none.
func lateColumnRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	set, err := s.db.schemasFor(ctx, s)
	if err != nil {
		return nil, err
	}
	names := slices.SortedFunc(maps.Keys(set.relations), func(a, b [2]string) int {
		return strings.Compare(a[0]+"."+a[1], b[0]+"."+b[1])
	})
	for _, name := range names {
		if set.relations[name].kind != "l" {
			continue
		}
		columns, err := s.lateColumns(ctx, set.relations[name])
		if err != nil {
			continue
		}
		rows = append(rows, columnCells(name, columns)...)
	}
	return rows, nil
}

// columnRows are the columns of one relation, for PG_GET_COLS.
func columnRows(ctx context.Context, s *Session, name string) ([][]emit.Expr, error) {
	c := &catalog{ctx: ctx, session: s}
	found, err := c.Relation(strings.Split(name, "."))
	if err != nil || found == nil {
		return nil, err
	}
	place := [2]string{found.Schema, found.Name}
	if own, ok := found.Handle.(*relation); ok && own.kind == "l" {
		columns, err := s.lateColumns(ctx, own)
		return columnCells(place, columns), err
	}
	var columns []Column
	for _, col := range found.Columns {
		columns = append(columns, Column{Name: col.Name, Type: col.Type})
	}
	return columnCells(place, columns), nil
}

func columnCells(place [2]string, columns []Column) (rows [][]emit.Expr) {
	for i, col := range columns {
		rows = append(rows, []emit.Expr{str(place[0]), str(place[1]), str(col.Name), str(col.Type.String()), num(int64(i + 1))})
	}
	return rows
}

// lateColumns are the columns a late-binding view has as its tables are now.
func (s *Session) lateColumns(ctx context.Context, rel *relation) ([]Column, error) {
	return s.queryColumns(ctx, fmt.Sprintf(`SELECT * FROM "%s"."%s"`, rel.schema, rel.name))
}

// queryColumns are the columns a query would give now.
func (s *Session) queryColumns(ctx context.Context, text string) ([]Column, error) {
	list, err := rsql.Parse(text)
	if err != nil {
		return nil, err
	}
	plan, err := rsql.Compile(list[0].Tree, &catalog{ctx: ctx, session: s}, s.compileOptions())
	if err != nil {
		return nil, err
	}
	stmt, err := s.conn.Prepare(plan.SQL[len(plan.SQL)-1])
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	return resultColumns(plan, stmt.Columns()), nil
}
