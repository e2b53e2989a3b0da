package redshiftdata

import (
	"context"
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/paging"
)

// result finds the part whose result an id names and the page a token asks for.
func (s *Service) result(ctx context.Context, id string, next *string, format string) (*part, page, error) {
	st, i, err := s.find(ctx, id)
	switch {
	case err != nil:
		return nil, page{}, err
	case st.Batch && i < 0:
		return nil, page{}, api.ValidationException("BatchExecuteStatement result can only be retrieved with sub-statement id.")
	}
	i = max(i, 0)
	p := &st.Parts[i]
	if st.Status != api.StatusStringFinished || !p.HasResult {
		return nil, page{}, noResult()
	}
	if st.Format != format {
		return nil, page{}, api.ValidationException("The result of the statement is in %s format.", st.Format)
	}
	offset, err := offsetOf(id, next)
	if err != nil || offset > p.Size {
		return nil, page{}, badToken()
	}
	found, err := readPage(s.resultPath(st, i), offset)
	return p, found, err
}

// offsetOf reads a NextToken of the result named id.
func offsetOf(id string, next *string) (int64, error) {
	position, err := paging.Position(next)
	if err != nil || position == "" {
		return 0, err
	}
	digits, ok := strings.CutPrefix(position, id+"@")
	if !ok {
		return 0, strconv.ErrSyntax
	}
	offset, err := strconv.ParseUint(digits, 10, 62)
	return int64(offset), err
}

func resultToken(id string, p page) *string {
	if p.next == 0 {
		return nil
	}
	return paging.Token(id + "@" + strconv.FormatInt(p.next, 10))
}

// GetStatementResult returns a page of rows.
func (s *Service) GetStatementResult(ctx context.Context, in *api.GetStatementResultInput) (*api.GetStatementResultOutput, error) {
	p, rows, err := s.result(ctx, *in.Id, in.NextToken, api.ResultFormatStringJson)
	if err != nil {
		return nil, err
	}
	return &api.GetStatementResultOutput{ColumnMetadata: p.Columns, Records: rows.rows, TotalNumRows: &p.Rows,
		NextToken: resultToken(*in.Id, rows)}, nil
}

// GetStatementResultV2 returns a page of rows as CSV.
func (s *Service) GetStatementResultV2(ctx context.Context, in *api.GetStatementResultV2Input) (*api.GetStatementResultV2Output, error) {
	p, rows, err := s.result(ctx, *in.Id, in.NextToken, api.ResultFormatStringCsv)
	if err != nil {
		return nil, err
	}
	return &api.GetStatementResultV2Output{ColumnMetadata: p.Columns, TotalNumRows: &p.Rows,
		ResultFormat: new(api.ResultFormatStringCsv), NextToken: resultToken(*in.Id, rows),
		Records: []api.QueryRecords{{CSVRecords: new(csvText(rows.rows))}}}, nil
}
