package warehouse

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// TestKill kills a process that commits pairs of rows, with statements, MERGE and
// a procedure, and expects every acknowledged pair, and no half of one, after
// opening the files again.
func TestKill(t *testing.T) {
	if os.Getenv("WAREHOUSE_KILL_DIR") != "" {
		killChild(t)
		return
	}
	dir := t.TempDir()
	acknowledged := 0
	for round := range 4 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$", "-test.v")
		cmd.Env = append(os.Environ(), "WAREHOUSE_KILL_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		limit := acknowledged + 20 + 17*round
		for lines.Scan() {
			if n, ok := strings.CutPrefix(lines.Text(), "committed "); ok {
				acknowledged, _ = strconv.Atoi(n)
				if acknowledged >= limit {
					break
				}
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		rows, broken := killCounts(t, dir)
		if broken != 0 || rows < acknowledged {
			t.Fatalf("round %d: %d pairs of %d acknowledged, %d broken", round, rows, acknowledged, broken)
		}
		acknowledged = rows
	}
	if acknowledged < 80 {
		t.Fatalf("only %d commits were acknowledged", acknowledged)
	}
}

func killSession(t *testing.T, dir string) (*Warehouse, *Session) {
	w, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Session(context.Background(), Identity{Account: "000000000000", Region: "r", Cluster: "c"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w, s
}

func one(t *testing.T, s *Session, sql string) string {
	sink := &Texts{}
	if err := s.Execute(context.Background(), sql, sink); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	last := sink.Results[len(sink.Results)-1]
	if len(last.Rows) == 0 || last.Rows[0][0] == nil {
		return ""
	}
	return *last.Rows[0][0]
}

func killCounts(t *testing.T, dir string) (rows, broken int) {
	w, s := killSession(t, dir)
	defer w.Close()
	rows, _ = strconv.Atoi(one(t, s, "SELECT count(DISTINCT n) FROM pairs"))
	broken, _ = strconv.Atoi(one(t, s, "SELECT count(*) FROM (SELECT n FROM pairs GROUP BY n HAVING count(*) <> 2) x"))
	return rows, broken
}

func killChild(t *testing.T) {
	_, s := killSession(t, os.Getenv("WAREHOUSE_KILL_DIR"))
	one(t, s, "CREATE TABLE IF NOT EXISTS pairs (n int, half varchar(5))")
	one(t, s, `CREATE OR REPLACE PROCEDURE pair(n int) AS $$ BEGIN
		INSERT INTO pairs VALUES (n, 'left');
		FOR i IN 1..20 LOOP UPDATE pairs SET half = half || '' WHERE pairs.n = pair.n; END LOOP;
		INSERT INTO pairs VALUES (n, 'right');
	END; $$ LANGUAGE plpgsql`)
	start, _ := strconv.Atoi(one(t, s, "SELECT count(DISTINCT n) FROM pairs"))
	for n := start + 1; ; n++ {
		switch n % 3 {
		case 0:
			one(t, s, fmt.Sprintf("CALL pair(%d)", n))
		case 1:
			one(t, s, fmt.Sprintf("CREATE TEMP TABLE source AS SELECT %d AS n, 'left'::varchar(5) AS half UNION ALL SELECT %d, 'right'; "+
				"MERGE INTO pairs USING source s ON pairs.n = s.n AND pairs.half = s.half WHEN MATCHED THEN UPDATE SET half = s.half WHEN NOT MATCHED THEN INSERT VALUES (s.n, s.half); DROP TABLE source", n, n))
		default:
			one(t, s, fmt.Sprintf("BEGIN; INSERT INTO pairs VALUES (%d, 'left'); INSERT INTO pairs VALUES (%d, 'right'); COMMIT", n, n))
		}
		if n%7 == 0 {
			one(t, s, "VACUUM")
		}
		fmt.Printf("committed %d\n", n)
	}
}
