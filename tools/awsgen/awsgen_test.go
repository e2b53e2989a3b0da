package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCleanTree fails when the generated packages are not what awsgen writes
// now: run make generate and commit the result.
func TestCleanTree(t *testing.T) {
	out := t.TempDir()
	if err := run(".", out, nil); err != nil {
		t.Fatal(err)
	}
	want, err := filepath.Glob(filepath.Join(out, "*", "*_gen.go"))
	if err != nil || len(want) == 0 {
		t.Fatalf("awsgen wrote nothing: %v", err)
	}
	known := map[string]bool{}
	for _, path := range want {
		rel, _ := filepath.Rel(out, path)
		known[rel] = true
		a, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join("../../internal/awsapi", rel))
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("internal/awsapi/%s is not what awsgen writes (%v)", rel, err)
		}
	}
	have, _ := filepath.Glob("../../internal/awsapi/*/*_gen.go")
	for _, path := range have {
		if rel, _ := filepath.Rel("../../internal/awsapi", path); !known[rel] {
			t.Errorf("internal/awsapi/%s belongs to no service of services.json", rel)
		}
	}
}

func TestIdentifier(t *testing.T) {
	for value, want := range map[string]string{
		"RUNNING": "Running", "TIMED_OUT": "TimedOut", "s3:ObjectCreated:*": "S3ObjectCreated",
		"pythonshell": "Pythonshell", "PassStateEntered": "PassStateEntered", "G.1X": "G1x",
	} {
		if got := identifier(value); got != want {
			t.Errorf("identifier(%q) = %q, want %q", value, got, want)
		}
	}
}
