package exec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzRun runs what compiles, with an input, to its end or to its first task:
// no panic, no hang, event ids without holes.
func FuzzRun(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatal("no test data: ", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		input := "{}"
		for _, line := range strings.Split(string(text), "\n") {
			if in, ok := strings.CutPrefix(line, "input: "); ok {
				input = in
			}
			if state, ok := strings.CutPrefix(line, "state: "); ok {
				f.Add(`{"StartAt":"S","States":{"S":`+state+`}}`, input)
			}
			if definition, ok := strings.CutPrefix(line, "definition: "); ok {
				f.Add(definition, input)
			}
		}
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, definition, input string) {
		m, problems := Compile(definition, Options{MapRuns: true})
		if m == nil && len(problems) == 0 {
			t.Fatal("no machine and no problem")
		}
		if m == nil || len(input) > 1<<16 {
			return
		}
		begun := time.Now()
		events, _, _ := play(m, recordedInfo(input, at), at)
		if d := time.Since(begun); d > 5*time.Minute { // a hang, and not a busy machine
			t.Fatalf("takes %v", d)
		}
		for i := range events {
			if events[i].ID != int64(i+1) || events[i].PreviousID > int64(i) {
				t.Fatalf("event %d has id %d and follows %d", i+1, events[i].ID, events[i].PreviousID)
			}
		}
	})
}
