package redshiftdata

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/sqlerr"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// run is the task of a statement.
func (s *Service) run(ctx context.Context, t *work.Task) error {
	st, ok, err := s.load(context.WithoutCancel(ctx), t.Caller.Account, t.Caller.Region, t.ID)
	if err != nil || !ok || ended(st.Status) {
		return err
	}
	if st.Status == api.StatusStringStarted {
		return s.recover(ctx, &st)
	}
	st.Status = api.StatusStringPicked
	s.show(&st)
	defer s.hide(st.ID)
	conn, release, err := s.connect(ctx, &st)
	if err == nil {
		err = s.execute(ctx, &st, conn)
		release(err)
	}
	if stopped := stopping(ctx); stopped != nil && err != nil {
		return stopped // the next server says what became of it
	}
	var fault *serverFault
	var undecided *Undecided
	switch {
	case errors.As(err, &fault):
		return fault
	case errors.As(err, &undecided): // the next attempt asks what became of it
		return undecided
	}
	return s.finish(ctx, &st, err)
}

// serverFault is an error of this service rather than of the SQL.
type serverFault struct{ err error }

func (f *serverFault) Error() string { return f.err.Error() }
func (f *serverFault) Unwrap() error { return f.err }

// stopping returns why ctx has ended, unless it was cancelled for the client.
func stopping(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, work.ErrCancelled) {
		return nil
	}
	return cause
}

// recover decides what became of a statement that ran when its server ended.
func (s *Service) recover(ctx context.Context, st *statement) error {
	committed := st.Prepared && !st.Wrote
	if st.Prepared && st.Wrote {
		var err error
		committed, err = s.Warehouse.Committed(ctx, st.Target, cmp.Or(st.Mark, st.ID))
		switch {
		case unknown(err):
			return s.finish(ctx, st, err)
		case err != nil && stopping(ctx) == nil && ctx.Err() != nil: // the client asks no longer
			return s.finish(ctx, st, &sqlerr.Error{Severity: "FATAL", Code: OutcomeUnknown, Message: textUnknown, Detail: err.Error()})
		case err != nil:
			return fmt.Errorf("cannot tell whether statement %s was committed: %w", st.ID, err)
		}
	}
	if committed {
		return s.finish(ctx, st, nil)
	}
	return s.finish(ctx, st, errLost)
}

var errLost = errors.New(textLost)

// unknown reports whether an error leaves open what became of a statement.
func unknown(err error) bool {
	var e *sqlerr.Error
	return errors.As(err, &e) && e.Code == OutcomeUnknown
}

// execute runs the SQL on the connection.
func (s *Service) execute(ctx context.Context, st *statement, conn Session) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st.Status, st.PID, st.UpdatedAt = api.StatusStringStarted, conn.PID(), s.Clock.Now().Truncate(time.Millisecond)
	if err := s.save(ctx, st); err != nil {
		return &serverFault{err}
	}
	s.show(st)
	x := Execution{Transaction: st.Batch, Mark: st.ID}
	for i := range st.Parts {
		x.Statements = append(x.Statements, bind(st.Parts[i].SQL, st.Parameters, map[string]bool{}))
	}
	r := &recorder{service: s, ctx: ctx, statement: st}
	err := conn.Execute(ctx, x, r)
	if r.file != nil { // the statement failed among its rows
		err = errors.Join(err, r.file.close())
	}
	return err
}

// finish records the outcome; err is nil where the transaction is committed.
func (s *Service) finish(ctx context.Context, st *statement, err error) error {
	st.UpdatedAt = s.Clock.Now().Truncate(time.Millisecond)
	st.Status = api.StatusStringFinished
	if err != nil {
		st.fail(ctx, err)
	}
	for i := range st.Parts {
		p := &st.Parts[i]
		if err == nil {
			p.Status = api.StatusStringFinished
		}
		if p.UpdatedAt.IsZero() {
			p.UpdatedAt = st.UpdatedAt
		}
	}
	s.sessionFree(st) // first: who sees the end may use the session at once
	return s.Store.Keep(ctx, func(tx *store.Tx) error {
		if err := st.put(tx); err != nil {
			return err
		}
		if !st.WithEvent || s.Events == nil {
			return nil
		}
		return s.Events(tx, st.event())
	})
}

