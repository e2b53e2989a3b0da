package logs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
)

// metrics stand in for CloudWatch: what was put, as namespace/name{dimensions}=value.
type metrics struct{ put []string }

func (m *metrics) table() *bus.Service {
	return &bus.Service{Name: "monitoring", Operations: []bus.Operation{
		bus.Op("PutMetricData", func(_ context.Context, in *cloudwatch.PutMetricDataInput) (*cloudwatch.PutMetricDataOutput, error) {
			for _, d := range in.MetricData {
				var dimensions []string
				for _, x := range d.Dimensions {
					dimensions = append(dimensions, *x.Name+"="+*x.Value)
				}
				m.put = append(m.put, fmt.Sprintf("%s/%s{%s}=%g", *in.Namespace, *d.MetricName, strings.Join(dimensions, ","), *d.Value))
			}
			return &cloudwatch.PutMetricDataOutput{}, nil
		}),
	}}
}

func TestMetricFilters(t *testing.T) {
	transform := func(value string, more func(*logs.MetricTransformation)) logs.MetricTransformation {
		m := logs.MetricTransformation{MetricName: new("m"), MetricNamespace: new("n"), MetricValue: &value}
		if more != nil {
			more(&m)
		}
		return m
	}
	for _, c := range []struct {
		name, pattern string
		transform     logs.MetricTransformation
		messages      []string
		want          string // what CloudWatch got, or the error of the filter
	}{
		{"a number for each match", "ERROR", transform("2", nil), []string{"ERROR a", "fine", "b ERROR"}, "n/m{}=2 n/m{}=2"},
		{"no match, no default", "ERROR", transform("1", nil), []string{"fine"}, ""},
		{"no match, a default", "ERROR", transform("1", func(m *logs.MetricTransformation) { m.DefaultValue = new(0.5) }), []string{"fine", "well"}, "n/m{}=0.5"},
		{"a value of the message", "{ $.ms > 5 }", transform("$.ms", nil), []string{`{"ms": 7.5}`, `{"ms": 3}`, `{"ms": "x"}`}, "n/m{}=7.5"},
		{"a value that is none", "{ $.ok IS TRUE }", transform("$.ms", nil), []string{`{"ok": true, "ms": "long"}`, `{"ok": true}`}, ""},
		{"dimensions", "{ $.ms > 5 }", transform("1", func(m *logs.MetricTransformation) {
			m.Dimensions = map[string]string{"Step": "$.step", "Code": "$.code"}
		}),
			[]string{`{"ms": 7, "step": "load", "code": 4}`, `{"ms": 7, "step": "load"}`}, "n/m{Code=4,Step=load}=1"},
		{"a wrong value", "", transform("many", nil), nil, "!Invalid metric transformation: 'many' is not a valid metric value."},
		{"a wrong selector", "", transform("$.", nil), nil, "!Invalid metric transformation: '$.' is not a valid selector."},
		{"a default with dimensions", "", transform("1", func(m *logs.MetricTransformation) {
			m.DefaultValue, m.Dimensions = new(0.0), map[string]string{"a": "$.a"}
		}), nil, "!dimensions and default value are mutually exclusive"},
		{"fields", "[a, b]", transform("1", nil), nil, "!not implemented"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, seen := setup(t), &metrics{}
			w.bus.Register(seen.table())
			w.stream("g", "s")
			_, err := w.bus.Invoke(t.Context(), "logs", "PutMetricFilter", &logs.PutMetricFilterInput{LogGroupName: new("g"), FilterName: new("f"),
				FilterPattern: &c.pattern, MetricTransformations: []logs.MetricTransformation{c.transform}})
			if want, fails := strings.CutPrefix(c.want, "!"); fails {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var events []logs.InputLogEvent
			for i, m := range c.messages {
				events = append(events, logs.InputLogEvent{Timestamp: new(now + int64(i)), Message: &m})
			}
			call[logs.PutLogEventsOutput](w, "PutLogEvents", &logs.PutLogEventsInput{LogGroupName: new("g"), LogStreamName: new("s"), LogEvents: events})
			if got := strings.Join(seen.put, " "); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestMetricFiltersOfAGroup(t *testing.T) {
	w, seen := setup(t), &metrics{}
	w.bus.Register(seen.table())
	w.stream("g", "s")
	w.stream("h", "s")
	for _, name := range []string{"g/b", "g/a", "h/c", "g/a"} {
		group, filter, _ := strings.Cut(name, "/")
		call[logs.PutMetricFilterOutput](w, "PutMetricFilter", &logs.PutMetricFilterInput{LogGroupName: &group, FilterName: &filter, FilterPattern: new(""),
			MetricTransformations: []logs.MetricTransformation{{MetricName: new(filter), MetricNamespace: new("n"), MetricValue: new("1")}}})
	}
	list := func(in *logs.DescribeMetricFiltersInput) string {
		var all []string
		for {
			out := call[logs.DescribeMetricFiltersOutput](w, "DescribeMetricFilters", in)
			for _, f := range out.MetricFilters {
				all = append(all, *f.LogGroupName+"/"+*f.FilterName)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return strings.Join(all, " ")
			}
		}
	}
	for _, c := range []struct {
		in   *logs.DescribeMetricFiltersInput
		want string
	}{
		{&logs.DescribeMetricFiltersInput{Limit: new(int64(1))}, "g/a g/b h/c"},
		{&logs.DescribeMetricFiltersInput{LogGroupName: new("g")}, "g/a g/b"},
		{&logs.DescribeMetricFiltersInput{FilterNamePrefix: new("b")}, "g/b"},
		{&logs.DescribeMetricFiltersInput{MetricName: new("c"), MetricNamespace: new("n")}, "h/c"},
	} {
		if got := list(c.in); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	counts := func() (n []int64) {
		for _, g := range call[logs.DescribeLogGroupsOutput](w, "DescribeLogGroups", &logs.DescribeLogGroupsInput{}).LogGroups {
			n = append(n, *g.MetricFilterCount)
		}
		return n
	}
	if got := counts(); !slices.Equal(got, []int64{2, 1}) {
		t.Errorf("counts %v", got)
	}
	call[logs.DeleteMetricFilterOutput](w, "DeleteMetricFilter", &logs.DeleteMetricFilterInput{LogGroupName: new("g"), FilterName: new("a")})
	call[logs.DeleteLogGroupOutput](w, "DeleteLogGroup", &logs.DeleteLogGroupInput{LogGroupName: new("h")})
	if got := list(&logs.DescribeMetricFiltersInput{}); got != "g/b" || !slices.Equal(counts(), []int64{1}) {
		t.Errorf("left are %s, counted %v", got, counts())
	}
	if _, err := w.bus.Invoke(t.Context(), "logs", "DeleteMetricFilter", &logs.DeleteMetricFilterInput{LogGroupName: new("g"), FilterName: new("a")}); err == nil {
		t.Error("a filter was deleted twice")
	}
	if out := call[logs.TestMetricFilterOutput](w, "TestMetricFilter", &logs.TestMetricFilterInput{FilterPattern: new("b"), LogEventMessages: []string{"a", "b"}}); len(out.Matches) != 1 || *out.Matches[0].EventNumber != 2 {
		t.Errorf("matches %v", out.Matches)
	}
}

func TestResourcePolicies(t *testing.T) {
	w := setup(t)
	for i := range maxPolicies {
		call[logs.PutResourcePolicyOutput](w, "PutResourcePolicy", &logs.PutResourcePolicyInput{PolicyName: new(fmt.Sprint("p", i)), PolicyDocument: new("{}")})
	}
	call[logs.PutResourcePolicyOutput](w, "PutResourcePolicy", &logs.PutResourcePolicyInput{PolicyName: new("p0"), PolicyDocument: new("[]")})
	for name, document := range map[string]string{"one more": "{}", "no JSON": "{"} {
		if _, err := w.bus.Invoke(t.Context(), "logs", "PutResourcePolicy", &logs.PutResourcePolicyInput{PolicyName: &name, PolicyDocument: &document}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	call[logs.DeleteResourcePolicyOutput](w, "DeleteResourcePolicy", &logs.DeleteResourcePolicyInput{PolicyName: new("p9")})
	out := call[logs.DescribeResourcePoliciesOutput](w, "DescribeResourcePolicies", &logs.DescribeResourcePoliciesInput{})
	if len(out.ResourcePolicies) != maxPolicies-1 || *out.ResourcePolicies[0].PolicyDocument != "[]" {
		t.Errorf("%d policies", len(out.ResourcePolicies))
	}
}
