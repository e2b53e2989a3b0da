package events

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
)

// Event is an event on a bus, as rules and targets see it.
type Event struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
	Replay     string          `json:"replay-name,omitempty"`

	forwarded bool // by a rule of another bus
}

// maxEntries is the total size of a request's entries, counted as the user guide says
// under "Calculating PutEvents event entry size"; it was 256 KiB until January 2026.
const maxEntries = 1 << 20

func (s *Service) event(ctx context.Context, source, detailType string, at time.Time, resources []string, detail json.RawMessage) Event {
	caller := bus.From(ctx)
	if resources == nil {
		resources = []string{}
	}
	return Event{
		Version: "0", ID: s.IDs.UUID(), DetailType: detailType, Source: source, Account: caller.Account,
		Time: at.UTC().Format("2006-01-02T15:04:05Z"), Region: caller.Region, Resources: resources, Detail: detail,
	}
}

// receive takes events that are on a bus.
func (s *Service) receive(ctx context.Context, c bus.Caller, on string, list []Event) error {
	if s.Received != nil {
		for _, e := range list {
			s.Received(ctx, e)
		}
	}
	return s.publish(ctx, c, on, list, nil)
}

// putEvents takes events. One for a bus that does not exist is accepted and dropped, as
// on AWS: no rule matches it (user guide, "Sending events with PutEvents").
func (s *Service) putEvents(ctx context.Context, in *api.PutEventsInput) (*api.PutEventsOutput, error) {
	size := 0
	for i := range in.Entries {
		size += entrySize(&in.Entries[i])
	}
	if size > maxEntries {
		return nil, validation("Total size of the entries in the request is over the limit.")
	}
	out := &api.PutEventsOutput{FailedEntryCount: new(int64(0))}
	type place struct {
		c  bus.Caller
		on string
	}
	byBus := map[place][]Event{}
	for i := range in.Entries {
		e := &in.Entries[i]
		c, on := busAt(ctx, e.EventBusName)
		if code, message := refusal(e); code != "" {
			*out.FailedEntryCount++
			out.Entries = append(out.Entries, api.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: &message})
			continue
		}
		at := s.Clock.Now()
		if e.Time != nil {
			at = *e.Time
		}
		event := s.event(bus.With(ctx, c), *e.Source, *e.DetailType, at, e.Resources, json.RawMessage(*e.Detail))
		byBus[place{c, on}] = append(byBus[place{c, on}], event)
		out.Entries = append(out.Entries, api.PutEventsResultEntry{EventId: &event.ID})
	}
	for p, list := range byBus {
		if err := s.receive(ctx, p.c, p.on, list); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func entrySize(e *api.PutEventsRequestEntry) int {
	size := len(value(e.Source)) + len(value(e.DetailType)) + len(value(e.Detail))
	if e.Time != nil {
		size += 14
	}
	for _, r := range e.Resources {
		size += len(r)
	}
	return size
}

// refusal is why an entry fails while others of its request do not.
func refusal(e *api.PutEventsRequestEntry) (code, message string) {
	for _, p := range []struct {
		name  string
		given *string
	}{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if value(p.given) == "" {
			return "InvalidArgument", "Parameter " + p.name + " is not valid. Reason: " + p.name + " is a required argument."
		}
	}
	var detail map[string]json.RawMessage
	switch {
	case strings.HasPrefix(*e.Source, "aws."):
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	case json.Unmarshal([]byte(*e.Detail), &detail) != nil || detail == nil:
		return "MalformedDetail", "Detail is malformed."
	}
	return "", ""
}
