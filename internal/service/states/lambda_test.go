package states

import (
	"encoding/json"
	"testing"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// TestInvokeInput: what the parameter Payload of lambda:invoke is to the function.
func TestInvokeInput(t *testing.T) {
	for params, want := range map[string]string{
		`{"FunctionName":"f"}`:                   ``,
		`{"FunctionName":"f","Payload":null}`:    ``,
		`{"FunctionName":"f","Payload":"0.0"}`:   `0.0`,
		`{"FunctionName":"f","Payload":"{}"}`:    `{}`,
		`{"FunctionName":"f","Payload":0.50}`:    `0.50`,
		`{"FunctionName":"f","Payload":{"a":1}}`: `{"a":1}`,
		`{"FunctionName":"f","Payload":["<"]}`:   `["<"]`,
	} {
		made, err := invokeInput(nil, json.RawMessage(params))
		if err != nil {
			t.Fatal(err)
		}
		var in struct{ FunctionName, Payload string }
		if err := json.Unmarshal(made, &in); err != nil {
			t.Fatal(err)
		}
		if in.FunctionName != "f" || in.Payload != want {
			t.Errorf("%s: payload %q, want %q", params, in.Payload, want)
		}
	}
}

// TestFunctionError: a function's error as the cause, and the name of a
// function that is not there.
func TestFunctionError(t *testing.T) {
	failed := &lambda.InvokeOutput{FunctionError: new("Unhandled"), Payload: []byte(`{"errorMessage": "a b", "errorType": "E"}`)}
	name, is := functionError(failed)
	if text, done, err := invokeError(failed); string(text) != `{"errorMessage":"a b","errorType":"E"}` || !done || err != nil || name != "E" || !is {
		t.Errorf("%s %v %s %v %v", name, is, text, done, err)
	}
	c := &call{service: &bus.Service{Name: "lambda", Model: lambda.Model}, optimized: integrations["lambda:invoke"]}
	for message, want := range map[string]string{
		"Function not found: arn:aws:lambda:eu-west-1:1:function:f":   "Function not found: arn:aws:lambda:eu-west-1:1:function:f:$LATEST",
		"Function not found: arn:aws:lambda:eu-west-1:1:function:f:a": "Function not found: arn:aws:lambda:eu-west-1:1:function:f:a",
	} {
		name, cause := c.failure(awserr.New(404, "ResourceNotFoundException", "%s", message), "id")
		if want += " (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: id; Proxy: null)"; cause != want || name != "Lambda.ResourceNotFoundException" {
			t.Errorf("%s: %s: %s", message, name, cause)
		}
	}
}

// TestQueueHost: a queue URL that is the name of a host fails in the SDK.
func TestQueueHost(t *testing.T) {
	c := &call{service: &bus.Service{Name: "sqs", Model: sqs.Model}, optimized: integrations["sqs:sendMessage"]}
	for url, host := range map[string]string{
		"http://nowhere":                          "nowhere",
		"http://nowhere:80/":                      "nowhere",
		"http://localhost:4566/1/q":               "",
		"http://stepwell:4566/1/q":                "",
		"https://sqs.eu-west-1.amazonaws.com/1/q": "",
		"q": "",
	} {
		err := c.unreachable(&sqs.SendMessageInput{QueueUrl: &url})
		if host == "" {
			if err != nil {
				t.Errorf("%s: %v", url, err)
			}
			continue
		}
		name, cause := c.failure(err, "id")
		if name != "SQS.SdkClientException" || cause != "Unable to execute HTTP request: "+host+": Name or service not known" {
			t.Errorf("%s: %s: %s", url, name, cause)
		}
	}
}
