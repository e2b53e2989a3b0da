package states

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/asl/exec"
	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
)

// optimized is an optimized integration (developer guide, "Integrating services").
type optimized struct {
	service string   // on the bus
	prefix  string   // of error names
	name    string   // of the service in causes and in the name of its unmodelled errors
	text    []string // members that take any JSON value as its text
	bare    bool     // the output has no members about the HTTP response
	// prepare changes the parameters; nil: they are the operation's.
	prepare func(t *exec.Task, params json.RawMessage) (json.RawMessage, error)
	// operation is its name where the Resource has another.
	operation string
	// output writes the answer where the general form does not do; done is false where it does.
	output func(out any) (text []byte, done bool, err error)
	// refused is the error that an answer of the operation stands for; nil: none.
	refused func(out any) (name string, is bool)
	job     *jobKind // what .sync waits for; nil: no .sync
}

// integrations are the optimized integrations that run here, by the service
// and operation of the Resource.
var integrations = map[string]*optimized{
	"events:putEvents":      {service: "events", prefix: "EventBridge", name: "AmazonEventBridge", bare: true, prepare: eventEntries, refused: failedEntries},
	"glue:startJobRun":      {service: "glue", prefix: "Glue", name: "AWSGlue", job: glueJobRun},
	"lambda:function":       {service: "lambda", operation: "invoke", prefix: "Lambda", name: "AWSLambda", prepare: functionInput, output: functionOutput, refused: functionError},
	"lambda:invoke":         {service: "lambda", prefix: "Lambda", name: "AWSLambda", prepare: invokeInput, output: invokeError, refused: functionError},
	"sns:publish":           {service: "sns", prefix: "SNS", name: "AmazonSNS", text: []string{"Message"}},
	"sqs:sendMessage":       {service: "sqs", prefix: "SQS", name: "AmazonSQS", text: []string{"MessageBody"}},
	"states:startExecution": {service: "states", prefix: "StepFunctions", name: "AWSStepFunctions", text: []string{"Input"}, job: nestedExecution},
}

// optimizedFailure names an error as the AWS SDK for Java 1.x does, which
// optimized integrations use.
func (c *call) optimizedFailure(e *awserr.Error, requestID string) (name, cause string) {
	name = c.optimized.prefix + "." + c.optimized.name + "Exception"
	code := e.Code
	if known := c.service.Model.Error(e.Code); known != nil {
		name = c.optimized.prefix + "." + known.Name
		if !strings.HasSuffix(known.Name, "Exception") {
			name += "Exception"
		}
		code = known.Code
	}
	message := e.Message
	switch {
	case e.Code == sdkClientException: // no answer of the service
		return c.optimized.prefix + "." + e.Code, message
	case e.Code == "ResourceNotFoundException" && c.service.Name == "lambda":
		message = missingFunction(message)
	}
	cause = fmt.Sprintf("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)",
		message, c.optimized.name, e.HTTPStatus(), code, requestID)
	return name, cause
}

// optimizedOutput is the operation's output with what the SDK says of the
// response around it.
func (c *call) optimizedOutput(out any, requestID string) ([]byte, error) {
	m := c.service.Model
	tree := plain(m, m.Shape(c.model.Output), reflect.ValueOf(out).Elem()).(map[string]any)
	if c.optimized.bare {
		return marshal(tree)
	}
	body, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	headers := map[string]string{
		"connection": "keep-alive", "Content-Length": strconv.Itoa(len(body)), "Content-Type": contentType(m),
		"Date": time.Now().UTC().Format(http.TimeFormat), "x-amzn-RequestId": requestID,
	}
	if c.optimized.service == "lambda" {
		readPayload(tree, headers)
	}
	all := map[string][]string{}
	for k, v := range headers {
		all[k] = []string{v}
	}
	tree["SdkHttpMetadata"] = sdkHTTP{all, headers, 200}
	tree["SdkResponseMetadata"] = map[string]string{"RequestId": requestID}
	return marshal(tree)
}

type sdkHTTP struct {
	AllHttpHeaders map[string][]string
	HttpHeaders    map[string]string
	HttpStatusCode int
}

func contentType(m *awsapi.Model) string {
	switch m.Protocol {
	case awsapi.Query, awsapi.RESTXML, awsapi.EC2:
		return "text/xml"
	case awsapi.JSON:
		return "application/x-amz-json-" + m.JSONVersion
	}
	return "application/json"
}

// plain is a value as optimized integrations show it: members in PascalCase,
// times in milliseconds since 1970.
func plain(m *awsapi.Model, s *awsapi.Shape, v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch s.Kind {
	case awsapi.Structure:
		tree := map[string]any{}
		for i := range s.Members {
			f := v.Field(i)
			if f.IsZero() {
				continue
			}
			name := s.Members[i].Name
			tree[strings.ToUpper(name[:1])+name[1:]] = plain(m, m.Shape(s.Members[i].Shape), f)
		}
		return tree
	case awsapi.List:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plain(m, m.Shape(s.Elem), v.Index(i))
		}
		return list
	case awsapi.Map:
		tree := map[string]any{}
		for _, k := range v.MapKeys() {
			tree[k.String()] = plain(m, m.Shape(s.Elem), v.MapIndex(k))
		}
		return tree
	case awsapi.Timestamp:
		return v.Interface().(time.Time).UnixMilli()
	case awsapi.Blob:
		return string(v.Bytes())
	}
	return v.Interface()
}

// marshal is compact JSON with sorted keys and without escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}

// described is a modelled value as JSON text in the form of plain, with the
// members that fix changes.
func described(m *awsapi.Model, shape string, v any, fix func(map[string]any)) ([]byte, error) {
	i := slices.IndexFunc(m.Shapes, func(s awsapi.Shape) bool { return s.Name == shape })
	if i < 0 {
		return nil, fmt.Errorf("cannot describe %s: %s has no such shape", shape, m.Service)
	}
	tree := maps.Clone(plain(m, &m.Shapes[i], reflect.ValueOf(v)).(map[string]any))
	if fix != nil {
		fix(tree)
	}
	return marshal(tree)
}
