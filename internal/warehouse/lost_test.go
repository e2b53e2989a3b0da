package warehouse

import (
	"context"
	"runtime"
	"testing"

	"stepwell/internal/sqlerr"
)

// breakDown makes the next checkpoint of a session's cluster fail, as a full disk
// does, and a checkpoint due after every commit.
func breakDown(t *testing.T, s *Session) {
	t.Helper()
	one(t, s, "SELECT 1") // connects
	if _, err := s.conn.Exec(context.Background(), "SET GLOBAL debug_checkpoint_abort = 'before_header'"); err != nil {
		t.Fatal(err)
	}
	s.db.space.longLog = 1
}

// TestLostCluster fails a checkpoint. Its commit is a success; all sessions end with
// an error that says so, those under way and those between statements, and the
// next ones find what was committed, and nothing else.
func TestLostCluster(t *testing.T) {
	ctx := context.Background()
	x := newWorld(t)
	s, writer, reader, waiter := x.session("main"), x.session("writer"), x.session("reader"), x.session("waiter")
	one(t, s, "CREATE TABLE acknowledged (n int); CREATE TABLE t (n int, text varchar(20)); INSERT INTO t VALUES (1, 'committed')")
	one(t, writer, "BEGIN; LOCK t; INSERT INTO t VALUES (2, 'open')")
	one(t, reader, "CREATE TEMP TABLE t AS SELECT 7 AS n; BEGIN; DECLARE c CURSOR FOR SELECT * FROM t; FETCH 1 FROM c")
	under := make(chan error)
	go func() { under <- waiter.Execute(ctx, "UPDATE t SET n = 3", Discard{}) }() // waits for the writer
	for locked := false; !locked; runtime.Gosched() {
		s.cluster.locks.mu.Lock()
		locked = len(s.cluster.locks.waiting) > 0
		s.cluster.locks.mu.Unlock()
	}
	breakDown(t, s)
	s.SetMark("mark")
	one(t, s, "INSERT INTO acknowledged VALUES (5)")
	if err := <-under; !Lost(err) {
		t.Error("under way:", err)
	}
	for _, s := range []*Session{s, writer, reader, waiter} {
		if err := s.Execute(ctx, "SELECT 1", Discard{}); !Lost(err) || sqlerr.From(err).Code != sqlerr.CrashShutdown {
			t.Error("afterwards:", err)
		}
	}
	if ok, err := x.w.Committed(ctx, s.identity, "mark"); !ok || err != nil {
		t.Error("the mark:", ok, err)
	}
	clear(x.sessions)
	s = x.session("main")
	for _, c := range []struct{ sql, want string }{
		{"SELECT sum(n) || ' ' || min(text) FROM t", "1 committed"},
		{"SELECT n FROM acknowledged", "5"},
		{"VACUUM; INSERT INTO t VALUES (8); SELECT count(*) FROM t", "2"},
	} {
		if got := one(t, s, c.sql); got != c.want {
			t.Errorf("%s: %s", c.sql, got)
		}
	}
}
