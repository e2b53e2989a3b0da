package forward

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"stepwell/internal/awsapi"
	"stepwell/internal/awsapi/sts"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/wire"
	"stepwell/internal/wire/sigv4"
)

// Options is what a Forwarder is built from.
type Options struct {
	Routes []Route
	Models []*awsapi.Model // of the services that calls of the bus can reach
	Env    Environment
	Log    *slog.Logger

	// For tests; nil means the real ones.
	HTTP  http.RoundTripper
	Now   func() time.Time
	Pause func(ctx context.Context, d time.Duration) error // between attempts
}

// Forwarder sends the routed services' requests on.
type Forwarder struct {
	o      Options
	routes map[string]*way
	http   *http.Client
}

// way is a route with what it takes to follow it.
type way struct {
	Route
	source  *source
	codec   *wire.Codec // nil for a service without a model
	buckets buckets
}

// New returns a forwarder. It reads no configuration before the first request.
func New(o Options) (*Forwarder, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Pause == nil {
		o.Pause = pause
	}
	if o.HTTP == nil {
		o.HTTP = transport()
	}
	f := &Forwarder{o: o, routes: map[string]*way{}, http: &http.Client{Transport: o.HTTP, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // S3's redirects are answers
	}}}
	sources := map[string]*source{}
	for _, r := range o.Routes {
		if err := r.check(); err != nil {
			return nil, err
		}
		if f.routes[r.Service] != nil {
			return nil, fmt.Errorf("cannot route %s twice", r.Service)
		}
		if sources[r.Profile] == nil {
			sources[r.Profile] = &source{env: o.Env, profile: r.Profile, now: o.Now, assume: f.assume}
		}
		w := &way{Route: r, source: sources[r.Profile]}
		for _, m := range o.Models {
			if m.Service == r.Service {
				w.codec = wire.New(m)
			}
		}
		f.routes[r.Service] = w
	}
	return f, nil
}

// transport waits for an answer as long as the slowest operation may take
// (lambda:Invoke), and passes bodies on as they come.
func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.ResponseHeaderTimeout = 16 * time.Minute
	t.DisableCompression = true
	t.MaxIdleConnsPerHost = 64
	return t
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Table is the operation table of a routed service: every operation of the model
// that has shapes is answered at the other side.
func (f *Forwarder) Table(m *awsapi.Model) *bus.Service {
	w := f.routes[m.Service]
	return bus.Routed(m, "answered by "+cmp.Or(w.Endpoint, "AWS"), func(ctx context.Context, op *awsapi.Operation, in any) (any, error) {
		return f.call(ctx, w, op, in)
	})
}

// Routed says that a service is routed.
func (f *Forwarder) Routed(service string) bool { return f != nil && f.routes[service] != nil }

// call sends an operation, up to attempts times.
func (f *Forwarder) call(ctx context.Context, w *way, op *awsapi.Operation, in any) (any, error) {
	if in = withTokens(w.codec.Model, op, in); bus.From(ctx).Source == "cloudformation" {
		in = withoutSystemTags(in)
	}
	bucket := ""
	if w.Service == "s3" {
		bucket = bucketOf(in)
	}
	once := streams(w.codec.Model, op, in)
	var err error
	for attempt := 1; ; attempt++ {
		var t target
		if t, err = w.place(ctx, op.Name, bucket); err != nil {
			return nil, err
		}
		t.bucket = bucket
		var out any
		if out, err = f.once(ctx, w, t, op, in, expired(err)); err == nil || once || attempt == attempts || !again(err) || ctx.Err() != nil {
			return out, shown(err)
		}
		f.o.Log.Info("trying again at AWS", "service", w.Service, "operation", op.Name, "attempt", attempt, "error", err)
		if !errors.Is(err, errMoved) && f.o.Pause(ctx, backoff(attempt)) != nil {
			return nil, shown(err)
		}
	}
}

// attempts is the limit of standard mode ("Retry behavior", SDKs reference guide).
const attempts = 3

// backoff is a random part of 2^n seconds, of at most 20.
func backoff(attempt int) time.Duration {
	most := min(time.Duration(1<<attempt)*time.Second, 20*time.Second)
	return time.Duration(rand.Int64N(int64(most)))
}

// lost is a request that had no answer.
type lost struct{ err error }

func (l *lost) Error() string { return l.err.Error() }
func (l *lost) Unwrap() error { return l.err }

