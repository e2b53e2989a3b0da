package wire

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"

	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
)

// serialization is the error of a request that does not have the form of its
// input.
func serialization(format string, args ...any) *awserr.Error {
	return awserr.New(400, "SerializationException", format, args...)
}

// decodeJSON reads a JSON document into a structure, v. Unknown members are
// ignored, as AWS ignores them; null is absent.
func (c *Codec) decodeJSON(data []byte, id awsapi.ShapeID, v reflect.Value) error {
	if !utf8.Valid(data) {
		return serialization("")
	}
	s := scanner{data: data}
	d := jsonDecoder{c, &s}
	if err := d.value(id, nil, v); err != nil {
		return d.fault(err)
	}
	if s.peek(); s.pos != len(s.data) {
		return serialization("")
	}
	return nil
}

type jsonDecoder struct {
	c *Codec
	s *scanner
}

// fault turns a syntax error into AWS's answer, which has no text.
func (d jsonDecoder) fault(err error) error {
	if awserr.From(err) != nil {
		return err
	}
	return serialization("")
}

// value reads one value of a shape into v, a field, an element or a map value.
func (d jsonDecoder) value(id awsapi.ShapeID, m *awsapi.Member, v reflect.Value) error {
	s := &d.c.Model.Shapes[id]
	first := d.s.peek()
	if first == 'n' {
		return d.s.word("null")
	}
	switch s.Kind {
	case awsapi.Structure:
		return d.structure(id, s, first, v)
	case awsapi.List:
		return d.list(s, first, v)
	case awsapi.Map:
		return d.mapping(s, first, v)
	case awsapi.Document:
		x, err := d.s.any()
		if err == nil && x != nil {
			v.Set(reflect.ValueOf(x))
		}
		return err
	}
	return d.scalar(s, m, first, v)
}

func (d jsonDecoder) structure(id awsapi.ShapeID, s *awsapi.Shape, first byte, v reflect.Value) error {
	if first != '{' {
		return d.notHere(first, "Unexpected field type")
	}
	if err := d.s.enter('{'); err != nil {
		return err
	}
	v = settle(v)
	for first := true; ; first = false {
		more, err := d.s.next('}', first)
		if err != nil || !more {
			return err
		}
		k, err := d.s.key()
		if err != nil {
			return err
		}
		i := d.c.member(id, k)
		if i < 0 || s.Members[i].Location != awsapi.Body {
			err = d.s.skip()
		} else {
			err = d.value(s.Members[i].Shape, &s.Members[i], v.Field(i))
		}
		if err != nil {
			return err
		}
	}
}

func (d jsonDecoder) list(s *awsapi.Shape, first byte, v reflect.Value) error {
	if first != '[' {
		return d.notHere(first, "Expected list or null")
	}
	if err := d.s.enter('['); err != nil {
		return err
	}
	v = settle(v)
	out := reflect.MakeSlice(v.Type(), 0, 4)
	zero := reflect.Zero(v.Type().Elem())
	for first := true; ; first = false {
		more, err := d.s.next(']', first)
		if err != nil {
			return err
		}
		if !more {
			v.Set(out)
			return nil
		}
		if d.s.peek() == 'n' { // lists of AWS's models hold no nulls
			if err := d.s.word("null"); err != nil {
				return err
			}
			continue
		}
		out = reflect.Append(out, zero)
		if err := d.value(s.Elem, nil, out.Index(out.Len()-1)); err != nil {
			return err
		}
	}
}

