package warehouse

import (
	"strings"
	"sync"
	"time"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/sqlerr"
)

// historySize is how many statements and load errors a cluster remembers.
const historySize = 5000

// history is what ran on a cluster since it was opened, newest last. The
// system tables stl_query, sys_query_history, stl_load_errors and
// svl_s3query_summary read it.
type history struct {
	mu         sync.Mutex
	statements []historyEntry
	loadErrors []loadError
}

type historyEntry struct {
	id         int64
	session    int32
	user       string
	database   string
	command    string
	text       string
	start, end time.Time
	rows       int64
	failure    *sqlerr.Error
	scans      []scanned
}

func newHistory() *history { return &history{} }

func (h *history) add(e historyEntry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.statements) >= historySize {
		h.statements = append(h.statements[:0], h.statements[historySize/2:]...)
	}
	h.statements = append(h.statements, e)
}

func (h *history) addLoadError(e loadError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.loadErrors) >= historySize {
		h.loadErrors = append(h.loadErrors[:0], h.loadErrors[historySize/2:]...)
	}
	h.loadErrors = append(h.loadErrors, e)
}

func (r *running) entry(done Done, failure *sqlerr.Error) historyEntry {
	s := r.session
	command := done.Command
	if command == "" {
		command = done.Tag
	}
	if command == "" {
		command, _, _ = strings.Cut(strings.ToUpper(strings.TrimSpace(r.statement.Text)), " ")
	}
	e := historyEntry{
		id: r.id, session: s.pid, user: s.identity.User, database: s.identity.Database, command: command,
		text: shown(r.statement.Text), start: r.started, end: s.cluster.w.clock.Now(), rows: done.Rows, failure: failure,
	}
	if r.catalog != nil {
		e.scans = r.catalog.scans
	}
	return e
}

// shown is a statement's text as the system tables keep it: its first 4000
// bytes, as stl_query does.
func shown(text string) string {
	if len(text) <= 4000 {
		return text
	}
	return strings.Clone(strings.ToValidUTF8(text[:4000], ""))
}

// timestamp is a cell of a live table.
func timestamp(t time.Time) emit.Expr {
	return &emit.Str{Value: t.UTC().Format("2006-01-02 15:04:05.999999")}
}

func (h *history) queries() []historyEntry {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]historyEntry(nil), h.statements...)
}

func (h *history) errors() []loadError {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]loadError(nil), h.loadErrors...)
}
