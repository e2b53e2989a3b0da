package warehouse

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"stepwell/internal/lake"
)

// copyKillRows is how many rows one file of the test has.
const copyKillRows = 20000

// TestKillCopy kills a process that loads a file and unloads the table in
// turns, after ever more steps: a load is there as a whole or not, and
// every folder that was unloaded to has all its files, whole, or none.
func TestKillCopy(t *testing.T) {
	if os.Getenv("WAREHOUSE_COPY_KILL_DIR") != "" {
		copyKillChild(t)
		return
	}
	dir := t.TempDir()
	input := filepath.Join(dir, "s3", "bucket", "in")
	if err := os.MkdirAll(input, 0o755); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range copyKillRows {
		fmt.Fprintf(&text, "%d|name number %d\n", i, i)
	}
	if err := os.WriteFile(filepath.Join(input, "a.txt"), []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	steps := 0
	for round := range 6 {
		steps += copyKillRound(t, dir, 3+2*round)
		copyKillCheck(t, dir)
	}
	if steps == 0 {
		t.Fatal("nothing was done before the kills")
	}
}

// copyKillRound lets the child make some steps and kills it in the next one.
func copyKillRound(t *testing.T, dir string, limit int) (steps int) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestKillCopy$", "-test.v")
	cmd.Env = append(os.Environ(), "WAREHOUSE_COPY_KILL_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for steps < limit && lines.Scan() {
		if strings.HasPrefix(lines.Text(), "done ") {
			steps++
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return steps
}

func copyKillOpen(t *testing.T, dir string) (*Warehouse, *Session) {
	w, err := Open(Options{Dir: filepath.Join(dir, "redshift"), Objects: lake.DirObjects{Root: filepath.Join(dir, "s3")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Recover(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := w.Session(context.Background(), Identity{Account: "000000000000", Region: "r", Cluster: "c"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w, s
}

func copyKillCheck(t *testing.T, dir string) {
	w, s := copyKillOpen(t, dir)
	defer w.Close()
	broken := one(t, s, fmt.Sprintf("SELECT count(*) FROM (SELECT batch FROM loads GROUP BY batch HAVING count(*) <> %d) x", copyKillRows))
	if broken != "0" {
		t.Fatalf("%s loads are there in part", broken)
	}
	folders, err := filepath.Glob(filepath.Join(dir, "s3", "bucket", "out", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		parts, err := filepath.Glob(filepath.Join(folder, "batch=*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		lines := int64(0)
		for _, part := range parts {
			n, err := countLines(part)
			if err != nil {
				t.Fatal(err)
			}
			lines += n
		}
		if len(parts) != 4 || lines != 4000 {
			t.Fatalf("%s has %d objects with %d rows", folder, len(parts), lines)
		}
	}
}

func copyKillChild(t *testing.T) {
	_, s := copyKillOpen(t, os.Getenv("WAREHOUSE_COPY_KILL_DIR"))
	one(t, s, "CREATE TABLE IF NOT EXISTS staged (id int, name varchar(40)); CREATE TABLE IF NOT EXISTS loads (id int, name varchar(40), batch int)")
	start, _ := strconv.Atoi(one(t, s, "SELECT max(batch) FROM loads"))
	for n := start + 1; ; n++ {
		one(t, s, fmt.Sprintf("BEGIN; DELETE FROM staged; COPY staged FROM 's3://bucket/in/' IAM_ROLE default; INSERT INTO loads SELECT id, name, %d FROM staged; COMMIT", n))
		fmt.Printf("done load %d\n", n)
		one(t, s, fmt.Sprintf("UNLOAD ('SELECT id, id %% 4 AS batch FROM staged WHERE id < 4000') TO 's3://bucket/out/%d-%d/' IAM_ROLE default CSV PARTITION BY (batch) ALLOWOVERWRITE", os.Getpid(), n))
		fmt.Printf("done unload %d\n", n)
	}
}
