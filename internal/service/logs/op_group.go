package logs

import (
	"context"
	"maps"
	"slices"
	"strings"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

func (s *Service) createLogGroup(ctx context.Context, in *logs.CreateLogGroupInput) (*logs.CreateLogGroupOutput, error) {
	c := bus.From(ctx)
	if err := checkTags(c, in.Tags); err != nil {
		return nil, err
	}
	g := group{Name: *in.LogGroupName, Created: s.now(), KMSKey: in.KmsKeyId, Class: logs.LogGroupClassStandard, Tags: maps.Clone(in.Tags)}
	if in.LogGroupClass != nil {
		g.Class = *in.LogGroupClass
	}
	g.Protected = in.DeletionProtectionEnabled != nil && *in.DeletionProtectionEnabled
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := groups.Get(tx, c.Account, c.Region, g.Name); err != nil || ok {
			if ok {
				return errGroupExists()
			}
			return err
		}
		return groups.Put(tx, g, c.Account, c.Region, g.Name)
	})
	return &logs.CreateLogGroupOutput{}, err
}

// changeGroup changes a group of the caller.
func (s *Service) changeGroup(ctx context.Context, name string, change func(*group) error) error {
	c := bus.From(ctx)
	return s.store.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, c, name)
		if err != nil {
			return err
		}
		if err := change(&g); err != nil {
			return err
		}
		return groups.Put(tx, g, c.Account, c.Region, g.Name)
	})
}

func (s *Service) deleteLogGroup(ctx context.Context, in *logs.DeleteLogGroupInput) (*logs.DeleteLogGroupOutput, error) {
	c := bus.From(ctx)
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, c, *in.LogGroupName)
		if err != nil {
			return err
		}
		if g.Protected {
			return logs.ValidationException("The log group is protected from deletion.")
		}
		all, err := streams.List(tx, c.Account, c.Region, g.Name)
		if err != nil {
			return err
		}
		for _, st := range all {
			if err := tx.DropStream(st.journal()); err != nil {
				return err
			}
		}
		if err := streams.DeleteAll(tx, c.Account, c.Region, g.Name); err != nil {
			return err
		}
		if err := metricFilters.DeleteAll(tx, c.Account, c.Region, g.Name); err != nil {
			return err
		}
		if err := subscriptions.DeleteAll(tx, c.Account, c.Region, g.Name); err != nil {
			return err
		}
		_, err = groups.Delete(tx, c.Account, c.Region, g.Name)
		return err
	})
	return &logs.DeleteLogGroupOutput{}, err
}

func (s *Service) describeLogGroups(ctx context.Context, in *logs.DescribeLogGroupsInput) (*logs.DescribeLogGroupsOutput, error) {
	c := bus.From(ctx)
	if in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil {
		return nil, logs.InvalidParameterException("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	}
	var all []group
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = groups.List(tx, c.Account, c.Region)
		return err
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(g group) bool { return !wantedGroup(&g, in) })
	shown, next, err := paging.Cut(all, func(g *group) string { return g.Name }, in.NextToken, paging.Size(in.Limit, pageSize))
	if err != nil {
		return nil, errToken()
	}
	out := &logs.DescribeLogGroupsOutput{LogGroups: []logs.LogGroup{}, NextToken: next}
	for _, g := range shown {
		out.LogGroups = append(out.LogGroups, shownGroup(c, g))
	}
	return out, nil
}

func wantedGroup(g *group, in *logs.DescribeLogGroupsInput) bool {
	switch {
	case in.LogGroupNamePrefix != nil && !strings.HasPrefix(g.Name, *in.LogGroupNamePrefix),
		in.LogGroupNamePattern != nil && !strings.Contains(g.Name, *in.LogGroupNamePattern),
		in.LogGroupClass != nil && g.Class != *in.LogGroupClass:
		return false
	case len(in.LogGroupIdentifiers) > 0:
		return slices.ContainsFunc(in.LogGroupIdentifiers, func(id string) bool { return nameOf(id) == g.Name })
	}
	return true
}

func shownGroup(c bus.Caller, g group) logs.LogGroup {
	arn := c.ARN("logs", "log-group:"+g.Name)
	shown := logs.LogGroup{
		LogGroupName: &g.Name, CreationTime: &g.Created, MetricFilterCount: &g.Filters, Arn: new(arn + ":*"), LogGroupArn: &arn,
		StoredBytes: &g.Bytes, KmsKeyId: g.KMSKey, LogGroupClass: &g.Class, DeletionProtectionEnabled: &g.Protected,
	}
	if g.Retention > 0 {
		shown.RetentionInDays = &g.Retention
	}
	return shown
}

// retentions are the days that events may be kept ("PutRetentionPolicy", API reference).
var retentions = [...]int64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (s *Service) putRetentionPolicy(ctx context.Context, in *logs.PutRetentionPolicyInput) (*logs.PutRetentionPolicyOutput, error) {
	if !slices.Contains(retentions[:], *in.RetentionInDays) {
		return nil, logs.InvalidParameterException("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: "+
			"Member must satisfy enum value set: %s", *in.RetentionInDays, retentionSet())
	}
	err := s.changeGroup(ctx, *in.LogGroupName, func(g *group) error {
		g.Retention = *in.RetentionInDays
		return nil
	})
	return &logs.PutRetentionPolicyOutput{}, err
}

func (s *Service) deleteRetentionPolicy(ctx context.Context, in *logs.DeleteRetentionPolicyInput) (*logs.DeleteRetentionPolicyOutput, error) {
	err := s.changeGroup(ctx, *in.LogGroupName, func(g *group) error {
		g.Retention = 0
		return nil
	})
	return &logs.DeleteRetentionPolicyOutput{}, err
}
