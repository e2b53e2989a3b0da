package cloudformation

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/cfn"
)

// GetTemplate returns the template of a stack or change set, as it was given or
// with its transforms applied.
func (s *Service) GetTemplate(ctx context.Context, in *api.GetTemplateInput) (*api.GetTemplateOutput, error) {
	var stackID string
	var p *spec
	switch {
	case in.ChangeSetName != nil:
		c, err := s.changeSet(ctx, *in.ChangeSetName, in.StackName)
		if err != nil {
			return nil, err
		}
		stackID, p = c.StackID, &c.Spec
	case in.StackName == nil:
		return nil, invalid("Either StackName or ChangeSetName must be specified.")
	default:
		st, err := s.view(ctx, *in.StackName, func(n string) error { return noStackID(n) })
		if err != nil {
			return nil, err
		}
		stackID, p = st.ID, &st.Spec
	}
	out := &api.GetTemplateOutput{StagesAvailable: []string{"Original", "Processed"}}
	if p.Template == "" { // a stack under review
		return &api.GetTemplateOutput{TemplateBody: new("{}"), StagesAvailable: out.StagesAvailable}, nil
	}
	text, err := s.template(ctx, stackID, p.Template)
	if err != nil {
		return nil, err
	}
	out.TemplateBody = &text
	if value(in.TemplateStage) == "Processed" {
		t, err := s.read(ctx, stackID, p)
		if err != nil {
			return nil, err
		}
		if len(t.Transforms) > 0 {
			b, err := json.Marshal(t.Processed())
			if err != nil {
				return nil, err
			}
			out.TemplateBody = new(string(b))
		}
	}
	return out, nil
}

// ValidateTemplate says what is wrong with a template.
func (s *Service) ValidateTemplate(ctx context.Context, in *api.ValidateTemplateInput) (*api.ValidateTemplateOutput, error) {
	t, _, err := s.given(ctx, source{in.TemplateBody, in.TemplateURL, false})
	if err != nil {
		return nil, err
	}
	needed, reason := acknowledge(t)
	out := &api.ValidateTemplateOutput{
		Description: optional(t.Description), Capabilities: needed, CapabilitiesReason: reason, DeclaredTransforms: t.Transforms,
		Parameters: []api.TemplateParameter{},
	}
	for _, p := range t.Parameters {
		out.Parameters = append(out.Parameters, api.TemplateParameter{
			ParameterKey: &p.Name, DefaultValue: p.Default, NoEcho: &p.NoEcho, Description: optional(p.Description),
		})
	}
	return out, nil
}

// given is a template that a request holds or points to.
func (s *Service) given(ctx context.Context, from source) (*cfn.Template, string, error) {
	text, err := s.text(ctx, from, nil)
	if err != nil {
		return nil, "", err
	}
	t, err := s.parse(text, cfn.Surroundings{Include: func(location string) (string, error) { return s.download(ctx, location) }})
	return t, text, err
}

// acknowledge are the capabilities that a template demands, and why.
func acknowledge(t *cfn.Template) (needed []string, reason *string) {
	needed, types := capabilities(t)
	var why []string
	if len(types) > 0 {
		why = append(why, "The following resource(s) require capabilities: ["+strings.Join(types, ", ")+"]")
	}
	if len(t.Transforms) > 0 {
		why = append(why, "The following capabilities are required to apply the transform(s): ["+strings.Join(t.Transforms, ", ")+"]")
	}
	return needed, optional(strings.Join(why, " "))
}

// GetTemplateSummary describes a template or that of a stack.
func (s *Service) GetTemplateSummary(ctx context.Context, in *api.GetTemplateSummaryInput) (*api.GetTemplateSummaryOutput, error) {
	if in.StackSetName != nil {
		return nil, unusable("not implemented: stack sets")
	}
	from := source{in.TemplateBody, in.TemplateURL, false}
	if in.StackName != nil {
		st, err := s.view(ctx, *in.StackName, func(n string) error { return noStackID(n) })
		if err != nil {
			return nil, err
		}
		text, err := s.template(ctx, st.ID, st.Spec.Template)
		if err != nil {
			return nil, err
		}
		from = source{body: &text}
	}
	t, _, err := s.given(ctx, from)
	if err != nil {
		return nil, err
	}
	needed, reason := acknowledge(t)
	out := &api.GetTemplateSummaryOutput{
		Description: optional(t.Description), Capabilities: needed, CapabilitiesReason: reason, DeclaredTransforms: t.Transforms,
		Version: optional(t.Version), Parameters: []api.ParameterDeclaration{},
	}
	for _, p := range t.Parameters {
		out.Parameters = append(out.Parameters, api.ParameterDeclaration{
			ParameterKey: &p.Name, DefaultValue: p.Default, ParameterType: &p.Type, NoEcho: &p.NoEcho, Description: optional(p.Description),
			ParameterConstraints: &api.ParameterConstraints{AllowedValues: p.AllowedValues},
		})
	}
	for _, r := range t.Resources {
		if !slices.Contains(out.ResourceTypes, r.Type) {
			out.ResourceTypes = append(out.ResourceTypes, r.Type)
		}
	}
	if t.Metadata != nil {
		b, err := json.Marshal(t.Metadata.Value())
		if err != nil {
			return nil, err
		}
		out.Metadata = new(string(b))
	}
	return out, nil
}

// DescribeAccountLimits returns the quotas of an account.
func (s *Service) DescribeAccountLimits(context.Context, *api.DescribeAccountLimitsInput) (*api.DescribeAccountLimitsOutput, error) {
	out := &api.DescribeAccountLimitsOutput{}
	for _, l := range []struct {
		name string
		n    int64
	}{{"StackLimit", 2000}, {"StackOutputsLimit", 200}, {"ConcurrentResourcesLimit", 2500}} {
		out.AccountLimits = append(out.AccountLimits, api.AccountLimit{Name: &l.name, Value: &l.n})
	}
	return out, nil
}
