package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits of payloads in bytes (Lambda quotas).
const (
	maxSync     = 6_291_456
	maxEvent    = 1_048_576
	maxResponse = 6_291_556
)

// invocation is one event on its way through a worker.
type invocation struct {
	id      string
	arn     string // as it was invoked
	payload []byte
	context string // of the client: JSON

	timeout  time.Duration
	deadline time.Time // real time
	answer   chan answer
}

// answer is what the runtime says of an invocation.
type answer struct {
	payload []byte
	failed  bool
	kind    string // the type of the error
}

// runtimeAPI is the Lambda runtime API of one worker, on a loopback port of its
// own (developer guide, "Using the Lambda runtime API").
type runtimeAPI struct {
	address string
	server  *http.Server
	next    chan *invocation // given to the runtime when it asks
	ready   chan struct{}    // closed when it asks for the first time
	gone    <-chan struct{}  // closed when the worker has ended

	// packages returns the folder with a package of the AWS SDK for Node.js.
	packages func(ctx context.Context, name string) (string, error)

	mu      sync.Mutex
	asked   bool
	current *invocation
	fault   *answer // of the runtime's start
}

func openRuntimeAPI(gone <-chan struct{}, packages func(context.Context, string) (string, error)) (*runtimeAPI, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("cannot listen for a function's runtime: %w", err)
	}
	a := &runtimeAPI{address: listener.Addr().String(), next: make(chan *invocation), ready: make(chan struct{}), gone: gone, packages: packages}
	const base = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"invocation/next", a.giveNext)
	mux.HandleFunc("POST "+base+"invocation/{id}/response", a.takeResponse)
	mux.HandleFunc("POST "+base+"invocation/{id}/error", a.takeError)
	mux.HandleFunc("POST "+base+"init/error", a.takeInitError)
	mux.HandleFunc("POST /stepwell/packages", a.givePackage) // of our own: nodejs/start.mjs asks
	a.server = &http.Server{Handler: mux}
	go a.server.Serve(listener)
	return a, nil
}

func (a *runtimeAPI) close() { a.server.Close() }

func (a *runtimeAPI) giveNext(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	if !a.asked {
		a.asked = true
		close(a.ready)
	}
	a.mu.Unlock()
	var inv *invocation
	select {
	case inv = <-a.next:
	case <-a.gone:
		return
	case <-r.Context().Done():
		return
	}
	a.mu.Lock()
	a.current = inv
	a.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", inv.arn)
	h.Set("Lambda-Runtime-Trace-Id", trace(inv))
	if inv.context != "" {
		h.Set("Lambda-Runtime-Client-Context", inv.context)
	}
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	w.Write(inv.payload)
}

// trace is a trace header that is not sampled.
func trace(inv *invocation) string {
	digits := strings.ReplaceAll(inv.id, "-", "")
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", inv.deadline.Unix(), digits[:24], digits[:16])
}

// finish answers the invocation that the runtime names.
func (a *runtimeAPI) finish(w http.ResponseWriter, id string, with answer) {
	a.mu.Lock()
	inv := a.current
	if inv == nil || inv.id != id {
		a.mu.Unlock()
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	a.current = nil
	a.mu.Unlock()
	inv.answer <- with
	accept(w)
}

func (a *runtimeAPI) takeResponse(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
	id := r.PathValue("id")
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "TruncatedResponse", "The response could not be read")
	case len(body) > maxResponse:
		a.mu.Lock()
		inv := a.current
		a.current = nil
		a.mu.Unlock()
		if inv != nil && inv.id == id {
			inv.answer <- failure("Function.ResponseSizeTooLarge",
				fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse))
		}
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size")
	default:
		a.finish(w, id, answer{payload: body})
	}
}

// errorType is where a runtime says of what type its error is.
const errorType = "Lambda-Runtime-Function-Error-Type"

func (a *runtimeAPI) takeError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse))
	if err != nil {
		refuse(w, http.StatusBadRequest, "TruncatedResponse", "The error could not be read")
		return
	}
	a.finish(w, r.PathValue("id"), runtimeFailure(body, r.Header.Get(errorType)))
}

func (a *runtimeAPI) takeInitError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse))
	if err != nil {
		refuse(w, http.StatusBadRequest, "TruncatedResponse", "The error could not be read")
		return
	}
	a.mu.Lock()
	a.fault = new(runtimeFailure(body, r.Header.Get(errorType)))
	a.mu.Unlock()
	accept(w)
}

func (a *runtimeAPI) givePackage(w http.ResponseWriter, r *http.Request) {
	name, err := io.ReadAll(io.LimitReader(r.Body, 1<<10))
	folder := ""
	if err == nil {
		folder, err = a.packages(r.Context(), string(name))
	}
	if err != nil {
		refuse(w, http.StatusNotFound, "PackageNotFound", err.Error())
		return
	}
	io.WriteString(w, folder)
}

// initFault is the error with which the runtime's start ended, or nil.
func (a *runtimeAPI) initFault() *answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fault
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"OK"}`+"\n")
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"errorMessage": message, "errorType": kind})
}

// runtimeFailure is an error that a runtime reports. Its body is the answer as
// it stands where it is JSON.
func runtimeFailure(body []byte, kind string) answer {
	var said struct{ ErrorType string }
	if !json.Valid(body) {
		if kind == "" {
			kind = "Runtime.Unknown"
		}
		return failure(kind, string(body))
	}
	if json.Unmarshal(body, &said) == nil && said.ErrorType != "" {
		kind = said.ErrorType
	}
	return answer{payload: body, failed: true, kind: kind}
}

// failure is an error that Lambda itself reports.
func failure(kind, message string) answer {
	body, _ := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{kind, message}) // cannot fail: two strings
	return answer{payload: body, failed: true, kind: kind}
}
