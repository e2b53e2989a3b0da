// Package datatest runs tests that are written as data: files of cases, each
// with arguments and the text that is expected. `go test ./... -rewrite` writes
// what came out as what is expected. Only tests of asl import it.
//
//	=== name of the case
//	state: {"Type": "Pass", "End": true}
//	input: {}
//	---
//	SUCCEEDED {}
//
// An argument goes on over the lines that follow it and begin with a space.
package datatest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the results of data tests as their expectations")

// Case is one case.
type Case struct {
	Name string
	Args map[string]string
	head []string
	want string
}

// Run runs every case of the files that match the pattern.
func Run(t *testing.T, pattern string, run func(t *testing.T, c *Case) string) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data at %s: %v", pattern, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		preamble, cases := parse(string(text))
		var out strings.Builder
		out.WriteString(preamble)
		for _, c := range cases {
			t.Run(filepath.Base(file)+"/"+c.Name, func(t *testing.T) {
				got := strings.TrimRight(run(t, c), "\n")
				if *rewrite {
					c.want = got
				} else if got != c.want {
					t.Errorf("%s: %s\ngot:\n%s\nwant:\n%s", file, c.Name, got, c.want)
				}
			})
			out.WriteString("=== " + c.Name + "\n" + strings.Join(c.head, "\n") + "\n---\n" + c.want + "\n\n")
		}
		if *rewrite {
			if err := os.WriteFile(file, []byte(strings.TrimRight(out.String(), "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func parse(text string) (preamble string, cases []*Case) {
	parts := strings.Split("\n"+text, "\n=== ")
	preamble = strings.TrimPrefix(parts[0], "\n")
	if preamble != "" {
		preamble += "\n"
	}
	for _, part := range parts[1:] {
		head, want, _ := strings.Cut(strings.TrimRight(part, "\n")+"\n", "\n---\n")
		lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
		c := &Case{Name: lines[0], Args: map[string]string{}, head: lines[1:], want: strings.TrimRight(want, "\n")}
		last := ""
		for _, line := range c.head {
			if name, v, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, " ") {
				last = name
				c.Args[last] = strings.TrimSpace(v)
			} else if last != "" {
				c.Args[last] += "\n" + line
			}
		}
		cases = append(cases, c)
	}
	return preamble, cases
}
