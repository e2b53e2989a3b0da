package resource

import (
	"encoding/json"
	"strings"
	"testing"

	"stepwell/internal/awsapi/events"
	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/sqs"
)

// properties reads JSON as the evaluator of templates gives it.
func properties(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name, properties string
		in               any
		rename           map[string]string
		want             string // the input as JSON, or the error
	}{
		{"texts for numbers and booleans", `{"FunctionName": "f", "Timeout": "30", "MemorySize": 512, "Publish": "true"}`, &lambda.CreateFunctionInput{}, nil,
			`{"FunctionName":"f","Timeout":30,"MemorySize":512,"Publish":true}`},
		{"numbers for texts", `{"Environment": {"Variables": {"N": 5, "B": true}}}`, &lambda.CreateFunctionInput{}, nil,
			`{"Environment":{"Variables":{"B":"true","N":"5"}}}`},
		{"tags for a map", `{"Tags": [{"Key": "a", "Value": "b"}]}`, &lambda.CreateFunctionInput{}, nil, `{"Tags":{"a":"b"}}`},
		{"an object for a text", `{"EventPattern": {"source": ["x"]}, "Name": "r"}`, &events.PutRuleInput{}, nil,
			`{"Name":"r","EventPattern":"{\"source\":[\"x\"]}"}`},
		{"other names, and none", `{"Name": "q", "Other": 1}`, &sqs.CreateQueueInput{}, map[string]string{"Name": "QueueName", "Other": ""}, `{"QueueName":"q"}`},
		{"one thing for a list", `{"Layers": "arn"}`, &lambda.CreateFunctionInput{}, nil, `{"Layers":["arn"]}`},
		{"nested", `{"Name": "r", "Targets": [{"Id": "1", "Arn": "a", "RetryPolicy": {"MaximumRetryAttempts": "3"}}]}`, &struct {
			Name    *string
			Targets []events.Target
		}{}, nil, `{"Name":"r","Targets":[{"Id":"1","Arn":"a","RetryPolicy":{"MaximumRetryAttempts":3}}]}`},
		{"a name that is not there", `{"Timeot": 3}`, &lambda.CreateFunctionInput{}, nil, "#: extraneous key [Timeot] is not permitted"},
		{"a nested name that is not there", `{"Code": {"Zip": "x"}}`, &lambda.CreateFunctionInput{}, nil, "#: extraneous key [Code/Zip] is not permitted"},
		{"no number", `{"Timeout": "long"}`, &lambda.CreateFunctionInput{}, nil, "#/Timeout: expected type: Integer, found: String"},
		{"a list for an object", `{"Environment": []}`, &lambda.CreateFunctionInput{}, nil, "#/Environment: expected type: JSONObject, found: JSONArray"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Decode(properties(t, tt.properties), tt.in, tt.rename)
			b, _ := json.Marshal(tt.in)
			got := string(b)
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestName(t *testing.T) {
	tests := []struct {
		stack, logical, given string
		limit                 int
		want                  string
	}{
		{"orders", "Queue", "", 80, "orders-Queue-ABCDEFGHIJKLM"},
		{"orders", "Queue", "mine", 80, "mine"},
		{"a-stack-with-a-very-long-name", "AFunctionWithAVeryLongName", "", 50, "a-stack-with-a-ve-AFunctionWithAVery-ABCDEFGHIJKLM"},
		{"s", "AFunctionWithAVeryLongName", "", 30, "s-AFunctionWithA-ABCDEFGHIJKLM"},
	}
	for _, tt := range tests {
		r := &Request{StackName: tt.stack, LogicalID: tt.logical, Token: "ABCDEFGHIJKLM", Properties: map[string]any{}}
		if tt.given != "" {
			r.Properties["Name"] = tt.given
		}
		got := r.Name("Name", tt.limit)
		if len(got) > tt.limit {
			t.Errorf("%s has %d characters, limit %d", got, len(got), tt.limit)
		}
		if got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestEqual(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{`{"x": 1}`, `{"x": "1"}`, true},
		{`{"x": true}`, `{"x": "true"}`, true},
		{`{"x": [1, {"y": 2}]}`, `{"x": [1, {"y": 2}]}`, true},
		{`{"x": [1, 2]}`, `{"x": [2, 1]}`, false},
		{`{"x": 1}`, `{"x": 1, "y": 1}`, false},
		{`{"x": 1}`, `{"y": 1}`, false},
		{`{"x": {}}`, `{"x": []}`, false},
	}
	for _, tt := range tests {
		if got := Equal(properties(t, tt.a), properties(t, tt.b)); got != tt.want {
			t.Errorf("Equal(%s, %s) = %v", tt.a, tt.b, got)
		}
	}
}
