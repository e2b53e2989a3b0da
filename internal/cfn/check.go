package cfn

import (
	"slices"
	"strings"

	"stepwell/internal/diag"
)

// pseudo are the pseudo parameters ("Pseudo parameters reference").
var pseudo = []string{"AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue", "AWS::Partition", "AWS::Region", "AWS::StackId", "AWS::StackName",
	"AWS::URLSuffix"}

// block says where in the template an expression stands.
type block struct {
	name      string // Resources, Outputs, Conditions or Rules
	resources bool   // Ref and Fn::GetAtt may name resources
}

// check looks at every expression of the template, and for circles.
func (t *Template) check() {
	for _, f := range t.pending {
		f()
	}
	if t.Conditions != nil {
		for _, c := range t.Conditions.Items {
			t.checkNode(c, block{name: "Conditions"})
		}
		t.conditionCircle()
	}
	t.checkRules()
	in := block{name: "Resources", resources: true}
	for _, r := range t.Resources {
		if r.Properties != nil {
			t.checkNode(r.Properties, in)
		}
		for _, d := range r.dependsOn {
			if !slices.Contains(t.resourceNames(), d.Text) {
				t.unresolved(d, in, d.Text, t.resourceNames())
			}
		}
	}
	for _, o := range t.Outputs {
		for _, n := range []*Node{o.Value, o.Export} {
			if n != nil {
				t.checkNode(n, block{name: "Outputs", resources: true})
			}
		}
	}
	if !t.found.HasErrors() {
		t.circle()
	}
}

func (t *Template) unresolved(n *Node, in block, name string, names []string) {
	t.fail(n, "Template format error: Unresolved resource dependencies [%s] in the %s block of the template", name, in.name).
		Suggestion = diag.Nearest(name, names)
}

func (t *Template) checkNode(n *Node, in block) {
	name, arg, ok := n.function()
	if !ok {
		if n.Kind == Null {
			t.fail(n, "Template format error: 'null' values are not allowed in templates")
		}
		for _, item := range n.Items {
			t.checkNode(item, in)
		}
		return
	}
	f, ok := t.functions[name]
	if !ok {
		t.fail(n.Keys[0], "Template error: unsupported function %s", name).Suggestion = diag.Nearest(name, t.functionNames())
		return
	}
	if f.refused != "" {
		t.fail(n.Keys[0], "not implemented: %s", f.refused)
		return
	}
	if f.ruled && in.name != "Rules" {
		t.fail(n.Keys[0], "Template error: %s can be used in Rules only", name)
		return
	}
	if f.conditional && in.name != "Conditions" && in.name != "Rules" && name != "Fn::If" {
		t.fail(n.Keys[0], "Template error: %s can be used in Conditions only", name)
		return
	}
	if text := f.shape(arg); text != "" {
		t.fail(n.Keys[0], "%s", text)
		return
	}
	f.check(t, n, arg, in)
}

// checkRef looks at the name of a Ref.
func (t *Template) checkRef(n *Node, name string, in block) {
	names := slices.Concat(t.parameterNames(), pseudo)
	if in.resources {
		names = append(names, t.resourceNames()...)
	}
	if !slices.Contains(names, name) {
		t.unresolved(n, in, name, names)
	}
}

func (t *Template) parameterNames() []string {
	out := make([]string, len(t.Parameters))
	for i, p := range t.Parameters {
		out[i] = p.Name
	}
	return out
}

func (t *Template) checkGetAtt(n *Node, resource string, in block) {
	if !in.resources || !slices.Contains(t.resourceNames(), resource) {
		t.fail(n, "Template error: instance of Fn::GetAtt references undefined resource %s", resource).
			Suggestion = diag.Nearest(resource, t.resourceNames())
	}
}

func (t *Template) checkCondition(n *Node, name string) {
	if t.Conditions.Get(name) == nil {
		t.fail(n, "Template error: unresolved condition dependency %s in Fn::If", name).Suggestion = diag.Nearest(name, keys(t.Conditions))
	}
}

func (t *Template) checkSub(n, arg *Node, in block) {
	text, vars := arg, (*Node)(nil)
	if arg.Kind == List {
		text, vars = arg.Items[0], arg.Items[1]
		for _, v := range vars.Items {
			t.checkNode(v, in)
		}
	}
	parts, ok := subParts(text.Text)
	if !ok {
		t.fail(n, "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons")
		return
	}
	for _, p := range parts {
		switch {
		case p.name == "" || vars.Get(p.name) != nil:
		case strings.Contains(p.name, ".") && !strings.HasPrefix(p.name, "AWS::"):
			resource, _, _ := strings.Cut(p.name, ".")
			t.checkGetAtt(n, resource, in)
		default:
			t.checkRef(n, p.name, in)
		}
	}
}

