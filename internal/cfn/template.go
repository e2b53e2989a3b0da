package cfn

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"stepwell/internal/diag"
)

// What a template may hold at most ("Understand CloudFormation quotas").
const (
	maxResources  = 500
	maxParameters = 200
	maxMappings   = 200
	maxOutputs    = 200
)

// Template is a parsed template.
type Template struct {
	Text        string
	Version     string // AWSTemplateFormatVersion; may be empty
	Description string
	Metadata    *Node
	Transforms  []string
	Parameters  []*Parameter
	Mappings    *Node
	Conditions  *Node
	Resources   []*Resource
	Outputs     []*Output

	root      *Node
	rules     []rule
	names     []string // of the resources, sorted
	found     diag.List
	pending   []func() // checks that need all sections
	functions map[string]function
}

// Resource is an entry of Resources.
type Resource struct {
	Name      string
	Type      string
	Span      diag.Span // of its name
	TypeSpan  diag.Span
	Condition string
	DependsOn []string
	// DeletionPolicy and UpdateReplacePolicy are Delete, Retain,
	// RetainExceptOnCreate or Snapshot; empty where they are not written.
	DeletionPolicy, UpdateReplacePolicy string
	Properties                          *Node // nil or a Map
	Metadata                            *Node
	CreationPolicy, UpdatePolicy        *Node
	node                                *Node
	dependsOn                           []*Node
}

// Output is an entry of Outputs.
type Output struct {
	Name        string
	Description string
	Condition   string
	Value       *Node
	Export      *Node // the name, nil where it is not exported
}

var sections = []string{"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Transform",
	"Resources", "Outputs", "Hooks", "Globals"}

var resourceMembers = []string{"Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy",
	"CreationPolicy", "Metadata", "Connectors"}

var alphanumeric = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// Surroundings are what transforms need to know beyond the template.
type Surroundings struct {
	// Include reads what AWS::Include names; nil refuses it.
	Include func(location string) (string, error)
	// Values are those of the parameters, as Texts gives them, for the lists that
	// Fn::ForEach goes through; a parameter that is not there has its default or,
	// without one, its name.
	Values map[string]string
	// Local takes local files where SAM wants objects in S3: a template before
	// it is packaged, which is checked and not deployed.
	Local bool
}

// Declared reads the parameters of a template and nothing else: what their values
// are may decide what the rest is.
func Declared(text string, in Surroundings) (*Template, diag.List) {
	root, fault := read(text)
	if fault != nil {
		return nil, diag.List{*fault}
	}
	t := &Template{Text: text, root: root, functions: functionTable()}
	t.include(root, in.Include, 0)
	for i, k := range root.Keys {
		if k.Text == "Parameters" {
			t.section(k, root.Items[i])
		}
	}
	return t, t.found
}

// Parse reads a template and checks all of it that can be checked without its
// parameters. The template is usable when no diagnostic is an error.
func Parse(text string, in Surroundings) (*Template, diag.List) {
	root, fault := read(text)
	if fault != nil {
		return nil, diag.List{*fault}
	}
	t := &Template{Text: text, root: root, functions: functionTable()}
	t.include(root, in.Include, 0)
	if transform := root.Get("Transform"); transform != nil {
		t.transforms(transform)
	}
	t.loops(root, in.Values)
	if slices.Contains(t.Transforms, serverless) {
		t.expand(root, in.Local)
	}
	for i, k := range root.Keys {
		t.section(k, root.Items[i])
	}
	for _, r := range t.Resources {
		t.names = append(t.names, r.Name)
	}
	slices.Sort(t.names)
	if len(t.Resources) == 0 && !t.found.HasErrors() {
		t.fail(root, "Template format error: At least one Resources member must be defined.")
	}
	if !t.found.HasErrors() {
		t.check()
	}
	slices.SortStableFunc(t.found, func(a, b diag.Diagnostic) int { return a.Span.Start - b.Span.Start })
	return t, t.found
}

func (t *Template) fail(n *Node, format string, args ...any) *diag.Diagnostic {
	t.found = append(t.found, diag.Diagnostic{Span: n.Span, Text: fmt.Sprintf(format, args...)})
	return &t.found[len(t.found)-1]
}

