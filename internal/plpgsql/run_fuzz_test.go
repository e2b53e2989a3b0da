package plpgsql

import (
	"context"
	"testing"
	"time"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// echoHost answers every expression with the number of expressions asked for,
// every second one as a boolean.
type echoHost struct{ n int }

func (h *echoHost) Evaluate(ctx context.Context, _ *SQL, _ []Value) (Value, error) {
	h.n++
	if h.n%2 == 0 {
		return boolean(h.n%4 == 0), ctx.Err()
	}
	return Value{Type: types.Type{Kind: types.Integer}, Text: string(rune('0' + h.n%10))}, ctx.Err()
}

func (h *echoHost) Query(ctx context.Context, _ syntax.Statement, _ string, limit int) (*Rows, error) {
	v, err := h.Evaluate(ctx, nil, nil)
	return &Rows{Columns: []Column{{"x", v.Type}}, Data: [][]Value{{v}, {v}}[:max(1, min(limit, 2))]}, err
}

func (h *echoHost) Exec(ctx context.Context, _ syntax.Statement, _ string) (int64, error) {
	if h.n++; h.n%7 == 0 {
		return 0, sqlerr.New("22012", "Divide by zero")
	}
	return 1, ctx.Err()
}

func (h *echoHost) Open(ctx context.Context, name string, _ *syntax.Query, _ string) (string, error) {
	return name, ctx.Err()
}

func (h *echoHost) Fetch(ctx context.Context, _ string, limit int) (*Rows, error) {
	return h.Query(ctx, nil, "", limit)
}

func (h *echoHost) Close(string) error { return nil }

func (h *echoHost) Call(ctx context.Context, _ syntax.Name, args []Value, _ bool) ([]Value, []int, error) {
	return nil, nil, ctx.Err()
}

func (h *echoHost) CanCommit() bool                  { return true }
func (h *echoHost) Commit(ctx context.Context) error { return ctx.Err() }
func (h *echoHost) Rollback(context.Context) error   { return nil }
func (h *echoHost) Convert(_ context.Context, v Value, to types.Type) (Value, error) {
	v.Type = to
	return v, nil
}

func (h *echoHost) Relation(context.Context, []string) ([]Column, error) {
	return []Column{{"x", types.Type{Kind: types.Integer}}, {"y", types.Type{Kind: types.Varchar}}}, nil
}

func (h *echoHost) Notice(string, string) {}

// FuzzRun: no procedure makes the interpreter panic, and every one ends soon
// after it is cancelled.
func FuzzRun(f *testing.F) {
	for _, x := range bodies {
		f.Add(x.body)
	}
	f.Add("begin loop null; end loop; end;")
	f.Add("begin loop begin call other(); exception when others then null; end; end loop; end;")
	f.Fuzz(func(t *testing.T, body string) {
		p, err := Parse("p", testArgs, body)
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = p.Run(ctx, &echoHost{}, []Value{{Type: types.Type{Kind: types.Integer}, Text: "1"}, {Type: types.Type{Kind: types.Varchar}, Text: "x"}}, true)
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("the procedure does not end")
		}
	})
}
