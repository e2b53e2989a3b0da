package wire

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"stepwell/internal/awsapi"
)

// route matches the requests of one operation of a REST protocol.
type route struct {
	op       *awsapi.Operation
	segments []segment
	query    [][2]string // literal query parameters of the template
	params   []string    // required query members
	headers  []string    // required header members
}

type segment struct {
	literal string // "" for a label
	label   string
	greedy  bool // {Key+}: the rest of the path
}

// compileRoutes reads the URI templates of a REST service's operations.
func compileRoutes(m *awsapi.Model) []route {
	if m.Protocol != awsapi.RESTJSON && m.Protocol != awsapi.RESTXML {
		return nil
	}
	routes := make([]route, 0, len(m.Operations))
	for i := range m.Operations {
		op := &m.Operations[i]
		r := route{op: op}
		path, query, _ := strings.Cut(op.URI, "?")
		// Whether a path ends in a slash differs between editions of a model.
		for _, s := range strings.Split(strings.Trim(path, "/"), "/") {
			label, ok := strings.CutPrefix(s, "{")
			if !ok {
				r.segments = append(r.segments, segment{literal: s})
				continue
			}
			label = strings.TrimSuffix(label, "}")
			name, greedy := strings.CutSuffix(label, "+")
			r.segments = append(r.segments, segment{label: name, greedy: greedy})
		}
		for _, q := range strings.Split(query, "&") {
			if k, v, _ := strings.Cut(q, "="); k != "" {
				r.query = append(r.query, [2]string{k, v})
			}
		}
		if op.Modelled {
			for _, mb := range m.Shapes[op.Input].Members {
				switch {
				case mb.Required && mb.Location == awsapi.QueryString:
					r.params = append(r.params, mb.WireName())
				case mb.Required && mb.Location == awsapi.Header:
					r.headers = append(r.headers, mb.WireName())
				}
			}
		}
		routes = append(routes, r)
	}
	slices.SortStableFunc(routes, func(a, b route) int { return b.weight() - a.weight() })
	return routes
}

// weight orders routes so that the most specific one matches first.
func (r *route) weight() int {
	w := 0
	for _, s := range r.segments {
		if s.literal != "" {
			w += 100
		} else if !s.greedy {
			w += 10
		}
	}
	return w + 3*len(r.query) + len(r.params) + len(r.headers)
}

// Route finds the operation that a REST request is for, by method, path (as
// escaped in the request), query and headers; nil when the service has none.
// The labels are the unescaped parts of the path that the template names.
func (c *Codec) Route(method, path string, query url.Values, header http.Header) (op *awsapi.Operation, labels map[string]string) {
	for i := range c.routes {
		r := &c.routes[i]
		if r.op.Method != method || !r.wants(query, header) {
			continue
		}
		if labels, ok := r.match(path); ok {
			return r.op, labels
		}
	}
	return nil, nil
}

func (r *route) wants(query url.Values, header http.Header) bool {
	for _, q := range r.query {
		if vs, ok := query[q[0]]; !ok && q[0] != "x-id" || q[1] != "" && ok && !slices.Contains(vs, q[1]) {
			return false
		}
	}
	for _, p := range r.params {
		if _, ok := query[p]; !ok {
			return false
		}
	}
	for _, h := range r.headers {
		if header.Get(h) == "" {
			return false
		}
	}
	return true
}

func (r *route) match(path string) (map[string]string, bool) {
	path = strings.TrimPrefix(path, "/")
	labels := map[string]string{}
	for i, s := range r.segments {
		part, rest, more := strings.Cut(path, "/")
		last := i == len(r.segments)-1
		switch {
		case s.greedy:
			part, rest, more = path, "", false
			fallthrough
		case s.label != "":
			text, err := url.PathUnescape(part)
			if err != nil || text == "" {
				return nil, false
			}
			labels[s.label] = text
		case s.literal != part:
			return nil, false
		}
		if last {
			// A trailing slash is tolerated, as S3 tolerates it after a bucket.
			return labels, !more || rest == ""
		}
		if !more {
			return nil, false
		}
		path = rest
	}
	return labels, path == ""
}
