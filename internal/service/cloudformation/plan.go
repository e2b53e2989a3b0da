package cloudformation

import (
	"context"
	"errors"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/awsapi/ssm"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/cfn"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
)

// wish is what a request says that a stack shall be made from.
type wish struct {
	stack        *stack // as it is; of a new one Name, ARN, Account and Region
	isNew        bool
	source       source
	parameters   []api.Parameter
	capabilities []string
	types        []string // ResourceTypes
	tags         []api.Tag
	notify       []string
	rollback     *api.RollbackConfiguration
}

// plan is a spec that has been checked.
type plan struct {
	spec     spec
	text     string
	included map[string]string // what AWS::Include has read, by location
	template *cfn.Template
	lacks    string // a capability that was not acknowledged
}

// plan checks what a stack shall be made from as far as it can be before
// anything is made.
func (s *Service) plan(ctx context.Context, w *wish) (*plan, error) {
	old := w.stack
	if w.isNew {
		old = nil
	}
	if w.rollback != nil && len(w.rollback.RollbackTriggers) > 0 {
		return nil, unusable("not implemented: rollback triggers")
	}
	text, err := s.text(ctx, w.source, old)
	if err != nil {
		return nil, err
	}
	p := &plan{text: text, included: map[string]string{}}
	in := cfn.Surroundings{Include: func(location string) (string, error) {
		part, err := s.download(ctx, location)
		if e := awserr.From(err); e != nil {
			err = errors.New(e.Message)
		}
		p.included[location] = part
		return part, err
	}}
	declared, found := cfn.Declared(text, in)
	if len(found) > 0 {
		return nil, unusable(found[0].Text)
	}
	for _, t := range w.tags {
		if bus.From(ctx).ReservedTag(value(t.Key)) {
			return nil, invalid(bus.ReservedTags)
		}
	}
	p.spec = spec{Template: hashOf(text), Tags: tagMap(w.tags), NotificationARNs: w.notify, Capabilities: w.capabilities, Rollback: w.rollback}
	missing := error(nil)
	if in.Values, missing = s.parameters(ctx, w, p, declared, old); missing != nil && awserr.From(missing) == nil {
		return nil, missing
	}
	if p.template, err = s.parse(text, in); err != nil {
		return nil, err
	}
	if missing != nil { // what is wrong with the template comes first
		return nil, missing
	}
	p.spec.Description = p.template.Description
	for location, part := range p.included {
		if p.spec.Includes == nil {
			p.spec.Includes = map[string]string{}
		}
		p.spec.Includes[location] = hashOf(part)
	}
	p.lacks = lacking(p.template, w.capabilities)
	if err := allowed(p.template, w.types); err != nil {
		return nil, err
	}
	return p, s.conditions(w.stack, p)
}

// keep puts the plan's texts where the stack's template is found again.
func (p *plan) keep(tx *store.Tx, stackID string) error {
	for _, part := range p.included {
		if err := templates.Put(tx, part, stackID, hashOf(part)); err != nil {
			return err
		}
	}
	return templates.Put(tx, p.text, stackID, p.spec.Template)
}

// allowed holds a template to the ResourceTypes of a request.
func allowed(t *cfn.Template, types []string) error {
	for _, r := range t.Resources {
		if len(types) > 0 && !slices.ContainsFunc(types, func(pattern string) bool {
			family, all := strings.CutSuffix(pattern, "*")
			return pattern == r.Type || all && strings.HasPrefix(r.Type, family)
		}) {
			return invalid("Resource type %s is not allowed by parameter ResourceTypes [%s]", r.Type, strings.Join(types, ", "))
		}
	}
	return nil
}

// parameters finds the values of the template's parameters.
func (s *Service) parameters(ctx context.Context, w *wish, p *plan, declared *cfn.Template, old *stack) (values map[string]string, err error) {
	before := map[string]string{}
	if old != nil {
		if before, _, err = s.openSpec(&old.Spec); err != nil {
			return nil, err
		}
	}
	given := map[string]string{}
	for _, x := range w.parameters {
		key := value(x.ParameterKey)
		switch was, ok := before[key]; {
		case !value(x.UsePreviousValue):
			given[key] = value(x.ParameterValue)
		case x.ParameterValue != nil:
			return nil, invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true and specify a value for the parameter at the same time", key)
		case !ok:
			return nil, invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", key)
		default:
			given[key] = was
		}
	}
	values, err = declared.Texts(given, func(name string) (string, error) { return s.parameter(ctx, name) })
	if err != nil {
		return nil, asInvalid(err)
	}
	for _, param := range declared.Parameters {
		if _, ok := given[param.Name]; !ok && param.Default != nil {
			given[param.Name] = *param.Default
		}
		if param.Type == "AWS::SSM::Parameter::Name" {
			if _, err := s.parameter(ctx, given[param.Name]); err != nil {
				return nil, err
			}
		}
	}
	return values, s.sealSpec(&p.spec, declared, given, values)
}

// parameter reads an SSM parameter.
func (s *Service) parameter(ctx context.Context, name string) (string, error) {
	out, err := bus.Invoke[ssm.GetParameterOutput](ctx, s.Bus, "ssm", "GetParameter", &ssm.GetParameterInput{Name: &name})
	if resource.Is(err, "ParameterNotFound", "ParameterVersionNotFound") {
		return "", invalid("Unable to fetch parameters [%s] from parameter store for this account.", name)
	}
	if err != nil {
		return "", err
	}
	if value(out.Parameter.Type) == "SecureString" {
		return "", invalid("Parameters [%s] referenced by template have types not supported by CloudFormation.", name)
	}
	return value(out.Parameter.Value), nil
}

// asInvalid makes an error of package cfn, which is text, an answer.
func asInvalid(err error) error {
	if f := (*cfn.Fault)(nil); errors.As(err, &f) {
		return unusable(f.Text)
	}
	if resource.Is(err, "ValidationError") {
		return err
	}
	return invalid("%s", err.Error())
}

// conditions evaluates the rules and the conditions, which know no resources.
func (s *Service) conditions(st *stack, p *plan) error {
	env, err := s.env(st, p.template, &p.spec)
	if err != nil {
		return err
	}
	v := p.template.Evaluator(env)
	if err := v.Assert(); err != nil {
		return asInvalid(err)
	}
	for _, r := range p.template.Resources {
		if _, err := v.Holds(r.Condition); err != nil {
			return asInvalid(err)
		}
	}
	for _, o := range p.template.Outputs {
		if _, err := v.Holds(o.Condition); err != nil {
			return asInvalid(err)
		}
	}
	return nil
}

// env is what a template is evaluated in, as far as it is known before the
// resources are.
func (s *Service) env(st *stack, t *cfn.Template, p *spec) (*cfn.Env, error) {
	_, values, err := s.openSpec(p)
	if err != nil {
		return nil, err
	}
	return &cfn.Env{
		Account: st.Account, Region: st.Region, Partition: "aws", URLSuffix: "amazonaws.com", StackName: st.Name, StackID: st.ARN,
		NotificationARNs: p.NotificationARNs, Zones: []string{st.Region + "a", st.Region + "b", st.Region + "c"}, Parameters: t.Typed(values),
	}, nil
}

func tagMap(tags []api.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := map[string]string{}
	for _, t := range tags {
		m[value(t.Key)] = value(t.Value)
	}
	return m
}
