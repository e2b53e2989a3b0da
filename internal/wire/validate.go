package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
)

// Validate checks an input of op against the constraints of the model:
// required members, lengths, ranges, enums and patterns. The error, nil when
// all hold, has the code and the text that the service gives.
func (c *Codec) Validate(op *awsapi.Operation, in any) *awserr.Error {
	if c.Model.Validation == awsapi.Unvalidated {
		return nil
	}
	v := validator{c: c}
	v.structure(&c.Model.Shapes[op.Input], "", reflect.ValueOf(in).Elem())
	if v.missing != nil {
		return v.missing
	}
	if len(v.faults) == 0 {
		return nil
	}
	noun := "error"
	if len(v.faults) > 1 {
		noun = "errors"
	}
	return awserr.New(400, c.Model.ValidationCode, "%d validation %s detected: %s", len(v.faults), noun, strings.Join(v.faults, "; "))
}

type validator struct {
	c       *Codec
	faults  []string
	missing *awserr.Error // of services that name one missing parameter
}

// fault notes a violated constraint. shown is the value as AWS prints it.
func (v *validator) fault(path, shown, constraint string) {
	v.faults = append(v.faults, "Value"+shown+" at '"+path+"' failed to satisfy constraint: "+constraint)
}

func (v *validator) structure(s *awsapi.Shape, path string, x reflect.Value) {
	for i := range s.Members {
		m := &s.Members[i]
		f := x.Field(i)
		if !absent(f) {
			t := &v.c.Model.Shapes[m.Shape]
			if !m.Streaming && (limited(t) || t.Kind <= awsapi.Map) {
				v.value(t, join(path, m.Name), f)
			}
		} else if m.Required {
			v.require(join(path, m.Name), m)
		}
	}
}

// limited says that a shape constrains its values.
func limited(s *awsapi.Shape) bool {
	return s.HasMin || s.HasMax || s.Pattern != "" || len(s.Enum) > 0
}

// join extends the path of a value; names start lower, as in the services' own
// types.
func join(path, name string) string {
	name = strings.ToLower(name[:1]) + name[1:]
	if path == "" {
		return name
	}
	return path + "." + name
}

func (v *validator) require(path string, m *awsapi.Member) {
	switch {
	case v.c.Model.Validation == awsapi.Coral:
		v.fault(path, " null", "Member must not be null")
	case v.missing != nil:
	case v.c.Model.Validation == awsapi.MissingParameter:
		v.missing = awserr.New(400, "MissingParameter", "The request must contain the parameter %s", m.Name)
		if v.c.Model.QueryCompatible { // SQS ends the sentence
			v.missing.Message += "."
		}
	case v.c.Model.Validation == awsapi.NoValue:
		v.missing = awserr.New(400, "InvalidParameter", "Invalid parameter: %s Reason: no value for required parameter", m.Name)
	}
}

func (v *validator) value(s *awsapi.Shape, path string, x reflect.Value) {
	x = direct(x)
	for _, text := range v.violations(s, x) {
		v.fault(path, v.shown(s, x), text)
	}
	switch s.Kind {
	case awsapi.Structure:
		v.structure(s, path, x)
	case awsapi.List:
		v.list(s, path, x)
	case awsapi.Map:
		v.mapping(s, path, x)
	}
}

// list checks the elements: those of nested types one by one with their number,
// scalars together.
func (v *validator) list(s *awsapi.Shape, path string, x reflect.Value) {
	e := &v.c.Model.Shapes[s.Elem]
	if e.Kind <= awsapi.Map {
		for i := range x.Len() {
			v.value(e, path+"."+strconv.Itoa(i+1)+".member", x.Index(i))
		}
		return
	}
	if !limited(e) {
		return
	}
	for i := range x.Len() {
		if len(v.violations(e, x.Index(i))) > 0 {
			v.fault(path, v.shown(s, x), "Member must satisfy constraint: ["+strings.Join(v.constraints(e), ", ")+"]")
			return
		}
	}
}

func (v *validator) mapping(s *awsapi.Shape, path string, x reflect.Value) {
	k, e := &v.c.Model.Shapes[s.Key], &v.c.Model.Shapes[s.Elem]
	badKey, badValue := false, false
	for _, key := range sortedKeys(x) {
		if limited(k) && len(v.violations(k, key)) > 0 {
			badKey = true
		}
		elem := x.MapIndex(key)
		if e.Kind <= awsapi.Map {
			v.value(e, path+"."+key.String()+".member", elem)
		} else if limited(e) && len(v.violations(e, elem)) > 0 {
			badValue = true
		}
	}
	if badKey {
		v.fault(path, v.shown(s, x), "Map keys must satisfy constraint: ["+strings.Join(v.constraints(k), ", ")+"]")
	}
	if badValue {
		v.fault(path, v.shown(s, x), "Map value must satisfy constraint: ["+strings.Join(v.constraints(e), ", ")+"]")
	}
}

