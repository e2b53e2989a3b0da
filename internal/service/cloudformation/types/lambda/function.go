package lambdatype

import (
	"context"
	"fmt"
	"time"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awserr"
	"stepwell/internal/service/cloudformation/resource"
)

// configuration are the properties that UpdateFunctionConfiguration changes.
var configuration = []string{"DeadLetterConfig", "Description", "Environment", "EphemeralStorage", "Handler", "KmsKeyArn",
	"Layers", "LoggingConfig", "MemorySize", "Role", "Runtime", "SnapStart", "Timeout", "TracingConfig", "VpcConfig"}

func function() resource.Type {
	return resource.Type{
		Name:     "AWS::Lambda::Function",
		Required: []string{"Code", "Role"},
		Optional: append([]string{"Architectures", "FunctionName", "PackageType", "RecursiveLoop", "ReservedConcurrentExecutions",
			"RuntimeManagementConfig", "Tags"}, minus(configuration, "Role")...),
		Refused: []string{"CapacityProviderConfig", "CodeSigningConfigArn", "DurableConfig", "FileSystemConfigs",
			"FunctionScalingConfig", "ImageConfig", "PublishToLatestPublished", "TenancyConfig"},
		Attributes:  []string{"Arn", "SnapStartResponse.ApplyOn", "SnapStartResponse.OptimizationStatus"},
		Replacement: []string{"FunctionName", "PackageType"},
		Create:      createFunction, Update: updateFunction,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteFunction", &lambda.DeleteFunctionInput{FunctionName: &r.ID}), gone)
		},
	}
}

func minus(names []string, without string) []string {
	var rest []string
	for _, n := range names {
		if n != without {
			rest = append(rest, n)
		}
	}
	return rest
}

// refused is the error of values that cannot be honoured.
func refused(r *resource.Request) error {
	if m, _ := r.Properties["RuntimeManagementConfig"].(map[string]any); m["UpdateRuntimeOn"] != nil && m["UpdateRuntimeOn"] != "Auto" {
		return awserr.NotImplemented(fmt.Sprintf("AWS::Lambda::Function property RuntimeManagementConfig: %v", m["UpdateRuntimeOn"]))
	}
	if loop := r.Text("RecursiveLoop"); loop != "" && loop != "Allow" {
		return awserr.NotImplemented("AWS::Lambda::Function property RecursiveLoop: " + loop)
	}
	return nil
}

// code is the Code property, with inline code as an archive.
func code(r *resource.Request) (*lambda.FunctionCode, error) {
	m, _ := r.Properties["Code"].(map[string]any)
	for _, name := range []string{"SourceKMSKeyArn", "S3ObjectStorageMode"} {
		if m[name] != nil && m[name] != "COPY" {
			return nil, awserr.NotImplemented("AWS::Lambda::Function property Code/" + name)
		}
	}
	c := &lambda.FunctionCode{}
	in := struct{ Code *lambda.FunctionCode }{c}
	if err := resource.Decode(r.Only("Code"), &in, left("Code/ZipFile", "Code/SourceKMSKeyArn", "Code/S3ObjectStorageMode")); err != nil {
		return nil, err
	}
	if source, ok := resource.Text(m["ZipFile"]); ok {
		archive, err := inline(r.Text("Runtime"), source)
		if err != nil {
			return nil, err
		}
		in.Code.ZipFile = archive
	}
	return in.Code, nil
}

func createFunction(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if err := refused(r); err != nil {
		return nil, err
	}
	in := &lambda.CreateFunctionInput{}
	err := resource.Decode(r.Properties, in, left("Code", "ReservedConcurrentExecutions", "RecursiveLoop", "RuntimeManagementConfig", "Tags"))
	if err != nil {
		return nil, err
	}
	if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, in, nil); err != nil {
		return nil, err
	}
	if in.Code, err = code(r); err != nil {
		return nil, err
	}
	in.FunctionName = new(r.Name("FunctionName", 64))
	if err := do(ctx, r, "CreateFunction", in); err != nil && !(r.Again && resource.Is(err, conflict)) {
		return nil, err
	}
	r.ID = *in.FunctionName
	made, err := settled(ctx, r)
	if err != nil {
		return &resource.Made{ID: r.ID}, err
	}
	return made, reserve(ctx, r)
}

