package rsql_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepwell/internal/rsql"
	"stepwell/internal/sqlerr"
)

var rewrite = flag.Bool("rewrite", false, "write what the tests got as what they expect")

// TestStages runs the files of testdata. A file is a list of cases:
//
//	stage (tree, print, resolved, lowered, duckdb, setup)
//	the SQL
//	----
//	what the stage prints, or the error
//
// parted by blank lines. setup adds the relations that the SQL creates to the
// file's catalog.
func TestStages(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	more, _ := filepath.Glob("lower/testdata/*.txt")
	for _, file := range append(files, more...) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runFile(t, file) })
	}
}

func runFile(t *testing.T, file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	catalog := newCatalog()
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(string(data)), "\n\n") {
		input, want, _ := strings.Cut(block, "\n----")
		command, sql, ok := strings.Cut(input, "\n")
		if !ok {
			t.Fatalf("%s: case %d has no SQL: %q", file, i+1, block)
		}
		got := run(catalog, command, sql)
		if i > 0 {
			out.WriteString("\n")
		}
		fmt.Fprintf(&out, "%s\n----\n%s\n", input, got)
		if want := strings.TrimSpace(want); got != want && !*rewrite {
			t.Errorf("%s: %s\n%s\ngot:\n%s\nwant:\n%s", file, command, sql, got, want)
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func run(catalog *memoryCatalog, command, sql string) string {
	if command == "setup" {
		list, err := rsql.Parse(sql)
		for _, s := range list {
			if err == nil {
				err = catalog.create(s.Tree)
			}
		}
		if err != nil {
			return "error: " + err.Error()
		}
		return "ok"
	}
	options := rsql.Options{User: "awsuser", Database: "dev", Schema: "public", Backend: 7}
	text, err := rsql.Explain(sql, rsql.Stage(command), catalog, options)
	if err != nil {
		e := sqlerr.From(err)
		return fmt.Sprintf("%s %s (at %d)", e.Code, e.Message, e.Position)
	}
	return strings.TrimSpace(text)
}
