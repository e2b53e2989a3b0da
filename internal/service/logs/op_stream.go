package logs

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

func (s *Service) createLogStream(ctx context.Context, in *logs.CreateLogStreamInput) (*logs.CreateLogStreamOutput, error) {
	c := bus.From(ctx)
	st := stream{Name: *in.LogStreamName, ID: s.ids.UUID(), Created: s.now()}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := findGroup(tx, c, *in.LogGroupName); err != nil {
			return err
		}
		if _, ok, err := streams.Get(tx, c.Account, c.Region, *in.LogGroupName, st.Name); err != nil || ok {
			if ok {
				return errStreamExists()
			}
			return err
		}
		return streams.Put(tx, st, c.Account, c.Region, *in.LogGroupName, st.Name)
	})
	return &logs.CreateLogStreamOutput{}, err
}

func (s *Service) deleteLogStream(ctx context.Context, in *logs.DeleteLogStreamInput) (*logs.DeleteLogStreamOutput, error) {
	c := bus.From(ctx)
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := findGroup(tx, c, *in.LogGroupName); err != nil {
			return err
		}
		st, err := findStream(tx, c, *in.LogGroupName, *in.LogStreamName)
		if err != nil {
			return err
		}
		if err := tx.DropStream(st.journal()); err != nil {
			return err
		}
		_, err = streams.Delete(tx, c.Account, c.Region, *in.LogGroupName, st.Name)
		return err
	})
	return &logs.DeleteLogStreamOutput{}, err
}

// streamPlace is where a listing of streams goes on.
type streamPlace struct {
	Name string
	Last int64 `json:",omitzero"`
}

func (s *Service) describeLogStreams(ctx context.Context, in *logs.DescribeLogStreamsInput) (*logs.DescribeLogStreamsOutput, error) {
	name, err := groupName(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy != nil && *in.OrderBy == logs.OrderByLastEventTime
	if byTime && in.LogStreamNamePrefix != nil {
		return nil, logs.InvalidParameterException("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	var after streamPlace
	if err := place(in.NextToken, &after); err != nil {
		return nil, err
	}
	c := bus.From(ctx)
	var all []stream
	err = s.store.View(ctx, func(tx *store.Tx) error {
		if _, err := findGroup(tx, c, name); err != nil {
			return err
		}
		all, err = streams.List(tx, c.Account, c.Region, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	order := func(a, b streamPlace) int {
		d := 0
		if byTime {
			d = cmp.Compare(a.Last, b.Last)
		}
		if d == 0 {
			d = strings.Compare(a.Name, b.Name)
		}
		if in.Descending != nil && *in.Descending {
			d = -d
		}
		return d
	}
	at := func(st *stream) streamPlace { return streamPlace{st.Name, st.Last} }
	slices.SortFunc(all, func(a, b stream) int { return order(at(&a), at(&b)) })
	limit := paging.Size(in.Limit, pageSize)
	out := &logs.DescribeLogStreamsOutput{LogStreams: []logs.LogStream{}}
	var last streamPlace
	for _, st := range all {
		if in.NextToken != nil && order(at(&st), after) <= 0 || in.LogStreamNamePrefix != nil && !strings.HasPrefix(st.Name, *in.LogStreamNamePrefix) {
			continue
		}
		if len(out.LogStreams) == limit {
			out.NextToken = opaque(last)
			break
		}
		last = at(&st)
		out.LogStreams = append(out.LogStreams, shownStream(c, name, st))
	}
	return out, nil
}

func shownStream(c bus.Caller, group string, st stream) logs.LogStream {
	shown := logs.LogStream{
		LogStreamName: &st.Name, CreationTime: &st.Created, StoredBytes: new(int64(0)), // zero on AWS too, since 2019
		Arn:                 new(c.ARN("logs", "log-group:"+group+":log-stream:"+st.Name)),
		UploadSequenceToken: sequenceToken(&st),
	}
	if st.Events > 0 {
		shown.FirstEventTimestamp, shown.LastEventTimestamp, shown.LastIngestionTime = &st.First, &st.Last, &st.Ingested
	}
	return shown
}
