package redshiftdata

import (
	"context"

	api "stepwell/internal/awsapi/redshiftdata"
)

// CancelStatement ends a statement that has not ended; a batch as a whole.
func (s *Service) CancelStatement(ctx context.Context, in *api.CancelStatementInput) (*api.CancelStatementOutput, error) {
	st, i, err := s.find(ctx, *in.Id)
	switch {
	case err != nil:
		return nil, err
	case i >= 0:
		return nil, api.ValidationException("CancelStatement is not supported for a sub-statement.")
	case ended(st.Status):
		return nil, notCancellable(st.Status)
	}
	if s.Work.Cancel(Kind, st.ID) {
		return &api.CancelStatementOutput{Status: new(true)}, nil
	}
	if st, _, err = s.find(ctx, *in.Id); err != nil {
		return nil, err
	}
	return nil, notCancellable(st.Status)
}
