// Package gateway is the HTTP door, port 4566: it finds out which service and
// operation a request is for, reads the input, decides who the caller is,
// invokes the operation on the bus and writes the answer, each in the form of
// the service's protocol. S3's requests, whose bodies stream, go to the handler
// that the S3 service registers.
//
// It knows no service by name but S3 (whose requests name no operation), keeps
// no state, and takes part in no operation. Only the composition root imports
// it.
package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/wire"
	"stepwell/internal/wire/sigv4"
)

// Options is what a Gateway is built from.
type Options struct {
	Bus   *bus.Bus // with all services registered
	Clock clock.Clock
	Log   *slog.Logger
	IDs   bus.IDs

	// Verify demands a valid signature of each request. Otherwise any
	// credentials, or none, are accepted.
	Verify      bool
	Credentials CredentialStore // required with Verify

	// Streams are the handlers of services whose requests are passed on
	// whole, by service name ("s3"). The request's context carries the
	// bus.Caller; the body of a verified request fails when it is not the
	// signed one.
	Streams map[string]http.Handler

	// Elsewhere passes requests for services on that are answered by another
	// server; nil: there is none. The body of a verified request is the one that
	// was signed.
	Elsewhere Elsewhere

	// Site returns the handler of requests to a host name that is none of AWS's
	// endpoints, whatever their path, nil for others; signed ones have their caller in
	// the context. nil: there are no such hosts.
	Site func(host string) (h http.Handler, signed bool)

	// Waiting are the operations ("states:GetActivityTask") that mostly wait:
	// the clock is not held busy while they run.
	Waiting []string

	// Unsigned are the operations ("sns:Unsubscribe") that may be called
	// without a signature even with Verify, as links in mails are.
	Unsigned []string

	Health  func(context.Context) Health
	Metrics *prometheus.Registry // served at /metrics; nil makes one
	MaxBody int64                // bytes of a request that is not streamed; 0 is 64 MiB
	Now     func() time.Time     // for signatures; nil is time.Now
}

// Elsewhere is where requests for some services go.
type Elsewhere interface {
	// Routed says that a service, by its name on the bus or in credential
	// scopes, is answered elsewhere.
	Routed(service string) bool
	// Pass sends a request on and its answer back. The path of S3's names the
	// bucket. After an error nothing was answered.
	Pass(w http.ResponseWriter, r *http.Request, service string) error
}

// CredentialStore knows the secrets of access keys.
type CredentialStore interface {
	// Lookup returns the credentials of an access key; false when it is
	// unknown.
	Lookup(ctx context.Context, accessKey string) (Credential, bool)
}

// Credential is what an access key stands for.
type Credential struct {
	Secret       string
	SessionToken string // of temporary credentials
	Account      string // 12 digits
	Principal    string // ARN
	Expires      time.Time
}

// Gateway is the http.Handler of the door.
type Gateway struct {
	o       Options
	index   index
	metrics *metrics
	mux     *http.ServeMux
	waiting map[string]bool
	open    map[string]bool // may be called without a signature
}

// New returns a gateway for the services on the bus.
func New(o Options) *Gateway {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.IDs == nil {
		o.IDs = bus.RandomIDs{}
	}
	if o.MaxBody == 0 {
		o.MaxBody = 64 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	g := &Gateway{o: o, index: newIndex(o.Bus.Services()), metrics: newMetrics(o.Metrics), mux: http.NewServeMux(), waiting: set(o.Waiting), open: set(o.Unsigned)}
	g.mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{}))
	g.mux.HandleFunc("GET /_stepwell/health", g.health)
	return g
}

func set(names []string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// exchange is one request on its way through the gateway.
type exchange struct {
	w        recorder
	r        *http.Request
	start    time.Time
	id       string
	target   target
	caller   bus.Caller
	secret   string // of the verified access key
	bytesIn  int64
	fault    error // internal: for the log, never for the caller
	protocol awsapi.Protocol
}

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	site, signed := g.site(r)
	if site == nil && own(r) {
		g.mux.ServeHTTP(w, r)
		return
	}
	x := &exchange{w: recorder{ResponseWriter: w}, r: r, start: time.Now(), id: g.o.IDs.UUID()}
	defer g.finish(x)
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			g.o.Log.Error("panic in a request", "service", x.target.service, "operation", x.target.operation, "panic", p, "stack", string(debug.Stack()))
			if x.w.status == 0 {
				g.refuse(x, awserr.Internal())
			}
		}
	}()
	if site != nil {
		g.serveSite(x, site, signed)
		return
	}
	g.identify(x)
	if crossSite(r) {
		g.refuse(x, awserr.New(http.StatusForbidden, "AccessDenied", "requests from other web sites must be signed"))
		return
	}
	if !g.waiting[x.target.service+":"+x.target.operation] {
		done := g.o.Clock.Busy()
		defer done()
	}
	g.serve(x)
}

