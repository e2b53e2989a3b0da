package bus

import (
	"context"
	"fmt"
	"reflect"

	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
)

// Status says how much of an operation is there.
type Status uint8

const (
	NotImplemented Status = iota // answers with an error that names it
	Partial                      // the note says what is missing
	Full
)

func (s Status) String() string {
	return [...]string{"not implemented", "partial", "full"}[s]
}

// Handler is an operation whose input and output types are erased: in is a
// *<Op>Input and the answer a *<Op>Output of the service's awsapi package.
type Handler func(ctx context.Context, in any) (any, error)

// Operation is a row of a service's operation table.
type Operation struct {
	Name   string // as in the service model, e.g. "StartExecution"
	Status Status
	Note   string // what a partial operation lacks, why a missing one is missing
	Handle Handler

	in reflect.Type
}

// NewInput returns a new, empty input of the operation, e.g. a
// *states.StartExecutionInput, or nil for a missing operation.
func (o *Operation) NewInput() any {
	if o.in == nil {
		return nil
	}
	return reflect.New(o.in).Interface()
}

// Op is a row for an operation that is there in full.
func Op[In, Out any](name string, handle func(context.Context, *In) (*Out, error)) Operation {
	return Operation{
		Name:   name,
		Status: Full,
		in:     reflect.TypeFor[In](),
		Handle: func(ctx context.Context, in any) (any, error) {
			typed, ok := in.(*In)
			if !ok {
				return nil, fmt.Errorf("cannot call %s with %T", name, in)
			}
			out, err := handle(ctx, typed)
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// PartialOp is a row for an operation that lacks what note says.
func PartialOp[In, Out any](name, note string, handle func(context.Context, *In) (*Out, error)) Operation {
	o := Op(name, handle)
	o.Status, o.Note = Partial, note
	return o
}

// Routed is the table of a service that is answered elsewhere: every operation
// whose shapes the model has is handled by handle.
func Routed(m *awsapi.Model, note string, handle func(ctx context.Context, op *awsapi.Operation, in any) (any, error)) *Service {
	s := &Service{Name: m.Service, Model: m}
	for i := range m.Operations {
		op := &m.Operations[i]
		if !op.Modelled {
			s.Operations = append(s.Operations, Missing("only requests of clients are passed on", op.Name)...)
			continue
		}
		s.Operations = append(s.Operations, Operation{Name: op.Name, Status: Full, Note: note, in: reflect.TypeOf(op.NewInput()).Elem(),
			Handle: func(ctx context.Context, in any) (any, error) { return handle(ctx, op, in) }})
	}
	return s
}

// Missing is a row for each of the named operations: known, not implemented.
func Missing(note string, names ...string) []Operation {
	rows := make([]Operation, len(names))
	for i, name := range names {
		rows[i] = Operation{Name: name, Status: NotImplemented, Note: note}
	}
	return rows
}

// Service is a service's operation table.
type Service struct {
	Name       string // as AWS SDKs and SigV4 scopes spell it: "states", "redshift-data", ...
	Model      *awsapi.Model
	Operations []Operation
}

func (s *Service) missing(operation string) error {
	return awserr.NotImplemented(s.Name + ":" + operation)
}
