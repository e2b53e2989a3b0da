package states

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// route is a version of a state machine and the share of executions it gets.
type route struct {
	Version int64
	Weight  int64 // percent
}

func (r route) arn(m *machine) string { return m.ARN + ":" + strconv.FormatInt(r.Version, 10) }

// checkRoutes reads a routing configuration: the state machine it is for and
// its routes. The number of routes and the weights' ranges were checked before.
func checkRoutes(ctx context.Context, in []api.RoutingConfigurationListItem) (r resource, routes []route, err error) {
	arns, weights := make([]string, len(in)), make([]int64, len(in))
	sum, distinct, qualified := int64(0), map[string]bool{}, true
	for i, item := range in {
		arns[i], weights[i] = *item.StateMachineVersionArn, *item.Weight
		sum += weights[i]
		distinct[arns[i]] = true
		if r, err = parseARN(ctx, arns[i], kindMachine); err != nil {
			return r, nil, err
		}
		number, ok := versionNumber(r.Qualifier)
		qualified = qualified && ok
		routes = append(routes, route{number, weights[i]})
	}
	list := "[" + strings.Join(arns, ", ") + "]"
	switch {
	case !qualified:
		return r, nil, validation("Routing configuration must contain state machine version ARNs. Received: %s", list)
	case len(distinct) < len(in):
		return r, nil, validation("Routing configuration must contain distinct state machine version ARNs. Received: %s", list)
	case sum != 100:
		return r, nil, validation("Sum of routing configuration weights must equal 100. Received: %s",
			strings.Join(strings.Fields(fmt.Sprint(weights)), ", "))
	}
	for _, arn := range arns {
		if arn[:strings.LastIndexByte(arn, ':')] != r.machineARN() {
			return r, nil, validation("Routing configuration must contain versions of the same state machine. Received: %s", list)
		}
	}
	return r, routes, nil
}

// checkVersions wants every route's version to exist.
func checkVersions(tx *store.Tx, m *machine, routes []route) error {
	for _, r := range routes {
		_, ok, err := versions.Get(tx, m.Account, m.Region, m.Name, versionKey(r.Version))
		if err != nil {
			return err
		}
		if !ok {
			return noReference(r.arn(m))
		}
	}
	return nil
}

func noReference(arn string) *awserr.Error {
	return api.ResourceNotFound("Request references a resource that does not exist.").With("resourceName", arn)
}

func (s *Service) createStateMachineAlias(ctx context.Context, in *api.CreateStateMachineAliasInput) (*api.CreateStateMachineAliasOutput, error) {
	r, routes, err := checkRoutes(ctx, in.RoutingConfiguration)
	if err != nil {
		return nil, err
	}
	return update(ctx, s.Store, func(tx *store.Tx) (*api.CreateStateMachineAliasOutput, error) {
		m, err := getMachine(tx, r)
		if err != nil {
			return nil, err
		}
		if m.Status == deleting {
			return nil, machineDeleting(m.ARN)
		}
		if err := checkVersions(tx, &m, routes); err != nil {
			return nil, err
		}
		a := alias{ARN: m.ARN + ":" + *in.Name, Name: *in.Name, Description: in.Description, Routes: routes, Created: millis(s.Clock.Now())}
		a.Updated = a.Created
		old, ok, err := aliases.Get(tx, m.Account, m.Region, m.Name, a.Name)
		if err != nil {
			return nil, err
		}
		if ok {
			if value(old.Description) != value(a.Description) || !same(old.Routes, a.Routes) {
				return nil, api.ConflictException("Failed to create alias because an alias with the same name and a different routing configuration already exists.")
			}
			return &api.CreateStateMachineAliasOutput{StateMachineAliasArn: &old.ARN, CreationDate: &old.Created}, nil
		}
		if all, err := aliases.List(tx, m.Account, m.Region, m.Name); err != nil {
			return nil, err
		} else if len(all) >= maxAliases {
			return nil, api.ServiceQuotaExceededException("The maximum number of aliases of a state machine has been reached: %d", maxAliases)
		}
		out := &api.CreateStateMachineAliasOutput{StateMachineAliasArn: &a.ARN, CreationDate: &a.Created}
		return out, aliases.Put(tx, a, m.Account, m.Region, m.Name, a.Name)
	})
}

// getAlias reads the alias that r names.
func getAlias(tx *store.Tx, r resource) (machine, alias, error) {
	m, ok, err := machines.Get(tx, r.Account, r.Region, r.Name)
	if err != nil {
		return m, alias{}, err
	}
	if !ok {
		return m, alias{}, noReference(r.ARN)
	}
	a, ok, err := aliases.Get(tx, m.Account, m.Region, m.Name, r.Qualifier)
	if err == nil && !ok {
		err = noReference(r.ARN)
	}
	return m, a, err
}

// parseAlias reads the ARN of an alias.
func parseAlias(ctx context.Context, arn string) (resource, error) {
	r, err := parseARN(ctx, arn, kindMachine)
	if err != nil {
		return r, err
	}
	if _, version := versionNumber(r.Qualifier); version || r.Qualifier == "" {
		return r, invalidARN("Invalid alias ARN: " + arn)
	}
	return r, nil
}

