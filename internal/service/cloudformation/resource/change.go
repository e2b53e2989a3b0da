package resource

import (
	"net/http"
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
