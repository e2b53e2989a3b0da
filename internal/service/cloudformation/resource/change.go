package resource

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"stepwell/internal/awserr"
)

// Only are the properties of these names that the template gives.
func (r *Request) Only(names ...string) map[string]any {
	only := map[string]any{}
	for _, name := range names {
		if x, ok := r.Properties[name]; ok {
			only[name] = x
		}
	}
	return only
}

// AnyChanged says whether one of the properties differs from what it was.
func (r *Request) AnyChanged(names ...string) bool {
	return slices.ContainsFunc(names, r.Changed)
}

// OwnTags are AllTags without those that begin with "aws:", for the types whose
// registry schema says cloudFormationSystemTags: false.
func (r *Request) OwnTags() []any {
	return slices.DeleteFunc(r.AllTags(), func(tag any) bool {
		return strings.HasPrefix(tag.(map[string]any)["Key"].(string), "aws:")
	})
}

// Retag makes, in Update, the tags that have changed those of the resource, by
// the service's two operations for that. tag and untag are pointers to their
// inputs, which get the members Tags and TagKeys, or those that rename gives for
// them (see Decode); the inputs name the operations.
func (r *Request) Retag(ctx context.Context, service string, tag, untag any, rename map[string]string) error {
	set, gone := r.ChangedTags()
	if len(gone) > 0 {
		if err := r.call(ctx, service, untag, map[string]any{"TagKeys": List(gone)}, rename); err != nil {
			return err
		}
	}
	if len(set) == 0 {
		return nil
	}
	return r.call(ctx, service, tag, map[string]any{"Tags": set}, rename)
}

// call completes an input, a *<Operation>Input, and calls its operation.
func (r *Request) call(ctx context.Context, service string, in any, properties map[string]any, rename map[string]string) error {
	if err := Decode(properties, in, rename); err != nil {
		return err
	}
	_, err := r.Bus.Invoke(ctx, service, strings.TrimSuffix(reflect.TypeOf(in).Elem().Name(), "Input"), in)
	return err
}

// List are texts as the list that Decode takes.
func List(texts []string) []any {
	items := make([]any, len(texts))
	for i, text := range texts {
		items[i] = text
	}
	return items
}

// AlreadyExists is the error of a Create whose operation would give what is
// there already, made by another: a stack does not take it over.
func AlreadyExists(typ, id string) *awserr.Error {
	return awserr.New(http.StatusConflict, "AlreadyExists", "Resource of type '%s' with identifier '%s' already exists.", typ, id)
}
