package logs

import (
	"context"
	"fmt"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// The limits of a batch ("PutLogEvents", API reference), times in milliseconds.
const (
	maxBatchBytes = 1 << 20
	eventOverhead = 26
	hour          = 3_600_000
	day           = 24 * hour
)

func (s *Service) putLogEvents(ctx context.Context, in *logs.PutLogEventsInput) (*logs.PutLogEventsOutput, error) {
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	c := bus.From(ctx)
	out := &logs.PutLogEventsOutput{}
	var measured, subscribed []logs.InputLogEvent
	var of stream
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, c, *in.LogGroupName)
		if err != nil {
			return err
		}
		st, err := findStream(tx, c, g.Name, *in.LogStreamName)
		if err != nil {
			return err
		}
		kept, rejected := s.accept(in.LogEvents, g.Retention)
		out.RejectedLogEventsInfo = rejected
		if measured = nil; g.Filters > 0 {
			measured = kept
		}
		if subscribed = nil; g.Subscriptions > 0 {
			subscribed = kept
		}
		if len(kept) > 0 {
			if err := s.append(tx, &g, &st, kept); err != nil {
				return err
			}
			if err := streams.Put(tx, st, c.Account, c.Region, g.Name, st.Name); err != nil {
				return err
			}
			if err := groups.Put(tx, g, c.Account, c.Region, g.Name); err != nil {
				return err
			}
		}
		out.NextSequenceToken = sequenceToken(&st)
		of = st
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(measured) > 0 && s.bus != nil {
		if err := s.measure(ctx, *in.LogGroupName, measured); err != nil {
			return nil, err
		}
	}
	if len(subscribed) > 0 && s.bus != nil {
		if err := s.notify(ctx, *in.LogGroupName, &of, subscribed); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sequenceToken is of AWS's form; tokens are not needed any more, there as here.
func sequenceToken(st *stream) *string {
	return new(fmt.Sprintf("%020d%036d", st.number(), st.Events))
}

func checkBatch(events []logs.InputLogEvent) error {
	bytes := 0
	for i, e := range events {
		bytes += len(*e.Message) + eventOverhead
		if i > 0 && *e.Timestamp < *events[i-1].Timestamp {
			return logs.InvalidParameterException("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	switch {
	case bytes > maxBatchBytes:
		return logs.InvalidParameterException("Upload too large: %d bytes exceeds limit of %d", bytes, maxBatchBytes)
	case *events[len(events)-1].Timestamp-*events[0].Timestamp > day:
		return logs.InvalidParameterException("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return nil
}

// accept leaves out the events that are too old, expired or too new. Clients
// stamp events by the machine's clock or by the server's: both are right.
func (s *Service) accept(events []logs.InputLogEvent, retention int64) ([]logs.InputLogEvent, *logs.RejectedLogEventsInfo) {
	earlier, later := s.now(), s.real().UnixMilli()
	if later < earlier {
		earlier, later = later, earlier
	}
	old, expired, fresh := 0, 0, len(events)
	for i, e := range events {
		if *e.Timestamp < earlier-14*day {
			old = i + 1
		}
		if retention > 0 && *e.Timestamp < earlier-retention*day {
			expired = i + 1
		}
		if *e.Timestamp > later+2*hour {
			fresh = i
			break
		}
	}
	from := max(old, expired)
	if from == 0 && fresh == len(events) {
		return events, nil
	}
	info := &logs.RejectedLogEventsInfo{}
	if old > 0 {
		info.TooOldLogEventEndIndex = new(int64(old))
	}
	if expired > 0 {
		info.ExpiredLogEventEndIndex = new(int64(expired))
	}
	if fresh < len(events) {
		info.TooNewLogEventStartIndex = new(int64(fresh))
	}
	return events[from:max(from, fresh)], info
}

// append writes the events to the stream's journal.
func (s *Service) append(tx *store.Tx, g *group, st *stream, in []logs.InputLogEvent) error {
	now := s.now()
	events := make([]event, len(in))
	for i, e := range in {
		events[i] = event{key{*e.Timestamp, st.Events + int64(i)}, now, *e.Message}
		g.Bytes += int64(len(*e.Message)) + eventOverhead
	}
	entries := blocks(events)
	if _, err := tx.Append(st.journal(), entries...); err != nil {
		return err
	}
	first, last := events[0].time, events[len(events)-1].time
	if st.Events > 0 {
		st.Disordered = st.Disordered || first < st.Last
		first, last = min(first, st.First), max(last, st.Last)
	}
	st.First, st.Last, st.Ingested = first, last, now
	st.Events += int64(len(events))
	st.Blocks += int64(len(entries))
	return nil
}
