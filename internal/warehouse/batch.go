package warehouse

import "context"

// BatchStatus is how one statement of a batch ended.
type BatchStatus struct {
	State string // FINISHED, FAILED or ABORTED
	Done  Done
	Err   error // of a FAILED one
}

// ExecuteBatch runs the texts as one transaction, as the Data API's
// BatchExecuteStatement does: after the first failure the rest is ABORTED and
// everything is rolled back. sink gives the Sink for text number i; nil
// discards.
func (s *Session) ExecuteBatch(ctx context.Context, texts []string, sink func(i int) Sink) ([]BatchStatus, error) {
	out := make([]BatchStatus, len(texts))
	for i := range out {
		out[i].State = "ABORTED"
	}
	if err := s.Execute(ctx, "BEGIN", Discard{}); err != nil {
		return out, err
	}
	for i, text := range texts {
		var to Sink = Discard{}
		if sink != nil {
			to = sink(i)
		}
		last := &lastDone{Sink: to}
		if err := s.Execute(ctx, text, last); err != nil {
			out[i] = BatchStatus{State: "FAILED", Err: err}
			_ = s.Execute(context.WithoutCancel(ctx), "ROLLBACK", Discard{})
			return out, err
		}
		out[i] = BatchStatus{State: "FINISHED", Done: last.done}
	}
	if s.Status() == 'I' { // a statement of the batch ended the transaction
		return out, nil
	}
	err := s.Execute(ctx, "COMMIT", Discard{})
	if err != nil && len(out) > 0 {
		out[len(out)-1] = BatchStatus{State: "FAILED", Err: err}
	}
	return out, err
}

// lastDone remembers how the last statement ended.
type lastDone struct {
	Sink
	done Done
}

func (l *lastDone) Done(done Done) error {
	l.done = done
	return l.Sink.Done(done)
}
