package check

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepwell/internal/asl/syntax"
)

// TestRecordedFaults compares with what the service answered to definitions
// that it refused (where the recordings are at hand).
func TestRecordedFaults(t *testing.T) {
	dir := os.Getenv("STEPWELL_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(dir, "conformance", "asl", "cases.jsonl"))
	if err != nil {
		t.Skipf("no recorded answers (set STEPWELL_SHARED): %v", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<26)
	passed, total := 0, 0
	for lines.Scan() {
		var c recorded
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		want, ok := c.faults(lines.Text())
		if !ok {
			continue
		}
		total++
		_, faults := Definition(c.definition(), Options{Express: c.Type == "EXPRESS",
			KnownResource: func(arn string) bool { return !strings.HasSuffix(arn, "dynamodb:query") }})
		got := ""
		for _, f := range faults {
			if f.Code == NotImplemented {
				got = "refused"
				break
			}
			got += print(f.Code, f.Text, f.Location)
		}
		switch {
		case got == want:
			passed++
		case got != "refused":
			t.Errorf("%s:\ngot  %s\nwant %s", c.ID, got, want)
		}
	}
	t.Logf("%d/%d (the others are refused: JSONata)", passed, total)
}

type recorded struct {
	ID, Kind, Type string
	Steps          []struct {
		Call string
		Args struct{ Definition *string }
	}
	Expect map[string]json.RawMessage
}

func print(code, text, at string) string {
	s := code + ": " + text
	if at != "" {
		s += " at " + at
	}
	return s + "\n"
}

func (c *recorded) definition() string {
	for _, s := range c.Steps {
		if s.Args.Definition != nil {
			return *s.Args.Definition
		}
	}
	return ""
}

var refusal = regexp.MustCompile(`Invalid State Machine Definition: '(` + syntax.SchemaFailed + `: .*?)'"`)

// faults are the recorded diagnostics of a definition; ok is false for other cases.
func (c *recorded) faults(line string) (string, bool) {
	if c.Kind == "error" {
		m := refusal.FindStringSubmatch(line)
		if m == nil {
			return "", false
		}
		return strings.ReplaceAll(strings.ReplaceAll(m[1], "<partition>", "aws"), `\"`, `"`) + "\n", true
	}
	if c.Kind != "validate" {
		return "", false
	}
	want := ""
	for _, raw := range c.Expect {
		var answer struct {
			Diagnostics []struct{ Code, Message, Location string }
		}
		if json.Unmarshal(raw, &answer) != nil {
			return "", false
		}
		for _, d := range answer.Diagnostics {
			want += print(d.Code, d.Message, d.Location)
		}
	}
	return want, true
}
