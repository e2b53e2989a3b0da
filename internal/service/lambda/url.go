package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// Site is the handler of requests to a host that is a function URL's, nil for others;
// signed says that they must be signed. The context of signed ones has their caller.
func (s *Service) Site(host string) (h http.Handler, signed bool) {
	id, is := urlID(host)
	if !is {
		return nil, false
	}
	var u functionURL
	err := s.Store.View(context.Background(), func(tx *store.Tx) error {
		key, there, err := urlsByID.Get(tx, id)
		if err != nil || !there {
			return err
		}
		u, _, err = urls.Get(tx, key...)
		return err
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case err != nil:
			s.Log.Error("cannot read a function URL", "error", err)
			refuseURL(w, http.StatusInternalServerError, new("Internal Server Error"))
		case u.ID == "":
			refuseURL(w, http.StatusNotFound, nil)
		default:
			s.serveURL(w, r, &u)
		}
	}), u.AuthType == authIAM
}

// forbidden is what callers without credentials hear of a URL that wants some.
const forbidden = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"

func refuseURL(w http.ResponseWriter, status int, message *string) {
	text, err := json.Marshal(struct{ Message *string }{message})
	if err != nil {
		text = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text) // the caller may be gone
}

// serveURL invokes a function for an HTTP request ("Invoking Lambda function URLs",
// developer guide).
func (s *Service) serveURL(w http.ResponseWriter, r *http.Request, u *functionURL) {
	caller := bus.From(r.Context())
	if u.AuthType == authIAM && caller.AccessKey == "" {
		refuseURL(w, http.StatusForbidden, new(forbidden))
		return
	}
	if preflight(w, r, u.Cors) {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxSync+1))
	switch {
	case err != nil:
		refuseURL(w, http.StatusBadRequest, new("Could not read request body"))
		return
	case len(body) > maxSync:
		refuseURL(w, http.StatusRequestEntityTooLarge, new(fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", maxSync)))
		return
	}
	id := s.requestID(r.Context())
	payload, err := json.Marshal(s.urlEvent(r, u, caller, id, body))
	if err != nil {
		refuseURL(w, http.StatusBadRequest, new("Could not read request body"))
		return
	}
	ctx := bus.With(r.Context(), bus.Caller{Account: u.Account, Region: u.Region, Principal: caller.Principal, Source: "lambda", RequestID: id})
	f, to, set, err := s.target(ctx, u.ref().arn(), nil)
	var o outcome
	if err == nil {
		o, err = s.perform(ctx, f, to, set, &invocation{id: id, payload: payload})
	}
	w.Header().Set("X-Amzn-Requestid", id)
	if err != nil {
		s.failURL(w, err)
		return
	}
	answer, ok := readAnswer(o)
	if !ok {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadGateway)
		io.WriteString(w, "Internal Server Error")
		return
	}
	answer.write(w, r, u.Cors)
}

func (s *Service) failURL(w http.ResponseWriter, err error) {
	if e := awserr.From(err); e != nil {
		refuseURL(w, e.HTTPStatus(), &e.Message)
		return
	}
	if !errors.Is(err, context.Canceled) {
		s.Log.Error("cannot answer a request to a function URL", "error", err)
	}
	refuseURL(w, http.StatusInternalServerError, new("Internal Server Error"))
}

// urlEvent is what the function gets: the payload format 2.0.
type urlEvent struct {
	Version     string            `json:"version"`
	RouteKey    string            `json:"routeKey"`
	RawPath     string            `json:"rawPath"`
	RawQuery    string            `json:"rawQueryString"`
	Cookies     []string          `json:"cookies,omitempty"`
	Headers     map[string]string `json:"headers"`
	Query       map[string]string `json:"queryStringParameters,omitempty"`
	Context     urlContext        `json:"requestContext"`
	Body        *string           `json:"body,omitempty"`
	BodyEncoded bool              `json:"isBase64Encoded"`
}

type urlContext struct {
	AccountID    string         `json:"accountId"`
	APIID        string         `json:"apiId"`
	Authorizer   *urlAuthorizer `json:"authorizer,omitempty"`
	DomainName   string         `json:"domainName"`
	DomainPrefix string         `json:"domainPrefix"`
	HTTP         urlHTTP        `json:"http"`
	RequestID    string         `json:"requestId"`
	RouteKey     string         `json:"routeKey"`
	Stage        string         `json:"stage"`
	Time         string         `json:"time"`
	TimeEpoch    int64          `json:"timeEpoch"`
}

type urlHTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

type urlAuthorizer struct {
	IAM struct {
		AccessKey string  `json:"accessKey"`
		AccountID string  `json:"accountId"`
		CallerID  string  `json:"callerId"`
		Cognito   *string `json:"cognitoIdentity"`
		OrgID     *string `json:"principalOrgId"`
		UserARN   string  `json:"userArn"`
		UserID    string  `json:"userId"`
	} `json:"iam"`
}

