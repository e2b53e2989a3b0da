package states

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"stepwell/internal/asl/exec"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// The host's side of Distributed Map. A Map run is a record beside the
// execution it belongs to; its Standard children are executions of the state
// machine MACHINE/LABEL, its Express children live in memory. After a restart
// the engine begins all children of a running Map run again: those whose record
// runs are resumed then, and not before (Start).

var _ exec.MapHost = host{}

// BeginMapRun records a Map run, unless it is recorded.
func (h host) BeginMapRun(ctx context.Context, m exec.MapRun) (exec.MapBegun, error) {
	s := h.s
	parent := s.live.get(m.Execution)
	if parent == nil {
		return exec.MapBegun{MapControl: m.MapControl}, exec.ErrNoExecution
	}
	e := &parent.record
	return keep(ctx, s.Store, func(tx *store.Tx) (exec.MapBegun, error) {
		r, ok, err := mapRuns.Get(tx, e.Account, e.Region, e.Machine, e.Name, m.ID)
		if err != nil || ok && r.Stopped.IsZero() && r.Redrives >= m.Redrives {
			return r.begun(ok), err
		}
		again := ok
		if ok { // redriven; or its end was not yet its execution's when the server died
			r.Status, r.Stopped = string(exec.Running), time.Time{}
			if r.Redrives < m.Redrives {
				r.LastItems, r.Last = r.Items, r.Children
				r.Redrives, r.Redriven = m.Redrives, millis(s.Clock.Now())
			}
		} else {
			r = mapRun{
				Account: e.Account, Region: e.Region, ARN: exec.MapRunARN(m.Info, m.Label, m.ID), ID: m.ID, Label: m.Label, State: m.State,
				Execution: e.ARN, ExecutionName: e.Name, Machine: e.Machine, MachineARN: e.MachineARN, Express: m.Express,
				Started: millis(m.Started), Status: string(exec.Running), Control: m.MapControl,
			}
		}
		if err := mapRunNames.Put(tx, e.Name, r.nameKey()...); err != nil {
			return exec.MapBegun{}, err
		}
		return r.begun(again), mapRuns.Put(tx, r, r.key()...)
	})
}

func (r *mapRun) begun(again bool) exec.MapBegun {
	return exec.MapBegun{MapControl: r.Control, Again: again, Kept: r.Kept, Items: r.LastItems, Children: r.Last}
}

// NoteMapRun keeps how far a Map run is. Its execution may have ended.
func (h host) NoteMapRun(ctx context.Context, p exec.MapProgress) error {
	a, ok := bus.ParseARN(p.Execution)
	parts := strings.Split(a.Resource, ":")
	if !ok || len(parts) != 3 {
		return fmt.Errorf("cannot note Map run %s: its execution is %q", p.ID, p.Execution)
	}
	return h.s.Store.Update(ctx, func(tx *store.Tx) error {
		r, ok, err := mapRuns.Get(tx, a.Account, a.Region, parts[1], parts[2], p.ID)
		if err != nil || !ok {
			return err
		}
		r.Status, r.Items, r.Children = string(p.Status), p.Items, p.Children
		if p.Status != exec.Running {
			r.Stopped, r.Kept = millis(p.At), p.Kept
		}
		return mapRuns.Put(tx, r, r.key()...)
	})
}

// BeginChild starts a child, resumes it, or tells its end.
func (h host) BeginChild(ctx context.Context, c exec.Child) error {
	s := h.s
	parent := s.live.get(c.Parent.ID)
	if parent == nil {
		return exec.ErrNoExecution
	}
	l := &liveExecution{record: s.childRecord(&parent.record, &c), express: c.Express, logging: parent.logging}
	l.watchers = append(l.watchers, func(e execution) {
		r := e.result()
		r.Before = e.RunRedrives < c.Redrives
		err := s.runner.DeliverChild(c.Parent.ID, c.MapRun, c.Index, r)
		if err != nil && !errors.Is(err, exec.ErrNoTask) && !errors.Is(err, exec.ErrNoExecution) && !errors.Is(err, exec.ErrClosed) {
			s.Log.Error("map run cannot be told of a child's end", "execution", e.ARN, "error", err)
		}
	})
	if c.Express {
		l.share(c.Input)
		limit := s.Clock.AfterFunc(expressLimit, func() { s.expire(l.record.ARN) })
		l.watchers = append(l.watchers, func(execution) { limit.Stop() })
		err := s.launch(l, c.Machine, nil)
		if err != nil {
			limit.Stop()
		}
		return err
	}
	journal, over, err := s.recordChild(ctx, &l.record)
	if err != nil {
		return err
	}
	if over {
		l.finish(l.record)
		return nil
	}
	l.share(c.Input)
	return s.launch(l, c.Machine, journal)
}