// again says whether to try again, as SDKs do.
func again(err error) bool {
	var l *lost
	if errors.As(err, &l) || errors.Is(err, errMoved) {
		return true
	}
	e := awserr.From(err)
	return e != nil && e.Temporary() || expired(err)
}

// expired says that the credentials ended before they were said to.
func expired(err error) bool {
	e := awserr.From(err)
	return e != nil && (e.Code == "ExpiredToken" || e.Code == "ExpiredTokenException")
}

// shown is an error as callers see it: without an answer it is the SDK's.
func shown(err error) error {
	var l *lost
	if errors.As(err, &l) {
		return awserr.New(http.StatusServiceUnavailable, "SdkClientException", "Unable to execute HTTP request: %v", l.err)
	}
	return err
}

// place is where an operation goes. Faults of the configuration are for the
// caller to see.
func (w *way) place(ctx context.Context, operation, bucket string) (target, error) {
	region := w.Region
	if region == "" {
		var err error
		if region, err = w.source.region(); err != nil {
			return target{}, misconfigured(w, err)
		}
	}
	var m *awsapi.Model
	if w.codec != nil {
		m = w.codec.Model
	}
	region = cmp.Or(region, bus.From(ctx).Region)
	if bucket != "" {
		region = w.buckets.region(bucket, region)
	}
	return w.target(m, w.Service, region, operation), nil
}

// misconfigured is an error of a route whose credentials cannot be had.
func misconfigured(w *way, err error) error {
	if e := awserr.From(err); e != nil && e.Code == "NotImplemented" {
		return err
	}
	return awserr.New(http.StatusBadRequest, "CredentialsProviderError", "%s is routed to AWS: %v", w.Service, err)
}

// once sends an operation.
func (f *Forwarder) once(ctx context.Context, w *way, t target, op *awsapi.Operation, in any, fresh bool) (any, error) {
	as, err := w.source.get(ctx, fresh)
	if err != nil {
		return nil, misconfigured(w, err)
	}
	return f.exchange(ctx, w, t, as, op, in)
}

// errMoved is a request for a bucket of another region, which is known now.
var errMoved = errors.New("the bucket is in another region")

// exchange encodes, signs, sends and decodes.
func (f *Forwarder) exchange(ctx context.Context, w *way, t target, as sigv4.Credentials, op *awsapi.Operation, in any) (any, error) {
	req, err := w.codec.NewRequest(ctx, op, t.endpoint, in)
	if err != nil {
		return nil, err
	}
	body, hash, err := payload(req)
	if err != nil {
		return nil, err
	}
	if op.ChecksumRequired && body != nil {
		sum := md5.Sum(body)
		req.Header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	}
	sigv4.Signer{Credentials: as, Region: t.region, Service: t.service}.Sign(req, hash, f.o.Now())
	res, err := f.http.Do(req)
	if err != nil {
		return nil, &lost{err}
	}
	if w.buckets.learn(t.bucket, t, res) && !streams(w.codec.Model, op, in) {
		res.Body.Close()
		return nil, errMoved
	}
	return w.codec.ReadResponse(op, res)
}

// payload hashes the body where it can be read again, and leaves a stream unsigned.
func payload(req *http.Request) (data []byte, hash string, err error) {
	switch {
	case req.GetBody != nil:
		body, err := req.GetBody()
		if err != nil {
			return nil, "", err
		}
		data, err := io.ReadAll(body)
		return data, sigv4.HashPayload(data), err
	case req.Body != nil && req.Body != http.NoBody:
		return nil, sigv4.UnsignedPayload, nil
	}
	return nil, sigv4.EmptyHash, nil
}

// assume calls AssumeRole, at AWS_ENDPOINT_URL_STS where that is set.
func (f *Forwarder) assume(ctx context.Context, as sigv4.Credentials, region string, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	w := &way{codec: wire.New(sts.Model)}
	t := Route{Service: "sts", Endpoint: f.o.Env.Getenv("AWS_ENDPOINT_URL_STS")}.target(sts.Model, "sts", region, "AssumeRole")
	ctx, cancel := context.WithTimeout(ctx, assumeLimit)
	defer cancel()
	for attempt := 1; ; attempt++ {
		out, err := f.exchange(ctx, w, t, as, sts.Model.Operation("AssumeRole"), in)
		if err == nil {
			return out.(*sts.AssumeRoleOutput), nil
		}
		if attempt == attempts || !again(err) || f.o.Pause(ctx, backoff(attempt)) != nil {
			return nil, err
		}
	}
}

// assumeLimit is how long AssumeRole may take, retries included: requests wait
// for it.
const assumeLimit = time.Minute
