package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// unavailable is the interceptor that answers calls whose effect the server
// cannot keep: ServiceUnavailable ("Common Errors" of the API references), which
// every SDK tries again. The error remains a *store.Fault for callers inside.
// running ends when the server stops.
func unavailable(running context.Context) bus.Interceptor {
	return func(ctx context.Context, call *bus.Call, next bus.Handler) (any, error) {
		out, err := next(ctx, call.In)
		switch fault := (*store.Fault)(nil); {
		case err == nil || awserr.From(err) != nil:
		case errors.As(err, &fault):
			return nil, fmt.Errorf("%w: %w", awserr.New(http.StatusServiceUnavailable, "ServiceUnavailable",
				"The request has failed due to a temporary failure of the server: its state cannot be kept (%s).", fault.Err), err)
		case errors.Is(err, store.ErrClosed), errors.Is(err, context.Canceled) && running.Err() != nil:
			return nil, fmt.Errorf("%w: %w", awserr.New(http.StatusServiceUnavailable, "ServiceUnavailable",
				"The request has failed due to a temporary failure of the server: it is stopping."), err)
		}
		return out, err
	}
}
