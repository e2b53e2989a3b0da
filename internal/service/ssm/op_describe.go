package ssm

import (
	"context"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/ssm"
	"stepwell/internal/awserr"
)

func (s *Service) describeParameters(ctx context.Context, in *api.DescribeParametersInput) (*api.DescribeParametersOutput, error) {
	if yes(in.Shared) {
		return nil, awserr.NotImplemented("ssm:DescribeParameters with Shared")
	}
	if len(in.Filters) > 0 && len(in.ParameterFilters) > 0 {
		return nil, invalid("You can use either Filters or ParameterFilters in a single request.")
	}
	filters := in.ParameterFilters
	for _, f := range in.Filters { // the older form: names begin with the value
		filter := api.ParameterStringFilter{Key: f.Key, Values: f.Values}
		if *f.Key == "Name" {
			filter.Option = new("BeginsWith")
		}
		filters = append(filters, filter)
	}
	if err := checkFilters(filters, "Path", "Name", "Type", "KeyId", "Tier", "DataType", "tag:"); err != nil {
		return nil, err
	}
	all, err := s.all(ctx, func(p *parameter) bool { return matches(p, filters) })
	if err != nil {
		return nil, err
	}
	some, next, err := page(all, func(p *parameter) string { return p.Name }, in.NextToken, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeParametersOutput{Parameters: []api.ParameterMetadata{}, NextToken: next}
	for i := range some {
		p := &some[i]
		v := &p.Newest
		out.Parameters = append(out.Parameters, api.ParameterMetadata{
			Name: &p.Name, ARN: new(p.arn()), Type: &v.Type, KeyId: v.KeyID, LastModifiedDate: &v.Modified, LastModifiedUser: &v.User,
			Description: v.Description, AllowedPattern: v.Pattern, Version: &v.Number, Tier: &v.Tier, Policies: []api.ParameterInlinePolicy{}, DataType: &v.DataType,
		})
	}
	return out, nil
}

// options are the options of a filter by its key; the first is the default.
func options(key string) []string {
	switch key {
	case "Path":
		return []string{"OneLevel", "Recursive"}
	case "Name":
		return []string{"Equals", "BeginsWith", "Contains"}
	case "KeyId", "Type", "Tier", "DataType", "Label":
		return []string{"Equals", "BeginsWith"}
	}
	return []string{"Equals"}
}

func checkFilters(filters []api.ParameterStringFilter, keys ...string) error {
	seen := map[string]bool{}
	for _, f := range filters {
		known := slices.ContainsFunc(keys, func(k string) bool {
			return k == *f.Key || strings.HasSuffix(k, ":") && strings.HasPrefix(*f.Key, k)
		})
		switch {
		case !known:
			return api.InvalidFilterKey("The following filter key is not valid: %s. Valid filter keys include: [%s].", *f.Key, strings.Join(keys, ", "))
		case seen[*f.Key]:
			return invalid("The following filter is duplicated in the request: %s. A request can contain only one occurrence of a specific filter.", *f.Key)
		case f.Option != nil && !slices.Contains(options(*f.Key), *f.Option):
			return api.InvalidFilterOption("The following filter option is not valid: %s. Valid options include: [%s].", *f.Option, strings.Join(options(*f.Key), ", "))
		case len(f.Values) == 0 && !strings.HasPrefix(*f.Key, "tag:"):
			return invalid("The following filter values are missing : null for filter key %s", *f.Key)
		}
		seen[*f.Key] = true
		if *f.Key != "Path" {
			continue
		}
		for _, v := range f.Values {
			if v != "/" && (!strings.HasPrefix(v, "/") || !namePattern.MatchString(strings.TrimSuffix(v, "/"))) {
				return badPath()
			}
		}
	}
	return nil
}

// matches applies filters: every one must match, by any of its values.
func matches(p *parameter, filters []api.ParameterStringFilter) bool {
	for _, f := range filters {
		option := options(*f.Key)[0]
		if f.Option != nil {
			option = *f.Option
		}
		if tag, ok := strings.CutPrefix(*f.Key, "tag:"); ok {
			i := slices.IndexFunc(p.Tags, func(t api.Tag) bool { return *t.Key == tag })
			if i < 0 || len(f.Values) > 0 && !slices.Contains(f.Values, *p.Tags[i].Value) {
				return false
			}
			continue
		}
		if !slices.ContainsFunc(f.Values, func(v string) bool { return p.matches(*f.Key, option, v) }) {
			return false
		}
	}
	return true
}

func (p *parameter) matches(key, option, want string) bool {
	var has string
	switch key {
	case "Path":
		return below(p.Name, want, option == "Recursive")
	case "Label":
		_, ok := p.Labels[want]
		return ok
	case "Name":
		has, want = strings.TrimPrefix(p.Name, "/"), strings.TrimPrefix(want, "/")
	case "Type":
		has = p.Newest.Type
	case "KeyId":
		has = text(p.Newest.KeyID)
	case "Tier":
		has = p.Newest.Tier
	case "DataType":
		has = p.Newest.DataType
	}
	switch option {
	case "BeginsWith":
		return strings.HasPrefix(has, want)
	case "Contains":
		return strings.Contains(has, want)
	}
	return has == want
}
