package syntax

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"go.yaml.in/yaml/v4"

	"stepwell/internal/diag"
)

// Bounds of what aliases can make of a text.
const (
	maxYAMLNodes = 1_000_000
	maxYAMLDepth = 1000
)

// YAML is a definition in YAML, as SAM takes it, written as JSON.
type YAML struct {
	JSON   string
	places []place
}

// place says where in the YAML text a key or value of the JSON text stands.
type place struct {
	json int
	yaml diag.Span
}

// FromYAML reads a definition in YAML.
func FromYAML(text string) (*YAML, *diag.Diagnostic) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		line, column := diag.YAMLError(err)
		at := diag.NewLines(text).Offset(line, column)
		return nil, &diag.Diagnostic{Span: diag.Span{Start: at, End: min(at+1, len(text))}, Code: SchemaFailed,
			Text: "the definition is not well-formed YAML", Notes: []string{strings.TrimPrefix(err.Error(), "yaml: ")}}
	}
	w := &yamlWriter{lines: diag.NewLines(text), size: len(text)}
	if len(root.Content) == 0 {
		return &YAML{JSON: "null"}, nil
	}
	w.node(root.Content[0])
	if w.fault != nil {
		return nil, w.fault
	}
	return &YAML{JSON: w.out.String(), places: w.places}, nil
}

// Span is the place in the YAML text of a place in the JSON text.
func (y *YAML) Span(s diag.Span) diag.Span {
	i := sort.Search(len(y.places), func(i int) bool { return y.places[i].json > s.Start })
	if i == 0 {
		return diag.Span{}
	}
	return y.places[i-1].yaml
}

type yamlWriter struct {
	out    strings.Builder
	places []place
	lines  *diag.Lines
	size   int // of the text
	nodes  int
	depth  int
	fault  *diag.Diagnostic
}

func (w *yamlWriter) node(n *yaml.Node) {
	span := diag.Span{Start: w.lines.Offset(n.Line, n.Column)}
	span.End = min(span.Start+max(len(n.Value), 1), w.size)
	w.nodes++
	w.depth++
	defer func() { w.depth-- }()
	if w.fault == nil && (w.nodes > maxYAMLNodes || w.depth > maxYAMLDepth) {
		w.fault = &diag.Diagnostic{Span: span, Code: SchemaFailed,
			Text: fmt.Sprintf("more than %d values, or values nested deeper than %d", maxYAMLNodes, maxYAMLDepth)}
	}
	if w.fault != nil {
		return
	}
	w.places = append(w.places, place{json: w.out.Len(), yaml: span})
	switch n.Kind {
	case yaml.MappingNode:
		w.out.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.comma(i)
			key := n.Content[i]
			key.Tag = "!!str"
			w.node(key)
			w.out.WriteByte(':')
			w.node(n.Content[i+1])
		}
		w.out.WriteByte('}')
	case yaml.SequenceNode:
		w.out.WriteByte('[')
		for i, item := range n.Content {
			w.comma(i)
			w.node(item)
		}
		w.out.WriteByte(']')
	case yaml.AliasNode:
		w.node(n.Alias)
	default:
		w.scalar(n)
	}
}

func (w *yamlWriter) comma(i int) {
	if i > 0 {
		w.out.WriteByte(',')
	}
}

// scalar writes a plain value. Dates are text.
func (w *yamlWriter) scalar(n *yaml.Node) {
	var v any = n.Value
	switch n.ShortTag() {
	case "!!null":
		v = nil
	case "!!bool", "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			w.out.WriteString(n.Value)
			return
		}
		if n.Decode(&v) != nil {
			v = n.Value
		}
	}
	text, err := json.Marshal(v)
	if err != nil { // .nan
		text, _ = json.Marshal(n.Value)
	}
	w.out.Write(text)
}