// fail sets what a failed statement and its parts show.
func (st *statement) fail(ctx context.Context, err error) {
	st.Status, st.Error = api.StatusStringFailed, sqlText(ctx, err)
	switch {
	case errors.Is(err, errLost):
		st.Error = textLost
	case unknown(err): // not ABORTED, cancelled or not
	case errors.Is(context.Cause(ctx), work.ErrCancelled):
		st.Status = api.StatusStringAborted
	}
	at := slices.IndexFunc(st.Parts, func(p part) bool { return p.Status != api.StatusStringFinished })
	if at < 0 {
		at = len(st.Parts) - 1 // all ran; the commit failed
	}
	first := &st.Parts[at]
	first.Status, first.Error, first.UpdatedAt = st.Status, st.Error, st.UpdatedAt
	for i := at + 1; i < len(st.Parts); i++ {
		st.Parts[i].Status, st.Parts[i].Error = api.StatusStringAborted, textPrior
	}
	if st.Batch && st.Status == api.StatusStringFailed {
		st.Error = fmt.Sprintf("Query #%d failed with %s", at+1, st.Error)
	}
}

func (st *statement) event() Event {
	e := Event{Account: st.Target.Account, Region: st.Target.Region, Principal: st.Principal, StatementName: st.Name, StatementID: st.ID,
		Cluster: st.Target.Cluster, Workgroup: st.Target.Workgroup, WorkgroupARN: st.Target.WorkgroupARN, State: st.Status,
		ExpireAt: st.CreatedAt.Add(retention)}
	if !st.Batch {
		e.QueryID, e.Rows = st.Parts[0].QueryID, st.Parts[0].Rows
	}
	return e
}

// recorder is the Sink of a running statement.
type recorder struct {
	service   *Service
	ctx       context.Context
	statement *statement
	file      *resultFile
	began     time.Time
}

// errSeveral answers a text of several statements of which more than one has
// rows: a part of a call has one result.
var errSeveral = sqlerr.New(sqlerr.SyntaxError, "cannot insert multiple commands into a prepared statement")

func (r *recorder) Started(i int) error {
	r.began = r.service.Clock.Now()
	p := &r.statement.Parts[i]
	p.HasResult, p.Columns = false, nil
	p.Status, p.UpdatedAt = api.StatusStringStarted, r.began
	r.service.show(r.statement)
	return r.ctx.Err()
}

func (r *recorder) Columns(i int, columns []Column) error {
	p := &r.statement.Parts[i]
	if p.HasResult {
		p.HasResult = false
		return errSeveral
	}
	p.HasResult = true
	p.Columns = make([]api.ColumnMetadata, len(columns))
	for j, c := range columns {
		p.Columns[j] = metadata(c)
	}
	var err error
	r.file, err = createResult(r.service.resultPath(r.statement, i))
	return err
}

func (r *recorder) Row(_ int, values []any) error {
	if r.file == nil {
		return errSeveral
	}
	return r.file.add(values)
}

func (r *recorder) Done(i int, o Outcome) error {
	p := &r.statement.Parts[i]
	if p.QueryID = o.QueryID; !p.HasResult || r.file != nil {
		p.Rows = o.Rows
	}
	if f := r.file; f != nil {
		r.file = nil
		if err := f.close(); err != nil {
			return err
		}
		p.Rows, p.Size = f.rows, f.size
	}
	p.Status, p.UpdatedAt = api.StatusStringFinished, r.service.Clock.Now().Truncate(time.Millisecond)
	p.Duration = p.UpdatedAt.Sub(r.began)
	r.service.show(r.statement)
	return nil
}

// Prepared makes the outcome durable ahead of the commit. Where nothing was
// written the statement's end is recorded soon enough.
func (r *recorder) Prepared(wrote bool, mark string) error {
	r.statement.Prepared, r.statement.Wrote, r.statement.Mark = true, wrote, mark
	if !wrote {
		return nil
	}
	if err := r.service.save(r.ctx, r.statement); err != nil {
		return &serverFault{err}
	}
	return nil
}

func (s *Service) load(ctx context.Context, account, region, id string) (st statement, ok bool, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		st, ok, err = statements.Get(tx, account, region, id)
		return err
	})
	return st, ok, err
}

// save writes the record, cancelled or not. A statement waits for a disk that
// is full, rather than be lost.
func (s *Service) save(ctx context.Context, st *statement) error {
	return s.Store.Keep(ctx, st.put)
}

// show lets readers see a running statement ahead of its record.
func (s *Service) show(st *statement) {
	seen := *st
	seen.Parts = slices.Clone(st.Parts)
	s.mu.Lock()
	s.live[st.ID] = seen
	s.mu.Unlock()
}

func (s *Service) hide(id string) {
	s.mu.Lock()
	delete(s.live, id)
	s.mu.Unlock()
}
