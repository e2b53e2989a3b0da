// Package bus is the one way to an AWS operation. Every operation is a typed Go
// function in its service's table; the HTTP gateway, Task states, job runs, the
// command line and other services call it here, with a Caller.
//
// It knows no protocol and no service. Services never import each other: they
// hold a *Bus. Authorisation, request records and the choice between the local
// service and a remote one are Interceptors, each written once.
package bus

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/awserr"
)

// Call is one request for an operation on its way to the handler.
type Call struct {
	Service   *Service
	Operation *Operation
	In        any // *<Op>Input
}

// Interceptor stands between a caller and the handlers. It may answer itself,
// or call next.
type Interceptor func(ctx context.Context, call *Call, next Handler) (any, error)

// Bus routes calls to operations.
type Bus struct {
	services     map[string]*entry
	interceptors []Interceptor
}

type entry struct {
	service    *Service
	operations map[string]*Operation
}

// New returns a bus whose calls pass through the interceptors, first one first.
func New(interceptors ...Interceptor) *Bus {
	return &Bus{services: map[string]*entry{}, interceptors: interceptors}
}

// Register adds a service. It is called while the server is composed, before
// any call; a service or operation named twice is a programming error.
func (b *Bus) Register(s *Service) {
	if b.services[s.Name] != nil {
		panic(fmt.Sprintf("bus: service %s registered twice", s.Name))
	}
	e := &entry{service: s, operations: make(map[string]*Operation, len(s.Operations))}
	for i := range s.Operations {
		o := &s.Operations[i]
		if e.operations[o.Name] != nil {
			panic(fmt.Sprintf("bus: operation %s.%s has two rows", s.Name, o.Name))
		}
		e.operations[o.Name] = o
	}
	b.services[s.Name] = e
}

// Services returns the registered services, sorted by name.
func (b *Bus) Services() []*Service {
	all := make([]*Service, 0, len(b.services))
	for _, e := range b.services {
		all = append(all, e.service)
	}
	slices.SortFunc(all, func(x, y *Service) int { return strings.Compare(x.Name, y.Name) })
	return all
}

// Lookup returns the service and the operation, or nil for what is not known.
func (b *Bus) Lookup(service, operation string) (*Service, *Operation) {
	e := b.services[service]
	if e == nil {
		return nil, nil
	}
	return e.service, e.operations[operation]
}

// Invoke calls an operation with in, a *<Op>Input, as the Caller in ctx.
// The error is an *awserr.Error, or internal.
func (b *Bus) Invoke(ctx context.Context, service, operation string, in any) (any, error) {
	s, o := b.Lookup(service, operation)
	if s == nil {
		return nil, awserr.NotImplemented("service " + service)
	}
	if o == nil {
		return nil, awserr.New(404, "UnknownOperationException", "%s has no operation %s", service, operation)
	}
	if o.Handle == nil {
		return nil, s.missing(operation)
	}
	call := &Call{Service: s, Operation: o, In: in}
	return b.through(ctx, call, 0)
}

func (b *Bus) through(ctx context.Context, call *Call, i int) (any, error) {
	if i == len(b.interceptors) {
		return call.Operation.Handle(ctx, call.In)
	}
	return b.interceptors[i](ctx, call, func(ctx context.Context, in any) (any, error) {
		call.In = in
		return b.through(ctx, call, i+1)
	})
}

// Invoker is what a service needs of the bus to call its neighbours.
type Invoker interface {
	Invoke(ctx context.Context, service, operation string, in any) (any, error)
}

// Invoke calls an operation and returns its typed output.
func Invoke[Out any](ctx context.Context, b Invoker, service, operation string, in any) (*Out, error) {
	out, err := b.Invoke(ctx, service, operation, in)
	if err != nil {
		return nil, err
	}
	typed, ok := out.(*Out)
	if !ok {
		return nil, fmt.Errorf("cannot use the answer of %s.%s: it is %T", service, operation, out)
	}
	return typed, nil
}
