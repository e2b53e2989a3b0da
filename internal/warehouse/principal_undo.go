package warehouse

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
)

// exchange edits a copy of the record, saves it and puts it in the place of
// the old one. It returns both; neither changes any more.
func (c *cluster) exchange(edit func(r *clusterRecord) error) (was, is clusterRecord, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was = c.record
	next, err := was.clone()
	if err == nil {
		err = edit(&next)
	}
	if err != nil {
		return was, was, err
	}
	c.record = next
	if err := c.save(); err != nil {
		c.record = was
		return was, was, err
	}
	return was, next, c.publish(context.Background())
}

func (r *clusterRecord) clone() (clusterRecord, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return clusterRecord{}, fmt.Errorf("cannot copy the cluster's record: %w", err)
	}
	var out clusterRecord
	if err := json.Unmarshal(text, &out); err != nil {
		return clusterRecord{}, fmt.Errorf("cannot copy the cluster's record: %w", err)
	}
	return out, nil
}

// changePrincipals edits users, groups and roles in the session's transaction:
// they are there for all at once, and gone again when it is rolled back.
func (s *Session) changePrincipals(edit func(r *clusterRecord) error) error {
	was, is, err := s.cluster.exchange(edit)
	if err != nil {
		return err
	}
	s.undoPrincipals = append(s.undoPrincipals, func(r *clusterRecord) error {
		restore(r.Users, was.Users, is.Users)
		restore(r.Groups, was.Groups, is.Groups)
		restore(r.Roles, was.Roles, is.Roles)
		return nil
	})
	return nil
}

// restorePrincipals undoes what the transaction changed, the last first.
func (s *Session) restorePrincipals() error {
	undo := s.undoPrincipals
	s.undoPrincipals = nil
	for len(undo) > 0 {
		last := len(undo) - 1
		if err := s.cluster.change(undo[last]); err != nil {
			return err
		}
		undo = undo[:last]
	}
	return nil
}

// restore puts back into list what differs between was and is.
func restore[T any](list, was, is map[string]T) {
	for name, after := range is {
		if before, ok := was[name]; !ok {
			delete(list, name)
		} else if !reflect.DeepEqual(before, after) {
			list[name] = before
		}
	}
	for name, before := range was {
		if _, ok := is[name]; !ok {
			list[name] = before
		}
	}
}
