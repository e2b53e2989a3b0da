package wire

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
)

// placeFormat is the default timestamp format of headers and of the others.
func placeFormat(l awsapi.Location) awsapi.TimestampFormat {
	if l == awsapi.Header || l == awsapi.Headers {
		return awsapi.RFC822
	}
	return awsapi.ISO8601
}

// decodeREST reads path labels, query, headers and body of a request.
func (c *Codec) decodeREST(op *awsapi.Operation, r *Request, v reflect.Value) error {
	_, labels := c.Route(r.Method, r.Path, r.Query, r.Header)
	s := &c.Model.Shapes[op.Input]
	for i := range s.Members {
		m := &s.Members[i]
		f := v.Field(i)
		var err error
		switch m.Location {
		case awsapi.URI:
			if t, ok := labels[m.WireName()]; ok {
				err = c.setPart(m, f, t)
			}
		case awsapi.QueryString:
			err = c.decodeParams(m, r.Query, f)
		case awsapi.Header, awsapi.Headers:
			err = c.decodeHeader(m, r.Header, f)
		}
		if err != nil {
			return serialization("%s: %s", m.Name, err)
		}
	}
	return c.decodeRESTBody(s, op.Input, r.Body, v)
}

func (c *Codec) setPart(m *awsapi.Member, v reflect.Value, t string) error {
	s := &c.Model.Shapes[m.Shape]
	if m.JSONValue {
		raw, err := base64.StdEncoding.DecodeString(t)
		if err != nil {
			return err
		}
		t = string(raw)
	}
	return setText(v, s, t, timestampFormat(m, s, placeFormat(m.Location)))
}

func (c *Codec) decodeParams(m *awsapi.Member, query url.Values, v reflect.Value) error {
	s := &c.Model.Shapes[m.Shape]
	switch s.Kind {
	case awsapi.List:
		return c.setList(s, v, query[m.WireName()], awsapi.ISO8601)
	case awsapi.Map:
		out := reflect.MakeMap(v.Type())
		list := c.Model.Shapes[s.Elem].Kind == awsapi.List
		for k, vs := range query {
			elem := reflect.New(v.Type().Elem()).Elem()
			if list {
				elem.Set(reflect.ValueOf(vs))
			} else {
				elem.SetString(vs[0])
			}
			out.SetMapIndex(reflect.ValueOf(k), elem)
		}
		v.Set(out)
		return nil
	}
	if vs, ok := query[m.WireName()]; ok && len(vs) > 0 {
		return c.setPart(m, v, vs[0])
	}
	return nil
}

func (c *Codec) decodeHeader(m *awsapi.Member, header http.Header, v reflect.Value) error {
	s := &c.Model.Shapes[m.Shape]
	if m.Location == awsapi.Headers {
		prefix := strings.ToLower(m.WireName())
		out := reflect.MakeMap(v.Type())
		for k, vs := range header {
			if name, ok := strings.CutPrefix(strings.ToLower(k), prefix); ok {
				out.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(strings.Join(vs, ",")))
			}
		}
		if out.Len() > 0 {
			v.Set(out)
		}
		return nil
	}
	vs := header.Values(m.WireName())
	if len(vs) == 0 {
		return nil
	}
	if s.Kind == awsapi.List {
		var parts []string
		for _, one := range vs {
			for part := range strings.SplitSeq(one, ",") {
				parts = append(parts, strings.TrimSpace(part))
			}
		}
		return c.setList(s, v, parts, awsapi.RFC822)
	}
	return c.setPart(m, v, vs[0])
}