func (t *Template) checkFindInMap(n, arg *Node, in block) {
	for _, item := range arg.Items {
		t.checkNode(item, in)
	}
	if m := arg.Items[0]; m.Kind == String && t.Mappings.Get(m.Text) == nil {
		t.fail(n, "Template error: Mapping named '%s' is not present in the 'Mappings' section of template.", m.Text).
			Suggestion = diag.Nearest(m.Text, keys(t.Mappings))
	}
}

// Reference is a name that an expression refers to: of a parameter, a pseudo
// parameter or a resource, with an attribute of the resource where it asks for one.
type Reference struct {
	Name, Attribute string
	Span            diag.Span
}

// References are what an expression refers to, in the order of the text.
func References(n *Node) (all []Reference) {
	if n == nil {
		return nil
	}
	name, arg, ok := n.function()
	switch {
	case ok && name == "Ref":
		all = append(all, Reference{arg.Text, "", n.Span})
	case ok && name == "Fn::GetAtt" && (arg.Kind == String || arg.Kind == List && len(arg.Items) == 2):
		resource, attr := attribute(arg)
		all = append(all, Reference{resource, attr, n.Span})
	case ok && name == "Fn::Sub":
		text, vars := arg, (*Node)(nil)
		if arg.Kind == List && len(arg.Items) == 2 {
			text, vars = arg.Items[0], arg.Items[1]
		}
		parts, _ := subParts(text.Text)
		for _, p := range parts {
			if p.name == "" || vars.Get(p.name) != nil {
				continue
			}
			resource, attr, dotted := strings.Cut(p.name, ".")
			if dotted && !strings.HasPrefix(p.name, "AWS::") {
				all = append(all, Reference{resource, attr, n.Span})
			} else {
				all = append(all, Reference{p.name, "", n.Span})
			}
		}
	}
	for _, item := range n.Items {
		all = append(all, References(item)...)
	}
	return all
}

// Attributes are the references to attributes of resources in the template.
func (t *Template) Attributes() (all []Reference) {
	list := []*Node{}
	for _, r := range t.Resources {
		list = append(list, r.Properties)
	}
	for _, o := range t.Outputs {
		list = append(list, o.Value)
	}
	for _, n := range list {
		for _, ref := range References(n) {
			if ref.Attribute != "" {
				all = append(all, ref)
			}
		}
	}
	return all
}

// Needs are the resources a resource waits for: those its properties refer to
// and those of DependsOn, by name.
func (t *Template) Needs(r *Resource) []string {
	set := map[string]bool{}
	for _, d := range r.DependsOn {
		set[d] = true
	}
	for _, ref := range References(r.Properties) {
		set[ref.Name] = true
	}
	var out []string
	for _, name := range t.resourceNames() {
		if set[name] {
			out = append(out, name)
		}
	}
	return out
}

// Order are the resources in an order in which each stands behind those it needs.
func (t *Template) Order() []*Resource {
	order, _ := t.sorted()
	return order
}

func (t *Template) sorted() (order []*Resource, circle []string) {
	byName, state := map[string]*Resource{}, map[string]int{}
	for _, r := range t.Resources {
		byName[r.Name] = r
	}
	var path []string
	var visit func(r *Resource) bool
	visit = func(r *Resource) bool {
		switch state[r.Name] {
		case 2:
			return true
		case 1:
			circle = path[slices.Index(path, r.Name):]
			return false
		}
		state[r.Name] = 1
		path = append(path, r.Name)
		for _, name := range t.Needs(r) {
			if need := byName[name]; need != nil && !visit(need) {
				return false
			}
		}
		path = path[:len(path)-1]
		state[r.Name] = 2
		order = append(order, r)
		return true
	}
	for _, r := range t.Resources {
		if !visit(r) {
			return nil, circle
		}
	}
	return order, nil
}

func (t *Template) circle() {
	_, circle := t.sorted()
	if circle == nil {
		return
	}
	names := slices.Sorted(slices.Values(circle))
	for _, r := range t.Resources {
		if r.Name == names[0] {
			t.fail(&Node{Span: r.Span}, "Circular dependency between resources: [%s]", strings.Join(names, ", "))
		}
	}
}

// conditionCircle finds conditions that name themselves.
func (t *Template) conditionCircle() {
	var depends func(n *Node, on string, depth int) bool
	depends = func(n *Node, on string, depth int) bool {
		if n == nil || depth > len(t.Conditions.Keys) {
			return false
		}
		if name, arg, ok := n.function(); ok && name == "Condition" {
			return arg.Text == on || depends(t.Conditions.Get(arg.Text), on, depth+1)
		}
		return slices.ContainsFunc(n.Items, func(item *Node) bool { return depends(item, on, depth) })
	}
	for i, k := range t.Conditions.Keys {
		if depends(t.Conditions.Items[i], k.Text, 0) {
			t.fail(k, "Template format error: Circular dependency between conditions: [%s]", k.Text)
		}
	}
}
