// Package wire speaks AWS's wire protocols, driven by the schemas of package
// awsapi: AWS JSON 1.0 and 1.1, REST-JSON, REST-XML, query, EC2 query and Smithy
// RPC v2 CBOR, each from both sides. A server decodes requests into the
// generated input structs, validates them with AWS's texts and encodes outputs
// and errors; a client encodes inputs and decodes what a server answered.
//
// It knows no service and opens no connection. The forms are those of the
// Smithy specification (smithy.io/2.0/aws/protocols) and, for texts of errors,
// of what the services answer. The gateway, the bus's forwarder to real AWS and
// the services that speak for others (S3) import it.
package wire

import (
	"io"
	"net/http"
	"net/url"
	"sync"

	"stepwell/internal/awsapi"
)

// Codec encodes and decodes the shapes of one service model. It is safe for
// concurrent use.
type Codec struct {
	Model *awsapi.Model

	indexes  []memberIndex // by shape
	patterns sync.Map      // pattern -> *pattern
	routes   []route       // of REST protocols, most specific first
}

// memberIndex finds the members of one structure by wire name.
type memberIndex struct {
	once   sync.Once
	byWire map[string]int
}

// New returns a codec for a model.
func New(m *awsapi.Model) *Codec {
	c := &Codec{Model: m, indexes: make([]memberIndex, len(m.Shapes))}
	c.routes = compileRoutes(m)
	return c
}

// Request is an HTTP request that a server decodes.
type Request struct {
	Method string
	Path   string // escaped, as received
	Query  url.Values
	Header http.Header
	Body   []byte
}

// Response is an HTTP response that a server writes.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	Stream io.ReadCloser // instead of Body; the writer closes it
}

// member finds a body member by its wire name; -1 when there is none.
func (c *Codec) member(id awsapi.ShapeID, name []byte) int {
	s := &c.Model.Shapes[id]
	if len(s.Members) <= 8 {
		for i := range s.Members {
			if s.Members[i].WireName() == string(name) {
				return i
			}
		}
		return -1
	}
	x := &c.indexes[id]
	x.once.Do(func() {
		x.byWire = make(map[string]int, len(s.Members))
		for i := range s.Members {
			x.byWire[s.Members[i].WireName()] = i
		}
	})
	if i, ok := x.byWire[string(name)]; ok {
		return i
	}
	return -1
}
