package states

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"stepwell/internal/asl/exec"
	asl "stepwell/internal/asl/value"
	"stepwell/internal/bus"
)

// httpTimeout is how long an HTTP task may take, whatever its TimeoutSeconds
// (developer guide, "Call HTTPS APIs in Step Functions workflows").
const httpTimeout = 60 * time.Second

// httpCall is what an HTTP task is to send.
type httpCall struct {
	method   string
	endpoint *url.URL
	headers  [][2]string
	query    [][2]string
	body     asl.Value // nil = none
	form     string    // how arrays are written in form data; "" sends JSON
}

// httpResult is what came of an HTTP task.
type httpResult struct {
	output             []byte // JSON text; nil where it failed
	name, cause        string
	request            *http.Request
	requestHeaders     [][2]string
	requestBody        string
	response           *http.Response
	responseBody       string
	plain              *httpCall // without what the connection adds
	plainHeaders       [][2]string
	plainURL, plainTxt string
}

// httpFault is an error of an HTTP task with its name.
type httpFault struct{ name, cause string }

func (f *httpFault) Error() string { return f.name + ": " + f.cause }

func runtimeFault(format string, args ...any) error {
	return &httpFault{"States.Runtime", fmt.Sprintf(format, args...)}
}

// callHTTP makes the call of an HTTP task as the caller in ctx.
func (s *Service) callHTTP(ctx context.Context, t *exec.Task) httpResult {
	r := httpResult{}
	if err := s.exchange(ctx, t, &r); err != nil {
		var f *httpFault
		if !errors.As(err, &f) {
			f = &httpFault{"States.Runtime", err.Error()}
		}
		r.output, r.name, r.cause = nil, f.name, f.cause
	}
	return r
}

func (s *Service) exchange(ctx context.Context, t *exec.Task, r *httpResult) error {
	c, arn, err := readHTTPCall(t.Parameters)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, httpTimeout)
	defer cancel()
	plain := *c
	plain.headers, plain.query = slices.Clone(c.headers), slices.Clone(c.query)
	if o, ok := c.body.(*asl.Object); ok {
		plain.body = o.Clone()
	}
	r.plain = &plain
	region := bus.From(ctx).Region
	_, r.plainHeaders, r.plainTxt, err = plain.request(ctx, region)
	if err != nil {
		return err
	}
	r.plainURL = plain.url()
	cr, err := s.connectionCredentials(ctx, arn)
	if err != nil {
		return err
	}
	if err := s.authorize(ctx, c, cr); err != nil {
		return err
	}
	if r.request, r.requestHeaders, r.requestBody, err = c.request(ctx, region); err != nil {
		return err
	}
	if r.response, err = s.httpClient().Do(r.request); err != nil {
		return socketFault(err)
	}
	defer r.response.Body.Close()
	return r.read()
}

