package jsonata

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"stepwell/internal/asl/value"
)

type conformanceCase struct {
	Group     string          `json:"group"`
	Case      string          `json:"case"`
	V206      string          `json:"v206"`
	Expr      string          `json:"expr"`
	Data      json.RawMessage `json:"data"`
	Dataset   *string         `json:"dataset"`
	Bindings  json.RawMessage `json:"bindings"`
	Depth     int             `json:"depth"`
	TimeLimit int             `json:"timelimit"`
	Unordered bool            `json:"unordered"`
	Result    json.RawMessage `json:"result"`
	Undefined bool            `json:"undefinedResult"`
	Code      string          `json:"code"`
	Token     *string         `json:"token"`
}

// expectedFailures are the cases that fail, by group#case, and why.
func expectedFailures(t *testing.T) map[string]string {
	text, err := os.ReadFile("../../../test/conformance/jsonata.list")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		if id, reason, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "#") {
			out[id] = reason
		}
	}
	return out
}

// TestConformance runs the test suite of the reference implementation where it lies
// beside this repository; STEPWELL_SHARED names another place.
func TestConformance(t *testing.T) {
	root := os.Getenv("STEPWELL_SHARED")
	if root == "" {
		root = "../../../../shared"
	}
	dir := filepath.Join(root, "conformance", "jsonata")
	file, err := os.Open(filepath.Join(dir, "cases.jsonl"))
	if err != nil {
		t.Skipf("no JSONata cases: %v", err)
	}
	defer file.Close()
	expected := expectedFailures(t)
	passed, total := map[string]int{}, map[string]int{}
	var failures []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var c conformanceCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.V206 != "same" {
			continue
		}
		id := strings.ReplaceAll(c.Group+"#"+c.Case, " ", "_")
		total[c.Group]++
		reason, excused := expected[id]
		delete(expected, id)
		switch problem := c.run(t, dir, lines.Bytes()); {
		case problem == "":
			passed[c.Group]++
			if excused {
				t.Errorf("%s passes, but is listed as failing: %s", id, reason)
			}
		case !excused:
			failures = append(failures, fmt.Sprintf("%s: %.300s\n\t%s", id, c.Expr, problem))
		}
	}
	for id := range expected {
		t.Errorf("%s is listed as failing, but there is no such case", id)
	}
	report(t, passed, total, failures)
}

func report(t *testing.T, passed, total map[string]int, failures []string) {
	var groups []string
	for group := range total {
		groups = append(groups, group)
	}
	sort.Strings(groups)
	allPassed, all := 0, 0
	for _, group := range groups {
		t.Logf("%-30s %3d/%d", group, passed[group], total[group])
		allPassed, all = allPassed+passed[group], all+total[group]
	}
	t.Logf("%-30s %d/%d", "all", allPassed, all)
	for _, failure := range failures {
		t.Error(failure)
	}
}

func (c *conformanceCase) run(t *testing.T, dir string, line []byte) string {
	o := &Options{MaxDepth: c.Depth}
	if c.TimeLimit > 0 {
		o.MaxSteps = c.TimeLimit * 2000
	}
	raw := c.Data
	if c.Dataset != nil {
		var err error
		if raw, err = os.ReadFile(filepath.Join(dir, "datasets", *c.Dataset+".json")); err != nil {
			t.Fatal(err)
		}
	}
	if raw != nil {
		v, err := value.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		o.Input, o.HasInput = v, true
	}
	if len(c.Bindings) > 0 {
		v, err := value.Parse(c.Bindings)
		if err != nil {
			t.Fatal(err)
		}
		vars := Vars{}
		if b, ok := v.(*value.Object); ok {
			for _, m := range b.Members() {
				vars[m.Name] = m.Value
			}
		}
		o.Vars = vars
	}
	// encoding/json replaces lone surrogates, our lexer keeps them.
	_, text, _ := strings.Cut(string(line), `"expr": `)
	begun := time.Now()
	var result Result
	e, err := Compile((&lexer{src: text}).next(false).text)
	if err == nil {
		result, err = e.Eval(o)
	}
	failed, _ := err.(*Error)
	if d := time.Since(begun); d > 5*time.Second {
		t.Logf("%s#%s takes %v", c.Group, c.Case, d)
	}
	return c.compare(result, failed)
}

func (c *conformanceCase) compare(result Result, failed *Error) string {
	switch {
	case c.Code != "":
		if failed == nil {
			return fmt.Sprintf("gives %s, want error %s", show(result), c.Code)
		}
		if failed.Code != c.Code || c.Token != nil && failed.Token != *c.Token {
			return fmt.Sprintf("gives error %v (token %q), want %s", failed, failed.Token, c.Code)
		}
		return ""
	case failed != nil:
		return fmt.Sprintf("gives error %v at %d", failed, failed.Position)
	case c.Undefined:
		if result.Kind != Undefined {
			return "gives " + show(result) + ", want undefined"
		}
		return ""
	}
	want, err := value.Parse(c.Result)
	if err != nil {
		return err.Error()
	}
	if result.Kind != Defined || !(value.Equal(result.Value, want) || c.Unordered && sameItems(result.Value, want)) {
		return "gives " + show(result) + ", want " + string(value.Text(want))
	}
	return ""
}

func sameItems(a, b value.Value) bool {
	text := func(v value.Value) string {
		list, _ := v.([]value.Value)
		texts := make([]string, len(list))
		for i, item := range list {
			texts[i] = string(value.Text(item))
		}
		sort.Strings(texts)
		return strings.Join(texts, ",")
	}
	return text(a) == text(b)
}

func show(r Result) string {
	switch r.Kind {
	case Undefined:
		return "undefined"
	case Function:
		return "a function"
	}
	return string(value.Text(r.Value))
}
