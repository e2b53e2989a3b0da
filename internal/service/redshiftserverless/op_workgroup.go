package redshiftserverless

import (
	"context"
	"slices"
	"time"

	api "stepwell/internal/awsapi/redshiftserverless"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/dbauth"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// CreateWorkgroup makes a workgroup for a namespace that has none.
func (s *Service) CreateWorkgroup(ctx context.Context, in *api.CreateWorkgroupInput) (*api.CreateWorkgroupOutput, error) {
	c := bus.From(ctx)
	w := workgroup{Account: c.Account, Region: c.Region, Name: *in.WorkgroupName, ID: s.IDs.UUID(), Namespace: *in.NamespaceName, Status: creating,
		Capacity: defaultCapacity, Created: s.Clock.Now().UTC(), Tags: in.Tags}
	if !validName.MatchString(w.Name) {
		return nil, invalid("The workgroup name must be 3 to 64 characters of lower case letters, numbers and hyphens: %s", w.Name)
	}
	if err := checkTags(c, in.Tags); err != nil {
		return nil, err
	}
	if err := w.take(&api.UpdateWorkgroupInput{BaseCapacity: in.BaseCapacity, ConfigParameters: in.ConfigParameters, EnhancedVpcRouting: in.EnhancedVpcRouting,
		IpAddressType: in.IpAddressType, MaxCapacity: in.MaxCapacity, Port: in.Port, PubliclyAccessible: in.PubliclyAccessible,
		SecurityGroupIds: in.SecurityGroupIds, SubnetIds: in.SubnetIds}); err != nil {
		return nil, err
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		_, taken, err := workgroups.Get(tx, c.Account, c.Region, w.Name)
		if err != nil {
			return err
		}
		if taken {
			return api.ConflictException("Serverless workgroup %s already exists.", w.Name)
		}
		n, err := findNamespace(tx, c, w.Namespace)
		if err != nil {
			return err
		}
		other, err := attached(tx, c, w.Namespace)
		switch {
		case err != nil:
			return err
		case n.Status != available:
			return busy("namespace")
		case other != nil:
			return api.ConflictException("The namespace %s already has the workgroup %s.", w.Namespace, other.Name)
		}
		return s.move(tx, &w, creating)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateWorkgroupOutput{Workgroup: s.shape(&w)}, nil
}

// move puts the workgroup into a passing state and arranges for its end.
func (s *Service) move(tx *store.Tx, w *workgroup, status string) error {
	w.Status = status
	if err := w.put(tx); err != nil {
		return err
	}
	return s.enter(tx, passing{w.Account, w.Region, w.Namespace, w.Name})
}

// take takes over the settings that are given.
func (w *workgroup) take(in *api.UpdateWorkgroupInput) error {
	if n := in.BaseCapacity; n != nil {
		if *n < 4 || *n > 1024 || *n > 4 && *n%8 != 0 {
			return invalid("The base capacity must be 4 RPUs, or 8 to 1024 RPUs in units of 8: %d", *n)
		}
		w.Capacity = *n
	}
	if n := in.MaxCapacity; n != nil {
		if *n != -1 && *n < w.Capacity {
			return invalid("The maximum capacity can't be below the base capacity: %d", *n)
		}
		w.MaxCapacity = n
	}
	if p := in.Port; p != nil && !(*p >= 5431 && *p <= 5455 || *p >= 8191 && *p <= 8215) {
		return invalid("The port must be in the ranges 5431-5455 or 8191-8215: %d", *p)
	}
	if in.IpAddressType != nil && *in.IpAddressType != "ipv4" {
		return awserr.NotImplemented("redshift-serverless workgroups with ipAddressType " + *in.IpAddressType)
	}
	for _, p := range in.ConfigParameters {
		if p.ParameterKey == nil || p.ParameterValue == nil {
			return invalid("A config parameter needs parameterKey and parameterValue.")
		}
		w.Parameters = slices.DeleteFunc(w.Parameters, func(old api.ConfigParameter) bool { return *old.ParameterKey == *p.ParameterKey })
		w.Parameters = append(w.Parameters, p)
	}
	if in.EnhancedVpcRouting != nil {
		w.EnhancedVpc = *in.EnhancedVpcRouting
	}
	if in.PubliclyAccessible != nil {
		w.Public = *in.PubliclyAccessible
	}
	if in.SecurityGroupIds != nil {
		w.SecurityGroups = in.SecurityGroupIds
	}
	if in.SubnetIds != nil {
		w.Subnets = in.SubnetIds
	}
	return nil
}

// parameters are the values of a workgroup that sets none.
var parameters = [][2]string{
	{"auto_mv", "true"}, {"datestyle", "ISO, MDY"}, {"enable_case_sensitive_identifier", "false"}, {"enable_user_activity_logging", "true"},
	{"max_query_execution_time", "14400"}, {"query_group", "default"}, {"require_ssl", "true"}, {"search_path", "$user, public"}, {"use_fips_ssl", "false"},
}

func (s *Service) shape(w *workgroup) *api.Workgroup {
	out := &api.Workgroup{BaseCapacity: &w.Capacity, CreationDate: &w.Created, CrossAccountVpcs: []string{}, EnhancedVpcRouting: &w.EnhancedVpc,
		IpAddressType: new("ipv4"), MaxCapacity: w.MaxCapacity, NamespaceName: &w.Namespace, Port: new(int64(s.Port)), PubliclyAccessible: &w.Public,
		SecurityGroupIds: orEmpty(w.SecurityGroups), Status: &w.Status, SubnetIds: orEmpty(w.Subnets), WorkgroupArn: new(w.arn()), WorkgroupId: &w.ID,
		WorkgroupName: &w.Name, WorkgroupVersion: new("1.0"), ConfigParameters: slices.Clone(w.Parameters)}
	for _, p := range parameters {
		if !slices.ContainsFunc(w.Parameters, func(set api.ConfigParameter) bool { return *set.ParameterKey == p[0] }) {
			out.ConfigParameters = append(out.ConfigParameters, api.ConfigParameter{ParameterKey: &p[0], ParameterValue: &p[1]})
		}
	}
	if w.Status == creating {
		out.Endpoint = &api.Endpoint{}
	} else {
		out.Endpoint = &api.Endpoint{Address: &s.Host, Port: new(int64(s.Port))}
	}
	return out
}

// GetWorkgroup shows a workgroup.
func (s *Service) GetWorkgroup(ctx context.Context, in *api.GetWorkgroupInput) (*api.GetWorkgroupOutput, error) {
	out := &api.GetWorkgroupOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		w, err := findWorkgroup(tx, bus.From(ctx), *in.WorkgroupName)
		out.Workgroup = s.shape(w)
		return err
	})
}

