package plpgsql

import (
	"context"
	"strconv"
	"strings"

	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

func (f *frame) choose(ctx context.Context, s *If) (signal, error) {
	for _, a := range s.Arms {
		v, err := f.eval(ctx, a.Cond)
		if err != nil {
			return signal{}, err
		}
		if v.True() {
			return f.list(ctx, a.Body)
		}
	}
	if s.Case && !s.HasElse {
		return signal{}, sqlerr.New("20000", "case not found").WithHint("CASE statement is missing ELSE part.")
	}
	return f.list(ctx, s.Else)
}

// after says what a loop does with how its body ended: whether it goes on, and
// if not what it gives on.
func after(sig signal, label string) (bool, signal) {
	mine := sig.label == "" || sig.label == label
	switch {
	case sig.kind == onward, sig.kind == continuing && mine:
		return true, signal{}
	case sig.kind == exiting && mine:
		return false, signal{}
	}
	return false, sig
}

func (f *frame) loop(ctx context.Context, s *Loop) (signal, error) {
	for {
		if err := ctx.Err(); err != nil {
			return signal{}, sqlerr.New(sqlerr.QueryCanceled, "Query cancelled on user's request")
		}
		if s.While != nil {
			v, err := f.eval(ctx, s.While)
			if err != nil || !v.True() {
				return signal{}, err
			}
		}
		sig, err := f.list(ctx, s.Body)
		if err != nil {
			return signal{}, err
		}
		if on, sig := after(sig, s.Label); !on {
			return sig, nil
		}
	}
}

// bound evaluates a limit of an integer loop.
func (f *frame) bound(ctx context.Context, e *SQL, which string) (int64, error) {
	v, err := f.eval(ctx, e)
	if err != nil {
		return 0, err
	}
	if v.Null {
		return 0, sqlerr.New("22004", "%s bound of FOR loop cannot be NULL", which)
	}
	if v, err = f.coerce(ctx, v, types.Type{Kind: types.Integer}); err != nil {
		return 0, err
	}
	return strconv.ParseInt(v.Text, 10, 64)
}

func (f *frame) forRange(ctx context.Context, s *ForRange) (signal, error) {
	lo, err := f.bound(ctx, s.Lo, "lower")
	if err != nil {
		return signal{}, err
	}
	hi, err := f.bound(ctx, s.Hi, "upper")
	if err != nil {
		return signal{}, err
	}
	integer := types.Type{Kind: types.Integer}
	found, step := false, int64(1)
	if s.Reverse {
		step = -1
	}
	defer func() { f.setFound(found) }()
	for i := lo; (i-hi)*step <= 0; i += step {
		if err := ctx.Err(); err != nil {
			return signal{}, sqlerr.New(sqlerr.QueryCanceled, "Query cancelled on user's request")
		}
		f.slots[s.Var.slot] = slot{typ: integer, value: Value{Type: integer, Text: strconv.FormatInt(i, 10)}}
		found = true
		sig, err := f.list(ctx, s.Body)
		if err != nil {
			return signal{}, err
		}
		if on, sig := after(sig, s.Label); !on {
			return sig, nil
		}
	}
	return signal{}, nil
}

// forBatch is how many rows a loop over a query reads ahead.
const forBatch = 256

// forQuery loops over a query. Where statements commit by themselves all rows
// are read before the first turn.
func (f *frame) forQuery(ctx context.Context, s *ForQuery) (signal, error) {
	query := s.Query
	if s.Text != nil {
		q, err := f.dynamicQuery(ctx, s.Text)
		if err != nil {
			return signal{}, err
		}
		query = q
	}
	name, err := f.openQuery(ctx, "", query)
	if err != nil {
		return signal{}, err
	}
	found := false
	defer func() { _ = f.host.Close(name); f.setFound(found) }() // it may have ended with its transaction
	batch := forBatch
	if f.autocommit && !f.block {
		batch = 0
	}
	for {
		rows, err := f.host.Fetch(ctx, name, batch)
		if err != nil {
			return signal{}, err
		}
		for _, row := range rows.Data {
			found = true
			if err := f.into(ctx, s.Targets, rows.Columns, row); err != nil {
				return signal{}, err
			}
			sig, err := f.list(ctx, s.Body)
			if err != nil {
				return signal{}, err
			}
			if on, sig := after(sig, s.Label); !on {
				return sig, nil
			}
		}
		if len(rows.Data) == 0 || batch == 0 {
			return signal{}, nil
		}
	}
}

func (f *frame) exit(ctx context.Context, s *Exit) (signal, error) {
	if s.When != nil {
		v, err := f.eval(ctx, s.When)
		if err != nil || !v.True() {
			return signal{}, err
		}
	}
	if s.Continue {
		return signal{continuing, s.Label}, nil
	}
	return signal{exiting, s.Label}, nil
}

func (f *frame) raise(ctx context.Context, s *Raise) error {
	if s.Level == "" {
		if n := len(f.handled); n > 0 {
			return &thrown{f.handled[n-1]}
		}
		return sqlerr.New("0Z002", "RAISE without parameters cannot be used outside an exception handler")
	}
	var out strings.Builder
	args := s.Args
	for i := 0; i < len(s.Format); i++ {
		c := s.Format[i]
		switch {
		case c != '%':
			out.WriteByte(c)
		case i+1 < len(s.Format) && s.Format[i+1] == '%':
			out.WriteByte('%')
			i++
		default:
			v, err := f.eval(ctx, args[0])
			if err != nil {
				return err
			}
			out.WriteString(v.print())
			args = args[1:]
		}
	}
	if s.Level == "EXCEPTION" {
		return &thrown{sqlerr.New(sqlerr.RaiseException, "%s", out.String())}
	}
	f.host.Notice(s.Level, out.String())
	return nil
}
