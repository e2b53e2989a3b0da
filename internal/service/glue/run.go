package glue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/process"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// runKind is the kind of task that a job run is.
const runKind = "glue.jobrun"

// runPayload names a run; the task's Caller says where.
type runPayload struct{ Job, Run string }

// errTimeout is the cause of the end of a run that takes longer than its Timeout.
var errTimeout = errors.New("job run timed out")

// What a run comes to, where AWS's words are not the script's.
const (
	timeoutMessage = "Job run timed out"
	lostMessage    = "Internal service error: the server stopped while the job run was in progress"
	maxMessage     = 8 << 10 // bytes of a script's message that are kept
)

// outcome is how a run ended.
type outcome struct{ state, message string }

func failed(format string, args ...any) outcome {
	message := fmt.Sprintf(format, args...)
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "")
	}
	return outcome{glue.JobRunStateFailed, message}
}

// runTask is a job run from STARTING to its end.
func (s *Service) runTask(ctx context.Context, t *work.Task) error {
	at, rec, err := s.loadRun(ctx, t)
	if err != nil || rec.Run.CompletedOn != nil {
		return err
	}
	o, err := s.execute(ctx, at, rec)
	switch {
	case errors.Is(context.Cause(ctx), work.ErrCancelled):
		o = outcome{state: glue.JobRunStateStopped}
	case ctx.Err() != nil:
		return context.Cause(ctx) // the next server declares it lost
	case err != nil:
		return err
	}
	return s.finish(ctx, at, rec, o)
}

// runLost ends a run whose server died: its processes are killed, it has failed.
func (s *Service) runLost(ctx context.Context, t *work.Task) error {
	at, rec, err := s.loadRun(ctx, t)
	if err != nil || rec.Run.CompletedOn != nil {
		return err
	}
	process.KillLeft(*rec.Run.Id)
	if err := os.RemoveAll(s.runDir(rec)); err != nil {
		return fmt.Errorf("cannot remove files of a lost job run: %w", err)
	}
	if *rec.Run.JobRunState == glue.JobRunStateStopping {
		return s.finish(ctx, at, rec, outcome{state: glue.JobRunStateStopped})
	}
	return s.finish(ctx, at, rec, failed(lostMessage))
}

func (s *Service) loadRun(ctx context.Context, t *work.Task) (at scope, rec runRecord, err error) {
	var p runPayload
	if err := json.Unmarshal(t.Payload, &p); err != nil {
		return at, rec, fmt.Errorf("cannot read job run task: %w", err)
	}
	at = scope{t.Caller.Account, t.Caller.Region}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		var there bool
		rec, there, err = runs.Get(tx, at.key(p.Job, p.Run)...)
		if err == nil && !there {
			err = fmt.Errorf("cannot run job: no record of run %s", p.Run)
		}
		return err
	})
	return at, rec, err
}

func (s *Service) runDir(rec runRecord) string { return filepath.Join(s.RunDir, *rec.Run.Id) }