func (t *Template) section(k, v *Node) {
	switch k.Text {
	case "AWSTemplateFormatVersion":
		t.Version = v.Text
		if v.Text != "2010-09-09" {
			t.fail(v, "Template format error: unsupported value for AWSTemplateFormatVersion.")
		}
	case "Description":
		if v.Kind != String {
			t.fail(v, "Template format error: every Description member must be a string.")
		} else if len(v.Text) > 1024 {
			t.fail(v, "Template format error: 'Description' length is greater than 1024.")
		}
		t.Description = v.Text
	case "Metadata":
		t.Metadata = v
	case "Transform": // applied before the sections are read
	case "Globals":
		if !slices.Contains(t.Transforms, serverless) {
			t.fail(k, "Invalid template property or properties [Globals]")
		}
	case "Parameters":
		t.each(v, k.Text, maxParameters, func(k, v *Node) { t.Parameters = append(t.Parameters, t.parameter(k, v)) })
	case "Mappings":
		t.Mappings = v
		t.each(v, k.Text, maxMappings, t.mapping)
	case "Conditions":
		t.Conditions = v
		t.each(v, k.Text, 0, func(_, _ *Node) {})
	case "Resources":
		t.each(v, k.Text, maxResources, func(k, v *Node) { t.Resources = append(t.Resources, t.resource(k, v)) })
	case "Outputs":
		t.each(v, k.Text, maxOutputs, func(k, v *Node) { t.Outputs = append(t.Outputs, t.output(k, v)) })
	case "Rules":
		t.each(v, k.Text, 0, func(k, v *Node) { t.rules = append(t.rules, t.rule(k, v)) })
	case "Hooks":
		t.fail(k, "not implemented: the section %s of a template", k.Text)
	default:
		d := t.fail(k, "Invalid template property or properties [%s]", k.Text)
		d.Suggestion = diag.Nearest(k.Text, sections)
	}
}

// each goes through the members of a section.
func (t *Template) each(n *Node, section string, limit int, f func(k, v *Node)) {
	if n.Kind != Map {
		t.fail(n, "Template format error: %s must be an object.", section)
		return
	}
	if limit > 0 && len(n.Keys) > limit {
		t.fail(n, "Template format error: Number of %s, %d, is greater than maximum allowed, %d", strings.ToLower(section), len(n.Keys), limit)
		return
	}
	for i, k := range n.Keys {
		if !alphanumeric.MatchString(k.Text) {
			t.fail(k, "Template format error: %s name %s is non alphanumeric.", strings.TrimSuffix(section, "s"), k.Text)
			continue
		}
		f(k, n.Items[i])
	}
}

func (t *Template) transforms(v *Node) {
	items := []*Node{v}
	if v.Kind == List {
		items = v.Items
	}
	for _, n := range items {
		name := n.Text
		if n.Kind == Map && n.Get("Name") != nil {
			name = n.Get("Name").Text
		}
		if name != languageExtensions && name != serverless && name != includeTransform {
			t.fail(n, "not implemented: the transform %s", name)
		}
		t.used(name)
	}
}

// used notes that the template has a transform.
func (t *Template) used(name string) {
	if !slices.Contains(t.Transforms, name) {
		t.Transforms = append(t.Transforms, name)
	}
}

func (t *Template) mapping(k, v *Node) {
	if v.Kind != Map {
		t.fail(v, "Template format error: Every Mappings member %s must be a map", k.Text)
		return
	}
	for _, row := range v.Items {
		if row.Kind != Map {
			t.fail(row, "Template format error: Every Mappings attribute must be a String or a List.")
			return
		}
		for _, cell := range row.Items {
			if cell.Kind == Map || cell.Kind == Null {
				t.fail(cell, "Template format error: Every Mappings attribute must be a String or a List.")
				return
			}
		}
	}
}

