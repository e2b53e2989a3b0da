package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/notify"
	"stepwell/internal/store"
)

// apiTimeout is how long EventBridge waits for an API destination.
const apiTimeout = 5 * time.Second

// maxToken bounds the answer of an authorization endpoint.
const maxToken = 1 << 20

// apiClients are what API destinations share: tokens of connections, and when each
// destination may be called next.
type apiClients struct {
	tokens sync.Map // connection ARN and time of its last change -> token
	mu     sync.Mutex
	next   map[string]time.Time // destination ARN -> the next free slot
}

// pacedError says that a delivery waits for its turn at a rate limit.
type pacedError struct{ wait time.Duration }

func (e pacedError) Error() string { return "the rate limit of the API destination is reached" }

// usualRate is how many calls a second an API destination gets that sets no limit.
const usualRate = 300

// slot reserves a call of a destination, or says how long to wait for one.
func (a *apiClients) slot(d *destination, now time.Time) error {
	rate := int64(usualRate)
	if d.Rate != nil {
		rate = *d.Rate
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.next[d.ARN]
	if at.Before(now) {
		at = now
	}
	if wait := at.Sub(now); wait > 0 {
		return pacedError{wait}
	}
	if a.next == nil {
		a.next = map[string]time.Time{}
	}
	a.next[d.ARN] = at.Add(time.Second / time.Duration(rate))
	return nil
}

// sendAPI calls an API destination ("API destinations", user guide).
func (s *Service) sendAPI(ctx context.Context, a bus.ARN, d *delivery, input string) error {
	parts := strings.Split(a.Resource, "/")
	var dest destination
	if err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		dest, err = destinationOf(tx, bus.From(ctx), parts[1])
		return err
	}); err != nil {
		return err
	}
	_, name, ok := nameIn(dest.ConnectionARN)
	if !ok {
		return notify.Refuse(fmt.Errorf("cannot read the connection of %s", dest.ARN))
	}
	c, err := s.connection(ctx, name)
	if err != nil {
		return err
	}
	cr, err := s.kept(ctx, &c)
	if err != nil {
		return err
	}
	r, err := apiRequest(ctx, &dest, cr, d.Target.HttpParameters, input)
	if err != nil {
		return notify.Refuse(err)
	}
	if c.State != authorized {
		return notify.Refuse(fmt.Errorf("connection %s is not authorized", c.Name))
	}
	if err := s.api.slot(&dest, s.Clock.Now()); err != nil {
		return err
	}
	if err := s.authorize(ctx, r, &c, cr); err != nil {
		return err
	}
	client := http.Client{Timeout: apiTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // lets the API finish its answer
	return s.answered(&c, resp)
}

// answered is what an API's status comes to: 401, 407, 409, 429 and 5xx are tried
// again, the first two with a new token, unless Retry-After is negative.
func (s *Service) answered(c *connection, resp *http.Response) error {
	failure := apiError{resp.StatusCode}
	switch code := resp.StatusCode; {
	case code < 300:
		return nil
	case code == http.StatusUnauthorized, code == http.StatusProxyAuthRequired:
		s.api.tokens.Delete(tokenKey(c))
	case code == http.StatusConflict, code == http.StatusTooManyRequests, code >= 500:
	default:
		return notify.Refuse(failure)
	}
	after := resp.Header.Get("Retry-After")
	if n, err := strconv.Atoi(after); err == nil && n < 0 {
		return notify.Refuse(failure)
	} else if err == nil {
		return notify.Later(failure, time.Duration(n)*time.Second)
	}
	if at, err := http.ParseTime(after); err == nil {
		return notify.Later(failure, at.Sub(s.Clock.Now()))
	}
	return failure
}

// apiError is an answer of an API destination that is no success.
type apiError struct{ status int }

func (e apiError) Error() string {
	return fmt.Sprintf("Unable to invoke ApiDestination endpoint: the endpoint answered %d %s", e.status, http.StatusText(e.status))
}

