package lambdatype

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/service/cloudformation/resource"
)

func layerVersion() resource.Type {
	return resource.Type{
		Name:       "AWS::Lambda::LayerVersion",
		Required:   []string{"Content"},
		Optional:   []string{"CompatibleArchitectures", "CompatibleRuntimes", "Description", "LayerName", "LicenseInfo"},
		Attributes: []string{"LayerVersionArn"},
		Create:     publishLayer,
		Delete: func(ctx context.Context, r *resource.Request) error {
			name, number, err := layerOf(r.ID)
			if err != nil {
				return err
			}
			return resource.Unless(do(ctx, r, "DeleteLayerVersion", &lambda.DeleteLayerVersionInput{LayerName: &name, VersionNumber: &number}), gone)
		},
	}
}

func publishLayer(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &lambda.PublishLayerVersionInput{}
	if err := resource.Decode(r.Properties, in, nil); err != nil {
		return nil, err
	}
	in.LayerName = new(r.Name("LayerName", 64))
	if r.Again && r.Text("LayerName") == "" { // a generated name is this resource's alone
		out, err := invoke[lambda.ListLayerVersionsOutput](ctx, r, "ListLayerVersions", &lambda.ListLayerVersionsInput{LayerName: in.LayerName})
		if err == nil && len(out.LayerVersions) > 0 {
			return layerMade(*out.LayerVersions[0].LayerVersionArn), nil
		}
	}
	out, err := invoke[lambda.PublishLayerVersionOutput](ctx, r, "PublishLayerVersion", in)
	if err != nil {
		return nil, err
	}
	return layerMade(*out.LayerVersionArn), nil
}

func layerMade(arn string) *resource.Made {
	return &resource.Made{ID: arn, Attributes: map[string]any{"LayerVersionArn": arn}}
}

// layerOf splits the ARN of a layer version into the layer's ARN and the number.
func layerOf(arn string) (name string, number int64, err error) {
	i := strings.LastIndex(arn, ":")
	if i >= 0 {
		name = arn[:i]
		number, err = strconv.ParseInt(arn[i+1:], 10, 64)
	}
	if i < 0 || err != nil {
		return "", 0, fmt.Errorf("#/LayerVersionArn: %s is not the ARN of a layer version", arn)
	}
	return name, number, nil
}

func layerPermission() resource.Type {
	return resource.Type{
		Name:       "AWS::Lambda::LayerVersionPermission",
		Required:   []string{"Action", "LayerVersionArn", "Principal"},
		Optional:   []string{"OrganizationId"},
		Attributes: []string{"Id"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &lambda.AddLayerVersionPermissionInput{}
			if err := resource.Decode(r.Properties, in, left("LayerVersionArn")); err != nil {
				return nil, err
			}
			name, number, err := layerOf(r.Text("LayerVersionArn"))
			if err != nil {
				return nil, err
			}
			in.LayerName, in.VersionNumber, in.StatementId = &name, &number, new(r.Name("", 100))
			if err := do(ctx, r, "AddLayerVersionPermission", in); err != nil && !(r.Again && resource.Is(err, conflict)) {
				return nil, err
			}
			id := r.Text("LayerVersionArn") + "#" + *in.StatementId
			return &resource.Made{ID: id, Attributes: map[string]any{"Id": id}}, nil
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			arn, statement, _ := strings.Cut(r.ID, "#")
			name, number, err := layerOf(arn)
			if err != nil {
				return err
			}
			in := &lambda.RemoveLayerVersionPermissionInput{LayerName: &name, VersionNumber: &number, StatementId: &statement}
			return resource.Unless(do(ctx, r, "RemoveLayerVersionPermission", in), gone)
		},
	}
}
