package scheduler

import (
	"context"
	"maps"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/scheduler"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) createScheduleGroup(ctx context.Context, in *api.CreateScheduleGroupInput) (*api.CreateScheduleGroupOutput, error) {
	c, now := bus.From(ctx), s.Clock.Now()
	if err := checkTags(c, in.Tags); err != nil {
		return nil, err
	}
	g := group{ARN: c.ARN("scheduler", "schedule-group/"+*in.Name), Name: *in.Name, Created: now, Modified: now, Tags: tagged(nil, in.Tags), Token: value(in.ClientToken)}
	return &api.CreateScheduleGroupOutput{ScheduleGroupArn: &g.ARN}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := s.ensureDefault(tx, c); err != nil {
			return err
		}
		old, ok, err := groups.Get(tx, c.Account, c.Region, g.Name)
		if err != nil {
			return err
		}
		if ok {
			if g.Token != "" && old.Token == g.Token {
				return nil // the same request again
			}
			return groupExists(g.Name)
		}
		return groups.Put(tx, g, c.Account, c.Region, g.Name)
	})
}

// deleteScheduleGroup deletes a group and the schedules in it.
func (s *Service) deleteScheduleGroup(ctx context.Context, in *api.DeleteScheduleGroupInput) (*api.DeleteScheduleGroupOutput, error) {
	c := bus.From(ctx)
	if *in.Name == defaultGroup {
		return nil, invalid("The default schedule group cannot be deleted.")
	}
	return &api.DeleteScheduleGroupOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		ok, err := groups.Delete(tx, c.Account, c.Region, *in.Name)
		if err == nil && !ok {
			err = noGroup(*in.Name)
		}
		if err != nil {
			return err
		}
		return schedules.DeleteAll(tx, c.Account, c.Region, *in.Name)
	})
}

func (s *Service) getScheduleGroup(ctx context.Context, in *api.GetScheduleGroupInput) (*api.GetScheduleGroupOutput, error) {
	g, err := s.group(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	return &api.GetScheduleGroupOutput{Arn: &g.ARN, Name: &g.Name, State: new(active), CreationDate: &g.Created, LastModificationDate: &g.Modified}, nil
}

// group reads a group, and makes the default one.
func (s *Service) group(ctx context.Context, name string) (g group, err error) {
	c := bus.From(ctx)
	if name == defaultGroup {
		if err := s.Store.Update(ctx, func(tx *store.Tx) error { return s.ensureDefault(tx, c) }); err != nil {
			return g, err
		}
	}
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		g, err = findGroup(tx, c, name)
		return err
	})
	return g, err
}

func (s *Service) listScheduleGroups(ctx context.Context, in *api.ListScheduleGroupsInput) (*api.ListScheduleGroupsOutput, error) {
	c := bus.From(ctx)
	if _, err := s.group(ctx, defaultGroup); err != nil {
		return nil, err
	}
	out := &api.ListScheduleGroupsOutput{ScheduleGroups: []api.ScheduleGroupSummary{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, groups, in.NextToken, in.MaxResults, func(g *group) bool { return strings.HasPrefix(g.Name, value(in.NamePrefix)) }, c.Account, c.Region)
		for i := range list {
			g := &list[i]
			out.ScheduleGroups = append(out.ScheduleGroups, api.ScheduleGroupSummary{Arn: &g.ARN, Name: &g.Name, State: new(active), CreationDate: &g.Created, LastModificationDate: &g.Modified})
		}
		out.NextToken = next
		return err
	})
}

func tagged(have map[string]string, list []api.Tag) map[string]string {
	all := maps.Clone(have)
	for _, t := range list {
		if all == nil {
			all = map[string]string{}
		}
		all[*t.Key] = *t.Value
	}
	return all
}

// groupAt is the caller and name that the ARN of a group says.
func groupAt(ctx context.Context, arn string) (bus.Caller, string) {
	c := bus.From(ctx)
	a, _ := bus.ParseARN(arn) // the model checks its form
	c.Account, c.Region = a.Account, a.Region
	return c, strings.TrimPrefix(a.Resource, "schedule-group/")
}

// checkTags refuses tags that only AWS gives.
func checkTags(c bus.Caller, tags []api.Tag) error {
	for _, t := range tags {
		if c.ReservedTag(*t.Key) {
			return invalid(bus.ReservedTags)
		}
	}
	return nil
}

// changeTags runs f on the tags of a group.
func (s *Service) changeTags(ctx context.Context, arn string, f func(map[string]string) map[string]string) error {
	c, name := groupAt(ctx, arn)
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := s.ensureDefault(tx, c); err != nil {
			return err
		}
		g, err := findGroup(tx, c, name)
		if err != nil {
			return err
		}
		g.Tags = f(g.Tags)
		return groups.Put(tx, g, c.Account, c.Region, name)
	})
}

func (s *Service) tagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := checkTags(bus.From(ctx), in.Tags); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, s.changeTags(ctx, *in.ResourceArn, func(tags map[string]string) map[string]string { return tagged(tags, in.Tags) })
}

func (s *Service) untagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.changeTags(ctx, *in.ResourceArn, func(tags map[string]string) map[string]string {
		maps.DeleteFunc(tags, func(k, _ string) bool { return slices.Contains(in.TagKeys, k) })
		return tags
	})
}

func (s *Service) listTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	c, name := groupAt(ctx, *in.ResourceArn)
	g, err := s.group(bus.With(ctx, c), name)
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{Tags: []api.Tag{}}
	for _, k := range slices.Sorted(maps.Keys(g.Tags)) {
		out.Tags = append(out.Tags, api.Tag{Key: &k, Value: new(g.Tags[k])})
	}
	return out, nil
}
