package events

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

var (
	archives = store.NewTable[archive]("events_archives")     // account, region, name
	kept     = store.NewTable[archived]("events_archived")    // account, region, archive, time, event id
	replays  = store.NewTable[replayRecord]("events_replays") // account, region, name
)

// archive keeps the events of a bus.
type archive struct {
	ARN, Name, Bus, Source string
	Description, Pattern   string `json:",omitempty"`
	Days                   int64  `json:",omitempty"` // 0: for ever
	Created                time.Time
}

// archived is an event in an archive.
type archived struct {
	Archive, ID string
	Event       json.RawMessage
	At          time.Time
}

func (a *archived) put(tx *store.Tx, c bus.Caller) error {
	return kept.Put(tx, *a, c.Account, c.Region, a.Archive, a.At.UTC().Format("2006-01-02T15:04:05.000000000Z"), a.ID)
}

func noArchive(name string) error {
	return api.ResourceNotFoundException("Archive %s does not exist.", name)
}

func (s *Service) createArchive(ctx context.Context, in *api.CreateArchiveInput) (*api.CreateArchiveOutput, error) {
	c, on := busAt(ctx, in.EventSourceArn)
	a := archive{ARN: c.ARN("events", "archive/"+*in.ArchiveName), Name: *in.ArchiveName, Bus: on, Source: *in.EventSourceArn, Description: value(in.Description),
		Pattern: value(in.EventPattern), Days: value(in.RetentionDays), Created: s.Clock.Now()}
	if a.Pattern != "" {
		if _, err := parsePattern(a.Pattern); err != nil {
			return nil, err
		}
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := findBus(tx, c, on); err != nil {
			return err
		}
		_, ok, err := archives.Get(tx, c.Account, c.Region, a.Name)
		if err == nil && ok {
			err = api.ResourceAlreadyExistsException("Archive %s already exists.", a.Name)
		}
		if err != nil {
			return err
		}
		return archives.Put(tx, a, c.Account, c.Region, a.Name)
	})
	return &api.CreateArchiveOutput{ArchiveArn: &a.ARN, State: new(enabled), CreationTime: &a.Created}, err
}

func (s *Service) updateArchive(ctx context.Context, in *api.UpdateArchiveInput) (*api.UpdateArchiveOutput, error) {
	c := bus.From(ctx)
	if in.EventPattern != nil {
		if _, err := parsePattern(*in.EventPattern); err != nil {
			return nil, err
		}
	}
	out := &api.UpdateArchiveOutput{State: new(enabled)}
	return out, s.Store.Update(ctx, func(tx *store.Tx) error {
		a, ok, err := archives.Get(tx, c.Account, c.Region, *in.ArchiveName)
		if err == nil && !ok {
			err = noArchive(*in.ArchiveName)
		}
		if err != nil {
			return err
		}
		if in.Description != nil {
			a.Description = *in.Description
		}
		if in.EventPattern != nil {
			a.Pattern = *in.EventPattern
		}
		if in.RetentionDays != nil {
			a.Days = *in.RetentionDays
		}
		out.ArchiveArn, out.CreationTime = &a.ARN, &a.Created
		return archives.Put(tx, a, c.Account, c.Region, a.Name)
	})
}

// events are the events that an archive still keeps.
func (s *Service) archivedEvents(tx *store.Tx, c bus.Caller, a *archive) (list []archived, size int64, err error) {
	all, err := kept.List(tx, c.Account, c.Region, a.Name)
	for _, e := range all {
		if a.Days > 0 && s.Clock.Now().Sub(e.At) > time.Duration(a.Days)*24*time.Hour {
			continue
		}
		list, size = append(list, e), size+int64(len(e.Event))
	}
	return list, size, err
}

func (s *Service) describeArchive(ctx context.Context, in *api.DescribeArchiveInput) (*api.DescribeArchiveOutput, error) {
	c := bus.From(ctx)
	out := &api.DescribeArchiveOutput{State: new(enabled)}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		a, ok, err := archives.Get(tx, c.Account, c.Region, *in.ArchiveName)
		if err == nil && !ok {
			err = noArchive(*in.ArchiveName)
		}
		if err != nil {
			return err
		}
		list, size, err := s.archivedEvents(tx, c, &a)
		out.ArchiveArn, out.ArchiveName, out.EventSourceArn, out.CreationTime = &a.ARN, &a.Name, &a.Source, &a.Created
		out.Description, out.EventPattern, out.RetentionDays = optional(a.Description), optional(a.Pattern), &a.Days
		out.EventCount, out.SizeBytes = new(int64(len(list))), &size
		return err
	})
}

