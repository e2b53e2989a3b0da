package logs

import (
	"strconv"
	"strings"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// group is what is kept of a log group; its key is account, region and name.
type group struct {
	Name          string
	Created       int64
	Retention     int64   `json:",omitzero"` // days; 0 is for ever
	Bytes         int64   // of the messages, and 26 for each
	KMSKey        *string `json:",omitzero"`
	Class         string
	Filters       int64             `json:",omitzero"` // number of metric filters
	Subscriptions int64             `json:",omitzero"` // number of subscription filters
	Protected     bool              `json:",omitzero"`
	Tags          map[string]string `json:",omitzero"`
}

// stream is what is kept of a log stream; its key is account, region, the
// group's name and its own.
type stream struct {
	Name       string
	ID         string // names the journal of its events
	Created    int64
	First      int64 // timestamp of the earliest event
	Last       int64 // and of the latest
	Ingested   int64 // when the last events came
	Events     int64 // number of events
	Blocks     int64 // number of journal entries
	Disordered bool  `json:",omitzero"` // arrival is not the order of the timestamps
}

var (
	groups  = store.NewTable[group]("logs_groups")
	streams = store.NewTable[stream]("logs_streams")
)

func (st *stream) journal() string { return "logs/" + st.ID }

// number is a number that tells streams apart in event ids.
func (st *stream) number() uint64 {
	n, err := strconv.ParseUint(strings.ReplaceAll(st.ID, "-", "")[:16], 16, 64)
	if err != nil {
		return 0
	}
	return n
}

func findGroup(tx *store.Tx, c bus.Caller, name string) (group, error) {
	g, ok, err := groups.Get(tx, c.Account, c.Region, name)
	if err == nil && !ok {
		err = errNoGroup()
	}
	return g, err
}

func findStream(tx *store.Tx, c bus.Caller, group, name string) (stream, error) {
	st, ok, err := streams.Get(tx, c.Account, c.Region, group, name)
	if err == nil && !ok {
		err = errNoStream()
	}
	return st, err
}

// groupName is the group that a request names, by name or identifier (a name
// or an ARN).
func groupName(name, identifier *string) (string, error) {
	switch {
	case name != nil && identifier != nil:
		return "", logs.InvalidParameterException("Only one of logGroupName and logGroupIdentifier can be specified.")
	case name != nil:
		return *name, nil
	case identifier != nil:
		return nameOf(*identifier), nil
	}
	return "", logs.InvalidParameterException("Either logGroupName or logGroupIdentifier must be specified.")
}

// nameOf is the group's name in a name or an ARN of a log group.
func nameOf(identifier string) string {
	arn, ok := bus.ParseARN(identifier)
	if !ok {
		return identifier
	}
	return strings.TrimSuffix(strings.TrimPrefix(arn.Resource, "log-group:"), ":*")
}
