package states

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"stepwell/internal/asl/exec"
	"stepwell/internal/store"
)

// host is what the engine's runner sees of the service.
type host struct{ s *Service }

// Commit makes a part of an execution's journal durable. One blob per call: the
// groups of a journal follow each other without a separator.
func (h host) Commit(ctx context.Context, c exec.Commit) error {
	s := h.s
	l := s.live.get(c.Execution)
	if l == nil {
		return fmt.Errorf("cannot commit: execution %s is not live", c.Execution)
	}
	var last execution
	if c.End != nil {
		last = l.end(c.End)
	}
	if l.express {
		s.log(l, c.Events)
		if c.End != nil {
			s.ended(l, last)
		}
		return nil
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if len(c.Journal) > 0 {
			if _, err := tx.Append(l.record.stream(), bytes.Join(c.Journal, nil)); err != nil {
				return err
			}
		}
		if c.End == nil {
			return nil
		}
		if _, err := running.Delete(tx, last.key()...); err != nil {
			return err
		}
		if err := ended.Put(tx, last, last.key()...); err != nil {
			return err
		}
		if err := s.announce(tx, &last); err != nil {
			return err
		}
		if s.isDeleting(last.MachineARN) {
			return s.finishDeleting(tx, &last)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.log(l, c.Events)
	if c.End != nil {
		s.ended(l, last)
	}
	return nil
}

// ended lets go of an execution whose end is durable: it is last now.
func (s *Service) ended(l *liveExecution, last execution) {
	s.live.release(l)
	l.finish(last)
}

// announce tells Deps.Events about the status of a Standard execution: EventBridge
// hears of no others (developer guide, "Events from Step Functions").
func (s *Service) announce(tx *store.Tx, e *execution) error {
	if s.Events == nil || e.MapRunARN != nil {
		return nil
	}
	return s.Events(tx, StatusChange{Account: e.Account, Region: e.Region, Execution: s.describe(e, "")})
}

// launch gives a recorded execution to the engine.
func (s *Service) launch(l *liveExecution, m *exec.Machine, journal [][]byte) error {
	s.live.add(l)
	var err error
	if len(journal) == 0 {
		err = s.runner.Start(m, l.info())
	} else {
		err = s.runner.Resume(m, l.info(), journal)
		if err != nil && l.record.Redrives > 0 { // recorded, and not begun when the server died
			err = s.runner.Redrive(m, l.info(), journal)
		}
	}
	if err != nil {
		s.live.remove(l.record.ARN)
	}
	return err
}

func (l *liveExecution) info() exec.Info {
	e := &l.record
	input := l.input
	if input == nil {
		input = []byte(e.Input)
	}
	return exec.Info{
		ID: e.ARN, Name: e.Name, RoleARN: e.RoleARN, StartTime: e.Start, StateMachineID: e.MachineARN,
		StateMachineName: e.Machine, Region: e.Region, Input: input, Express: l.express,
	}
}

// How many executions are read at once when a server resumes them, and by how many readers.
const (
	resumeBatch   = 256
	resumeReaders = 2
)

// resume goes on with the executions that an earlier server left: with those
// that were there when it began, not with what they start. One that cannot go on
// stands where it is. It returns the children of Map runs, without their input:
// the engine begins those itself.
func (s *Service) resume(ctx context.Context) (children []execution, err error) {
	work := make(chan []execution)
	var readers sync.WaitGroup
	for range resumeReaders {
		readers.Go(func() {
			for batch := range work {
				s.resumeBatch(ctx, batch)
			}
		})
	}
	shared := shares{}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		for after, more := "", true; more; more = after != "" {
			var page []execution
			if page, after, err = running.Page(tx, after, resumeBatch); err != nil {
				return err
			}
			top := page[:0]
			for _, e := range page {
				shared.in(&e)
				if e.MapRunARN == nil {
					top = append(top, e)
					continue
				}
				e.Input = ""
				children = append(children, e)
			}
			work <- top
		}
		return nil
	})
	close(work)
	readers.Wait()
	return children, err
}

// shares holds texts that many executions have in common, once.
type shares map[string]string

func (s shares) in(e *execution) {
	for _, text := range []*string{&e.Account, &e.Region, &e.Machine, &e.MachineARN, &e.Revision, &e.RoleARN, &e.Status, &e.Parent} {
		if _, ok := s[*text]; !ok {
			s[*text] = *text
		}
		*text = s[*text]
	}
}

func (s *Service) resumeBatch(ctx context.Context, batch []execution) {
	var found [resumeBatch]struct {
		program *program
		journal [][]byte
		err     error
	}
	failed := s.Store.View(ctx, func(tx *store.Tx) error {
		for i := range batch {
			e, f := &batch[i], &found[i]
			if f.program, f.err = s.programOf(tx, e.Account, e.Region, e.Revision); f.err == nil {
				f.journal, f.err = tx.Read(e.stream(), 1, -1)
			}
		}
		return nil
	})
	for i := range batch {
		f := &found[i]
		err := errors.Join(failed, f.err)
		if err == nil {
			err = s.launch(&liveExecution{record: batch[i], logging: f.program.revision.Logging}, f.program.machine, f.journal)
		}
		if err != nil {
			s.Log.Error("execution cannot be resumed", "execution", batch[i].ARN, "error", err)
		}
	}
}
