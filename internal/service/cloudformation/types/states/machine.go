package statestype

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// settings are the properties that stand in Step Functions' inputs as they are.
var settings = []string{"EncryptionConfiguration", "LoggingConfiguration", "RoleArn", "TracingConfiguration"}

func machine() resource.Type {
	return resource.Type{
		Name:     "AWS::StepFunctions::StateMachine",
		Required: []string{"RoleArn"},
		Optional: []string{"Definition", "DefinitionS3Location", "DefinitionString", "DefinitionSubstitutions", "EncryptionConfiguration",
			"LoggingConfiguration", "StateMachineName", "StateMachineType", "Tags", "TracingConfiguration"},
		Attributes:  []string{"Arn", "Name", "StateMachineRevisionId"},
		Replacement: []string{"StateMachineName", "StateMachineType"},
		Create:      createMachine, Update: updateMachine, Delete: deleteMachine,
	}
}

func createMachine(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &states.CreateStateMachineInput{}
	if err := resource.Decode(r.Only(settings...), in, nil); err != nil {
		return nil, err
	}
	rest := map[string]any{"Type": r.Properties["StateMachineType"], "Tags": r.AllTags()}
	if err := resource.Decode(rest, in, nil); err != nil {
		return nil, err
	}
	text, err := definition(ctx, r)
	if err != nil {
		return nil, err
	}
	in.Name, in.Definition = new(r.Name("StateMachineName", 80)), &text
	arn := bus.From(ctx).ARN("states", "stateMachine:"+*in.Name)
	if !r.Again && do(ctx, r, "DescribeStateMachine", &states.DescribeStateMachineInput{StateMachineArn: &arn}) == nil {
		return nil, resource.AlreadyExists("AWS::StepFunctions::StateMachine", arn) // an equal one would be given
	}
	out, err := invoke[states.CreateStateMachineOutput](ctx, r, "CreateStateMachine", in)
	if err != nil {
		return nil, err
	}
	r.ID = *out.StateMachineArn
	return readMachine(ctx, r)
}

func readMachine(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	out, err := invoke[states.DescribeStateMachineOutput](ctx, r, "DescribeStateMachine", &states.DescribeStateMachineInput{StateMachineArn: &r.ID})
	if err != nil {
		return nil, err
	}
	revision := "INITIAL"
	if out.RevisionId != nil {
		revision = *out.RevisionId
	}
	return &resource.Made{ID: r.ID, Attributes: map[string]any{"Arn": r.ID, "Name": *out.Name, "StateMachineRevisionId": revision}}, nil
}

func updateMachine(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if r.AnyChanged("Definition", "DefinitionS3Location", "DefinitionString", "DefinitionSubstitutions") || r.AnyChanged(settings...) {
		in := &states.UpdateStateMachineInput{
			StateMachineArn:      &r.ID,
			LoggingConfiguration: &states.LoggingConfiguration{Level: new("OFF"), IncludeExecutionData: new(false), Destinations: []states.LogDestination{}},
			TracingConfiguration: &states.TracingConfiguration{Enabled: new(false)},
		}
		if r.Changed("EncryptionConfiguration") {
			in.EncryptionConfiguration = &states.EncryptionConfiguration{Type: new("AWS_OWNED_KEY")}
		}
		if err := resource.Decode(r.Only(settings...), in, nil); err != nil {
			return nil, err
		}
		text, err := definition(ctx, r)
		if err != nil {
			return nil, err
		}
		in.Definition = &text
		if err := do(ctx, r, "UpdateStateMachine", in); err != nil {
			return nil, err
		}
	}
	if err := retag(ctx, r); err != nil {
		return nil, err
	}
	return readMachine(ctx, r)
}

// deleteMachine waits until the executions that run have come to their end, as
// Step Functions deletes a state machine.
func deleteMachine(ctx context.Context, r *resource.Request) error {
	if err := do(ctx, r, "DeleteStateMachine", &states.DeleteStateMachineInput{StateMachineArn: &r.ID}); err != nil {
		return err
	}
	return r.Wait(ctx, 500*time.Millisecond, time.Hour, func() (bool, error) {
		err := do(ctx, r, "DescribeStateMachine", &states.DescribeStateMachineInput{StateMachineArn: &r.ID})
		return resource.Is(err, "StateMachineDoesNotExist"), resource.Unless(err, "StateMachineDoesNotExist")
	})
}

// definition is the definition that one of the three properties gives, with
// DefinitionSubstitutions put in for ${name}.
func definition(ctx context.Context, r *resource.Request) (string, error) {
	var text string
	switch given := r.Only("Definition", "DefinitionS3Location", "DefinitionString"); {
	case len(given) != 1:
		return "", fmt.Errorf("#: exactly one of Definition, DefinitionString and DefinitionS3Location must be given")
	case given["Definition"] != nil:
		b, err := json.Marshal(given["Definition"])
		if err != nil {
			return "", fmt.Errorf("cannot write the definition: %w", err)
		}
		text = string(b)
	case given["DefinitionS3Location"] != nil:
		var err error
		if text, err = stored(ctx, r); err != nil {
			return "", err
		}
	default:
		text = r.Text("DefinitionString")
	}
	values, _ := r.Properties["DefinitionSubstitutions"].(map[string]any)
	pairs := make([]string, 0, 2*len(values))
	for name, v := range values {
		value, ok := resource.Text(v)
		if !ok {
			return "", fmt.Errorf("#/DefinitionSubstitutions/%s: expected type: String, Integer or Boolean", name)
		}
		pairs = append(pairs, "${"+name+"}", value)
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	if r.Properties["DefinitionS3Location"] == nil {
		return text, nil
	}
	return asJSON(text)
}

// stored reads a definition from S3. It may be JSON or YAML only once the
// substitutions are put in: a number may stand as ${name}.
func stored(ctx context.Context, r *resource.Request) (string, error) {
	in := &s3.GetObjectInput{}
	location, _ := r.Properties["DefinitionS3Location"].(map[string]any)
	if err := resource.Decode(location, in, map[string]string{"Version": "VersionId"}); err != nil {
		return "", err
	}
	out, err := bus.Invoke[s3.GetObjectOutput](ctx, r.Bus, "s3", "GetObject", in)
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		return "", fmt.Errorf("cannot read the definition: %w", err)
	}
	return string(b), nil
}

// asJSON writes a definition that is YAML as JSON.
func asJSON(text string) (string, error) {
	if json.Valid([]byte(text)) {
		return text, nil
	}
	y, fault := syntax.FromYAML(text)
	if fault != nil {
		return "", fmt.Errorf("#/DefinitionS3Location: neither JSON nor YAML: %s", strings.Join(append([]string{fault.Text}, fault.Notes...), ": "))
	}
	return y.JSON, nil
}
