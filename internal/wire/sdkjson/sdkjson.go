// Package sdkjson is the JSON of Step Functions' AWS SDK integrations
// (arn:aws:states:::aws-sdk:service:operation): parameters and results carry
// the member names of the AWS SDK for Java 2.x in PascalCase, timestamps are
// ISO 8601 text, blobs are text, and errors are named
// Service.SomethingException. See "Learning to use AWS service SDK integrations
// in Step Functions" in its developer guide.
//
// It turns such JSON into the generated input structs of a service and outputs
// back into JSON. It knows no service and runs nothing.
package sdkjson

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"stepwell/internal/awsapi"
)

// Problems are the faults of a task's parameters, in AWS's words; the engine
// puts them between brackets into the cause of a States.Runtime error.
type Problems []string

func (p Problems) Error() string { return strings.Join(p, ", ") }

// Decode reads parameters into a new input of an operation. The error is
// Problems when names or types are wrong.
func Decode(m *awsapi.Model, op *awsapi.Operation, data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("cannot parse the parameters: %w", err)
	}
	in := op.NewInput()
	r := reader{m: m}
	if tree == nil {
		tree = map[string]any{}
	}
	r.structure("", tree, &m.Shapes[op.Input], reflect.ValueOf(in).Elem())
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return in, nil
}

// Check lists the names of a parameters template that the operation does not
// have, as CreateStateMachine does, and, when required is set (the optimized
// integrations), the required ones it lacks; for aws-sdk integrations that is
// left to the service called. Keys that end with ".$" are taken without it and
// their values are not looked at.
func Check(m *awsapi.Model, op *awsapi.Operation, template any, required bool) Problems {
	r := reader{m: m, template: true, required: required}
	r.structure("", template, &m.Shapes[op.Input], reflect.Value{})
	return r.problems
}

type reader struct {
	m        *awsapi.Model
	problems Problems
	template bool // only names are checked, values may come later
	required bool
}

func (r *reader) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r *reader) structure(name string, x any, s *awsapi.Shape, v reflect.Value) {
	obj, ok := x.(map[string]any)
	if !ok {
		if !r.template {
			r.problem("The value for the field '%s' must be a STRUCTURE", name)
		}
		return
	}
	for _, key := range slices.Sorted(maps.Keys(obj)) {
		plain, dynamic := key, false
		if r.template {
			plain, dynamic = strings.CutSuffix(key, ".$")
		}
		i := member(s, plain)
		if i < 0 {
			r.problem(`The field "%s" is not supported by Step Functions`, plain)
			continue
		}
		if dynamic || obj[key] == nil {
			continue
		}
		mb := &s.Members[i]
		if r.template {
			r.names(plain, obj[key], &r.m.Shapes[mb.Shape])
			continue
		}
		r.value(plain, obj[key], mb, &r.m.Shapes[mb.Shape], v.Field(i))
	}
	for i := range s.Members {
		name := Name(s.Members[i].Name)
		_, have := obj[name]
		_, later := obj[name+".$"]
		if r.required && s.Members[i].Required && !have && !later && !s.Members[i].IdempotencyToken {
			r.problem(`The field "%s" is required but was missing`, name)
		}
	}
}

// names descends a template without reading values.
func (r *reader) names(name string, x any, s *awsapi.Shape) {
	switch s.Kind {
	case awsapi.Structure:
		r.structure(name, x, s, reflect.Value{})
	case awsapi.List:
		if l, ok := x.([]any); ok {
			for _, e := range l {
				r.names(name, e, &r.m.Shapes[s.Elem])
			}
		}
	case awsapi.Map:
		if m, ok := x.(map[string]any); ok {
			for _, k := range slices.Sorted(maps.Keys(m)) {
				if !strings.HasSuffix(k, ".$") {
					r.names(k, m[k], &r.m.Shapes[s.Elem])
				}
			}
		}
	}
}

func member(s *awsapi.Shape, name string) int {
	return slices.IndexFunc(s.Members, func(m awsapi.Member) bool { return Name(m.Name) == name })
}

func (r *reader) value(name string, x any, mb *awsapi.Member, s *awsapi.Shape, v reflect.Value) {
	switch s.Kind {
	case awsapi.Structure:
		r.structure(name, x, s, settle(v))
	case awsapi.List:
		l, ok := x.([]any)
		if !ok {
			r.problem("The value for the field '%s' must be an ARRAY", name)
			return
		}
		out := reflect.MakeSlice(v.Type(), len(l), len(l))
		for i, e := range l {
			if e != nil {
				r.value(name, e, nil, &r.m.Shapes[s.Elem], out.Index(i))
			}
		}
		v.Set(out)
	case awsapi.Map:
		m, ok := x.(map[string]any)
		if !ok {
			r.problem("The value for the field '%s' must be a MAP", name)
			return
		}
		out := reflect.MakeMap(v.Type())
		for k, e := range m {
			elem := reflect.New(v.Type().Elem()).Elem()
			if e != nil {
				r.value(k, e, nil, &r.m.Shapes[s.Elem], elem)
			}
			out.SetMapIndex(reflect.ValueOf(k), elem)
		}
		v.Set(out)
	case awsapi.Document:
		v.Set(reflect.ValueOf(x))
	case awsapi.Blob:
		r.blob(x, mb, v)
	default:
		r.scalar(name, x, s, v)
	}
}

