package duck

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// killed leaves a database of n rows as a kill within a checkpoint does, before the
// file's header is written. Of the rows that are added the last one goes to the
// checkpoint's log, if there are some meanwhile. It returns how many there are.
func killed(t *testing.T, file string, n int, meanwhile bool) int {
	t.Helper()
	ctx := context.Background()
	e, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Attach(ctx, "dev", file); err != nil {
		t.Fatal(err)
	}
	var conns [2]*Conn
	for i := range conns {
		if conns[i], err = e.Connect(); err != nil {
			t.Fatal(err)
		}
	}
	const add = "INSERT INTO dev.main.t SELECT count(*) + 1 FROM dev.main.t"
	for _, sql := range []string{"CREATE TABLE IF NOT EXISTS dev.main.t (i INT)", add, "SET debug_checkpoint_abort = 'before_header'", "SET debug_checkpoint_sleep_ms = 1500"} {
		if _, err := conns[0].Exec(ctx, sql); err != nil {
			t.Fatal(sql, err)
		}
	}
	n++
	failed := make(chan error)
	go func() {
		_, err := conns[0].Exec(ctx, "CHECKPOINT dev")
		failed <- err
	}()
	for meanwhile {
		if _, err := conns[1].Exec(ctx, add); err != nil {
			t.Fatal(err)
		}
		n++
		_, err := os.Stat(file + ".wal.checkpoint")
		meanwhile = errors.Is(err, fs.ErrNotExist)
	}
	if err := <-failed; err == nil {
		t.Fatal("the checkpoint ended")
	}
	for _, c := range conns {
		c.Close()
	}
	if err := e.Abandon(ctx); err != nil {
		t.Fatal(err)
	}
	return n
}

func copyFolder(t *testing.T, from string) string {
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(to, "dev.duckdb")
}

// TestKillsWithinCheckpoints opens files after kills within checkpoints, and within
// the opening that follows: each has every row that was committed.
func TestKillsWithinCheckpoints(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "dev.duckdb")
	rows := func(n int) string { return fmt.Sprint(n, " ", n) }
	const all = "SELECT count(*) || ' ' || max(i) FROM dev.main.t"
	n := killed(t, file, 0, false)
	if got := reopened(t, copyFolder(t, dir), all); got != rows(n) {
		t.Errorf("after one kill: %s", got)
	}
	n = killed(t, file, n, true)
	if markers, appended, err := readMarkers(file + logSuffix); len(markers) != 2 || appended || err != nil {
		t.Fatalf("the log has the markers %v, appended %v: %v", markers, appended, err)
	}
	for name, prepare := range map[string]func(file string){
		"two kills": func(string) {},
		"a third kill once the log is mended": func(file string) {
			if err := mend(file); err != nil {
				t.Fatal(err)
			}
		},
		"a third kill once the logs are one, by us":     func(file string) { recovered(t, file, true) },
		"a third kill once the logs are one, by DuckDB": func(file string) { recovered(t, file, false) },
		"a torn end": func(file string) {
			f, err := os.OpenFile(file+checkpointSuffix, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.Write([]byte("\x23\x00\x00\x00\x00\x00\x00\x00torn"))
			}
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := copyFolder(t, dir)
			prepare(file)
			for range 2 {
				if got := reopened(t, file, all); got != rows(n) {
					t.Errorf("count and last row: %s, want %s", got, rows(n))
				}
			}
			n := killed(t, file, n, true)
			if got := reopened(t, file, all); got != rows(n) {
				t.Errorf("count and last row after one more kill: %s, want %s", got, rows(n))
			}
		})
	}
}

// recovered makes of a file after two kills what a third one leaves that comes when
// the logs are one, and the second is there still.
func recovered(t *testing.T, file string, mended bool) {
	second, err := os.ReadFile(file + checkpointSuffix)
	if err == nil && mended {
		err = mend(file)
	}
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.Connect()
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Exec(context.Background(), "ATTACH "+Literal(file)+" AS dev")
	if mended != (err == nil) {
		t.Fatalf("DuckDB opens the file: %v", err)
	}
	c.Close()
	if mended { // without the checkpoint of an orderly end
		image := copyFolder(t, filepath.Dir(file))
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{"", logSuffix} {
			if err := os.Rename(image+suffix, file+suffix); err != nil {
				t.Fatal(err)
			}
		}
	} else if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+checkpointSuffix, second, 0o600); err != nil {
		t.Fatal(err)
	}
}
