package cloudformation

import (
	"context"
	"maps"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/bus"
	"stepwell/internal/cfn"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
)

// unknown stands for what is known only once the change set is executed.
const unknown = "{{changeSet:KNOWN_AFTER_APPLY}}"

// comparison finds out what an update would do.
type comparison struct {
	*run
	old     *cfn.Template
	before  map[string]any    // parameters of the old template, by name
	fate    map[string]string // Add, Replace, Maybe (replaced), Modify, or nothing
	changes []api.Change
}

// compareSpecs are the changes of resources that an update of st to p would
// make, and whether the outputs would change.
func (s *Service) compareSpecs(ctx context.Context, st *stack, p *plan) (list []api.Change, outputs bool, err error) {
	c, err := s.comparison(ctx, st, p)
	if err != nil {
		return nil, false, err
	}
	kept := map[string]bool{}
	for _, res := range p.template.Order() {
		is, err := c.eval.Holds(res.Condition)
		if err != nil {
			return nil, false, asInvalid(err)
		}
		if !is {
			continue
		}
		kept[res.Name] = true
		if err := c.resource(res); err != nil {
			return nil, false, asInvalid(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.records)) {
		if rec := c.records[name]; !kept[name] {
			c.add(&api.ResourceChange{
				Action: new("Remove"), LogicalResourceId: &name, PhysicalResourceId: optional(rec.PhysicalID), ResourceType: &rec.Type,
				PolicyAction: new(map[bool]string{true: "Retain", false: "Delete"}[strings.HasPrefix(rec.OnDelete, "Retain")]),
			})
		}
	}
	slices.SortStableFunc(c.changes, func(a, b api.Change) int {
		return strings.Compare(*a.ResourceChange.LogicalResourceId, *b.ResourceChange.LogicalResourceId)
	})
	next, err := c.outputs()
	if err != nil {
		return nil, false, asInvalid(err)
	}
	return c.changes, !slices.Equal(next, st.Outputs), nil
}

func (s *Service) comparison(ctx context.Context, st *stack, p *plan) (*comparison, error) {
	now := *st
	now.Spec = p.spec
	c := &comparison{
		run:  &run{s: s, ctx: bus.With(ctx, caller(st)), stack: &now, template: p.template, records: map[string]*record{}, imports: map[string]bool{}},
		fate: map[string]string{}, before: map[string]any{},
	}
	var list []record
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		list, err = resources.List(tx, st.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := s.unseal(&list[i]); err != nil {
			return nil, err
		}
		if rec := &list[i]; rec.PhysicalID != "" && !strings.HasPrefix(rec.Status, "DELETE_") {
			c.records[rec.LogicalID] = rec
		}
	}
	if st.Spec.Template != "" {
		if c.old, err = s.read(ctx, st.ID, &st.Spec); err != nil {
			return nil, err
		}
		_, values, err := s.openSpec(&st.Spec)
		if err != nil {
			return nil, err
		}
		c.before = c.old.Typed(values)
	}
	if c.env, err = s.env(&now, p.template, &p.spec); err != nil {
		return nil, err
	}
	c.env.Ref = func(name string) (any, error) {
		if f := c.fate[name]; f == "Add" || f == "Replace" || f == "Maybe" {
			return unknown, nil
		}
		return c.ref(name)
	}
	c.env.GetAtt = func(name, attr string) (any, error) {
		if c.fate[name] != "" {
			return unknown, nil
		}
		return c.attribute(name, attr)
	}
	c.env.Import = c.importValue
	c.eval = p.template.Evaluator(c.env)
	c.masked = c.eval
	return c, nil
}

func (c *comparison) add(r *api.ResourceChange) {
	c.changes = append(c.changes, api.Change{Type: new("Resource"), ResourceChange: r})
}

// resource compares one resource with what it is.
func (c *comparison) resource(res *cfn.Resource) error {
	rec := c.records[res.Name]
	if rec == nil {
		c.fate[res.Name] = "Add"
		c.add(&api.ResourceChange{Action: new("Add"), LogicalResourceId: &res.Name, ResourceType: &res.Type, Scope: []string{}, Details: []api.ResourceChangeDetail{}})
		return nil
	}
	if rec.Type != res.Type && !(strings.HasPrefix(rec.Type, "Custom::") && open(c.s.typeOf(res.Type))) {
		return invalid("Update of resource type is not permitted. The new template modifies resource type of the following resources: [%s]", res.Name)
	}
	next, _, err := c.wanted(res)
	if err != nil {
		return err
	}
	typ := c.s.typeOf(res.Type)
	change := &api.ResourceChange{Action: new("Modify"), LogicalResourceId: &res.Name, PhysicalResourceId: &rec.PhysicalID, ResourceType: &res.Type, Scope: []string{}}
	certain, possible := false, false
	for _, name := range slices.Sorted(maps.Keys(union(rec.Properties, next.Properties))) {
		if resource.Equal(rec.Properties[name], next.Properties[name]) {
			continue
		}
		details, recreation := c.details(res, typ, name, next.Properties[name])
		for _, d := range details {
			certain = certain || recreation == "Always" && *d.Evaluation == "Static"
			possible = possible || recreation != "Never"
		}
		change.Details = append(change.Details, details...)
	}
	if len(change.Details) > 0 {
		change.Scope = append(change.Scope, "Properties")
		q := &resource.Request{Properties: next.Properties, Old: rec.Properties, ID: rec.PhysicalID, Attributes: rec.Attributes, StackName: c.stack.Name, LogicalID: res.Name, Token: rec.Token}
		certain = certain || typ.Replaces != nil && typ.Replaces(q)
	}
	c.others(change, rec, &next, typ)
	if len(change.Details) == 0 {
		return nil
	}
	change.Replacement, c.fate[res.Name] = new("False"), "Modify"
	switch {
	case certain:
		change.Replacement, c.fate[res.Name] = new("True"), "Replace"
	case possible:
		change.Replacement, c.fate[res.Name] = new("Conditional"), "Maybe"
	case !slices.Contains(change.Scope, "Properties"):
		c.fate[res.Name] = ""
	}
	c.add(change)
	return nil
}

// others adds the changes that are not of properties.
func (c *comparison) others(change *api.ResourceChange, rec *record, next *version, typ *resource.Type) {
	add := func(scope string) {
		change.Scope = append(change.Scope, scope)
		change.Details = append(change.Details, api.ResourceChangeDetail{
			Target: &api.ResourceTargetDefinition{Attribute: &scope, RequiresRecreation: new("Never")}, Evaluation: new("Static"), ChangeSource: new("DirectModification"),
		})
	}
	if !resource.Equal(plainMap(rec.Metadata), plainMap(next.Metadata)) {
		add("Metadata")
	}
	if rec.OnDelete != next.OnDelete {
		add("DeletionPolicy")
	}
	if rec.OnReplace != next.OnReplace {
		add("UpdateReplacePolicy")
	}
	if slices.Contains(typ.Optional, "Tags") && !resource.Equal(plainMap(rec.Tags), plainMap(next.Tags)) {
		add("Tags")
	}
	if typ.Name == stackType && len(change.Details) == 0 { // what is in it is known only to itself
		change.Scope = append(change.Scope, "Properties")
		change.Details = append(change.Details, api.ResourceChangeDetail{
			Target: &api.ResourceTargetDefinition{Attribute: new("Properties"), RequiresRecreation: new("Never")}, Evaluation: new("Dynamic"), ChangeSource: new("Automatic"),
		})
	}
}

// details say why a property changes: the template is another, a parameter has
// another value, or a resource that it refers to changes.
func (c *comparison) details(res *cfn.Resource, typ *resource.Type, name string, next any) (list []api.ResourceChangeDetail, recreation string) {
	recreation = "Never"
	switch {
	case typ.Update == nil, slices.Contains(typ.Replacement, name):
		recreation = "Always"
	case typ.Replaces != nil:
		recreation = "Conditionally"
	}
	add := func(evaluation, source, entity string) {
		list = append(list, api.ResourceChangeDetail{
			Target:     &api.ResourceTargetDefinition{Attribute: new("Properties"), Name: &name, RequiresRecreation: &recreation},
			Evaluation: &evaluation, ChangeSource: &source, CausingEntity: optional(entity),
		})
	}
	node := res.Properties.Get(name)
	for _, ref := range cfn.References(node) {
		now, isParameter := c.env.Parameters[ref.Name]
		switch {
		case ref.Attribute != "" && c.fate[ref.Name] != "":
			add("Dynamic", "ResourceAttribute", ref.Name+"."+ref.Attribute)
		case c.fate[ref.Name] != "" && c.fate[ref.Name] != "Modify":
			add("Dynamic", "ResourceReference", ref.Name)
		case isParameter && !resource.Equal(now, c.before[ref.Name]):
			add("Static", "ParameterReference", ref.Name)
		}
	}
	was := (*cfn.Node)(nil)
	if c.old != nil {
		if r := c.old.Resource(res.Name); r != nil {
			was = r.Properties.Get(name)
		}
	}
	if len(list) == 0 || !sameText(node, was) {
		evaluation := "Static"
		if len(list) > 0 {
			evaluation = *list[0].Evaluation
		}
		add(evaluation, "DirectModification", "")
	}
	return list, recreation
}

func sameText(a, b *cfn.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return resource.Equal(a.Value(), b.Value())
}
