package logs

import (
	"container/heap"
	"context"
	"math"
	"slices"
	"strings"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// maxScan bounds the events that one call looks at; the page may be short, and
// its token goes on.
const maxScan = 200_000

// filterPlace is where a search goes on: at an event of a stream, in the order
// of time, stream and index.
type filterPlace struct {
	Time   int64
	Stream string
	Index  int64
}

func (s *Service) filterLogEvents(ctx context.Context, in *logs.FilterLogEventsInput) (*logs.FilterLogEventsOutput, error) {
	name, err := groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != nil {
		return nil, logs.InvalidParameterException("logStreamNamePrefix and logStreamNames are mutually exclusive parameters.")
	}
	match := everything
	if in.FilterPattern != nil {
		if match, err = parsePattern(*in.FilterPattern); err != nil {
			return nil, err
		}
	}
	var start *filterPlace
	if err := place(in.NextToken, &start); err != nil {
		return nil, err
	}
	var out *logs.FilterLogEventsOutput
	err = s.store.View(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, bus.From(ctx), name)
		if err != nil {
			return err
		}
		wanted, err := wantedStreams(tx, bus.From(ctx), name, in)
		if err != nil {
			return err
		}
		var end *int64
		if in.EndTime != nil && *in.EndTime < math.MaxInt64 {
			end = new(*in.EndTime + 1) // here the end is included
		}
		from, to := s.span(&g, in.StartTime, end)
		m, err := newMerge(tx, wanted, from, to, start)
		if err != nil {
			return err
		}
		limit := maxPage
		if in.Limit != nil {
			limit = int(*in.Limit)
		}
		out, err = m.page(ctx, match, limit)
		return err
	})
	return out, err
}

func wantedStreams(tx *store.Tx, c bus.Caller, group string, in *logs.FilterLogEventsInput) ([]stream, error) {
	if len(in.LogStreamNames) > 0 {
		var wanted []stream
		names := slices.Clone(in.LogStreamNames)
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			st, err := findStream(tx, c, group, name)
			if err != nil {
				return nil, err
			}
			wanted = append(wanted, st)
		}
		return wanted, nil
	}
	all, err := streams.List(tx, c.Account, c.Region, group)
	if in.LogStreamNamePrefix != nil {
		all = slices.DeleteFunc(all, func(st stream) bool { return !strings.HasPrefix(st.Name, *in.LogStreamNamePrefix) })
	}
	return all, err
}

// merge gives the events of several streams in one order. It is a heap of
// cursors, each at its next event.
type merge struct {
	to      key
	cursors []*merged
}

type merged struct {
	*cursor
	stream *stream
	head   event
}

func newMerge(tx *store.Tx, all []stream, from, to key, start *filterPlace) (*merge, error) {
	m := &merge{to: to}
	for i := range all {
		st := &all[i]
		begin := from
		if start != nil {
			k := key{start.Time, 0}
			switch strings.Compare(st.Name, start.Stream) {
			case 0:
				k.index = start.Index
			case -1:
				k = key{start.Time + 1, 0} // its events of that time have been given
			}
			if begin.less(k) {
				begin = k
			}
		}
		if st.Events == 0 || st.Last < begin.time || st.First >= to.time {
			continue
		}
		c, err := (&reader{tx: tx, stream: st}).from(begin)
		if err != nil {
			return nil, err
		}
		one := &merged{cursor: c, stream: st}
		ok, err := one.advance(to)
		if err != nil {
			return nil, err
		}
		if ok {
			m.cursors = append(m.cursors, one)
		}
	}
	heap.Init(m)
	return m, nil
}

// advance takes the next event before to as the head; ok is false at the end.
func (c *merged) advance(to key) (ok bool, err error) {
	e, ok, err := c.peek()
	if err != nil || !ok || !e.less(to) {
		return false, err
	}
	c.head = e
	c.skip()
	return true, nil
}

func (m *merge) page(ctx context.Context, match matcher, limit int) (*logs.FilterLogEventsOutput, error) {
	out := &logs.FilterLogEventsOutput{Events: []logs.FilteredLogEvent{}, SearchedLogStreams: []logs.SearchedLogStream{}}
	bytes := 0
	for scanned := 0; len(m.cursors) > 0; scanned++ {
		c := m.cursors[0]
		e := c.head
		fits := match(e.message)
		full := fits && len(out.Events) > 0 && bytes+len(e.message) > maxPageBytes
		if len(out.Events) == limit || scanned == maxScan || full {
			out.NextToken = opaque(filterPlace{e.time, c.stream.Name, e.index})
			return out, nil
		}
		if fits {
			bytes += len(e.message) + eventOverhead
			out.Events = append(out.Events, logs.FilteredLogEvent{LogStreamName: &c.stream.Name, Timestamp: &e.time,
				Message: &e.message, IngestionTime: &e.ingested, EventId: eventID(c.stream, e.key)})
		}
		ok, err := c.advance(m.to)
		if err != nil {
			return nil, err
		}
		if ok {
			heap.Fix(m, 0)
		} else {
			heap.Pop(m)
		}
		if scanned%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return out, nil
}

// Len implements heap.Interface.
func (m *merge) Len() int { return len(m.cursors) }

// Less implements heap.Interface.
func (m *merge) Less(i, j int) bool {
	a, b := m.cursors[i], m.cursors[j]
	if a.head.time != b.head.time {
		return a.head.time < b.head.time
	}
	return a.stream.Name < b.stream.Name
}

// Swap implements heap.Interface.
func (m *merge) Swap(i, j int) { m.cursors[i], m.cursors[j] = m.cursors[j], m.cursors[i] }

// Push implements heap.Interface.
func (m *merge) Push(x any) { m.cursors = append(m.cursors, x.(*merged)) }

// Pop implements heap.Interface.
func (m *merge) Pop() any {
	last := m.cursors[len(m.cursors)-1]
	m.cursors = m.cursors[:len(m.cursors)-1]
	return last
}
