package redshift

import (
	"cmp"
	"context"
	"strings"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/remote"
	"stepwell/internal/store"
)

// binding is the text of the cluster's binding, "" where it is answered here.
func (x *cluster) binding() string {
	for _, t := range x.Tags {
		if text(t.Key) == remote.TagKey {
			return text(t.Value)
		}
	}
	return ""
}

// bound is the cluster's binding; ok is false where it has none.
func (x *cluster) bound() (b remote.Binding, ok bool) {
	value := x.binding()
	if value == "" {
		return b, false
	}
	b, err := remote.Parse(value)
	return b, err == nil // it was checked when it was set
}

// checkBinding refuses a tag that binds to nothing.
func checkBinding(tags []api.Tag) error {
	for _, t := range tags {
		if text(t.Key) != remote.TagKey {
			continue
		}
		if _, err := remote.Parse(text(t.Value)); err != nil {
			return api.InvalidTagFault("%s: %v", remote.TagKey, err)
		}
	}
	return nil
}

// Bind binds a cluster of the caller to a server elsewhere, and makes it where
// there is none. It stays bound, after a restart too, until it is deleted or its
// tag is.
func (s *Service) Bind(ctx context.Context, id, binding string) error {
	b, err := remote.Parse(binding)
	if err != nil {
		return err
	}
	if id = strings.ToLower(id); len(id) > 63 || !identifier.MatchString(id) {
		return badIdentifier("ClusterIdentifier")
	}
	c := bus.From(ctx)
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		x, err := s.get(tx, c.Account, c.Region, id)
		if awserr.From(err) != nil {
			made := s.standard(c.Account, c.Region)
			x, err = &made, nil
			x.ID = id
		}
		if err != nil {
			return err
		}
		x.Tags = withTags(x.Tags, []api.Tag{{Key: new(remote.TagKey), Value: new(b.String())}})
		return x.put(tx)
	})
}

// database and user are what the cluster is made with: of a bound one the
// binding's. Its user stands for whom its secret logs in.
func (x *cluster) database() string {
	b, _ := x.bound()
	return cmp.Or(b.Database, x.DBName)
}

func (x *cluster) user() string {
	b, _ := x.bound()
	return cmp.Or(b.User, x.MasterUser)
}
