package exec

import (
	"fmt"
	"regexp"
	"time"

	"stepwell/internal/asl/jsonata"
	"stepwell/internal/asl/syntax"
	"stepwell/internal/asl/value"
)

// query is a compiled JSONata expression and the member it stands in, as the
// service names it: "Output/total".
type query struct {
	code    *jsonata.Expr
	at      string
	context bool // it may read $states.context
}

// The limits of one evaluation; the service does not document its own.
const (
	querySteps = 20_000_000
	queryBytes = 128 << 20
)

// bounded matches the uses of $states that do not reach the context object.
var bounded = regexp.MustCompile(`\$states\.(input|result|errorOutput)\b`)
var anyStates = regexp.MustCompile(`\$states\b`)

// queryExpr compiles text where it is a JSONata expression; nil: it is none.
func (c *compiler) queryExpr(text, at string) *expr {
	src, ok := syntax.Query(text)
	if !ok {
		return nil
	}
	code, err := jsonata.Compile(src)
	if err != nil {
		c.fault("cannot compile the JSONata expression '%s' of %s: %w", src, at, err)
		return nil
	}
	q := &query{code: code, at: at}
	q.context = len(anyStates.FindAllStringIndex(src, -1)) > len(bounded.FindAllStringIndex(src, -1))
	return &expr{text: src, query: q}
}

func queryFault(at, format string, args ...any) *stateFault {
	return &stateFault{name: errQuery, cause: fmt.Sprintf(format, args...), location: at}
}

func (q *query) fault(format string, args ...any) *stateFault {
	return queryFault(q.at, "The JSONata expression '%s' specified for the field '%s' "+format, append([]any{q.code.String(), q.at}, args...)...)
}

// query evaluates a JSONata expression.
func (s *scope) query(q *query) (value.Value, error) {
	x := s.x
	r, err := q.code.Eval(&jsonata.Options{Vars: variables{s, q.context}, Now: func() time.Time { return time.UnixMilli(x.now).UTC() },
		Random: x.env.Random, UUID: x.env.UUID, MaxSteps: querySteps, MaxBytes: queryBytes})
	switch {
	case err != nil:
		return nil, q.fault("threw an error during evaluation. %v", err)
	case r.Kind == jsonata.Undefined:
		return nil, q.fault("returned nothing (undefined).")
	case r.Kind == jsonata.Function:
		return nil, q.fault("returned an unsupported result type.")
	}
	return r.Value, nil
}

// variables are what an expression sees: $states and the variables in scope.
type variables struct {
	s       *scope
	context bool
}

func (v variables) Lookup(name string) (value.Value, bool) {
	if name == "states" {
		o, err := v.s.statesObject(v.context)
		return o, err == nil
	}
	text, ok := v.s.f.lookup(name)
	if !ok {
		return nil, false
	}
	parsed, err := value.Parse(text)
	return parsed, err == nil
}

// statesObject is $states.
func (s *scope) statesObject(context bool) (*value.Object, error) {
	if s.states == nil {
		input, err := s.input()
		if err != nil {
			return nil, err
		}
		s.states = value.NewObject(value.Member{Name: "input", Value: input})
		for _, m := range []struct {
			name string
			text []byte
		}{{"result", s.result}, {"errorOutput", s.failed}} {
			if m.text == nil {
				continue
			}
			v, err := value.Parse(m.text)
			if err != nil {
				return nil, err
			}
			s.states.Set(m.name, v)
		}
	}
	if !context {
		return s.states, nil
	}
	if _, ok := s.states.Get("context"); !ok {
		c, err := s.contextObject()
		if err != nil {
			return nil, err
		}
		o := value.NewObject()
		for i, m := range s.states.Members() {
			o.Set(m.Name, m.Value)
			if i == 0 { // the service's order: input, context, result, errorOutput
				o.Set("context", c)
			}
		}
		s.states = o
	}
	return s.states, nil
}

