package events

import (
	"context"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

var (
	buses = store.NewTable[eventBus]("events_buses") // account, region, name; the default one where it has a policy or tags
	rules = store.NewTable[rule]("events_rules")     // account, region, bus, name
)

const defaultBus = "default"

type eventBus struct {
	ARN, Name string
	Policy    string            `json:",omitempty"`
	Tags      map[string]string `json:",omitempty"`
}

type rule struct {
	ARN, Name, Bus, Account, Region string
	Pattern, Schedule               string `json:",omitempty"`
	State                           string
	Description, Role               string            `json:",omitempty"`
	Tags                            map[string]string `json:",omitempty"`
	Targets                         []api.Target      `json:",omitempty"`
	Plan                            string            `json:",omitempty"` // names the tasks of the schedule in force
	Since                           time.Time         `json:",omitzero"`  // rates count from here
}

func (r *rule) put(tx *store.Tx) error {
	return rules.Put(tx, *r, r.Account, r.Region, r.Bus, r.Name)
}

func (r *rule) enabled() bool { return r.State != disabled }

const (
	enabled  = "ENABLED"
	disabled = "DISABLED"
)

// busAt reads the name or ARN of a bus: the caller becomes one of its account and
// region.
func busAt(ctx context.Context, name *string) (c bus.Caller, plain string) {
	c = bus.From(ctx)
	plain = value(name)
	if a, ok := bus.ParseARN(plain); ok {
		c.Account, c.Region = a.Account, a.Region
		plain = strings.TrimPrefix(a.Resource, "event-bus/")
	}
	if plain == "" {
		plain = defaultBus
	}
	return c, plain
}

func noBus(name string) *awserr.Error {
	return api.ResourceNotFoundException("Event bus %s does not exist.", name)
}

func noRule(name, bus string) *awserr.Error {
	return api.ResourceNotFoundException("Rule %s does not exist on EventBus %s.", name, bus)
}

// findBus reads a bus; the default one is always there.
func findBus(tx *store.Tx, c bus.Caller, name string) (eventBus, error) {
	b, ok, err := buses.Get(tx, c.Account, c.Region, name)
	if err != nil || ok {
		return b, err
	}
	if name != defaultBus {
		return b, noBus(name)
	}
	return eventBus{ARN: c.ARN("events", "event-bus/default"), Name: name}, nil
}

// changeRule runs f on a rule and keeps what it made of it.
func (s *Service) changeRule(ctx context.Context, name string, busName *string, f func(*store.Tx, *rule) error) error {
	c, on := busAt(ctx, busName)
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		r, ok, err := rules.Get(tx, c.Account, c.Region, on, name)
		if err != nil {
			return err
		}
		if !ok {
			return noRule(name, on)
		}
		if err := f(tx, &r); err != nil {
			return err
		}
		return r.put(tx)
	})
}
