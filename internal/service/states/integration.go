package states

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"stepwell/internal/asl/exec"
	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/wire"
	"stepwell/internal/wire/sdkjson"
)

// Patterns of a service integration: what stands behind the operation in the
// Resource of a Task state.
const (
	patternSync  = "sync"
	patternSync2 = "sync:2"
	patternToken = "waitForTaskToken"
)

// call is the operation that a task calls, and how its parameters, results and
// errors are written.
type call struct {
	service   *bus.Service
	operation *bus.Operation
	model     *awsapi.Operation
	pattern   string
	optimized *optimized // nil: an AWS SDK integration
}

// resolve finds what a task calls; the error is for the user.
func (s *Service) resolve(resourceType, action string) (*call, error) {
	operation, pattern, _ := strings.Cut(action, ".")
	if function, ok := bareFunction(resourceType, action); ok {
		operation, pattern = function, ""
	}
	c := &call{pattern: pattern}
	service, name := "", operation
	if sdk, ok := strings.CutPrefix(resourceType, "aws-sdk:"); ok {
		service = s.sdkService(sdk)
	} else {
		c.optimized = integrations[resourceType+":"+operation]
		if c.optimized == nil {
			return nil, awserr.NotImplemented("Step Functions integration " + resourceType + ":" + action)
		}
		service = c.optimized.service
		if c.optimized.operation != "" {
			name = c.optimized.operation
		}
	}
	if service == "" {
		return nil, awserr.NotImplemented("service " + strings.TrimPrefix(resourceType, "aws-sdk:"))
	}
	c.service, c.operation = s.Catalog.Lookup(service, strings.ToUpper(name[:1])+name[1:])
	if c.service == nil || c.operation == nil || c.operation.Handle == nil {
		return nil, awserr.NotImplemented(service + ":" + strings.ToUpper(name[:1]) + name[1:])
	}
	if c.model = c.service.Model.Operation(c.operation.Name); c.model == nil || !c.model.Modelled {
		return nil, awserr.NotImplemented(service + ":" + c.operation.Name)
	}
	return c, nil
}

// sdkService is the bus's name of the service that aws-sdk resources call name; "" if there is none.
func (s *Service) sdkService(name string) string {
	for _, sv := range s.Catalog.Services() {
		if sv.Model != nil && sdkName(sv.Model) == name {
			return sv.Name
		}
	}
	return ""
}

// sdkName is the service's name in aws-sdk resources: "Redshift Data" is redshiftdata.
func sdkName(m *awsapi.Model) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(m.ServiceID))
}

// input reads the parameters of a task into the operation's input.
func (c *call) input(t *exec.Task) (any, error) {
	params := t.Parameters
	if c.optimized != nil && c.optimized.prepare != nil {
		var err error
		if params, err = c.optimized.prepare(t, params); err != nil {
			return nil, err
		}
	}
	if text := c.text(); len(text) > 0 {
		var err error
		if params, err = asText(params, text); err != nil {
			return nil, err
		}
	}
	return sdkjson.Decode(c.service.Model, c.model, params)
}

// text lists the members whose values may be JSON, and are sent as its text.
// Of AWS SDK integrations these are the inputs and outputs of executions and tasks.
func (c *call) text() []string {
	switch {
	case c.optimized != nil:
		return c.optimized.text
	case c.service.Model.ServiceID == "SFN":
		return []string{"Input", "Output"}
	}
	return nil
}

// asText turns members that are JSON values into their text, as optimized
// integrations do for messages and inputs. A null is left out.
func asText(params json.RawMessage, members []string) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(params, &all); err != nil {
		return nil, fmt.Errorf("cannot read parameters: %w", err)
	}
	for _, m := range members {
		v := bytes.TrimSpace(all[m])
		switch {
		case len(v) == 0 || v[0] == '"':
		case string(v) == "null":
			delete(all, m)
		default:
			text, err := json.Marshal(string(v))
			if err != nil {
				return nil, err
			}
			all[m] = text
		}
	}
	return json.Marshal(all)
}

// output writes what the operation answered.
func (c *call) output(out any, requestID string) ([]byte, error) {
	if c.optimized == nil {
		asSDKReads(out)
		return sdkjson.Encode(c.service.Model, c.model, out)
	}
	if c.optimized.output != nil {
		if text, done, err := c.optimized.output(out); done || err != nil {
			return text, err
		}
	}
	return c.optimizedOutput(out, requestID)
}

// failure names an error of the operation.
func (c *call) failure(err error, requestID string) (name, cause string) {
	e := awserr.From(err)
	if e == nil {
		e = awserr.Internal()
	}
	if e.HTTPStatus() == 501 && e.Code == "NotImplemented" {
		return errNotHere, e.Message
	}
	if c.optimized == nil {
		return sdkjson.ErrorName(c.service.Model, e), sdkjson.Cause(c.service.Model, e, requestID)
	}
	return c.optimizedFailure(e, requestID)
}

// repeatable are the verbs of operations that read, set a state, or send
// messages that are delivered at least once anyway.
var repeatable = []string{
	"Assume", "BatchDelete", "BatchGet", "BatchStop", "Cancel", "Check", "Copy", "Delete", "Describe", "Filter", "Get", "Head",
	"List", "Lookup", "Publish", "Put", "Query", "Scan", "Search", "Select", "SendMessage", "Set", "Simulate", "Stop", "Tag",
	"Untag", "Update", "Validate",
}

// repeat reports whether the call can be made again where it is not known
// whether it took effect; doc.go says why.
func (c *call) repeat() bool {
	name := c.operation.Name
	if slices.ContainsFunc(repeatable, func(verb string) bool { return strings.HasPrefix(name, verb) }) {
		return true
	}
	switch c.service.Name + ":" + name {
	case "states:StartExecution", "states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat", "glue:StartJobRun", "sns:CreateTopic":
		return true
	}
	for _, m := range c.service.Model.Shape(c.model.Input).Members {
		if m.IdempotencyToken {
			return true
		}
	}
	return false
}

// complete fills in what makes a repeated call the same call: idempotency
// tokens, and the name of a started execution.
func (c *call) complete(in any, token string) {
	v := reflect.ValueOf(in).Elem()
	for i, m := range c.service.Model.Shape(c.model.Input).Members {
		named := c.service.Name == "states" && c.operation.Name == "StartExecution" && m.Name == "name"
		if !m.IdempotencyToken && !named {
			continue
		}
		if f := v.Field(i); f.Kind() == reflect.Pointer && f.IsNil() && f.Type().Elem().Kind() == reflect.String {
			f.Set(reflect.ValueOf(&token))
		}
	}
}

// codecs validate the inputs of calls, as the doors do with those of requests.
type codecs struct{ byModel sync.Map }

func (c *codecs) of(m *awsapi.Model) *wire.Codec {
	if known, ok := c.byModel.Load(m); ok {
		return known.(*wire.Codec)
	}
	made, _ := c.byModel.LoadOrStore(m, wire.New(m))
	return made.(*wire.Codec)
}
