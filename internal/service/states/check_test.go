package states

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"stepwell/internal/clock"
	"stepwell/internal/diag"
)

// TestCheck runs testdata/check/*.txt: a definition and what is said of it.
func TestCheck(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "s.db"), clock.New(0), newNeighbours())
	defer w.close()
	for _, file := range scripts(t, "testdata/check/*.txt") {
		rewriteBlocks(t, file, func(_ string, args map[string]string) string {
			text := args["definition"]
			if s := args["state"]; s != "" {
				text = `{"StartAt":"S","States":{"S":` + s + `}}`
			}
			var lines []string
			for _, d := range w.svc.Check(text, "STANDARD") {
				_, column := diag.Position(text, d.Span.Start)
				line := fmt.Sprintf("%d %s %s", column, d.Severity, d.Text)
				if d.Suggestion != "" {
					line += " (" + d.Suggestion + "?)"
				}
				lines = append(lines, line)
			}
			if len(lines) == 0 {
				return "fine"
			}
			return strings.Join(lines, "\n")
		})
	}
}