func (s *Service) listArchives(ctx context.Context, in *api.ListArchivesInput) (*api.ListArchivesOutput, error) {
	c := bus.From(ctx)
	out := &api.ListArchivesOutput{Archives: []api.Archive{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, archives, in.NextToken, in.Limit, c, func(a *archive) bool {
			return strings.HasPrefix(a.Name, value(in.NamePrefix)) && (in.EventSourceArn == nil || *in.EventSourceArn == a.Source) &&
				(in.State == nil || *in.State == enabled)
		})
		if err != nil {
			return err
		}
		for _, a := range list {
			events, size, err := s.archivedEvents(tx, c, &a)
			if err != nil {
				return err
			}
			out.Archives = append(out.Archives, api.Archive{ArchiveName: &a.Name, EventSourceArn: &a.Source, State: new(enabled), RetentionDays: &a.Days,
				SizeBytes: &size, EventCount: new(int64(len(events))), CreationTime: &a.Created})
		}
		out.NextToken = next
		return nil
	})
}

func (s *Service) deleteArchive(ctx context.Context, in *api.DeleteArchiveInput) (*api.DeleteArchiveOutput, error) {
	c := bus.From(ctx)
	return &api.DeleteArchiveOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		ok, err := archives.Delete(tx, c.Account, c.Region, *in.ArchiveName)
		if err == nil && !ok {
			err = noArchive(*in.ArchiveName)
		}
		if err != nil {
			return err
		}
		return kept.DeleteAll(tx, c.Account, c.Region, *in.ArchiveName)
	})
}

// replayRecord is a replay: events of an archive put on a bus again.
type replayRecord struct {
	ARN, Name, Archive, Source string
	Description                string `json:",omitempty"`
	Bus, Destination           string
	Filter                     []string `json:",omitempty"`
	From, To                   time.Time
	State                      string
	Started                    time.Time
	Ended                      time.Time `json:",omitzero"`
	Last                       time.Time `json:",omitzero"` // time of the last event that was replayed
	LastID                     string    `json:",omitempty"`
}

const (
	replayRunning   = "RUNNING"
	replayCompleted = "COMPLETED"
	replayCancelled = "CANCELLED"
)

func noReplay(name string) error {
	return api.ResourceNotFoundException("Replay %s does not exist.", name)
}

func (s *Service) startReplay(ctx context.Context, in *api.StartReplayInput) (*api.StartReplayOutput, error) {
	c := bus.From(ctx)
	a, ok := bus.ParseARN(*in.EventSourceArn)
	name, isArchive := strings.CutPrefix(a.Resource, "archive/")
	if !ok || !isArchive {
		return nil, validation("Parameter EventSourceArn is not valid. Reason: Must be an archive ARN.")
	}
	if !in.EventEndTime.After(*in.EventStartTime) {
		return nil, validation("Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
	}
	_, on := busAt(ctx, in.Destination.Arn)
	r := replayRecord{ARN: c.ARN("events", "replay/"+*in.ReplayName), Name: *in.ReplayName, Archive: name, Source: *in.EventSourceArn,
		Description: value(in.Description), Bus: on, Destination: *in.Destination.Arn, Filter: in.Destination.FilterArns,
		From: *in.EventStartTime, To: *in.EventEndTime, State: replayRunning, Started: s.Clock.Now()}
	payload, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("cannot write a replay: %w", err)
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		from, ok, err := archives.Get(tx, c.Account, c.Region, name)
		if err == nil && !ok {
			err = validation("Parameter EventSourceArn is not valid. Reason: Archive %s does not exist.", name)
		}
		if err == nil && from.Bus != on {
			err = validation("Parameter Destination.Arn is not valid. Reason: Must contain the same event bus as the source archive.")
		}
		if err != nil {
			return err
		}
		_, ok, err = replays.Get(tx, c.Account, c.Region, r.Name)
		if err == nil && ok {
			err = api.ResourceAlreadyExistsException("Replay %s already exists.", r.Name)
		}
		if err != nil {
			return err
		}
		if err := replays.Put(tx, r, c.Account, c.Region, r.Name); err != nil {
			return err
		}
		return s.Work.Submit(tx, work.Task{Kind: ReplayKind, ID: r.ARN, Payload: payload, Caller: bus.Caller{Account: c.Account, Region: c.Region, Source: "events"}})
	})
	return &api.StartReplayOutput{ReplayArn: &r.ARN, State: new("STARTING"), ReplayStartTime: &r.Started}, err
}

