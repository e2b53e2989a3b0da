package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"

	"stepwell/internal/awsapi"
)

// xmlWriter writes XML documents by schema.
type xmlWriter struct {
	c *Codec
	b []byte
}

func (w *xmlWriter) open(name, attrs string) {
	w.b = append(w.b, '<')
	w.b = append(w.b, name...)
	w.b = append(w.b, attrs...)
	w.b = append(w.b, '>')
}

func (w *xmlWriter) close(name string) {
	w.b = append(w.b, '<', '/')
	w.b = append(w.b, name...)
	w.b = append(w.b, '>')
}

func (w *xmlWriter) element(name, text string) {
	w.open(name, "")
	w.b = appendXMLText(w.b, text)
	w.close(name)
}

// members writes the body members of a structure inside an element that is
// already open.
func (w *xmlWriter) members(s *awsapi.Shape, v reflect.Value) {
	for i := range s.Members {
		m := &s.Members[i]
		if f := v.Field(i); m.Location == awsapi.Body && !m.XMLAttribute && !absent(f) {
			w.member(m, f)
		}
	}
}

// xmlName is the name of a member in XML, and in the query protocol of a service
// that moved from it to JSON: the names of the two differ.
func (c *Codec) xmlName(m *awsapi.Member) string {
	if c.Model.QueryCompatible && m.QueryName != "" {
		return m.QueryName
	}
	return m.WireName()
}

func (w *xmlWriter) member(m *awsapi.Member, v reflect.Value) {
	s := &w.c.Model.Shapes[m.Shape]
	name := w.c.xmlName(m)
	if m.Flattened || s.Flattened {
		switch s.Kind {
		case awsapi.List:
			if s.ElemName != "" {
				name = s.ElemName
			}
			if m.Wire != "" {
				name = m.Wire
			}
			for i := range v.Len() {
				w.value(name, s.Elem, nil, v.Index(i))
			}
			return
		case awsapi.Map:
			for _, k := range sortedKeys(v) {
				w.open(name, "")
				w.entry(s, k, v.MapIndex(k))
				w.close(name)
			}
			return
		}
	}
	w.value(name, m.Shape, m, v)
}

// value writes one value as an element.
func (w *xmlWriter) value(name string, id awsapi.ShapeID, m *awsapi.Member, v reflect.Value) {
	s := &w.c.Model.Shapes[id]
	v = direct(v)
	switch s.Kind {
	case awsapi.Structure:
		w.open(name, w.attributes(m, s, v))
		w.members(s, v)
		w.close(name)
	case awsapi.List:
		elem := s.ElemName
		if elem == "" {
			elem = "member"
		}
		w.open(name, "")
		for i := range v.Len() {
			w.value(elem, s.Elem, nil, v.Index(i))
		}
		w.close(name)
	case awsapi.Map:
		w.open(name, "")
		for _, k := range sortedKeys(v) {
			w.open("entry", "")
			w.entry(s, k, v.MapIndex(k))
			w.close("entry")
		}
		w.close(name)
	default:
		w.element(name, text(v, s, timestampFormat(m, s, awsapi.ISO8601)))
	}
}

func (w *xmlWriter) entry(s *awsapi.Shape, k, v reflect.Value) {
	key, val := entryNames(s)
	w.element(key, k.String())
	w.value(val, s.Elem, nil, v)
}

// entryNames are the element names of a map's keys and values.
func entryNames(s *awsapi.Shape) (key, value string) {
	key, value = s.KeyName, s.ElemName
	if key == "" {
		key = "key"
	}
	if value == "" {
		value = "value"
	}
	return key, value
}

// attributes writes the namespace and the attribute members of a structure.
func (w *xmlWriter) attributes(m *awsapi.Member, s *awsapi.Shape, v reflect.Value) string {
	var b []byte
	if m != nil && m.XMLNamespace != "" {
		b = append(b, " xmlns"...)
		if m.XMLPrefix != "" {
			b = append(b, ':')
			b = append(b, m.XMLPrefix...)
		}
		b = append(b, `="`...)
		b = appendXMLText(b, m.XMLNamespace)
		b = append(b, '"')
	}
	for i := range s.Members {
		a := &s.Members[i]
		if f := v.Field(i); a.XMLAttribute && !absent(f) {
			b = append(b, ' ')
			b = append(b, a.WireName()...)
			b = append(b, `="`...)
			b = appendXMLText(b, text(f, &w.c.Model.Shapes[a.Shape], 0))
			b = append(b, '"')
		}
	}
	return string(b)
}

// appendXMLText escapes text for elements and attributes. Characters that XML
// 1.0 cannot hold become U+FFFD.
func appendXMLText(b []byte, s string) []byte {
	for _, r := range s {
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '"':
			b = append(b, "&quot;"...)
		case r == '\r':
			b = append(b, "&#xD;"...)
		case r < ' ' && r != '\n' && r != '\t', r == 0xFFFE, r == 0xFFFF:
			b = append(b, "\uFFFD"...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// node is a part of a request or answer in a protocol that nests by name: an
// XML element, or the part of a query parameter's name between two dots.
type node struct {
	name  string
	text  string
	attrs []xml.Attr
	kids  []*node
}

func (n *node) kid(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

var errXML = errors.New("malformed XML")

// parseXML reads a document into nodes; the answer is the root element, nil for
// an empty document.
func parseXML(data []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	top := &node{}
	stack := []*node{top}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errXML
		}
		last := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if len(stack) > maxDepth {
				return nil, errXML
			}
			n := &node{name: t.Name.Local, attrs: t.Attr}
			last.kids = append(last.kids, n)
			stack = append(stack, n)
		case xml.EndElement:
			if len(last.kids) > 0 {
				last.text = strings.TrimSpace(last.text)
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			last.text += string(t)
		}
	}
	if len(stack) != 1 || len(top.kids) > 1 {
		return nil, errXML
	}
	if len(top.kids) == 0 {
		return nil, nil
	}
	return top.kids[0], nil
}
