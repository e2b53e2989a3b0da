package states

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	asl "stepwell/internal/asl/value"
	"stepwell/internal/awsapi/events"
	"stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

// httpCredentials are the secret of an EventBridge connection.
type httpCredentials struct {
	APIKeyName    string         `json:"api_key_name"`
	APIKeyValue   string         `json:"api_key_value"`
	Username      *string        `json:"username"`
	Password      string         `json:"password"`
	ClientID      string         `json:"client_id"`
	ClientSecret  string         `json:"client_secret"`
	TokenEndpoint string         `json:"authorization_endpoint"`
	TokenMethod   string         `json:"http_method"`
	TokenRequest  httpParameters `json:"oauth_http_parameters"`
	Invocation    httpParameters `json:"invocation_http_parameters"`
}

// httpParameters are what a connection adds to requests.
type httpParameters struct {
	Header []httpParameter `json:"header_parameters"`
	Query  []httpParameter `json:"query_string_parameters"`
	Body   []httpParameter `json:"body_parameters"`
}

type httpParameter struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func connectionFault(name, cause string) error {
	return &httpFault{"Events.ConnectionResource." + name, cause}
}

// connectionCredentials reads what a connection authorizes with.
func (s *Service) connectionCredentials(ctx context.Context, arn string) (*httpCredentials, error) {
	a, ok := bus.ParseARN(arn)
	parts := strings.Split(a.Resource, "/")
	if !ok || a.Service != "events" || len(parts) < 2 || parts[0] != "connection" {
		return nil, runtimeFault("The value of ConnectionArn is not the ARN of a connection: %s", arn)
	}
	caller := bus.From(ctx)
	caller.Account, caller.Region = a.Account, a.Region
	ctx = bus.With(ctx, caller)
	c, err := bus.Invoke[events.DescribeConnectionOutput](ctx, s.Bus, "events", "DescribeConnection", &events.DescribeConnectionInput{Name: &parts[1]})
	if e := awserr.From(err); e != nil && e.Code == "ResourceNotFoundException" || err == nil && value(c.ConnectionArn) != arn {
		return nil, connectionFault("ResourceNotFound", "Connection with Arn '"+arn+"' does not exist.")
	} else if err != nil {
		return nil, connectionFault("InternalError", err.Error())
	}
	switch state := value(c.ConnectionState); state {
	case "AUTHORIZED":
	case "AUTHORIZING", "CREATING", "UPDATING":
		return nil, connectionFault("AuthInProgress", "Connection with Arn '"+arn+"' is in state "+state+".")
	default:
		return nil, connectionFault("InvalidConnectionState", "Connection with Arn '"+arn+"' is in state "+state+".")
	}
	secret, err := bus.Invoke[secretsmanager.GetSecretValueOutput](ctx, s.Bus, "secretsmanager", "GetSecretValue",
		&secretsmanager.GetSecretValueInput{SecretId: c.SecretArn})
	if err != nil {
		return nil, connectionFault("InternalError", "The secret of connection '"+arn+"' cannot be read: "+err.Error())
	}
	cr := &httpCredentials{}
	if err := json.Unmarshal([]byte(value(secret.SecretString)), cr); err != nil {
		return nil, connectionFault("InternalError", "The secret of connection '"+arn+"' is not of a connection.")
	}
	return cr, nil
}

// authorize adds what the connection gives. Where both the task and the
// connection have a key, the connection's value counts.
func (s *Service) authorize(ctx context.Context, c *httpCall, cr *httpCredentials) error {
	switch {
	case cr.APIKeyName != "":
		c.headers = overwrite(c.headers, cr.APIKeyName, cr.APIKeyValue, true)
	case cr.Username != nil:
		pair := base64.StdEncoding.EncodeToString([]byte(*cr.Username + ":" + cr.Password))
		c.headers = overwrite(c.headers, "Authorization", "Basic "+pair, true)
	case cr.ClientID != "":
		token, err := s.oauthToken(ctx, cr)
		if err != nil {
			return err
		}
		c.headers = overwrite(c.headers, "Authorization", "Bearer "+token, true)
	}
	for _, p := range cr.Invocation.Header {
		c.headers = overwrite(c.headers, p.Key, p.Value, true)
	}
	for _, p := range cr.Invocation.Query {
		c.query = overwrite(c.query, p.Key, p.Value, false)
	}
	if len(cr.Invocation.Body) == 0 {
		return nil
	}
	o, ok := c.body.(*asl.Object)
	switch {
	case c.body == nil:
		o = asl.NewObject()
	case !ok:
		return runtimeFault("The RequestBody must be a JSON object where the connection has body parameters")
	}
	for _, p := range cr.Invocation.Body {
		o.Set(p.Key, p.Value)
	}
	c.body = o
	return nil
}

// overwrite sets a key in a list of pairs.
func overwrite(list [][2]string, key, v string, fold bool) [][2]string {
	var kept [][2]string
	for _, p := range list {
		if p[0] != key && !(fold && strings.EqualFold(p[0], key)) {
			kept = append(kept, p)
		}
	}
	return append(kept, [2]string{key, v})
}

// maxToken bounds the answer of an authorization endpoint.
const maxToken = 1 << 20

// oauthToken asks the authorization endpoint for a token by client credentials
// (RFC 6749, 4.4), with the further parameters of the connection.
func (s *Service) oauthToken(ctx context.Context, cr *httpCredentials) (string, error) {
	failed := func(why string) (string, error) {
		return "", connectionFault("InvalidConnectionState", "The connection cannot be authorized: "+why)
	}
	u, err := endpoint(cr.TokenEndpoint)
	if err != nil {
		return failed("its authorization endpoint is not an HTTPS URL")
	}
	query := u.Query()
	for _, p := range cr.TokenRequest.Query {
		query.Set(p.Key, p.Value)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {cr.ClientID}, "client_secret": {cr.ClientSecret}}
	for _, p := range cr.TokenRequest.Body {
		form.Set(p.Key, p.Value)
	}
	body := form.Encode()
	if cr.TokenMethod == http.MethodGet {
		for k, v := range form {
			query[k] = v
		}
		body = ""
	}
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, cr.TokenMethod, u.String(), strings.NewReader(body))
	if err != nil {
		return failed("the request cannot be made")
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, p := range cr.TokenRequest.Header {
		req.Header.Set(p.Key, p.Value)
	}
	res, err := s.httpClient().Do(req)
	if err != nil {
		return failed("its authorization endpoint does not answer")
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxToken))
	var answer struct {
		Token string `json:"access_token"`
	}
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(raw, &answer) != nil || answer.Token == "" {
		return failed("its authorization endpoint answers with status " + res.Status)
	}
	return answer.Token, nil
}
