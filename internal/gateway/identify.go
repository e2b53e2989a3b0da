package gateway

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"stepwell/internal/awsapi"
	"stepwell/internal/bus"
	"stepwell/internal/wire"
	"stepwell/internal/wire/sigv4"
)

// entry is a service as the gateway sees it.
type entry struct {
	service *bus.Service
	codec   *wire.Codec
}

// index finds services by the names that requests give them.
type index struct {
	byName   map[string]*entry   // bus name
	bySigner map[string][]*entry // signing name of credential scopes
	byTarget map[string]*entry   // X-Amz-Target prefix
	byHost   map[string]*entry   // first label of the endpoint's host
	all      []*entry
}

type codecCache struct{ m sync.Map }

func (c *codecCache) of(m *awsapi.Model) *wire.Codec {
	if x, ok := c.m.Load(m); ok {
		return x.(*wire.Codec)
	}
	x, _ := c.m.LoadOrStore(m, wire.New(m))
	return x.(*wire.Codec)
}

func newIndex(services []*bus.Service) index {
	x := index{byName: map[string]*entry{}, bySigner: map[string][]*entry{}, byTarget: map[string]*entry{}, byHost: map[string]*entry{}}
	for _, s := range services {
		if s.Model == nil {
			continue
		}
		e := &entry{s, wire.New(s.Model)}
		x.all = append(x.all, e)
		x.byName[s.Name] = e
		x.bySigner[s.Model.SigningName] = append(x.bySigner[s.Model.SigningName], e)
		if s.Model.TargetPrefix != "" {
			x.byTarget[s.Model.TargetPrefix] = e
		}
		if x.byHost[s.Model.EndpointPrefix] == nil {
			x.byHost[s.Model.EndpointPrefix] = e
		}
	}
	return x
}

// target is what a request is for. entry is nil for a service that is not
// there.
type target struct {
	entry     *entry
	service   string
	operation string
	region    string
	bucket    string // of a virtual-hosted S3 request
	auth      sigv4.Auth
	authErr   error
}

// identify finds the service by the credential scope, else by X-Amz-Target,
// else by the host, else by the Smithy path or the Action of a form; what
// remains is S3's. Then it finds the operation, where the service says how.
func (g *Gateway) identify(x *exchange) {
	t := &x.target
	t.auth, t.authErr = sigv4.Parse(x.r)
	t.region = t.auth.Scope.Region
	prefix, operation, _ := strings.Cut(x.r.Header.Get("X-Amz-Target"), ".")
	host, hostRegion, bucket := parseHost(x.r.Host)
	t.bucket = bucket
	switch {
	case t.auth.Scope.Service != "":
		t.service = t.auth.Scope.Service
		t.entry = g.index.signed(t.auth.Scope.Service, prefix)
	case prefix != "":
		t.service = prefix
		t.entry = g.index.byTarget[prefix]
	case t.auth.Legacy:
		t.service, t.entry = "s3", g.index.byName["s3"]
	case host != "":
		t.service, t.entry = host, g.index.byHost[host]
	default:
		g.identifyByPath(x)
	}
	if t.region == "" {
		t.region = hostRegion
	}
	if t.entry != nil {
		t.service = t.entry.service.Name
		x.protocol = t.entry.codec.Protocol(x.r.Header)
	}
	if operation != "" {
		t.operation = operation
	}
	g.identifyOperation(x, prefix)
}

// signed finds the service of a credential scope. Services that share a signing
// name differ by their target prefix.
func (i *index) signed(name, targetPrefix string) *entry {
	list := i.bySigner[name]
	for _, e := range list {
		if targetPrefix != "" && e.codec.Model.TargetPrefix == targetPrefix {
			return e
		}
	}
	if len(list) > 0 {
		return list[0]
	}
	return i.byName[name]
}

func (g *Gateway) identifyByPath(x *exchange) {
	t := &x.target
	if service, _, ok := smithyPath(x.r.URL.Path); ok {
		t.service, t.entry = service, g.index.byTarget[service]
		return
	}
	action, version := x.r.URL.Query().Get("Action"), x.r.URL.Query().Get("Version")
	if form := g.peekForm(x); form != nil {
		action, version = form.Get("Action"), form.Get("Version")
	}
	if action != "" {
		for _, e := range g.index.all {
			m := e.codec.Model
			if (m.Protocol == awsapi.Query || m.Protocol == awsapi.EC2 || m.QueryCompatible) && m.Operation(action) != nil && (version == "" || version == m.APIVersion) {
				t.service, t.entry = e.service.Name, e
				return
			}
		}
		return
	}
	t.service, t.entry = "s3", g.index.byName["s3"]
}