// site is the handler of the request's host, where it has one.
func (g *Gateway) site(r *http.Request) (h http.Handler, signed bool) {
	if g.o.Site == nil {
		return nil, false
	}
	return g.o.Site(r.Host)
}

// serveSite answers a request to a host with a handler of its own. A signature is
// looked at where requests must have one.
func (g *Gateway) serveSite(x *exchange, h http.Handler, signed bool) {
	x.caller = bus.Caller{Source: source, RequestID: x.id}
	if signed {
		if x.target.auth, x.target.authErr = sigv4.Parse(x.r); x.target.authErr == nil || !errors.Is(x.target.authErr, sigv4.ErrMissing) {
			if _, err := g.authorize(x, false); err != nil {
				g.refuse(x, err)
				return
			}
		}
	}
	h.ServeHTTP(&x.w, x.r.WithContext(bus.With(x.r.Context(), x.caller)))
}

// own tells the gateway's pages from AWS's requests. A bucket cannot have these
// names: underscores are not allowed, and a signed request is never for
// /metrics.
func own(r *http.Request) bool {
	if r.Method != http.MethodGet || r.Header.Get("Authorization") != "" {
		return false
	}
	return r.URL.Path == "/metrics" && r.URL.RawQuery == "" || strings.HasPrefix(r.URL.Path, "/_stepwell/")
}

// crossSite says that a web page of another site sent the request without
// credentials: as any credentials do on loopback, a page that a developer
// happens to visit could otherwise post forms to the query protocol.
func crossSite(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || r.Header.Get("Authorization") != "" || r.URL.Query().Has("X-Amz-Signature") {
		return false
	}
	_, host, _ := strings.Cut(origin, "://")
	name, _, _ := strings.Cut(host, ":")
	return host != r.Host && name != "localhost" && name != "127.0.0.1"
}

// serve authorizes and answers an identified request.
func (g *Gateway) serve(x *exchange) {
	stream := g.o.Streams[x.target.service]
	elsewhere := g.o.Elsewhere != nil && g.o.Elsewhere.Routed(x.target.service)
	body, err := g.authorize(x, stream != nil)
	if err != nil {
		g.refuse(x, err)
		return
	}
	ctx := bus.With(x.r.Context(), x.caller)
	if elsewhere {
		g.pass(ctx, x)
		return
	}
	if stream != nil {
		stream.ServeHTTP(&x.w, x.r.WithContext(ctx))
		return
	}
	if x.target.entry == nil {
		g.refuse(x, g.unknownService(x))
		return
	}
	resp, err := g.call(ctx, x, body)
	if err != nil {
		g.refuse(x, err)
		return
	}
	g.write(x, resp)
}

// pass sends a request on to where its service is answered.
func (g *Gateway) pass(ctx context.Context, x *exchange) {
	r := x.r.WithContext(ctx)
	if b := x.target.bucket; b != "" {
		u := *r.URL
		u.Path, u.RawPath = "/"+b+r.URL.Path, "/"+b+r.URL.EscapedPath()
		r.URL = &u
	}
	if err := g.o.Elsewhere.Pass(&x.w, r, x.target.service); err != nil {
		g.refuse(x, err)
	}
}

