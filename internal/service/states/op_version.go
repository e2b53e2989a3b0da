package states

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "stepwell/internal/awsapi/states"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// What a state machine can have (developer guide, "Quotas related to state machine versions and aliases").
const (
	maxVersions = 1000
	maxAliases  = 100
)

func versionKey(number int64) string { return fmt.Sprintf("%010d", 9_999_999_999-number) }

// versionNumber reads the qualifier of a version's ARN; the other qualifiers are aliases.
func versionNumber(qualifier string) (int64, bool) {
	n, err := strconv.ParseInt(qualifier, 10, 64)
	return n, err == nil && n > 0
}

// publish makes a version of the machine's current revision; it is the old
// one where the revision has been published before. The caller writes m.
func publish(tx *store.Tx, m *machine, description *string, now time.Time) (version, error) {
	old, err := versionOf(tx, *m, m.Revision)
	if err != nil {
		return version{}, err
	}
	if old != nil {
		return *old, nil
	}
	if all, err := versions.List(tx, m.Account, m.Region, m.Name); err != nil {
		return version{}, err
	} else if len(all) >= maxVersions {
		return version{}, api.ServiceQuotaExceededException("The maximum number of versions of a state machine has been reached: %d", maxVersions)
	}
	number := m.NextVersion
	m.NextVersion++
	v := version{
		ARN: m.ARN + ":" + strconv.FormatInt(number, 10), Revision: m.Revision, Description: description, Created: now,
	}
	return v, versions.Put(tx, v, m.Account, m.Region, m.Name, versionKey(number))
}

// versionOf finds the version of a revision; nil where it is not published.
func versionOf(tx *store.Tx, m machine, rev string) (*version, error) {
	all, err := versions.List(tx, m.Account, m.Region, m.Name)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Revision == rev {
			return &all[i], nil
		}
	}
	return nil, nil
}

func (s *Service) publishStateMachineVersion(ctx context.Context, in *api.PublishStateMachineVersionInput) (*api.PublishStateMachineVersionOutput, error) {
	r, err := parseARN(ctx, *in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	return update(ctx, s.Store, func(tx *store.Tx) (*api.PublishStateMachineVersionOutput, error) {
		m, err := getMachine(tx, r)
		if err != nil {
			return nil, err
		}
		if m.Status == deleting {
			return nil, machineDeleting(m.ARN)
		}
		rev, err := getRevision(tx, m.Account, m.Region, m.Revision)
		if err != nil {
			return nil, err
		}
		if in.RevisionId != nil && *in.RevisionId != rev.ID {
			return nil, api.ConflictException("Failed to publish the State Machine version for revision %s. The current State Machine revision is %s.",
				*in.RevisionId, rev.ID)
		}
		v, err := publish(tx, &m, in.Description, millis(s.Clock.Now()))
		if err != nil {
			return nil, err
		}
		out := &api.PublishStateMachineVersionOutput{CreationDate: &v.Created, StateMachineVersionArn: &v.ARN}
		return out, machines.Put(tx, m, m.Account, m.Region, m.Name)
	})
}

func (s *Service) deleteStateMachineVersion(ctx context.Context, in *api.DeleteStateMachineVersionInput) (*api.DeleteStateMachineVersionOutput, error) {
	r, err := parseARN(ctx, *in.StateMachineVersionArn, kindMachine)
	if err != nil {
		return nil, err
	}
	number, ok := versionNumber(r.Qualifier)
	if !ok {
		return nil, invalidARN(r.ARN)
	}
	return update(ctx, s.Store, func(tx *store.Tx) (*api.DeleteStateMachineVersionOutput, error) {
		all, err := aliases.List(tx, r.Account, r.Region, r.Name)
		if err != nil {
			return nil, err
		}
		var using []string
		for _, a := range all {
			if a.routesTo(number) {
				using = append(using, a.Name)
			}
		}
		if len(using) > 0 {
			return nil, api.ConflictException("Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [%s]",
				strings.Join(using, ", "))
		}
		_, err = versions.Delete(tx, r.Account, r.Region, r.Name, versionKey(number))
		return &api.DeleteStateMachineVersionOutput{}, err
	})
}

func (s *Service) listStateMachineVersions(ctx context.Context, in *api.ListStateMachineVersionsInput) (*api.ListStateMachineVersionsOutput, error) {
	r, err := parseARN(ctx, *in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	scope := "versions " + r.machineARN()
	after, err := pagePosition(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	return view(ctx, s.Store, func(tx *store.Tx) (*api.ListStateMachineVersionsOutput, error) {
		m, err := getMachine(tx, r)
		if err != nil {
			return nil, err
		}
		page, next, err := versions.Page(tx, after, paging.Size(in.MaxResults, defaultPage), m.Account, m.Region, m.Name)
		if err != nil {
			return nil, err
		}
		out := &api.ListStateMachineVersionsOutput{StateMachineVersions: []api.StateMachineVersionListItem{}, NextToken: pageToken(scope, next)}
		for _, v := range page {
			out.StateMachineVersions = append(out.StateMachineVersions, api.StateMachineVersionListItem{
				StateMachineVersionArn: &v.ARN, CreationDate: &v.Created,
			})
		}
		return out, nil
	})
}
