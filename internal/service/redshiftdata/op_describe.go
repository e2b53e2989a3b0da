package redshiftdata

import (
	"context"
	"slices"
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/bus"
)

// partID is the id of part i (from 0) of a batch.
func partID(id string, i int) string { return id + ":" + strconv.Itoa(i+1) }

// find returns a statement as it stands now and which of its parts id names:
// -1 where it names the whole.
func (s *Service) find(ctx context.Context, id string) (*statement, int, error) {
	c := bus.From(ctx)
	whole, suffix, isPart := strings.Cut(id, ":")
	st, ok, err := s.load(ctx, c.Account, c.Region, whole)
	if err != nil {
		return nil, 0, err
	}
	if !ok || st.expired(s.Clock.Now()) {
		return nil, 0, noStatement()
	}
	s.mu.Lock()
	if now, running := s.live[whole]; running && !ended(st.Status) {
		st = now
		st.Parts = slices.Clone(now.Parts)
	}
	s.mu.Unlock()
	if !isPart {
		return &st, -1, nil
	}
	n, err := strconv.Atoi(suffix)
	if err != nil || !st.Batch || n < 1 || n > len(st.Parts) {
		return nil, 0, noStatement()
	}
	return &st, n - 1, nil
}

// DescribeStatement tells how far a statement is and what it came to.
func (s *Service) DescribeStatement(ctx context.Context, in *api.DescribeStatementInput) (*api.DescribeStatementOutput, error) {
	st, i, err := s.find(ctx, *in.Id)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeStatementOutput{
		ClusterIdentifier: set(st.Target.Cluster), WorkgroupName: set(st.Target.Workgroup), Database: set(st.Target.Database),
		CreatedAt: &st.CreatedAt, UpdatedAt: &st.UpdatedAt, Id: in.Id, SecretArn: set(st.SecretArn), SessionId: set(st.SessionID),
		Status: &st.Status, Error: set(st.Error), RedshiftPid: &st.PID, QueryParameters: st.Parameters, ResultFormat: &st.Format,
	}
	if st.SecretArn == "" && !strings.HasPrefix(st.Target.User, "IAM") {
		out.DbUser = &st.Target.User
	}
	if st.Batch && i < 0 {
		describeBatch(st, out)
		return out, nil
	}
	p := &st.Parts[max(i, 0)]
	duration, rows, size := p.figures()
	out.QueryString, out.HasResultSet, out.RedshiftQueryId = &p.SQL, &p.HasResult, &p.QueryID
	out.Duration, out.ResultRows, out.ResultSize = &duration, &rows, &size
	if i >= 0 {
		out.Status, out.Error = &p.Status, set(p.Error)
		if !p.UpdatedAt.IsZero() {
			out.UpdatedAt = &p.UpdatedAt
		}
	}
	return out, nil
}

// figures are the numbers of a part as they are shown: -1 where there are none.
func (p *part) figures() (duration, rows, size int64) {
	duration, rows, size = -1, -1, -1
	if p.Status == api.StatusStringFinished {
		return int64(p.Duration), p.Rows, p.Size
	}
	if p.Duration > 0 {
		duration = int64(p.Duration)
	}
	return duration, rows, size
}

func describeBatch(st *statement, out *api.DescribeStatementOutput) {
	out.Duration, out.ResultRows, out.ResultSize = new(int64(-1)), new(int64(-1)), new(int64(-1))
	if st.Status == api.StatusStringFinished {
		out.Duration = new(st.total(func(p *part) int64 { return int64(p.Duration) }))
		out.ResultRows = new(st.total(func(p *part) int64 { return p.Rows }))
		out.ResultSize = new(st.total(func(p *part) int64 { return p.Size }))
	}
	out.HasResultSet = new(slices.ContainsFunc(st.Parts, func(p part) bool { return p.HasResult }))
	out.RedshiftQueryId = new(int64(0))
	for i := range st.Parts {
		p := st.Parts[i]
		duration, rows, size := p.figures()
		sub := api.SubStatementData{
			Id: new(partID(st.ID, i)), QueryString: &p.SQL, Status: &p.Status, Error: set(p.Error),
			CreatedAt: &st.CreatedAt, UpdatedAt: &st.UpdatedAt, HasResultSet: &p.HasResult,
			RedshiftQueryId: &p.QueryID, Duration: &duration, ResultRows: &rows, ResultSize: &size,
		}
		if !p.UpdatedAt.IsZero() {
			sub.UpdatedAt = &p.UpdatedAt
		}
		out.SubStatements = append(out.SubStatements, sub)
	}
}
