package warehouse

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHistoryFiles reads back what was written, around lines that are broken,
// cut short and long, and keeps the files small.
func TestHistoryFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "history.jsonl")
	h := openHistory(dir)
	h.addTransfer(transferred{Query: 1, Table: "a", Files: make([]transferredFile, 50_000)}) // a line of 2 MB
	h.close()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("broken\n{}\n{\"transfer\": {\"table\": \"cut"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	h = openHistory(dir)
	h.addTransfer(transferred{Query: 2, Table: "b", Unload: true})
	h.addLoadError(loadError{Query: 3, Reason: "why"})
	h.addSession(sessionEnd{PID: 4})
	h.addMessage(callMessage{Query: 6, Text: "raised"})
	h.close()
	h = openHistory(dir)
	if loads := h.transferred(false); len(loads) != 1 || loads[0].Table != "a" || len(loads[0].Files) != 50_000 {
		t.Error(len(loads), "loads")
	}
	if unloads := h.transferred(true); len(unloads) != 1 || unloads[0].Table != "b" {
		t.Error(unloads)
	}
	if list := h.errors(); len(list) != 1 || list[0].Reason != "why" {
		t.Error(list)
	}
	if list := h.endedSessions(); len(list) != 1 || list[0].PID != 4 {
		t.Error(list)
	}
	if len(h.messages) != 1 || h.messages[0].Text != "raised" {
		t.Error(h.messages)
	}
	for range 3 * historySize {
		h.addLoadError(loadError{Query: 5, RawLine: strings.Repeat("x", rawSize)})
	}
	h.close()
	if h = openHistory(dir); len(h.transferred(true)) != 1 || len(h.errors()) < historySize/2 || len(h.errors()) > historySize {
		t.Error("after many errors of loads:", len(h.transferred(true)), "unloads and", len(h.errors()), "errors")
	}
	for _, name := range []string{"load_errors.jsonl", "load_errors.1.jsonl"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Size() > lineFileSize+4096 {
			t.Error(name, info, err)
		}
	}
}
