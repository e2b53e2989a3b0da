package warehouse

import (
	"context"
	"time"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/sqlerr"
)

// callMessage is what a procedure raised, as messages.jsonl has it.
type callMessage struct {
	At      time.Time `json:"at"`
	Query   int64     `json:"query"`
	XID     int64     `json:"xid"`
	Session int32     `json:"session"`
	User    string    `json:"user"`
	UserID  int64     `json:"userId"`
	Level   string    `json:"level"`
	Text    string    `json:"text"`
	Call    string    `json:"call"` // the client's CALL
}

// messageLevels are the numbers of SVL_STORED_PROC_MESSAGES, which keeps what is
// at least LOG.
var messageLevels = map[string]int64{"LOG": 20, "INFO": 30, "NOTICE": 40, "WARNING": 50, "EXCEPTION": 60}

func (h *history) addMessage(m callMessage) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.messages = remember(h.messages, m)
	h.keptMessages.append(historyLine{Message: &m})
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
	s.cluster.log.addMessage(callMessage{At: s.cluster.w.clock.Now(), Query: r.id, XID: s.xid, Session: s.pid, User: s.user(), UserID: user.ID,
		Level: level, Text: message, Call: shown(r.statement.Text)})
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
		if who.super || m.User == who.name {
			rows = append(rows, []emit.Expr{num(m.UserID), num(m.UserID), num(int64(m.Session)), num(m.XID), num(m.Query), timestamp(m.At),
				num(messageLevels[m.Level]), str(m.Level), str(m.Text), null(), str(m.Call), null(), num(0), num(m.XID)})
		}
	}
	return rows, nil
}
