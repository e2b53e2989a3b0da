package cloudformation

import (
	"fmt"
	"maps"
	"slices"

	"stepwell/internal/cfn"
	"stepwell/internal/diag"
)

// Check says what is wrong with a template, and warns of what would fail a stack
// here: resource types, properties and attributes that are not known, and
// properties that are missing. Paths of local files stand for what packaging uploads.
func (s *Service) Check(text string) diag.List {
	t, found := cfn.Parse(text, cfn.Surroundings{Local: true})
	if !found.HasErrors() {
		found = append(found, s.unknown(t)...)
	}
	slices.SortStableFunc(found, func(a, b diag.Diagnostic) int { return a.Span.Start - b.Span.Start })
	return found
}

func (s *Service) unknown(t *cfn.Template) (found diag.List) {
	warn := func(at diag.Span, suggestion, format string, args ...any) {
		found = append(found, diag.Diagnostic{Span: at, Severity: diag.Warning, Text: fmt.Sprintf(format, args...), Suggestion: suggestion})
	}
	for _, r := range t.Resources {
		typ := s.typeOf(r.Type)
		if typ == nil {
			warn(r.TypeSpan, diag.Nearest(r.Type, slices.Collect(maps.Keys(s.types))), "the resource type %s is not known here", r.Type)
			continue
		}
		if open(typ) {
			continue
		}
		all := slices.Concat(typ.Required, typ.Optional)
		for _, name := range typ.Required {
			if r.Properties.Get(name) == nil {
				warn(r.Span, "", "%s lacks the property %s of %s", r.Name, name, r.Type)
			}
		}
		if r.Properties == nil {
			continue
		}
		for _, k := range r.Properties.Keys {
			switch {
			case slices.Contains(typ.Refused, k.Text):
				warn(k.Span, "", "not implemented: %s property %s", r.Type, k.Text)
			case !slices.Contains(all, k.Text):
				warn(k.Span, diag.Nearest(k.Text, all), "%s has no property %s", r.Type, k.Text)
			}
		}
	}
	for _, at := range t.Attributes() {
		r := t.Resource(at.Name)
		if r == nil || s.typeOf(r.Type) == nil {
			continue
		}
		if typ := s.typeOf(r.Type); !open(typ) && !slices.Contains(typ.Attributes, at.Attribute) && !openAttribute(typ, at.Attribute) {
			warn(at.Span, diag.Nearest(at.Attribute, typ.Attributes), "%s has no attribute %s", r.Type, at.Attribute)
		}
	}
	return found
}
