package redshift

import (
	"context"
	"regexp"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// defaultGroup is the parameter group of clusters that name none; it cannot be
// changed.
const defaultGroup = "default.redshift-2.0"

var (
	families  = []string{"redshift-1.0", "redshift-2.0"}
	groupName = regexp.MustCompile(`^[a-z]([a-z0-9]*(-[a-z0-9]+)*)$`)
)

// parameters are those of the engine, with their defaults ("Amazon Redshift
// parameter groups", management guide).
var parameters = []struct{ name, value, kind, allowed, apply, description string }{
	{"auto_analyze", "true", "boolean", "true,false", "static", "Use auto analyze"},
	{"auto_mv", "true", "boolean", "true,false", "static", "Enable AutoMV"},
	{"datestyle", "ISO, MDY", "string", "", "static", "Sets the display format for date and time values."},
	{"enable_case_sensitive_identifier", "false", "boolean", "true,false", "static", "Preserve case sensitivity for database identifiers such as table or column names in parser"},
	{"enable_user_activity_logging", "false", "boolean", "true,false", "static", "parameter for audit logging purpose"},
	{"extra_float_digits", "0", "integer", "-15-2", "static", "Sets the number of digits displayed for floating-point values"},
	{"max_concurrency_scaling_clusters", "1", "integer", "0-10", "dynamic", "The maximum concurrency scaling clusters can be used."},
	{"query_group", "default", "string", "", "static", "This parameter applies a user-defined label to a group of queries that are run during the same session.."},
	{"require_ssl", "false", "boolean", "true,false", "static", "require ssl for all databaseconnections"},
	{"search_path", "$user, public", "string", "", "static", "Sets the schema search order for names that are not schema-qualified."},
	{"statement_timeout", "0", "integer", "0,100-2147483647", "static", "Aborts any statement that takes over the specified number of milliseconds."},
	{"use_fips_ssl", "false", "boolean", "true,false", "static", "Use fips ssl library"},
	{"wlm_json_configuration", `[{"auto_wlm":true}]`, "string", "", "static", "wlm json configuration"},
}

func noGroup(name string) *awserr.Error {
	return api.ClusterParameterGroupNotFoundFault("ParameterGroup not found: %s", name)
}

func noSubnetGroup(name string) *awserr.Error {
	return api.ClusterSubnetGroupNotFoundFault("Cluster subnet group '%s' not found.", name)
}

// group finds a parameter group, the built-in ones too.
func (s *Service) group(tx *store.Tx, account, region, name string) (*parameterGroup, error) {
	if family, ok := strings.CutPrefix(name, "default."); ok && slices.Contains(families, family) {
		return &parameterGroup{Account: account, Region: region, Name: name, Family: family, Description: "Default parameter group for " + family}, nil
	}
	g, ok, err := groups.Get(tx, account, region, name)
	if err == nil && !ok {
		err = noGroup(name)
	}
	return &g, err
}

func (g *parameterGroup) shape() api.ClusterParameterGroup {
	return api.ClusterParameterGroup{ParameterGroupName: &g.Name, ParameterGroupFamily: &g.Family, Description: &g.Description, Tags: g.Tags}
}

// CreateClusterParameterGroup makes a parameter group.
func (s *Service) CreateClusterParameterGroup(ctx context.Context, in *api.CreateClusterParameterGroupInput) (*api.CreateClusterParameterGroupOutput, error) {
	c := bus.From(ctx)
	g := parameterGroup{Account: c.Account, Region: c.Region, Name: strings.ToLower(*in.ParameterGroupName), Family: *in.ParameterGroupFamily,
		Description: *in.Description, Tags: in.Tags}
	switch {
	case !groupName.MatchString(g.Name) || len(g.Name) > 255:
		return nil, badIdentifier("ParameterGroupName")
	case !slices.Contains(families, g.Family):
		return nil, badValue("ParameterGroupFamily %s is not a valid parameter group family", g.Family)
	}
	if err := checkTags(ctx, in.Tags); err != nil {
		return nil, err
	}
	return &api.CreateClusterParameterGroupOutput{ClusterParameterGroup: new(g.shape())}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := groups.Get(tx, c.Account, c.Region, g.Name); err != nil || ok {
			if err == nil {
				err = api.ClusterParameterGroupAlreadyExistsFault("Parameter group %s already exists", g.Name)
			}
			return err
		}
		return groups.Put(tx, g, c.Account, c.Region, g.Name)
	})
}

// DeleteClusterParameterGroup removes a parameter group that no cluster has.
func (s *Service) DeleteClusterParameterGroup(ctx context.Context, in *api.DeleteClusterParameterGroupInput) (*api.DeleteClusterParameterGroupOutput, error) {
	c := bus.From(ctx)
	return &api.DeleteClusterParameterGroupOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		all, err := s.all(tx, c.Account, c.Region)
		if err != nil {
			return err
		}
		if strings.HasPrefix(*in.ParameterGroupName, "default.") {
			return api.InvalidClusterParameterGroupStateFault("Default ParameterGroup cannot be deleted: %s", *in.ParameterGroupName)
		}
		if slices.ContainsFunc(all, func(x cluster) bool { return x.ParameterGroup == *in.ParameterGroupName }) {
			return api.InvalidClusterParameterGroupStateFault("One or more clusters are still using this parameter group: %s", *in.ParameterGroupName)
		}
		ok, err := groups.Delete(tx, c.Account, c.Region, *in.ParameterGroupName)
		if err == nil && !ok {
			err = noGroup(*in.ParameterGroupName)
		}
		return err
	})
}

