package warehouse

import (
	"context"
	"maps"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// begin makes sure that a transaction is open at DuckDB. Outside a block it is
// an implicit one that the end of the script commits.
func (s *Session) begin(ctx context.Context) error {
	if s.state == idle {
		s.state = implicit
	}
	if s.begun {
		return nil
	}
	if err := s.snapshot(ctx); err != nil {
		return err
	}
	s.begun = true
	s.savedTemps = maps.Clone(s.temps)
	return nil
}

// commit ends the transaction. When DuckDB finds a conflict it rolls back
// instead and the error is Redshift's serialization failure.
func (s *Session) commit(ctx context.Context) error {
	defer s.ended()
	s.dropStreams()
	if !s.begun {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	err := s.writeMark(ctx)
	if err == nil {
		err = s.preparePrincipals(ctx)
	}
	if err == nil {
		err = s.publish(ctx)
	}
	if err != nil {
		s.undo()
		return err
	}
	s.settlePrincipals(ctx)
	if s.ownSchemas {
		s.db.version.Add(1)
	}
	s.db.tidy(ctx, s.conn, s.bulk, s.wrote)
	return nil
}

// rollback undoes the transaction, if there is one.
func (s *Session) rollback(ctx context.Context) {
	defer s.ended()
	s.dropStreams()
	s.undo()
}

func (s *Session) undo() {
	if s.begun {
		// The transaction may have ended itself; then there is nothing to undo.
		_, _ = s.conn.Exec(context.Background(), "ROLLBACK")
		s.temps = s.savedTemps
	}
	s.begun = false
	s.forgetPrincipals(context.Background())
	s.forgetTxn()
	if s.savedSettings != nil {
		s.settings.restore(*s.savedSettings)
	}
}

func (s *Session) ended() {
	s.state, s.begun, s.wrote, s.bulk, s.mark, s.xid = idle, false, false, 0, "", 0
	s.ownSchemas, s.schemas, s.savedTemps, s.savedSettings = false, nil, nil, nil
	s.cluster.locks.release(s)
}

func (s *Session) dropStreams() {
	if s.streaming != nil {
		s.streaming.Close()
		s.streaming = nil
	}
	for name, c := range s.cursors {
		c.Close()
		delete(s.cursors, name)
	}
}

// fail notes that a statement failed: an implicit transaction is over, a block
// waits for its ROLLBACK. DuckDB's transaction ends at once, so that it keeps
// no locks and no memory.
func (s *Session) fail() {
	switch s.state {
	case implicit:
		s.rollback(context.Background())
	case block:
		s.dropStreams()
		s.undo()
		s.cluster.locks.release(s)
		s.ownSchemas, s.schemas = false, nil
		s.state = failed
	}
}

// restart begins the transaction anew after a statement of it failed, when
// nothing had happened in it before.
func (s *Session) restart(ctx context.Context) error {
	if s.state != implicit || s.wrote || s.ownSchemas || !maps.Equal(s.temps, s.savedTemps) {
		return sqlerr.New(sqlerr.ActiveTransaction, "the transaction has written")
	}
	_, _ = s.conn.Exec(ctx, "ROLLBACK") // it may have ended itself
	s.begun = false
	s.forgetTxn()
	return s.begin(ctx)
}

func (s *Session) beginBlock(sink Sink) {
	if s.state == block {
		sink.Notice(&sqlerr.Error{Severity: "WARNING", Code: sqlerr.ActiveTransaction, Message: "there is already a transaction in progress"})
		return
	}
	s.state = block
	snapshot := s.settings.snapshot()
	s.savedSettings = &snapshot
}

// transact executes BEGIN, COMMIT and ROLLBACK; handled is false for other
// statements.
func (s *Session) transact(ctx context.Context, tree syntax.Statement, sink Sink) (done Done, handled bool, err error) {
	switch t := tree.(type) {
	case *syntax.Begin:
		s.beginBlock(sink)
		if t.Start {
			return Done{Tag: "START TRANSACTION", Rows: -1}, true, nil
		}
		return Done{Tag: "BEGIN", Rows: -1}, true, nil
	case *syntax.Commit:
		switch s.state {
		case failed:
			s.rollback(ctx)
			return Done{Tag: "ROLLBACK", Rows: -1}, true, nil
		case idle, implicit:
			sink.Notice(&sqlerr.Error{Severity: "WARNING", Code: sqlerr.NoActiveTransaction, Message: "there is no transaction in progress"})
		}
		return Done{Tag: "COMMIT", Rows: -1}, true, s.commit(ctx)
	case *syntax.Rollback:
		if s.state == idle || s.state == implicit {
			sink.Notice(&sqlerr.Error{Severity: "WARNING", Code: sqlerr.NoActiveTransaction, Message: "there is no transaction in progress"})
		}
		s.rollback(ctx)
		return Done{Tag: "ROLLBACK", Rows: -1}, true, nil
	}
	return Done{}, false, nil
}
