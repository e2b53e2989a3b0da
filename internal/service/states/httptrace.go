package states

import (
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/states"
)

// inspect shows the request and the response of an HTTP task, as TestState
// does at the level TRACE. What the connection added is left out unless secrets
// are to be revealed (API reference, TestState, revealSecrets).
func (r *httpResult) inspect(d *api.InspectionData, reveal bool) {
	if r.plain == nil {
		return
	}
	address, headers, body := r.plainURL, r.plainHeaders, r.plainTxt
	if reveal && r.request != nil {
		address, headers, body = r.request.URL.String(), r.requestHeaders, r.requestBody
	}
	d.Request = &api.InspectionDataRequest{
		Protocol: &r.plain.endpoint.Scheme, Method: &r.plain.method, Url: &address, Headers: new(headerList(headers)), Body: optional(body),
	}
	if r.response == nil {
		return
	}
	var answered [][2]string
	for _, name := range headerNames(r.response.Header) {
		for _, v := range r.response.Header[name] {
			answered = append(answered, [2]string{strings.ToLower(name), v})
		}
	}
	d.Response = &api.InspectionDataResponse{
		Protocol: &r.plain.endpoint.Scheme, StatusCode: new(strconv.Itoa(r.response.StatusCode)), StatusMessage: new(statusText(r.response)),
		Headers: new(headerList(answered)), Body: optional(r.responseBody),
	}
}

// headerList is headers as "[name: value, ...]".
func headerList(list [][2]string) string {
	texts := make([]string, len(list))
	for i, h := range list {
		texts[i] = h[0] + ": " + h[1]
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
