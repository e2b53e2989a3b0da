package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// TestUnavailable: what cannot be kept is answered with an error that clients try
// again, and callers inside still see why; other errors pass.
func TestUnavailable(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	full := fmt.Errorf("cannot create it: %w", &store.Fault{Err: errors.New("the disk is full")})
	for _, c := range []struct {
		running context.Context
		err     error
		want    string
	}{
		{t.Context(), full, "503 ServiceUnavailable: The request has failed due to a temporary failure of the server: its state cannot be kept (the disk is full)."},
		{t.Context(), store.ErrClosed, "503 ServiceUnavailable: The request has failed due to a temporary failure of the server: it is stopping."},
		{stopped, context.Canceled, "503 ServiceUnavailable: The request has failed due to a temporary failure of the server: it is stopping."},
		{stopped, awserr.New(400, "Bad", "own"), "400 Bad: own"},
		{t.Context(), awserr.New(400, "Bad", "own"), "400 Bad: own"},
	} {
		_, err := unavailable(c.running)(t.Context(), &bus.Call{}, func(context.Context, any) (any, error) { return nil, c.err })
		e := awserr.From(err)
		if e == nil || fmt.Sprint(e.HTTPStatus(), " ", e) != c.want {
			t.Errorf("%v becomes %v, want %s", c.err, err, c.want)
		}
		if store.IsFault(err) != store.IsFault(c.err) {
			t.Errorf("%v is no longer the error it was: %v", c.err, err)
		}
	}
	plain := errors.New("plain")
	if _, err := unavailable(t.Context())(t.Context(), &bus.Call{}, func(context.Context, any) (any, error) { return 1, plain }); !errors.Is(err, plain) || strings.Contains(err.Error(), "Unavailable") {
		t.Errorf("an error of another kind: %v", err)
	}
}
