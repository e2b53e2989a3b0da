package wire

import (
	"math"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"

	"stepwell/internal/awsapi"
)

// cborModes are the two options of RPC v2 CBOR: timestamps carry tag 1, map
// keys are sorted so that answers are the same each time.
func cborEncoder() cbor.EncMode {
	m, err := cbor.EncOptions{Sort: cbor.SortBytewiseLexical, Time: cbor.TimeUnixDynamic, TimeTag: cbor.EncTagRequired}.EncMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return m
}

func cborDecoder() cbor.DecMode {
	m, err := cbor.DecOptions{MaxNestedLevels: 128, TimeTag: cbor.DecTagOptional, DefaultMapType: reflect.TypeFor[map[string]any]()}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return m
}

func (c *Codec) decodeCBOR(data []byte, id awsapi.ShapeID, v reflect.Value) error {
	if len(data) == 0 {
		return nil
	}
	var tree any
	if err := cborDecoder().Unmarshal(data, &tree); err != nil {
		return serialization("")
	}
	return c.fromTree(tree, id, v)
}

// fromTree reads a decoded CBOR value of a shape.
func (c *Codec) fromTree(x any, id awsapi.ShapeID, v reflect.Value) error {
	s := &c.Model.Shapes[id]
	if x == nil {
		return nil
	}
	switch s.Kind {
	case awsapi.Structure:
		m, ok := x.(map[string]any)
		if !ok {
			return serialization("Unexpected field type")
		}
		v = settle(v)
		for i := range s.Members {
			mb := &s.Members[i]
			if e, ok := m[mb.Name]; ok {
				if err := c.fromTree(e, mb.Shape, v.Field(i)); err != nil {
					return err
				}
			}
		}
		return nil
	case awsapi.List:
		l, ok := x.([]any)
		if !ok {
			return serialization("Expected list or null")
		}
		out := reflect.MakeSlice(v.Type(), len(l), len(l))
		for i, e := range l {
			if err := c.fromTree(e, s.Elem, out.Index(i)); err != nil {
				return err
			}
		}
		v.Set(out)
		return nil
	case awsapi.Map:
		return c.mapFromTree(x, s, v)
	case awsapi.Document:
		v.Set(reflect.ValueOf(x))
		return nil
	}
	return cborScalar(x, s, v)
}

func (c *Codec) mapFromTree(x any, s *awsapi.Shape, v reflect.Value) error {
	m, ok := x.(map[string]any)
	if !ok {
		return serialization("Expected map or null")
	}
	out := reflect.MakeMap(v.Type())
	for k, e := range m {
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := c.fromTree(e, s.Elem, elem); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(k), elem)
	}
	v.Set(out)
	return nil
}

func cborScalar(x any, s *awsapi.Shape, v reflect.Value) error {
	switch x := x.(type) {
	case string:
		if s.Kind == awsapi.String {
			setString(v, x)
			return nil
		}
		return cannotConvert("STRING_VALUE", s)
	case []byte:
		if s.Kind == awsapi.Blob {
			v.SetBytes(x)
			return nil
		}
		return cannotConvert("BYTES_VALUE", s)
	case bool:
		if s.Kind == awsapi.Boolean {
			settle(v).SetBool(x)
			return nil
		}
		return cannotConvert(map[bool]string{true: "TRUE_VALUE", false: "FALSE_VALUE"}[x], s)
	case time.Time:
		if s.Kind == awsapi.Timestamp {
			settle(v).Set(reflect.ValueOf(x.UTC()))
			return nil
		}
	case uint64:
		if x <= math.MaxInt64 {
			return cborNumber(int64(x), float64(x), true, s, v)
		}
	case int64:
		return cborNumber(x, float64(x), true, s, v)
	case float64:
		return cborNumber(int64(x), x, x == math.Trunc(x) && math.Abs(x) < 1<<53, s, v)
	}
	return cannotConvert("NUMBER_VALUE", s)
}

func cborNumber(n int64, f float64, whole bool, s *awsapi.Shape, v reflect.Value) error {
	switch s.Kind {
	case awsapi.Integer, awsapi.Long:
		if whole && (s.Kind == awsapi.Long || n >= math.MinInt32 && n <= math.MaxInt32) {
			settle(v).SetInt(n)
			return nil
		}
	case awsapi.Float, awsapi.Double:
		settle(v).SetFloat(f)
		return nil
	case awsapi.Timestamp:
		if t, err := epoch(f); err == nil {
			settle(v).Set(reflect.ValueOf(t))
			return nil
		}
	}
	return cannotConvert("NUMBER_VALUE", s)
}

// toTree turns a value of a shape into what the CBOR encoder writes.
func (c *Codec) toTree(id awsapi.ShapeID, v reflect.Value) any {
	s := &c.Model.Shapes[id]
	v = direct(v)
	switch s.Kind {
	case awsapi.Structure:
		m := map[string]any{}
		for i := range s.Members {
			if f := v.Field(i); !absent(f) {
				m[s.Members[i].Name] = c.toTree(s.Members[i].Shape, f)
			}
		}
		return m
	case awsapi.List:
		l := make([]any, v.Len())
		for i := range l {
			l[i] = c.toTree(s.Elem, v.Index(i))
		}
		return l
	case awsapi.Map:
		m := map[string]any{}
		for _, k := range v.MapKeys() {
			m[k.String()] = c.toTree(s.Elem, v.MapIndex(k))
		}
		return m
	}
	return v.Interface()
}

func (c *Codec) encodeCBOR(id awsapi.ShapeID, v reflect.Value) ([]byte, error) {
	return cborEncoder().Marshal(c.toTree(id, v))
}
