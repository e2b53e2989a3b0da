package states

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

const historyPage = 1000

func (s *Service) getExecutionHistory(ctx context.Context, in *api.GetExecutionHistoryInput) (*api.GetExecutionHistoryOutput, error) {
	e, err := s.findExecution(ctx, *in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	reverse := value(in.ReverseOrder)
	scope := "history " + e.ARN + " " + strconv.FormatBool(reverse)
	position, err := pagePosition(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	events, err := s.reader.read(ctx, &e)
	if err != nil {
		return nil, err
	}
	from := 0
	if reverse {
		from = len(events) - 1
	}
	if position != "" {
		if from, err = strconv.Atoi(position); err != nil || from < 0 || from >= len(events) {
			return nil, invalidPageToken()
		}
	}
	limit := paging.Size(in.MaxResults, historyPage)
	data := in.IncludeExecutionData == nil || *in.IncludeExecutionData
	out := &api.GetExecutionHistoryOutput{Events: []api.HistoryEvent{}}
	step := 1
	if reverse {
		step = -1
	}
	for ; from >= 0 && from < len(events) && len(out.Events) < limit; from += step {
		out.Events = append(out.Events, historyEvent(&events[from], data))
		if started := out.Events[len(out.Events)-1].ExecutionStartedEventDetails; started != nil {
			started.StateMachineAliasArn, started.StateMachineVersionArn = e.AliasARN, e.VersionARN
		}
	}
	if from >= 0 && from < len(events) {
		out.NextToken = pageToken(scope, strconv.Itoa(from))
	}
	return out, nil
}

// historyReader reads histories from journals. It keeps the few it has read
// last, so that a client that reads page by page, or polls, decodes each part
// of a journal once.
type historyReader struct {
	store *store.Store

	mu   sync.Mutex
	kept []*history // the one used last comes last
}

const historiesKept = 8

type history struct {
	mu     sync.Mutex
	key    string
	next   int64 // sequence number of the first journal entry not read yet
	events []exec.Event
}

// read returns the durable events of an execution, by id.
func (r *historyReader) read(ctx context.Context, e *execution) ([]exec.Event, error) {
	h := r.take(e.ARN + " " + e.Start.String()) // a name can be used again
	h.mu.Lock()
	defer h.mu.Unlock()
	var blobs [][]byte
	err := r.store.View(ctx, func(tx *store.Tx) (err error) {
		blobs, err = tx.Read(e.stream(), h.next, -1)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, b := range blobs {
		events, err := exec.DecodeEvents(b)
		if err != nil {
			return nil, err
		}
		h.events = append(h.events, events...)
		h.next++
	}
	return h.events, nil
}

func (r *historyReader) take(key string) *history {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.kept, func(h *history) bool { return h.key == key })
	h := &history{key: key, next: 1}
	switch {
	case i >= 0:
		h = r.kept[i]
		r.kept = slices.Delete(r.kept, i, i+1)
	case len(r.kept) == historiesKept:
		r.kept = slices.Delete(r.kept, 0, 1)
	}
	r.kept = append(r.kept, h)
	return h
}
