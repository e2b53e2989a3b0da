package glue

import (
	"context"

	"stepwell/internal/logstream"
)

// runLogs are the log streams of a run.
type runLogs struct{ out, err *logstream.Stream }

func (s *Service) openLogs(ctx context.Context, runID string) *runLogs {
	logs := logstream.Deps{Bus: s.Bus, Clock: s.Clock, Log: s.Log}
	return &runLogs{out: logs.Open(ctx, pythonLogs+"/output", runID), err: logs.Open(ctx, pythonLogs+"/error", runID)}
}

// close returns when every line is delivered.
func (l *runLogs) close() {
	l.out.Close()
	l.err.Close()
}
