package ssm

import (
	"context"
	"encoding/base64"
	"strings"

	api "stepwell/internal/awsapi/ssm"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// elsewhere refuses the names of what AWS itself puts into Parameter Store.
func elsewhere(name string) error {
	for _, prefix := range []string{"/aws/service", "/aws/reference"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && (rest == "" || rest[0] == '/') {
			return awserr.NotImplemented("ssm parameters below " + prefix + " (" + name + ")")
		}
	}
	return nil
}

func (s *Service) getParameter(ctx context.Context, in *api.GetParameterInput) (*api.GetParameterOutput, error) {
	if err := elsewhere(*in.Name); err != nil {
		return nil, err
	}
	var p *parameter
	var v version
	var selector string
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		p, v, selector, err = selected(tx, bus.From(ctx), *in.Name)
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.shape(ctx, p, v, selector, yes(in.WithDecryption))
	return &api.GetParameterOutput{Parameter: shown}, err
}

// shape is a version as it is shown. The value of a SecureString that is not to
// be decrypted is shown as it is sealed.
func (s *Service) shape(ctx context.Context, p *parameter, v version, selector string, decrypt bool) (*api.Parameter, error) {
	value, err := s.value(ctx, v, decrypt)
	if err != nil {
		return nil, err
	}
	out := &api.Parameter{Name: &p.Name, Type: &v.Type, Value: &value, Version: &v.Number, LastModifiedDate: &v.Modified, ARN: new(p.arn()), DataType: &v.DataType}
	if selector != "" {
		out.Selector = &selector
	}
	return out, nil
}

func (s *Service) value(ctx context.Context, v version, decrypt bool) (string, error) {
	switch {
	case v.Type != api.ParameterTypeSecureString:
		return string(v.Value), nil
	case !decrypt:
		return base64.StdEncoding.EncodeToString(v.Value), nil
	}
	if err := s.checkKey(ctx, v.KeyID); err != nil {
		return "", err
	}
	plain, err := s.Unseal(v.Value)
	return string(plain), err
}

func (s *Service) getParameters(ctx context.Context, in *api.GetParametersInput) (*api.GetParametersOutput, error) {
	type found struct {
		p        *parameter
		v        version
		selector string
	}
	var all []found
	out := &api.GetParametersOutput{Parameters: []api.Parameter{}, InvalidParameters: []string{}}
	seen := map[string]bool{}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		for _, name := range in.Names {
			if err := elsewhere(name); err != nil {
				return err
			}
			if seen[name] {
				continue
			}
			seen[name] = true
			p, v, selector, err := selected(tx, bus.From(ctx), name)
			switch {
			case awserr.From(err) != nil:
				out.InvalidParameters = append(out.InvalidParameters, name)
			case err != nil:
				return err
			default:
				all = append(all, found{p, v, selector})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		shown, err := s.shape(ctx, f.p, f.v, f.selector, yes(in.WithDecryption))
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, *shown)
	}
	return out, nil
}

func (s *Service) getParametersByPath(ctx context.Context, in *api.GetParametersByPathInput) (*api.GetParametersByPathOutput, error) {
	path := *in.Path
	if err := elsewhere(path); err != nil {
		return nil, err
	}
	if path != "/" && (!strings.HasPrefix(path, "/") || !namePattern.MatchString(strings.TrimSuffix(path, "/"))) {
		return nil, badPath()
	}
	if err := checkFilters(in.ParameterFilters, "Type", "KeyId", "Label"); err != nil {
		return nil, err
	}
	all, err := s.all(ctx, func(p *parameter) bool {
		return below(p.Name, path, yes(in.Recursive)) && matches(p, in.ParameterFilters)
	})
	if err != nil {
		return nil, err
	}
	some, next, err := page(all, func(p *parameter) string { return p.Name }, in.NextToken, in.MaxResults, 10)
	if err != nil {
		return nil, err
	}
	out := &api.GetParametersByPathOutput{Parameters: []api.Parameter{}, NextToken: next}
	for i := range some {
		p := &some[i]
		v, err := s.labelled(ctx, p, in.ParameterFilters)
		if err != nil {
			return nil, err
		}
		shown, err := s.shape(ctx, p, v, "", yes(in.WithDecryption))
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, *shown)
	}
	return out, nil
}

// labelled is the version that a filter by label means, the newest without one.
func (s *Service) labelled(ctx context.Context, p *parameter, filters []api.ParameterStringFilter) (v version, err error) {
	n := p.Newest.Number
	for _, f := range filters {
		if *f.Key == "Label" && len(f.Values) > 0 {
			n = p.Labels[f.Values[0]]
		}
	}
	if n == p.Newest.Number {
		return p.Newest, nil
	}
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		v, _, err = versions.Get(tx, p.Account, p.Region, p.Name, number(n))
		return err
	})
	return v, err
}

// all lists the caller's parameters that are wanted, by name.
func (s *Service) all(ctx context.Context, wanted func(*parameter) bool) (all []parameter, err error) {
	c := bus.From(ctx)
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		list, err := parameters.List(tx, c.Account, c.Region)
		for i := range list {
			if wanted(&list[i]) {
				all = append(all, list[i])
			}
		}
		return err
	})
	return all, err
}

// below reports whether a name stands below a path, directly or anywhere.
func below(name, path string, recursive bool) bool {
	rest, ok := strings.CutPrefix("/"+strings.TrimPrefix(name, "/"), strings.TrimSuffix(path, "/")+"/")
	return ok && (recursive || !strings.Contains(rest, "/"))
}

func (s *Service) getParameterHistory(ctx context.Context, in *api.GetParameterHistoryInput) (*api.GetParameterHistoryOutput, error) {
	var p *parameter
	var all []version
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		if p, err = find(tx, bus.From(ctx), *in.Name); err == nil {
			all, err = versions.List(tx, p.Account, p.Region, p.Name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	some, next, err := page(all, func(v *version) string { return number(v.Number) }, in.NextToken, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &api.GetParameterHistoryOutput{Parameters: []api.ParameterHistory{}, NextToken: next}
	for i := range some {
		v := &some[i]
		value, err := s.value(ctx, *v, yes(in.WithDecryption))
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, api.ParameterHistory{
			Name: &p.Name, Type: &v.Type, KeyId: v.KeyID, LastModifiedDate: &v.Modified, LastModifiedUser: &v.User, Description: v.Description,
			Value: &value, AllowedPattern: v.Pattern, Version: &v.Number, Labels: p.labels(v.Number), Tier: &v.Tier,
			Policies: []api.ParameterInlinePolicy{}, DataType: &v.DataType,
		})
	}
	return out, nil
}
