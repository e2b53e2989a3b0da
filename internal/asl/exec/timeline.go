package exec

import (
	"strings"
	"time"
)

// StateRun is one visit of a state, for people: live progress and timelines.
type StateRun struct {
	Name    string
	Type    string // Pass, Task, ...
	Event   int64  // the id of its ...StateEntered event
	Parent  int64  // Event of the Parallel or Map state around it; 0 = none
	Index   int64  // the iteration of a Map it belongs to; -1 = none
	Entered time.Time
	Exited  time.Time // zero while it runs, and for states that ended with their execution
	Failed  bool      // it was not left in the ordinary way: it failed, was aborted, or was caught
	// Attempts counts how often its task was scheduled (a Parallel or Map: how
	// often it was started).
	Attempts int
	Error    *string // of its last failed attempt
	Cause    *string
}

// Duration is how long the state took, until now where it still runs.
func (s *StateRun) Duration(now time.Time) time.Duration {
	if s.Exited.IsZero() {
		return now.Sub(s.Entered)
	}
	return s.Exited.Sub(s.Entered)
}

// Timeline folds events, as they come, into the visits of states.
type Timeline struct {
	runs  []*StateRun
	place map[int64]place // of each event
}

// place is where an event stands: the run it belongs to, and the iteration.
type place struct {
	run   *StateRun // nil: outside of any state
	in    *StateRun // the Parallel or Map around
	index int64
}

// Runs are the visits so far, in the order in which the states were entered.
func (t *Timeline) Runs() []*StateRun { return t.runs }

// Add takes the next events of the history and returns the visits that changed.
func (t *Timeline) Add(events ...Event) []*StateRun {
	if t.place == nil {
		t.place = map[int64]place{}
	}
	var changed []*StateRun
	for i := range events {
		if run := t.add(&events[i]); run != nil {
			changed = append(changed, run)
		}
	}
	return changed
}

func (t *Timeline) add(e *Event) *StateRun {
	before, known := t.place[e.PreviousID]
	if !known {
		before.index = -1
	}
	kind := string(e.Type)
	run := before.run
	switch {
	case strings.HasSuffix(kind, "StateEntered"):
		return t.enter(e, before)
	case strings.HasSuffix(kind, "StateExited"):
		if run = t.open(e.Name, strings.TrimSuffix(kind, "StateExited"), run); run != nil {
			run.Exited, run.Failed = e.Time, run.Failed && run.Error != nil
			t.place[e.ID] = place{in: t.byEvent(run.Parent), index: run.Index}
			return run
		}
	case kind == "ParallelStateStarted" || kind == "MapStateStarted":
		// A retry follows an event of a branch or iteration.
		for run != nil && run.Type != "Parallel" && run.Type != "Map" {
			run = t.byEvent(run.Parent)
		}
		if run != nil {
			run.Attempts++
		}
		t.place[e.ID] = place{run: run, in: run, index: -1}
		return run
	case kind == "ParallelStateFailed" || kind == "MapStateFailed":
		return t.innerFailed(e, run)
	case kind == "MapIterationStarted":
		owner := t.open(e.Name, "Map", run)
		t.place[e.ID] = place{in: owner, index: e.Index}
		return nil
	}
	if run != nil {
		t.outcome(run, e)
	}
	t.place[e.ID] = before
	return run
}

// innerFailed: a branch or iteration failed in the state inner, and with it the
// Parallel or Map state around.
func (t *Timeline) innerFailed(e *Event, inner *StateRun) *StateRun {
	run := inner
	for run != nil && EventType(run.Type+"StateFailed") != e.Type {
		run = t.byEvent(run.Parent)
	}
	if run != nil {
		run.Failed, run.Error, run.Cause = true, inner.Error, inner.Cause
		t.place[e.ID] = place{run: run, in: t.byEvent(run.Parent), index: run.Index}
	}
	return run
}

func (t *Timeline) enter(e *Event, before place) *StateRun {
	run := &StateRun{Name: e.Name, Type: strings.TrimSuffix(string(e.Type), "StateEntered"), Event: e.ID, Index: before.index, Entered: e.Time}
	if before.in != nil {
		run.Parent = before.in.Event
	}
	t.runs = append(t.runs, run)
	t.place[e.ID] = place{run: run, in: before.in, index: before.index}
	return run
}

// open finds the state of that name that was entered last and not left; guess is tried first.
func (t *Timeline) open(name, kind string, guess *StateRun) *StateRun {
	if guess != nil && guess.Name == name && guess.Type == kind && guess.Exited.IsZero() {
		return guess
	}
	for i := len(t.runs) - 1; i >= 0; i-- {
		if r := t.runs[i]; r.Name == name && r.Type == kind && r.Exited.IsZero() {
			return r
		}
	}
	return nil
}

func (t *Timeline) byEvent(id int64) *StateRun {
	if id == 0 {
		return nil
	}
	return t.place[id].run
}

// outcome notes attempts and failures.
func (t *Timeline) outcome(run *StateRun, e *Event) {
	kind := string(e.Type)
	switch {
	case strings.HasSuffix(kind, "Scheduled"):
		run.Attempts++
	case strings.HasSuffix(kind, "StateAborted"):
		run.Failed = true
	case strings.HasSuffix(kind, "Failed"), strings.HasSuffix(kind, "TimedOut"):
		if e.Error != nil || e.Cause != nil {
			run.Error, run.Cause = e.Error, e.Cause
		}
		run.Failed = true
	case strings.HasSuffix(kind, "Succeeded"):
		run.Failed, run.Error, run.Cause = false, nil, nil
	}
}