func (s *Service) urlEvent(r *http.Request, u *functionURL, caller bus.Caller, id string, body []byte) *urlEvent {
	now := s.Clock.Now().UTC()
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	e := &urlEvent{Version: "2.0", RouteKey: "$default", RawPath: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery,
		Headers: map[string]string{"host": r.Host, "x-forwarded-for": source, "x-forwarded-proto": "http"},
		Context: urlContext{AccountID: "anonymous", APIID: u.ID, DomainName: host, DomainPrefix: u.ID, RequestID: id, RouteKey: "$default",
			Stage: "$default", Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: urlHTTP{r.Method, r.URL.Path, r.Proto, source, r.UserAgent()}}}
	if r.TLS != nil {
		e.Headers["x-forwarded-proto"] = "https"
	}
	for name, values := range r.Header {
		switch name {
		case "Cookie":
			for _, c := range strings.Split(strings.Join(values, ";"), ";") {
				e.Cookies = append(e.Cookies, strings.TrimSpace(c))
			}
		case "Connection", "Transfer-Encoding":
		default:
			e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	e.Query = queryParameters(r.URL.RawQuery)
	if u.AuthType == authIAM {
		a := &urlAuthorizer{}
		a.IAM.AccessKey, a.IAM.AccountID, a.IAM.UserARN = caller.AccessKey, caller.Account, caller.Principal
		if a.IAM.AccountID == "" {
			a.IAM.AccountID = u.Account
		}
		if a.IAM.UserARN == "" {
			a.IAM.UserARN = "arn:aws:iam::" + a.IAM.AccountID + ":root"
		}
		a.IAM.CallerID, a.IAM.UserID = a.IAM.AccountID, a.IAM.AccountID
		e.Context.AccountID, e.Context.Authorizer = a.IAM.AccountID, a
	}
	if len(body) > 0 {
		text := string(body)
		if e.BodyEncoded = !isText(r.Header.Get("Content-Type"), body); e.BodyEncoded {
			text = base64.StdEncoding.EncodeToString(body)
		}
		e.Body = &text
	}
	return e
}

// queryParameters joins the values of parameters that come more than once.
func queryParameters(raw string) map[string]string {
	values, _ := url.ParseQuery(raw) // what can be read counts
	var all map[string]string
	for name, list := range values {
		if all == nil {
			all = map[string]string{}
		}
		all[name] = strings.Join(list, ",")
	}
	return all
}

// isText says that a body reaches the function as it is: forms and what is not known
// as text come in base64.
func isText(contentType string, body []byte) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = contentType
	}
	text := kind == "" || strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") ||
		slices.Contains([]string{"application/json", "application/javascript", "application/xml"}, kind)
	return text && utf8.Valid(body)
}

// urlAnswer is what the caller gets.
type urlAnswer struct {
	Status  int
	Headers map[string]string
	Cookies []string
	Body    []byte
}

// readAnswer reads what a function returned: an object with a statusCode, or the body
// of an answer in JSON. false: the function failed, or its answer has no sense.
func readAnswer(o outcome) (urlAnswer, bool) {
	if o.failed {
		return urlAnswer{}, false
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(o.payload, &members) != nil || members["statusCode"] == nil {
		return urlAnswer{Status: 200, Headers: map[string]string{"content-type": "application/json"}, Body: o.payload}, true
	}
	var given struct {
		StatusCode      json.RawMessage
		Headers         map[string]any
		Cookies         []string
		Body            json.RawMessage
		IsBase64Encoded bool
	}
	if json.Unmarshal(o.payload, &given) != nil {
		return urlAnswer{}, false
	}
	status, err := strconv.Atoi(strings.Trim(string(given.StatusCode), `"`))
	if err != nil || status < 200 || status > 599 {
		return urlAnswer{}, false
	}
	a := urlAnswer{Status: status, Headers: map[string]string{}, Cookies: given.Cookies}
	for name, v := range given.Headers {
		a.Headers[strings.ToLower(name)] = fmt.Sprint(v)
	}
	if a.Headers["content-type"] == "" {
		a.Headers["content-type"] = "application/json"
	}
	var text string
	switch {
	case len(given.Body) == 0 || string(given.Body) == "null":
	case json.Unmarshal(given.Body, &text) == nil:
		a.Body = []byte(text)
	default:
		a.Body = bytes.TrimSpace(given.Body)
	}
	if given.IsBase64Encoded {
		if a.Body, err = base64.StdEncoding.DecodeString(text); err != nil {
			return urlAnswer{}, false
		}
	}
	return a, true
}

func (a *urlAnswer) write(w http.ResponseWriter, r *http.Request, cors *corsRules) {
	h := w.Header()
	for name, v := range a.Headers {
		switch name {
		case "content-length", "connection", "transfer-encoding":
		default:
			h.Set(name, v)
		}
	}
	for _, c := range a.Cookies {
		h.Add("Set-Cookie", c)
	}
	allowOrigin(h, r, cors)
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	if r.Method != http.MethodHead {
		w.Write(a.Body) // the caller may be gone
	}
}
