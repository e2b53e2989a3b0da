package main

import (
	"fmt"
	"slices"
	"strings"
)

var kinds = map[string]string{"structure": "Structure", "list": "List", "map": "Map", "string": "String", "character": "String",
	"blob": "Blob", "boolean": "Boolean", "integer": "Integer", "long": "Long", "float": "Float", "double": "Double", "timestamp": "Timestamp"}

var locations = map[string]string{"header": "Header", "headers": "Headers", "uri": "URI", "querystring": "QueryString", "statusCode": "StatusCode"}

var formats = map[string]string{"iso8601": "ISO8601", "rfc822": "RFC822", "unixTimestamp": "UnixTimestamp"}

func (g *generator) shapeLiteral(b *strings.Builder, s *goShape) error {
	a := s.api
	kind := kinds[a.Type]
	if a.Document {
		kind = "Document"
	}
	if kind == "" {
		return fmt.Errorf("shape %s has the unknown type %q", s.name, a.Type)
	}
	fmt.Fprintf(b, "{Name: %q, Kind: awsapi.%s", s.name, kind)
	g.elements(b, a)
	setFlag(b, "Flattened", a.Flattened)
	if a.Min != nil {
		fmt.Fprintf(b, ", HasMin: true, Min: %d", int64(*a.Min))
	}
	if a.Max != nil {
		fmt.Fprintf(b, ", HasMax: true, Max: %d", int64(*a.Max))
	}
	if a.Pattern != "" {
		fmt.Fprintf(b, ", Pattern: %q", a.Pattern)
	}
	if f := formats[a.TimestampFormat]; f != "" {
		fmt.Fprintf(b, ", Format: awsapi.%s", f)
	}
	setFlag(b, "Union", a.Union)
	setFlag(b, "EventStream", a.EventStream)
	setFlag(b, "Sensitive", a.Sensitive)
	if a.Payload != "" {
		i := slices.IndexFunc(a.Members, func(m apiMember) bool { return m.Name == a.Payload })
		fmt.Fprintf(b, ", Payload: %d", i+1)
	}
	if len(a.Enum) > 0 {
		fmt.Fprintf(b, ",\nEnum: []string{%s}", quoted(a.Enum))
	}
	if len(a.Members) > 0 && !a.Document {
		b.WriteString(",\nMembers: []awsapi.Member{\n")
		for _, m := range a.Members {
			if err := g.memberLiteral(b, a, m); err != nil {
				return fmt.Errorf("shape %s: %w", s.name, err)
			}
		}
		b.WriteString("}")
	}
	b.WriteString("},\n")
	return nil
}

// elements writes what a list or map holds.
func (g *generator) elements(b *strings.Builder, a *apiShape) {
	if r := a.Member; r != nil {
		fmt.Fprintf(b, ", Elem: %d", g.byName[r.Shape].id)
		if r.LocationName != "" {
			fmt.Fprintf(b, ", ElemName: %q", r.LocationName)
		}
	}
	if a.Key != nil {
		fmt.Fprintf(b, ", Key: %d, Elem: %d", g.byName[a.Key.Shape].id, g.byName[a.Value.Shape].id)
		if a.Key.LocationName != "" {
			fmt.Fprintf(b, ", KeyName: %q", a.Key.LocationName)
		}
		if a.Value.LocationName != "" {
			fmt.Fprintf(b, ", ElemName: %q", a.Value.LocationName)
		}
	}
}

func (g *generator) memberLiteral(b *strings.Builder, parent *apiShape, m apiMember) error {
	target := g.model.Shapes[m.Shape]
	fmt.Fprintf(b, "{Name: %q, Shape: %d", m.Name, g.byName[m.Shape].id)
	if m.LocationName != "" && m.LocationName != m.Name {
		fmt.Fprintf(b, ", Wire: %q", m.LocationName)
	}
	if m.QueryName != "" {
		fmt.Fprintf(b, ", QueryName: %q", m.QueryName)
	}
	if m.Location != "" {
		l := locations[m.Location]
		if l == "" {
			return fmt.Errorf("member %s has the unknown location %q", m.Name, m.Location)
		}
		fmt.Fprintf(b, ", Location: awsapi.%s", l)
	}
	if f := formats[m.TimestampFormat]; f != "" {
		fmt.Fprintf(b, ", Format: awsapi.%s", f)
	}
	setFlag(b, "Required", slices.Contains(parent.Required, m.Name))
	setFlag(b, "Flattened", m.Flattened)
	setFlag(b, "Streaming", target.Type == "blob" && (m.Streaming || target.Streaming))
	setFlag(b, "IdempotencyToken", m.IdempotencyToken)
	setFlag(b, "XMLAttribute", m.XMLAttribute)
	setFlag(b, "HostLabel", m.HostLabel)
	setFlag(b, "JSONValue", m.JSONValue)
	ns := m.XMLNamespace
	if ns == nil {
		ns = target.XMLNamespace
	}
	if ns != nil {
		fmt.Fprintf(b, ", XMLNamespace: %q", ns.URI)
		if ns.Prefix != "" {
			fmt.Fprintf(b, ", XMLPrefix: %q", ns.Prefix)
		}
	}
	b.WriteString("},\n")
	return nil
}

func setFlag(b *strings.Builder, name string, set bool) {
	if set {
		fmt.Fprintf(b, ", %s: true", name)
	}
}
