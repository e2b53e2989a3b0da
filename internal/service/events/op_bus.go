package events

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

var busName = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,256}$`)

func (s *Service) createEventBus(ctx context.Context, in *api.CreateEventBusInput) (*api.CreateEventBusOutput, error) {
	c := bus.From(ctx)
	if in.EventSourceName != nil {
		return nil, awserr.NotImplemented("events:CreateEventBus for a partner event source")
	}
	if !busName.MatchString(*in.Name) {
		return nil, validation("Parameter Name is not valid. Reason: Event bus name must not contain '/'.")
	}
	if err := checkTags(c, in.Tags); err != nil {
		return nil, err
	}
	b := eventBus{ARN: c.ARN("events", "event-bus/"+*in.Name), Name: *in.Name, Tags: tagged(nil, in.Tags)}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		_, err := findBus(tx, c, b.Name)
		if err == nil {
			return api.ResourceAlreadyExistsException("Event bus %s already exists.", b.Name)
		}
		if e := awserr.From(err); e == nil {
			return err
		}
		return buses.Put(tx, b, c.Account, c.Region, b.Name)
	})
	return &api.CreateEventBusOutput{EventBusArn: &b.ARN}, err
}

func (s *Service) deleteEventBus(ctx context.Context, in *api.DeleteEventBusInput) (*api.DeleteEventBusOutput, error) {
	c, name := busAt(ctx, in.Name)
	if name == defaultBus {
		return nil, validation("Cannot delete event bus default.")
	}
	return &api.DeleteEventBusOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		left, err := rules.List(tx, c.Account, c.Region, name)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			return validation("Event bus %s still has rules.", name)
		}
		_, err = buses.Delete(tx, c.Account, c.Region, name)
		return err
	})
}

func (s *Service) describeEventBus(ctx context.Context, in *api.DescribeEventBusInput) (*api.DescribeEventBusOutput, error) {
	c, name := busAt(ctx, in.Name)
	var b eventBus
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		b, err = findBus(tx, c, name)
		return err
	})
	return &api.DescribeEventBusOutput{Name: &b.Name, Arn: &b.ARN, Policy: optional(b.Policy)}, err
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *Service) listEventBuses(ctx context.Context, in *api.ListEventBusesInput) (*api.ListEventBusesOutput, error) {
	c := bus.From(ctx)
	out := &api.ListEventBusesOutput{EventBuses: []api.EventBus{}}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, buses, in.NextToken, in.Limit, c, func(b *eventBus) bool {
			return b.Name != defaultBus && strings.HasPrefix(b.Name, value(in.NamePrefix))
		})
		if err != nil {
			return err
		}
		if in.NextToken == nil && strings.HasPrefix(defaultBus, value(in.NamePrefix)) {
			b, err := findBus(tx, c, defaultBus)
			if err != nil {
				return err
			}
			list = append([]eventBus{b}, list...)
		}
		for _, b := range list {
			out.EventBuses = append(out.EventBuses, api.EventBus{Name: &b.Name, Arn: &b.ARN, Policy: optional(b.Policy)})
		}
		out.NextToken = next
		return nil
	})
	return out, err
}

// busPolicy is the access policy of a bus.
type busPolicy struct {
	Version   string
	Statement []json.RawMessage
}

func (s *Service) changeBus(ctx context.Context, name *string, f func(*eventBus) error) error {
	c, plain := busAt(ctx, name)
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		b, err := findBus(tx, c, plain)
		if err != nil {
			return err
		}
		if err := f(&b); err != nil {
			return err
		}
		return buses.Put(tx, b, c.Account, c.Region, b.Name)
	})
}

func (s *Service) putPermission(ctx context.Context, in *api.PutPermissionInput) (*api.PutPermissionOutput, error) {
	return &api.PutPermissionOutput{}, s.changeBus(ctx, in.EventBusName, func(b *eventBus) error {
		if in.Policy != nil {
			if !json.Valid([]byte(*in.Policy)) {
				return validation("The policy is not valid JSON.")
			}
			b.Policy = *in.Policy
			return nil
		}
		if in.StatementId == nil || in.Principal == nil || in.Action == nil {
			return validation("StatementId, Principal and Action, or Policy must be specified.")
		}
		var principal any = map[string]string{"AWS": "arn:aws:iam::" + *in.Principal + ":root"}
		if *in.Principal == "*" {
			principal = "*"
		}
		st := map[string]any{"Sid": *in.StatementId, "Effect": "Allow", "Principal": principal, "Action": *in.Action, "Resource": b.ARN}
		if k := in.Condition; k != nil {
			st["Condition"] = map[string]any{*k.Type: map[string]string{*k.Key: *k.Value}}
		}
		text, err := json.Marshal(st)
		if err != nil {
			return fmt.Errorf("cannot write the policy: %w", err)
		}
		return b.changePolicy(func(p *busPolicy) error {
			p.Statement = append(p.drop(*in.StatementId), text)
			return nil
		})
	})
}

func (s *Service) removePermission(ctx context.Context, in *api.RemovePermissionInput) (*api.RemovePermissionOutput, error) {
	return &api.RemovePermissionOutput{}, s.changeBus(ctx, in.EventBusName, func(b *eventBus) error {
		if value(in.RemoveAllPermissions) {
			b.Policy = ""
			return nil
		}
		return b.changePolicy(func(p *busPolicy) error {
			left := p.drop(value(in.StatementId))
			if len(left) == len(p.Statement) {
				return api.ResourceNotFoundException("Statement with the provided id does not exist.")
			}
			p.Statement = left
			return nil
		})
	})
}

// drop are the statements without the one of that id.
func (p *busPolicy) drop(id string) (left []json.RawMessage) {
	for _, text := range p.Statement {
		var st struct{ Sid string }
		if json.Unmarshal(text, &st) != nil || st.Sid != id {
			left = append(left, text)
		}
	}
	return left
}

func (b *eventBus) changePolicy(f func(*busPolicy) error) error {
	p := busPolicy{Version: "2012-10-17"}
	if b.Policy != "" {
		if err := json.Unmarshal([]byte(b.Policy), &p); err != nil {
			return fmt.Errorf("cannot read the policy of %s: %w", b.ARN, err)
		}
	}
	if err := f(&p); err != nil {
		return err
	}
	if b.Policy = ""; len(p.Statement) > 0 {
		text, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("cannot write the policy: %w", err)
		}
		b.Policy = string(text)
	}
	return nil
}

// tagged adds tags.
func tagged(to map[string]string, tags []api.Tag) map[string]string {
	to = maps.Clone(to)
	for _, t := range tags {
		if to == nil {
			to = map[string]string{}
		}
		to[*t.Key] = *t.Value
	}
	return to
}

// checkTags refuses tags that only AWS gives.
func checkTags(c bus.Caller, tags []api.Tag) error {
	for _, t := range tags {
		if c.ReservedTag(*t.Key) {
			return validation(bus.ReservedTags)
		}
	}
	return nil
}

// changeTags runs f on the tags of a rule or a bus.
func (s *Service) changeTags(ctx context.Context, arn string, f func(map[string]string) map[string]string) error {
	a, ok := bus.ParseARN(arn)
	kind, name, named := strings.Cut(a.Resource, "/")
	if !ok || a.Service != "events" || !named {
		return validation("Parameter ResourceARN is not valid.")
	}
	ctx = bus.With(ctx, bus.Caller{Account: a.Account, Region: a.Region, Principal: bus.From(ctx).Principal})
	switch kind {
	case "event-bus":
		return s.changeBus(ctx, &name, func(b *eventBus) error {
			b.Tags = f(b.Tags)
			return nil
		})
	case "rule":
		on := defaultBus
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			on, name = name[:i], name[i+1:]
		}
		return s.changeRule(ctx, name, &on, func(_ *store.Tx, r *rule) error {
			r.Tags = f(r.Tags)
			return nil
		})
	}
	return validation("Parameter ResourceARN is not valid.")
}

func (s *Service) tagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := checkTags(bus.From(ctx), in.Tags); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, s.changeTags(ctx, *in.ResourceARN, func(tags map[string]string) map[string]string { return tagged(tags, in.Tags) })
}

func (s *Service) untagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.changeTags(ctx, *in.ResourceARN, func(tags map[string]string) map[string]string {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		return tags
	})
}

func (s *Service) listTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	out := &api.ListTagsForResourceOutput{Tags: []api.Tag{}}
	err := s.changeTags(ctx, *in.ResourceARN, func(tags map[string]string) map[string]string {
		for _, k := range slices.Sorted(maps.Keys(tags)) {
			out.Tags = append(out.Tags, api.Tag{Key: new(k), Value: new(tags[k])})
		}
		return tags
	})
	return out, err
}
