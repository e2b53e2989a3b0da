package events

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/service/secretsmanager"
	"stepwell/internal/store"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected results of testdata")

var volatile = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{8}-[0-9a-f-]{27}(-[A-Za-z0-9]{6})?`)

// TestScripts runs testdata/*.txt: blocks of "SERVICE OPERATION", its input,
// "----" and the answer; "received" prints what came to the bus.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		st, err := store.Open(filepath.Join(dir, "s.db"))
		if err != nil {
			t.Fatal(err)
		}
		sealer, err := secretsmanager.NewSealer(filepath.Join(dir, "key"))
		if err != nil {
			t.Fatal(err)
		}
		b, c, log := bus.New(), clock.New(1), slog.New(slog.DiscardHandler)
		var received []string
		s := New(Deps{Store: st, Clock: c, Bus: b, IDs: bus.RandomIDs{}, Log: log, Received: func(_ context.Context, e Event) {
			data, err := json.Marshal(e)
			if err != nil {
				t.Error(err)
			}
			received = append(received, string(data))
		}})
		b.Register(s.Table())
		b.Register(secretsmanager.New(secretsmanager.Deps{Store: st, Clock: c, IDs: bus.RandomIDs{}, Log: log, Seal: sealer}).Table())
		vars := map[string]string{}
		var all []string
		for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
			head, want, _ := strings.Cut(block, "\n----")
			got := ""
			if head == "received" {
				if got, received = strings.Join(received, "\n"), nil; got == "" {
					got = "nothing"
				}
			} else {
				got = call(t, b, head, vars)
			}
			got = volatile.ReplaceAllString(got, "<>")
			if want = strings.TrimSpace(want); got != want && !*rewrite {
				t.Errorf("%s\ngot\n%s\nwant\n%s", head, got, want)
			}
			all = append(all, head+"\n----\n"+got)
		}
		if *rewrite {
			if err := os.WriteFile(file, []byte(strings.Join(all, "\n\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
}

// call runs one block. $NAME in an input is the ConnectionArn or SecretArn that was answered last.
func call(t *testing.T, b *bus.Bus, head string, vars map[string]string) string {
	t.Helper()
	first, input, _ := strings.Cut(head, "\n")
	service, operation, _ := strings.Cut(first, " ")
	_, op := b.Lookup(service, operation)
	if op == nil {
		t.Fatalf("no operation %s", first)
	}
	in := op.NewInput()
	if in != nil && input != "" {
		if err := json.Unmarshal([]byte(os.Expand(input, func(name string) string { return vars[name] })), in); err != nil {
			t.Fatalf("%s: %v", head, err)
		}
	}
	out, err := b.Invoke(t.Context(), service, operation, in)
	if e := awserr.From(err); e != nil {
		return fmt.Sprintf("%d %s: %s", e.HTTPStatus(), e.Code, e.Message)
	}
	if err != nil {
		return "INTERNAL " + err.Error()
	}
	data, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	var names map[string]any
	if err := json.Unmarshal(data, &names); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ConnectionArn", "SecretArn"} {
		if arn, ok := names[name].(string); ok {
			vars[name] = arn
		}
	}
	return string(data)
}
