package scheduler

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	api "stepwell/internal/awsapi/scheduler"
	"stepwell/internal/schedule"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// tick is the payload of a task that stands for one time of a schedule.
type tick struct {
	Account, Region, Group, Name, Plan string
	At                                 time.Time // the time that the expression names
}

// plan arranges for the schedule's first time; tasks of an earlier plan end when
// they come.
func (s *Service) plan(tx *store.Tx, x *entry) error {
	now := s.Clock.Now()
	x.Plan, x.Since = "", now
	if x.Start != nil {
		x.Since = *x.Start
	}
	if x.State != api.ScheduleStateEnabled {
		return nil
	}
	sc, err := x.parse()
	if err != nil {
		return err
	}
	x.Plan = s.IDs.UUID()
	after := now.Add(-1)
	switch {
	case sc.OneTime(): // StartDate is ignored; a time that has passed is now
		after = time.Time{}
	case x.Start != nil && x.Start.After(now):
		after = x.Start.Add(-1)
	}
	_, err = s.planNext(tx, x, sc, after)
	return err
}

func (x *entry) parse() (*schedule.Schedule, error) {
	zone, err := time.LoadLocation(x.Zone)
	if err != nil {
		return nil, fmt.Errorf("cannot read the time zone of %s: %w", x.ARN, err)
	}
	sc, err := schedule.Parse(x.Expression, zone)
	if err != nil {
		return nil, fmt.Errorf("cannot read the expression of %s: %w", x.ARN, err)
	}
	return sc, nil
}

// planNext submits the task of the first time after `after`. more is false where
// the schedule is complete: no time is left.
func (s *Service) planNext(tx *store.Tx, x *entry, sc *schedule.Schedule, after time.Time) (more bool, err error) {
	at, ok := sc.Next(x.Since, after)
	if !ok || x.End != nil && !sc.OneTime() && at.After(*x.End) {
		return false, nil
	}
	payload, err := json.Marshal(tick{x.Account, x.Region, x.Group, x.Name, x.Plan, at})
	if err != nil {
		return false, fmt.Errorf("cannot write a time of %s: %w", x.ARN, err)
	}
	return true, s.Work.Submit(tx, work.Task{Kind: TickKind, ID: x.Plan + "/" + at.Format(time.RFC3339Nano), RunAt: at.Add(x.delay(at)), Payload: payload, Caller: x.caller()})
}

// window is how long the flexible time window is, 0 without one.
func (x *entry) window() time.Duration {
	return time.Duration(value(x.Window.MaximumWindowInMinutes)) * time.Minute
}

// delay is how long after a time the target is invoked: some part of the flexible
// time window, the same whenever it is asked for.
func (x *entry) delay(at time.Time) time.Duration {
	window := x.window()
	if window == 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(x.Plan))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(at.UnixNano())))
	return time.Duration(h.Sum64() % uint64(window)).Truncate(time.Second)
}

// tick is the task of one time of a schedule. What a server that was down has missed
// comes once.
func (s *Service) tick(ctx context.Context, task *work.Task) error {
	var k tick
	if err := json.Unmarshal(task.Payload, &k); err != nil {
		return fmt.Errorf("cannot read the time %s: %w", task.ID, err)
	}
	now := s.Clock.Now()
	return s.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		x, ok, err := schedules.Get(tx, k.Account, k.Region, k.Group, k.Name)
		if err != nil || !ok || x.Plan != k.Plan {
			return err
		}
		sc, err := x.parse()
		if err != nil {
			return err
		}
		after := now
		if now.Sub(k.At) <= x.window() {
			after = k.At // times within the window of this one have windows of their own
		}
		more, err := s.planNext(tx, &x, sc, after)
		if err != nil {
			return err
		}
		i := invocation{Schedule: x.ARN, Group: x.Group, Name: x.Name, Plan: x.Plan, At: k.At, First: now, Target: x.Target, Last: !more}
		next, err := i.task(&x)
		if err != nil {
			return err
		}
		return s.Work.Submit(tx, next)
	})
}
