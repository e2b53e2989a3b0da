package sns

import (
	"errors"

	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// page reads a page of a table, 100 entries as every list has.
func page[T any](tx *store.Tx, t store.Table[T], token *string, prefix ...string) (list []T, next *string, err error) {
	list, next, err = paging.Read(func(after string, n int) ([]T, string, error) { return t.Page(tx, after, n, prefix...) }, nil, token, 100)
	if errors.Is(err, paging.ErrToken) {
		err = invalid("NextToken Reason: Value is invalid")
	}
	return list, next, err
}