// httpClient follows no redirects: a task sees the status that the API answers with.
func (s *Service) httpClient() *http.Client {
	c := http.Client{}
	if s.HTTP != nil {
		c = *s.HTTP
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// socketFault names a call that got no answer. The text has no URL: secrets may be in it.
func socketFault(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	if late := net.Error(nil); errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late) && late.Timeout() {
		return &httpFault{"States.Http.Socket", "The HTTP request timed out after 60 seconds"}
	}
	return &httpFault{"States.Http.Socket", err.Error()}
}

// url is where the call goes to.
func (c *httpCall) url() string {
	u := *c.endpoint
	for _, q := range c.query {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += escaped(q[0]) + "=" + escaped(q[1])
	}
	return u.String()
}

// request builds the request; headers are those of it in the order they are shown.
func (c *httpCall) request(ctx context.Context, region string) (req *http.Request, headers [][2]string, body string, err error) {
	if c.body != nil {
		if body, err = c.encoded(); err != nil {
			return nil, nil, "", err
		}
	}
	if req, err = http.NewRequestWithContext(ctx, c.method, c.url(), bytes.NewReader([]byte(body))); err != nil {
		return nil, nil, "", runtimeFault("The HTTP request cannot be made")
	}
	if body == "" {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	headers = slices.Clone(c.headers)
	if body != "" && !slices.ContainsFunc(headers, func(h [2]string) bool { return strings.EqualFold(h[0], "Content-Type") }) {
		headers = append(headers, [2]string{"Content-Type", "application/json; charset=UTF-8"})
	}
	headers = append(headers, [2]string{"User-Agent", "Amazon|StepFunctions|HttpInvoke|" + region}, [2]string{"Range", "bytes=0-262144"})
	for _, h := range headers {
		req.Header.Add(h[0], h[1])
	}
	return req, headers, body, nil
}

func (c *httpCall) encoded() (string, error) {
	if c.form != "" {
		return formData(c.body, c.form)
	}
	if text, ok := c.body.(string); ok {
		return text, nil
	}
	return string(asl.Text(c.body)), nil
}

// read takes the answer: the task's output, or why it failed.
func (r *httpResult) read() error {
	raw, err := io.ReadAll(io.LimitReader(r.response.Body, maxPayload+1))
	if err != nil {
		return socketFault(err)
	}
	kind, _, _ := mime.ParseMediaType(r.response.Header.Get("Content-Type"))
	family, _, _ := strings.Cut(kind, "/")
	switch {
	case kind == "application/octet-stream" || family == "image" || family == "video" || family == "audio":
		return runtimeFault("The HTTP response has an unsupported content type: %s", kind)
	case len(raw) > maxPayload:
		return &httpFault{"States.DataLimitExceeded", "The state/task 'http' returned a result with a size exceeding the maximum number of bytes service limit."}
	case !utf8.Valid(raw):
		return runtimeFault("The HTTP response cannot be read as a string")
	}
	r.responseBody = string(raw)
	if code := r.response.StatusCode; code < 200 || code > 299 {
		cause := r.responseBody
		if cause == "" {
			cause = statusText(r.response)
		}
		return &httpFault{fmt.Sprintf("States.Http.StatusCode.%d", code), cause}
	}
	var body asl.Value = r.responseBody
	if strings.HasSuffix(kind, "json") && len(raw) > 0 {
		if v, err := asl.Parse(raw); err == nil {
			body = v
		}
	}
	headers := asl.NewObject()
	for _, name := range headerNames(r.response.Header) {
		var list []asl.Value
		for _, v := range r.response.Header[name] {
			list = append(list, v)
		}
		headers.Set(strings.ToLower(name), list)
	}
	r.output = asl.Text(asl.NewObject(
		asl.Member{Name: "Headers", Value: headers}, asl.Member{Name: "ResponseBody", Value: body},
		asl.Member{Name: "StatusCode", Value: asl.Int(int64(r.response.StatusCode))}, asl.Member{Name: "StatusText", Value: statusText(r.response)},
	))
	return nil
}

func headerNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func statusText(r *http.Response) string {
	_, text, _ := strings.Cut(r.Status, " ")
	return text
}

// httpRepeatable reports whether the call of an HTTP task can be made again
// where it is not known whether it arrived.
func httpRepeatable(t *exec.Task) bool {
	c, _, err := readHTTPCall(t.Parameters)
	return err != nil || c.method != http.MethodPost && c.method != http.MethodPatch
}

// runHTTP makes the call of an open HTTP task.
func (o *openTask) runHTTP(again bool) {
	if again && !httpRepeatable(&o.Task) {
		o.fail("States.TaskFailed", "The server stopped during the call of http:invoke, and it is not known whether it took effect.")
		return
	}
	r := o.s.callHTTP(o.ctx, &o.Task)
	switch {
	case o.ctx.Err() != nil: // the engine has given the task up
	case r.output != nil:
		o.succeed(r.output)
	default:
		o.fail(r.name, r.cause)
	}
}
