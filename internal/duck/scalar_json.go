package duck

import (
	"bytes"
	"encoding/json"
)

// arrayFlatten merges nested arrays, of any depth, into one.
func arrayFlatten(args []Vector, row int, out *output) error {
	text := args[0].Bytes(row)
	var items []json.RawMessage
	if json.Unmarshal(text, &items) != nil {
		out.null(row)
		return nil
	}
	flat := flatten(nil, items)
	out.text(row, append(append([]byte{'['}, bytes.Join(flat, []byte{','})...), ']'))
	return nil
}

func flatten(flat [][]byte, items []json.RawMessage) [][]byte {
	for _, item := range items {
		var inner []json.RawMessage
		if len(item) > 0 && item[0] == '[' && json.Unmarshal(item, &inner) == nil {
			flat = flatten(flat, inner)
		} else {
			flat = append(flat, item)
		}
	}
	return flat
}

// attributeNames spells the names of an object's attributes, of any depth, in
// lower or upper case. The first of two that become the same stays.
func attributeNames(args []Vector, row int, out *output) error {
	upper := args[1].Int(row) != 0
	spell := bytes.ToLower
	if upper {
		spell = bytes.ToUpper
	}
	text, err := respell(args[0].Bytes(row), spell)
	if err != nil {
		out.null(row)
		return nil
	}
	out.text(row, text)
	return nil
}

func respell(text []byte, spell func([]byte) []byte) ([]byte, error) {
	switch text = bytes.TrimSpace(text); {
	case len(text) > 0 && text[0] == '[':
		var items []json.RawMessage
		if err := json.Unmarshal(text, &items); err != nil {
			return nil, err
		}
		parts := make([][]byte, len(items))
		for i, item := range items {
			var err error
			if parts[i], err = respell(item, spell); err != nil {
				return nil, err
			}
		}
		return append(append([]byte{'['}, bytes.Join(parts, []byte{','})...), ']'), nil
	case len(text) > 0 && text[0] == '{':
		return respellObject(text, spell)
	}
	return text, nil
}

// respellObject keeps the order of the attributes, which a map would lose.
func respellObject(text []byte, spell func([]byte) []byte) ([]byte, error) {
	in := json.NewDecoder(bytes.NewReader(text))
	if _, err := in.Token(); err != nil {
		return nil, err
	}
	out, seen := []byte{'{'}, map[string]bool{}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return nil, err
		}
		key := spell([]byte(name.(string)))
		if seen[string(key)] {
			continue
		}
		seen[string(key)] = true
		quoted := quoteJSON(string(key))
		inner, err := respell(value, spell)
		if err != nil {
			return nil, err
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, quoted...), ':'), inner...)
	}
	return append(out, '}'), nil
}

// quoteJSON is a text as JSON has it, without the escapes that HTML wants.
func quoteJSON(text string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if e.Encode(text) != nil { // a text always can be written
		return []byte(`""`)
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}
