package redshiftserverlesstype

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	api "stepwell/internal/awsapi/redshiftserverless"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

var workgroupSettings = []string{"BaseCapacity", "ConfigParameters", "EnhancedVpcRouting", "MaxCapacity", "Port", "PubliclyAccessible", "SecurityGroupIds",
	"SubnetIds"}

func workgroup() resource.Type {
	return resource.Type{
		Name:     "AWS::RedshiftServerless::Workgroup",
		Required: []string{"WorkgroupName"},
		Optional: slices.Concat([]string{"NamespaceName", "Tags"}, workgroupSettings),
		Refused:  []string{"PricePerformanceTarget", "RecoveryPointId", "SnapshotArn", "SnapshotName", "SnapshotOwnerAccount", "TrackName", "Workgroup"},
		Attributes: []string{"Workgroup.BaseCapacity", "Workgroup.CreationDate", "Workgroup.Endpoint.Address", "Workgroup.Endpoint.Port",
			"Workgroup.EnhancedVpcRouting", "Workgroup.MaxCapacity", "Workgroup.NamespaceName", "Workgroup.PubliclyAccessible", "Workgroup.SecurityGroupIds",
			"Workgroup.Status", "Workgroup.SubnetIds", "Workgroup.WorkgroupArn", "Workgroup.WorkgroupId", "Workgroup.WorkgroupName"},
		Replacement: []string{"NamespaceName", "WorkgroupName"},
		Create:      createWorkgroup,
		Update:      updateWorkgroup,
		Delete:      deleteWorkgroup,
	}
}

func createWorkgroup(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &api.CreateWorkgroupInput{}
	if err := resource.Decode(r.Properties, in, map[string]string{"Tags": ""}); err != nil {
		return nil, err
	}
	if err := resource.Decode(map[string]any{"Tags": r.OwnTags()}, in, nil); err != nil {
		return nil, err
	}
	_, err := r.Bus.Invoke(ctx, service, "CreateWorkgroup", in)
	if err != nil && !(r.Again && resource.Is(err, "ConflictException")) {
		return nil, err
	}
	return rested(ctx, r, *in.WorkgroupName)
}

// rested waits until the workgroup is in no passing state.
func rested(ctx context.Context, r *resource.Request, name string) (*resource.Made, error) {
	var w *api.Workgroup
	err := r.Wait(ctx, pause, limit, func() (bool, error) {
		out, err := bus.Invoke[api.GetWorkgroupOutput](ctx, r.Bus, service, "GetWorkgroup", &api.GetWorkgroupInput{WorkgroupName: &name})
		if err != nil {
			return false, err
		}
		if w = out.Workgroup; *w.Status == "DELETING" {
			return false, fmt.Errorf("the workgroup %s is being deleted", name)
		}
		return *w.Status == "AVAILABLE", nil
	})
	if err != nil {
		return &resource.Made{ID: name}, err
	}
	m := &resource.Made{ID: name, Attributes: map[string]any{
		"Workgroup.BaseCapacity":       strconv.FormatInt(*w.BaseCapacity, 10),
		"Workgroup.CreationDate":       w.CreationDate.UTC().Format(time.RFC3339Nano),
		"Workgroup.Endpoint.Address":   *w.Endpoint.Address,
		"Workgroup.Endpoint.Port":      strconv.FormatInt(*w.Endpoint.Port, 10),
		"Workgroup.EnhancedVpcRouting": strconv.FormatBool(*w.EnhancedVpcRouting),
		"Workgroup.NamespaceName":      *w.NamespaceName,
		"Workgroup.PubliclyAccessible": strconv.FormatBool(*w.PubliclyAccessible),
		"Workgroup.SecurityGroupIds":   resource.List(w.SecurityGroupIds),
		"Workgroup.Status":             *w.Status,
		"Workgroup.SubnetIds":          resource.List(w.SubnetIds),
		"Workgroup.WorkgroupArn":       *w.WorkgroupArn,
		"Workgroup.WorkgroupId":        *w.WorkgroupId,
		"Workgroup.WorkgroupName":      *w.WorkgroupName,
	}}
	m.Attributes["Workgroup.MaxCapacity"] = ""
	if w.MaxCapacity != nil {
		m.Attributes["Workgroup.MaxCapacity"] = strconv.FormatInt(*w.MaxCapacity, 10)
	}
	return m, nil
}

func updateWorkgroup(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	made, err := rested(ctx, r, r.ID)
	if err != nil {
		return nil, err
	}
	changes := map[string]any{}
	for _, name := range workgroupSettings {
		if r.Changed(name) {
			changes[name] = r.Properties[name]
		}
	}
	if len(changes) > 0 {
		in := &api.UpdateWorkgroupInput{WorkgroupName: &r.ID}
		if err := resource.Decode(changes, in, nil); err != nil {
			return nil, err
		}
		if _, err := r.Bus.Invoke(ctx, service, "UpdateWorkgroup", in); err != nil {
			return nil, err
		}
	}
	arn := made.Attributes["Workgroup.WorkgroupArn"].(string)
	if err := r.Retag(ctx, service, &api.TagResourceInput{ResourceArn: &arn}, &api.UntagResourceInput{ResourceArn: &arn}, nil); err != nil {
		return nil, err
	}
	return rested(ctx, r, r.ID)
}

// deleteWorkgroup removes the workgroup, once it rests, and waits until it is gone.
func deleteWorkgroup(ctx context.Context, r *resource.Request) error {
	err := r.Wait(ctx, pause, limit, func() (bool, error) {
		_, err := r.Bus.Invoke(ctx, service, "DeleteWorkgroup", &api.DeleteWorkgroupInput{WorkgroupName: &r.ID})
		if resource.Is(err, "ConflictException") {
			return false, nil // creating, say, or being deleted
		}
		return err == nil, err
	})
	if err == nil {
		err = r.Wait(ctx, pause, limit, func() (bool, error) {
			_, err := r.Bus.Invoke(ctx, service, "GetWorkgroup", &api.GetWorkgroupInput{WorkgroupName: &r.ID})
			return false, err
		})
	}
	return resource.Unless(err, "ResourceNotFoundException")
}
