package warehouse

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// TestPreparedCall calls a procedure through the extended protocol: parameters
// and result columns are described before it runs.
func TestPreparedCall(t *testing.T) {
	x := newWorld(t)
	s := x.session("main")
	x.execute(s, `create procedure twice(a int, b varchar, out c int, inout d decimal(8,2)) as $$ begin c := a * 2; d := d + len(b); end; $$ language plpgsql`)
	ctx := context.Background()
	p, err := s.Prepare(ctx, "call twice($1, $2, $3)", nil)
	if err != nil {
		t.Fatal(err)
	}
	described := fmt.Sprint(p.Params, p.Columns)
	sink := &Texts{}
	if more, err := s.Bind(p, []any{int64(21), "abc", "1.5"}).Run(ctx, 0, sink); err != nil || more {
		t.Fatal(more, err)
	}
	if err := s.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	r := sink.Results[0]
	if *r.Rows[0][0] != "42" || *r.Rows[0][1] != "4.50" || r.Done.Tag != "CALL" {
		t.Errorf("got %v %v", *r.Rows[0][0], *r.Rows[0][1])
	}
	if want := "[integer character varying numeric] [{c integer   true} {d numeric(8,2)   true}]"; described != want {
		t.Errorf("described as %s, want %s", described, want)
	}
}

// TestCancelProcedure: a loop without end stops when the client asks for it.
func TestCancelProcedure(t *testing.T) {
	x := newWorld(t)
	s := x.session("main")
	x.execute(s, `create procedure forever() as $$ begin loop null; end loop; exception when others then raise info 'caught'; end; $$ language plpgsql`)
	done := make(chan string, 1)
	go func() { done <- x.execute(s, "call forever()") }()
	for range 1000 {
		s.Cancel()
		select {
		case got := <-done:
			if got[:11] != "ERROR 57014" {
				t.Errorf("got %s", got)
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("it still runs")
}

// BenchmarkProcedureLoop measures one turn of a loop with two expressions.
func BenchmarkProcedureLoop(b *testing.B) {
	w, err := Open(Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	s, err := w.Session(context.Background(), Identity{Account: "000000000000", Region: "us-east-1", Cluster: "c"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	run := func(sql string) {
		if err := s.Execute(context.Background(), sql, Discard{}); err != nil {
			b.Fatal(err)
		}
	}
	run(`create procedure turns(n int) as $$ declare x int := 0; begin for i in 1..n loop x := x + i % 7; if x > 1000 then x := 0; end if; end loop; end; $$ language plpgsql`)
	b.ResetTimer()
	run(fmt.Sprintf("call turns(%d)", b.N))
}
