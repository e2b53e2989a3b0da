// Package syntax turns the text of a state machine definition into a typed
// tree that knows where in the text everything stands.
//
// It reports text that is not JSON and members of the wrong JSON type; what
// the members mean is checked by asl/check. The packages of asl import it.
package syntax

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"stepwell/internal/asl/value"
	"stepwell/internal/diag"
)

// Kind is the JSON type of a Node.
type Kind uint8

const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

func (k Kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[k]
}

// Node is a JSON value with its place in the text.
type Node struct {
	Kind    Kind
	Span    diag.Span
	Text    string // String: the value; Number: as written
	Truth   bool   // Bool
	Items   []*Node
	Members []Member
}

// Member is one member of an object.
type Member struct {
	Name     string
	NameSpan diag.Span
	Value    *Node
}

// Get finds a member; nil where n is no object or has none of that name. The
// last of several with the same name counts.
func (n *Node) Get(name string) *Node {
	if n == nil {
		return nil
	}
	for i := len(n.Members) - 1; i >= 0; i-- {
		if n.Members[i].Name == name {
			return n.Members[i].Value
		}
	}
	return nil
}

// Value is the node without its places.
func (n *Node) Value() value.Value {
	switch n.Kind {
	case Bool:
		return n.Truth
	case Number:
		return value.Number(n.Text)
	case String:
		return n.Text
	case Array:
		list := make([]value.Value, len(n.Items))
		for i, item := range n.Items {
			list[i] = item.Value()
		}
		return list
	case Object:
		o := &value.Object{}
		for _, m := range n.Members {
			o.Set(m.Name, m.Value.Value())
		}
		return o
	}
	return nil
}

const maxDepth = 200

type reader struct {
	text string
	dec  *json.Decoder
}

func readNode(text string) (*Node, error) {
	r := reader{text, json.NewDecoder(strings.NewReader(text))}
	r.dec.UseNumber()
	n, err := r.node(0)
	if err != nil {
		return nil, err
	}
	if rest := strings.TrimLeft(text[r.dec.InputOffset():], " \t\r\n"); rest != "" {
		return nil, fmt.Errorf("text after the definition's end: %.20q", rest)
	}
	return n, nil
}

// start is where the next token begins.
func (r *reader) start() int {
	at := int(r.dec.InputOffset())
	for at < len(r.text) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	return at
}

func (r *reader) node(depth int) (*Node, error) {
	if depth > maxDepth {
		return nil, errors.New("the definition is nested too deeply")
	}
	n := &Node{Span: diag.Span{Start: r.start()}}
	token, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case bool:
		n.Kind, n.Truth = Bool, t
	case json.Number:
		n.Kind, n.Text = Number, string(t)
	case string:
		n.Kind, n.Text = String, t
	case json.Delim:
		if t == '{' {
			err = r.object(n, depth)
		} else {
			err = r.array(n, depth)
		}
	}
	n.Span.End = int(r.dec.InputOffset())
	return n, err
}

func (r *reader) array(n *Node, depth int) error {
	n.Kind = Array
	for r.dec.More() {
		item, err := r.node(depth + 1)
		if err != nil {
			return err
		}
		n.Items = append(n.Items, item)
	}
	_, err := r.dec.Token()
	return err
}

func (r *reader) object(n *Node, depth int) error {
	n.Kind = Object
	for r.dec.More() {
		m := Member{NameSpan: diag.Span{Start: r.start()}}
		token, err := r.dec.Token()
		if err != nil {
			return err
		}
		m.Name, _ = token.(string)
		m.NameSpan.End = int(r.dec.InputOffset())
		if m.Value, err = r.node(depth + 1); err != nil {
			return err
		}
		n.Members = append(n.Members, m)
	}
	_, err := r.dec.Token()
	return err
}
