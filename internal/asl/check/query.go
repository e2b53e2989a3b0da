package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/asl/jsonata"
	"stepwell/internal/asl/syntax"
)

// Codes of faults in JSONata expressions.
const (
	InvalidQuery     = "INVALID_JSONATA_EXPRESSION"
	UnsupportedQuery = "UNSUPPORTED_JSONATA_EXPRESSION"
)

var (
	// queryOnly are the members that only states over JSONata have.
	queryOnly = []string{"Arguments", "Output", "Items"}
	// pathOnly are the members that only states over JSONPath have.
	pathOnly = []string{"InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "ItemsPath", "MaxConcurrencyPath",
		"ToleratedFailureCountPath", "ToleratedFailurePercentagePath", "TimeoutSecondsPath", "HeartbeatSecondsPath", "SecondsPath",
		"TimestampPath", "ErrorPath", "CausePath", "Result"}
	// querySettings are further members of each type's states over JSONata.
	querySettings = map[string][]string{
		"Pass": {"Output"}, "Succeed": {"Output"}, "Choice": {"Output"}, "Wait": {"Output"}, "Fail": {},
		"Task": {"Arguments", "Output"}, "Parallel": {"Arguments", "Output"}, "Map": {"Items", "Output"},
	}
)

// otherLanguage reports members that belong to the other query language.
func (c *checker) otherLanguage(n *syntax.Node, at, language, other string, names []string) {
	for _, m := range n.Members {
		if slices.Contains(names, m.Name) {
			c.add(syntax.SchemaFailed, at, m.NameSpan, "",
				"The QueryLanguage is set to '%s', but field '%s' is only supported for the '%s' QueryLanguage", language, m.Name, other)
		}
	}
}

// queryState checks a state over JSONata.
func (c *checker) queryState(s *syntax.State, at string) {
	c.otherLanguage(s.Node, at, "JSONata", "JSONPath", pathOnly)
	c.fields(s.Node, at, slices.Concat(fieldsOf[s.Type], querySettings[s.Type], pathOnly))
	c.ending(s, at)
	for _, name := range []string{"Arguments", "Output", "Assign", "Items", "ItemSelector", "Credentials", "Seconds", "Timestamp", "Error", "Cause",
		"TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage"} {
		c.reads = nil
		if slices.Contains([]string{"Task", "Parallel", "Map"}, s.Type) && (name == "Output" || name == "Assign") {
			c.reads = []string{"result"}
		}
		c.expressions(s.Node.Get(name), at+"/"+name)
	}
	c.reads = nil
	c.variables(s.Node.Get("Assign"), at+"/Assign", true)
	for i, r := range s.Retry {
		c.retrier(r, indexed(at+"/Retry", i), i == len(s.Retry)-1)
	}
	for i, k := range s.Catch {
		place := indexed(at+"/Catch", i)
		if c.required(place, k.Node, "ErrorEquals", "Next") {
			c.errorNames(k.ErrorEquals, k.Node, place, i == len(s.Catch)-1)
		}
		c.otherLanguage(k.Node, place, "JSONata", "JSONPath", []string{"ResultPath"})
		c.fields(k.Node, place, []string{"ErrorEquals", "Next", "Assign", "Comment", "Output", "ResultPath"})
		c.reads = []string{"errorOutput"}
		c.expressions(k.Node.Get("Assign"), place+"/Assign")
		c.variables(k.Node.Get("Assign"), place+"/Assign", true)
		c.expressions(k.Node.Get("Output"), place+"/Output")
		c.reads = nil
	}
	c.queryBody(s, at)
}

func (c *checker) queryBody(s *syntax.State, at string) {
	switch b := s.Body.(type) {
	case *syntax.Task:
		if c.required(at, s.Node, "Resource") {
			c.resource(s, b, at)
			c.times(s, b, at)
		}
	case *syntax.Choice:
		c.queryChoice(s, b, at)
	case *syntax.Wait:
		c.oneOf(s.Node, at, true, "Seconds", "Timestamp")
		if b.Seconds != nil {
			c.bounds(s.Node, at, "Seconds", *b.Seconds, 0, 99999999)
		}
		if n := s.Node.Get("Timestamp"); n != nil && n.Kind == syntax.String && !isQuery(n) && !validTimestamp(b.Timestamp) {
			c.schema(at+"/Timestamp", n, "String does not match RFC3339 timestamp")
		}
	case *syntax.Parallel:
		if c.required(at, s.Node, "Branches") && len(b.Branches) == 0 {
			c.schema(at+"/Branches", s.Node.Get("Branches"), "Value cannot be empty")
		}
	case *syntax.Map:
		c.queryMap(s, b, at)
	}
}

