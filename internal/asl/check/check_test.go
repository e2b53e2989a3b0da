package check

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"stepwell/internal/asl/internal/datatest"
	"stepwell/internal/diag"
)

// TestData prints the faults of a definition, and where they point.
func TestData(t *testing.T) {
	datatest.Run(t, "testdata/*.txt", func(t *testing.T, c *datatest.Case) string {
		text := c.Args["definition"]
		if s, ok := c.Args["state"]; ok {
			text = `{"StartAt":"S","States":{"S":` + s + `}}`
		}
		_, faults := Definition(text, Options{Express: c.Args["type"] == "EXPRESS", MapRuns: c.Args["maps"] == "yes",
			Accepted: c.Args["accepted"] == "yes", KnownResource: func(arn string) bool { return !strings.Contains(arn, "unknown") }})
		var b strings.Builder
		for _, f := range faults {
			line, column := diag.Position(text, f.Span.Start)
			fmt.Fprintf(&b, "%d:%d %s: %s", line, column, f.Code, f.Text)
			if f.Location != "" {
				fmt.Fprintf(&b, " at %s", f.Location)
			}
			if f.Suggestion != "" {
				fmt.Fprintf(&b, " (%s?)", f.Suggestion)
			}
			b.WriteByte('\n')
		}
		if len(faults) == 0 {
			return "valid"
		}
		return b.String()
	})
}

func FuzzDefinition(f *testing.F) {
	text, err := os.ReadFile("testdata/definitions.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if _, def, ok := strings.Cut(line, "definition: "); ok {
			f.Add(def)
		}
		if _, state, ok := strings.Cut(line, "state: "); ok {
			f.Add(`{"StartAt":"S","States":{"S":` + state + `}}`)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		begun := time.Now()
		def, faults := Definition(text, Options{MapRuns: len(text)%2 == 0})
		if d := time.Since(begun); d > 2*time.Second {
			t.Fatalf("takes %v", d)
		}
		if def == nil && len(faults) == 0 {
			t.Error("no definition and no fault")
		}
		if def != nil {
			faults = append(faults, Advice(def)...)
		}
		for _, fault := range faults {
			if fault.Span.Start < 0 || fault.Span.End > len(text) || fault.Span.Start > fault.Span.End {
				t.Errorf("%s: span %v of %d bytes", fault.Text, fault.Span, len(text))
			}
		}
	})
}
