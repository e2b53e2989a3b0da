package redshiftdata

import (
	"context"
	"log/slog"
	"time"

	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/sqlerr"
)

// session is a persistent session (SessionKeepAliveSeconds). It has at most one
// statement at a time.
type session struct {
	id     string
	target Target
	secret string

	// Guarded by Service.mu.
	keep  time.Duration
	used  time.Time   // when its last statement ended
	busy  string      // id of the statement it runs or will run
	timer *time.Timer // ends an idle session in real time
	conn  Session     // nil before the first statement
}

func (x *session) end(log *slog.Logger) {
	if x.timer != nil {
		x.timer.Stop()
	}
	if x.conn == nil {
		return
	}
	if err := x.conn.Close(); err != nil {
		log.Warn("cannot close session", "session", x.id, "error", err)
	}
}

// reserve finds the session of a request and gives it to the statement.
func (s *Service) reserve(account, region, id, statement string, keep time.Duration) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.sessions[id]
	if x == nil || x.target.Account != account || x.target.Region != region {
		return nil, api.ValidationException("Session %s is not available.", id)
	}
	switch {
	case x.busy != "":
		return nil, api.ValidationException("Session %s is busy running another statement.", id)
	case s.Clock.Now().Sub(x.used) > x.keep:
		return nil, api.ValidationException("Session %s is not available.", id)
	}
	x.busy = statement
	if keep > 0 {
		x.keep = keep
	}
	if x.timer != nil {
		x.timer.Stop()
	}
	return x, nil
}

// open makes the session that a statement asked to be kept.
func (s *Service) open(st *statement) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for _, x := range s.sessions {
		if x.target.Account == st.Target.Account && x.target.Region == st.Target.Region {
			count++
		}
	}
	if count >= maxSessions {
		return api.ActiveSessionsExceededException("Active sessions exceeded the allowed quota (%d).", maxSessions)
	}
	s.sessions[st.SessionID] = &session{id: st.SessionID, target: st.Target, secret: st.SecretArn, keep: st.KeepAlive, busy: st.ID}
	return nil
}

// sessionFree ends a statement's hold on its session.
func (s *Service) sessionFree(st *statement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.sessions[st.SessionID]
	if x == nil || x.busy != st.ID {
		return
	}
	x.busy, x.used = "", s.Clock.Now()
	x.timer = time.AfterFunc(x.keep, func() { s.expire(x) })
}

func (s *Service) expire(x *session) {
	s.mu.Lock()
	idle := x.busy == "" && s.sessions[x.id] == x
	if idle {
		delete(s.sessions, x.id)
	}
	s.mu.Unlock()
	if idle {
		x.end(s.Log)
	}
}

// connect returns the session a statement runs in, and what to call with its
// outcome when it is done.
func (s *Service) connect(ctx context.Context, st *statement) (conn Session, release func(error), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if st.SessionID != "" {
		return s.connectSession(ctx, st)
	}
	conn, err = s.Warehouse.Connect(ctx, st.Target)
	if err != nil {
		return nil, nil, err
	}
	return conn, func(error) {
		if err := conn.Close(); err != nil {
			s.Log.Warn("cannot close connection", "statement", st.ID, "error", err)
		}
	}, nil
}

func (s *Service) connectSession(ctx context.Context, st *statement) (Session, func(error), error) {
	s.mu.Lock()
	x := s.sessions[st.SessionID]
	if x == nil && st.KeepAlive > 0 { // the server restarted before the first statement began
		x = &session{id: st.SessionID, target: st.Target, secret: st.SecretArn, keep: st.KeepAlive, busy: st.ID}
		s.sessions[st.SessionID] = x
	}
	s.mu.Unlock()
	if x == nil {
		return nil, nil, sqlerr.New(sqlerr.AdminShutdown, "Session %s is not available.", st.SessionID)
	}
	if x.conn == nil { // busy names this statement: nobody else touches it
		conn, err := s.Warehouse.Connect(ctx, st.Target)
		if err != nil {
			return nil, nil, err
		}
		x.conn = conn
	}
	return x.conn, func(error) {}, nil
}
