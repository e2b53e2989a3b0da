package lambdatype

import (
	"context"
	"strconv"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awserr"
	"stepwell/internal/service/cloudformation/resource"
)

// version is a published version: what a change of any property makes anew.
func version() resource.Type {
	return resource.Type{
		Name:       "AWS::Lambda::Version",
		Required:   []string{"FunctionName"},
		Optional:   []string{"CodeSha256", "Description"},
		Refused:    []string{"FunctionScalingConfig", "ProvisionedConcurrencyConfig", "RuntimePolicy"},
		Attributes: []string{"Version", "FunctionArn"},
		Create:     publish,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteFunction", &lambda.DeleteFunctionInput{FunctionName: &r.ID}), gone)
		},
	}
}

func publish(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &lambda.PublishVersionInput{}
	if err := resource.Decode(r.Properties, in, nil); err != nil {
		return nil, err
	}
	newest, err := newestVersion(ctx, r, *in.FunctionName)
	if err != nil {
		return nil, err
	}
	out, err := invoke[lambda.PublishVersionOutput](ctx, r, "PublishVersion", in)
	if err != nil {
		return nil, err
	}
	if n, _ := strconv.Atoi(*out.Version); n <= newest && !r.Again { // nothing to publish: Lambda gives the version there is
		return nil, awserr.New(409, "AlreadyExists",
			"A version for this Lambda function exists ( %d ). Modify the function to create a new version.", n)
	}
	return &resource.Made{ID: *out.FunctionArn, Attributes: map[string]any{"Version": *out.Version, "FunctionArn": *out.FunctionArn}}, nil
}

// newestVersion is the number of the last published version, 0 for none.
func newestVersion(ctx context.Context, r *resource.Request, function string) (int, error) {
	newest, in := 0, &lambda.ListVersionsByFunctionInput{FunctionName: &function}
	for {
		out, err := invoke[lambda.ListVersionsByFunctionOutput](ctx, r, "ListVersionsByFunction", in)
		if err != nil {
			return 0, err
		}
		for _, v := range out.Versions {
			if n, err := strconv.Atoi(value(v.Version)); err == nil { // $LATEST is none
				newest = max(newest, n)
			}
		}
		if in.Marker = out.NextMarker; in.Marker == nil {
			return newest, nil
		}
	}
}

func alias() resource.Type {
	return resource.Type{
		Name:        "AWS::Lambda::Alias",
		Required:    []string{"FunctionName", "FunctionVersion", "Name"},
		Optional:    []string{"Description", "RoutingConfig"},
		Refused:     []string{"ProvisionedConcurrencyConfig"},
		Attributes:  []string{"AliasArn"},
		Replacement: []string{"FunctionName", "Name"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &lambda.CreateAliasInput{}
			if err := resource.Decode(r.Properties, in, left("RoutingConfig")); err != nil {
				return nil, err
			}
			var err error
			if in.RoutingConfig, err = routing(r); err != nil {
				return nil, err
			}
			out, err := invoke[lambda.CreateAliasOutput](ctx, r, "CreateAlias", in)
			if r.Again && resource.Is(err, conflict) {
				return updateAlias(ctx, r)
			}
			if err != nil {
				return nil, err
			}
			return &resource.Made{ID: *out.AliasArn, Attributes: map[string]any{"AliasArn": *out.AliasArn}}, nil
		},
		Update: updateAlias,
		Delete: func(ctx context.Context, r *resource.Request) error {
			in := &lambda.DeleteAliasInput{FunctionName: new(r.Text("FunctionName")), Name: new(r.Text("Name"))}
			return resource.Unless(do(ctx, r, "DeleteAlias", in), gone)
		},
	}
}

func updateAlias(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &lambda.UpdateAliasInput{Description: new("")}
	if err := resource.Decode(r.Properties, in, left("RoutingConfig")); err != nil {
		return nil, err
	}
	var err error
	if in.RoutingConfig, err = routing(r); err != nil {
		return nil, err
	}
	out, err := invoke[lambda.UpdateAliasOutput](ctx, r, "UpdateAlias", in)
	if err != nil {
		return nil, err
	}
	return &resource.Made{ID: *out.AliasArn, Attributes: map[string]any{"AliasArn": *out.AliasArn}}, nil
}

// routing is the RoutingConfig property: a list of versions and weights there,
// a map in Lambda.
func routing(r *resource.Request) (*lambda.AliasRoutingConfiguration, error) {
	given := struct {
		RoutingConfig struct {
			AdditionalVersionWeights []struct {
				FunctionVersion *string
				FunctionWeight  *float64
			}
		}
	}{}
	if err := resource.Decode(r.Only("RoutingConfig"), &given, nil); err != nil {
		return nil, err
	}
	to := &lambda.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}}
	for _, w := range given.RoutingConfig.AdditionalVersionWeights {
		to.AdditionalVersionWeights[value(w.FunctionVersion)] = value(w.FunctionWeight)
	}
	return to, nil
}

func permission() resource.Type {
	names := []string{"Action", "FunctionName", "Principal"}
	optional := []string{"EventSourceToken", "FunctionUrlAuthType", "PrincipalOrgID", "SourceAccount", "SourceArn"}
	return resource.Type{
		Name:       "AWS::Lambda::Permission",
		Required:   names,
		Optional:   optional,
		Refused:    []string{"InvokedViaFunctionUrl"},
		Attributes: []string{"Id"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &lambda.AddPermissionInput{}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			in.StatementId = new(r.Name("", 100))
			if err := do(ctx, r, "AddPermission", in); err != nil && !(r.Again && resource.Is(err, conflict)) {
				return nil, err
			}
			return &resource.Made{ID: *in.StatementId, Attributes: map[string]any{"Id": *in.StatementId}}, nil
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			in := &lambda.RemovePermissionInput{FunctionName: new(r.Text("FunctionName")), StatementId: &r.ID}
			return resource.Unless(do(ctx, r, "RemovePermission", in), gone)
		},
	}
}
