package scheduler

import (
	"context"
	"strings"
	"time"

	api "stepwell/internal/awsapi/scheduler"
	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/schedule"
	"stepwell/internal/store"
)

func (s *Service) createSchedule(ctx context.Context, in *api.CreateScheduleInput) (*api.CreateScheduleOutput, error) {
	c, now := bus.From(ctx), s.Clock.Now()
	x := entry{Name: *in.Name, Group: or(in.GroupName, defaultGroup), Account: c.Account, Region: c.Region, Created: now, Modified: now, Token: value(in.ClientToken)}
	x.ARN = c.ARN("scheduler", "schedule/"+x.Group+"/"+x.Name)
	var err error
	if x.settings, err = s.settings(in, now); err != nil {
		return nil, err
	}
	return &api.CreateScheduleOutput{ScheduleArn: &x.ARN}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := s.ensureDefault(tx, c); err != nil {
			return err
		}
		if _, err := findGroup(tx, c, x.Group); err != nil {
			return err
		}
		old, ok, err := schedules.Get(tx, c.Account, c.Region, x.Group, x.Name)
		if err != nil {
			return err
		}
		if ok {
			if x.Token != "" && old.Token == x.Token {
				return nil // the same request again
			}
			return scheduleExists(x.Name)
		}
		if err := s.plan(tx, &x); err != nil {
			return err
		}
		return x.put(tx)
	})
}

// updateSchedule replaces all settings; what the request does not say becomes the
// default again ("UpdateSchedule", API reference).
func (s *Service) updateSchedule(ctx context.Context, in *api.UpdateScheduleInput) (*api.UpdateScheduleOutput, error) {
	c, now := bus.From(ctx), s.Clock.Now()
	next, err := s.settings((*api.CreateScheduleInput)(in), now)
	if err != nil {
		return nil, err
	}
	out := &api.UpdateScheduleOutput{}
	return out, s.Store.Update(ctx, func(tx *store.Tx) error {
		x, err := find(tx, c, or(in.GroupName, defaultGroup), *in.Name)
		if err != nil {
			return err
		}
		anew := !x.sameTimes(&next)
		x.settings, x.Modified, x.Token = next, now, value(in.ClientToken)
		out.ScheduleArn = &x.ARN
		if anew {
			if err := s.plan(tx, &x); err != nil {
				return err
			}
		}
		return x.put(tx)
	})
}

// sameTimes reports whether settings leave the times of the schedule as they are.
func (x *settings) sameTimes(y *settings) bool {
	same := func(a, b *time.Time) bool { return a == nil && b == nil || a != nil && b != nil && a.Equal(*b) }
	return x.Expression == y.Expression && x.Zone == y.Zone && x.State == y.State && same(x.Start, y.Start) && same(x.End, y.End) &&
		value(x.Window.MaximumWindowInMinutes) == value(y.Window.MaximumWindowInMinutes)
}

// find reads a schedule.
func find(tx *store.Tx, c bus.Caller, group, name string) (entry, error) {
	x, ok, err := schedules.Get(tx, c.Account, c.Region, group, name)
	if err == nil && !ok {
		err = noSchedule(name)
	}
	return x, err
}

// early is how far in the past a StartDate may be.
const early = 5 * time.Minute

