package events

import (
	"context"
	"encoding/json"
	"fmt"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// Authorization types.
const (
	apiKey = "API_KEY"
	basic  = "BASIC"
	oauth  = "OAUTH_CLIENT_CREDENTIALS"
)

// credentials are what the secret of a connection holds, as JSON.
type credentials struct {
	APIKeyName            *string     `json:"api_key_name,omitempty"`
	APIKeyValue           *string     `json:"api_key_value,omitempty"`
	Username              *string     `json:"username,omitempty"`
	Password              *string     `json:"password,omitempty"`
	ClientID              *string     `json:"client_id,omitempty"`
	ClientSecret          *string     `json:"client_secret,omitempty"`
	AuthorizationEndpoint *string     `json:"authorization_endpoint,omitempty"`
	HTTPMethod            *string     `json:"http_method,omitempty"`
	OAuth                 *parameters `json:"oauth_http_parameters,omitempty"`
	Invocation            *parameters `json:"invocation_http_parameters,omitempty"`
}

// parameters are sent with a request.
type parameters struct {
	Header []parameter `json:"header_parameters,omitempty"`
	Query  []parameter `json:"query_string_parameters,omitempty"`
	Body   []parameter `json:"body_parameters,omitempty"`
}

type parameter struct {
	Key    *string `json:"key"`
	Value  *string `json:"value"`
	Secret *bool   `json:"is_value_secret"`
}

func parametersOf(p *api.ConnectionHttpParameters) *parameters {
	if p == nil {
		return nil
	}
	q := &parameters{}
	for _, x := range p.HeaderParameters {
		q.Header = append(q.Header, parameter{x.Key, x.Value, new(value(x.IsValueSecret))})
	}
	for _, x := range p.QueryStringParameters {
		q.Query = append(q.Query, parameter{x.Key, x.Value, new(value(x.IsValueSecret))})
	}
	for _, x := range p.BodyParameters {
		q.Body = append(q.Body, parameter{x.Key, x.Value, new(value(x.IsValueSecret))})
	}
	return q
}

// shown are the parameters without the values that are secret.
func (p *parameters) shown() *api.ConnectionHttpParameters {
	if p == nil {
		return nil
	}
	visible := func(x parameter) *string {
		if value(x.Secret) {
			return nil
		}
		return x.Value
	}
	s := &api.ConnectionHttpParameters{}
	for _, x := range p.Header {
		s.HeaderParameters = append(s.HeaderParameters, api.ConnectionHeaderParameter{Key: x.Key, Value: visible(x), IsValueSecret: x.Secret})
	}
	for _, x := range p.Query {
		s.QueryStringParameters = append(s.QueryStringParameters, api.ConnectionQueryStringParameter{Key: x.Key, Value: visible(x), IsValueSecret: x.Secret})
	}
	for _, x := range p.Body {
		s.BodyParameters = append(s.BodyParameters, api.ConnectionBodyParameter{Key: x.Key, Value: visible(x), IsValueSecret: x.Secret})
	}
	return s
}

// shown is what DescribeConnection says of the credentials.
func (c *credentials) shown(kind string) *api.ConnectionAuthResponseParameters {
	s := &api.ConnectionAuthResponseParameters{InvocationHttpParameters: c.Invocation.shown()}
	switch kind {
	case apiKey:
		s.ApiKeyAuthParameters = &api.ConnectionApiKeyAuthResponseParameters{ApiKeyName: c.APIKeyName}
	case basic:
		s.BasicAuthParameters = &api.ConnectionBasicAuthResponseParameters{Username: c.Username}
	case oauth:
		s.OAuthParameters = &api.ConnectionOAuthResponseParameters{
			ClientParameters:      &api.ConnectionOAuthClientResponseParameters{ClientID: c.ClientID},
			AuthorizationEndpoint: c.AuthorizationEndpoint, HttpMethod: c.HTTPMethod, OAuthHttpParameters: c.OAuth.shown(),
		}
	}
	return s
}

// check finds what an authorization of that type lacks.
func (c *credentials) check(kind string) *awserr.Error {
	complete := false
	switch kind {
	case apiKey:
		complete = c.APIKeyName != nil && c.APIKeyValue != nil
	case basic:
		complete = c.Username != nil && c.Password != nil
	case oauth:
		complete = c.ClientID != nil && c.ClientSecret != nil && c.AuthorizationEndpoint != nil && c.HTTPMethod != nil
	}
	if !complete {
		return validation("Authorization parameters do not match the authorization type %s.", kind)
	}
	return nil
}

// take overwrites what p gives.
func (c *credentials) take(p *api.UpdateConnectionAuthRequestParameters) {
	set := func(to **string, from *string) {
		if from != nil {
			*to = from
		}
	}
	if k := p.ApiKeyAuthParameters; k != nil {
		set(&c.APIKeyName, k.ApiKeyName)
		set(&c.APIKeyValue, k.ApiKeyValue)
	}
	if b := p.BasicAuthParameters; b != nil {
		set(&c.Username, b.Username)
		set(&c.Password, b.Password)
	}
	if o := p.OAuthParameters; o != nil {
		if o.ClientParameters != nil {
			set(&c.ClientID, o.ClientParameters.ClientID)
			set(&c.ClientSecret, o.ClientParameters.ClientSecret)
		}
		set(&c.AuthorizationEndpoint, o.AuthorizationEndpoint)
		set(&c.HTTPMethod, o.HttpMethod)
		if o.OAuthHttpParameters != nil {
			c.OAuth = parametersOf(o.OAuthHttpParameters)
		}
	}
	if p.InvocationHttpParameters != nil {
		c.Invocation = parametersOf(p.InvocationHttpParameters)
	}
}

// keep puts the credentials into the connection's secret, which it makes where
// the connection has none.
func (s *Service) keep(ctx context.Context, c *connection, cr *credentials) error {
	text, err := json.Marshal(cr)
	if err != nil {
		return fmt.Errorf("cannot write credentials: %w", err)
	}
	if c.SecretARN != "" {
		_, err = s.Bus.Invoke(ctx, "secretsmanager", "PutSecretValue",
			&secretsmanager.PutSecretValueInput{SecretId: &c.SecretARN, SecretString: new(string(text)), ClientRequestToken: new(s.IDs.UUID())})
		return err
	}
	out, err := bus.Invoke[secretsmanager.CreateSecretOutput](ctx, s.Bus, "secretsmanager", "CreateSecret", &secretsmanager.CreateSecretInput{
		Name: new("events!connection/" + c.Name + "/" + s.IDs.UUID()), SecretString: new(string(text)), ClientRequestToken: new(s.IDs.UUID()),
	})
	if err != nil {
		return err
	}
	c.SecretARN = value(out.ARN)
	return nil
}

// kept reads the credentials of a connection.
func (s *Service) kept(ctx context.Context, c *connection) (*credentials, error) {
	cr := &credentials{}
	if c.SecretARN == "" {
		return cr, nil
	}
	out, err := bus.Invoke[secretsmanager.GetSecretValueOutput](ctx, s.Bus, "secretsmanager", "GetSecretValue",
		&secretsmanager.GetSecretValueInput{SecretId: &c.SecretARN})
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(value(out.SecretString)), cr); err != nil {
		return nil, fmt.Errorf("cannot read the credentials of connection %s: %w", c.Name, err)
	}
	return cr, nil
}

// drop deletes the secret of a connection.
func (s *Service) drop(ctx context.Context, c *connection) error {
	if c.SecretARN == "" {
		return nil
	}
	_, err := s.Bus.Invoke(ctx, "secretsmanager", "DeleteSecret",
		&secretsmanager.DeleteSecretInput{SecretId: &c.SecretARN, ForceDeleteWithoutRecovery: new(true)})
	if e := awserr.From(err); e != nil && e.Code == "ResourceNotFoundException" {
		return nil
	}
	return err
}
