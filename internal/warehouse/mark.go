package warehouse

import (
	"context"
	"errors"
	"fmt"

	"stepwell/internal/duck"
)

// SetMark names the open transaction: when it commits and has written, the
// mark becomes durable with it, in the same DuckDB transaction. Whoever set it
// can ask Committed after a crash. The end of the transaction clears the mark.
func (s *Session) SetMark(mark string) { s.mark = mark }

// Writing says whether the open transaction has written something.
func (s *Session) Writing() bool { return s.wrote }

// writeMark puts the mark into the transaction that is about to commit.
func (s *Session) writeMark(ctx context.Context) error {
	if s.mark == "" || !s.wrote {
		return nil
	}
	_, err := s.conn.Exec(ctx, "INSERT INTO "+duck.Ident(s.db.name)+"."+metaSchema+".marks VALUES ($1, $2)",
		s.mark, s.cluster.w.clock.Now())
	return err
}

// Committed reports whether a transaction with the mark was committed. Marks
// are kept for a day at least.
func (w *Warehouse) Committed(ctx context.Context, id Identity, mark string) (found bool, err error) {
	id.User = DefaultUser
	s, err := w.Session(ctx, id, nil)
	if err != nil {
		return false, err
	}
	defer s.Close()
	if err := s.connect(ctx); err != nil {
		return false, fmt.Errorf("cannot look for a mark: %w", err)
	}
	rows, err := s.conn.Query(ctx, "SELECT 1 FROM "+duck.Ident(s.db.name)+"."+metaSchema+".marks WHERE mark = $1", mark)
	if err != nil {
		return false, fmt.Errorf("cannot look for a mark: %w", err)
	}
	defer func() { rows.Close() }()
	chunk, err := rows.Next(ctx)
	if isEOF(err) {
		return false, nil
	}
	return err == nil && chunk.Len() > 0, errors.Join(err)
}
