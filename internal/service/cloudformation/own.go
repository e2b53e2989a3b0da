package cloudformation

import (
	"context"

	"stepwell/internal/service/cloudformation/resource"
)

// customType is also the type of resources whose type begins with Custom::.
const customType = "AWS::CloudFormation::CustomResource"

// ownTypes are the resource types that need no other service's.
func (s *Service) ownTypes() []resource.Type {
	return []resource.Type{
		{
			Name: "AWS::CDK::Metadata", Optional: []string{"Analytics"},
			Create: nothing, Update: nothing, Delete: func(context.Context, *resource.Request) error { return nil },
		},
		{
			Name: customType, Required: []string{"ServiceToken"}, Optional: []string{"ServiceTimeout"},
			Create: s.createCustom, Update: s.updateCustom, Delete: s.deleteCustom,
		},
		{
			Name:   "AWS::CloudFormation::WaitConditionHandle",
			Create: s.createHandle, Update: nothing, Delete: s.deleteHandle,
		},
		{
			Name: "AWS::CloudFormation::WaitCondition", Optional: []string{"Count", "Handle", "Timeout"}, Attributes: []string{"Data"},
			Create: s.createCondition, Update: refuseCondition, Delete: func(context.Context, *resource.Request) error { return nil },
		},
		{
			Name: stackType, Required: []string{"TemplateURL"}, Optional: []string{"NotificationARNs", "Parameters", "Tags", "TimeoutInMinutes"},
			Attributes: []string{"Outputs.*"}, Create: s.createNested, Update: s.updateNested, Delete: s.deleteNested,
		},
	}
}

// nothing is what becomes of a resource that only has a name.
func nothing(_ context.Context, r *resource.Request) (*resource.Made, error) {
	if r.ID != "" {
		return &resource.Made{ID: r.ID}, nil
	}
	return &resource.Made{ID: r.Token}, nil
}
