package warehouse

import (
	"context"
	"time"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/sqlerr"
)

// callMessage is what a procedure raised.
type callMessage struct {
	at       time.Time
	query    int64
	xid      int64
	session  int32
	user     string
	userID   int64
	level    string
	text     string
	database string
	call     string // the client's CALL
}

// messageLevels are the numbers of SVL_STORED_PROC_MESSAGES, which keeps what is
// at least LOG.
var messageLevels = map[string]int64{"LOG": 20, "INFO": 30, "NOTICE": 40, "WARNING": 50, "EXCEPTION": 60}

func (h *history) addMessage(m callMessage) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.messages) >= historySize {
		h.messages = append(h.messages[:0], h.messages[historySize/2:]...)
	}
	h.messages = append(h.messages, m)
}

// raised keeps a message of a procedure for svl_stored_proc_messages.
func (r *running) raised(level, message string) {
	s := r.session
	least, _ := s.settings.get("stored_proc_log_min_messages")
	from := map[string]string{"log": "LOG", "info": "INFO", "notice": "NOTICE", "warning": "WARNING", "exception": "EXCEPTION"}[least]
	if messageLevels[level] == 0 || messageLevels[level] < messageLevels[from] {
		return
	}
	user := s.record().Users[s.user()]
	s.cluster.log.addMessage(callMessage{at: s.cluster.w.clock.Now(), query: r.id, xid: s.xid, session: s.pid, user: s.user(), userID: user.ID,
		level: level, text: message, database: s.identity.Database, call: shown(r.statement.Text)})
}

// raisedFault keeps the error that ended a call.
func (r *running) raisedFault(err error) {
	if e := sqlerr.From(err); err != nil {
		r.raised("EXCEPTION", e.Message)
	}
}

// callMessageRows are the rows of svl_stored_proc_messages: of all users for
// superusers, else one's own.
func callMessageRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	who := s.actor()
	h := s.cluster.log
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.messages {
		if who.super || m.user == who.name {
			rows = append(rows, []emit.Expr{num(m.userID), num(m.userID), num(int64(m.session)), num(m.xid), num(m.query), timestamp(m.at),
				num(messageLevels[m.level]), str(m.level), str(m.text), null(), str(m.call), null(), num(0), num(m.xid)})
		}
	}
	return rows, nil
}