// settled waits until the function r.ID can be invoked, or changed again.
func settled(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	var c *lambda.GetFunctionConfigurationOutput
	err := r.Wait(ctx, 100*time.Millisecond, 10*time.Minute, func() (ok bool, err error) {
		c, err = invoke[lambda.GetFunctionConfigurationOutput](ctx, r, "GetFunctionConfiguration", &lambda.GetFunctionConfigurationInput{FunctionName: &r.ID})
		if err != nil {
			return false, err
		}
		if value(c.State) == lambda.StateFailed {
			return false, fmt.Errorf("Resource %s did not stabilize: %s", r.ID, value(c.StateReason)) //nolint:staticcheck // CloudFormation's words
		}
		if value(c.LastUpdateStatus) == lambda.LastUpdateStatusFailed {
			return false, fmt.Errorf("Resource %s did not stabilize: %s", r.ID, value(c.LastUpdateStatusReason)) //nolint:staticcheck // the same
		}
		return value(c.State) != lambda.StatePending && value(c.LastUpdateStatus) != lambda.LastUpdateStatusInProgress, nil
	})
	if err != nil {
		return nil, err
	}
	made := &resource.Made{ID: r.ID, Attributes: map[string]any{"Arn": *c.FunctionArn}}
	if c.SnapStart != nil {
		made.Attributes["SnapStartResponse.ApplyOn"] = value(c.SnapStart.ApplyOn)
		made.Attributes["SnapStartResponse.OptimizationStatus"] = value(c.SnapStart.OptimizationStatus)
	}
	return made, nil
}

// reserve sets the function's reserved concurrency as the properties have it.
func reserve(ctx context.Context, r *resource.Request) error {
	if r.Properties["ReservedConcurrentExecutions"] == nil {
		if r.Old["ReservedConcurrentExecutions"] == nil {
			return nil
		}
		return do(ctx, r, "DeleteFunctionConcurrency", &lambda.DeleteFunctionConcurrencyInput{FunctionName: &r.ID})
	}
	in := &lambda.PutFunctionConcurrencyInput{FunctionName: &r.ID}
	if err := resource.Decode(r.Only("ReservedConcurrentExecutions"), in, nil); err != nil {
		return err
	}
	return do(ctx, r, "PutFunctionConcurrency", in)
}

func updateFunction(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if err := refused(r); err != nil {
		return nil, err
	}
	if r.AnyChanged("Code", "Architectures") || inlineNamed(r) && r.Changed("Runtime") {
		if err := updateCode(ctx, r); err != nil {
			return nil, err
		}
	}
	if r.AnyChanged(configuration...) {
		in := defaults(r)
		if err := resource.Decode(r.Only(configuration...), in, nil); err != nil {
			return nil, err
		}
		if err := do(ctx, r, "UpdateFunctionConfiguration", in); err != nil {
			return nil, err
		}
		if _, err := settled(ctx, r); err != nil {
			return nil, err
		}
	}
	if err := reserve(ctx, r); err != nil {
		return nil, err
	}
	made, err := settled(ctx, r)
	if err != nil {
		return nil, err
	}
	arn, _ := made.Attributes["Arn"].(string)
	return made, retag(ctx, r, arn)
}

// inlineNamed says whether the runtime decides over the code: inline code is
// archived by a name that depends on it.
func inlineNamed(r *resource.Request) bool {
	m, _ := r.Properties["Code"].(map[string]any)
	return m["ZipFile"] != nil
}

func updateCode(ctx context.Context, r *resource.Request) error {
	c, err := code(r)
	if err != nil {
		return err
	}
	in := &lambda.UpdateFunctionCodeInput{FunctionName: &r.ID, ZipFile: c.ZipFile, S3Bucket: c.S3Bucket, S3Key: c.S3Key,
		S3ObjectVersion: c.S3ObjectVersion, ImageUri: c.ImageUri}
	if r.Changed("Architectures") {
		in.Architectures = []string{lambda.ArchitectureX8664}
		if err := resource.Decode(r.Only("Architectures"), in, nil); err != nil {
			return err
		}
	}
	if err := do(ctx, r, "UpdateFunctionCode", in); err != nil {
		return err
	}
	_, err = settled(ctx, r)
	return err
}

// defaults is a change of the configuration to what a function has whose
// template says nothing.
func defaults(r *resource.Request) *lambda.UpdateFunctionConfigurationInput {
	return &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &r.ID, Description: new(""), Timeout: new(int64(3)), MemorySize: new(int64(128)),
		Environment: &lambda.Environment{Variables: map[string]string{}}, Layers: []string{},
		DeadLetterConfig: &lambda.DeadLetterConfig{TargetArn: new("")}, KMSKeyArn: new(""),
		TracingConfig: &lambda.TracingConfig{Mode: new(lambda.TracingModePassThrough)},
		VpcConfig:     &lambda.VpcConfig{SubnetIds: []string{}, SecurityGroupIds: []string{}}, EphemeralStorage: &lambda.EphemeralStorage{Size: new(int64(512))},
		SnapStart:     &lambda.SnapStart{ApplyOn: new(lambda.SnapStartApplyOnNone)},
		LoggingConfig: &lambda.LoggingConfig{LogFormat: new(lambda.LogFormatText), LogGroup: new("/aws/lambda/" + r.ID)},
	}
}

// retag sets the changed tags of the resource with the ARN.
func retag(ctx context.Context, r *resource.Request, arn string) error {
	return r.Retag(ctx, "lambda", &lambda.TagResourceInput{Resource: &arn}, &lambda.UntagResourceInput{Resource: &arn}, nil)
}