// blob takes text as it is and other values as their JSON. A streamed body (of
// s3:putObject) is the JSON of the value, text included.
func (r *reader) blob(x any, mb *awsapi.Member, v reflect.Value) {
	text, isText := x.(string)
	if mb != nil && mb.Streaming {
		v.Set(reflect.ValueOf(io.NopCloser(bytes.NewReader(marshal(x)))))
		return
	}
	if isText {
		v.SetBytes([]byte(text))
		return
	}
	v.SetBytes(marshal(x))
}

// marshal is compact JSON without escapes for HTML.
func marshal(x any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(x); err != nil {
		return []byte("null") // x was decoded from JSON
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (r *reader) scalar(name string, x any, s *awsapi.Shape, v reflect.Value) {
	num, isNum := x.(json.Number)
	text, isText := x.(string)
	switch s.Kind {
	case awsapi.String:
		if isText {
			settle(v).SetString(text)
			return
		}
		r.problem("The value for the field '%s' must be a STRING", name)
	case awsapi.Boolean:
		if b, ok := x.(bool); ok {
			settle(v).SetBool(b)
			return
		}
		if x == "true" || x == "false" { // definitions in use write them so
			settle(v).SetBool(x == "true")
			return
		}
		r.problem("The value for the field '%s' must be a BOOLEAN", name)
	case awsapi.Integer, awsapi.Long:
		if n, ok := whole(num); ok && isNum && (s.Kind == awsapi.Long || n == int64(int32(n))) {
			settle(v).SetInt(n)
			return
		}
		kind := map[bool]string{true: "an INTEGER", false: "a LONG"}[s.Kind == awsapi.Integer]
		r.problem("The value for the field '%s' must be %s", name, kind)
	case awsapi.Float, awsapi.Double:
		if isNum {
			if f, err := num.Float64(); err == nil {
				settle(v).SetFloat(f)
				return
			}
		}
		r.problem("The value for the field '%s' must be a %s", name, map[bool]string{true: "FLOAT", false: "DOUBLE"}[s.Kind == awsapi.Float])
	case awsapi.Timestamp:
		if isText {
			if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
				settle(v).Set(reflect.ValueOf(t.UTC()))
				return
			}
		}
		r.problem("The value for the field '%s' must be a valid ISO-8601 TIMESTAMP", name)
	}
}

// whole reads a number that is an integer, also when it is written as 1.0.
func whole(num json.Number) (int64, bool) {
	if n, err := num.Int64(); err == nil {
		return n, true
	}
	f, err := num.Float64()
	return int64(f), err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53
}

func settle(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Pointer {
		return v
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Elem()
}

// Encode writes the output of an operation as a task's result. Absent members
// are left out. It reads and closes a streamed body, which becomes text.
func Encode(m *awsapi.Model, op *awsapi.Operation, out any) ([]byte, error) {
	w := writer{m: m}
	tree := w.structure(&m.Shapes[op.Output], reflect.ValueOf(out).Elem())
	if w.err != nil {
		return nil, fmt.Errorf("cannot read the result of %s: %w", op.Name, w.err)
	}
	return marshal(tree), nil
}

type writer struct {
	m   *awsapi.Model
	err error
}

func (w *writer) structure(s *awsapi.Shape, v reflect.Value) map[string]any {
	obj := map[string]any{}
	for i := range s.Members {
		f := v.Field(i)
		switch f.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
			if f.IsNil() {
				continue
			}
		}
		mb := &s.Members[i]
		if mb.Streaming {
			obj[Name(mb.Name)] = w.stream(f)
			continue
		}
		obj[Name(mb.Name)] = w.value(&w.m.Shapes[mb.Shape], f)
	}
	return obj
}

func (w *writer) stream(v reflect.Value) string {
	body := v.Interface().(io.ReadCloser)
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		w.err = err
	}
	return blobText(b)
}

// blobText is a blob as text; bytes that are none are base64.
func blobText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func (w *writer) value(s *awsapi.Shape, v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch s.Kind {
	case awsapi.Structure:
		return w.structure(s, v)
	case awsapi.List:
		l := make([]any, v.Len())
		for i := range l {
			l[i] = w.value(&w.m.Shapes[s.Elem], v.Index(i))
		}
		return l
	case awsapi.Map:
		m := map[string]any{}
		for _, k := range v.MapKeys() {
			m[k.String()] = w.value(&w.m.Shapes[s.Elem], v.MapIndex(k))
		}
		return m
	case awsapi.Blob:
		return blobText(v.Bytes())
	case awsapi.Timestamp:
		return Instant(v.Interface().(time.Time))
	}
	return v.Interface()
}

// Instant prints a time as Java's Instant does: without a fraction, or with
// three, six or nine digits of it.
func Instant(t time.Time) string {
	t = t.UTC()
	switch ns := t.Nanosecond(); {
	case ns == 0:
		return t.Format("2006-01-02T15:04:05Z")
	case ns%1e6 == 0:
		return t.Format("2006-01-02T15:04:05.000Z")
	case ns%1e3 == 0:
		return t.Format("2006-01-02T15:04:05.000000Z")
	}
	return t.Format("2006-01-02T15:04:05.000000000Z")
}
