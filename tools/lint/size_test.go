package lint

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

const (
	maxFile     = 600 // lines
	maxFunction = 45  // lines, for nine functions in ten
)

// longFiles are longer than maxFile for the reason given.
var longFiles = map[string]string{}

func TestFilesAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if s.generated || s.test {
			continue
		}
		_, excused := longFiles[s.path]
		switch {
		case s.lines > maxFile && !excused:
			t.Errorf("%s has %d lines, the limit is %d: split it, or list it with a reason", s.path, s.lines, maxFile)
		case s.lines <= maxFile && excused:
			t.Errorf("%s is listed as long and has %d lines: take it off the list", s.path, s.lines)
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	var lengths []int
	for _, s := range sources(t) {
		if s.generated || s.test {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				lengths = append(lengths, s.set.Position(f.End()).Line-s.set.Position(f.Pos()).Line+1)
			}
		}
	}
	slices.Sort(lengths)
	if p90 := lengths[len(lengths)*9/10]; p90 > maxFunction {
		t.Errorf("one function in ten is longer than %d lines, the limit is %d", p90, maxFunction)
	}
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	comment := map[string]bool{}
	for _, s := range sources(t) {
		if !s.test {
			comment[s.pkg] = comment[s.pkg] || s.file.Doc != nil && len(strings.Fields(s.file.Doc.Text())) >= 5
		}
	}
	for pkg, ok := range comment {
		if !ok {
			t.Errorf("package %s has no comment that says what it is for", pkg)
		}
	}
}

// banned are package names that say nothing.
var banned = []string{"util", "utils", "helper", "helpers", "common", "misc"}

func TestNamesSaySomething(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(banned, s.file.Name.Name) {
			t.Errorf("%s: package %s says nothing by its name", s.path, s.file.Name.Name)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: no init functions: the composition root builds everything", s.path)
			}
		}
	}
}
