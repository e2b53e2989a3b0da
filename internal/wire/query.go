package wire

import (
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
)

// maxListIndex bounds how many entries a query list may have; nothing is
// allocated for gaps between indexes.
const maxListIndex = 1_000_000

// decodeQuery reads the parameters of a query or EC2 request into a structure.
func (c *Codec) decodeQuery(form url.Values, ec2 bool, id awsapi.ShapeID, v reflect.Value) error {
	root := &node{}
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	index := map[string]*node{"": root}
	for _, name := range names {
		if strings.Count(name, ".") > maxDepth {
			return malformedInput(name)
		}
		queryNode(index, name).text = form.Get(name)
	}
	return c.queryStructure(root, ec2, id, v)
}

// queryNode finds or makes the node of a parameter's name and of the names
// above it.
func queryNode(index map[string]*node, name string) *node {
	if n := index[name]; n != nil {
		return n
	}
	parent, last := "", name
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		parent, last = name[:i], name[i+1:]
	}
	n := &node{name: last}
	p := queryNode(index, parent)
	p.kids = append(p.kids, n)
	if name != "" {
		index[name] = n
	}
	return n
}

func malformedInput(name string) *awserr.Error {
	return awserr.New(400, "MalformedInput", "cannot read the value of the parameter %s", name)
}

// queryName is the name of a member in query parameters.
func (c *Codec) queryName(m *awsapi.Member, ec2 bool) string {
	switch {
	case !ec2 && c.Model.QueryCompatible:
		return c.xmlName(m)
	case !ec2:
		return m.WireName()
	case m.QueryName != "":
		return m.QueryName
	}
	name := m.WireName()
	return strings.ToUpper(name[:1]) + name[1:]
}

func (c *Codec) queryStructure(n *node, ec2 bool, id awsapi.ShapeID, v reflect.Value) error {
	s := &c.Model.Shapes[id]
	for i := range s.Members {
		m := &s.Members[i]
		name := c.queryName(m, ec2)
		t := &c.Model.Shapes[m.Shape]
		if t.Kind == awsapi.List && !ec2 && t.ElemName != "" && (m.Flattened || t.Flattened) {
			name = t.ElemName
		}
		if k := n.kid(name); k != nil {
			if err := c.queryValue(k, ec2, m.Shape, m, v.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Codec) queryValue(n *node, ec2 bool, id awsapi.ShapeID, m *awsapi.Member, v reflect.Value) error {
	s := &c.Model.Shapes[id]
	switch s.Kind {
	case awsapi.Structure:
		return c.queryStructure(n, ec2, id, settle(v))
	case awsapi.List:
		kids := numbered(n, s.ElemName, "member")
		out := reflect.MakeSlice(v.Type(), len(kids), len(kids))
		for i, k := range kids {
			if err := c.queryValue(k, ec2, s.Elem, nil, out.Index(i)); err != nil {
				return err
			}
		}
		v.Set(out)
		return nil
	case awsapi.Map:
		return c.queryMap(n, ec2, s, v)
	}
	if err := setText(v, s, n.text, timestampFormat(m, s, awsapi.ISO8601)); err != nil {
		return malformedInput(n.name)
	}
	return nil
}

func (c *Codec) queryMap(n *node, ec2 bool, s *awsapi.Shape, v reflect.Value) error {
	key, val := entryNames(s)
	out := reflect.MakeMap(v.Type())
	for _, k := range numbered(n, "entry") {
		kn, vn := k.kid(key), k.kid(val)
		if kn == nil {
			return malformedInput(n.name)
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if vn != nil {
			if err := c.queryValue(vn, ec2, s.Elem, nil, elem); err != nil {
				return err
			}
		}
		out.SetMapIndex(reflect.ValueOf(kn.text), elem)
	}
	v.Set(out)
	return nil
}

// numbered gives the entries of a list in the order of their numbers. They
// stand below one of the given names, or directly below n when the list is
// flattened; clients mix the two and AWS reads both.
func numbered(n *node, below ...string) []*node {
	for _, name := range below {
		if k := n.kid(name); name != "" && k != nil {
			n = k
			break
		}
	}
	type entry struct {
		i int
		n *node
	}
	var list []entry
	for _, k := range n.kids {
		if i, err := strconv.Atoi(k.name); err == nil && i >= 0 && i <= maxListIndex {
			list = append(list, entry{i, k})
		}
	}
	slices.SortFunc(list, func(a, b entry) int { return a.i - b.i })
	out := make([]*node, len(list))
	for i, e := range list {
		out[i] = e.n
	}
	return out
}

// encodeQuery adds the members of a structure to form (the client's side).
func (c *Codec) encodeQuery(form url.Values, prefix string, ec2 bool, id awsapi.ShapeID, v reflect.Value) {
	s := &c.Model.Shapes[id]
	for i := range s.Members {
		m := &s.Members[i]
		if f := v.Field(i); !absent(f) {
			c.encodeQueryValue(form, prefix+c.queryName(m, ec2), ec2, m.Shape, m, f)
		}
	}
}

func (c *Codec) encodeQueryValue(form url.Values, name string, ec2 bool, id awsapi.ShapeID, m *awsapi.Member, v reflect.Value) {
	s := &c.Model.Shapes[id]
	v = direct(v)
	flat := ec2 || s.Flattened || m != nil && m.Flattened
	switch s.Kind {
	case awsapi.Structure:
		c.encodeQuery(form, name+".", ec2, id, v)
	case awsapi.List:
		switch {
		case v.Len() == 0 && !ec2:
			form.Set(name, "")
			return
		case !flat && s.ElemName != "":
			name += "." + s.ElemName
		case !flat:
			name += ".member"
		case !ec2 && s.ElemName != "":
			name = name[:strings.LastIndexByte(name, '.')+1] + s.ElemName
		}
		for i := range v.Len() {
			c.encodeQueryValue(form, name+"."+strconv.Itoa(i+1), ec2, s.Elem, nil, v.Index(i))
		}
	case awsapi.Map:
		if !flat {
			name += ".entry"
		}
		key, val := entryNames(s)
		for i, k := range sortedKeys(v) {
			n := name + "." + strconv.Itoa(i+1) + "."
			form.Set(n+key, k.String())
			c.encodeQueryValue(form, n+val, ec2, s.Elem, nil, v.MapIndex(k))
		}
	default:
		form.Set(name, text(v, s, timestampFormat(m, s, awsapi.ISO8601)))
	}
}
