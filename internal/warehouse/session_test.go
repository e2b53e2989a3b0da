package warehouse

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"stepwell/internal/sqlerr"
)

func TestNamedParameters(t *testing.T) {
	x := newWorld(t)
	s := x.session("main")
	one(t, s, "CREATE TABLE t (id int, name varchar(20), day date); INSERT INTO t VALUES (1, 'a', '2024-01-01'), (2, 'b', '2024-02-01')")
	for _, c := range []struct {
		sql    string
		values map[string]string
		want   string
	}{
		{"SELECT name FROM t WHERE id = :id", map[string]string{"id": "2"}, "b"},
		{"SELECT count(*) FROM t WHERE day >= :day AND (name = :name OR name = :name)", map[string]string{"day": "2024-01-15", "name": "b"}, "1"},
		{"SELECT name FROM t WHERE id = :id", nil, "42704"},
		{"SELECT ':id'", nil, ":id"},
	} {
		sink := &Texts{}
		got := ""
		if err := s.ExecuteNamed(context.Background(), c.sql, c.values, sink); err != nil {
			got = sqlerr.From(err).Code
		} else {
			got = *sink.Results[0].Rows[0][0]
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.sql, got, c.want)
		}
	}
}

func TestBatch(t *testing.T) {
	x := newWorld(t)
	s := x.session("main")
	states := func(list []BatchStatus) string {
		var out []string
		for _, b := range list {
			out = append(out, b.State)
		}
		return strings.Join(out, " ")
	}
	ctx := context.Background()
	list, err := s.ExecuteBatch(ctx, []string{"CREATE TABLE b (a int)", "INSERT INTO b VALUES (1), (2)", "SELECT * FROM b"}, nil)
	if err != nil || states(list) != "FINISHED FINISHED FINISHED" || list[1].Done.Rows != 2 || !list[2].Done.HasRows || list[2].Done.Rows != 2 {
		t.Fatal(list, err)
	}
	list, err = s.ExecuteBatch(ctx, []string{"INSERT INTO b VALUES (3)", "SELECT 1/0", "INSERT INTO b VALUES (4)"}, nil)
	if err == nil || states(list) != "FINISHED FAILED ABORTED" {
		t.Fatal(list, err)
	}
	if n := one(t, s, "SELECT count(*) FROM b"); n != "2" {
		t.Fatal("a failed batch left rows:", n)
	}
}

// TestWriters lets sessions add to one row at once: single statements wait for
// each other, so none fails and none is lost.
func TestWriters(t *testing.T) {
	x := newWorld(t)
	one(t, x.session("main"), "CREATE TABLE counter (n int); INSERT INTO counter VALUES (0)")
	const writers, each = 6, 20
	var wg sync.WaitGroup
	for i := range writers {
		s := x.session(fmt.Sprint(i))
		wg.Go(func() {
			for range each {
				if err := s.Execute(context.Background(), "UPDATE counter SET n = n + 1", Discard{}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := one(t, x.session("main"), "SELECT n FROM counter"); n != fmt.Sprint(writers*each) {
		t.Fatal(n)
	}
}

// TestDeadlock has two blocks lock two tables in opposite order.
func TestDeadlock(t *testing.T) {
	x := newWorld(t)
	a, b := x.session("a"), x.session("b")
	one(t, a, "CREATE TABLE t1 (n int); CREATE TABLE t2 (n int)")
	one(t, a, "BEGIN; LOCK t1")
	one(t, b, "BEGIN; LOCK t2")
	errs := make(chan error, 2)
	go func() { errs <- a.Execute(context.Background(), "LOCK t2", Discard{}) }()
	go func() { errs <- b.Execute(context.Background(), "LOCK t1", Discard{}) }()
	victim, other := <-errs, <-errs
	if victim == nil { // the other one was quicker to say that it has its lock
		victim, other = other, victim
	}
	if victim == nil || sqlerr.From(victim).Code != "40P01" || other != nil {
		t.Fatal(victim, other)
	}
}

func TestDatabases(t *testing.T) {
	x := newWorld(t)
	s := x.session("main")
	one(t, s, "CREATE DATABASE shop")
	if err := s.Execute(context.Background(), "CREATE DATABASE shop", Discard{}); sqlerr.From(err).Code != sqlerr.DuplicateDatabase {
		t.Fatal(err)
	}
	id := Identity{Account: "000000000000", Region: "us-east-1", Cluster: "c", Database: "shop"}
	other, err := x.w.Session(context.Background(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	one(t, other, "CREATE TABLE here (a int); INSERT INTO here VALUES (7)")
	if got := one(t, s, "SELECT a FROM shop.public.here"); got != "7" {
		t.Fatal(got)
	}
	if err := s.Execute(context.Background(), "DROP DATABASE shop", Discard{}); sqlerr.From(err).Code != sqlerr.ObjectInUse {
		t.Fatal(err)
	}
	other.Close()
	one(t, s, "DROP DATABASE shop")
	if names, err := x.w.Databases(id); err != nil || strings.Join(names, " ") != "dev" {
		t.Fatal(names, err)
	}
	id.Database = "nowhere"
	if _, err := x.w.Session(context.Background(), id, nil); sqlerr.From(err).Code != sqlerr.UndefinedDatabase {
		t.Fatal(err)
	}
}
