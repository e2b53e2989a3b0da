package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
)

// get makes a request to a function URL, as the gateway does. Headers are "Name: value" lines.
func (w *world) get(caller bus.Caller, method, address, headers, body string) *http.Response {
	w.t.Helper()
	r := httptest.NewRequest(method, address, strings.NewReader(body))
	for line := range strings.Lines(headers) {
		name, v, _ := strings.Cut(strings.TrimSpace(line), ": ")
		r.Header.Add(name, v)
	}
	h, _ := w.service.Site(r.Host)
	if h == nil {
		w.t.Fatalf("%s is no function's", r.Host)
	}
	rec := httptest.NewRecorder()
	caller.RequestID = "11111111-2222-4333-8444-555555555555"
	h.ServeHTTP(rec, r.WithContext(bus.With(r.Context(), caller)))
	return rec.Result()
}

// said is an answer as text: status, the named headers, body.
func said(t *testing.T, r *http.Response, headers ...string) string {
	var b strings.Builder
	b.WriteString(r.Status[:3])
	for _, name := range headers {
		if list := r.Header.Values(name); len(list) > 0 {
			b.WriteString(" " + name + "=" + strings.Join(list, "|"))
		}
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + " " + string(text)
}

// TestFunctionURLs: the operations, and what they refuse.
func TestFunctionURLs(t *testing.T) {
	w := newWorld(t)
	w.create("f", nil)
	name, alias := new("f"), new("live")
	if got, want := w.refused("GetFunctionUrlConfig", &api.GetFunctionUrlConfigInput{FunctionName: name}), "404 ResourceNotFoundException: The resource you requested does not exist."; got != want {
		t.Errorf("got %s", got)
	}
	if got := w.refused("CreateFunctionUrlConfig", &api.CreateFunctionUrlConfigInput{FunctionName: name, AuthType: new("NONE"), InvokeMode: new("RESPONSE_STREAM")}); !strings.HasPrefix(got, "501 ") || !strings.Contains(got, "RESPONSE_STREAM") {
		t.Errorf("got %s", got)
	}
	if got := w.refused("CreateFunctionUrlConfig", &api.CreateFunctionUrlConfigInput{FunctionName: name, Qualifier: alias, AuthType: new("NONE")}); !strings.HasPrefix(got, "404 ResourceNotFoundException: Function not found") {
		t.Errorf("got %s", got)
	}
	made := must[api.CreateFunctionUrlConfigOutput](w, "CreateFunctionUrlConfig", &api.CreateFunctionUrlConfigInput{FunctionName: name, AuthType: new("NONE")})
	if !regexp.MustCompile(`^http://[a-z0-9]{32}\.lambda-url\.us-east-1\.localhost:4566/$`).MatchString(*made.FunctionUrl) ||
		*made.FunctionArn != "arn:aws:lambda:us-east-1:123456789012:function:f" || *made.InvokeMode != "BUFFERED" || *made.CreationTime != "2026-01-02T03:04:05.000000Z" {
		t.Errorf("made %s %s %s %s", *made.FunctionUrl, *made.FunctionArn, *made.InvokeMode, *made.CreationTime)
	}
	if got, want := w.refused("CreateFunctionUrlConfig", &api.CreateFunctionUrlConfigInput{FunctionName: name, AuthType: new("NONE")}),
		"409 ResourceConflictException: Failed to create function url config for [functionArn = arn:aws:lambda:us-east-1:123456789012:function:f]. Error message:  FunctionUrlConfig exists for this Lambda function"; got != want {
		t.Errorf("got %s", got)
	}
	must[api.PublishVersionOutput](w, "PublishVersion", &api.PublishVersionInput{FunctionName: name})
	must[api.CreateAliasOutput](w, "CreateAlias", &api.CreateAliasInput{FunctionName: name, Name: alias, FunctionVersion: new("1")})
	other := must[api.CreateFunctionUrlConfigOutput](w, "CreateFunctionUrlConfig", &api.CreateFunctionUrlConfigInput{FunctionName: name, Qualifier: alias, AuthType: new("AWS_IAM"),
		Cors: &api.Cors{AllowOrigins: []string{"*"}}})
	list := must[api.ListFunctionUrlConfigsOutput](w, "ListFunctionUrlConfigs", &api.ListFunctionUrlConfigsInput{FunctionName: name}).FunctionUrlConfigs
	if len(list) != 2 || *list[0].FunctionUrl != *made.FunctionUrl || *list[1].FunctionArn != *made.FunctionArn+":live" || list[1].Cors.AllowOrigins[0] != "*" {
		t.Errorf("list: %+v", list)
	}
	changed := must[api.UpdateFunctionUrlConfigOutput](w, "UpdateFunctionUrlConfig", &api.UpdateFunctionUrlConfigInput{FunctionName: name, Qualifier: alias, AuthType: new("NONE"), Cors: &api.Cors{}})
	if *changed.AuthType != "NONE" || changed.Cors != nil || *changed.FunctionUrl != *other.FunctionUrl {
		t.Errorf("changed: %+v", changed)
	}
	must[api.DeleteAliasOutput](w, "DeleteAlias", &api.DeleteAliasInput{FunctionName: name, Name: alias})
	if got := said(t, w.get(bus.Caller{}, "GET", *other.FunctionUrl, "", "")); got != `404 {"Message":null}` {
		t.Errorf("the URL of an alias that is gone: %s", got)
	}
	must[api.DeleteFunctionUrlConfigOutput](w, "DeleteFunctionUrlConfig", &api.DeleteFunctionUrlConfigInput{FunctionName: name})
	if list := must[api.ListFunctionUrlConfigsOutput](w, "ListFunctionUrlConfigs", &api.ListFunctionUrlConfigsInput{FunctionName: name}).FunctionUrlConfigs; len(list) != 0 {
		t.Errorf("left: %+v", list)
	}
}

// TestURLEvent: what a function gets of a request; see "Request payload format" in the
// developer guide.
func TestURLEvent(t *testing.T) {
	w := newWorld(t)
	w.create("f", nil)
	made := must[api.CreateFunctionUrlConfigOutput](w, "CreateFunctionUrlConfig", &api.CreateFunctionUrlConfigInput{FunctionName: new("f"), AuthType: new("NONE")})
	u, err := url.Parse(*made.FunctionUrl)
	if err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(u.Host, ".")
	context := func(account, method, path, agent string) string {
		return `"requestContext":{"accountId":"` + account + `","apiId":"ID","domainName":"ID.lambda-url.us-east-1.localhost","domainPrefix":"ID","http":{"method":"` + method + `","path":"` + path +
			`","protocol":"HTTP/1.1","sourceIp":"192.0.2.1","userAgent":"` + agent + `"},"requestId":"11111111-2222-4333-8444-555555555555","routeKey":"$default","stage":"$default","time":"02/Jan/2026:03:04:05 +0000","timeEpoch":1767323045000}`
	}
	const standing = `"host":"ID.lambda-url.us-east-1.localhost:4566","x-forwarded-for":"192.0.2.1","x-forwarded-proto":"http"`
	for _, c := range []struct{ method, path, headers, body, want string }{
		{"GET", "", "", "", `{"version":"2.0","routeKey":"$default","rawPath":"/","rawQueryString":"","headers":{` + standing + `},` + context("anonymous", "GET", "/", "") + `,"isBase64Encoded":false}`},
		{"POST", "my/path%20x?parameter1=value1&parameter1=value2&parameter2=a%20b", "Header1: value1\nHeader2: value1\nHeader2: value2\nCookie: cookie1=1; cookie2=2\nUser-Agent: agent\nContent-Type: text/plain; charset=utf-8", "Hello from client!",
			`{"version":"2.0","routeKey":"$default","rawPath":"/my/path%20x","rawQueryString":"parameter1=value1&parameter1=value2&parameter2=a%20b","cookies":["cookie1=1","cookie2=2"],` +
				`"headers":{"header1":"value1","header2":"value1,value2","user-agent":"agent","content-type":"text/plain; charset=utf-8",` + standing + `},"queryStringParameters":{"parameter1":"value1,value2","parameter2":"a b"},` +
				context("anonymous", "POST", "/my/path x", "agent") + `,"body":"Hello from client!","isBase64Encoded":false}`},
		{"PUT", "form", "Content-Type: application/x-www-form-urlencoded", "a=1", `{"version":"2.0","routeKey":"$default","rawPath":"/form","rawQueryString":"","headers":{"content-type":"application/x-www-form-urlencoded",` + standing + `},` +
			context("anonymous", "PUT", "/form", "") + `,"body":"YT0x","isBase64Encoded":true}`},
	} {
		r := w.get(bus.Caller{}, c.method, *made.FunctionUrl+c.path, c.headers, c.body)
		_, text, _ := strings.Cut(said(t, r), " ")
		var got, want any
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := json.Unmarshal([]byte(strings.ReplaceAll(c.want, "ID", id)), &want); err != nil {
			t.Fatal(err)
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if string(a) != string(b) {
			t.Errorf("%s %s\ngot  %s\nwant %s", c.method, c.path, a, b)
		}
	}
	must[api.UpdateFunctionUrlConfigOutput](w, "UpdateFunctionUrlConfig", &api.UpdateFunctionUrlConfigInput{FunctionName: new("f"), AuthType: new("AWS_IAM")})
	if _, signed := w.service.Site(u.Host); !signed {
		t.Error("requests need no signature")
	}
	if got := said(t, w.get(bus.Caller{}, "GET", *made.FunctionUrl, "", "")); !strings.HasPrefix(got, `403 {"Message":"Forbidden. `) {
		t.Errorf("got %s", got)
	}
	got := said(t, w.get(bus.Caller{AccessKey: "AKIA", Account: "111122223333", Principal: "arn:aws:iam::111122223333:user/u"}, "GET", *made.FunctionUrl, "", ""))
	if !strings.Contains(got, `"authorizer": {"iam": {"accessKey": "AKIA", "accountId": "111122223333", "callerId": "111122223333", "cognitoIdentity": null, "principalOrgId": null, "userArn": "arn:aws:iam::111122223333:user/u"`) {
		t.Errorf("got %s", got)
	}
}

// TestURLAnswer: what callers get of what a function returns; see "Response payload
// format" in the developer guide.
func TestURLAnswer(t *testing.T) {
	w := newWorld(t)
	w.create("f", nil)
	address := *must[api.CreateFunctionUrlConfigOutput](w, "CreateFunctionUrlConfig", &api.CreateFunctionUrlConfigInput{FunctionName: new("f"), AuthType: new("NONE")}).FunctionUrl
	for _, c := range []struct{ returned, want string }{
		{`"Hello, world!"`, `200 Content-Type=application/json Content-Length=15 "Hello, world!"`},
		{`{"message": "Hello, world!"}`, `200 Content-Type=application/json Content-Length=28 {"message": "Hello, world!"}`},
		{`{"statusCode": 201, "headers": {"Content-Type": "application/json", "My-Custom-Header": "Custom Value"}, "body": "{\"message\": \"Hello, world!\"}", "cookies": ["Cookie_1=Value1; Expires=21 Oct 2021 07:48 GMT", "Cookie_2=Value2; Max-Age=78000"], "isBase64Encoded": false}`,
			`201 Content-Type=application/json Content-Length=28 My-Custom-Header=Custom Value Set-Cookie=Cookie_1=Value1; Expires=21 Oct 2021 07:48 GMT|Cookie_2=Value2; Max-Age=78000 {"message": "Hello, world!"}`},
		{`{"statusCode": 200, "headers": {"content-type": "image/x"}, "isBase64Encoded": true, "body": "AQID"}`, "200 Content-Type=image/x Content-Length=3 \x01\x02\x03"},
		{`{"statusCode": 302, "headers": {"Location": "/there", "X-N": 5}}`, `302 Content-Type=application/json Content-Length=0 Location=/there X-N=5 `},
		{`{"statusCode": "404", "body": {"a": 1}}`, `404 Content-Type=application/json Content-Length=8 {"a": 1}`},
		{`null`, `200 Content-Type=application/json Content-Length=4 null`},
		{`{"statusCode": "what"}`, `502 Content-Type=application/json Internal Server Error`},
		{`{"statusCode": 200, "isBase64Encoded": true, "body": "!"}`, `502 Content-Type=application/json Internal Server Error`},
	} {
		got := said(t, w.get(bus.Caller{}, "POST", address+"answer", "Content-Type: application/json", c.returned), "Content-Type", "Content-Length", "My-Custom-Header", "Location", "X-N", "Set-Cookie")
		if got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.returned, got, c.want)
		}
	}
	if got := said(t, w.get(bus.Caller{}, "GET", address+"fail", "", "")); got != "502 Internal Server Error" {
		t.Errorf("a function that fails: %s", got)
	}
	if got := said(t, w.get(bus.Caller{}, "POST", address, "", strings.Repeat("x", maxSync+1))); !strings.HasPrefix(got, `413 {"Message":"Request must be smaller than `) {
		t.Errorf("a large request: %s", got)
	}
	must[api.PutFunctionConcurrencyOutput](w, "PutFunctionConcurrency", &api.PutFunctionConcurrencyInput{FunctionName: new("f"), ReservedConcurrentExecutions: new(int64(0))})
	if got := said(t, w.get(bus.Caller{}, "GET", address, "", "")); got != `429 {"Message":"Rate Exceeded."}` {
		t.Errorf("a throttled request: %s", got)
	}
}

