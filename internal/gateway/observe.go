package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"stepwell/internal/bus"
)

// recorder notes the status and size of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// ReadFrom lets the server send files without copying them through memory.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := io.Copy(r.ResponseWriter, src)
	r.bytes += n
	return n, err
}

// Unwrap gives http.ResponseController what lies below.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Flush implements http.Flusher.
func (r *recorder) Flush() {
	if f, ok := r.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

type metrics struct {
	requests *prometheus.CounterVec
	latency  *prometheus.HistogramVec
}

func newMetrics(reg *prometheus.Registry) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "stepwell_requests_total", Help: "Requests answered, by service, operation and HTTP status."},
			[]string{"service", "operation", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "stepwell_request_seconds", Help: "Time from request to answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12)},
			[]string{"service", "operation"}),
	}
	reg.MustRegister(m.requests, m.latency)
	return m
}

// finish counts and logs a request.
func (g *Gateway) finish(x *exchange) {
	took := time.Since(x.start)
	service, operation := g.labels(x)
	status := strconv.Itoa(x.w.status)
	g.metrics.requests.WithLabelValues(service, operation, status).Inc()
	g.metrics.latency.WithLabelValues(service, operation).Observe(took.Seconds())
	level := slog.LevelInfo
	gone := x.r.Context().Err() != nil && errors.Is(x.fault, context.Canceled) // the client did not wait for the answer
	if !gone && (x.fault != nil || x.w.status >= 500 && x.w.status != http.StatusNotImplemented) {
		level = slog.LevelError
	}
	ctx := context.Background()
	if !g.o.Log.Enabled(ctx, level) {
		return
	}
	in := x.bytesIn
	if in == 0 && x.r.ContentLength > 0 {
		in = x.r.ContentLength
	}
	account := x.caller.Account
	if account == "" {
		account = bus.DefaultAccount
	}
	attrs := []slog.Attr{slog.String("service", x.target.service), slog.String("operation", x.target.operation),
		slog.Int("status", x.w.status), slog.Duration("took", took), slog.Int64("in", in), slog.Int64("out", x.w.bytes),
		slog.String("request", x.id), slog.String("account", account)}
	if x.fault != nil {
		attrs = append(attrs, slog.String("error", x.fault.Error()))
	}
	g.o.Log.LogAttrs(ctx, level, "request", attrs...)
}

// labels are the names for metrics: only those of known services and
// operations, so that requests cannot make up series.
func (g *Gateway) labels(x *exchange) (service, operation string) {
	if x.target.entry == nil {
		return "unknown", "unknown"
	}
	m := x.target.entry.codec.Model
	if m.Operation(x.target.operation) == nil {
		return m.Service, "unknown"
	}
	return m.Service, x.target.operation
}

// Health is the state of the server for GET /_stepwell/health.
type Health struct {
	OK      bool           `json:"-"`
	Status  string         `json:"status"` // "ok", "starting", ...
	Version string         `json:"version,omitempty"`
	Details map[string]any `json:"details,omitempty"`
}

// serviceHealth is one service of the health page.
type serviceHealth struct {
	State      string `json:"state"`
	Operations struct {
		Full    int `json:"full"`
		Partial int `json:"partial"`
		Missing int `json:"missing"`
	} `json:"operations"`
}

// health answers with the state of the server and its services: 200 when it is
// well, 503 when it is not (yet).
func (g *Gateway) health(w http.ResponseWriter, r *http.Request) {
	h := Health{OK: true, Status: "ok"}
	if g.o.Health != nil {
		h = g.o.Health(r.Context())
	}
	services := map[string]serviceHealth{}
	for _, s := range g.o.Bus.Services() {
		sh := serviceHealth{State: "available"}
		for _, o := range s.Operations {
			switch o.Status {
			case bus.Full:
				sh.Operations.Full++
			case bus.Partial:
				sh.Operations.Partial++
			default:
				sh.Operations.Missing++
			}
		}
		services[s.Name] = sh
	}
	body, err := json.Marshal(struct {
		Health
		Services map[string]serviceHealth `json:"services"`
	}{h, services})
	if err != nil {
		http.Error(w, "cannot write the state of the server", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if !h.OK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	w.Write(append(body, '\n'))
}

// NewServer returns an HTTP server for the gateway. Reading and writing have no
// time limit, as objects may be large and clients slow; waiting for a request's
// header has.
func NewServer(h http.Handler, log *slog.Logger, base context.Context) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 20 * time.Second,
		IdleTimeout:       3 * time.Minute,
		MaxHeaderBytes:    256 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return base },
	}
}
