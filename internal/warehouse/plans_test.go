package warehouse

import (
	"context"
	"fmt"
	"testing"

	"stepwell/internal/rsql/types"
)

// extended runs a statement by the extended protocol and tells its parameters
// and columns beside its rows.
func (x *world) extended(s *Session, sql string, args ...any) string {
	ctx := context.Background()
	p, err := s.Prepare(ctx, sql, nil)
	if err != nil {
		return err.Error()
	}
	out := ""
	for _, t := range p.Params {
		out += "$" + t.String() + " "
	}
	for _, c := range p.Columns {
		out += c.Name + " " + c.Type.String() + ", "
	}
	sink := &Texts{}
	if _, err := s.Bind(p, args).Run(ctx, 0, sink); err != nil {
		return out + err.Error()
	}
	if err := s.Sync(ctx); err != nil {
		return out + err.Error()
	}
	for _, r := range sink.Results {
		for _, row := range r.Rows {
			for _, v := range row {
				if v == nil {
					out += "NULL "
				} else {
					out += *v + " "
				}
			}
		}
	}
	return out
}

// TestPreparedAgain prepares a statement, of which the session remembers the
// description, again after what it depends on has changed.
func TestPreparedAgain(t *testing.T) {
	x := newWorld(t)
	a, b := x.session("a"), x.session("b")
	one(t, b, "CREATE TABLE t (a int, b varchar(5)); INSERT INTO t VALUES (1, 'one'), (2, 'two')")
	for i, c := range []struct{ change, want string }{
		{"", "$integer b character varying(5), a integer, two 2 "},
		{"", "$integer b character varying(5), a integer, two 2 "},
		{"ALTER TABLE t ALTER COLUMN b TYPE varchar(9)", "$integer b character varying(9), a integer, two 2 "},
		{"UPDATE t SET b = 'zwei' WHERE a = 2", "$integer b character varying(9), a integer, zwei 2 "},
		{"DROP TABLE t; CREATE TABLE t (a bigint, b date); INSERT INTO t VALUES (2, '2024-02-29')", "$bigint b date, a bigint, 2024-02-29 2 "},
		{"DELETE FROM t", "$bigint b date, a bigint, "},
	} {
		if c.change != "" {
			one(t, b, c.change)
		}
		if got := x.extended(a, "SELECT b, a FROM t WHERE a = $1", "2"); got != c.want {
			t.Errorf("%d: got %s, want %s", i, got, c.want)
		}
	}
	if got := x.extended(a, "SELECT count(*) FROM t WHERE a = $1", "seven"); got == "" {
		t.Error("no error")
	}
	// The types the client declares are part of what is remembered.
	for _, c := range []struct {
		declared types.Type
		want     string
	}{{types.Type{Kind: types.Bigint}, "bigint"}, {types.Type{Kind: types.Varchar}, "character varying"}, {types.Type{Kind: types.Bigint}, "bigint"}} {
		p, err := a.Prepare(context.Background(), "SELECT $1 AS x FROM t", []types.Type{c.declared})
		if err != nil || p.Columns[0].Type.String() != c.want {
			t.Errorf("%v: got %v, %v", c.declared, p, err)
		}
	}
}

// TestPlansKept says which statements a session remembers, and how many.
func TestPlansKept(t *testing.T) {
	x := newWorld(t)
	one(t, x.session("a"), "CREATE TABLE t (a int, b varchar(5)); CREATE VIEW v AS SELECT a FROM t; CREATE TEMP TABLE temporary (a int)")
	for sql, want := range map[string]bool{
		"SELECT a FROM t":                      true,
		"SELECT a FROM temporary":              true,
		"SELECT getdate(), 'now'::timestamp":   true,
		"INSERT INTO t VALUES (1, 'x')":        true,
		"UPDATE t SET b = 'y'":                 true,
		"DELETE FROM t":                        true,
		"SELECT a FROM v":                      false,
		"SELECT * FROM pg_class":               false,
		"SELECT * FROM stv_sessions":           false,
		"SELECT pg_last_query_id()":            false,
		"SELECT set_config('x.y', 'z', false)": false,
		"CREATE TABLE c AS SELECT a FROM t":    false,
		"SELECT a INTO d FROM t":               false,
		"SET query_group TO 'x'":               false,
	} {
		s := x.session("a")
		s.plans = plans{}
		x.execute(s, sql)
		if got := len(s.plans.entries) == 1; got != want {
			t.Errorf("%s: kept %v", sql, got)
		}
	}
	s := x.session("a")
	for i := range 2 * plansKept {
		one(t, s, fmt.Sprintf("SELECT %d", i))
	}
	if n, m := len(s.plans.entries), len(s.plans.order); n != plansKept || m != n {
		t.Error(n, m)
	}
}
