package duck

import (
	"bytes"
	"encoding/json"
	"slices"
)

// objectTransform makes the object of OBJECT_TRANSFORM: of args[0] the paths to
// keep, with the values of args[2] at the paths to set. args[1] has the paths,
// as rsql/lower writes them.
func objectTransform(args []Vector, row int, out *output) error {
	var paths struct{ Keep, Set [][]string }
	if err := json.Unmarshal(args[1].Bytes(row), &paths); err != nil {
		return err
	}
	var values []json.RawMessage
	if err := json.Unmarshal(args[2].Bytes(row), &values); err != nil {
		return err
	}
	object, err := readObject(args[0].Bytes(row))
	if err != nil {
		out.null(row)
		return nil
	}
	kept := object.keep(paths.Keep)
	for i, path := range paths.Set {
		if err := kept.set(path, values[i]); err != nil {
			return err
		}
	}
	out.text(row, kept.append(nil))
	return nil
}

// object is a JSON object whose attributes keep their order.
type object struct {
	names  []string
	values []json.RawMessage
}

func readObject(text []byte) (*object, error) {
	in := json.NewDecoder(bytes.NewReader(text))
	if _, err := in.Token(); err != nil {
		return nil, err
	}
	o := &object{}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return nil, err
		}
		o.names, o.values = append(o.names, name.(string)), append(o.values, value)
	}
	return o, nil
}

func isObject(text []byte) bool { return len(text) > 0 && text[0] == '{' }

// keep is the object with what lies on the paths, in its own order.
func (o *object) keep(paths [][]string) *object {
	out := &object{}
	for i, name := range o.names {
		var below [][]string
		whole := false
		for _, p := range paths {
			if p[0] != name {
				continue
			}
			whole = whole || len(p) == 1
			below = append(below, p[1:])
		}
		value := o.values[i]
		switch {
		case len(below) == 0:
			continue
		case !whole:
			if !isObject(value) {
				continue
			}
			inner, err := readObject(value)
			if err != nil {
				continue
			}
			if inner = inner.keep(below); len(inner.names) == 0 {
				continue
			}
			value = inner.append(nil)
		}
		out.names, out.values = append(out.names, name), append(out.values, value)
	}
	return out
}

// set puts a value at a path; what is no object on the way becomes one.
func (o *object) set(path []string, value json.RawMessage) error {
	i := slices.Index(o.names, path[0])
	if i < 0 {
		i = len(o.names)
		o.names, o.values = append(o.names, path[0]), append(o.values, nil)
	}
	if len(path) == 1 {
		o.values[i] = value
		return nil
	}
	inner := &object{}
	if isObject(o.values[i]) {
		var err error
		if inner, err = readObject(o.values[i]); err != nil {
			return err
		}
	}
	if err := inner.set(path[1:], value); err != nil {
		return err
	}
	o.values[i] = inner.append(nil)
	return nil
}

func (o *object) append(out []byte) []byte {
	out = append(out, '{')
	for i, name := range o.names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, quoteJSON(name)...), ':'), o.values[i]...)
	}
	return append(out, '}')
}