// identifyOperation names the operation of a request whose service is known.
func (g *Gateway) identifyOperation(x *exchange, prefix string) {
	t := &x.target
	if _, op, ok := smithyPath(x.r.URL.Path); ok && x.r.Header.Get("Smithy-Protocol") != "" {
		t.operation = op
		return
	}
	if t.entry == nil {
		if form := g.peekForm(x); form != nil {
			t.operation = form.Get("Action") // for the answer that it is missing
		}
		return
	}
	m := t.entry.codec.Model
	switch x.protocol {
	case awsapi.JSON:
		if prefix != m.TargetPrefix {
			t.operation = ""
		}
	case awsapi.Query, awsapi.EC2:
		t.operation = x.r.URL.Query().Get("Action")
		if form := g.peekForm(x); form != nil {
			t.operation = form.Get("Action")
		}
	case awsapi.RESTJSON, awsapi.RESTXML:
		path := x.r.URL.EscapedPath()
		if t.bucket != "" {
			path = "/" + t.bucket + path
		}
		if op, _ := t.entry.codec.Route(x.r.Method, path, x.r.URL.Query(), x.r.Header); op != nil {
			t.operation = op.Name
		}
	}
}

// peekForm reads the form of a POST, keeping its text for later; nil when the
// request has none.
func (g *Gateway) peekForm(x *exchange) url.Values {
	if x.r.Method != http.MethodPost || !isForm(x.r) {
		return nil
	}
	body, err := g.body(x)
	if err != nil {
		return nil // met again when the body is decoded
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") == "" {
		return nil
	}
	return form
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// smithyPath reads the path of RPC v2 requests: /service/X/operation/Y, with
// anything in front.
func smithyPath(path string) (service, operation string, ok bool) {
	p := strings.Split(path, "/")
	if n := len(p); n >= 5 && p[n-4] == "service" && p[n-2] == "operation" && p[n-3] != "" && p[n-1] != "" {
		return p[n-3], p[n-1], true
	}
	return "", "", false
}

// parseHost reads the service, region and bucket out of an endpoint's host:
//
//	glue.eu-west-1.amazonaws.com        iam.amazonaws.com
//	bucket.s3.eu-west-1.amazonaws.com   bucket.s3.localhost
//	s3-eu-west-1.amazonaws.com          bucket.localhost
//
// Nothing is read out of addresses and names of other domains.
func parseHost(hostport string) (service, region, bucket string) {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	var rest string
	switch {
	case strings.HasSuffix(host, ".amazonaws.com"):
		rest = strings.TrimSuffix(host, ".amazonaws.com")
	case strings.HasSuffix(host, ".amazonaws.com.cn"):
		rest = strings.TrimSuffix(host, ".amazonaws.com.cn")
	case strings.HasSuffix(host, ".localhost"):
		rest = strings.TrimSuffix(host, ".localhost")
		if !strings.Contains(rest, ".") && rest != "s3" {
			return "s3", "", rest
		}
	default:
		if name, tail, ok := strings.Cut(host, ".s3."); ok && net.ParseIP(host) == nil && name != "" && strings.HasPrefix(tail, "localhost") {
			return "s3", "", name
		}
		return "", "", ""
	}
	return splitEndpoint(rest)
}

// splitEndpoint reads the labels before the domain.
func splitEndpoint(rest string) (service, region, bucket string) {
	labels := strings.Split(rest, ".")
	for i := len(labels) - 1; i >= 0; i-- {
		l := labels[i]
		if r, ok := strings.CutPrefix(l, "s3-"); ok && isRegion(r) {
			l, region = "s3", r
		}
		if l == "s3" {
			return "s3", region, strings.Join(labels[:i], ".")
		}
		if isRegion(l) || l == "dualstack" || l == "fips" {
			if isRegion(l) {
				region = l
			}
			continue
		}
		return strings.TrimSuffix(l, "-fips"), region, ""
	}
	return "", region, ""
}

// isRegion says that a name has the form of a region: xx-name-1.
func isRegion(s string) bool {
	p := strings.Split(s, "-")
	n := len(p)
	return n >= 3 && len(p[0]) == 2 && len(p[n-1]) == 1 && p[n-1] >= "0" && p[n-1] <= "9"
}
