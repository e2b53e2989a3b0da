package events

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// compiled are the enabled rules of a bus that have a pattern, and its archives, at
// some version of their tables.
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

func (h *compiled) nobody() bool { return len(h.rules)+len(h.keep) == 0 }

// known are the listeners of a bus as they were last read, where no rule and no
// archive has changed since.
func (s *Service) known(c bus.Caller, on string) (heard *compiled, ok bool) {
	old, ok := s.cache.Load(store.Key(c.Account, c.Region, on))
	if !ok {
		return nil, false
	}
	heard = old.(*compiled)
	return heard, heard.version == rules.Version(s.Store) && heard.archives == archives.Version(s.Store)
}

// listeners are the rules and archives of a bus.
func (s *Service) listeners(ctx context.Context, c bus.Caller, on string) (heard *compiled, err error) {
	if heard, ok := s.known(c, on); ok {
		return heard, nil
	}
	version, kept := rules.Version(s.Store), archives.Version(s.Store)
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		heard, err = compile(tx, c, on)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the rules: %w", err)
	}
	heard.version, heard.archives = version, kept
	if on == defaultBus || !heard.nobody() { // names of buses that do not exist are without end
		s.cache.Store(store.Key(c.Account, c.Region, on), heard)
	}
	return heard, nil
}

// listenersIn are the listeners of a bus as an Update sees them. They are remembered
// once it is durable.
func (s *Service) listenersIn(tx *store.Tx, c bus.Caller, on string) (*compiled, error) {
	if heard, ok := s.known(c, on); ok {
		return heard, nil
	}
	version, kept := rules.Version(s.Store), archives.Version(s.Store)
	heard, err := compile(tx, c, on)
	if err != nil {
		return nil, fmt.Errorf("cannot read the rules: %w", err)
	}
	heard.version, heard.archives = version, kept
	tx.AfterCommit(func() { s.cache.Store(store.Key(c.Account, c.Region, on), heard) })
	return heard, nil
}

func compile(tx *store.Tx, c bus.Caller, on string) (*compiled, error) {
	heard := &compiled{}
	all, err := rules.List(tx, c.Account, c.Region, on)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Pattern == "" || !r.enabled() || len(r.Targets) == 0 {
			continue
		}
		p, err := parsePattern(r.Pattern)
		if err != nil {
			return nil, err
		}
		heard.rules = append(heard.rules, compiledRule{r, p})
	}
	kept, err := archives.List(tx, c.Account, c.Region)
	if err != nil {
		return nil, err
	}
	for _, a := range kept {
		if a.Bus != on {
			continue
		}
		one := compiledArchive{archive: a}
		if a.Pattern != "" {
			if one.pattern, err = parsePattern(a.Pattern); err != nil {
				return nil, err
			}
		}
		heard.keep = append(heard.keep, one)
	}
	return heard, nil
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

// outcome is what becomes of events on a bus: deliveries, and copies for archives.
type outcome struct {
	caller bus.Caller
	tasks  []work.Task
	kept   []archived
}

// route finds out what the listeners of a bus make of events. only restricts it to
// rules with these ARNs; nil: all.
func (s *Service) route(heard *compiled, c bus.Caller, list []Event, only []string) (*outcome, error) {
	o, now := &outcome{caller: c}, s.Clock.Now()
	matched := make([][]item, len(heard.rules))
	for i := range list {
		text, err := list[i].text()
		if err != nil {
			return nil, err
		}
		tree, err := decode(text)
		if err != nil {
			return nil, fmt.Errorf("cannot read event %s: %w", list[i].ID, err)
		}
		object, _ := tree.(map[string]any)
		for j := range heard.rules {
			r := &heard.rules[j]
			if (only == nil || slices.Contains(only, r.rule.ARN)) && r.pattern.matches(object) {
				matched[j] = append(matched[j], item{list[i].ID, text, list[i].forwarded, list[i].Replay})
			}
		}
		for _, a := range heard.keep {
			if list[i].Replay == "" && (a.pattern == nil || a.pattern.matches(object)) {
				o.kept = append(o.kept, archived{Archive: a.archive.Name, Event: text, ID: list[i].ID, At: now})
			}
		}
	}
	for j := range heard.rules {
		more, err := heard.rules[j].rule.deliveries(c, matched[j], now)
		if err != nil {
			return nil, err
		}
		o.tasks = append(o.tasks, more...)
	}
	return o, nil
}