// typed evaluates an expression that must come to one type.
func (s *scope) typed(e *expr, want string) (value.Value, error) {
	v, err := s.query(e.query)
	if err == nil && typeOf(v) != want {
		err = e.query.typeFault(want, v)
	}
	return v, err
}

func (q *query) typeFault(want string, v value.Value) error {
	return q.fault("returned an unexpected result type. Expected '%s', but was '%s' for value: %s", want, typeOf(v), value.Text(v))
}

func typeOf(v value.Value) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case value.Number:
		return "number"
	case string:
		return "string"
	case []value.Value:
		return "array"
	}
	return "object"
}

// integer evaluates an expression that must come to a whole number in a range.
func (s *scope) integer(e *expr, least, most int64) (int64, error) {
	v, err := s.typed(e, "number")
	if err != nil {
		return 0, err
	}
	n := v.(value.Number)
	i := int64(n.Float())
	if float64(i) != n.Float() {
		return 0, queryFault(e.query.at, "The %s field must be an integer, but was: %s", e.query.at, n)
	}
	if i < least || i > most {
		return 0, queryFault(e.query.at, "The %s field must be between %d and %d, but was: %s", e.query.at, least, most, n)
	}
	return i, nil
}

// exit is the output and the assigned variables of a state that is left with data.
func (s *scope) exit(output, assign *template, data []byte) ([]byte, map[string]string, error) {
	assigned, err := s.assigned(assign)
	if err != nil {
		return nil, nil, err
	}
	if output == nil {
		return data, assigned, nil
	}
	v, err := s.template(output)
	if err != nil {
		return nil, nil, err
	}
	return value.Text(v), assigned, nil
}

// queryFinished is finished for states over JSONata.
func (x *Execution) queryFinished(f *frame, o output) (*record, error) {
	s := f.state
	sc := x.scope(f, f.input)
	if o.selector {
		sc.result = o.result
	}
	output, assign := s.output, s.assign
	if o.ruled {
		assign = o.assign
		if o.output != nil {
			output = o.output
		}
	}
	out, assigned, err := sc.exit(output, assign, o.result)
	if err != nil {
		return nil, err
	}
	if len(out) > x.limits.data {
		return nil, tooLarge(s.Name)
	}
	next := o.next
	if next == "" && !s.End {
		next = s.Next
	}
	return &record{op: opExit, next: next, event: &Event{Type: EventType(s.Type + "StateExited"), Name: s.Name, Output: out, Assigned: assigned}}, nil
}

// queryWait is waitUntil for states over JSONata.
func (x *Execution) queryWait(f *frame, w *waitCode) (int64, error) {
	sc := x.scope(f, f.input)
	if w.secondsPath != nil {
		n, err := sc.integer(w.secondsPath, 0, 99999999)
		return x.now + n*1000, err
	}
	v, err := sc.typed(w.timestampPath, "string")
	if err != nil {
		return 0, err
	}
	t, ok := parseTimestamp(v.(string))
	if !ok {
		return 0, queryFault("Timestamp", "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: %s", v)
	}
	return t.UnixMilli(), nil
}

// queryItems is dataset for states over JSONata.
func (s *scope) queryItems(code *mapCode, spread bool) (value.Value, error) {
	switch {
	case code.items == nil:
		v, err := s.input()
		if err != nil {
			return nil, err
		}
		if !iterable(v, spread) {
			return nil, queryFault("", "Map state input must be an array but was: %s", value.Text(v))
		}
		return v, nil
	case code.items.kind == exprTemplate:
		v, err := s.query(code.items.expr.query)
		if err == nil && !iterable(v, spread) {
			err = code.items.expr.query.typeFault("array", v)
		}
		return v, err
	}
	v, err := s.template(code.items)
	if err != nil {
		return nil, err
	}
	if !iterable(v, spread) {
		return nil, queryFault("Items", "The Items field must be an array but was: %s", value.Text(v))
	}
	return v, nil
}
