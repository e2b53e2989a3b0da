package states

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"stepwell/internal/asl/exec"
	"stepwell/internal/awsapi/lambda"
)

// bareFunction reports whether a Task's Resource is the ARN of a function, and
// how that integration is called.
func bareFunction(resourceType, action string) (integration string, is bool) {
	return "function", resourceType == "lambda" && strings.HasPrefix(action, "arn:")
}

// functionInput makes an Invoke of a task whose Resource is a function: what
// the task is given is the event.
func functionInput(t *exec.Task, params json.RawMessage) (json.RawMessage, error) {
	name, err := json.Marshal(t.Action)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]json.RawMessage{"FunctionName": name, "Payload": asPayload(params)})
}

// invokeInput gives Payload as the bytes of the request: a string as it stands,
// so that "0.0" is the number 0.0 to the function, any other value as its JSON
// text, and a null as none.
func invokeInput(_ *exec.Task, params json.RawMessage) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(params, &all); err != nil {
		return nil, fmt.Errorf("cannot read parameters: %w", err)
	}
	switch v := bytes.TrimSpace(all["Payload"]); {
	case len(v) == 0 || v[0] == '"':
	case string(v) == "null":
		delete(all, "Payload")
	default:
		all["Payload"] = asPayload(v)
	}
	return json.Marshal(all)
}

// asPayload is JSON text as a string.
func asPayload(v json.RawMessage) json.RawMessage {
	text, err := marshal(string(v))
	if err != nil {
		return v // a string can be marshalled
	}
	return text
}

// functionError is the error of a function that failed: its own type, or
// Lambda.Unknown where it says none.
func functionError(out any) (name string, is bool) {
	o, ok := out.(*lambda.InvokeOutput)
	if !ok || value(o.FunctionError) == "" {
		return "", false
	}
	var said struct{ ErrorType string }
	if json.Unmarshal(o.Payload, &said) != nil || said.ErrorType == "" {
		return "Lambda.Unknown", true
	}
	return said.ErrorType, true
}

// functionOutput is the answer of a task whose Resource is a function: what it returned.
func functionOutput(out any) (text []byte, done bool, err error) {
	o := out.(*lambda.InvokeOutput)
	if len(o.Payload) == 0 {
		return []byte("null"), true, nil
	}
	return o.Payload, true, nil
}

// invokeError is the cause of a failed task: the function's error, written compactly.
func invokeError(out any) (text []byte, done bool, err error) {
	o := out.(*lambda.InvokeOutput)
	if value(o.FunctionError) == "" {
		return nil, false, nil
	}
	var b bytes.Buffer
	if json.Compact(&b, o.Payload) != nil {
		return o.Payload, true, nil
	}
	return b.Bytes(), true, nil
}

// missingFunction is what Step Functions says of a function that is not there:
// it names the version that it asked for.
func missingFunction(message string) string {
	if _, name, ok := strings.Cut(message, ":function:"); ok && !strings.Contains(name, ":") {
		return message + ":$LATEST"
	}
	return message
}

// readPayload makes the function's answer, which is the body of the response,
// JSON in the output of lambda:invoke; what is not JSON stays a string.
func readPayload(tree map[string]any, headers map[string]string) {
	text, _ := tree["Payload"].(string)
	if json.Valid([]byte(text)) {
		tree["Payload"] = json.RawMessage(text)
	}
	headers["Content-Length"] = strconv.Itoa(len(text))
	headers["x-amzn-Remapped-Content-Length"] = "0"
	if version, ok := tree["ExecutedVersion"].(string); ok {
		headers["X-Amz-Executed-Version"] = version
	}
}

// unknownEffect is the error of a call that may have been made before a
// restart. For functions it is the one that Retry fields are recommended to
// name (developer guide, "Handle transient Lambda service exceptions").
func (c *call) unknownEffect() string {
	if c.optimized != nil && c.service.Name == "lambda" {
		return "Lambda.ServiceException"
	}
	return "States.TaskFailed"
}
