package warehouse

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/sqlerr"
)

// historySize is how many statements and load errors a cluster remembers.
const historySize = 5000

// historyFileSize is where history.jsonl becomes history.1.jsonl and a new one
// begins.
const historyFileSize = 8 << 20

// history is what ran on a cluster, newest last. The system tables stl_query,
// sys_query_history and their kin read it. Statements are also appended to
// history.jsonl, so that they outlive the process; the file is not synced, and
// what a crash of the machine takes of it is only history. Load errors and the
// sessions that ended are kept in memory.
type history struct {
	mu         sync.Mutex
	statements []historyEntry
	loadErrors []loadError
	transfers  []transferred
	sessions   []sessionEnd
	messages   []callMessage

	path string
	file *os.File
	size int64
}

// historyEntry is one statement that ended.
type historyEntry struct {
	id         int64
	xid        int64
	session    int32
	user       string
	userID     int64
	database   string
	command    string
	label      string // query_group
	text       string
	start, end time.Time
	rows       int64
	failure    *sqlerr.Error
	scans      []scanned
}

// sessionEnd is a session that was closed.
type sessionEnd struct {
	pid            int32
	user, database string
	userID         int64
	start, end     time.Time
}

// historyLine is a historyEntry as history.jsonl has it.
type historyLine struct {
	ID       int64     `json:"id"`
	XID      int64     `json:"xid"`
	Session  int32     `json:"session"`
	User     string    `json:"user"`
	UserID   int64     `json:"userId"`
	Database string    `json:"database"`
	Command  string    `json:"command"`
	Label    string    `json:"label,omitempty"`
	Text     string    `json:"text"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	Rows     int64     `json:"rows"`
	Code     string    `json:"code,omitempty"`
	Error    string    `json:"error,omitempty"`
}

func newHistory() *history { return &history{} }

// openHistory reads what a cluster's folder remembers and goes on writing
// there. A line that cannot be read is passed over.
func openHistory(dir string) *history {
	h := newHistory()
	h.path = filepath.Join(dir, "history.jsonl")
	for _, name := range []string{"history.1.jsonl", "history.jsonl"} {
		h.read(filepath.Join(dir, name))
	}
	return h
}

func (h *history) read(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		var l historyLine
		if json.Unmarshal(scan.Bytes(), &l) != nil {
			continue
		}
		e := historyEntry{id: l.ID, xid: l.XID, session: l.Session, user: l.User, userID: l.UserID, database: l.Database, command: l.Command,
			label: l.Label, text: l.Text, start: l.Start, end: l.End, rows: l.Rows}
		if l.Code != "" {
			e.failure = &sqlerr.Error{Code: l.Code, Message: l.Error}
		}
		h.statements = append(h.statements, e)
	}
	if n := len(h.statements); n > historySize {
		h.statements = h.statements[n-historySize:]
	}
}

// lastID is the highest number of a statement remembered.
func (h *history) lastID() (id int64) {
	for _, e := range h.statements {
		id = max(id, e.id)
	}
	return id
}

func (h *history) add(e historyEntry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.statements) >= historySize {
		h.statements = append(h.statements[:0], h.statements[historySize/2:]...)
	}
	h.statements = append(h.statements, e)
	h.write(e)
}

// write appends a line; the history is no reason for a statement to fail.
func (h *history) write(e historyEntry) {
	if h.path == "" {
		return
	}
	l := historyLine{ID: e.id, XID: e.xid, Session: e.session, User: e.user, UserID: e.userID, Database: e.database, Command: e.command,
		Label: e.label, Text: e.text, Start: e.start, End: e.end, Rows: e.rows}
	if e.failure != nil {
		l.Code, l.Error = e.failure.Code, e.failure.Message
	}
	line, err := json.Marshal(l)
	if err != nil {
		return
	}
	if h.file != nil && h.size > historyFileSize {
		h.file.Close()
		h.file = nil
		if err := os.Rename(h.path, filepath.Join(filepath.Dir(h.path), "history.1.jsonl")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			h.path = ""
			return
		}
	}
	if h.file == nil {
		if h.file, err = os.OpenFile(h.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			h.path = ""
			return
		}
		h.size = 0
		if info, err := h.file.Stat(); err == nil {
			h.size = info.Size()
		}
	}
	n, _ := h.file.Write(append(line, '\n'))
	h.size += int64(n)
}

func (h *history) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.file != nil {
		h.file.Close()
		h.file = nil
	}
	h.path = ""
}

func (h *history) addSession(e sessionEnd) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.sessions) >= historySize {
		h.sessions = append(h.sessions[:0], h.sessions[historySize/2:]...)
	}
	h.sessions = append(h.sessions, e)
}

func (h *history) endedSessions() []sessionEnd {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]sessionEnd(nil), h.sessions...)
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
	label, _ := s.settings.get("query_group")
	e := historyEntry{
		id: r.id, xid: s.xid, session: s.pid, user: s.identity.User, userID: s.userID(), database: s.identity.Database, command: command, label: label,
		text: shown(r.statement.Text), start: r.started, end: s.cluster.w.clock.Now(), rows: done.Rows, failure: failure,
	}
	if e.xid == 0 {
		e.xid = r.id
	}
	if r.catalog != nil {
		e.scans = r.catalog.scans
	}
	return e
}

// userID is usesysid of who logged in; 100 for an IAM identity without a user.
func (s *Session) userID() int64 {
	if u, ok := s.cluster.user(s.identity.User); ok {
		return u.ID
	}
	return 100
}

// queries are the statements the session's user may see: all for superusers
// and those with SYSLOG ACCESS UNRESTRICTED, else its own ("Visibility of data
// in system tables and views").
func (s *Session) queries() []historyEntry {
	all := s.cluster.log.queries()
	name := s.user()
	u, _ := s.cluster.user(name)
	if u.Superuser || u.Syslog {
		return all
	}
	own := all[:0]
	for _, e := range all {
		if e.user == name {
			own = append(own, e)
		}
	}
	return own
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
