package cfn

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"stepwell/internal/diag"
)

// Kind says what a node is.
type Kind uint8

const (
	Null Kind = iota
	String
	Number
	Bool
	List
	Map
)

// Node is a value of a template as it is written. A tag such as !Ref is the map
// of one entry that it stands for.
type Node struct {
	Kind  Kind
	Text  string // of a String, Number or Bool
	Items []*Node
	Keys  []*Node // of a Map, in the order of the text; Items are their values
	Span  diag.Span
}

// Get is the value of a key of a map; nil where there is none.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Map {
		return nil
	}
	for i, k := range n.Keys {
		if k.Text == key {
			return n.Items[i]
		}
	}
	return nil
}

// Value is the node as JSON would have it, with functions left as they are:
// string, json.Number, bool, []any, map[string]any or nil.
func (n *Node) Value() any {
	switch n.Kind {
	case String:
		return n.Text
	case Number:
		return json.Number(n.Text)
	case Bool:
		return n.Text == "true"
	case List:
		out := make([]any, len(n.Items))
		for i, item := range n.Items {
			out[i] = item.Value()
		}
		return out
	case Map:
		out := make(map[string]any, len(n.Items))
		for i, k := range n.Keys {
			out[k.Text] = n.Items[i].Value()
		}
		return out
	}
	return nil
}

// function is the function call that a map of one entry is.
func (n *Node) function() (name string, arg *Node, ok bool) {
	if n == nil || n.Kind != Map || len(n.Keys) != 1 {
		return "", nil, false
	}
	name = n.Keys[0].Text
	return name, n.Items[0], name == "Ref" || name == "Condition" && n.Items[0].Kind == String || strings.HasPrefix(name, "Fn::")
}

// read parses the text of a template. JSON is read as the YAML it is.
func read(text string) (*Node, *diag.Diagnostic) {
	isJSON := strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{")
	var root yaml.Node
	if err := yaml.Load([]byte(text), &root); err != nil {
		return nil, notWellFormed(text, isJSON, err)
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) == 0 {
		return nil, &diag.Diagnostic{Code: "syntax", Text: "Template format error: unsupported structure."}
	}
	r := &reader{text: text, lines: diag.NewLines(text)}
	n := r.node(root.Content[0])
	if r.fault != nil {
		return nil, r.fault
	}
	if n.Kind != Map {
		return nil, &diag.Diagnostic{Code: "syntax", Text: "Template format error: unsupported structure."}
	}
	return n, nil
}

func notWellFormed(text string, isJSON bool, err error) *diag.Diagnostic {
	line, column := diag.YAMLError(err)
	language := "YAML"
	if isJSON {
		language = "JSON"
	}
	at := diag.NewLines(text).Offset(line, column)
	return &diag.Diagnostic{
		Span: diag.Span{Start: at, End: at + 1}, Code: "syntax",
		Text:  fmt.Sprintf("Template format error: %s not well-formed. (line %d, column %d)", language, line, column),
		Notes: []string{strings.TrimPrefix(err.Error(), "yaml: ")},
	}
}

// reader turns YAML's nodes into ours.
type reader struct {
	text  string
	lines *diag.Lines
	fault *diag.Diagnostic
}

func (r *reader) node(y *yaml.Node) *Node {
	n := &Node{}
	n.Span.Start = r.lines.Offset(y.Line, y.Column)
	n.Span.End = min(n.Span.Start+max(len(y.Value), 1), len(r.text))
	switch y.Kind {
	case yaml.MappingNode:
		n.Kind = Map
		r.entries(n, y)
	case yaml.SequenceNode:
		n.Kind = List
		for _, c := range y.Content {
			n.Items = append(n.Items, r.node(c))
		}
	case yaml.AliasNode:
		r.fail(n, "Template format error: YAML aliases are not allowed in CloudFormation templates")
	default:
		n.Kind, n.Text = scalar(y)
	}
	return r.tagged(n, y.Tag)
}

func (r *reader) entries(n *Node, y *yaml.Node) {
	for i := 0; i+1 < len(y.Content); i += 2 {
		k := r.node(y.Content[i])
		if k.Kind == List || k.Kind == Map {
			r.fail(k, "Template format error: YAML not well-formed. A key is a text")
			return
		}
		k.Text = y.Content[i].Value
		if n.Get(k.Text) != nil {
			line, column := diag.Position(r.text, k.Span.Start)
			r.fail(k, fmt.Sprintf("Template format error: duplicate key %s (line %d, column %d)", k.Text, line, column))
			return
		}
		n.Keys = append(n.Keys, k)
		n.Items = append(n.Items, r.node(y.Content[i+1]))
	}
}

func (r *reader) fail(n *Node, text string) {
	if r.fault == nil {
		r.fault = &diag.Diagnostic{Span: n.Span, Code: "syntax", Text: text}
	}
}

var jsonNumber = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$`)

func scalar(y *yaml.Node) (Kind, string) {
	if strings.HasPrefix(y.Tag, "!") && !strings.HasPrefix(y.Tag, "!!") {
		return String, y.Value
	}
	switch y.ShortTag() {
	case "!!null":
		return Null, ""
	case "!!bool":
		return Bool, strings.ToLower(y.Value)
	case "!!int", "!!float":
		if jsonNumber.MatchString(y.Value) {
			return Number, y.Value
		}
	}
	return String, y.Value
}

// tagged is the function that a tag such as !Sub stands for.
func (r *reader) tagged(n *Node, tag string) *Node {
	if !strings.HasPrefix(tag, "!") || strings.HasPrefix(tag, "!!") {
		return n
	}
	name := tag[1:]
	switch name {
	case "Ref", "Condition":
	case "GetAtt":
		if before, after, ok := strings.Cut(n.Text, "."); ok && n.Kind == String {
			n = &Node{Kind: List, Span: n.Span, Items: []*Node{{Kind: String, Text: before, Span: n.Span}, {Kind: String, Text: after, Span: n.Span}}}
		}
		name = "Fn::GetAtt"
	default:
		name = "Fn::" + name
	}
	return &Node{Kind: Map, Span: n.Span, Keys: []*Node{{Kind: String, Text: name, Span: n.Span}}, Items: []*Node{n}}
}
