package lambda

import (
	"cmp"
	"context"
	"math"
	"regexp"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/store"
)

var onlyDigits = regexp.MustCompile(`^[0-9]+$`)

// checkAlias checks that the versions of an alias are there and its weights add up.
func checkAlias(tx *store.Tx, to ref, a *api.AliasConfiguration) error {
	versions := []string{*a.FunctionVersion}
	sum := 0.0
	if a.RoutingConfig != nil {
		for version, weight := range a.RoutingConfig.AdditionalVersionWeights {
			versions = append(versions, version)
			if sum += weight; weight < 0 || weight > 1 || math.IsNaN(weight) {
				return invalid("Sum of additional version weights cannot be greater than 1")
			}
			if version == *a.FunctionVersion {
				return invalid("Invalid function version %s. Function version %s is already included in routing configuration.", version, version)
			}
		}
		switch {
		case len(versions) > 2:
			return invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
		case sum > 1:
			return invalid("Sum of additional version weights cannot be greater than 1")
		case len(versions) > 1 && *a.FunctionVersion == latest:
			return invalid("$LATEST is not supported for an alias pointing to more than 1 version")
		}
	}
	for _, version := range versions {
		if _, there, err := functions.Get(tx, to.key(to.Name, versionKey(version))...); err != nil || !there {
			to.Qualifier = version
			return cmp.Or[error](err, functionNotFound(to))
		}
	}
	return nil
}

func routing(given *api.AliasRoutingConfiguration) *api.AliasRoutingConfiguration {
	if given == nil || len(given.AdditionalVersionWeights) == 0 {
		return nil
	}
	return given
}

func (s *Service) createAlias(ctx context.Context, r *api.CreateAliasInput) (*api.CreateAliasOutput, error) {
	to, err := refer(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	to.Qualifier = ""
	if onlyDigits.MatchString(*r.Name) {
		return nil, invalid("Value '%s' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)", *r.Name)
	}
	a := api.AliasConfiguration{AliasArn: new(to.unqualified() + ":" + *r.Name), Name: r.Name, FunctionVersion: r.FunctionVersion,
		Description: new(value(r.Description)), RoutingConfig: routing(r.RoutingConfig), RevisionId: new(s.IDs.UUID())}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, to, nil); err != nil {
			return err
		}
		if _, there, err := aliases.Get(tx, to.key(to.Name, *r.Name)...); err != nil || there {
			return cmp.Or[error](err, user(api.ResourceConflictException("Alias already exists: %s", *a.AliasArn)))
		}
		if err := checkAlias(tx, to, &a); err != nil {
			return err
		}
		return aliases.Put(tx, a, to.key(to.Name, *r.Name)...)
	})
	return (*api.CreateAliasOutput)(&a), err
}

func (s *Service) updateAlias(ctx context.Context, r *api.UpdateAliasInput) (*api.UpdateAliasOutput, error) {
	to, err := refer(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	to.Qualifier = ""
	var a api.AliasConfiguration
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		var there bool
		if a, there, err = aliases.Get(tx, to.key(to.Name, *r.Name)...); err != nil || !there {
			return cmp.Or[error](err, aliasNotFound(to, *r.Name))
		}
		if r.RevisionId != nil && *r.RevisionId != *a.RevisionId {
			return revisionChanged()
		}
		prefer(&a.FunctionVersion, r.FunctionVersion)
		prefer(&a.Description, r.Description)
		if r.RoutingConfig != nil {
			a.RoutingConfig = routing(r.RoutingConfig)
		}
		a.RevisionId = new(s.IDs.UUID())
		if err := checkAlias(tx, to, &a); err != nil {
			return err
		}
		return aliases.Put(tx, a, to.key(to.Name, *r.Name)...)
	})
	return (*api.UpdateAliasOutput)(&a), err
}

func (s *Service) getAlias(ctx context.Context, r *api.GetAliasInput) (*api.GetAliasOutput, error) {
	to, err := refer(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	var a api.AliasConfiguration
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		var there bool
		if a, there, err = aliases.Get(tx, to.key(to.Name, *r.Name)...); err == nil && !there {
			err = aliasNotFound(to, *r.Name)
		}
		return err
	})
	return (*api.GetAliasOutput)(&a), err
}

func (s *Service) deleteAlias(ctx context.Context, r *api.DeleteAliasInput) (*api.DeleteAliasOutput, error) {
	to, err := refer(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	return &api.DeleteAliasOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := policies.DeleteAll(tx, to.unqualified(), *r.Name); err != nil {
			return err
		}
		if _, err := eventConfigs.Delete(tx, to.key(to.Name, *r.Name)...); err != nil {
			return err
		}
		if err := forgetURL(tx, to.key(to.Name, *r.Name)); err != nil {
			return err
		}
		_, err := aliases.Delete(tx, to.key(to.Name, *r.Name)...)
		return err
	})
}

func (s *Service) listAliases(ctx context.Context, r *api.ListAliasesInput) (*api.ListAliasesOutput, error) {
	to, err := refer(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	to.Qualifier = ""
	out := &api.ListAliasesOutput{Aliases: []api.AliasConfiguration{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, to, nil); err != nil {
			return err
		}
		list, next, err := page(tx, aliases, r.Marker, r.MaxItems, 50, to.key(to.Name)...)
		out.NextMarker = next
		for _, a := range list {
			if r.FunctionVersion == nil || *r.FunctionVersion == *a.FunctionVersion {
				out.Aliases = append(out.Aliases, a)
			}
		}
		return err
	})
}
