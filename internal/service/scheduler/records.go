package scheduler

import (
	"errors"
	"time"

	api "stepwell/internal/awsapi/scheduler"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

var (
	schedules = store.NewTable[entry]("scheduler_schedules") // account, region, group, name
	groups    = store.NewTable[group]("scheduler_groups")    // account, region, name
)

const (
	defaultGroup = "default"
	active       = api.ScheduleGroupStateActive
)

// group is a schedule group.
type group struct {
	ARN, Name string
	Created   time.Time
	Modified  time.Time
	Tags      map[string]string `json:",omitempty"`
	Token     string            `json:",omitempty"` // of the request that made it
}

// settings are what a request says of a schedule.
type settings struct {
	Expression, Zone string
	Description      *string    `json:",omitempty"`
	Start, End       *time.Time `json:",omitempty"`
	Window           api.FlexibleTimeWindow
	State            string
	Completion       string  // ActionAfterCompletion
	Key              *string `json:",omitempty"`
	Target           api.Target
}

// entry is a schedule and where it stands.
type entry struct {
	ARN, Name, Group, Account, Region string
	settings
	Created, Modified time.Time
	Token             string    `json:",omitempty"` // of the request that made it
	Since             time.Time // rates count from here
	Plan              string    `json:",omitempty"` // names the tasks in force; "" where nothing is to come
}

func (x *entry) put(tx *store.Tx) error {
	return schedules.Put(tx, *x, x.Account, x.Region, x.Group, x.Name)
}

func (x *entry) caller() bus.Caller {
	return bus.Caller{Account: x.Account, Region: x.Region, Source: "scheduler"}
}

// findGroup reads a group. The default one is made when it is first asked for in an
// Update.
func findGroup(tx *store.Tx, c bus.Caller, name string) (group, error) {
	g, ok, err := groups.Get(tx, c.Account, c.Region, name)
	if err == nil && !ok {
		err = noGroup(name)
	}
	return g, err
}

// ensureDefault makes the default group where it is not there yet.
func (s *Service) ensureDefault(tx *store.Tx, c bus.Caller) error {
	_, ok, err := groups.Get(tx, c.Account, c.Region, defaultGroup)
	if err != nil || ok {
		return err
	}
	now := s.Clock.Now()
	return groups.Put(tx, group{ARN: c.ARN("scheduler", "schedule-group/default"), Name: defaultGroup, Created: now, Modified: now}, c.Account, c.Region, defaultGroup)
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func or(p *string, usual string) string {
	if p == nil {
		return usual
	}
	return *p
}

// page lists records that a filter lets pass, in the order of their keys, 100 where
// the request does not say.
func page[T any](tx *store.Tx, t store.Table[T], token *string, limit *int64, fits func(*T) bool, prefix ...string) (list []T, next *string, err error) {
	list, next, err = paging.Read(func(after string, n int) ([]T, string, error) { return t.Page(tx, after, n, prefix...) },
		fits, token, paging.Size(limit, 100))
	if errors.Is(err, paging.ErrToken) {
		err = invalid("Invalid NextToken provided.")
	}
	return list, next, err
}