// execute prepares the run's files and environment, runs the script, and has
// its lines delivered before it returns. An error is the server's fault.
func (s *Service) execute(ctx context.Context, at scope, rec runRecord) (o outcome, err error) {
	dir := s.runDir(rec)
	defer func() {
		if removal := os.RemoveAll(dir); removal != nil {
			s.Log.Warn("cannot remove files of a job run", "run", *rec.Run.Id, "error", removal)
		}
	}()
	logs := s.openLogs(ctx, *rec.Run.Id)
	defer logs.close()
	script, err := s.prepare(ctx, rec, dir, logs)
	if fault := (*runFault)(nil); errors.As(err, &fault) {
		return failed("%s", fault.message), nil
	}
	if err != nil {
		return o, err
	}
	if err := s.running(ctx, at, rec); err != nil {
		return o, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if limit := rec.Run.Timeout; limit != nil && *limit > 0 {
		defer s.Clock.AfterFunc(time.Duration(*limit)*time.Minute, func() { cancel(errTimeout) }).Stop()
	}
	defer s.notifyDelay(ctx, at, rec)()
	result, err := process.Run(ctx, script)
	switch {
	case errors.Is(context.Cause(ctx), errTimeout):
		return outcome{glue.JobRunStateTimeout, timeoutMessage}, nil
	case err != nil:
		return o, err
	case result == process.Result{}:
		return outcome{state: glue.JobRunStateSucceeded}, nil
	}
	return failed("%s", scriptMessage(dir, result)), nil
}

// scriptMessage is the exception that ended the script, which runscript.py
// wrote down, or AWS's text about its exit code.
func scriptMessage(dir string, r process.Result) string {
	if r.Code == 1 {
		if text, err := os.ReadFile(filepath.Join(dir, outcomeFile)); err == nil && len(text) > 0 {
			return string(text)
		}
	}
	code := r.Code
	if r.Signal != 0 {
		code = 128 + int(r.Signal) // as a shell reports it
	}
	return fmt.Sprintf("Command failed with exit code %d", code)
}

// running records that the script starts.
func (s *Service) running(ctx context.Context, at scope, rec runRecord) error {
	return s.changeRun(ctx, at, rec, func(_ *store.Tx, r *runRecord) error {
		if *r.Run.JobRunState == glue.JobRunStateStarting {
			r.Run.JobRunState, r.Run.LastModifiedOn, r.Since = new(glue.JobRunStateRunning), s.now(), s.now()
		}
		return nil
	})
}

// changeRun changes a run's record, whatever has become of it in the meantime;
// what a run has come to waits for a disk that is full.
func (s *Service) changeRun(ctx context.Context, at scope, rec runRecord, change func(*store.Tx, *runRecord) error) error {
	return s.Store.Keep(ctx, func(tx *store.Tx) error {
		key := at.key(*rec.Run.JobName, *rec.Run.Id)
		now, there, err := runs.Get(tx, key...)
		if err != nil || !there {
			return err
		}
		if err := change(tx, &now); err != nil {
			return err
		}
		return runs.Put(tx, now, key...)
	})
}

// finish records the end of a run and, where it failed and attempts are left,
// submits the next attempt with it. "Jobs that reach the timeout limit are not
// restarted" (Glue developer guide, job properties).
func (s *Service) finish(ctx context.Context, at scope, rec runRecord, o outcome) error {
	return s.changeRun(ctx, at, rec, func(tx *store.Tx, r *runRecord) error {
		now := s.now()
		r.Run.JobRunState, r.Run.CompletedOn, r.Run.LastModifiedOn = &o.state, now, now
		if o.message != "" {
			r.Run.ErrorMessage = &o.message
		}
		if r.Since != nil {
			r.Run.ExecutionTime = new(int64(now.Sub(*r.Since).Seconds()))
		}
		if _, err := activeRuns.Delete(tx, at.key(*r.Run.JobName, *r.Run.Id)...); err != nil {
			return err
		}
		if err := s.publish(tx, at, r, o); err != nil {
			return err
		}
		if o.state == glue.JobRunStateFailed && r.Retries > 0 {
			return s.submit(tx, at, nextAttempt(*r))
		}
		return nil
	})
}

// nextAttempt is the run that repeats a failed one: its id is that of the first
// with the number of the attempt.
func nextAttempt(r runRecord) runRecord {
	next := r
	first, _, _ := strings.Cut(*r.Run.Id, "_attempt_")
	attempt := *r.Run.Attempt + 1
	next.Run.Id = new(fmt.Sprintf("%s_attempt_%d", first, attempt))
	next.Run.Attempt, next.Run.PreviousRunId = &attempt, r.Run.Id
	next.Run.JobRunState, next.Run.CompletedOn, next.Run.ErrorMessage = new(glue.JobRunStateStarting), nil, nil
	next.Run.ExecutionTime = new(int64(0))
	next.Retries, next.Since = r.Retries-1, nil
	return next
}
