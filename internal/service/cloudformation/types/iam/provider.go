package iamtype

import (
	"context"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

func oidcProvider() resource.Type {
	return resource.Type{
		Name:        "AWS::IAM::OIDCProvider",
		Optional:    []string{"ClientIdList", "Tags", "ThumbprintList", "Url"},
		Attributes:  []string{"Arn"},
		Replacement: []string{"Url"},
		Create:      createProvider, Update: updateProvider,
		Delete: func(ctx context.Context, r *resource.Request) error {
			in := &iam.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: &r.ID}
			return resource.Unless(do(ctx, r, "DeleteOpenIDConnectProvider", in), gone)
		},
	}
}

func createProvider(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &iam.CreateOpenIDConnectProviderInput{}
	if err := resource.Decode(r.Properties, in, left("Tags")); err != nil {
		return nil, err
	}
	if err := resource.Decode(map[string]any{"Tags": r.OwnTags()}, in, nil); err != nil {
		return nil, err
	}
	out, err := invoke[iam.CreateOpenIDConnectProviderOutput](ctx, r, "CreateOpenIDConnectProvider", in)
	switch {
	case err == nil:
		return providerMade(*out.OpenIDConnectProviderArn), nil
	case r.Again && resource.Is(err, exists): // the ARN is made of the URL
		return providerMade("arn:aws:iam::" + bus.From(ctx).Account + ":oidc-provider/" + strings.TrimPrefix(r.Text("Url"), "https://")), nil
	}
	return nil, err
}

func providerMade(arn string) *resource.Made {
	return &resource.Made{ID: arn, Attributes: map[string]any{"Arn": arn}}
}

func updateProvider(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if r.Changed("ThumbprintList") {
		in := &iam.UpdateOpenIDConnectProviderThumbprintInput{OpenIDConnectProviderArn: &r.ID, ThumbprintList: list(r.Properties, "ThumbprintList")}
		if err := do(ctx, r, "UpdateOpenIDConnectProviderThumbprint", in); err != nil {
			return nil, err
		}
	}
	now, before := list(r.Properties, "ClientIdList"), list(r.Old, "ClientIdList")
	for _, id := range minus(now, before) {
		in := &iam.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: &r.ID, ClientID: &id}
		if err := do(ctx, r, "AddClientIDToOpenIDConnectProvider", in); err != nil {
			return nil, err
		}
	}
	for _, id := range minus(before, now) {
		in := &iam.RemoveClientIDFromOpenIDConnectProviderInput{OpenIDConnectProviderArn: &r.ID, ClientID: &id}
		if err := do(ctx, r, "RemoveClientIDFromOpenIDConnectProvider", in); err != nil {
			return nil, err
		}
	}
	tag := &iam.TagOpenIDConnectProviderInput{OpenIDConnectProviderArn: &r.ID}
	untag := &iam.UntagOpenIDConnectProviderInput{OpenIDConnectProviderArn: &r.ID}
	return providerMade(r.ID), r.Retag(ctx, "iam", tag, untag, nil)
}