func (c *Codec) setList(s *awsapi.Shape, v reflect.Value, parts []string, format awsapi.TimestampFormat) error {
	if len(parts) == 0 {
		return nil
	}
	e := &c.Model.Shapes[s.Elem]
	out := reflect.MakeSlice(v.Type(), len(parts), len(parts))
	for i, p := range parts {
		if err := setText(out.Index(i), e, p, timestampFormat(nil, e, format)); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

// decodeRESTBody reads the body of a REST request or answer: the payload member
// or all body members.
func (c *Codec) decodeRESTBody(s *awsapi.Shape, id awsapi.ShapeID, body []byte, v reflect.Value) error {
	if s.Payload == 0 {
		if len(body) == 0 {
			return nil
		}
		return c.decodeDocument(body, id, v)
	}
	m := &s.Members[s.Payload-1]
	f := v.Field(int(s.Payload) - 1)
	t := &c.Model.Shapes[m.Shape]
	switch {
	case m.Streaming:
		f.Set(reflect.ValueOf(io.NopCloser(bytes.NewReader(body))))
		return nil
	case len(body) == 0:
		return nil
	case t.Kind == awsapi.Blob:
		f.SetBytes(body)
		return nil
	case t.Kind == awsapi.String:
		setString(f, string(body))
		return nil
	case t.EventStream:
		return awserr.NotImplemented("event streams (" + s.Name + ")")
	}
	return c.decodeDocument(body, m.Shape, settle(f))
}

// decodeDocument reads a JSON or XML document, by the model's protocol.
func (c *Codec) decodeDocument(body []byte, id awsapi.ShapeID, v reflect.Value) error {
	if c.Model.Protocol == awsapi.RESTJSON {
		return c.decodeJSON(body, id, v)
	}
	n, err := parseXML(body)
	if err != nil {
		return awserr.New(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	if n == nil {
		return nil
	}
	if s := &c.Model.Shapes[id]; len(s.Members) == 1 && len(n.kids) == 0 && s.Members[0].WireName() == n.name {
		n = &node{kids: []*node{n}} // S3's GetBucketLocation: the member is the root element
	}
	if err := c.decodeXML(n, id, v); err != nil {
		return awserr.New(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	return nil
}

// encodeHeaders writes the header members of an output or input.
func (c *Codec) encodeHeaders(s *awsapi.Shape, h http.Header, v reflect.Value) {
	for i := range s.Members {
		m := &s.Members[i]
		f := v.Field(i)
		if absent(f) {
			continue
		}
		t := &c.Model.Shapes[m.Shape]
		switch m.Location {
		case awsapi.Headers:
			for _, k := range sortedKeys(f) {
				h.Set(m.WireName()+k.String(), f.MapIndex(k).String())
			}
		case awsapi.Header:
			if t.Kind == awsapi.List {
				e := &c.Model.Shapes[t.Elem]
				parts := make([]string, f.Len())
				for j := range parts {
					parts[j] = text(f.Index(j), e, timestampFormat(nil, e, awsapi.RFC822))
				}
				if len(parts) > 0 {
					h.Set(m.WireName(), strings.Join(parts, ", "))
				}
				continue
			}
			val := text(f, t, timestampFormat(m, t, awsapi.RFC822))
			if m.JSONValue {
				val = base64.StdEncoding.EncodeToString([]byte(val))
			}
			h.Set(m.WireName(), val)
		}
	}
}

// encodeREST writes an output as a REST answer.
func (c *Codec) encodeREST(op *awsapi.Operation, v reflect.Value, resp *Response) {
	s := &c.Model.Shapes[op.Output]
	c.encodeHeaders(s, resp.Header, v)
	for i := range s.Members {
		if f := v.Field(i); s.Members[i].Location == awsapi.StatusCode && !absent(f) {
			resp.Status = int(direct(f).Int())
		}
	}
	contentType, body, stream := c.restBody(s, op.Output, op.Name+"Response", v)
	resp.Body, resp.Stream = body, stream
	if contentType != "" && resp.Header.Get("Content-Type") == "" {
		resp.Header.Set("Content-Type", contentType)
	}
}

// restBody encodes the payload member, or all body members under the root
// element.
func (c *Codec) restBody(s *awsapi.Shape, id awsapi.ShapeID, root string, v reflect.Value) (contentType string, body []byte, stream io.ReadCloser) {
	if s.Payload > 0 {
		m := &s.Members[s.Payload-1]
		f := v.Field(int(s.Payload) - 1)
		t := &c.Model.Shapes[m.Shape]
		switch {
		case absent(f):
			return "", nil, nil
		case m.Streaming:
			return "binary/octet-stream", nil, f.Interface().(io.ReadCloser)
		case t.Kind == awsapi.Blob:
			return "application/octet-stream", f.Bytes(), nil
		case t.Kind == awsapi.String:
			return "text/plain", []byte(direct(f).String()), nil
		case c.Model.Protocol == awsapi.RESTJSON:
			return "application/json", c.appendJSON(nil, m.Shape, m, f), nil
		}
		w := xmlWriter{c: c, b: []byte(xmlHeader)}
		w.value(m.WireName(), m.Shape, m, f)
		return "application/xml", w.b, nil
	}
	if c.Model.Protocol == awsapi.RESTJSON {
		return "application/json", c.appendJSON(nil, id, nil, v), nil
	}
	some := false
	for i := range s.Members {
		some = some || s.Members[i].Location == awsapi.Body && !absent(v.Field(i))
	}
	if !some {
		return "", nil, nil
	}
	w := xmlWriter{c: c, b: []byte(xmlHeader)}
	attrs := ""
	if c.Model.XMLNamespace != "" {
		attrs = ` xmlns="` + c.Model.XMLNamespace + `"`
	}
	w.open(root, attrs)
	w.members(s, v)
	w.close(root)
	return "application/xml", w.b, nil
}

const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// expand fills the URI template of an operation; query gets its literal and
// member parameters.
func (c *Codec) expand(op *awsapi.Operation, v reflect.Value) (path string, query url.Values) {
	path, literal, _ := strings.Cut(op.URI, "?")
	query, _ = url.ParseQuery(literal)
	s := &c.Model.Shapes[op.Input]
	for i := range s.Members {
		m := &s.Members[i]
		f := v.Field(i)
		if absent(f) {
			continue
		}
		t := &c.Model.Shapes[m.Shape]
		format := timestampFormat(m, t, awsapi.ISO8601)
		switch m.Location {
		case awsapi.URI:
			val := text(f, t, format)
			path = strings.ReplaceAll(path, "{"+m.WireName()+"+}", EscapePath(val))
			path = strings.ReplaceAll(path, "{"+m.WireName()+"}", EscapeSegment(val))
		case awsapi.QueryString:
			switch t.Kind {
			case awsapi.List:
				e := &c.Model.Shapes[t.Elem]
				for j := range f.Len() {
					query.Add(m.WireName(), text(f.Index(j), e, timestampFormat(nil, e, awsapi.ISO8601)))
				}
			case awsapi.Map:
				for _, k := range sortedKeys(f) {
					if e := f.MapIndex(k); e.Kind() == reflect.Slice {
						for j := range e.Len() {
							query.Add(k.String(), e.Index(j).String())
						}
					} else {
						query.Set(k.String(), e.String())
					}
				}
			default:
				query.Set(m.WireName(), text(f, t, format))
			}
		}
	}
	return path, query
}

// EscapeSegment escapes text for one path segment as AWS's signature expects
// it: all but letters, digits and -_.~ as %XX.
func EscapeSegment(s string) string { return escape(s, false) }

// EscapePath is EscapeSegment for a path, whose slashes stay.
func EscapePath(s string) string { return escape(s, true) }

func escape(s string, slashes bool) string {
	plain := func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' || slashes && c == '/'
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			h := strings.ToUpper(strconv.FormatUint(uint64(c), 16))
			if len(h) == 1 {
				b.WriteByte('0')
			}
			b.WriteString(h)
		}
	}
	return b.String()
}
