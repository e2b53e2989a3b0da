package warehouse

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/sqlerr"
)

// historySize is how many statements and load errors a cluster remembers.
const historySize = 5000

// history is what ran on a cluster, newest last. The system tables stl_query,
// sys_query_history and their kin read it. It is also appended to history.jsonl,
// and what can be many, errors of loads and messages of procedures, to
// load_errors.jsonl and messages.jsonl, so that it outlives the process.
type history struct {
	mu         sync.Mutex
	statements []historyEntry
	loadErrors []loadError
	transfers  []transferred
	sessions   []sessionEnd
	messages   []callMessage

	kept, keptErrors, keptMessages *lineFile // nil: nothing is kept
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

// sessionEnd is a session that was closed, as history.jsonl has it.
type sessionEnd struct {
	PID      int32     `json:"pid"`
	User     string    `json:"user"`
	Database string    `json:"database"`
	UserID   int64     `json:"userId"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
}

// historyLine is a line of a file of the history: one of its members.
type historyLine struct {
	Statement *statementLine `json:"statement,omitempty"`
	Transfer  *transferred   `json:"transfer,omitempty"`
	LoadError *loadError     `json:"loadError,omitempty"`
	Session   *sessionEnd    `json:"closed,omitempty"`
	Message   *callMessage   `json:"message,omitempty"`
}

// statementLine is a historyEntry as history.jsonl has it.
type statementLine struct {
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
	Scans    []scanned `json:"scans,omitempty"`
}

func newHistory() *history { return &history{} }

// openHistory reads what a cluster's folder remembers and goes on writing
// there. A line that cannot be read is passed over.
func openHistory(dir string) *history {
	h := newHistory()
	h.kept = openLines(filepath.Join(dir, "history"), h.take)
	h.keptErrors = openLines(filepath.Join(dir, "load_errors"), h.take)
	h.keptMessages = openLines(filepath.Join(dir, "messages"), h.take)
	return h
}

// take remembers what a line says.
func (h *history) take(line []byte) {
	var l historyLine
	switch err := json.Unmarshal(line, &l); {
	case err != nil:
	case l.Transfer != nil:
		h.transfers = remember(h.transfers, *l.Transfer)
	case l.LoadError != nil:
		h.loadErrors = remember(h.loadErrors, *l.LoadError)
	case l.Session != nil:
		h.sessions = remember(h.sessions, *l.Session)
	case l.Message != nil:
		h.messages = remember(h.messages, *l.Message)
	case l.Statement != nil:
		h.statements = remember(h.statements, l.Statement.entry())
	}
}

func (l *statementLine) entry() historyEntry {
	e := historyEntry{id: l.ID, xid: l.XID, session: l.Session, user: l.User, userID: l.UserID, database: l.Database, command: l.Command,
		label: l.Label, text: l.Text, start: l.Start, end: l.End, rows: l.Rows, scans: l.Scans}
	if l.Code != "" {
		e.failure = &sqlerr.Error{Code: l.Code, Message: l.Error}
	}
	return e
}

// remember adds to a list that drops its older half when it is full.
func remember[T any](list []T, e T) []T {
	if len(list) >= historySize {
		list = append(list[:0], list[historySize/2:]...)
	}
	return append(list, e)
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
	h.statements = remember(h.statements, e)
	l := &statementLine{ID: e.id, XID: e.xid, Session: e.session, User: e.user, UserID: e.userID, Database: e.database, Command: e.command,
		Label: e.label, Text: e.text, Start: e.start, End: e.end, Rows: e.rows, Scans: e.scans}
	if e.failure != nil {
		l.Code, l.Error = e.failure.Code, e.failure.Message
	}
	h.kept.append(historyLine{Statement: l})
}

func (h *history) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept.close()
	h.keptErrors.close()
	h.keptMessages.close()
}

func (h *history) addSession(e sessionEnd) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions = remember(h.sessions, e)
	h.kept.append(historyLine{Session: &e})
}

func (h *history) endedSessions() []sessionEnd {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]sessionEnd(nil), h.sessions...)
}

func (h *history) addLoadError(e loadError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.loadErrors = remember(h.loadErrors, e)
	h.keptErrors.append(historyLine{LoadError: &e})
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
	if u, ok := s.record().Users[s.identity.User]; ok {
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
	u := s.record().Users[name]
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
