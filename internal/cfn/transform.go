package cfn

import (
	"slices"
	"strings"
	"unicode"

	"stepwell/internal/diag"
)

const (
	languageExtensions = "AWS::LanguageExtensions"
	includeTransform   = "AWS::Include"
	forEach            = "Fn::ForEach::"
)

// maxDepth bounds includes within includes and loops within loops.
const maxDepth = 5

// include puts what AWS::Include names in its place: beside the other members of
// the map that it stands in ("AWS::Include transform").
func (t *Template) include(n *Node, get func(string) (string, error), depth int) {
	for i := 0; i < len(n.Keys); i++ {
		k, v := n.Keys[i], n.Items[i]
		if k.Text != "Fn::Transform" && !(k.Text == "Transform" && n == t.root) || v.Kind != Map || v.Get("Name") == nil || v.Get("Name").Text != includeTransform {
			continue
		}
		n.Keys, n.Items = slices.Delete(n.Keys, i, i+1), slices.Delete(n.Items, i, i+1)
		i--
		t.used(includeTransform)
		if found := t.included(v, get, depth); found != nil {
			for j, name := range found.Keys {
				n.set(name, found.Items[j])
			}
		}
	}
	for _, item := range n.Items {
		t.include(item, get, depth)
	}
}

// included is the map that a use of AWS::Include names; nil where there is none.
func (t *Template) included(v *Node, get func(string) (string, error), depth int) *Node {
	location := v.Get("Parameters").Get("Location")
	switch {
	case location == nil || location.Kind != String:
		t.fail(v, "Transform %s failed with: The value of parameter Location under transform Include must resolve to a string, number, boolean or a list of any of these.", includeTransform)
		return nil
	case get == nil:
		d := t.fail(location, "AWS::Include is not looked at here: what %s holds is not known", location.Text)
		d.Severity = diag.Warning
		return nil
	case depth == maxDepth:
		t.fail(location, "Transform %s failed with: includes are nested too deep", includeTransform)
		return nil
	}
	text, err := get(location.Text)
	if err != nil {
		t.fail(location, "Transform %s failed with: The specified S3 object's content should be valid Yaml/JSON: %v", includeTransform, err)
		return nil
	}
	n, fault := read(text)
	if fault != nil {
		t.fail(location, "Transform %s failed with: The specified S3 object's content should be valid Yaml/JSON", includeTransform).Notes = []string{fault.Text}
		return nil
	}
	n.stand(location.Span)
	t.include(n, get, depth+1)
	return n
}

// stand gives a node that comes from elsewhere a place in this text.
func (n *Node) stand(at diag.Span) {
	n.Span = at
	for _, list := range [][]*Node{n.Keys, n.Items} {
		for _, child := range list {
			child.stand(at)
		}
	}
}

// loops replaces Fn::ForEach by what it makes ("Fn::ForEach" of the template
// reference).
func (t *Template) loops(n *Node, values map[string]string) { t.unroll(n, values, 0) }

func (t *Template) unroll(n *Node, values map[string]string, depth int) {
	if n.Kind == Map && slices.ContainsFunc(n.Keys, func(k *Node) bool { return strings.HasPrefix(k.Text, forEach) }) {
		out := &Node{Kind: Map, Span: n.Span}
		for i, k := range n.Keys {
			if !strings.HasPrefix(k.Text, forEach) {
				out.set(k, n.Items[i])
				continue
			}
			if !slices.Contains(t.Transforms, languageExtensions) {
				t.fail(k, "Template error: Fn::ForEach requires the transform %s", languageExtensions)
				continue
			}
			t.repeat(out, k, n.Items[i], values, depth)
		}
		n.Keys, n.Items = out.Keys, out.Items
	}
	for _, item := range n.Items {
		t.unroll(item, values, depth)
	}
}

// repeat adds what one Fn::ForEach makes.
func (t *Template) repeat(out, k, v *Node, values map[string]string, depth int) {
	if v.Kind != List || len(v.Items) != 3 || v.Items[0].Kind != String || v.Items[2].Kind != Map {
		t.fail(k, "Template error: every Fn::ForEach requires a list of three: the identifier, the collection and the output")
		return
	}
	if depth == maxDepth {
		t.fail(k, "Template error: Fn::ForEach is nested too deep")
		return
	}
	for _, item := range t.collection(v.Items[1], values) {
		body := v.Items[2].filled(v.Items[0].Text, item)
		t.unroll(body, values, depth+1)
		for i, name := range body.Keys {
			if out.Get(name.Text) != nil {
				t.fail(k, "Template error: Fn::ForEach makes %s twice", name.Text)
				return
			}
			out.set(name, body.Items[i])
		}
	}
}

// collection are the texts that a loop goes through: a list, or the value of a
// list parameter.
func (t *Template) collection(n *Node, values map[string]string) (list []string) {
	items := []*Node{n}
	if n.Kind == List {
		items = n.Items
	}
	for _, item := range items {
		name, arg, ok := item.function()
		switch {
		case !ok && item.Kind != Map && item.Kind != List:
			list = append(list, item.Text)
		case ok && name == "Ref" && t.root.Get("Parameters").Get(arg.Text) != nil:
			text, given := values[arg.Text]
			if !given {
				text = arg.Text
				if d := t.root.Get("Parameters").Get(arg.Text).Get("Default"); d != nil {
					text = d.Text
				}
			}
			if text != "" {
				list = append(list, split(text)...)
			}
		default:
			t.fail(item, "not implemented: a collection of Fn::ForEach that is neither a list of texts nor a parameter")
		}
	}
	return list
}

// filled is a copy of a node with the identifier of a loop replaced by a value:
// ${Id} by the value, &{Id} by its letters and digits.
func (n *Node) filled(id, value string) *Node {
	if name, arg, ok := n.function(); ok && name == "Ref" && arg.Text == id {
		return &Node{Kind: String, Text: value, Span: n.Span}
	}
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, value)
	out := *n
	if n.Kind == String {
		out.Text = strings.NewReplacer("${"+id+"}", value, "&{"+id+"}", plain).Replace(n.Text)
	}
	out.Keys, out.Items = make([]*Node, len(n.Keys)), make([]*Node, len(n.Items))
	for i, k := range n.Keys {
		out.Keys[i] = k.filled(id, value)
	}
	for i, item := range n.Items {
		out.Items[i] = item.filled(id, value)
	}
	return &out
}
