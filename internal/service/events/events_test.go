package events

import (
	"context"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepwell/internal/service/secretsmanager"
	"stepwell/test/opscript"
)

// TestScripts runs testdata/*.txt; "received" prints what came to the bus.
func TestScripts(t *testing.T) {
	var received []string
	opscript.Suite{
		Service: "events",
		Hide:    regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}(-[A-Za-z0-9]{6})?`),
		Call: map[string]func(string) string{"received": func(string) string {
			got := strings.Join(received, "\n")
			received = nil
			return got
		}},
		Build: func(t *testing.T, p opscript.Parts) {
			sealer, err := secretsmanager.NewSealer(filepath.Join(t.TempDir(), "key"))
			if err != nil {
				t.Fatal(err)
			}
			s := New(Deps{Store: p.Store, Clock: p.Clock, Bus: p.Bus, IDs: p.IDs, Work: p.Work, Log: p.Log, Received: func(_ context.Context, e Event) {
				data, err := json.Marshal(e)
				if err != nil {
					t.Error(err)
				}
				received = append(received, string(data))
			}})
			s.Register(p.Work)
			p.Bus.Register(s.Table())
			p.Bus.Register(secretsmanager.New(secretsmanager.Deps{Store: p.Store, Clock: p.Clock, IDs: p.IDs, Log: p.Log, Seal: sealer}).Table())
		},
	}.Run(t)
}
