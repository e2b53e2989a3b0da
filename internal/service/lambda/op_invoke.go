package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// Kinds of invocations.
const (
	requestResponse = "RequestResponse"
	event           = "Event"
	dryRun          = "DryRun"
)

// invoke runs a function, or accepts to.
func (s *Service) invoke(ctx context.Context, r *api.InvokeInput) (*api.InvokeOutput, error) {
	kind := value(r.InvocationType)
	if kind == "" {
		kind = requestResponse
	}
	payload, err := checkPayload(r.Payload, kind)
	if err != nil {
		return nil, err
	}
	client, err := clientContext(r.ClientContext)
	if err != nil {
		return nil, err
	}
	f, to, set, err := s.target(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	switch kind {
	case dryRun:
		return &api.InvokeOutput{StatusCode: new(int64(204)), ExecutedVersion: f.Config.Version}, nil
	case event:
		if err := s.accept(ctx, to, payload, client); err != nil {
			return nil, err
		}
		return &api.InvokeOutput{StatusCode: new(int64(202))}, nil
	}
	o, err := s.perform(ctx, f, to, set, &invocation{id: s.requestID(ctx), payload: payload, context: client})
	if err != nil {
		return nil, err
	}
	out := &api.InvokeOutput{StatusCode: new(int64(200)), Payload: o.payload, ExecutedVersion: &o.version}
	if o.failed {
		out.FunctionError = new("Unhandled")
	}
	if value(r.LogType) == "Tail" {
		out.LogResult = new(base64.StdEncoding.EncodeToString(o.log))
	}
	return out, nil
}

// invokeAsync is Event by its old name.
func (s *Service) invokeAsync(ctx context.Context, r *api.InvokeAsyncInput) (*api.InvokeAsyncOutput, error) {
	defer r.InvokeArgs.Close()
	data, err := io.ReadAll(io.LimitReader(r.InvokeArgs, maxEvent+1))
	if err != nil {
		return nil, user(api.InvalidRequestContentException("Could not read request body"))
	}
	payload, err := checkPayload(data, event)
	if err != nil {
		return nil, err
	}
	_, to, _, err := s.target(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	return &api.InvokeAsyncOutput{Status: new(int64(202))}, s.accept(ctx, to, payload, "")
}

// checkPayload refuses events that are not JSON or too large; none is {}.
func checkPayload(payload []byte, kind string) ([]byte, error) {
	limit := maxSync
	if kind == event {
		limit = maxEvent
	}
	switch {
	case len(payload) > limit:
		return nil, tooLarge(len(payload), kind, limit)
	case len(payload) == 0:
		return []byte("{}"), nil
	case !json.Valid(payload):
		var any any
		return nil, user(api.InvalidRequestContentException("Could not parse request body into json: Could not parse payload into json: %v", json.Unmarshal(payload, &any)))
	}
	return payload, nil
}

// clientContext is the JSON behind ClientContext.
func clientContext(encoded *string) (string, error) {
	if value(encoded) == "" {
		return "", nil
	}
	text, err := base64.StdEncoding.DecodeString(*encoded)
	if err != nil || !json.Valid(text) {
		return "", user(api.InvalidRequestContentException("Client context must be a valid Base64-encoded JSON object."))
	}
	return string(text), nil
}

// target finds what an invoke is for.
func (s *Service) target(ctx context.Context, name string, qualifier *string) (f *function, to ref, set setting, err error) {
	if to, err = refer(ctx, name, qualifier); err != nil {
		return nil, to, set, err
	}
	version := [2]int64{functions.Version(s.Store), settings.Version(s.Store)}
	if t, there := s.recent.get(version, to); there {
		return t.f, to, t.set, nil
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if f, err = find(tx, to, s.Dice); err != nil {
			return err
		}
		set, _, err = settings.Get(tx, to.key(to.Name)...)
		return err
	})
	if err == nil && *f.Config.Version == qualifierKey(to.Qualifier) { // an alias is followed every time
		s.recent.put(version, to, invoked{f, set})
	}
	return f, to, set, err
}

// invoked is a function with its settings, as invocations need them. It is not changed.
type invoked struct {
	f   *function
	set setting
}

// recent are the functions that were invoked since a function changed.
type recent struct {
	mu      sync.Mutex
	version [2]int64 // of the tables functions and settings
	byRef   map[ref]invoked
}

func (r *recent) get(version [2]int64, to ref) (invoked, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.version != version {
		return invoked{}, false
	}
	t, there := r.byRef[to]
	return t, there
}

func (r *recent) put(version [2]int64, to ref, t invoked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.version != version || r.byRef == nil {
		r.version, r.byRef = version, map[ref]invoked{}
	}
	r.byRef[to] = t
}

// requestID is the caller's own, so that a log line can be followed.
func (s *Service) requestID(ctx context.Context) string {
	if id := bus.From(ctx).RequestID; len(id) == 36 {
		return id
	}
	return s.IDs.UUID()
}

// perform runs an invocation to its end, whether or not the caller waits.
func (s *Service) perform(ctx context.Context, f *function, to ref, set setting, inv *invocation) (outcome, error) {
	defer s.Clock.Busy()()
	leave, err := s.pool.admit(to.scope, to.Name, set.Reserved)
	if err != nil {
		s.metrics.throttled(to)
		return outcome{}, err
	}
	defer leave()
	if err := s.readyToRun(ctx, f, to); err != nil {
		return outcome{}, err
	}
	inv.arn, inv.answer = to.arn(), make(chan answer, 1)
	inv.timeout = time.Duration(*f.Config.Timeout) * time.Second
	o, err := s.pool.run(context.WithoutCancel(ctx), f, to.scope, inv)
	if fault := (*launchError)(nil); errors.As(err, &fault) {
		s.metrics.invoked(to, true, 0)
		return outcome{answer: failure(fault.kind, "RequestId: "+inv.id+" "+fault.message), version: *f.Config.Version}, nil
	}
	if err == nil {
		s.metrics.invoked(to, o.failed, o.spent)
	}
	return o, err
}

// readyToRun prepares a function that is not active yet.
func (s *Service) readyToRun(ctx context.Context, f *function, to ref) error {
	if value(f.Config.State) == api.StateActive && value(f.Config.LastUpdateStatus) != api.LastUpdateStatusInProgress {
		return nil
	}
	if err := s.prepare(context.WithoutCancel(ctx), f); err != nil {
		return notRunnable(api.StateFailed, err.Error())
	}
	return nil
}