func (d jsonDecoder) mapping(s *awsapi.Shape, first byte, v reflect.Value) error {
	if first != '{' {
		return d.notHere(first, "Expected map or null")
	}
	if err := d.s.enter('{'); err != nil {
		return err
	}
	v = settle(v)
	out := reflect.MakeMap(v.Type())
	for first := true; ; first = false {
		more, err := d.s.next('}', first)
		if err != nil {
			return err
		}
		if !more {
			v.Set(out)
			return nil
		}
		k, err := d.s.key()
		if err != nil {
			return err
		}
		key := reflect.ValueOf(string(k))
		if d.s.peek() == 'n' {
			if err := d.s.word("null"); err != nil {
				return err
			}
			continue
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := d.value(s.Elem, nil, elem); err != nil {
			return err
		}
		out.SetMapIndex(key, elem)
	}
}

// notHere names a token that stands where another type is due; a syntax error
// comes first.
func (d jsonDecoder) notHere(first byte, text string) error {
	if err := d.s.skip(); err != nil {
		return err
	}
	switch first {
	case '{':
		text = "Start of structure or map found where not expected."
	case '[':
		text = "Start of list found where not expected"
	}
	return serialization("%s", text)
}

func (d jsonDecoder) scalar(s *awsapi.Shape, m *awsapi.Member, first byte, v reflect.Value) error {
	switch {
	case first == '{', first == '[':
		return d.notHere(first, "")
	case first == '"':
		b, err := d.s.str()
		if err != nil {
			return err
		}
		return d.fromString(s, m, b, v)
	case first == 't', first == 'f':
		b := first == 't'
		word := map[bool]string{true: "true", false: "false"}[b]
		if err := d.s.word(word); err != nil {
			return err
		}
		if s.Kind != awsapi.Boolean {
			return cannotConvert(map[bool]string{true: "TRUE_VALUE", false: "FALSE_VALUE"}[b], s)
		}
		settle(v).SetBool(b)
		return nil
	}
	b, err := d.s.number()
	if err != nil {
		return err
	}
	return d.fromNumber(s, b, v)
}

func (d jsonDecoder) fromString(s *awsapi.Shape, m *awsapi.Member, b []byte, v reflect.Value) error {
	switch s.Kind {
	case awsapi.String:
		setString(v, string(b))
		return nil
	case awsapi.Blob:
		raw := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
		n, err := base64.StdEncoding.Decode(raw, b)
		if err != nil {
			return serialization("Invalid base64 value")
		}
		v.SetBytes(raw[:n])
		return nil
	case awsapi.Timestamp:
		t, err := parseTime(string(b), timestampFormat(m, s, awsapi.UnixTimestamp))
		if err != nil {
			return cannotConvert("STRING_VALUE", s)
		}
		settle(v).Set(reflect.ValueOf(t))
		return nil
	case awsapi.Float, awsapi.Double:
		switch f := string(b); f {
		case "NaN", "Infinity", "-Infinity":
			x, _ := strconv.ParseFloat(f, 64)
			settle(v).SetFloat(x)
			return nil
		}
	}
	return cannotConvert("STRING_VALUE", s)
}

func (d jsonDecoder) fromNumber(s *awsapi.Shape, b []byte, v reflect.Value) error {
	switch s.Kind {
	case awsapi.Integer, awsapi.Long:
		n, ok := integer(b)
		if !ok || s.Kind == awsapi.Integer && (n > math.MaxInt32 || n < math.MinInt32) {
			return cannotConvert("NUMBER_VALUE", s)
		}
		settle(v).SetInt(n)
		return nil
	case awsapi.Float, awsapi.Double:
		f, err := strconv.ParseFloat(string(b), 64)
		if err != nil {
			return cannotConvert("NUMBER_VALUE", s)
		}
		settle(v).SetFloat(f)
		return nil
	case awsapi.Timestamp:
		f, err := strconv.ParseFloat(string(b), 64)
		if err == nil {
			t, err := epoch(f)
			if err == nil {
				settle(v).Set(reflect.ValueOf(t))
				return nil
			}
		}
	}
	return cannotConvert("NUMBER_VALUE", s)
}

// integer reads a number that is whole, also when it is written as 1.0 or 1e3.
func integer(b []byte) (int64, bool) {
	if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// cannotConvert is AWS's text for a token of the wrong type.
func cannotConvert(token string, s *awsapi.Shape) error {
	name := map[awsapi.Kind]string{awsapi.String: "a String", awsapi.Blob: "a Blob", awsapi.Boolean: "a Boolean", awsapi.Integer: "an Integer",
		awsapi.Long: "a Long", awsapi.Float: "a Float", awsapi.Double: "a Double", awsapi.Timestamp: "a Timestamp"}[s.Kind]
	return serialization("%s can not be converted to %s", token, name)
}
