package states

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"stepwell/internal/awsapi"
	"stepwell/internal/awsapi/dynamodb"
	"stepwell/internal/awsapi/events"
	"stepwell/internal/awsapi/kms"
	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
	"stepwell/internal/wire/sdkjson"
)

// Modes of checking a mocked result against the shape of what the called
// operation answers (TestState: mock.fieldValidationMode).
const (
	fieldsStrict  = "STRICT"  // types, ranges, enums, and required fields are there
	fieldsPresent = "PRESENT" // the same of the fields that are there
	fieldsNone    = "NONE"
)

// shapesElsewhere are models of services whose operations have shapes but
// are not on the bus.
var shapesElsewhere = map[string]*awsapi.Model{
	"dynamodb": dynamodb.Model, "events": events.Model, "kms": kms.Model, "lambda": lambda.Model, "sqs": sqs.Model,
}

// answerShape finds the shape of the answer that a task's resource stands for;
// nil where it is not known, or is not that of one operation: a task that
// waits for a job or a token ends with something else.
func (s *Service) answerShape(resourceType, action string) (*awsapi.Model, *awsapi.Shape) {
	operation, pattern, _ := strings.Cut(action, ".")
	if pattern != "" || operation == "" {
		return nil, nil
	}
	sdk, isSDK := strings.CutPrefix(resourceType, "aws-sdk:")
	m := shapesElsewhere[sdk]
	if name := s.sdkService(sdk); isSDK && name != "" {
		sv, _ := s.Catalog.Lookup(name, "")
		m = sv.Model
	} else if o := integrations[resourceType+":"+operation]; o != nil {
		if sv, _ := s.Catalog.Lookup(o.service, ""); sv != nil {
			m = sv.Model
		}
	}
	if m == nil {
		return nil, nil
	}
	op := m.Operation(strings.ToUpper(operation[:1]) + operation[1:])
	if op == nil || !op.Modelled || op.Output == 0 {
		return nil, nil
	}
	return m, m.Shape(op.Output)
}

// checkMockFields checks a mocked result of a Task state.
func (s *Service) checkMockFields(resourceType, action, mode string, result any) *awserr.Error {
	m, shape := s.answerShape(resourceType, action)
	if mode == fieldsNone || shape == nil {
		return nil
	}
	c := fieldChecker{model: m, strict: mode != fieldsPresent, sdk: strings.HasPrefix(resourceType, "aws-sdk:")}
	if resourceType == "lambda" {
		c.free = "Payload" // the function's answer, read as JSON
	}
	if fault := c.structure(shape, "", result); fault != "" {
		return validation("Mock result schema validation error: %s", fault)
	}
	return nil
}

// fieldChecker finds the first fault of a mocked result.
type fieldChecker struct {
	model  *awsapi.Model
	strict bool   // required fields must be there
	sdk    bool   // names are those of an AWS SDK integration
	free   string // the field that may hold anything
}

// memberName is how a result names a member.
func (c *fieldChecker) memberName(name string) string {
	if c.sdk {
		return sdkjson.Name(name)
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func (c *fieldChecker) structure(s *awsapi.Shape, name string, v any) string {
	o, ok := v.(map[string]any)
	if !ok {
		return fieldFault(name, "must be an object")
	}
	for i := range s.Members {
		field := c.memberName(s.Members[i].Name)
		x, there := o[field]
		if !there || x == nil {
			if c.strict && s.Members[i].Required {
				return "Required field '" + field + "' is missing"
			}
			continue
		}
		if field == c.free {
			continue
		}
		if fault := c.value(c.model.Shape(s.Members[i].Shape), field, x); fault != "" {
			return fault
		}
	}
	return ""
}

func fieldFault(name, what string) string {
	if name == "" {
		return "Mock result " + what
	}
	return "Field '" + name + "' " + what
}

// value checks one value; elements of lists and maps go by the field's name.
func (c *fieldChecker) value(s *awsapi.Shape, name string, v any) string {
	switch s.Kind {
	case awsapi.Structure:
		return c.structure(s, name, v)
	case awsapi.List:
		list, ok := v.([]any)
		if !ok {
			return fieldFault(name, "must be an array")
		}
		for _, x := range list {
			if fault := c.value(c.model.Shape(s.Elem), name, x); fault != "" {
				return fault
			}
		}
		return c.length(s, name, len(list))
	case awsapi.Map:
		o, ok := v.(map[string]any)
		if !ok {
			return fieldFault(name, "must be an object")
		}
		for _, x := range o {
			if fault := c.value(c.model.Shape(s.Elem), name, x); fault != "" {
				return fault
			}
		}
		return c.length(s, name, len(o))
	case awsapi.Boolean:
		if _, ok := v.(bool); !ok {
			return fieldFault(name, "must be a boolean")
		}
	case awsapi.Integer, awsapi.Long, awsapi.Float, awsapi.Double:
		return c.number(s, name, v)
	case awsapi.String, awsapi.Blob, awsapi.Timestamp:
		return c.text(s, name, v)
	}
	return ""
}

func (c *fieldChecker) number(s *awsapi.Shape, name string, v any) string {
	n, ok := v.(json.Number)
	if !ok {
		return fieldFault(name, "must be a number")
	}
	x, err := n.Float64()
	switch {
	case err != nil:
		return fieldFault(name, "must be a number")
	case s.HasMin && x < float64(s.Min):
		return fieldFault(name, "is less than the minimum value")
	case s.HasMax && x > float64(s.Max):
		return fieldFault(name, "exceeds the maximum value")
	}
	return ""
}

func (c *fieldChecker) text(s *awsapi.Shape, name string, v any) string {
	if _, number := v.(json.Number); number && s.Kind == awsapi.Timestamp {
		return "" // optimized integrations show times as numbers
	}
	text, ok := v.(string)
	switch {
	case !ok:
		return fieldFault(name, "must be a string")
	case s.Kind == awsapi.Timestamp:
		return ""
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, text):
		return fieldFault(name, "is not an expected value")
	}
	return c.length(s, name, utf8.RuneCountInString(text))
}

func (c *fieldChecker) length(s *awsapi.Shape, name string, n int) string {
	switch {
	case s.HasMin && int64(n) < s.Min:
		return fieldFault(name, "is smaller than the minimum length")
	case s.HasMax && int64(n) > s.Max:
		return fieldFault(name, "exceeds the maximum length")
	}
	return ""
}

// decode reads JSON with its numbers as written.
func decode(text string) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}
