package states

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	asl "stepwell/internal/asl/value"
)

var httpMethods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, http.MethodHead}

// forbiddenHeaders must not be in the definition of an HTTP task; neither may
// those that begin with x-forwarded-, x-amz- and x-amzn-.
var forbiddenHeaders = []string{
	"a-im", "accept-charset", "accept-datetime", "accept-encoding", "authorization", "cache-control", "connection", "content-encoding",
	"content-md5", "date", "expect", "forwarded", "from", "host", "http2-settings", "if-match", "if-modified-since", "if-none-match", "if-range",
	"if-unmodified-since", "max-forwards", "origin", "pragma", "proxy-authorization", "referer", "server", "te", "trailer", "transfer-encoding",
	"upgrade", "via", "warning",
}

// arrayFormats are the ways to write arrays in form data.
var arrayFormats = []string{"INDICES", "REPEAT", "COMMAS", "BRACKETS", "NONE"}

// readHTTPCall reads the parameters of an HTTP task and the ARN of its connection.
func readHTTPCall(parameters json.RawMessage) (c *httpCall, connection string, err error) {
	v, err := asl.Parse(parameters)
	o, ok := v.(*asl.Object)
	if err != nil || !ok {
		return nil, "", runtimeFault("The Parameters of an HTTP task must be a JSON object")
	}
	for _, m := range o.Members() {
		if names := namedParameters["http:invoke"]; !slices.Contains(names.required, m.Name) && !slices.Contains(names.others, m.Name) {
			return nil, "", runtimeFault("The field '%s' is not supported by Step Functions", m.Name)
		}
	}
	c = &httpCall{method: text(o, "Method")}
	if !slices.Contains(httpMethods, c.method) {
		return nil, "", runtimeFault("The value of Method must be one of %v", httpMethods)
	}
	for _, name := range []string{"Authentication", "InvocationConfig"} {
		if arn := text(object(o, name), "ConnectionArn"); arn != "" {
			connection = arn
		}
	}
	if connection == "" {
		return nil, "", runtimeFault("An HTTP task needs a ConnectionArn in InvocationConfig or Authentication")
	}
	if c.endpoint, err = endpoint(text(o, "ApiEndpoint")); err != nil {
		return nil, "", err
	}
	if c.headers, err = pairs(o, "Headers"); err != nil {
		return nil, "", err
	}
	for _, h := range c.headers {
		if name := strings.ToLower(h[0]); slices.Contains(forbiddenHeaders, name) || strings.HasPrefix(name, "x-forwarded-") ||
			strings.HasPrefix(name, "x-amz-") || strings.HasPrefix(name, "x-amzn-") {
			return nil, "", runtimeFault("The header '%s' is not allowed in an HTTP task", h[0])
		}
	}
	if c.query, err = pairs(o, "QueryParameters"); err != nil {
		return nil, "", err
	}
	c.body, _ = o.Get("RequestBody")
	c.form, err = transform(object(o, "Transform"))
	return c, connection, err
}

func object(o *asl.Object, name string) *asl.Object {
	if o == nil {
		return nil
	}
	v, _ := o.Get(name)
	inner, _ := v.(*asl.Object)
	return inner
}

func text(o *asl.Object, name string) string {
	if o == nil {
		return ""
	}
	v, _ := o.Get(name)
	s, _ := v.(string)
	return s
}

// endpoint reads the URL of an API: HTTPS, or anything on this machine.
func endpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, runtimeFault("The value of ApiEndpoint is not a valid URL: %s", text)
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return nil, runtimeFault("The value of ApiEndpoint must be an HTTPS URL: %s", text)
	}
	return u, nil
}

// pairs reads headers or query parameters: an object whose values are scalars or lists of them.
func pairs(o *asl.Object, name string) ([][2]string, error) {
	v, there := o.Get(name)
	if !there || v == nil {
		return nil, nil
	}
	members, ok := v.(*asl.Object)
	if !ok {
		return nil, runtimeFault("The value of %s must be a JSON object", name)
	}
	var list [][2]string
	for _, m := range members.Members() {
		items, isList := m.Value.([]asl.Value)
		if !isList {
			items = []asl.Value{m.Value}
		}
		for _, item := range items {
			s, ok := scalar(item)
			if !ok {
				return nil, runtimeFault("The value of '%s' in %s must be a string", m.Name, name)
			}
			list = append(list, [2]string{m.Name, s})
		}
	}
	return list, nil
}

func scalar(v asl.Value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool, asl.Number:
		return string(asl.Text(v)), true
	}
	return "", false
}

// transform reads how the body is to be encoded: "" as JSON, else the format of arrays in form data.
func transform(o *asl.Object) (string, error) {
	switch encoding := text(o, "RequestBodyEncoding"); encoding {
	case "", "NONE":
		return "", nil
	case "URL_ENCODED":
	default:
		return "", runtimeFault("The value of RequestBodyEncoding must be NONE or URL_ENCODED")
	}
	format := text(object(o, "RequestEncodingOptions"), "ArrayFormat")
	if format == "" {
		return "INDICES", nil
	}
	if !slices.Contains(arrayFormats, format) {
		return "", runtimeFault("The value of ArrayFormat must be one of %v", arrayFormats)
	}
	return format, nil
}

// escaped is text in a URL or in form data.
func escaped(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// formData writes a body as form data.
func formData(body asl.Value, arrays string) (string, error) {
	o, ok := body.(*asl.Object)
	if !ok {
		return "", runtimeFault("A RequestBody to be URL-encoded must be a JSON object")
	}
	var parts []string
	for _, m := range o.Members() {
		parts = append(parts, formPart(m.Name, m.Value, arrays)...)
	}
	return strings.Join(parts, "&"), nil
}

func formPart(key string, v asl.Value, arrays string) []string {
	var parts []string
	switch v := v.(type) {
	case *asl.Object:
		for _, m := range v.Members() {
			parts = append(parts, formPart(key+"["+m.Name+"]", m.Value, arrays)...)
		}
	case []asl.Value:
		if arrays == "COMMAS" {
			var items []string
			for _, item := range v {
				items = append(items, escaped(formText(item)))
			}
			return []string{escaped(key) + "=" + strings.Join(items, ",")}
		}
		for i, item := range v {
			name := key
			switch arrays {
			case "INDICES":
				name += "[" + strconv.Itoa(i) + "]"
			case "BRACKETS":
				name += "[]"
			}
			parts = append(parts, formPart(name, item, arrays)...)
		}
	default:
		return []string{escaped(key) + "=" + escaped(formText(v))}
	}
	return parts
}

func formText(v asl.Value) string {
	if s, ok := scalar(v); ok {
		return s
	}
	if v == nil {
		return ""
	}
	return string(asl.Text(v))
}
