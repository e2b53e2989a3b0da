package sns

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/sns"
)

// Attribute is a message attribute. Value is text, base64 for binary types.
type Attribute struct{ Type, Value string }

// readAttributes checks the attributes of a message.
func readAttributes(in map[string]api.MessageAttributeValue) (map[string]Attribute, error) {
	out := make(map[string]Attribute, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		a := in[name]
		kind := text(a.DataType)
		base, _, _ := strings.Cut(kind, ".")
		value := text(a.StringValue)
		if base == "Binary" {
			value = base64.StdEncoding.EncodeToString(a.BinaryValue)
		}
		switch {
		case kind == "":
			return nil, api.InvalidParameterValueException("The message attribute '%s' must contain non-empty message attribute type.", name)
		case base != "String" && base != "Number" && base != "Binary":
			return nil, api.InvalidParameterValueException("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		case value == "":
			return nil, api.InvalidParameterValueException("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, kind)
		}
		if base == "Number" {
			if _, err := strconv.ParseFloat(value, 64); err != nil {
				return nil, api.InvalidParameterValueException("Could not cast message attribute '%s' value to number.", name)
			}
		}
		if kind == "String.Array" {
			var list []any
			if json.Unmarshal([]byte(value), &list) != nil {
				return nil, api.InvalidParameterValueException("The message attribute '%s' must contain a JSON array for message attribute type 'String.Array'.", name)
			}
		}
		out[name] = Attribute{Type: kind, Value: value}
	}
	return out, nil
}

// filterable returns the attributes as a filter policy sees them: strings,
// numbers and arrays. Binary attributes are not seen.
func filterable(attributes map[string]Attribute) map[string]any {
	m := map[string]any{}
	for name, a := range attributes {
		base, _, _ := strings.Cut(a.Type, ".")
		switch {
		case a.Type == "String.Array":
			var list []any
			if json.Unmarshal([]byte(a.Value), &list) == nil {
				m[name] = list
			}
		case base == "Number":
			if v, err := strconv.ParseFloat(a.Value, 64); err == nil {
				m[name] = v
			}
		case base == "String":
			m[name] = a.Value
		}
	}
	return m
}

// passes applies a subscription's filter policy to a message.
func (x *subscription) passes(message string, attributes map[string]Attribute) bool {
	policy := x.Attributes["FilterPolicy"]
	if policy == "" {
		return true
	}
	body := x.Attributes["FilterPolicyScope"] == "MessageBody"
	f, err := parseFilter(policy, body)
	if err != nil {
		return false // it was checked when it was set
	}
	if !body {
		return f.matches(filterable(attributes))
	}
	var object map[string]any
	return json.Unmarshal([]byte(message), &object) == nil && f.matches(object)
}
