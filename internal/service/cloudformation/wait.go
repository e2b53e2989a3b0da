package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
)

// createHandle makes a URL to which wait condition signals are sent.
func (s *Service) createHandle(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	a := askedBy(ctx)
	id := callbackID("handle", a.run.stack.ID, r.LogicalID, r.Token)
	c, err := s.callback(ctx, a, id)
	if err != nil {
		return nil, err
	}
	c.Handle, c.Endpoint = true, s.Endpoint
	if err := s.Store.Update(ctx, func(tx *store.Tx) error { return callbacks.Put(tx, c, id) }); err != nil {
		return nil, err
	}
	return &resource.Made{ID: s.callbackURL(&c)}, nil
}

func (s *Service) deleteHandle(ctx context.Context, r *resource.Request) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		_, err := callbacks.Delete(tx, handleID(r.ID))
		return err
	})
}

// handleID is the id of a callback in its URL.
func handleID(url string) string {
	_, rest, _ := strings.Cut(url, CallbackPath)
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// signalled keeps what was sent to a handle ("Wait condition signal JSON format").
func (s *Service) signalled(tx *store.Tx, c *callback, body []byte) (status int, err error) {
	var m struct{ Status, Reason, UniqueID, Data string }
	if json.Unmarshal(body, &m) != nil || m.Status != "SUCCESS" && m.Status != "FAILURE" {
		return http.StatusBadRequest, nil
	}
	if m.UniqueID == "" {
		m.UniqueID = s.IDs.UUID()
	}
	return http.StatusOK, s.signal(tx, c.StackID, c.LogicalID, signal{m.UniqueID, m.Status, m.Reason, m.Data})
}

// signal keeps a signal; a second one with the same id is ignored.
func (s *Service) signal(tx *store.Tx, stackID, logicalID string, x signal) error {
	if _, ok, err := signals.Get(tx, stackID, logicalID, x.UniqueID); ok || err != nil {
		return err
	}
	tx.AfterCommit(func() { s.wake(stackID + "/" + logicalID) })
	return signals.Put(tx, x, stackID, logicalID, x.UniqueID)
}

// createCondition waits for signals: those of its handle or, where it has a
// CreationPolicy, those of SignalResource.
func (s *Service) createCondition(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	a := askedBy(ctx)
	from, count, limit, err := s.condition(ctx, a, r)
	if err != nil {
		return nil, err
	}
	data, got := map[string]string{}, 0
	late, err := s.await(ctx, a, s.Clock, a.run.stack.ID+"/"+from, limit, func() (bool, error) {
		var list []signal
		err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
			list, err = signals.List(tx, a.run.stack.ID, from)
			return err
		})
		got = 0
		for _, x := range list {
			if x.Status == "FAILURE" {
				return true, fmt.Errorf("WaitCondition received failed message: '%s' for uniqueId: %s", x.Reason, x.UniqueID)
			}
			got++
			data[x.UniqueID] = x.Data
		}
		return got >= count, err
	})
	switch {
	case err != nil:
		return nil, err
	case late:
		return nil, fmt.Errorf("WaitCondition timed out. Received %d conditions when expecting %d", got, count)
	}
	b, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	return &resource.Made{ID: r.StackID + "/" + r.StackName + "/" + r.LogicalID, Attributes: map[string]any{"Data": string(b)}}, nil
}

// condition says whose signals a wait condition waits for, how many and how long.
func (s *Service) condition(ctx context.Context, a *asked, r *resource.Request) (from string, count int, limit time.Duration, err error) {
	count = 1
	if policy := a.run.template.Resource(r.LogicalID).CreationPolicy.Get("ResourceSignal"); policy != nil {
		limit = 5 * time.Minute
		if n := policy.Get("Count"); n != nil {
			if count, err = strconv.Atoi(n.Text); err != nil {
				return "", 0, 0, errors.New("Template error: Count of a ResourceSignal must be a number")
			}
		}
		if t := policy.Get("Timeout"); t != nil {
			if limit, err = isoDuration(t.Text); err != nil {
				return "", 0, 0, err
			}
		}
		return r.LogicalID, count, limit, nil
	}
	seconds, err := strconv.Atoi(r.Text("Timeout"))
	if err != nil || r.Text("Handle") == "" {
		return "", 0, 0, fmt.Errorf("Properties validation failed for resource %s with message:\n#: required key [Handle, Timeout] not found", r.LogicalID)
	}
	if n := r.Text("Count"); n != "" {
		if count, err = strconv.Atoi(n); err != nil {
			return "", 0, 0, errors.New("Value of property Count must be of type Integer")
		}
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		c, ok, err := callbacks.Get(tx, handleID(r.Text("Handle")))
		if err == nil && (!ok || c.StackID != a.run.stack.ID) {
			err = errors.New("Invalid wait condition handle")
		}
		from = c.LogicalID
		return err
	})
	return from, count, time.Duration(seconds) * time.Second, err
}

var iso = regexp.MustCompile(`^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$`)

// isoDuration reads a duration such as PT1H30M.
func isoDuration(text string) (d time.Duration, err error) {
	m := iso.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("Template error: Timeout %s is no ISO8601 duration", text)
	}
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.Atoi(m[i+1])
		if err != nil {
			return 0, err
		}
		d += time.Duration(n) * unit
	}
	return d, nil
}

func refuseCondition(context.Context, *resource.Request) (*resource.Made, error) {
	return nil, errors.New("Update to resource type AWS::CloudFormation::WaitCondition is not supported.")
}
