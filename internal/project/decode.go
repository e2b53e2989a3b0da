package project

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"stepwell/internal/diag"
)

// Parse reads the text of a stepwell.yaml. The diagnostics point into the text;
// the file is usable when none of them is an error.
func Parse(text string) (*File, diag.List) {
	if strings.TrimSpace(text) == "" {
		return nil, diag.List{{Text: "the file is empty", Code: "empty"}}
	}
	var root yaml.Node
	if err := yaml.Load([]byte(text), &root); err != nil {
		return nil, diag.List{syntaxError(text, err)}
	}
	d := &decoder{text: text, lines: diag.NewLines(text)}
	f := &File{}
	if root.Kind != yaml.DocumentNode || len(root.Content) == 0 {
		return nil, diag.List{{Text: "the file is empty", Code: "empty"}}
	}
	d.decode(root.Content[0], reflect.ValueOf(f).Elem())
	if !d.found.HasErrors() {
		d.check(f, root.Content[0])
	}
	return f, d.found
}

// syntaxError points to the place that the YAML library names in its text.
func syntaxError(text string, err error) diag.Diagnostic {
	line, column := diag.YAMLError(err)
	at := diag.NewLines(text).Offset(line, column)
	return diag.Diagnostic{Span: diag.Span{Start: at, End: at + 1}, Code: "syntax", Text: strings.TrimPrefix(err.Error(), "yaml: ")}
}

// decoder fills Go values from nodes and says where they do not fit.
type decoder struct {
	text  string
	lines *diag.Lines
	found diag.List
}

func (d *decoder) span(n *yaml.Node) diag.Span {
	start := d.lines.Offset(n.Line, n.Column)
	return diag.Span{Start: start, End: start + max(len(n.Value), 1)}
}

func (d *decoder) fail(n *yaml.Node, code, format string, args ...any) *diag.Diagnostic {
	d.found = append(d.found, diag.Diagnostic{Span: d.span(n), Code: code, Text: fmt.Sprintf(format, args...)})
	return &d.found[len(d.found)-1]
}

func (d *decoder) decode(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch v.Kind() {
	case reflect.Pointer:
		if n.ShortTag() == "!!null" {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem())
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.fail(n, "type", "expected a list")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, e := range n.Content {
			d.decode(e, v.Index(i))
		}
	case reflect.Map:
		d.mapping(n, v)
	default:
		if err := n.Load(v.Addr().Interface()); err != nil {
			d.fail(n, "type", "expected %s, found %q", kindName(v.Kind()), n.Value)
		}
	}
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	}
	return "a text"
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "type", "expected a mapping")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := reflect.New(v.Type().Elem()).Elem()
		d.decode(n.Content[i+1], e)
		v.SetMapIndex(reflect.ValueOf(n.Content[i].Value), e)
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "type", "expected a mapping")
		return
	}
	fields, required, names := structFields(v.Type())
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at, ok := fields[key.Value]
		if !ok {
			d.fail(key, "unknown-field", "unknown field %q", key.Value).Suggestion = diag.Nearest(key.Value, names)
			continue
		}
		if seen[key.Value] {
			d.fail(key, "twice", "field %q is given twice", key.Value)
		}
		seen[key.Value] = true
		d.decode(n.Content[i+1], v.Field(at))
	}
	for _, name := range required {
		if !seen[name] {
			d.fail(n, "missing-field", "missing field %q", name)
		}
	}
}

func structFields(t reflect.Type) (index map[string]int, required, names []string) {
	index = map[string]int{}
	for i := range t.NumField() {
		name, option, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		index[name] = i
		names = append(names, name)
		if option == "required" {
			required = append(required, name)
		}
	}
	return index, required, names
}
