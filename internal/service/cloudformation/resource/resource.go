// Package resource says how CloudFormation makes, changes and removes a
// resource: a Type per resource type of the "AWS resource and property types
// reference", made of calls of the service's own operations through the bus.
//
// It knows no stack; package cloudformation runs Types, and the packages below
// types hold them.
package resource

import (
	"context"
	"fmt"
	"strings"
	"time"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
)

// Type is a resource type.
type Type struct {
	Name string // AWS::S3::Bucket

	Required   []string // properties that must be there
	Optional   []string // the other properties there are
	Attributes []string // the names Fn::GetAtt takes
	Refused    []string // documented properties that cannot be honoured here: "not implemented" where given

	// Replacement are the properties whose change makes a new resource
	// ("Update requires: Replacement"); Replaces says so of changes that depend
	// on the values. A Type without Update replaces on every change.
	Replacement []string
	Replaces    func(r *Request) bool

	// Create makes the resource. It may be called again after a crash of the
	// server, with the same Request and Again set: what the earlier attempt made
	// is found and taken. When it fails having made something, it returns what it
	// made beside the error, to be deleted.
	Create func(ctx context.Context, r *Request) (*Made, error)
	// Update changes the resource from r.Old to r.Properties. It may be called
	// again after a crash.
	Update func(ctx context.Context, r *Request) (*Made, error)
	// Delete removes the resource; one that is not there is removed.
	Delete func(ctx context.Context, r *Request) error
}

// Made is a resource that is there.
type Made struct {
	ID         string         // its physical id, which Ref gives
	Attributes map[string]any // what Fn::GetAtt gives: texts and lists of texts
}

// Request is what a Type is asked for. The caller in ctx is the stack's.
type Request struct {
	Bus   bus.Invoker
	Clock clock.Clock

	StackName, StackID, LogicalID string
	Tags                          map[string]string // those every resource gets: the stack's and aws:cloudformation:*

	ID         string         // physical id; empty in Create
	Attributes map[string]any // of the resource as it is
	Properties map[string]any // evaluated: string, json.Number, bool, []any, map[string]any
	Old        map[string]any // in Update: the properties as they were

	// OldTags are, in Update, what Tags were: a change of the stack's tags updates
	// every resource that has a property Tags. See ChangedTags.
	OldTags map[string]string

	Token string // 13 letters and digits, the same in every attempt to create one resource
	Again bool   // an earlier attempt may have got somewhere
}

// Name is the name that the property gives, or one made as CloudFormation does:
// STACK-LOGICALID-TOKEN, of at most limit characters.
func (r *Request) Name(property string, limit int) string {
	if name, ok := r.Properties[property].(string); ok && name != "" {
		return name
	}
	if r.ID == "" || r.Old == nil {
		return r.generated(limit)
	}
	return r.ID
}

// generated is a physical name; what does not fit is cut from stack name and
// logical id, by halves, as CloudFormation does.
func (r *Request) generated(limit int) string {
	stack, logical := r.StackName, r.LogicalID
	if room := limit - len(r.Token) - 2; len(stack)+len(logical) > room {
		half := room / 2
		switch {
		case len(stack) <= half:
			logical = logical[:room-len(stack)]
		case len(logical) <= room-half:
			stack = stack[:room-len(logical)]
		default:
			stack, logical = stack[:half], logical[:room-half]
		}
	}
	return strings.TrimRight(stack, "-") + "-" + logical + "-" + r.Token
}

// Text is a property that is a text, empty where it is absent.
func (r *Request) Text(property string) string {
	s, _ := Text(r.Properties[property])
	return s
}

// Changed says whether a property differs from what it was.
func (r *Request) Changed(property string) bool {
	return !Equal(r.Properties[property], r.Old[property])
}

// Wait calls ready until it says yes, with a pause between the calls, for at
// most limit.
func (r *Request) Wait(ctx context.Context, pause, limit time.Duration, ready func() (bool, error)) error {
	for end := r.Clock.Now().Add(limit); ; {
		switch ok, err := ready(); {
		case err != nil:
			return err
		case ok:
			return nil
		case r.Clock.Now().After(end):
			return fmt.Errorf("Exceeded attempts to wait") //nolint:staticcheck // CloudFormation's words
		}
		if err := r.Clock.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// Is says whether an error of an operation has one of the codes.
func Is(err error, codes ...string) bool {
	e := awserr.From(err)
	if e == nil {
		return false
	}
	for _, c := range codes {
		if e.Code == c {
			return true
		}
	}
	return false
}

// Unless is err, or nil where it has one of the codes.
func Unless(err error, codes ...string) error {
	if err != nil && Is(err, codes...) {
		return nil
	}
	return err
}
