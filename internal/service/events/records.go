package events

import (
	"errors"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

var (
	connections  = store.NewTable[connection]("events_connections")   // account, region, name
	destinations = store.NewTable[destination]("events_destinations") // account, region, name
)

// connection is a connection without its credentials.
type connection struct {
	ARN, Name    string
	Description  *string `json:",omitempty"`
	State        string
	Reason       *string `json:",omitempty"`
	Type         string
	SecretARN    string
	Shown        *api.ConnectionAuthResponseParameters
	Created      time.Time
	Modified     time.Time
	Authorized   time.Time `json:",omitzero"`
	Deauthorized bool      `json:",omitempty"`
}

// destination is an API destination.
type destination struct {
	ARN, Name     string
	Description   *string `json:",omitempty"`
	ConnectionARN string
	Endpoint      string
	Method        string
	Rate          *int64 `json:",omitempty"`
	Created       time.Time
	Modified      time.Time
}

const (
	authorized   = "AUTHORIZED"
	deauthorized = "DEAUTHORIZED"

	defaultLimit = 100
)

// newARN names a resource of which an earlier one may have had the name.
func (s *Service) newARN(c bus.Caller, kind, name string) string {
	return c.ARN("events", kind+"/"+name+"/"+s.IDs.UUID())
}

// nameIn is the name within a connection's ARN.
func nameIn(arn string) (a bus.ARN, name string, ok bool) {
	a, ok = bus.ParseARN(arn)
	parts := strings.Split(a.Resource, "/")
	if !ok || a.Service != "events" || len(parts) != 3 || parts[0] != "connection" {
		return a, "", false
	}
	return a, parts[1], true
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// page lists the records of an account that a filter lets pass, in the order of
// their keys.
func page[T any](tx *store.Tx, t store.Table[T], token *string, limit *int64, c bus.Caller, fits func(*T) bool) (list []T, next *string, err error) {
	list, next, err = paging.Read(func(after string, n int) ([]T, string, error) { return t.Page(tx, after, n, c.Account, c.Region) },
		fits, token, paging.Size(limit, defaultLimit))
	return list, next, asToken(err)
}

// asToken words a token that was made up.
func asToken(err error) error {
	if errors.Is(err, paging.ErrToken) {
		return validation("The next token is not valid.")
	}
	return err
}