func (t *Template) resource(k, v *Node) *Resource {
	r := &Resource{Name: k.Text, Span: k.Span, node: v}
	if v.Kind != Map {
		t.fail(k, "Template format error: [/Resources/%s] resource definition is malformed", k.Text)
		return r
	}
	for i, m := range v.Keys {
		x := v.Items[i]
		switch m.Text {
		case "Type":
			r.Type, r.TypeSpan = x.Text, x.Span
		case "Properties":
			if x.Kind == Map {
				r.Properties = x
			} else if x.Kind != Null {
				t.fail(x, "Template format error: [/Resources/%s] Properties must be an object", k.Text)
			}
		case "Metadata":
			r.Metadata = x
		case "Condition":
			r.Condition = x.Text
			t.conditionNamed(x, "Template format error: Unresolved condition dependency %s in the Resources block of the template")
		case "DependsOn":
			r.dependsOn = []*Node{x}
			if x.Kind == List {
				r.dependsOn = x.Items
			}
			for _, d := range r.dependsOn {
				r.DependsOn = append(r.DependsOn, d.Text)
			}
		case "DeletionPolicy":
			r.DeletionPolicy = t.policy(m, x)
		case "UpdateReplacePolicy":
			r.UpdateReplacePolicy = t.policy(m, x)
		case "CreationPolicy":
			r.CreationPolicy = x
		case "UpdatePolicy":
			r.UpdatePolicy = x
		case "Description", "Version": // taken, and of no effect
		case "Connectors":
			t.fail(m, "not implemented: the resource attribute %s", m.Text)
		default:
			d := t.fail(m, "Invalid template resource property '%s'", m.Text)
			d.Suggestion = diag.Nearest(m.Text, resourceMembers)
		}
	}
	if r.Type == "" {
		t.fail(k, "Template format error: [/Resources/%s] Every Resources object must contain a Type member.", k.Text)
	}
	return r
}

func (t *Template) policy(k, v *Node) string {
	allowed := []string{"Delete", "Retain", "Snapshot"}
	if k.Text == "DeletionPolicy" {
		allowed = append(allowed, "RetainExceptOnCreate")
	}
	if !slices.Contains(allowed, v.Text) {
		t.fail(v, "Template format error: Unrecognized %s %s for resource", k.Text, v.Text).Suggestion = diag.Nearest(v.Text, allowed)
	}
	return v.Text
}

func (t *Template) output(k, v *Node) *Output {
	o := &Output{Name: k.Text, Value: v.Get("Value"), Export: v.Get("Export").Get("Name")}
	if o.Value == nil {
		t.fail(k, "Template format error: Output %s is malformed. Every Outputs member must contain a Value object", k.Text)
		o.Value = &Node{Kind: Null, Span: k.Span}
	}
	if d := v.Get("Description"); d != nil {
		o.Description = d.Text
	}
	if c := v.Get("Condition"); c != nil {
		o.Condition = c.Text
		t.conditionNamed(c, "Template format error: Unresolved condition dependency %s in the Outputs block of the template")
	}
	for _, m := range v.Keys {
		if !slices.Contains([]string{"Value", "Description", "Condition", "Export"}, m.Text) {
			t.fail(m, "Template format error: Output %s has the unknown member %s", k.Text, m.Text)
		}
	}
	return o
}

// conditionNamed puts off the question whether a condition exists until all
// sections have been read.
func (t *Template) conditionNamed(n *Node, text string) {
	pending := *n
	t.pending = append(t.pending, func() {
		if t.Conditions.Get(pending.Text) == nil {
			t.fail(&pending, text, pending.Text).Suggestion = diag.Nearest(pending.Text, keys(t.Conditions))
		}
	})
}

func keys(n *Node) []string {
	if n == nil {
		return nil
	}
	out := make([]string, len(n.Keys))
	for i, k := range n.Keys {
		out[i] = k.Text
	}
	return out
}

func (t *Template) resourceNames() []string { return t.names }

// Resource is the resource of that name, or nil.
func (t *Template) Resource(name string) *Resource {
	for _, r := range t.Resources {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Processed is the template with its transforms applied, as JSON would have it.
func (t *Template) Processed() map[string]any {
	out := t.root.Value().(map[string]any)
	delete(out, "Transform")
	delete(out, "Globals")
	return out
}
