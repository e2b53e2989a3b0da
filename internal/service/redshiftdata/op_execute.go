package redshiftdata

import (
	"context"
	"strings"
	"time"

	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// ExecuteStatement submits one SQL statement.
func (s *Service) ExecuteStatement(ctx context.Context, in *api.ExecuteStatementInput) (*api.ExecuteStatementOutput, error) {
	st, err := s.submit(ctx, submission{
		access: access{Cluster: in.ClusterIdentifier, Workgroup: in.WorkgroupName, Database: in.Database, User: in.DbUser, Secret: in.SecretArn},
		sqls:   []string{*in.Sql}, parameters: in.Parameters, name: in.StatementName, token: in.ClientToken,
		format: in.ResultFormat, event: in.WithEvent, session: in.SessionId, keep: in.SessionKeepAliveSeconds,
	})
	if err != nil {
		return nil, err
	}
	return &api.ExecuteStatementOutput{
		ClusterIdentifier: set(st.Target.Cluster), WorkgroupName: set(st.Target.Workgroup), CreatedAt: &st.CreatedAt,
		Database: set(st.Target.Database), DbUser: in.DbUser, Id: &st.ID, SecretArn: set(st.SecretArn), SessionId: set(st.SessionID),
	}, nil
}

// BatchExecuteStatement submits SQL statements that are one transaction.
func (s *Service) BatchExecuteStatement(ctx context.Context, in *api.BatchExecuteStatementInput) (*api.BatchExecuteStatementOutput, error) {
	st, err := s.submit(ctx, submission{
		access: access{Cluster: in.ClusterIdentifier, Workgroup: in.WorkgroupName, Database: in.Database, User: in.DbUser, Secret: in.SecretArn},
		batch:  true,
		sqls:   in.Sqls, parameters: in.Parameters, name: in.StatementName, token: in.ClientToken,
		format: in.ResultFormat, event: in.WithEvent, session: in.SessionId, keep: in.SessionKeepAliveSeconds,
	})
	if err != nil {
		return nil, err
	}
	return &api.BatchExecuteStatementOutput{
		ClusterIdentifier: set(st.Target.Cluster), WorkgroupName: set(st.Target.Workgroup), CreatedAt: &st.CreatedAt,
		Database: set(st.Target.Database), DbUser: in.DbUser, Id: &st.ID, SecretArn: set(st.SecretArn), SessionId: set(st.SessionID),
	}, nil
}

// submission is what both operations have in common.
type submission struct {
	access
	batch      bool
	sqls       []string
	parameters []api.SqlParameter
	name       *string
	token      *string
	format     *string
	event      *bool
	session    *string
	keep       *int64
}

// set is nil for "".
func set(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (q *submission) check() error {
	used := map[string]bool{}
	for _, sql := range q.sqls {
		switch {
		case strings.TrimSpace(sql) == "":
			return api.ValidationException("SQL statement must not be empty.")
		case len(sql) > maxSQL:
			return api.ValidationException("SQL statement exceeds the maximum size of %d bytes.", maxSQL)
		}
		bind(sql, q.parameters, used)
	}
	unused := []string{}
	for _, p := range q.parameters {
		if !used[*p.Name] {
			unused = append(unused, *p.Name)
		}
	}
	if len(unused) > 0 {
		return api.ValidationException("Parameters list contains unused parameters. Unused parameters: [%s]", strings.Join(unused, ", "))
	}
	return nil
}

// submit records the statement and starts its task.
func (s *Service) submit(ctx context.Context, q submission) (*statement, error) {
	c := bus.From(ctx)
	if err := q.check(); err != nil {
		return nil, err
	}
	if earlier, err := s.repeated(ctx, c, q.token); earlier != nil || err != nil {
		return earlier, err
	}
	st := &statement{ID: s.IDs.UUID(), Batch: q.batch, Name: text(q.name), Principal: c.Principal,
		Parameters: q.parameters, Format: "JSON", WithEvent: q.event != nil && *q.event,
		Status: api.StatusStringSubmitted, CreatedAt: s.Clock.Now().Truncate(time.Millisecond)}
	if q.format != nil {
		st.Format = *q.format
	}
	st.UpdatedAt = st.CreatedAt
	for _, sql := range q.sqls {
		st.Parts = append(st.Parts, part{SQL: sql, Status: api.StatusStringSubmitted})
	}
	if err := s.place(ctx, c, q, st); err != nil {
		return nil, err
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error { return s.record(tx, c, q.token, st) })
	if err != nil {
		s.sessionFree(st)
		return nil, err
	}
	return st, nil
}

// place decides where the statement runs: in a session or at an endpoint.
func (s *Service) place(ctx context.Context, c bus.Caller, q submission, st *statement) (err error) {
	if q.keep != nil {
		st.KeepAlive = time.Duration(*q.keep) * time.Second
	}
	if has(q.session) {
		if has(q.Cluster) || has(q.Workgroup) || has(q.Database) || has(q.User) || has(q.Secret) {
			return api.ValidationException("Connection parameters can't be specified with SessionId.")
		}
		x, err := s.reserve(c.Account, c.Region, *q.session, st.ID, st.KeepAlive)
		if err != nil {
			return err
		}
		st.SessionID, st.Target, st.SecretArn, st.KeepAlive = x.id, x.target, x.secret, 0
		return nil
	}
	if st.Target, err = s.resolve(ctx, q.access); err != nil {
		return err
	}
	st.SecretArn = text(q.Secret)
	if st.KeepAlive > 0 {
		st.SessionID = s.IDs.UUID()
		return s.open(st)
	}
	return nil
}

// repeated returns the statement an earlier request with the token submitted.
func (s *Service) repeated(ctx context.Context, c bus.Caller, t *string) (*statement, error) {
	if !has(t) {
		return nil, nil
	}
	var found *statement
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		old, ok, err := tokens.Get(tx, c.Account, c.Region, *t)
		if err != nil || !ok || s.Clock.Now().Sub(old.At) > tokenLife {
			return err
		}
		st, ok, err := statements.Get(tx, c.Account, c.Region, old.ID)
		if ok {
			found = &st
		}
		return err
	})
	return found, err
}

// record writes what a submission adds.
func (s *Service) record(tx *store.Tx, c bus.Caller, t *string, st *statement) error {
	running, err := active.List(tx, c.Account, c.Region)
	if err != nil {
		return err
	}
	if len(running) >= maxActive {
		return api.ActiveStatementsExceededException("Active statements exceeded the allowed quota (%d).", maxActive)
	}
	if err := s.sweep(tx, c, st.CreatedAt); err != nil {
		return err
	}
	if has(t) {
		if err := tokens.Put(tx, token{Token: *t, ID: st.ID, At: st.CreatedAt}, c.Account, c.Region, *t); err != nil {
			return err
		}
	}
	if err := st.put(tx); err != nil {
		return err
	}
	return s.Work.Submit(tx, work.Task{Kind: Kind, ID: st.ID, Caller: c})
}