// call decodes, validates, invokes and encodes.
func (g *Gateway) call(ctx context.Context, x *exchange, body []byte) (*wire.Response, error) {
	e := x.target.entry
	op := e.codec.Model.Operation(x.target.operation)
	if op == nil {
		return nil, unknownOperation(e.codec.Model, x.protocol, x.target.operation)
	}
	if _, row := g.o.Bus.Lookup(e.service.Name, op.Name); row == nil || row.Handle == nil {
		return nil, awserr.NotImplemented(e.service.Name + ":" + op.Name)
	}
	in, err := e.codec.Decode(op, x.protocol, &wire.Request{
		Method: x.r.Method, Path: x.r.URL.EscapedPath(), Query: x.r.URL.Query(), Header: x.r.Header, Body: body,
	})
	if err != nil {
		return nil, err
	}
	if err := e.codec.Validate(op, in); err != nil {
		return nil, err
	}
	out, err := g.o.Bus.Invoke(ctx, e.service.Name, op.Name, in)
	if err != nil {
		return nil, err
	}
	return e.codec.Encode(op, x.protocol, out, x.id)
}

// refuse writes an error. One that is not an *awserr.Error is internal: it is
// logged, and the caller sees InternalFailure.
func (g *Gateway) refuse(x *exchange, err error) {
	e := awserr.From(err)
	if e == nil {
		x.fault = err
		e = awserr.Internal()
	}
	codec, protocol := g.speak(x)
	g.write(x, codec.EncodeError(protocol, e, x.id))
}

func (g *Gateway) write(x *exchange, resp *wire.Response) {
	h := x.w.Header()
	for k, v := range resp.Header {
		h[k] = v
	}
	if resp.Stream != nil {
		defer resp.Stream.Close()
		x.w.WriteHeader(resp.Status)
		if _, err := x.w.ReadFrom(resp.Stream); err != nil {
			x.fault = err
			panic(http.ErrAbortHandler) // the status is out: break the connection off
		}
		return
	}
	h["Content-Length"] = []string{strconv.Itoa(len(resp.Body))}
	x.w.WriteHeader(resp.Status)
	if x.r.Method != http.MethodHead {
		x.w.Write(resp.Body)
	}
}

// Validation returns an interceptor that checks the inputs of calls that do not
// come through the gateway, which has checked its own.
func Validation() bus.Interceptor {
	codecs := codecCache{}
	return func(ctx context.Context, call *bus.Call, next bus.Handler) (any, error) {
		if call.Service.Model != nil && bus.From(ctx).Source != source {
			c := codecs.of(call.Service.Model)
			if op := c.Model.Operation(call.Operation.Name); op != nil && op.Modelled {
				if err := c.Validate(op, call.In); err != nil {
					return nil, err
				}
			}
		}
		return next(ctx, call.In)
	}
}

// source is the bus.Caller's Source of requests that came through the gateway.
const source = "http"

// unknownOperation is the answer to an operation that a service does not have.
func unknownOperation(m *awsapi.Model, p awsapi.Protocol, name string) *awserr.Error {
	switch {
	case p == awsapi.Query || p == awsapi.EC2:
		if name == "" {
			return awserr.New(400, "MissingAction", "The request is missing an action or a required parameter.")
		}
		return awserr.New(400, "InvalidAction", "Could not find operation %s for version %s", name, m.APIVersion)
	case p == awsapi.JSON:
		return awserr.New(400, "UnknownOperationException", "")
	}
	return awserr.New(404, "UnknownOperationException", "")
}

func (g *Gateway) unknownService(x *exchange) *awserr.Error {
	if x.target.service == "" {
		return awserr.New(404, "UnknownOperationException", "")
	}
	feature := "service " + x.target.service
	if x.target.operation != "" {
		feature += " (" + x.target.operation + ")"
	}
	return awserr.NotImplemented(feature)
}

// speak is the codec and protocol in which to answer; for a service that is not
// there, the one that the request looks like.
func (g *Gateway) speak(x *exchange) (*wire.Codec, awsapi.Protocol) {
	if x.target.entry != nil {
		return x.target.entry.codec, x.protocol
	}
	m := &awsapi.Model{Service: x.target.service, Shapes: make([]awsapi.Shape, 1), JSONVersion: "1.0"}
	p := awsapi.RESTJSON // as most services that name no operation
	switch {
	case x.target.service == "s3":
		p = awsapi.RESTXML
	case x.r.Header.Get("X-Amz-Target") != "":
		p = awsapi.JSON
	case x.r.Header.Get("Smithy-Protocol") != "":
		p = awsapi.CBOR
	case isForm(x.r):
		p = awsapi.Query
	}
	return wire.New(m), p
}
