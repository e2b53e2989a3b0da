package events

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepwell/internal/bus"
	"stepwell/internal/service/secretsmanager"
	"stepwell/test/opscript"
)

// TestScripts runs testdata/*.txt; "received" prints what has come to queues.
func TestScripts(t *testing.T) {
	var q *queue
	opscript.Suite{
		Service: "events",
		Hide:    regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}(-[A-Za-z0-9]{6})?`),
		Call: map[string]func(string) string{"received": func(string) string {
			q.mu.Lock()
			defer q.mu.Unlock()
			got := strings.Join(q.got, "\n")
			q.got = nil
			return got
		}},
		Build: func(t *testing.T, p opscript.Parts) {
			sealer, err := secretsmanager.NewSealer(filepath.Join(t.TempDir(), "key"))
			if err != nil {
				t.Fatal(err)
			}
			s := New(Deps{Store: p.Store, Clock: p.Clock, Bus: p.Bus, IDs: p.IDs, Work: p.Work, Log: p.Log})
			s.Register(p.Work)
			p.Bus.Register(s.Table())
			p.Bus.Register(secretsmanager.New(secretsmanager.Deps{Store: p.Store, Clock: p.Clock, IDs: p.IDs, Log: p.Log, Seal: sealer}).Table())
			q = &queue{}
			p.Bus.Register(&bus.Service{Name: "sqs", Operations: []bus.Operation{bus.Op("SendMessageBatch", q.sendBatch), bus.Op("SendMessage", q.send)}})
		},
	}.Run(t)
}
