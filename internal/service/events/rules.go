package events

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

var (
	buses = store.NewTable[eventBus]("events_buses") // account, region, name; the default one where it has a policy or tags
	rules = store.NewTable[rule]("events_rules")     // account, region, bus, name
)

const defaultBus = "default"

type eventBus struct {
	ARN, Name   string
	Policy      string            `json:",omitempty"`
	Description string            `json:",omitempty"`
	Tags        map[string]string `json:",omitempty"`
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

// compiled are the enabled rules of a bus that have a pattern.
type compiled struct {
	version  int64
	archives int64
	rules    []compiledRule
	keep     []compiledArchive
}

type compiledRule struct {
	rule    rule
	pattern *pattern
}

type compiledArchive struct {
	archive archive
	pattern *pattern // nil: every event
}

// listeners are the rules and archives of a bus.
func (s *Service) listeners(ctx context.Context, c bus.Caller, on string) (*compiled, error) {
	key := store.Key(c.Account, c.Region, on)
	now := compiled{version: rules.Version(s.Store), archives: archives.Version(s.Store)}
	if old, ok := s.cache.Load(key); ok {
		if old := old.(*compiled); old.version == now.version && old.archives == now.archives {
			return old, nil
		}
	}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := rules.List(tx, c.Account, c.Region, on)
		if err != nil {
			return err
		}
		for _, r := range all {
			if r.Pattern == "" || !r.enabled() || len(r.Targets) == 0 {
				continue
			}
			p, err := parsePattern(r.Pattern)
			if err != nil {
				return err
			}
			now.rules = append(now.rules, compiledRule{r, p})
		}
		kept, err := archives.List(tx, c.Account, c.Region)
		if err != nil {
			return err
		}
		for _, a := range kept {
			if a.Bus != on {
				continue
			}
			one := compiledArchive{archive: a}
			if a.Pattern != "" {
				if one.pattern, err = parsePattern(a.Pattern); err != nil {
					return err
				}
			}
			now.keep = append(now.keep, one)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the rules: %w", err)
	}
	s.cache.Store(key, &now)
	return &now, nil
}

// text is the event as targets get it.
func (e *Event) text() ([]byte, error) {
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	if err := w.Encode(e); err != nil {
		return nil, fmt.Errorf("cannot write event %s: %w", e.ID, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// publish gives events to the rules of a bus. It returns once the deliveries are
// durable. only restricts it to rules with these ARNs; nil: all.
func (s *Service) publish(ctx context.Context, c bus.Caller, on string, list []Event, only []string) error {
	heard, err := s.listeners(ctx, c, on)
	if err != nil || len(heard.rules) == 0 && len(heard.keep) == 0 {
		return err
	}
	now := s.Clock.Now()
	var tasks []work.Task
	var kept []archived
	for i := range list {
		text, err := list[i].text()
		if err != nil {
			return err
		}
		tree, err := decode(text)
		if err != nil {
			return fmt.Errorf("cannot read event %s: %w", list[i].ID, err)
		}
		object, _ := tree.(map[string]any)
		for j := range heard.rules {
			r := &heard.rules[j]
			if only != nil && !contains(only, r.rule.ARN) || !r.pattern.matches(object) {
				continue
			}
			more, err := r.rule.deliveries(c, &list[i], text, now)
			if err != nil {
				return err
			}
			tasks = append(tasks, more...)
		}
		for _, a := range heard.keep {
			if list[i].Replay == "" && (a.pattern == nil || a.pattern.matches(object)) {
				kept = append(kept, archived{Archive: a.archive.Name, Event: text, ID: list[i].ID, At: now})
			}
		}
	}
	if len(tasks) == 0 && len(kept) == 0 {
		return nil
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		for i := range kept {
			if err := kept[i].put(tx, c); err != nil {
				return err
			}
		}
		return s.submit(tx, tasks)
	})
}

func contains(list []string, x string) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

func (s *Service) submit(tx *store.Tx, tasks []work.Task) error {
	for _, t := range tasks {
		if err := s.Work.Submit(tx, t); err != nil {
			return err
		}
	}
	return nil
}

// deliveries are the tasks that bring an event to the rule's targets.
func (r *rule) deliveries(c bus.Caller, e *Event, text []byte, now time.Time) ([]work.Task, error) {
	var tasks []work.Task
	for _, t := range r.Targets {
		d := delivery{EventID: e.ID, Event: text, Rule: r.ARN, RuleName: r.Name, Target: t, Ingested: now, Forwarded: e.forwarded}
		task, err := d.task(c)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
}
