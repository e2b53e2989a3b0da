package events

import (
	"encoding/base64"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
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

// page lists records whose names begin with a prefix and that a filter lets pass.
func page[T any](tx *store.Tx, t store.Table[T], token *string, limit *int64, c bus.Caller, fits func(T) bool) (list []T, next *string, err error) {
	after := ""
	if token != nil {
		b, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil {
			return nil, nil, validation("The next token is not valid.")
		}
		after = string(b)
	}
	most := defaultLimit
	if limit != nil {
		most = int(*limit)
	}
	for {
		part, more, err := t.Page(tx, after, most-len(list), c.Account, c.Region)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range part {
			if fits(r) {
				list = append(list, r)
			}
		}
		if after = more; after == "" {
			return list, nil, nil
		}
		if len(list) >= most {
			return list, new(base64.RawURLEncoding.EncodeToString([]byte(after))), nil
		}
	}
}