// DescribeClusterParameterGroups shows one parameter group, or all.
func (s *Service) DescribeClusterParameterGroups(ctx context.Context, in *api.DescribeClusterParameterGroupsInput) (*api.DescribeClusterParameterGroupsOutput, error) {
	c := bus.From(ctx)
	out := &api.DescribeClusterParameterGroupsOutput{ParameterGroups: []api.ClusterParameterGroup{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		if in.ParameterGroupName != nil {
			g, err := s.group(tx, c.Account, c.Region, *in.ParameterGroupName)
			out.ParameterGroups = append(out.ParameterGroups, g.shape())
			return err
		}
		list, err := groups.List(tx, c.Account, c.Region)
		if err != nil {
			return err
		}
		standard, err := s.group(tx, c.Account, c.Region, defaultGroup)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(append(list, *standard), func(g parameterGroup) bool { return !tagged(g.Tags, in.TagKeys, in.TagValues) })
		shown, next, err := paged(list, func(g *parameterGroup) string { return g.Name }, in.Marker, in.MaxRecords)
		for i := range shown {
			out.ParameterGroups = append(out.ParameterGroups, shown[i].shape())
		}
		out.Marker = next
		return err
	})
}

// DescribeClusterParameters shows the parameters of a group.
func (s *Service) DescribeClusterParameters(ctx context.Context, in *api.DescribeClusterParametersInput) (*api.DescribeClusterParametersOutput, error) {
	c := bus.From(ctx)
	out := &api.DescribeClusterParametersOutput{Parameters: []api.Parameter{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, c.Account, c.Region, *in.ParameterGroupName)
		if err != nil {
			return err
		}
		for _, p := range parameters {
			value, set := g.Values[p.name]
			source := "user"
			if !set {
				value, source = p.value, "engine-default"
			}
			if in.Source != nil && *in.Source != source {
				continue
			}
			shown := api.Parameter{ParameterName: &p.name, ParameterValue: &value, Description: &p.description, Source: &source,
				DataType: &p.kind, ApplyType: &p.apply, IsModifiable: new(true)}
			if p.allowed != "" {
				shown.AllowedValues = &p.allowed
			}
			out.Parameters = append(out.Parameters, shown)
		}
		return nil
	})
}

// ModifyClusterParameterGroup sets parameters of a group.
func (s *Service) ModifyClusterParameterGroup(ctx context.Context, in *api.ModifyClusterParameterGroupInput) (*api.ModifyClusterParameterGroupOutput, error) {
	c := bus.From(ctx)
	out := &api.ModifyClusterParameterGroupOutput{ParameterGroupName: in.ParameterGroupName,
		ParameterGroupStatus: new("Your parameter group has been updated. If you changed only dynamic parameters, associated clusters are being modified now. If you changed static parameters, all updates, including dynamic parameters, will be applied when you reboot the associated clusters.")}
	return out, s.Store.Update(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, c.Account, c.Region, *in.ParameterGroupName)
		if err != nil {
			return err
		}
		if strings.HasPrefix(g.Name, "default.") {
			return api.InvalidClusterParameterGroupStateFault("Default ParameterGroup cannot be modified: %s", g.Name)
		}
		if g.Values == nil {
			g.Values = map[string]string{}
		}
		for _, p := range in.Parameters {
			name := text(p.ParameterName)
			i := slices.IndexFunc(parameters, func(known struct{ name, value, kind, allowed, apply, description string }) bool {
				return known.name == name
			})
			if i < 0 {
				return badValue("Could not find parameter with name: %s", name)
			}
			g.Values[name] = text(p.ParameterValue)
		}
		return groups.Put(tx, *g, c.Account, c.Region, g.Name)
	})
}

// ResetClusterParameterGroup gives parameters of a group their default values
// again.
func (s *Service) ResetClusterParameterGroup(ctx context.Context, in *api.ResetClusterParameterGroupInput) (*api.ResetClusterParameterGroupOutput, error) {
	c := bus.From(ctx)
	out := &api.ResetClusterParameterGroupOutput{ParameterGroupName: in.ParameterGroupName,
		ParameterGroupStatus: new("Your parameter group has been updated but changes won't get applied until you reboot the associated Clusters.")}
	return out, s.Store.Update(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, c.Account, c.Region, *in.ParameterGroupName)
		if err != nil {
			return err
		}
		if strings.HasPrefix(g.Name, "default.") {
			return api.InvalidClusterParameterGroupStateFault("Default ParameterGroup cannot be modified: %s", g.Name)
		}
		if is(in.ResetAllParameters) {
			g.Values = nil
		}
		for _, p := range in.Parameters {
			delete(g.Values, text(p.ParameterName))
		}
		return groups.Put(tx, *g, c.Account, c.Region, g.Name)
	})
}
