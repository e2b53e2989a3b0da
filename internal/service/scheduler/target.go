package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/awsapi"
	"stepwell/internal/awsapi/events"
	api "stepwell/internal/awsapi/scheduler"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/wire/sdkjson"
)

const universal = "aws-sdk:"

// isUniversal reports whether an ARN is that of a universal target.
func isUniversal(arn string) bool {
	a, _ := bus.ParseARN(arn)
	return a.Service == "scheduler" && strings.HasPrefix(a.Resource, universal)
}

// templated are the templated targets ("Using templated targets", user guide) by the
// service of their ARN; those without an operation are refused by name.
var templated = map[string]string{
	"lambda": "Invoke", "states": "StartExecution", "sqs": "SendMessage", "sns": "Publish", "events": "PutEvents",
	"codebuild": "", "codepipeline": "", "ecs": "", "firehose": "", "inspector": "", "kinesis": "", "sagemaker": "",
}

// serviceARN is a target in the form of a universal one, as dead-letter queues hear of
// it: arn:aws:scheduler:::aws-sdk:sqs:sendMessage.
func serviceARN(arn string) string {
	a, _ := bus.ParseARN(arn)
	operation := templated[a.Service]
	if operation == "" {
		return arn
	}
	name := map[string]string{"states": "sfn", "events": "eventbridge"}[a.Service]
	if name == "" {
		name = a.Service
	}
	return "arn:aws:scheduler:::" + universal + name + ":" + strings.ToLower(operation[:1]) + operation[1:]
}

// checkTarget refuses a target that no invocation could reach.
func (s *Service) checkTarget(t *api.Target) error {
	a, ok := bus.ParseARN(*t.Arn)
	if !ok {
		return invalid("Invalid Target Arn %s. Provided Arn is not in correct format.", *t.Arn)
	}
	if isUniversal(*t.Arn) {
		return s.checkUniversal(a, t)
	}
	operation, known := templated[a.Service]
	switch {
	case !known:
		return invalid("%s is not a supported service for a target.", a.Service)
	case operation == "":
		return awserr.NotImplemented("scheduler: templated targets of " + a.Service)
	case a.Service == "events" && t.EventBridgeParameters == nil:
		return invalid("EventBridgeParameters must be provided for an EventBridge target.")
	case a.Service == "sqs" && strings.HasSuffix(a.Resource, ".fifo") && (t.SqsParameters == nil || t.SqsParameters.MessageGroupId == nil):
		return invalid("SqsParameters.MessageGroupId must be provided for a FIFO queue.")
	}
	// Lambda, Step Functions and EventBridge take JSON, the others any text.
	if t.Input != nil && a.Service != "sqs" && a.Service != "sns" && !json.Valid([]byte(*t.Input)) {
		return invalid("Invalid Input provided. The Input must be well-formed JSON.")
	}
	return nil
}

// readOnly are the verbs of operations that universal targets cannot call ("Using
// universal targets": unsupported actions).
var readOnly = []string{
	"get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover", "validate", "batchGet",
	"batchDescribe", "batchRead", "transactGet", "adminGet", "adminList", "testMigration", "retrieve", "testConnection", "translateDocument",
	"isAuthorized", "invokeModel",
}

// operation finds the operation of a universal target: aws-sdk:service:operation.
func (s *Service) operation(a bus.ARN) (service *bus.Service, op *bus.Operation, model *awsapi.Operation, err error) {
	name, action, ok := strings.Cut(strings.TrimPrefix(a.Resource, universal), ":")
	if !ok || action == "" {
		return nil, nil, nil, invalid("Invalid Target Arn %s. Provided Arn is not in correct format.", a)
	}
	i := slices.IndexFunc(s.Catalog.Services(), func(v *bus.Service) bool { return v.Model != nil && sdkName(v.Model) == name })
	if i < 0 {
		return nil, nil, nil, awserr.NotImplemented("service " + name)
	}
	if slices.ContainsFunc(readOnly, func(verb string) bool { return strings.HasPrefix(action, verb) }) {
		return nil, nil, nil, invalid("%s is not a supported operation of %s for a target.", action, name)
	}
	found := s.Catalog.Services()[i]
	service, op = s.Catalog.Lookup(found.Name, strings.ToUpper(action[:1])+action[1:])
	if op == nil || op.Handle == nil {
		return nil, nil, nil, awserr.NotImplemented(found.Name + ":" + strings.ToUpper(action[:1]) + action[1:])
	}
	if model = service.Model.Operation(op.Name); model == nil || !model.Modelled {
		return nil, nil, nil, awserr.NotImplemented(found.Name + ":" + op.Name)
	}
	return service, op, model, nil
}

// sdkName is the service's name in the ARNs of universal targets: "Redshift Data" is
// redshiftdata.
func sdkName(m *awsapi.Model) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(m.ServiceID))
}

// checkUniversal checks the names in the input of a universal target. Values may hold
// context attributes; they are read when the target is invoked.
func (s *Service) checkUniversal(a bus.ARN, t *api.Target) error {
	service, _, model, err := s.operation(a)
	if err != nil {
		return err
	}
	var parameters any = map[string]any{}
	if t.Input != nil {
		if json.Unmarshal([]byte(*t.Input), &parameters) != nil {
			return invalid("Invalid RequestJson provided. Reason The Input must be well-formed JSON.")
		}
	}
	if problems := sdkjson.Check(service.Model, model, parameters, false); len(problems) > 0 {
		return invalid("Invalid RequestJson provided. Reason %s", strings.ReplaceAll(problems.Error(), " by Step Functions", ""))
	}
	return nil
}

// send makes one attempt.
func (s *Service) send(ctx context.Context, i *invocation, input string) error {
	arn := *i.Target.Arn
	a, _ := bus.ParseARN(arn)
	if isUniversal(arn) {
		return s.sendUniversal(ctx, a, input)
	}
	if a.Service == "events" {
		return s.putEvent(s.sender().At(ctx, a), &i.Target, input)
	}
	m := &notify.Message{Body: input, Execution: i.id(16, 0)}
	if p := i.Target.SqsParameters; p != nil {
		m.Group = p.MessageGroupId
	}
	return s.sender().Send(ctx, arn, m)
}

func (s *Service) putEvent(ctx context.Context, t *api.Target, input string) error {
	p := t.EventBridgeParameters
	out, err := bus.Invoke[events.PutEventsOutput](ctx, s.Bus, "events", "PutEvents", &events.PutEventsInput{Entries: []events.PutEventsRequestEntry{
		{EventBusName: t.Arn, DetailType: p.DetailType, Source: p.Source, Detail: &input},
	}})
	if err != nil {
		return err
	}
	if value(out.FailedEntryCount) > 0 {
		return awserr.New(400, value(out.Entries[0].ErrorCode), "%s", value(out.Entries[0].ErrorMessage))
	}
	return nil
}

// sendUniversal calls the operation of a universal target.
func (s *Service) sendUniversal(ctx context.Context, a bus.ARN, input string) error {
	service, op, model, err := s.operation(a)
	if err != nil {
		return notify.Refuse(err)
	}
	in, err := sdkjson.Decode(service.Model, model, []byte(input))
	if err != nil {
		return notify.Refuse(invalid("Invalid RequestJson provided. Reason %s", err))
	}
	out, err := s.Bus.Invoke(ctx, service.Name, op.Name, in)
	if err != nil {
		return err
	}
	if p, ok := out.(*events.PutEventsOutput); ok && value(p.FailedEntryCount) > 0 {
		return fmt.Errorf("%d entries were not put", *p.FailedEntryCount)
	}
	return nil
}