// replay is the task of a replay. One that a server left begins again after the
// last event that it had put.
func (s *Service) replay(ctx context.Context, task *work.Task) error {
	var r replayRecord
	if err := json.Unmarshal(task.Payload, &r); err != nil {
		return fmt.Errorf("cannot read replay %s: %w", task.ID, err)
	}
	c := task.Caller
	var list []archived
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		a, ok, err := archives.Get(tx, c.Account, c.Region, r.Archive)
		if err != nil || !ok {
			return err
		}
		if now, ok, err := replays.Get(tx, c.Account, c.Region, r.Name); err != nil || !ok {
			return err
		} else {
			r = now
		}
		list, _, err = s.archivedEvents(tx, c, &a)
		return err
	})
	if err != nil {
		return err
	}
	var due []archived
	for _, e := range list {
		done := e.At.Before(r.Last) || e.At.Equal(r.Last) && e.ID <= r.LastID
		if !done && !e.At.Before(r.From) && e.At.Before(r.To) {
			due = append(due, e)
		}
	}
	for part := range slices.Chunk(due, replayed) {
		if err := context.Cause(ctx); err == work.ErrCancelled {
			r.State = replayCancelled
			break
		} else if err != nil {
			return err
		}
		if err := s.putAgain(ctx, c, &r, part); err != nil {
			return err
		}
	}
	if r.State == replayRunning {
		r.State = replayCompleted
	}
	r.Ended = s.Clock.Now()
	return s.Store.Keep(context.WithoutCancel(ctx), func(tx *store.Tx) error { return replays.Put(tx, r, c.Account, c.Region, r.Name) })
}

// replayed is how many events a replay puts in one transaction.
const replayed = 100

// putAgain puts archived events on their bus and notes, with them, how far the replay
// has come.
func (s *Service) putAgain(ctx context.Context, c bus.Caller, r *replayRecord, part []archived) error {
	heard, err := s.listeners(ctx, c, r.Bus)
	if err != nil {
		return err
	}
	list := make([]Event, len(part))
	for i := range part {
		if err := json.Unmarshal(part[i].Event, &list[i]); err != nil {
			return fmt.Errorf("cannot read event %s: %w", part[i].ID, err)
		}
		list[i].Replay = r.Name
	}
	o, err := s.route(heard, c, list, r.Filter)
	if err != nil {
		return err
	}
	last := &part[len(part)-1]
	r.Last, r.LastID = last.At, last.ID
	return s.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := s.hold(tx, o); err != nil {
			return err
		}
		return replays.Put(tx, *r, c.Account, c.Region, r.Name)
	})
}

func (s *Service) describeReplay(ctx context.Context, in *api.DescribeReplayInput) (*api.DescribeReplayOutput, error) {
	c := bus.From(ctx)
	var r replayRecord
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		var ok bool
		if r, ok, err = replays.Get(tx, c.Account, c.Region, *in.ReplayName); err == nil && !ok {
			err = noReplay(*in.ReplayName)
		}
		return err
	})
	return &api.DescribeReplayOutput{ReplayName: &r.Name, ReplayArn: &r.ARN, Description: optional(r.Description), State: &r.State, EventSourceArn: &r.Source,
		Destination: &api.ReplayDestination{Arn: &r.Destination, FilterArns: r.Filter}, EventStartTime: &r.From, EventEndTime: &r.To,
		EventLastReplayedTime: moment(r.Last), ReplayStartTime: &r.Started, ReplayEndTime: moment(r.Ended)}, err
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *Service) listReplays(ctx context.Context, in *api.ListReplaysInput) (*api.ListReplaysOutput, error) {
	c := bus.From(ctx)
	out := &api.ListReplaysOutput{Replays: []api.Replay{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, replays, in.NextToken, in.Limit, c, func(r *replayRecord) bool {
			return strings.HasPrefix(r.Name, value(in.NamePrefix)) && (in.EventSourceArn == nil || *in.EventSourceArn == r.Source) &&
				(in.State == nil || *in.State == r.State)
		})
		for _, r := range list {
			out.Replays = append(out.Replays, api.Replay{ReplayName: &r.Name, EventSourceArn: &r.Source, State: &r.State, EventStartTime: &r.From,
				EventEndTime: &r.To, EventLastReplayedTime: moment(r.Last), ReplayStartTime: &r.Started, ReplayEndTime: moment(r.Ended)})
		}
		out.NextToken = next
		return err
	})
}

func (s *Service) cancelReplay(ctx context.Context, in *api.CancelReplayInput) (*api.CancelReplayOutput, error) {
	c := bus.From(ctx)
	arn := c.ARN("events", "replay/"+*in.ReplayName)
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		r, ok, err := replays.Get(tx, c.Account, c.Region, *in.ReplayName)
		if err == nil && !ok {
			err = noReplay(*in.ReplayName)
		}
		if err == nil && r.State != replayRunning {
			err = api.IllegalStatusException("Replay %s is not in a valid state for this operation.", *in.ReplayName)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.Work.Cancel(ReplayKind, arn)
	return &api.CancelReplayOutput{ReplayArn: &arn, State: new("CANCELLING")}, nil
}
