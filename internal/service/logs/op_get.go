package logs

import (
	"context"
	"math"
	"slices"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// maxPage bounds a page: events, and bytes of their messages.
const (
	maxPage      = 10_000
	maxPageBytes = 1 << 20
)

func (s *Service) getLogEvents(ctx context.Context, in *logs.GetLogEventsInput) (*logs.GetLogEventsOutput, error) {
	name, err := groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	forward := in.StartFromHead != nil && *in.StartFromHead
	var token *key
	if in.NextToken != nil {
		k, f, err := parseToken(*in.NextToken)
		if err != nil {
			return nil, err
		}
		token, forward = &k, f
	}
	limit := maxPage
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	out := &logs.GetLogEventsOutput{Events: []logs.OutputLogEvent{}}
	err = s.store.View(ctx, func(tx *store.Tx) error {
		c := bus.From(ctx)
		g, err := findGroup(tx, c, name)
		if err != nil {
			return err
		}
		st, err := findStream(tx, c, name, *in.LogStreamName)
		if err != nil {
			return err
		}
		from, to := s.span(&g, in.StartTime, in.EndTime)
		events, before, after, err := readPage(&reader{tx: tx, stream: &st}, from, to, token, forward, limit)
		for _, e := range events {
			out.Events = append(out.Events, logs.OutputLogEvent{Timestamp: &e.time, Message: &e.message, IngestionTime: &e.ingested})
		}
		out.NextForwardToken, out.NextBackwardToken = forwardToken(after), backwardToken(before)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// span is the range of keys between two times, the second excluded, that the
// group's retention leaves.
func (s *Service) span(g *group, start, end *int64) (from, to key) {
	to = key{math.MaxInt64, 0}
	if start != nil {
		from.time = *start
	}
	if end != nil {
		to.time = *end
	}
	if g.Retention > 0 {
		from.time = max(from.time, min(s.now(), s.real().UnixMilli())-g.Retention*day)
	}
	return from, to
}

// readPage reads a page of events between from and to: forward from the token
// (from where nil), or backward from it (to where nil). It returns the events
// in their order and the places before and after them.
func readPage(r *reader, from, to key, token *key, forward bool, limit int) (events []event, before, after key, err error) {
	var c *cursor
	if forward {
		if token != nil && from.less(*token) {
			from = *token
		}
		before, after = from, from
		c, err = r.from(from)
	} else {
		if token != nil && token.less(to) {
			to = *token
		}
		if before = to; to.time == math.MaxInt64 {
			before = key{r.stream.Last, r.stream.Events} // after all there are
		}
		after = before
		c, err = r.until(to)
	}
	for bytes := 0; err == nil && len(events) < limit; {
		e, ok, fault := c.peek()
		if err = fault; err != nil || !ok || forward && !e.less(to) || !forward && e.less(from) {
			break
		}
		if bytes += len(e.message) + eventOverhead; bytes > maxPageBytes && len(events) > 0 {
			break
		}
		events = append(events, e)
		c.skip()
	}
	if !forward {
		slices.Reverse(events)
	}
	if n := len(events); n > 0 {
		before, after = events[0].key, key{events[n-1].time, events[n-1].index + 1}
	}
	return events, before, after, err
}
