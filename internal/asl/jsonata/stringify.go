package jsonata

import "stepwell/internal/asl/value"

// writer writes a value as JSON text the way $string does: numbers with at most 15
// significant digits, functions as empty strings.
type writer struct {
	r      *run // counts the bytes; nil: nobody does
	out    []byte
	max    int // cut the text there; 0: do not
	pretty bool
	depth  int
}

func (w *writer) write(v any) (string, error) {
	if err := w.value(v); err != nil {
		return "", err
	}
	if w.max > 0 && len(w.out) > w.max {
		w.out = append(w.out[:w.max], "..."...)
	}
	return string(w.out), nil
}

func (w *writer) value(v any) error {
	if w.max > 0 && len(w.out) > w.max {
		return nil
	}
	before := len(w.out)
	switch v := v.(type) {
	case nil, undef:
		w.out = append(w.out, "null"...)
	case bool, string:
		w.out = value.Append(w.out, v)
	case float64, value.Number:
		f, _, err := numeric(v)
		if err != nil {
			return err
		}
		if f != f {
			w.out = append(w.out, "null"...)
		} else {
			w.out = append(w.out, formatFloat(precise(f))...)
		}
	case *value.Object:
		return w.object(v)
	case []any, *array:
		list, _ := items(v)
		return w.list(list)
	default:
		w.out = append(w.out, `""`...)
	}
	if w.r != nil {
		return w.r.text(len(w.out) - before)
	}
	return nil
}

func (w *writer) newline() {
	if !w.pretty {
		return
	}
	w.out = append(w.out, '\n')
	for range w.depth {
		w.out = append(w.out, "  "...)
	}
}

func (w *writer) list(list []any) error {
	deeper(w.depth)
	if len(list) == 0 {
		w.out = append(w.out, "[]"...)
		return nil
	}
	w.out = append(w.out, '[')
	w.depth++
	for i, item := range list {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.newline()
		if err := w.value(item); err != nil {
			return err
		}
	}
	w.depth--
	w.newline()
	w.out = append(w.out, ']')
	return nil
}

func (w *writer) object(o *value.Object) error {
	deeper(w.depth)
	if o.Len() == 0 {
		w.out = append(w.out, "{}"...)
		return nil
	}
	w.out = append(w.out, '{')
	w.depth++
	for i, m := range o.Members() {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.newline()
		w.out = append(value.AppendString(w.out, m.Name), ':')
		if w.pretty {
			w.out = append(w.out, ' ')
		}
		if err := w.value(m.Value); err != nil {
			return err
		}
	}
	w.depth--
	w.newline()
	w.out = append(w.out, '}')
	return nil
}

// stringOf is $string, of undefined the empty string.
func (r *run) stringOf(v any, pretty bool) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case undef, function:
		return "", nil
	case bool:
		if v {
			return "true", nil
		}
		return "false", nil
	case float64, value.Number:
		f, _ := number(v)
		if f-f != 0 {
			return "", faultOf("D3001", v)
		}
		return formatFloat(precise(f)), nil
	case *array:
		if v.outer {
			return r.stringOf(v.items[0], pretty)
		}
	}
	return (&writer{r: r, pretty: pretty}).write(v)
}
