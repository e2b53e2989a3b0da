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