// childRecord is the record of a child that begins now.
func (s *Service) childRecord(parent *execution, c *exec.Child) execution {
	now := s.Clock.Now()
	return execution{
		Account: parent.Account, Region: parent.Region, ARN: exec.ChildARN(*c), Name: c.Name, Machine: parent.Machine + "/" + c.Label,
		MachineARN: parent.MachineARN + "/" + c.Label, Revision: parent.Revision, RoleARN: parent.RoleARN, Start: millis(now),
		Order: inverted(now), Input: string(c.Input), Status: string(exec.Running),
		MapRunARN: new(exec.MapRunARN(c.Parent, c.Label, c.MapRun)), Parent: parent.ARN, Items: c.Items, TestCase: parent.TestCase, RunRedrives: c.Redrives,
	}
}

// recordChild makes a child durable, or reads the one that is: its journal
// where it runs, or runs again because the Map run was redriven since it ended;
// over: it has ended for good, maybe because it cannot be redriven.
func (s *Service) recordChild(ctx context.Context, e *execution) (journal [][]byte, over bool, err error) {
	redrives := e.RunRedrives
	now := millis(s.Clock.Now())
	err = s.Store.Keep(ctx, func(tx *store.Tx) error {
		journal, over = nil, false
		past, ok, err := ended.Get(tx, e.key()...)
		if err != nil {
			return err
		}
		if ok && (past.Status == string(exec.Succeeded) || past.RunRedrives >= redrives) {
			*e, over = past, true
			return nil
		}
		if ok {
			if journal, err = tx.Read(past.stream(), 1, -1); err != nil {
				return err
			}
			if s.notRedrivable(&past) != "" || fullJournal(journal) {
				past.Full = past.Full || fullJournal(journal)
				*e, over = past, true
				return nil
			}
			return s.redriveChild(tx, e, past, now)
		}
		old, ok, err := running.Get(tx, e.key()...)
		if err != nil {
			return err
		}
		if ok {
			*e = old
			journal, err = tx.Read(e.stream(), 1, -1)
			return err
		}
		if err := byTime.Put(tx, e.Name, e.timeKey()...); err != nil {
			return err
		}
		return running.Put(tx, *e, e.key()...)
	})
	return journal, over, err
}

// fullJournal reports whether a history has no room for a redrive.
func fullJournal(journal [][]byte) bool {
	const least = 8 // bytes of an event
	size, events := 0, 0
	for _, group := range journal {
		size += len(group)
	}
	if size < least*redriveEvents {
		return false
	}
	for _, group := range journal {
		decoded, err := exec.DecodeEvents(group)
		if err != nil {
			return true
		}
		events += len(decoded)
	}
	return events >= redriveEvents
}

// redriveChild lets a child that ended without success run again, as
// RedriveExecution does with other executions. One without a history runs for the
// first time.
func (s *Service) redriveChild(tx *store.Tx, e *execution, past execution, now time.Time) error {
	if _, err := ended.Delete(tx, past.key()...); err != nil {
		return err
	}
	past.RunRedrives = e.RunRedrives
	past.Redrives, past.Redriven = past.Redrives+1, now
	past.Status, past.Stop, past.Output, past.Error, past.Cause = string(exec.Running), time.Time{}, nil, nil, nil
	*e = past
	return running.Put(tx, past, past.key()...)
}

// result is what an ended execution came to.
func (e *execution) result() exec.Result {
	r := exec.Result{Status: exec.Status(e.Status), At: e.Stop, Error: e.Error, Cause: e.Cause, Started: e.Start, Redrives: e.Redrives, Full: e.Full}
	if e.Output != nil {
		r.Output = []byte(*e.Output)
	}
	return r
}

// EndOfChild is what a Standard child came to.
func (h host) EndOfChild(ctx context.Context, c exec.Child) (exec.Result, error) {
	parent, ok := bus.ParseARN(c.Parent.ID)
	if !ok {
		return exec.Result{}, exec.ErrNoExecution
	}
	return view(ctx, h.s.Store, func(tx *store.Tx) (exec.Result, error) {
		e, ok, err := ended.Get(tx, parent.Account, parent.Region, c.Parent.StateMachineName+"/"+c.Label, c.Name)
		if err == nil && !ok {
			err = exec.ErrNoExecution
		}
		return e.result(), err
	})
}

