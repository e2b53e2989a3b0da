package wire

import (
	"fmt"
	"reflect"
	"strings"

	"stepwell/internal/awsapi"
)

// decodeXML reads the children of an element into a structure.
func (c *Codec) decodeXML(n *node, id awsapi.ShapeID, v reflect.Value) error {
	s := &c.Model.Shapes[id]
	for i := range s.Members {
		m := &s.Members[i]
		if m.Location != awsapi.Body {
			continue
		}
		if err := c.xmlMember(n, m, v.Field(i)); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}

func (c *Codec) xmlMember(n *node, m *awsapi.Member, v reflect.Value) error {
	s := &c.Model.Shapes[m.Shape]
	if m.XMLAttribute {
		name := m.WireName()
		if _, local, ok := strings.Cut(name, ":"); ok {
			name = local
		}
		for _, a := range n.attrs {
			if a.Name.Local == name {
				return setText(v, s, a.Value, 0)
			}
		}
		return nil
	}
	name := m.WireName()
	if (m.Flattened || s.Flattened) && (s.Kind == awsapi.List || s.Kind == awsapi.Map) {
		if s.Kind == awsapi.List && m.Wire == "" && s.ElemName != "" {
			name = s.ElemName
		}
		var kids []*node
		for _, k := range n.kids {
			if k.name == name {
				kids = append(kids, k)
			}
		}
		if len(kids) == 0 {
			return nil
		}
		return c.xmlEntries(kids, s, v)
	}
	if k := n.kid(name); k != nil {
		if k.text == "" && len(s.Enum) > 0 {
			return nil // an empty element is none of the enumeration's words
		}
		return c.xmlValue(k, m.Shape, m, v)
	}
	return nil
}

func (c *Codec) xmlValue(n *node, id awsapi.ShapeID, m *awsapi.Member, v reflect.Value) error {
	s := &c.Model.Shapes[id]
	switch s.Kind {
	case awsapi.Structure:
		return c.decodeXML(n, id, settle(v))
	case awsapi.List, awsapi.Map:
		return c.xmlEntries(n.kids, s, v)
	}
	return setText(v, s, n.text, timestampFormat(m, s, awsapi.ISO8601))
}

// xmlEntries reads the elements of a list or the entries of a map.
func (c *Codec) xmlEntries(kids []*node, s *awsapi.Shape, v reflect.Value) error {
	if s.Kind == awsapi.List {
		out := reflect.MakeSlice(v.Type(), len(kids), len(kids))
		for i, k := range kids {
			if err := c.xmlValue(k, s.Elem, nil, out.Index(i)); err != nil {
				return err
			}
		}
		v.Set(out)
		return nil
	}
	key, val := entryNames(s)
	out := reflect.MakeMap(v.Type())
	for _, k := range kids {
		kn, vn := k.kid(key), k.kid(val)
		if kn == nil {
			return errXML
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if vn != nil {
			if err := c.xmlValue(vn, s.Elem, nil, elem); err != nil {
				return err
			}
		}
		out.SetMapIndex(reflect.ValueOf(kn.text), elem)
	}
	v.Set(out)
	return nil
}
