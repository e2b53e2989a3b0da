// Package remote calls the operations of a server over HTTP, as any AWS client
// does: it encodes with the service's protocol, signs, and decodes the answer.
//
// A Client has the same Invoke as the bus, so what talks to services need not
// know where they are. It does not retry. The command line and end-to-end
// tests use it.
package remote

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
	"stepwell/internal/wire"
	"stepwell/internal/wire/sigv4"
)

// Options say where a server is and who calls.
type Options struct {
	Endpoint    string // URL, e.g. http://127.0.0.1:4566
	Region      string
	Credentials sigv4.Credentials
	Models      []*awsapi.Model
	HTTP        *http.Client // http.DefaultClient when nil
}

// Client calls one server.
type Client struct {
	options Options

	mu     sync.Mutex
	codecs map[string]*wire.Codec // by service
}

// New returns a client; nothing is sent before the first call.
func New(o Options) *Client {
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	return &Client{options: o, codecs: map[string]*wire.Codec{}}
}

// Invoke calls an operation with in, a *<Op>Input, and returns a *<Op>Output.
// A fault the service reports is an *awserr.Error.
func (c *Client) Invoke(ctx context.Context, service, operation string, in any) (any, error) {
	codec := c.codec(service)
	if codec == nil {
		return nil, awserr.NotImplemented("service " + service)
	}
	op := codec.Model.Operation(operation)
	if op == nil || !op.Modelled {
		return nil, awserr.NotImplemented(service + ":" + operation)
	}
	req, err := codec.NewRequest(ctx, op, c.options.Endpoint, in)
	if err != nil {
		return nil, err
	}
	if err := c.sign(req, codec.Model); err != nil {
		return nil, fmt.Errorf("cannot sign %s: %w", operation, err)
	}
	res, err := c.options.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("cannot call %s: %w", operation, err)
	}
	return codec.ReadResponse(op, res)
}

func (c *Client) codec(service string) *wire.Codec {
	c.mu.Lock()
	defer c.mu.Unlock()
	if codec := c.codecs[service]; codec != nil {
		return codec
	}
	for _, m := range c.options.Models {
		if m.Service == service {
			c.codecs[service] = wire.New(m)
			return c.codecs[service]
		}
	}
	return nil
}

// sign hashes the body where it can be read again, and leaves a stream unsigned.
func (c *Client) sign(req *http.Request, m *awsapi.Model) error {
	hash := sigv4.EmptyHash
	switch {
	case req.GetBody != nil:
		body, err := req.GetBody()
		if err != nil {
			return err
		}
		data, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		hash = sigv4.HashPayload(data)
	case req.Body != nil && req.Body != http.NoBody:
		hash = sigv4.UnsignedPayload
	}
	signer := sigv4.Signer{Credentials: c.options.Credentials, Region: c.options.Region, Service: m.SigningName}
	signer.Sign(req, hash, time.Now())
	return nil
}