// hold makes an outcome part of a transaction.
func (s *Service) hold(tx *store.Tx, o *outcome) error {
	for i := range o.kept {
		if err := o.kept[i].put(tx, o.caller); err != nil {
			return err
		}
	}
	return s.submit(tx, o.tasks)
}

// publish gives events to the rules of a bus. It returns once the deliveries are
// durable.
func (s *Service) publish(ctx context.Context, c bus.Caller, on string, list []Event, only []string) error {
	heard, err := s.listeners(ctx, c, on)
	if err != nil || heard.nobody() {
		return err
	}
	o, err := s.route(heard, c, list, only)
	if err != nil || len(o.tasks)+len(o.kept) == 0 {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error { return s.hold(tx, o) })
}

func (s *Service) submit(tx *store.Tx, tasks []work.Task) error {
	for _, t := range tasks {
		if err := s.Work.Submit(tx, t); err != nil {
			return err
		}
	}
	return nil
}

// Emission is an event of an AWS service for the default bus of an account and
// region.
type Emission struct {
	Account, Region    string
	Source, DetailType string // "aws.states", "Step Functions Execution Status Change"
	Resources          []string
	At                 time.Time // zero: now
	// Detail makes the detail, a JSON object; it is asked only where somebody listens.
	Detail func() (json.RawMessage, error)
}

// EmitIn puts an event on the bus together with the change that it tells of: it is
// delivered if and only if tx becomes durable.
func (s *Service) EmitIn(tx *store.Tx, m Emission) error {
	c := bus.Caller{Account: m.Account, Region: m.Region}
	heard, err := s.listenersIn(tx, c, defaultBus)
	if err != nil || heard.nobody() && s.Received == nil {
		return err
	}
	list, err := s.emitted(c, &m)
	if err != nil {
		return err
	}
	o, err := s.route(heard, c, list, nil)
	if err != nil {
		return err
	}
	if s.Received != nil {
		tx.AfterCommit(func() { s.Received(bus.With(context.Background(), c), list[0]) })
	}
	return s.hold(tx, o)
}

// Emit puts an event of the caller's account and region on the bus and does not wait
// until it is there: a kill can lose it. Services that can use EmitIn or EmitNow.
func (s *Service) Emit(ctx context.Context, source, detailType string, resources []string, detail func() (json.RawMessage, error)) {
	if s.Store == nil {
		return
	}
	c := bus.From(ctx)
	m := Emission{Account: c.Account, Region: c.Region, Source: source, DetailType: detailType, Resources: resources, At: s.Clock.Now(), Detail: detail}
	done := s.Clock.Busy()
	go func() {
		defer done()
		if err := s.EmitNow(context.WithoutCancel(ctx), m); err != nil {
			s.Log.Error("event was not put", "source", source, "type", detailType, "error", err)
		}
	}()
}

// EmitNow puts an event on the bus and returns once its deliveries are durable, for
// services whose changes are no transaction.
func (s *Service) EmitNow(ctx context.Context, m Emission) error {
	c := bus.Caller{Account: m.Account, Region: m.Region}
	heard, err := s.listeners(ctx, c, defaultBus)
	if err != nil || heard.nobody() && s.Received == nil {
		return err
	}
	list, err := s.emitted(c, &m)
	if err != nil {
		return err
	}
	return s.receive(bus.With(ctx, c), c, defaultBus, list)
}

func (s *Service) emitted(c bus.Caller, m *Emission) ([]Event, error) {
	detail, err := m.Detail()
	if err != nil {
		return nil, fmt.Errorf("cannot write the detail of an event of %s: %w", m.Source, err)
	}
	at := m.At
	if at.IsZero() {
		at = s.Clock.Now()
	}
	return []Event{s.event(bus.With(context.Background(), c), m.Source, m.DetailType, at, m.Resources, detail)}, nil
}
