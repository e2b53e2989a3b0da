package warehouse

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// TestPrincipalsAtAnInstant stops a commit that makes a user at each of its
// steps, and expects after opening the files again the user and the row, or
// neither of them.
func TestPrincipalsAtAnInstant(t *testing.T) {
	ctx := context.Background()
	steps := []struct {
		name string
		step func(s *Session) error
		want string
	}{
		{"before", func(*Session) error { return nil }, "0 0 veteran"},
		{"prepared", func(s *Session) error { return s.preparePrincipals(ctx) }, "0 0 veteran"},
		{"committed", func(s *Session) error {
			if err := s.preparePrincipals(ctx); err != nil {
				return err
			}
			return s.publish(ctx)
		}, "1 1 renamed"},
		{"settled", func(s *Session) error { return s.commit(ctx) }, "1 1 renamed"},
	}
	for _, tt := range steps {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			w, s := killSession(t, dir)
			one(t, s, "CREATE TABLE made (a int); CREATE USER veteran PASSWORD 'Abcd1234'")
			one(t, s, "CREATE DATABASE other")
			other, err := w.Session(ctx, Identity{Account: "000000000000", Region: "r", Cluster: "c", Database: "other"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			one(t, other, "CREATE TABLE theirs (a int); ALTER TABLE theirs OWNER TO veteran")
			one(t, s, "BEGIN; CREATE USER fresh PASSWORD 'Abcd1234'; ALTER USER veteran RENAME TO renamed; INSERT INTO made VALUES (1)")
			if err := tt.step(s); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			w, s = killSession(t, dir)
			defer w.Close()
			if other, err = w.Session(ctx, Identity{Account: "000000000000", Region: "r", Cluster: "c", Database: "other"}, nil); err != nil {
				t.Fatal(err)
			}
			got := one(t, s, "SELECT (SELECT count(*) FROM pg_user WHERE usename = 'fresh') || ' ' || count(*) FROM made") +
				" " + one(t, other, "SELECT tableowner FROM pg_tables WHERE tablename = 'theirs'")
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			one(t, s, "BEGIN; CREATE USER another PASSWORD 'Abcd1234'; COMMIT")
		})
	}
}

// TestKillPrincipals kills a process that makes users together with rows, and
// expects every acknowledged one, and no user without its row.
func TestKillPrincipals(t *testing.T) {
	if dir := os.Getenv("WAREHOUSE_KILL_USERS"); dir != "" {
		_, s := killSession(t, dir)
		for n := 0; ; n++ {
			one(t, s, fmt.Sprintf("BEGIN; CREATE USER u%d PASSWORD 'Abcd1234'; INSERT INTO made VALUES ('u%d'); GRANT SELECT ON made TO u%d; COMMIT", n, n, n))
			fmt.Printf("committed %d\n", n)
		}
	}
	dir := t.TempDir()
	for round := range 3 {
		w, s := killSession(t, dir)
		one(t, s, "DROP TABLE IF EXISTS made; CREATE TABLE made (name varchar(20))")
		for _, name := range w.userNames() {
			if strings.HasPrefix(name, "u") {
				one(t, s, "DROP USER "+name)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestKillPrincipals$", "-test.v")
		cmd.Env = append(os.Environ(), "WAREHOUSE_KILL_USERS="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged := 0
		for lines := bufio.NewScanner(out); acknowledged < 4+round && lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "committed ") {
				acknowledged++
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		w, s = killSession(t, dir)
		users := 0
		for _, name := range w.userNames() {
			if strings.HasPrefix(name, "u") {
				users++
			}
		}
		got := one(t, s, "SELECT (SELECT count(*) FROM made) || ' ' || (SELECT count(*) FROM svv_relation_privileges) || ' ' || (SELECT count(*) FROM made JOIN pg_user ON usename = name)")
		if want := fmt.Sprintf("%d %d %d", users, users, users); got != want || users < acknowledged {
			t.Errorf("round %d: %d users, %d acknowledged; rows, privileges, users with rows: %s", round, users, acknowledged, got)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPrincipalsInTurn has two transactions make users: the second waits for the
// first, and keeps what that has made.
func TestPrincipalsInTurn(t *testing.T) {
	w, a := killSession(t, t.TempDir())
	defer w.Close()
	b, err := w.Session(context.Background(), a.Identity(), nil)
	if err != nil {
		t.Fatal(err)
	}
	one(t, a, "CREATE GROUP team")
	one(t, a, "BEGIN; CREATE USER u1 PASSWORD 'Abcd1234' IN GROUP team")
	done := make(chan error)
	go func() {
		done <- b.Execute(context.Background(), "CREATE USER u2 PASSWORD 'Abcd1234' IN GROUP team", Discard{})
	}()
	for waits := false; !waits; runtime.Gosched() {
		for _, l := range a.cluster.locks.all() {
			waits = waits || !l.granted && l.table == principalsLock
		}
	}
	one(t, a, "COMMIT")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := one(t, a, "SELECT count(DISTINCT usesysid) || ' ' || (SELECT grolist FROM pg_group) FROM pg_user WHERE usename LIKE 'u_'"); got != "2 {102,103}" {
		t.Error(got)
	}
}

// userNames are the users of the one cluster that is open.
func (w *Warehouse) userNames() (names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.clusters {
		for name := range c.current().Users {
			names = append(names, name)
		}
	}
	return names
}
