package duck

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepwell/internal/sqlerr"
)

// TestInvalidated fails a checkpoint as a full disk does: the engine tells once,
// every statement is refused, and another engine finds all that was committed.
func TestInvalidated(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "dev.duckdb")
	told := 0
	e, err := Open(Options{Invalidated: func(e *sqlerr.Error) {
		if told++; e.Code != sqlerr.CrashShutdown || e.Severity != "FATAL" {
			t.Error(e.Code, e.Severity, e)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Attach(ctx, "dev", file); err != nil {
		t.Fatal(err)
	}
	c, err := e.Connect()
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"CREATE TABLE dev.main.t AS SELECT i FROM range(300000) t(i)", "SET debug_checkpoint_abort = 'before_header'"} {
		if _, err := c.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, sql := range []string{"CHECKPOINT dev", "SELECT 1", "INSERT INTO dev.main.t VALUES (1)"} {
		_, err := c.Exec(ctx, sql)
		if err == nil || sqlerr.From(err).Code != sqlerr.CrashShutdown {
			t.Errorf("%s: %v", sql, err)
		}
		if err != nil {
			t.Log(sqlerr.From(err).Detail)
		}
	}
	short, cancel := context.WithCancel(ctx)
	cancel()
	if err := e.Abandon(short); err == nil {
		t.Error("an instance was closed that has a connection")
	}
	if _, err := e.Connect(); err == nil {
		t.Error("an instance took a connection that is to be closed")
	}
	c.Close()
	if err := e.Abandon(ctx); err != nil {
		t.Error(err)
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	if list := openFiles(t, filepath.Dir(file)); len(list) > 0 {
		t.Errorf("still open: %v", list)
	}
	if got := reopened(t, file, "SELECT count(*) FROM dev.main.t"); got != "300000" {
		t.Errorf("after opening it again: %s", got)
	}
}

// openFiles are the files below a folder that this process has open.
func openFiles(t *testing.T, dir string) (list []string) {
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && strings.HasPrefix(path, dir+"/") {
			list = append(list, path)
		}
	}
	return list
}

// reopened is what a new engine answers.
func reopened(t *testing.T, file, sql string) string {
	t.Helper()
	e, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Attach(context.Background(), "dev", file); err != nil {
		t.Fatal(err)
	}
	c, err := e.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return answer(c, sql)
}