// authorize gives a request what its connection asks for.
func (s *Service) authorize(ctx context.Context, r *http.Request, c *connection, cr *credentials) error {
	switch c.Type {
	case basic:
		r.SetBasicAuth(value(cr.Username), value(cr.Password))
	case apiKey:
		r.Header.Set(value(cr.APIKeyName), value(cr.APIKeyValue))
	case oauth:
		token, err := s.token(ctx, c, cr)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	default:
		return notify.Refuse(awserr.NotImplemented("events: connections of type " + c.Type))
	}
	return nil
}

func tokenKey(c *connection) string { return c.ARN + " " + c.Modified.String() }

// token is the access token of a connection, asked for at its authorization endpoint by
// client credentials (RFC 6749, 4.4) and kept until an API refuses it.
func (s *Service) token(ctx context.Context, c *connection, cr *credentials) (string, error) {
	if known, ok := s.api.tokens.Load(tokenKey(c)); ok {
		return known.(string), nil
	}
	r, err := tokenRequest(ctx, cr)
	if err != nil {
		return "", notify.Refuse(err)
	}
	client := http.Client{Timeout: apiTimeout}
	resp, err := client.Do(r)
	if err != nil {
		return "", fmt.Errorf("cannot authorize connection %s: %w", c.Name, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxToken))
	var answer struct {
		Token string `json:"access_token"`
	}
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(raw, &answer) != nil || answer.Token == "" {
		return "", fmt.Errorf("cannot authorize connection %s: its authorization endpoint answered %s", c.Name, resp.Status)
	}
	s.api.tokens.Store(tokenKey(c), answer.Token)
	return answer.Token, nil
}

func tokenRequest(ctx context.Context, cr *credentials) (*http.Request, error) {
	u, err := url.Parse(value(cr.AuthorizationEndpoint))
	if err != nil || u.Host == "" {
		return nil, errors.New("cannot read the authorization endpoint")
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {value(cr.ClientID)}, "client_secret": {value(cr.ClientSecret)}}
	query, more := u.Query(), cr.OAuth
	if more == nil {
		more = &parameters{}
	}
	for _, x := range more.Query {
		query.Set(value(x.Key), value(x.Value))
	}
	for _, x := range more.Body {
		form.Set(value(x.Key), value(x.Value))
	}
	body := form.Encode()
	if value(cr.HTTPMethod) == http.MethodGet {
		for k, v := range form {
			query[k] = v
		}
		body = ""
	}
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, value(cr.HTTPMethod), u.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, x := range more.Header {
		r.Header.Set(value(x.Key), value(x.Value))
	}
	return r, nil
}

// apiRequest is the request of a delivery without its authorization. The connection's
// parameters win over the target's.
func apiRequest(ctx context.Context, dest *destination, cr *credentials, p *api.HttpParameters, input string) (*http.Request, error) {
	address := dest.Endpoint
	if p != nil {
		for _, v := range p.PathParameterValues {
			address = strings.Replace(address, "*", url.PathEscape(v), 1)
		}
	}
	r, err := http.NewRequestWithContext(ctx, dest.Method, address, strings.NewReader(input))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("User-Agent", "Amazon/EventBridge/ApiDestinations")
	r.Header.Set("Range", "bytes=0-1048575")
	r.Header.Set("Accept-Encoding", "gzip,deflate")
	r.Close = true
	query := r.URL.Query()
	if p != nil {
		for k, v := range p.HeaderParameters {
			r.Header.Set(k, v)
		}
		for k, v := range p.QueryStringParameters {
			query.Set(k, v)
		}
	}
	if more := cr.Invocation; more != nil {
		for _, x := range more.Header {
			r.Header.Set(value(x.Key), value(x.Value))
		}
		for _, x := range more.Query {
			query.Set(value(x.Key), value(x.Value))
		}
		if len(more.Body) > 0 {
			var body map[string]any
			if err := json.Unmarshal([]byte(input), &body); err != nil {
				return nil, fmt.Errorf("cannot add body parameters to an input that is no object: %w", err)
			}
			for _, x := range more.Body {
				body[value(x.Key)] = value(x.Value)
			}
			text := literalText(body)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		}
	}
	r.URL.RawQuery = query.Encode()
	return r, nil
}