func (s *Service) updateStateMachineAlias(ctx context.Context, in *api.UpdateStateMachineAliasInput) (*api.UpdateStateMachineAliasOutput, error) {
	r, err := parseAlias(ctx, *in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	if in.Description == nil && in.RoutingConfiguration == nil {
		return nil, validation("Either description or routingConfiguration must be specified")
	}
	var routes []route
	if in.RoutingConfiguration != nil {
		var of resource
		if of, routes, err = checkRoutes(ctx, in.RoutingConfiguration); err != nil {
			return nil, err
		}
		if of.machineARN() != r.machineARN() {
			return nil, validation("Routing configuration must contain versions of the state machine of the alias. Received: [%s]", of.ARN)
		}
	}
	return update(ctx, s.Store, func(tx *store.Tx) (*api.UpdateStateMachineAliasOutput, error) {
		m, a, err := getAlias(tx, r)
		if err != nil {
			return nil, err
		}
		if in.Description != nil {
			a.Description = in.Description
		}
		if routes != nil {
			if err := checkVersions(tx, &m, routes); err != nil {
				return nil, err
			}
			a.Routes = routes
		}
		a.Updated = millis(s.Clock.Now())
		return &api.UpdateStateMachineAliasOutput{UpdateDate: &a.Updated}, aliases.Put(tx, a, m.Account, m.Region, m.Name, a.Name)
	})
}

func (s *Service) describeStateMachineAlias(ctx context.Context, in *api.DescribeStateMachineAliasInput) (*api.DescribeStateMachineAliasOutput, error) {
	r, err := parseAlias(ctx, *in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	return view(ctx, s.Store, func(tx *store.Tx) (*api.DescribeStateMachineAliasOutput, error) {
		m, a, err := getAlias(tx, r)
		if err != nil {
			return nil, err
		}
		out := &api.DescribeStateMachineAliasOutput{
			StateMachineAliasArn: &a.ARN, Name: &a.Name, Description: a.Description, CreationDate: &a.Created, UpdateDate: &a.Updated,
		}
		for _, route := range a.Routes {
			out.RoutingConfiguration = append(out.RoutingConfiguration, api.RoutingConfigurationListItem{
				StateMachineVersionArn: new(route.arn(&m)), Weight: &route.Weight,
			})
		}
		return out, nil
	})
}

func (s *Service) deleteStateMachineAlias(ctx context.Context, in *api.DeleteStateMachineAliasInput) (*api.DeleteStateMachineAliasOutput, error) {
	r, err := parseAlias(ctx, *in.StateMachineAliasArn)
	if err != nil {
		return nil, err
	}
	return update(ctx, s.Store, func(tx *store.Tx) (*api.DeleteStateMachineAliasOutput, error) {
		_, err := aliases.Delete(tx, r.Account, r.Region, r.Name, r.Qualifier)
		return &api.DeleteStateMachineAliasOutput{}, err
	})
}

// listStateMachineAliases lists the aliases of a machine, or, for the ARN of a
// version, those that route to it.
func (s *Service) listStateMachineAliases(ctx context.Context, in *api.ListStateMachineAliasesInput) (*api.ListStateMachineAliasesOutput, error) {
	r, err := parseARN(ctx, *in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	scope := "aliases " + r.ARN
	after, err := pagePosition(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	number, _ := versionNumber(r.Qualifier)
	limit := paging.Size(in.MaxResults, defaultPage)
	return view(ctx, s.Store, func(tx *store.Tx) (*api.ListStateMachineAliasesOutput, error) {
		m, err := getMachine(tx, r)
		if err != nil {
			return nil, err
		}
		out := &api.ListStateMachineAliasesOutput{StateMachineAliases: []api.StateMachineAliasListItem{}}
		for len(out.StateMachineAliases) < limit {
			page, next, err := aliases.Page(tx, after, limit-len(out.StateMachineAliases), m.Account, m.Region, m.Name)
			if err != nil {
				return nil, err
			}
			for _, a := range page {
				if number == 0 || a.routesTo(number) {
					out.StateMachineAliases = append(out.StateMachineAliases, api.StateMachineAliasListItem{StateMachineAliasArn: &a.ARN, CreationDate: &a.Created})
				}
			}
			if after = next; after == "" {
				break
			}
		}
		out.NextToken = pageToken(scope, after)
		return out, nil
	})
}

func (a *alias) routesTo(version int64) bool {
	for _, r := range a.Routes {
		if r.Version == version {
			return true
		}
	}
	return false
}

// pick chooses the version for one execution; dice is in [0, 100).
func (a *alias) pick(dice int64) int64 {
	for _, r := range a.Routes {
		if dice -= r.Weight; dice < 0 {
			return r.Version
		}
	}
	return a.Routes[len(a.Routes)-1].Version
}

// dice is a random number in [0, 100).
func (s *Service) dice() int64 {
	n, err := strconv.ParseInt(s.IDs.Hex(4), 16, 64)
	if err != nil {
		return 0 // Hex promises hexadecimal digits
	}
	return n % 100
}
