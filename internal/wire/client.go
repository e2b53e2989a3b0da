package wire

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"stepwell/internal/awsapi"
)

// NewRequest writes in as a request for op to the endpoint (scheme, host and an
// optional path in front), unsigned. S3 buckets stand in the path.
func (c *Codec) NewRequest(ctx context.Context, op *awsapi.Operation, endpoint string, in any) (*http.Request, error) {
	v := reflect.ValueOf(in)
	if !op.Modelled || v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().NumField() != len(c.Model.Shapes[op.Input].Members) {
		return nil, fmt.Errorf("cannot encode %T as the input of %s", in, op.Name)
	}
	v = v.Elem()
	base, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("cannot use the endpoint: %w", err)
	}
	p := c.parts(op, v)
	u := *base
	u.RawPath = strings.TrimSuffix(base.EscapedPath(), "/") + p.path
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return nil, fmt.Errorf("cannot build the path of %s: %w", op.Name, err)
	}
	u.RawQuery = p.query.Encode()
	var reader io.Reader = bytes.NewReader(p.body)
	if p.stream != nil {
		reader = p.stream
	}
	req, err := http.NewRequestWithContext(ctx, op.Method, u.String(), reader)
	if err != nil {
		return nil, fmt.Errorf("cannot build a request for %s: %w", op.Name, err)
	}
	setLength(req, p.header, p.stream)
	req.Header = p.header
	return req, nil
}

// parts are the parts of an HTTP request that carry an input.
type parts struct {
	path   string
	query  url.Values
	header http.Header
	body   []byte
	stream io.ReadCloser // instead of body
}

func (c *Codec) parts(op *awsapi.Operation, v reflect.Value) parts {
	p := parts{path: "/", query: url.Values{}, header: http.Header{}}
	switch c.Model.Protocol {
	case awsapi.JSON:
		p.header.Set("Content-Type", c.jsonType())
		p.header.Set("X-Amz-Target", c.Model.TargetPrefix+"."+op.Name)
		p.body = c.appendJSON(nil, op.Input, nil, v)
	case awsapi.Query, awsapi.EC2:
		form := url.Values{"Action": {op.Name}, "Version": {c.Model.APIVersion}}
		c.encodeQuery(form, "", c.Model.Protocol == awsapi.EC2, op.Input, v)
		p.header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		p.body = []byte(form.Encode())
	default:
		s := &c.Model.Shapes[op.Input]
		p.path, p.query = c.expand(op, v)
		root := op.InputName
		if root == "" {
			root = op.Name + "Request"
		}
		var contentType string
		contentType, p.body, p.stream = c.restBody(s, op.Input, root, v)
		c.encodeHeaders(s, p.header, v)
		if p.header.Get("Content-Type") == "" && contentType != "" && (len(p.body) > 2 || p.stream != nil) {
			p.header.Set("Content-Type", contentType)
		}
	}
	return p
}

// setLength gives a streamed body the length that the input names.
func setLength(req *http.Request, h http.Header, stream io.ReadCloser) {
	if stream == nil {
		return
	}
	var n int64
	if _, err := fmt.Sscan(h.Get("Content-Length"), &n); err == nil && n >= 0 {
		req.ContentLength = n
	} else if l, ok := stream.(interface{ Len() int }); ok {
		req.ContentLength = int64(l.Len())
	}
	h.Del("Content-Length")
}

// ReadResponse decodes an answer to op into a new output. It reads and closes
// the body, except that of a streaming output, which the output then owns. The
// service's errors are *awserr.Error.
func (c *Codec) ReadResponse(op *awsapi.Operation, resp *http.Response) (any, error) {
	out := op.NewOutput()
	v := reflect.ValueOf(out).Elem()
	s := &c.Model.Shapes[op.Output]
	streaming := s.Payload > 0 && s.Members[s.Payload-1].Streaming
	if streaming && resp.StatusCode < 300 {
		c.readHeaders(s, resp, v)
		v.Field(int(s.Payload) - 1).Set(reflect.ValueOf(resp.Body))
		return out, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("cannot read the answer to %s: %w", op.Name, err)
	}
	if resp.StatusCode >= 300 {
		return nil, c.decodeError(resp.StatusCode, resp.Header, body)
	}
	switch c.Model.Protocol {
	case awsapi.JSON:
		if len(body) > 0 {
			err = c.decodeJSON(body, op.Output, v)
		}
	case awsapi.Query, awsapi.EC2:
		err = c.readQuery(op, body, v)
	default:
		if err = c.readHeaders(s, resp, v); err == nil {
			err = c.decodeRESTBody(s, op.Output, body, v)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot decode the answer to %s: %w", op.Name, err)
	}
	return out, nil
}

func (c *Codec) readHeaders(s *awsapi.Shape, resp *http.Response, v reflect.Value) error {
	for i := range s.Members {
		m := &s.Members[i]
		switch m.Location {
		case awsapi.Header, awsapi.Headers:
			if err := c.decodeHeader(m, resp.Header, v.Field(i)); err != nil {
				return fmt.Errorf("header %s: %w", m.WireName(), err)
			}
		case awsapi.StatusCode:
			settle(v.Field(i)).SetInt(int64(resp.StatusCode))
		}
	}
	return nil
}

func (c *Codec) readQuery(op *awsapi.Operation, body []byte, v reflect.Value) error {
	n, err := parseXML(body)
	if err != nil || n == nil {
		return err
	}
	if op.ResultWrapper != "" {
		if n = n.kid(op.ResultWrapper); n == nil {
			return nil
		}
	}
	return c.decodeXML(n, op.Output, v)
}