// settings checks what a request says of a schedule and fills in the defaults.
func (s *Service) settings(in *api.CreateScheduleInput, now time.Time) (settings, error) {
	x := settings{
		Expression: *in.ScheduleExpression, Zone: or(in.ScheduleExpressionTimezone, "UTC"), Description: in.Description, Start: in.StartDate, End: in.EndDate,
		Window: *in.FlexibleTimeWindow, State: or(in.State, api.ScheduleStateEnabled), Completion: or(in.ActionAfterCompletion, api.ActionAfterCompletionNone),
		Key: in.KmsKeyArn, Target: *in.Target,
	}
	zone, err := time.LoadLocation(x.Zone)
	if err != nil || x.Zone == "Local" {
		return x, invalid("Invalid Schedule Expression Timezone %s.", x.Zone)
	}
	sc, err := schedule.Parse(x.Expression, zone)
	if err != nil {
		return x, invalid("Invalid Schedule Expression %s.", x.Expression)
	}
	flexible := *x.Window.Mode == api.FlexibleTimeWindowModeFlexible
	switch {
	case flexible && x.Window.MaximumWindowInMinutes == nil:
		return x, invalid("MaximumWindowInMinutes must be provided when FlexibleTimeWindow Mode is FLEXIBLE.")
	case !flexible && x.Window.MaximumWindowInMinutes != nil:
		return x, invalid("MaximumWindowInMinutes must not be provided when FlexibleTimeWindow Mode is OFF.")
	case sc.OneTime(): // StartDate and EndDate are ignored
	case x.Start != nil && x.Start.Before(now.Add(-early)):
		return x, invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
	case x.End != nil && x.End.Before(now):
		return x, invalid("The EndDate you specify cannot be in the past.")
	case x.Start != nil && x.End != nil && !x.Start.Before(*x.End):
		return x, invalid("The StartDate you specify must be before the EndDate.")
	}
	if err := s.checkTarget(&x.Target); err != nil {
		return x, err
	}
	given := x.Target.RetryPolicy
	if given == nil {
		given = &api.RetryPolicy{}
	}
	p := notify.NewPolicy(given.MaximumRetryAttempts, given.MaximumEventAgeInSeconds)
	x.Target.RetryPolicy = &api.RetryPolicy{MaximumRetryAttempts: &p.Retries, MaximumEventAgeInSeconds: new(int64(p.Age / time.Second))}
	return x, nil
}

func (s *Service) deleteSchedule(ctx context.Context, in *api.DeleteScheduleInput) (*api.DeleteScheduleOutput, error) {
	c := bus.From(ctx)
	return &api.DeleteScheduleOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		ok, err := schedules.Delete(tx, c.Account, c.Region, or(in.GroupName, defaultGroup), *in.Name)
		if err == nil && !ok {
			err = noSchedule(*in.Name)
		}
		return err
	})
}

func (s *Service) getSchedule(ctx context.Context, in *api.GetScheduleInput) (*api.GetScheduleOutput, error) {
	var x entry
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		x, err = find(tx, bus.From(ctx), or(in.GroupName, defaultGroup), *in.Name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetScheduleOutput{
		Arn: &x.ARN, Name: &x.Name, GroupName: &x.Group, CreationDate: &x.Created, LastModificationDate: &x.Modified,
		ScheduleExpression: &x.Expression, ScheduleExpressionTimezone: &x.Zone, Description: x.Description, StartDate: x.Start, EndDate: x.End,
		FlexibleTimeWindow: &x.Window, State: &x.State, ActionAfterCompletion: &x.Completion, KmsKeyArn: x.Key, Target: &x.Target,
	}, nil
}

func (s *Service) listSchedules(ctx context.Context, in *api.ListSchedulesInput) (*api.ListSchedulesOutput, error) {
	c := bus.From(ctx)
	prefix := []string{c.Account, c.Region}
	if in.GroupName != nil {
		if _, err := s.group(ctx, *in.GroupName); err != nil {
			return nil, err
		}
		prefix = append(prefix, *in.GroupName)
	}
	out := &api.ListSchedulesOutput{Schedules: []api.ScheduleSummary{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, schedules, in.NextToken, in.MaxResults, func(x *entry) bool {
			return strings.HasPrefix(x.Name, value(in.NamePrefix)) && (in.State == nil || *in.State == x.State)
		}, prefix...)
		for i := range list {
			x := &list[i]
			out.Schedules = append(out.Schedules, api.ScheduleSummary{Arn: &x.ARN, Name: &x.Name, GroupName: &x.Group, State: &x.State,
				CreationDate: &x.Created, LastModificationDate: &x.Modified, Target: &api.TargetSummary{Arn: x.Target.Arn}})
		}
		out.NextToken = next
		return err
	})
}
