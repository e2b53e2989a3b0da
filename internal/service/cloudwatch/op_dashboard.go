package cloudwatch

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

var dashboardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

func noDashboard(name string) *awserr.Error {
	return api.DashboardNotFoundError("Dashboard %s does not exist", name)
}

func dashboardARN(c bus.Caller, name string) string {
	return "arn:aws:cloudwatch::" + c.Account + ":dashboard/" + name
}

func (s *Service) putDashboard(ctx context.Context, in *api.PutDashboardInput) (*api.PutDashboardOutput, error) {
	if !dashboardName.MatchString(*in.DashboardName) {
		return nil, invalid("The value %s for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).", *in.DashboardName)
	}
	var body struct {
		Widgets *[]any `json:"widgets"`
	}
	if err := json.Unmarshal([]byte(*in.DashboardBody), &body); err != nil {
		return nil, api.DashboardInvalidInputError("The field DashboardBody must be a valid JSON object")
	}
	if body.Widgets == nil {
		return nil, api.DashboardInvalidInputError("The dashboard body is invalid, there are validation errors: [{\"message\":\"Should have required property 'widgets'\"}]")
	}
	c := bus.From(ctx)
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		return dashboards.Put(tx, dashboard{Name: *in.DashboardName, Body: *in.DashboardBody, Modified: s.Clock.Now()}, c.Account, *in.DashboardName)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutDashboardOutput{DashboardValidationMessages: []api.DashboardValidationMessage{}}, nil
}

func (s *Service) getDashboard(ctx context.Context, in *api.GetDashboardInput) (*api.GetDashboardOutput, error) {
	c := bus.From(ctx)
	var d dashboard
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		var ok bool
		if d, ok, err = dashboards.Get(tx, c.Account, *in.DashboardName); err == nil && !ok {
			err = noDashboard(*in.DashboardName)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetDashboardOutput{DashboardArn: new(dashboardARN(c, d.Name)), DashboardBody: &d.Body, DashboardName: &d.Name}, nil
}

func (s *Service) listDashboards(ctx context.Context, in *api.ListDashboardsInput) (*api.ListDashboardsOutput, error) {
	c := bus.From(ctx)
	var all []dashboard
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		list, err := dashboards.List(tx, c.Account)
		for _, d := range list {
			if strings.HasPrefix(d.Name, text(in.DashboardNamePrefix)) {
				all = append(all, d)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	some, next, err := page(all, func(d *dashboard) string { return d.Name }, in.NextToken, nil, 1000)
	if err != nil {
		return nil, err
	}
	out := &api.ListDashboardsOutput{DashboardEntries: []api.DashboardEntry{}, NextToken: next}
	for i := range some {
		d := &some[i]
		out.DashboardEntries = append(out.DashboardEntries, api.DashboardEntry{DashboardName: &d.Name, DashboardArn: new(dashboardARN(c, d.Name)), LastModified: &d.Modified, Size: new(int64(len(d.Body)))})
	}
	return out, nil
}

func (s *Service) deleteDashboards(ctx context.Context, in *api.DeleteDashboardsInput) (*api.DeleteDashboardsOutput, error) {
	c := bus.From(ctx)
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		for _, name := range in.DashboardNames {
			ok, err := dashboards.Delete(tx, c.Account, name)
			if err == nil && !ok {
				err = noDashboard(name)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return &api.DeleteDashboardsOutput{}, err
}
