package check

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"stepwell/internal/asl/intrinsic"
	"stepwell/internal/asl/jsonpath"
	"stepwell/internal/asl/syntax"
	"stepwell/internal/diag"
)

func indexed(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }

var (
	commonFields = []string{"Type", "Comment", "QueryLanguage"}
	pathFields   = []string{"InputPath", "OutputPath"}
	nextFields   = []string{"Next", "End", "Assign"}
	resultFields = []string{"ResultPath", "Parameters"}
	errorFields  = []string{"ResultSelector", "Retry", "Catch"}
)

// fieldsOf are the members of each type's states over JSONPath.
var fieldsOf = map[string][]string{
	"Pass": slices.Concat(commonFields, pathFields, nextFields, resultFields, []string{"Result"}),
	"Task": slices.Concat(commonFields, pathFields, nextFields, resultFields, errorFields, []string{"Resource", "TimeoutSeconds",
		"TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Credentials"}),
	"Choice":   slices.Concat(commonFields, pathFields, []string{"Choices", "Default", "Assign"}),
	"Wait":     slices.Concat(commonFields, pathFields, nextFields, []string{"Seconds", "Timestamp", "SecondsPath", "TimestampPath"}),
	"Succeed":  slices.Concat(commonFields, pathFields),
	"Fail":     slices.Concat(commonFields, []string{"Error", "Cause", "ErrorPath", "CausePath"}),
	"Parallel": slices.Concat(commonFields, pathFields, nextFields, resultFields, errorFields, []string{"Branches"}),
	"Map": slices.Concat(commonFields, pathFields, nextFields, resultFields, errorFields, []string{"ItemProcessor", "Iterator",
		"ItemsPath", "ItemSelector", "MaxConcurrency", "MaxConcurrencyPath", "ToleratedFailureCount", "ToleratedFailureCountPath",
		"ToleratedFailurePercentage", "ToleratedFailurePercentagePath", "Label", "ItemReader", "ItemBatcher", "ResultWriter"}),
}

func (c *checker) state(s *syntax.State, at string, jsonata bool) {
	c.name(s, at)
	c.language(s.QueryLanguage, at+"/QueryLanguage", s.Node)
	if jsonata && s.QueryLanguage == "JSONPath" {
		c.schema(at, s.Node, "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")
	}
	if !c.required(at, s.Node, "Type") {
		return
	}
	known, ok := fieldsOf[s.Type]
	if !ok {
		c.add(syntax.SchemaFailed, at+"/Type", s.Node.Get("Type").Span, diag.Nearest(s.Type, slices.Sorted(maps.Keys(fieldsOf))),
			"Value is not valid. Expected one of [Choice, Fail, Map, Parallel, Pass, Succeed, Task, Wait]")
		return
	}
	if jsonata || s.QueryLanguage == "JSONata" {
		c.queryState(s, at)
		c.nested(s, at, jsonata)
		return
	}
	c.otherLanguage(s.Node, at, "JSONPath", "JSONata", queryOnly)
	c.fields(s.Node, at, slices.Concat(known, queryOnly))
	c.ending(s, at)
	c.paths(s, at)
	c.body(s, at)
	c.nested(s, at, jsonata)
}

// ending: exactly one of Next and End.
func (c *checker) ending(s *syntax.State, at string) {
	switch s.Body.(type) {
	case *syntax.Choice, syntax.Succeed, *syntax.Fail:
		return
	}
	if next := s.Node.Get("Next"); next == nil && !s.End || next != nil && s.End {
		c.schema(at, s.Node, "Exactly one of these fields is required: [Next, End]")
	}
}

// paths checks the members that all types share.
func (c *checker) paths(s *syntax.State, at string) {
	c.path(s.InputPath, at, "InputPath", s.Node)
	c.path(s.OutputPath, at, "OutputPath", s.Node)
	c.reference(s.ResultPath, at, s.Node)
	c.template(s.Parameters.Node, at+"/Parameters")
	c.template(s.ResultSelector.Node, at+"/ResultSelector")
	c.template(s.Assign.Node, at+"/Assign")
	c.variables(s.Assign.Node, at+"/Assign", false)
	for i, r := range s.Retry {
		c.retrier(r, indexed(at+"/Retry", i), i == len(s.Retry)-1)
	}
	for i, k := range s.Catch {
		place := indexed(at+"/Catch", i)
		if c.required(place, k.Node, "ErrorEquals", "Next") {
			c.errorNames(k.ErrorEquals, k.Node, place, i == len(s.Catch)-1)
		}
		c.fields(k.Node, place, []string{"ErrorEquals", "Next", "ResultPath", "Assign", "Comment", "Output"})
		c.reference(k.ResultPath, place, k.Node)
		c.template(k.Assign.Node, place+"/Assign")
		c.variables(k.Assign.Node, place+"/Assign", false)
	}
}