// ListWorkgroups lists the workgroups by name.
func (s *Service) ListWorkgroups(ctx context.Context, in *api.ListWorkgroupsInput) (*api.ListWorkgroupsOutput, error) {
	c := bus.From(ctx)
	if in.OwnerAccount != nil && *in.OwnerAccount != c.Account {
		return nil, awserr.NotImplemented("redshift-serverless:ListWorkgroups of another account")
	}
	out := &api.ListWorkgroupsOutput{Workgroups: []api.Workgroup{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := workgroups.List(tx, c.Account, c.Region)
		if err != nil {
			return err
		}
		shown, next, err := paged(all, func(w *workgroup) string { return w.Name }, in.NextToken, in.MaxResults)
		for i := range shown {
			out.Workgroups = append(out.Workgroups, *s.shape(&shown[i]))
		}
		out.NextToken = next
		return err
	})
}

// paged cuts a page out of all, which is sorted by key, 100 entries where the
// request does not say.
func paged[T any](all []T, key func(*T) string, token *string, size *int64) (shown []T, next *string, err error) {
	if size != nil && (*size < 1 || *size > 100) {
		return nil, nil, invalid("maxResults must be between 1 and 100: %d", *size)
	}
	shown, next, err = paging.Cut(all, key, token, paging.Size(size, 100))
	if err != nil {
		return nil, nil, api.InvalidPaginationException("The provided pagination token is invalid.")
	}
	return shown, next, nil
}

// change runs f on a workgroup that rests and puts it into a passing state.
func (s *Service) change(ctx context.Context, name, status string, f func(*workgroup) error) (*workgroup, error) {
	var w *workgroup
	err := s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if w, err = findWorkgroup(tx, bus.From(ctx), name); err != nil {
			return err
		}
		if w.Status != available {
			return busy("workgroup")
		}
		if err := f(w); err != nil {
			return err
		}
		return s.move(tx, w, status)
	})
	return w, err
}

// UpdateWorkgroup changes settings of a workgroup.
func (s *Service) UpdateWorkgroup(ctx context.Context, in *api.UpdateWorkgroupInput) (*api.UpdateWorkgroupOutput, error) {
	w, err := s.change(ctx, *in.WorkgroupName, modifying, func(w *workgroup) error { return w.take(in) })
	if err != nil {
		return nil, err
	}
	return &api.UpdateWorkgroupOutput{Workgroup: s.shape(w)}, nil
}

// DeleteWorkgroup removes a workgroup; the namespace keeps its data.
func (s *Service) DeleteWorkgroup(ctx context.Context, in *api.DeleteWorkgroupInput) (*api.DeleteWorkgroupOutput, error) {
	w, err := s.change(ctx, *in.WorkgroupName, deleting, func(*workgroup) error { return nil })
	if err != nil {
		return nil, err
	}
	return &api.DeleteWorkgroupOutput{Workgroup: s.shape(w)}, nil
}

// GetCredentials makes a temporary password for the caller's own database user.
func (s *Service) GetCredentials(ctx context.Context, in *api.GetCredentialsInput) (*api.GetCredentialsOutput, error) {
	c := bus.From(ctx)
	life := int64(900)
	if in.DurationSeconds != nil {
		life = *in.DurationSeconds
	}
	switch {
	case in.CustomDomainName != nil:
		return nil, awserr.NotImplemented("redshift-serverless:GetCredentials with customDomainName")
	case in.WorkgroupName == nil:
		return nil, invalid("workgroupName must be specified.")
	case life < 900 || life > 3600:
		return nil, invalid("durationSeconds must be between 900 and 3600: %d", life)
	}
	user := dbauth.IAMUser(c.Principal)
	cred := dbauth.Credential{Login: user, User: user, AutoCreate: true}
	if in.DbName != nil {
		cred.Database = *in.DbName
	}
	var password string
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		w, err := findWorkgroup(tx, c, *in.WorkgroupName)
		if err != nil {
			return err
		}
		cred.Place = dbauth.Place{Account: w.Account, Region: w.Region, ID: Cluster(w.Namespace)}
		password, err = dbauth.Issue(tx, &cred, s.Clock.Now(), time.Duration(life)*time.Second)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetCredentialsOutput{DbUser: &user, DbPassword: &password, Expiration: &cred.Expires, NextRefreshTime: new(cred.Expires)}, nil
}
