package wire

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
)

// EncodeError writes an error in the form of a protocol.
func (c *Codec) EncodeError(p awsapi.Protocol, e *awserr.Error, requestID string) *Response {
	resp := &Response{Status: e.HTTPStatus(), Header: make(http.Header, 8)}
	resp.Header["X-Amzn-Requestid"] = []string{requestID}
	known := c.Model.Error(e.Code)
	if c.Model.QueryCompatible {
		code, side := e.Code, "Sender"
		if known != nil && known.QueryCode != "" {
			code = known.QueryCode
		}
		if resp.Status >= 500 {
			side = "Receiver"
		}
		resp.Header.Set("X-Amzn-Query-Error", code+";"+side)
	}
	switch p {
	case awsapi.JSON, awsapi.RESTJSON:
		resp.Body = jsonError(c.typeName(known, e), e, known, p)
		resp.Header["Content-Type"] = []string{c.jsonType()}
		if p == awsapi.RESTJSON {
			resp.Header["Content-Type"] = []string{"application/json"}
			resp.Header.Set("X-Amzn-ErrorType", e.Code)
		}
	case awsapi.CBOR:
		cborHeaders(resp.Header)
		resp.Body = cborError(c.typeName(known, e), e)
	default:
		resp.Header["Content-Type"] = []string{"text/xml"}
		if p == awsapi.RESTXML {
			resp.Header["Content-Type"] = []string{"application/xml"}
			delete(resp.Header, "X-Amzn-Requestid")
			resp.Header["X-Amz-Request-Id"] = []string{requestID}
		}
		resp.Body = c.xmlError(p, e, requestID)
	}
	return resp
}

// typeName is the __type of an error: the shape's name where the code on the
// wire is another (services that moved from query to JSON).
func (c *Codec) typeName(known *awsapi.Error, e *awserr.Error) string {
	if known != nil && c.Model.QueryCompatible {
		return known.Name
	}
	return e.Code
}

func jsonError(typ string, e *awserr.Error, known *awsapi.Error, p awsapi.Protocol) []byte {
	b := []byte("{")
	if p == awsapi.JSON {
		b = append(b, `"__type":`...)
		b = appendQuoted(b, typ)
	}
	if e.Message != "" {
		name := "message"
		switch {
		case known != nil && known.Message != "":
			name = known.Message
		case e.Code == "SerializationException":
			name = "Message"
		}
		b = comma(b)
		b = appendQuoted(b, name)
		b = append(b, ':')
		b = appendQuoted(b, e.Message)
	}
	for _, k := range slices.Sorted(maps.Keys(e.Fields)) {
		b = comma(b)
		b = appendQuoted(b, k)
		b = append(b, ':')
		b = appendDocument(b, e.Fields[k])
	}
	return append(b, '}')
}

func comma(b []byte) []byte {
	if b[len(b)-1] == '{' {
		return b
	}
	return append(b, ',')
}

func cborError(typ string, e *awserr.Error) []byte {
	m := map[string]any{"__type": typ}
	if e.Message != "" {
		m["message"] = e.Message
	}
	maps.Copy(m, e.Fields)
	b, err := cborEncoder().Marshal(m)
	if err != nil { // a field that has no CBOR form: the code and text matter more
		b, _ = cborEncoder().Marshal(map[string]any{"__type": typ, "message": e.Message})
	}
	return b
}

func (c *Codec) xmlError(p awsapi.Protocol, e *awserr.Error, requestID string) []byte {
	w := xmlWriter{c: c}
	side := "Sender"
	if e.HTTPStatus() >= 500 {
		side = "Receiver"
	}
	body := func() {
		w.element("Code", e.Code)
		w.element("Message", e.Message)
		for _, k := range slices.Sorted(maps.Keys(e.Fields)) {
			w.element(k, fmt.Sprint(e.Fields[k]))
		}
	}
	switch {
	case p == awsapi.EC2:
		w.b = append(w.b, xmlHeader+"<Response><Errors><Error>"...)
		body()
		w.b = append(w.b, "</Error></Errors>"...)
		w.element("RequestID", requestID)
		w.close("Response")
	case p == awsapi.RESTXML && c.Model.Service == "s3":
		w.b = append(w.b, xmlHeader...)
		w.open("Error", "")
		body()
		w.element("RequestId", requestID)
		w.element("HostId", requestID)
		w.close("Error")
	default:
		attrs := ""
		if c.Model.XMLNamespace != "" {
			attrs = ` xmlns="` + c.Model.XMLNamespace + `"`
		}
		w.open("ErrorResponse", attrs)
		w.open("Error", "")
		w.element("Type", side)
		body()
		w.close("Error")
		w.element("RequestId", requestID)
		w.close("ErrorResponse")
	}
	return w.b
}

// decodeError reads the error of an answer, in any of the protocols (the
// client's side).
func (c *Codec) decodeError(status int, h http.Header, body []byte) *awserr.Error {
	e := &awserr.Error{Status: status}
	switch {
	case strings.Contains(h.Get("Content-Type"), "cbor"):
		var m map[string]any
		if cborDecoder().Unmarshal(body, &m) == nil {
			errorFromMap(e, m)
		}
	case c.Model.Protocol == awsapi.JSON, c.Model.Protocol == awsapi.RESTJSON:
		var m map[string]any
		if json.Unmarshal(body, &m) == nil {
			errorFromMap(e, m)
		}
	default:
		errorFromXML(e, body)
	}
	if t := h.Get("X-Amzn-ErrorType"); t != "" && e.Code == "" {
		e.Code = shortCode(t)
	}
	if code, _, ok := strings.Cut(h.Get("X-Amzn-Query-Error"), ";"); ok {
		e.Code = code
	}
	if e.Code == "" {
		e.Code = fmt.Sprint(status)
		if known := c.bodiless(status); known != "" {
			e.Code = known
		}
		if e.Message == "" {
			e.Message = http.StatusText(status)
		}
	}
	return e
}

// bodiless names the error of an answer without a body, as of a HEAD request.
func (c *Codec) bodiless(status int) string {
	switch status {
	case 404:
		return "NotFound"
	case 403:
		return "AccessDenied"
	case 412:
		return "PreconditionFailed"
	case 304:
		return "NotModified"
	}
	return ""
}

// shortCode strips the namespace before and the URI after an error's name.
func shortCode(t string) string {
	t, _, _ = strings.Cut(t, ":")
	if i := strings.LastIndexByte(t, '#'); i >= 0 {
		t = t[i+1:]
	}
	return t
}

func errorFromMap(e *awserr.Error, m map[string]any) {
	for k, v := range m {
		s, _ := v.(string)
		switch {
		case k == "__type" || k == "code" && e.Code == "":
			e.Code = shortCode(s)
		case strings.EqualFold(k, "message"):
			e.Message = s
		default:
			e.With(k, v)
		}
	}
}

func errorFromXML(e *awserr.Error, body []byte) {
	n, err := parseXML(body)
	if err != nil || n == nil {
		return
	}
	for _, below := range []string{"Errors", "Error"} {
		if k := n.kid(below); k != nil {
			n = k
		}
	}
	for _, k := range n.kids {
		switch k.name {
		case "Code":
			e.Code = k.text
		case "Message":
			e.Message = k.text
		case "Type", "RequestId", "HostId":
		default:
			if len(k.kids) == 0 {
				e.With(k.name, k.text)
			}
		}
	}
}
