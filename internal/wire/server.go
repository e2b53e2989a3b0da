package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
)

// Protocol says which protocol a request of a service speaks: CBOR when it says
// so, query when it is a form with an Action although the service speaks JSON,
// the model's otherwise.
func (c *Codec) Protocol(h http.Header) awsapi.Protocol {
	if strings.EqualFold(h.Get("Smithy-Protocol"), "rpc-v2-cbor") {
		return awsapi.CBOR
	}
	if c.Model.QueryCompatible && strings.HasPrefix(h.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return awsapi.Query
	}
	return c.Model.Protocol
}

// Decode reads a request for op into a new input. It does not validate it. The
// error is an *awserr.Error.
func (c *Codec) Decode(op *awsapi.Operation, p awsapi.Protocol, r *Request) (any, error) {
	if !op.Modelled {
		return nil, awserr.NotImplemented(c.Model.Service + ":" + op.Name)
	}
	in := op.NewInput()
	v := reflect.ValueOf(in).Elem()
	var err error
	switch p {
	case awsapi.JSON:
		if len(r.Body) > 0 {
			err = c.decodeJSON(r.Body, op.Input, v)
		}
	case awsapi.CBOR:
		err = c.decodeCBOR(r.Body, op.Input, v)
	case awsapi.Query, awsapi.EC2:
		var form url.Values
		if form, err = Form(r); err == nil {
			err = c.decodeQuery(form, p == awsapi.EC2, op.Input, v)
		}
	case awsapi.RESTJSON, awsapi.RESTXML:
		err = c.decodeREST(op, r, v)
	default:
		err = fmt.Errorf("cannot decode the protocol %q", p)
	}
	if err != nil {
		return nil, err
	}
	return in, nil
}

// Form gives the parameters of a query request: of the URL and of the body.
func Form(r *Request) (url.Values, error) {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return nil, awserr.New(400, "MalformedQueryString", "The query string contains a syntax error.")
	}
	for k, v := range r.Query {
		if _, ok := form[k]; !ok {
			form[k] = v
		}
	}
	return form, nil
}

// Encode writes the output of op. out is a pointer to the output struct.
func (c *Codec) Encode(op *awsapi.Operation, p awsapi.Protocol, out any, requestID string) (*Response, error) {
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct ||
		v.Elem().NumField() != len(c.Model.Shapes[op.Output].Members) {
		return nil, fmt.Errorf("cannot encode the answer of %s: it is %T", op.Name, out)
	}
	v = v.Elem()
	resp := &Response{Status: 200, Header: make(http.Header, 8)}
	if op.Status != 0 {
		resp.Status = op.Status
	}
	resp.Header["X-Amzn-Requestid"] = []string{requestID}
	switch p {
	case awsapi.JSON:
		resp.Header["Content-Type"] = []string{c.jsonType()}
		resp.Body = c.appendJSON(make([]byte, 0, 256), op.Output, nil, v)
	case awsapi.CBOR:
		b, err := c.encodeCBOR(op.Output, v)
		if err != nil {
			return nil, fmt.Errorf("cannot encode the answer of %s: %w", op.Name, err)
		}
		cborHeaders(resp.Header)
		resp.Body = b
	case awsapi.Query, awsapi.EC2:
		resp.Header["Content-Type"] = []string{"text/xml"}
		resp.Body = c.queryDocument(op, p, v, requestID)
	default:
		c.encodeREST(op, v, resp)
		if c.Model.Protocol == awsapi.RESTXML {
			delete(resp.Header, "X-Amzn-Requestid")
			resp.Header["X-Amz-Request-Id"] = []string{requestID}
		}
	}
	return resp, nil
}

func (c *Codec) jsonType() string {
	if c.Model.JSONVersion == "1.1" {
		return "application/x-amz-json-1.1"
	}
	return "application/x-amz-json-1.0"
}

func cborHeaders(h http.Header) {
	h["Content-Type"] = []string{"application/cbor"}
	h["Smithy-Protocol"] = []string{"rpc-v2-cbor"}
}

// queryDocument is the XML document of a query or EC2 answer.
func (c *Codec) queryDocument(op *awsapi.Operation, p awsapi.Protocol, v reflect.Value, requestID string) []byte {
	w := xmlWriter{c: c, b: make([]byte, 0, 512)}
	root := op.Name + "Response"
	w.open(root, ` xmlns="`+c.Model.XMLNamespace+`"`)
	s := &c.Model.Shapes[op.Output]
	if p == awsapi.EC2 {
		w.element("requestId", requestID)
		w.members(s, v)
		w.close(root)
		return w.b
	}
	wrapper := op.ResultWrapper
	if c.Model.QueryCompatible && len(s.Members) > 0 {
		wrapper = op.Name + "Result" // of a service that moved from query to JSON
	}
	if wrapper != "" {
		w.open(wrapper, "")
		w.members(s, v)
		w.close(wrapper)
	} else {
		w.members(s, v)
	}
	w.open("ResponseMetadata", "")
	w.element("RequestId", requestID)
	w.close("ResponseMetadata")
	w.close(root)
	return w.b
}