func (c *checker) retrier(r syntax.Retrier, at string, last bool) {
	if c.required(at, r.Node, "ErrorEquals") {
		c.errorNames(r.ErrorEquals, r.Node, at, last)
	}
	c.fields(r.Node, at, []string{"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment"})
	c.bounds(r.Node, at, "IntervalSeconds", r.Interval, 1, 99999999)
	c.bounds(r.Node, at, "MaxAttempts", r.MaxAttempts, 0, 99999999)
	if n := r.Node.Get("MaxDelaySeconds"); n != nil {
		c.bounds(r.Node, at, "MaxDelaySeconds", r.MaxDelay, 1, 31622400)
	}
	if n := r.Node.Get("BackoffRate"); n != nil && r.BackoffRate < 1 {
		c.schema(at+"/BackoffRate", n, "Value must be greater than or equal to 1.0")
	}
	if n := r.Node.Get("JitterStrategy"); n != nil && n.Text != "FULL" && n.Text != "NONE" {
		c.schema(at+"/JitterStrategy", n, "Value is not valid. Expected one of [FULL, NONE]")
	}
}

func (c *checker) bounds(n *syntax.Node, at, name string, v, least, most int64) {
	if member := n.Get(name); member != nil && (v < least || v > most) {
		c.schema(at+"/"+name, member, "Value must be between %d and %d", least, most)
	}
}

// errorNames: States.ALL stands alone and last.
func (c *checker) errorNames(names []string, n *syntax.Node, at string, last bool) {
	list := n.Get("ErrorEquals")
	if len(names) == 0 {
		c.schema(at+"/ErrorEquals", list, "Value cannot be empty")
	}
	if slices.Contains(names, "States.ALL") && (len(names) > 1 || !last) {
		c.schema(at+"/ErrorEquals", list, "States.ALL must appear alone and at end of list")
	}
}

func validPath(text string) bool {
	if intrinsic.IsCall(text) {
		_, err := intrinsic.Parse(text)
		return err == nil
	}
	_, err := jsonpath.Parse(text)
	return err == nil
}

func (c *checker) path(p syntax.Path, at, name string, n *syntax.Node) {
	if !p.Set || p.Null {
		return
	}
	if _, err := jsonpath.Parse(p.Text); err != nil {
		c.schema(at+"/"+name, n.Get(name), "Value is not a valid JSONPath")
	}
}

// dynamic checks members that take a path or an intrinsic function.
func (c *checker) dynamic(p syntax.Path, at, name string, n *syntax.Node) {
	if p.Set && !p.Null && !validPath(p.Text) {
		c.add(syntax.SchemaFailed, at+"/"+name, p.Span, intrinsic.Nearest(p.Text),
			"The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", name)
	}
}

func (c *checker) reference(p syntax.Path, at string, n *syntax.Node) {
	if !p.Set || p.Null {
		return
	}
	path, err := jsonpath.Parse(p.Text)
	if err != nil || !path.Reference() || path.Root != jsonpath.Input {
		c.schema(at+"/ResultPath", n.Get("ResultPath"), "Value is not a Reference Path")
	}
}

// template checks the .$ members of a payload template.
func (c *checker) template(n *syntax.Node, at string) {
	if n == nil {
		return
	}
	for _, item := range n.Items {
		c.template(item, at)
	}
	for _, m := range n.Members {
		if !strings.HasSuffix(m.Name, ".$") {
			c.template(m.Value, at)
			continue
		}
		if m.Value.Kind != syntax.String || !validPath(m.Value.Text) {
			c.add(syntax.SchemaFailed, at, m.Value.Span, intrinsic.Nearest(m.Value.Text),
				"The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", m.Name)
		}
	}
}

func (c *checker) body(s *syntax.State, at string) {
	switch b := s.Body.(type) {
	case *syntax.Task:
		c.task(s, b, at)
	case *syntax.Choice:
		c.choice(s, b, at)
	case *syntax.Wait:
		c.wait(s, b, at)
	case *syntax.Fail:
		c.oneOf(s.Node, at, false, "Error", "ErrorPath")
		c.oneOf(s.Node, at, false, "Cause", "CausePath")
		c.dynamic(b.ErrorPath, at, "ErrorPath", s.Node)
		c.dynamic(b.CausePath, at, "CausePath", s.Node)
	case *syntax.Parallel:
		if c.required(at, s.Node, "Branches") && len(b.Branches) == 0 {
			c.schema(at+"/Branches", s.Node.Get("Branches"), "Value cannot be empty")
		}
	case *syntax.Map:
		c.mapState(s, b, at)
	}
}

// oneOf: at most (or, where needed, exactly) one of the members.
func (c *checker) oneOf(n *syntax.Node, at string, needed bool, names ...string) {
	count := 0
	for _, name := range names {
		if n.Get(name) != nil {
			count++
		}
	}
	list := strings.Join(names, ", ")
	if count > 1 {
		c.schema(at, n, "Only one of these fields is allowed: [%s]", list)
	} else if count == 0 && needed {
		c.schema(at, n, "Exactly one of these fields is required: [%s]", list)
	}
}

