package events

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awserr"
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
}

// maxEntries is the total size of a request's entries (user guide, "Calculating
// PutEvents event entry size").
const maxEntries = 256 << 10

// Emit puts an event of an AWS service on the default bus of the caller's
// account and region. detail makes its detail, a JSON object; it is asked only
// where somebody listens.
func (s *Service) Emit(ctx context.Context, source, detailType string, resources []string, detail func() (json.RawMessage, error)) {
	if s.Received == nil {
		return
	}
	text, err := detail()
	if err != nil {
		s.Log.Error("event cannot be written", "source", source, "type", detailType, "error", err)
		return
	}
	s.receive(ctx, s.event(ctx, source, detailType, s.Clock.Now(), resources, text))
}

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

// receive takes an event that is on a bus. Rules will be asked here.
func (s *Service) receive(ctx context.Context, e Event) {
	if s.Received != nil {
		s.Received(ctx, e)
	}
}

func (s *Service) putEvents(ctx context.Context, in *api.PutEventsInput) (*api.PutEventsOutput, error) {
	size := 0
	for i := range in.Entries {
		size += entrySize(&in.Entries[i])
		if fault := checkBus(ctx, in.Entries[i].EventBusName); fault != nil {
			return nil, fault
		}
	}
	if size > maxEntries {
		return nil, validation("Total size of the entries in the request is over the limit.")
	}
	out := &api.PutEventsOutput{FailedEntryCount: new(int64(0))}
	for i := range in.Entries {
		e := &in.Entries[i]
		if code, message := refusal(e); code != "" {
			*out.FailedEntryCount++
			out.Entries = append(out.Entries, api.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: &message})
			continue
		}
		at := s.Clock.Now()
		if e.Time != nil {
			at = *e.Time
		}
		event := s.event(ctx, *e.Source, *e.DetailType, at, e.Resources, json.RawMessage(*e.Detail))
		s.receive(ctx, event)
		out.Entries = append(out.Entries, api.PutEventsResultEntry{EventId: &event.ID})
	}
	return out, nil
}

// checkBus lets the caller's default bus pass, by its name or its ARN.
func checkBus(ctx context.Context, name *string) *awserr.Error {
	if name == nil || *name == "default" || *name == bus.From(ctx).ARN("events", "event-bus/default") {
		return nil
	}
	return awserr.NotImplemented("event bus " + *name)
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
