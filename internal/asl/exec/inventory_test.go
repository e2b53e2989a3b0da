package exec

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestInventory holds the data tests to the language: every field, operator,
// function and error name in testdata/inventory.list has a case that runs it.
// A line is "KIND FOLDER/PATTERN: words".
func TestInventory(t *testing.T) {
	list, err := os.ReadFile("testdata/inventory.list")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		head, words, _ := strings.Cut(line, ": ")
		kind, pattern, _ := strings.Cut(head, " ")
		text := allText(t, pattern)
		for _, word := range strings.Fields(words) {
			if !regexp.MustCompile(wordForm(kind, word)).MatchString(text) {
				t.Errorf("no case in %s has the %s %s", pattern, kind, word)
			}
		}
	}
}

// wordForm is how a word stands in the cases.
func wordForm(kind, word string) string {
	word = regexp.QuoteMeta(word)
	switch kind {
	case "field", "operator":
		return `"` + word + `(\.\$)?" ?:`
	case "value":
		return `"` + word + `"`
	case "intrinsic":
		return `States\.` + word + `\(`
	case "function":
		return `\$` + word + `\b`
	}
	return word + `\b`
}

func allText(t *testing.T, patterns string) string {
	t.Helper()
	var all strings.Builder
	for pattern := range strings.SplitSeq(patterns, ",") {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}
