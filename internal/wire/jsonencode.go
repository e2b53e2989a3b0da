package wire

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"stepwell/internal/awsapi"
)

// appendJSON writes a value of a shape; v is not absent.
func (c *Codec) appendJSON(b []byte, id awsapi.ShapeID, m *awsapi.Member, v reflect.Value) []byte {
	s := &c.Model.Shapes[id]
	v = direct(v)
	switch s.Kind {
	case awsapi.Structure:
		return c.appendJSONStructure(b, s, v)
	case awsapi.List:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = c.appendJSON(b, s.Elem, nil, v.Index(i))
		}
		return append(b, ']')
	case awsapi.Map:
		return c.appendJSONMap(b, s, v)
	case awsapi.String:
		return appendQuoted(b, v.String())
	case awsapi.Boolean:
		return strconv.AppendBool(b, v.Bool())
	case awsapi.Integer, awsapi.Long:
		return strconv.AppendInt(b, v.Int(), 10)
	case awsapi.Float, awsapi.Double:
		return appendFloat(b, v.Float())
	case awsapi.Blob:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v.Bytes())
		return append(b, '"')
	case awsapi.Timestamp:
		t := v.Interface().(time.Time)
		if f := timestampFormat(m, s, awsapi.UnixTimestamp); f != awsapi.UnixTimestamp {
			return appendQuoted(b, formatTime(t, f))
		}
		return appendEpoch(b, t)
	}
	return appendDocument(b, v.Interface())
}

func (c *Codec) appendJSONStructure(b []byte, s *awsapi.Shape, v reflect.Value) []byte {
	b = append(b, '{')
	open := len(b)
	for i := range s.Members {
		m := &s.Members[i]
		f := v.Field(i)
		if m.Location != awsapi.Body || absent(f) {
			continue
		}
		if len(b) > open {
			b = append(b, ',')
		}
		b = appendQuoted(b, m.WireName())
		b = append(b, ':')
		b = c.appendJSON(b, m.Shape, m, f)
	}
	return append(b, '}')
}

func (c *Codec) appendJSONMap(b []byte, s *awsapi.Shape, v reflect.Value) []byte {
	b = append(b, '{')
	for i, k := range sortedKeys(v) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, k.String())
		b = append(b, ':')
		b = c.appendJSON(b, s.Elem, nil, v.MapIndex(k))
	}
	return append(b, '}')
}

// sortedKeys gives the keys of a map in order, so that answers are the same
// each time.
func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch x, y := a.String(), b.String(); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	return keys
}

func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendQuoted(b, formatFloat(f))
	}
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

// appendDocument writes a value of Go's usual JSON types. What cannot be
// written as JSON is null.
func appendDocument(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		return append(b, "null"...)
	}
	return append(b, text...)
}

const hexDigits = "0123456789abcdef"

// appendQuoted writes a JSON string. Unlike encoding/json it leaves <, > and &
// alone, as AWS does.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(b, s[start:i]...)
				b = append(b, `\ufffd`...)
				start = i + 1
			}
			i += n
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
