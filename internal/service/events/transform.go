package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "stepwell/internal/awsapi/events"
)

// step is one step of a path: a name, an index, or all elements of an array.
type step struct {
	name  string
	index int
	all   bool
}

// parsePath reads the JSON paths that EventBridge takes: $.a.b[0], $.a['b'], $.a[*].
func parsePath(text string) (path []step, err error) {
	rest, ok := strings.CutPrefix(text, "$")
	bad := fmt.Errorf("cannot read the path %q", text)
	if !ok {
		return nil, bad
	}
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, "."):
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			if end == 0 {
				return nil, bad
			}
			path, rest = append(path, step{name: rest[1 : 1+end], index: -1}), rest[1+end:]
		case strings.HasPrefix(rest, "["):
			inside, after, ok := strings.Cut(rest[1:], "]")
			if !ok {
				return nil, bad
			}
			rest = after
			if inside == "*" {
				path = append(path, step{all: true})
				continue
			}
			if quoted := strings.Trim(inside, `'"`); len(quoted) == len(inside)-2 && quoted != "" {
				path = append(path, step{name: quoted, index: -1})
				continue
			}
			n, err := strconv.Atoi(inside)
			if err != nil || n < 0 {
				return nil, bad
			}
			path = append(path, step{index: n})
		default:
			return nil, bad
		}
	}
	return path, nil
}

// at is the value at a path.
func at(v any, path []step) (any, bool) {
	for i, p := range path {
		switch list, isList := v.([]any); {
		case p.all && isList:
			var found []any
			for _, x := range list {
				if y, ok := at(x, path[i+1:]); ok {
					found = append(found, y)
				}
			}
			return found, found != nil
		case p.all:
			return nil, false
		case p.index >= 0:
			if !isList || p.index >= len(list) {
				return nil, false
			}
			v = list[p.index]
		default:
			object, _ := v.(map[string]any)
			x, ok := object[p.name]
			if !ok {
				return nil, false
			}
			v = x
		}
	}
	return v, true
}

// checkTransformer checks an input transformer when it is set.
func checkTransformer(t *api.Target) error {
	known := map[string]bool{}
	for name, path := range t.InputTransformer.InputPathsMap {
		if strings.HasPrefix(strings.ToUpper(name), "AWS") {
			return validation("Invalid InputTransformer for target %s : [Key %s is reserved.]", *t.Id, name)
		}
		if _, err := parsePath(path); err != nil {
			return validation("Invalid InputPathsMap for target %s : [Reason: Invalid JsonPath at key %s.]", *t.Id, name)
		}
		known[name] = true
	}
	var fault error
	expand(*t.InputTransformer.InputTemplate, func(name string, _ bool) string {
		if !known[name] && !strings.HasPrefix(name, "aws.events.") && fault == nil {
			fault = validation("InputTemplate for target %s contains invalid placeholder %s.", *t.Id, name)
		}
		return ""
	})
	return fault
}

// expand replaces the <placeholders> of a template. quoted says that one stands
// within a JSON text.
func expand(template string, with func(name string, quoted bool) string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == '\\' && i+1 < len(template):
			b.WriteString(template[i : i+2])
			i++
		case c == '<':
			end := strings.IndexByte(template[i:], '>')
			if name := template[i+1 : i+max(end, 1)]; end > 0 && isName(name) {
				b.WriteString(with(name, quoted))
				i += end
				continue
			}
			b.WriteByte(c)
		default:
			if c == '"' {
				quoted = !quoted
			}
			b.WriteByte(c)
		}
	}
	return b.String()
}

func isName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.", r))
	}) < 0
}

// input is what the target gets of an event ("Input transformation").
func (d *delivery) input() (string, error) {
	t := &d.Target
	switch {
	case t.Input != nil:
		return *t.Input, nil
	case t.InputPath != nil:
		path, err := parsePath(*t.InputPath)
		if err != nil {
			return "", err
		}
		tree, err := decode(d.Event)
		if err != nil {
			return "", err
		}
		v, ok := at(tree, path)
		if !ok {
			return "", fmt.Errorf("the event has nothing at %s", *t.InputPath)
		}
		return literalText(v), nil
	case t.InputTransformer != nil:
		return d.transform(t.InputTransformer)
	}
	return string(d.Event), nil
}

// transform fills in a template. Outside quotes a value is JSON. Within quotes it is
// not escaped, so that a text with a quote in it breaks the JSON, as on AWS, and
// objects and arrays, except those of reserved variables, lose their quotes ("Common
// issues with transforming input").
func (d *delivery) transform(t *api.InputTransformer) (string, error) {
	unquoted := strings.NewReplacer(`\\`, `\\`, `\"`, "", `"`, "")
	tree, err := decode(d.Event)
	if err != nil {
		return "", err
	}
	values := map[string]any{
		"aws.events.rule-arn": d.Rule, "aws.events.rule-name": d.RuleName,
		"aws.events.event.ingestion-time": d.Ingested.UTC().Format(time.RFC3339),
		"aws.events.event.json":           tree,
	}
	if object, ok := tree.(map[string]any); ok { // the event without its detail
		bare := map[string]any{}
		for k, v := range object {
			if k != "detail" {
				bare[k] = v
			}
		}
		values["aws.events.event"] = bare
	}
	for name, text := range t.InputPathsMap {
		path, err := parsePath(text)
		if err != nil {
			return "", err
		}
		if v, ok := at(tree, path); ok {
			values[name] = v
		}
	}
	text := expand(*t.InputTemplate, func(name string, quoted bool) string {
		v, ok := values[name]
		s, isText := v.(string)
		switch {
		case !ok:
			return ""
		case !quoted:
			return literalText(v)
		case isText:
			return s
		case strings.HasPrefix(name, "aws.events."):
			return literalText(v)
		}
		return unquoted.Replace(literalText(v))
	})
	var minified bytes.Buffer
	if json.Compact(&minified, []byte(text)) != nil {
		return text, nil
	}
	return minified.String(), nil
}

// literalText is a value as JSON.
func literalText(v any) string {
	var b strings.Builder
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	if err := w.Encode(v); err != nil {
		return "null" // values that were decoded always encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}