// violations are the texts of the constraints of a shape that a value breaks.
func (v *validator) violations(s *awsapi.Shape, x reflect.Value) []string {
	if !limited(s) {
		return nil
	}
	var out []string
	size, unit := int64(0), "length"
	switch s.Kind {
	case awsapi.String:
		text := x.String()
		if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
			return []string{enumText(s)}
		}
		size = int64(utf8.RuneCountInString(text))
	case awsapi.Integer, awsapi.Long:
		size, unit = x.Int(), "value"
	case awsapi.Float, awsapi.Double:
		return v.floatViolations(s, x.Float())
	case awsapi.Blob, awsapi.List, awsapi.Map:
		size = int64(x.Len())
	default:
		return nil
	}
	if s.HasMax && size > s.Max {
		out = append(out, maxText(s, unit))
	}
	if s.HasMin && size < s.Min {
		out = append(out, minText(s, unit))
	}
	if s.Pattern != "" && s.Kind == awsapi.String && !v.c.pattern(s.Pattern).matches(x.String()) {
		return append(out, patternText(s))
	}
	return out
}

func (v *validator) floatViolations(s *awsapi.Shape, f float64) []string {
	switch {
	case s.HasMax && f > float64(s.Max):
		return []string{maxText(s, "value")}
	case s.HasMin && f < float64(s.Min):
		return []string{minText(s, "value")}
	}
	return nil
}

func maxText(s *awsapi.Shape, unit string) string {
	return fmt.Sprintf("Member must have %s less than or equal to %d", unit, s.Max)
}

func minText(s *awsapi.Shape, unit string) string {
	return fmt.Sprintf("Member must have %s greater than or equal to %d", unit, s.Min)
}

func enumText(s *awsapi.Shape) string {
	return "Member must satisfy enum value set: [" + strings.Join(s.Enum, ", ") + "]"
}

func patternText(s *awsapi.Shape) string {
	return "Member must satisfy regular expression pattern: " + s.Pattern
}

// constraints are the texts of all constraints of a scalar.
func (v *validator) constraints(s *awsapi.Shape) []string {
	var out []string
	unit := "length"
	if s.Kind != awsapi.String && s.Kind != awsapi.Blob {
		unit = "value"
	}
	if s.HasMax {
		out = append(out, maxText(s, unit))
	}
	if s.HasMin {
		out = append(out, minText(s, unit))
	}
	if s.Pattern != "" {
		out = append(out, patternText(s))
	}
	if len(s.Enum) > 0 {
		out = append(out, enumText(s))
	}
	return out
}

// shown prints a value as AWS's messages do, with a blank in front: quoted, in
// the manner of Java's toString; nothing for secrets.
func (v *validator) shown(s *awsapi.Shape, x reflect.Value) string {
	if s.Sensitive {
		return ""
	}
	var b strings.Builder
	b.WriteString(" '")
	v.print(&b, s, x)
	b.WriteString("'")
	return b.String()
}

func (v *validator) print(b *strings.Builder, s *awsapi.Shape, x reflect.Value) {
	if absent(x) {
		b.WriteString("null")
		return
	}
	x = direct(x)
	switch s.Kind {
	case awsapi.Structure:
		b.WriteString(s.Name + "(")
		for i := range s.Members {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(s.Members[i].Name + "=")
			v.print(b, &v.c.Model.Shapes[s.Members[i].Shape], x.Field(i))
		}
		b.WriteString(")")
	case awsapi.List:
		b.WriteString("[")
		for i := range x.Len() {
			if i > 0 {
				b.WriteString(", ")
			}
			v.print(b, &v.c.Model.Shapes[s.Elem], x.Index(i))
		}
		b.WriteString("]")
	case awsapi.Map:
		v.printMap(b, s, x)
	case awsapi.Blob:
		fmt.Fprintf(b, "java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]", x.Len(), x.Len())
	case awsapi.Timestamp:
		b.WriteString(x.Interface().(time.Time).UTC().Format(time.RFC3339))
	default:
		if s.Sensitive {
			b.WriteString("*** Sensitive Data Redacted ***")
			return
		}
		b.WriteString(text(x, s, 0))
	}
}

func (v *validator) printMap(b *strings.Builder, s *awsapi.Shape, x reflect.Value) {
	b.WriteString("{")
	for i, k := range sortedKeys(x) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(k.String() + "=")
		v.print(b, &v.c.Model.Shapes[s.Elem], x.MapIndex(k))
	}
	b.WriteString("}")
}
