package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Paths reads a JSONPaths file ("COPY from JSON format" of the Redshift guide):
// an object with the one member "jsonpaths", a list of paths.
func Paths(text []byte) ([][]Step, error) {
	var doc struct {
		Paths []string `json:"jsonpaths"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if doc.Paths == nil {
		return nil, errors.New("no member jsonpaths")
	}
	var out [][]Step
	for _, p := range doc.Paths {
		steps, err := Path(p)
		if err != nil {
			return nil, err
		}
		out = append(out, steps)
	}
	return out, nil
}

// Path parses one path in bracket or dot notation: $['a']['b'][0], $.a.b[0].
func Path(text string) ([]Step, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok || rest == "" {
		return nil, fmt.Errorf("invalid JSONPath %q", text)
	}
	var steps []Step
	for rest != "" {
		switch {
		case rest[0] == '.':
			n := strings.IndexAny(rest[1:], ".[")
			if n < 0 {
				n = len(rest) - 1
			}
			if n == 0 {
				return nil, fmt.Errorf("invalid JSONPath %q", text)
			}
			steps = append(steps, Step{Name: rest[1 : n+1]})
			rest = rest[n+1:]
		case strings.HasPrefix(rest, "['") || strings.HasPrefix(rest, `["`):
			end := strings.Index(rest[2:], rest[1:2]+"]")
			if end < 0 {
				return nil, fmt.Errorf("invalid JSONPath %q", text)
			}
			steps = append(steps, Step{Name: rest[2 : end+2]})
			rest = rest[end+4:]
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return nil, fmt.Errorf("invalid JSONPath %q", text)
			}
			n, err := strconv.Atoi(rest[1:end])
			if err != nil || n < 0 {
				return nil, fmt.Errorf("invalid JSONPath %q", text)
			}
			steps = append(steps, Step{Index: n, List: true})
			rest = rest[end+1:]
		default:
			return nil, fmt.Errorf("invalid JSONPath %q", text)
		}
	}
	return steps, nil
}