func (c *checker) queryMap(s *syntax.State, b *syntax.Map, at string) {
	c.oneOf(s.Node, at, true, "ItemProcessor", "Iterator")
	if n := s.Node.Get("Items"); n != nil && n.Kind != syntax.Array && !(n.Kind == syntax.Object && b.Distributed()) && !isQuery(n) {
		c.schema(at+"/Items", n, "Expected value of type Array")
	}
	if b.MaxConcurrency != nil && *b.MaxConcurrency < 0 {
		c.schema(at+"/MaxConcurrency", s.Node.Get("MaxConcurrency"), "Minimum value is 0")
	}
	if b.Distributed() {
		c.distributed(s, b, at)
		return
	}
	c.inline(s, at)
}

func (c *checker) queryChoice(s *syntax.State, b *syntax.Choice, at string) {
	if !c.required(at, s.Node, "Choices") {
		return
	}
	if len(b.Choices) == 0 {
		c.schema(at+"/Choices", s.Node.Get("Choices"), "Value cannot be empty")
	}
	for i, r := range b.Choices {
		place := indexed(at+"/Choices", i)
		for _, m := range r.Node.Members {
			if isOperator(m.Name) || slices.Contains([]string{"Variable", "And", "Or", "Not"}, m.Name) {
				c.otherLanguage(r.Node, place, "JSONata", "JSONPath", []string{m.Name})
			} else if !slices.Contains([]string{"Condition", "Next", "Assign", "Output", "Comment"}, m.Name) {
				c.add(syntax.SchemaFailed, place, m.NameSpan, "", "Field '%s' is not supported", m.Name)
			}
		}
		if !c.required(place, r.Node, "Condition", "Next") {
			continue
		}
		if n := r.Condition; n.Kind != syntax.Bool && !isQuery(n) {
			c.schema(place+"/Condition", n, "Expected value of type Boolean or JSONata expression")
		}
		for _, name := range []string{"Condition", "Assign", "Output"} {
			c.expressions(r.Node.Get(name), place+"/"+name)
		}
		c.variables(r.Node.Get("Assign"), place+"/Assign", true)
	}
}

func isQuery(n *syntax.Node) bool {
	if n.Kind != syntax.String {
		return false
	}
	_, ok := syntax.Query(n.Text)
	return ok
}

// expressions checks the JSONata expressions in a member. "Transforming data with
// JSONata" in the developer guide says how they begin and end, and that
// $states.result and $states.errorOutput are refused where they have no value
// (c.reads are those that have one).
func (c *checker) expressions(n *syntax.Node, at string) {
	if n == nil {
		return
	}
	for i, item := range n.Items {
		c.expressions(item, fmt.Sprintf("%s[%d]", at, i))
	}
	for _, m := range n.Members {
		c.expressions(m.Value, at+"/"+m.Name)
	}
	if n.Kind != syntax.String {
		return
	}
	src, ok := syntax.Query(n.Text)
	if !ok {
		if !c.Accepted && strings.HasPrefix(n.Text, "{%") != strings.HasSuffix(n.Text, "%}") {
			c.add(InvalidQuery, at, n.Span, "", "A JSONata expression must start with '{%%' and end with '%%}'")
		}
		return
	}
	e, err := jsonata.Compile(src)
	var fault *jsonata.Error
	if errors.As(err, &fault) {
		c.add(InvalidQuery, at, n.Span, "", "%s", strings.TrimSpace(fault.Message))
		return
	} else if err != nil {
		c.add(InvalidQuery, at, n.Span, "", "%v", err)
		return
	}
	if c.Accepted {
		return
	}
	for _, name := range e.TopNames() {
		c.add(UnsupportedQuery, at, n.Span, "", "Reference to '%s' at the top level is not supported.", name)
	}
	for _, name := range e.Members("states") {
		if (name == "result" || name == "errorOutput") && !slices.Contains(c.reads, name) {
			c.add(UnsupportedQuery, at, n.Span, "", "Reference to '$states.%s' is not supported in this field.", name)
		}
	}
}