// StopChild aborts a child.
func (h host) StopChild(_ context.Context, c exec.Child) {
	err := h.s.runner.Deliver(exec.ChildARN(c), exec.Stop{At: h.s.Clock.Now()})
	if err != nil && !errors.Is(err, exec.ErrNoExecution) && !errors.Is(err, exec.ErrClosed) {
		h.s.Log.Error("child execution cannot be stopped", "execution", exec.ChildARN(c), "error", err)
	}
}

// AbandonChildren ends the children of a Map run that do not run in this process.
func (h host) AbandonChildren(ctx context.Context, m exec.MapRun) error {
	parent, ok := bus.ParseARN(m.Execution)
	if !ok {
		return nil
	}
	return h.s.abandonChildren(ctx, &mapRun{Account: parent.Account, Region: parent.Region, ARN: exec.MapRunARN(m.Info, m.Label, m.ID),
		Machine: m.Info.StateMachineName, Label: m.Label})
}

func (s *Service) abandonChildren(ctx context.Context, r *mapRun) error {
	var left []execution
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		for after, more := "", true; more; more = after != "" {
			page, next, err := running.Page(tx, after, resumeBatch, r.Account, r.Region, r.Machine+"/"+r.Label)
			if err != nil {
				return err
			}
			for _, e := range page {
				if value(e.MapRunARN) == r.ARN {
					e.Input = ""
					left = append(left, e)
				}
			}
			after = next
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.abandoned(ctx, left)
}

// abandoned ends those of the children that are recorded as running and do not
// run in this process: their Map run is over.
func (s *Service) abandoned(ctx context.Context, children []execution) error {
	for batch := range slices.Chunk(children, resumeBatch) {
		err := s.Store.Update(ctx, func(tx *store.Tx) error {
			for i := range batch {
				key := batch[i].key()
				e, left, err := running.Get(tx, key...)
				if err != nil {
					return err
				}
				if !left || s.live.get(e.ARN) != nil {
					continue
				}
				if _, err := running.Delete(tx, key...); err != nil {
					return err
				}
				e.Status, e.Stop = string(exec.Aborted), millis(s.Clock.Now())
				if err := ended.Put(tx, e, key...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// abandonRuns ends the Map runs that nobody drives, with their children: the
// server died after their execution had ended, or had given them up. Executions
// that were left running have been resumed.
func (s *Service) abandonRuns(ctx context.Context) error {
	orphans, err := view(ctx, s.Store, s.orphans)
	if err != nil {
		return err
	}
	for i := range orphans {
		if err := s.abandonChildren(ctx, &orphans[i]); err != nil {
			return err
		}
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		for i := range orphans {
			if s.driven(&orphans[i]) {
				continue
			}
			r, ok, err := mapRuns.Get(tx, orphans[i].key()...) // it may have ended since: then it is no orphan
			if err != nil {
				return err
			}
			if !ok || r.Status != string(exec.Running) {
				continue
			}
			r.Status, r.Stopped = string(exec.Aborted), millis(s.Clock.Now())
			r.Items.Aborted, r.Items.Running = r.Items.Aborted+r.Items.Running, 0
			r.Children.Aborted, r.Children.Running = r.Children.Aborted+r.Children.Running, 0
			r.Items.PendingRedrive, r.Children.PendingRedrive = 0, 0
			if err := mapRuns.Put(tx, r, r.key()...); err != nil {
				return err
			}
		}
		return nil
	})
}

// orphans are the Map runs that are recorded as running, and that nobody drives
// nor ever will. That of an execution that could not be resumed waits with it, as
// does that of a child, which another Map run resumes.
func (s *Service) orphans(tx *store.Tx) (orphans []mapRun, err error) {
	all, err := mapRuns.List(tx)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Status != string(exec.Running) || s.driven(&r) {
			continue
		}
		_, left, err := running.Get(tx, r.Account, r.Region, r.Machine, r.ExecutionName)
		if err != nil {
			return nil, err
		}
		child := strings.Contains(r.Machine, "/")
		if !left || !child && s.live.get(r.Execution) != nil {
			orphans = append(orphans, r)
		}
	}
	return orphans, nil
}

// driven reports whether the engine drives a Map run. Its end is durable before
// that is over.
func (s *Service) driven(r *mapRun) bool {
	_, is := s.runner.MapRunProgress(r.Execution, r.ID)
	return is
}

// abandonOrphans ends those of the children whose execution no longer runs.
func (s *Service) abandonOrphans(ctx context.Context, children []execution) error {
	orphans, err := view(ctx, s.Store, func(tx *store.Tx) (orphans []execution, err error) {
		for _, e := range children {
			parent, ok := bus.ParseARN(e.Parent)
			parts := strings.Split(parent.Resource, ":")
			if !ok || len(parts) != 3 {
				continue
			}
			_, left, err := running.Get(tx, parent.Account, parent.Region, parts[1], parts[2])
			if err != nil {
				return nil, err
			}
			if !left {
				orphans = append(orphans, e)
			}
		}
		return orphans, nil
	})
	if err != nil {
		return err
	}
	return s.abandoned(ctx, orphans)
}

// as is who asks S3 for a Map run: the execution's role.
func (s *Service) as(ctx context.Context, i exec.Info) context.Context {
	t := exec.Task{Execution: i.ID, RoleARN: i.RoleARN}
	return bus.With(ctx, s.callerOf(&t))
}

// Open reads an object.
func (h host) Open(ctx context.Context, o exec.Object) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: &o.Bucket, Key: &o.Key, VersionId: optional(o.Version), ExpectedBucketOwner: optional(o.Owner)}
	if o.Length > 0 {
		in.Range = new(fmt.Sprintf("bytes=%d-%d", o.Offset, o.Offset+o.Length-1))
	}
	out, err := bus.Invoke[s3.GetObjectOutput](h.s.as(ctx, o.Caller), h.s.Bus, "s3", "GetObject", in)
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}

// Size is the size of an object.
func (h host) Size(ctx context.Context, o exec.Object) (int64, error) {
	in := &s3.HeadObjectInput{Bucket: &o.Bucket, Key: &o.Key, VersionId: optional(o.Version), ExpectedBucketOwner: optional(o.Owner)}
	out, err := bus.Invoke[s3.HeadObjectOutput](h.s.as(ctx, o.Caller), h.s.Bus, "s3", "HeadObject", in)
	if err != nil {
		return 0, err
	}
	return value(out.ContentLength), nil
}

// List lists a page of objects.
func (h host) List(ctx context.Context, o exec.Object, token string) (page []exec.ObjectEntry, next string, err error) {
	in := &s3.ListObjectsV2Input{Bucket: &o.Bucket, Prefix: optional(o.Prefix), ContinuationToken: optional(token), ExpectedBucketOwner: optional(o.Owner)}
	out, err := bus.Invoke[s3.ListObjectsV2Output](h.s.as(ctx, o.Caller), h.s.Bus, "s3", "ListObjectsV2", in)
	if err != nil {
		return nil, "", err
	}
	for _, x := range out.Contents {
		page = append(page, exec.ObjectEntry{Key: value(x.Key), ETag: value(x.ETag), StorageClass: value(x.StorageClass),
			Size: value(x.Size), LastModified: value(x.LastModified)})
	}
	return page, value(out.NextContinuationToken), nil
}

// Put writes an object. While the server cannot keep what that leads to, it goes on trying.
func (h host) Put(ctx context.Context, o exec.Object, contentType string, body io.ReadSeeker) error {
	size, err := body.Seek(0, io.SeekEnd)
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		if err == nil {
			_, err = body.Seek(0, io.SeekStart)
		}
		if err != nil {
			return fmt.Errorf("cannot read what is to be written to %s: %w", o.Key, err)
		}
		in := &s3.PutObjectInput{Bucket: &o.Bucket, Key: &o.Key, ContentType: &contentType, ContentLength: &size,
			ExpectedBucketOwner: optional(o.Owner), Body: io.NopCloser(body)}
		_, fault := h.s.Bus.Invoke(h.s.as(ctx, o.Caller), "s3", "PutObject", in)
		if !store.IsFault(fault) {
			return fault
		}
		select {
		case <-ctx.Done():
			return fault
		case <-time.After(pause):
		}
	}
}

// Scratch is a file without a name: it is gone with the process at the latest.
func (h host) Scratch() (exec.Scratch, error) {
	f, err := os.CreateTemp("", "stepwell-results-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
