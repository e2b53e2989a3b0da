package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/mattn/go-sqlite3"
)

// Fault is why the file cannot be written: the disk is full, or reports errors.
// Nothing of the update that got it stands in this process. The file may hold
// it all the same where only the last step failed (fsync), so that a later
// process finds it done; whoever repeats an update after a restart looks first.
//
// A failed fsync may leave the kernel's pages clean and not on the disk ("fsyncgate").
// SQLite never counts on such pages: the frames of a failed commit are behind
// the end of the log as it knows it, and the next commit writes them anew;
// a failed checkpoint is made again from its first page.
type Fault struct{ Err error }

func (f *Fault) Error() string { return "cannot write store: " + f.Err.Error() }
func (f *Fault) Unwrap() error { return f.Err }

// IsFault reports whether err comes from a file that cannot be written. The
// update can be repeated.
func IsFault(err error) bool {
	var f *Fault
	return errors.As(err, &f)
}

// faulty reports whether an error of a statement is the disk's rather than the
// statement's. SQLite may have rolled back the whole transaction then.
func faulty(err error) bool {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case sqlite3.ErrError, sqlite3.ErrConstraint, sqlite3.ErrMismatch, sqlite3.ErrMisuse, sqlite3.ErrRange, sqlite3.ErrTooBig:
		return false
	}
	return true
}

// Err is the Fault that the last write ended with; nil while the file can be
// written. A file with a fault is tried again once a second.
func (s *Store) Err() error {
	if f := s.fault.Load(); f != nil {
		return f
	}
	return nil
}

// Break makes every write fail with err, as a disk that is full would, until
// Break(nil): for tests of what depends on a store.
func (s *Store) Break(err error) {
	if err == nil {
		s.broken.Store(nil)
		return
	}
	s.broken.Store(&err)
}

// probePause lies between two looks at a file that cannot be written.
const probePause = time.Second

// settled notes how a write of the file ended.
func (s *Store) settled(err error) {
	before := s.fault.Load()
	if err == nil {
		if before != nil {
			s.fault.Store(nil)
			slog.Info("the state file can be written again", "file", s.path)
		}
		return
	}
	s.fault.Store(&Fault{err})
	if before == nil {
		slog.Error("the state file cannot be written; changes are refused until it can", "file", s.path, "error", err)
	}
}

// probe writes the file without changing it.
func (s *Store) probe(stmts *statements) {
	err := s.begin(stmts)
	if err == nil {
		err = stmts.exec(fmt.Sprintf("PRAGMA user_version = %d", len(migrations)))
		err = s.close(stmts, err)
	}
	s.settled(err)
}

func (s *Store) begin(stmts *statements) error {
	if err := s.broken.Load(); err != nil {
		return *err
	}
	return stmts.exec("BEGIN IMMEDIATE")
}

// close ends a transaction: it commits it, or rolls it back where err is not nil.
func (s *Store) close(stmts *statements, err error) error {
	if err == nil {
		err = stmts.exec("COMMIT")
	}
	if err != nil {
		// SQLite may have done it: "no transaction is active" is no fault.
		if rollback := stmts.exec("ROLLBACK"); faulty(rollback) {
			slog.Warn("cannot roll back after a failed commit", "file", s.path, "error", rollback)
		}
	}
	return err
}

const (
	firstPause = 50 * time.Millisecond
	longPause  = 2 * time.Second
)

// Keep is Update for what has happened already and must not be lost: it goes on
// trying while the file cannot be written. It gives up when ctx ends, but tries
// at least once.
func (s *Store) Keep(ctx context.Context, f func(*Tx) error) error {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := s.Update(context.WithoutCancel(ctx), f)
		if !IsFault(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-s.closed:
			return err
		case <-time.After(pause):
		}
	}
}