func (c *checker) resource(s *syntax.State, b *syntax.Task, at string) {
	place, n := at+"/Resource", s.Node.Get("Resource")
	action := b.Resource
	switch {
	case c.Express && strings.Contains(action, ":activity:"):
		c.schema(place, n, "Express state machine does not support Activity ARN")
	case c.Express && strings.HasSuffix(action, ".waitForTaskToken"):
		c.schema(place, n, "Express state machine does not support '.waitForTaskToken' service integration ")
	case c.Express && (strings.HasSuffix(action, ".sync") || strings.HasSuffix(action, ".sync:2")):
		c.schema(place, n, "Express state machine does not support '%s' service integration", action[strings.LastIndexByte(action, '.'):])
	case !strings.HasPrefix(action, "arn:"):
		c.schema(place, n, "Value is not a valid resource ARN")
	case c.KnownResource != nil && !c.KnownResource(action):
		c.schema(place, n, "The resource provided %s is not recognized. The value is not a valid resource ARN, or the resource is not available in this region.", action)
	}
}

func (c *checker) task(s *syntax.State, b *syntax.Task, at string) {
	if !c.required(at, s.Node, "Resource") {
		return
	}
	c.resource(s, b, at)
	c.oneOf(s.Node, at, false, "TimeoutSeconds", "TimeoutSecondsPath")
	c.oneOf(s.Node, at, false, "HeartbeatSeconds", "HeartbeatSecondsPath")
	c.path(b.TimeoutPath, at, "TimeoutSecondsPath", s.Node)
	c.path(b.HeartbeatPath, at, "HeartbeatSecondsPath", s.Node)
	c.template(b.Credentials.Node, at+"/Credentials")
	c.times(s, b, at)
}

func (c *checker) times(s *syntax.State, b *syntax.Task, at string) {
	if b.Timeout != nil {
		c.bounds(s.Node, at, "TimeoutSeconds", *b.Timeout, 1, 99999999)
	}
	if b.Heartbeat != nil {
		c.bounds(s.Node, at, "HeartbeatSeconds", *b.Heartbeat, 1, 99999999)
		if b.Timeout != nil && *b.Heartbeat >= *b.Timeout {
			c.schema(at+"/HeartbeatSeconds", s.Node.Get("HeartbeatSeconds"), "'HeartbeatSeconds' should be smaller than 'TimeoutSeconds'")
		}
	}
}

var timestampForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

func validTimestamp(s string) bool {
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil && timestampForm.MatchString(s)
}

func (c *checker) wait(s *syntax.State, b *syntax.Wait, at string) {
	c.oneOf(s.Node, at, true, "Seconds", "Timestamp", "SecondsPath", "TimestampPath")
	c.path(b.SecondsPath, at, "SecondsPath", s.Node)
	c.path(b.TimestampPath, at, "TimestampPath", s.Node)
	if b.Seconds != nil {
		c.bounds(s.Node, at, "Seconds", *b.Seconds, 0, 99999999)
	}
	if n := s.Node.Get("Timestamp"); n != nil && n.Kind == syntax.String && !validTimestamp(b.Timestamp) {
		c.schema(at+"/Timestamp", n, "String does not match RFC3339 timestamp")
	}
}

func (c *checker) mapState(s *syntax.State, b *syntax.Map, at string) {
	c.oneOf(s.Node, at, true, "ItemProcessor", "Iterator")
	c.oneOf(s.Node, at, false, "ItemSelector", "Parameters")
	c.oneOf(s.Node, at, false, "MaxConcurrency", "MaxConcurrencyPath")
	c.oneOf(s.Node, at, false, "ToleratedFailureCount", "ToleratedFailureCountPath")
	c.oneOf(s.Node, at, false, "ToleratedFailurePercentage", "ToleratedFailurePercentagePath")
	c.path(b.ItemsPath, at, "ItemsPath", s.Node)
	c.path(b.MaxConcurrencyPath, at, "MaxConcurrencyPath", s.Node)
	c.template(b.ItemSelector.Node, at+"/ItemSelector")
	if b.MaxConcurrency != nil && *b.MaxConcurrency < 0 {
		c.schema(at+"/MaxConcurrency", s.Node.Get("MaxConcurrency"), "Value must be greater than or equal to 0")
	}
	if b.Distributed() {
		c.distributed(s, b, at)
		return
	}
	c.inline(s, at)
}

func (c *checker) inline(s *syntax.State, at string) {
	for _, name := range []string{"Label", "ItemReader", "ItemBatcher", "ResultWriter"} {
		if n := s.Node.Get(name); n != nil {
			c.schema(at+"/"+name, n, "Field is not supported for INLINE Map states")
		}
	}
}

// nested checks the machines within a state; jsonata is the language of the whole definition, whatever the state's own is.
func (c *checker) nested(s *syntax.State, at string, jsonata bool) {
	switch b := s.Body.(type) {
	case *syntax.Parallel:
		for i, m := range b.Branches {
			c.machine(m, indexed(at+"/Branches", i), jsonata)
		}
	case *syntax.Map:
		if b.Processor != nil {
			name := "/ItemProcessor"
			if s.Node.Get("ItemProcessor") == nil {
				name = "/Iterator"
			}
			around := c.Express
			c.Express = around || !c.Accepted && b.Distributed() && b.Processor.Processor.ExecutionType == "EXPRESS"
			c.machine(b.Processor, at+name, jsonata)
			c.Express = around
		}
	}
}
