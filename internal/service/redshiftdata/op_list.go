package redshiftdata

import (
	"cmp"
	"context"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/bus"
	"stepwell/internal/dbauth"
	"stepwell/internal/store"
)

// ListStatements lists statements of the last 24 hours, the latest first; only
// finished ones where no status is asked for.
func (s *Service) ListStatements(ctx context.Context, in *api.ListStatementsInput) (*api.ListStatementsOutput, error) {
	c := bus.From(ctx)
	if has(in.ClusterIdentifier) && has(in.WorkgroupName) {
		return nil, api.ValidationException("Only one of ClusterIdentifier or WorkgroupName can be specified.")
	}
	var all []statement
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = statements.List(tx, c.Account, c.Region)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	for i := range all {
		if now, running := s.live[all[i].ID]; running && !ended(all[i].Status) {
			all[i].Status = now.Status
		}
	}
	s.mu.Unlock()
	all = slices.DeleteFunc(all, func(st statement) bool {
		return st.expired(s.Clock.Now()) || !listed(&st, in, c.Principal)
	})
	slices.SortFunc(all, func(a, b statement) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	shown, next, err := paged(all, in.NextToken, in.MaxResults, 100)
	if err != nil {
		return nil, err
	}
	out := &api.ListStatementsOutput{Statements: []api.StatementData{}, NextToken: next}
	for i := range shown {
		out.Statements = append(out.Statements, summary(&shown[i]))
	}
	return out, nil
}

func listed(st *statement, in *api.ListStatementsInput, principal string) bool {
	status := cmp.Or(text(in.Status), api.StatusStringFinished)
	mine := dbauth.IAMUser(st.Principal) == dbauth.IAMUser(principal)
	if in.RoleLevel != nil && !*in.RoleLevel {
		mine = st.Principal == principal
	}
	return mine && (status == api.StatusStringAll || status == st.Status) &&
		strings.HasPrefix(st.Name, text(in.StatementName)) &&
		matches(in.Database, st.Target.Database) &&
		matches(in.ClusterIdentifier, st.Target.Cluster) &&
		matches(in.WorkgroupName, st.Target.Workgroup)
}

func matches(filter *string, value string) bool { return !has(filter) || *filter == value }

func summary(st *statement) api.StatementData {
	d := api.StatementData{Id: &st.ID, CreatedAt: &st.CreatedAt, UpdatedAt: &st.UpdatedAt, Status: &st.Status,
		StatementName: set(st.Name), SecretArn: set(st.SecretArn), SessionId: set(st.SessionID),
		IsBatchStatement: &st.Batch, QueryParameters: st.Parameters, ResultFormat: &st.Format}
	if !st.Batch {
		d.QueryString = &st.Parts[0].SQL
		return d
	}
	for _, p := range st.Parts {
		d.QueryStrings = append(d.QueryStrings, p.SQL)
	}
	return d
}