// TestURLCors: what browsers hear.
func TestURLCors(t *testing.T) {
	w := newWorld(t)
	w.create("f", nil)
	address := *must[api.CreateFunctionUrlConfigOutput](w, "CreateFunctionUrlConfig", &api.CreateFunctionUrlConfigInput{FunctionName: new("f"), AuthType: new("NONE"),
		Cors: &api.Cors{AllowOrigins: []string{"https://example.com"}, AllowMethods: []string{"GET", "PUT"}, AllowHeaders: []string{"x-one", "x-two"}, ExposeHeaders: []string{"x-out"},
			MaxAge: new(int64(60)), AllowCredentials: new(true)}}).FunctionUrl
	names := []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age", "Access-Control-Expose-Headers"}
	const origin = "Origin: https://example.com\n"
	for _, c := range []struct{ method, path, headers, want string }{
		{"OPTIONS", "x", origin + "Access-Control-Request-Method: PUT", "200 https://example.com true GET,PUT x-one,x-two 60 "},
		{"OPTIONS", "x", origin + "Access-Control-Request-Method: DELETE", "200 https://example.com true    "},
		{"OPTIONS", "x", "Origin: https://else.com\nAccess-Control-Request-Method: PUT", "200      "},
		{"GET", "x", origin, "200 https://example.com true    x-out"},
		{"GET", "x", "Origin: https://else.com", "200      "},
		{"GET", "x", "", "200      "},
	} {
		r := w.get(bus.Caller{}, c.method, address+c.path, c.headers, "")
		got := []string{r.Status[:3]}
		for _, n := range names {
			got = append(got, r.Header.Get(n))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s %s: %q, want %q", c.method, c.headers, text, c.want)
		}
	}
	r := w.get(bus.Caller{}, "POST", address+"answer", origin+"Content-Type: application/json", `{"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "https://mine", "Vary": "Accept"}}`)
	if got := r.Header.Get("Access-Control-Allow-Origin"); got != "https://example.com" || !slices.Equal(r.Header.Values("Vary"), []string{"Accept", "Origin"}) {
		t.Errorf("the function's own: %s %s", got, r.Header.Values("Vary"))
	}
	if h, _ := w.service.Site("lambda.us-east-1.amazonaws.com"); h != nil {
		t.Error("AWS's endpoint is taken for a function's")
	}
}
