package records

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// avroType is a type of an Avro schema.
type avroType struct {
	kind    string
	logical string
	scale   int
	size    int64 // of a fixed
	symbols []string
	fields  []avroField
	items   *avroType   // of an array or a map
	union   []*avroType // branches
}

type avroField struct {
	name string
	typ  *avroType
}

func parseAvro(text []byte) (*avroType, error) {
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("cannot read the Avro schema: %w", err)
	}
	return avroParser{}.parse(doc)
}

// avroParser holds the named types met so far.
type avroParser map[string]*avroType

func (p avroParser) parse(doc any) (*avroType, error) {
	switch d := doc.(type) {
	case string:
		if t, ok := p[d]; ok {
			return t, nil
		}
		switch d {
		case "null", "boolean", "int", "long", "float", "double", "bytes", "string":
			return &avroType{kind: d}, nil
		}
		return nil, fmt.Errorf("cannot find the Avro type %q", d)
	case []any:
		t := &avroType{kind: "union"}
		for _, x := range d {
			branch, err := p.parse(x)
			if err != nil {
				return nil, err
			}
			t.union = append(t.union, branch)
		}
		return t, nil
	case map[string]any:
		return p.object(d)
	}
	return nil, errors.New("cannot read the Avro schema")
}

func (p avroParser) object(d map[string]any) (*avroType, error) {
	kind, ok := d["type"].(string)
	if !ok {
		return p.parse(d["type"])
	}
	t := &avroType{kind: kind}
	t.logical, _ = d["logicalType"].(string)
	scale, _ := d["scale"].(float64)
	t.scale = int(scale)
	if t.scale < 0 || t.scale > 1000 {
		return nil, errors.New("cannot read the Avro schema: scale")
	}
	var err error
	switch kind {
	case "record", "error":
		t.kind = "record"
		p.name(d, t)
		list, _ := d["fields"].([]any)
		for _, x := range list {
			f, _ := x.(map[string]any)
			name, _ := f["name"].(string)
			typ, err := p.parse(f["type"])
			if err != nil {
				return nil, err
			}
			t.fields = append(t.fields, avroField{name, typ})
		}
	case "enum":
		p.name(d, t)
		list, _ := d["symbols"].([]any)
		for _, x := range list {
			s, _ := x.(string)
			t.symbols = append(t.symbols, s)
		}
	case "fixed":
		p.name(d, t)
		size, _ := d["size"].(float64)
		t.size = int64(size)
	case "array":
		t.items, err = p.parse(d["items"])
	case "map":
		t.items, err = p.parse(d["values"])
	default:
		plain, err := p.parse(kind)
		if err != nil || t.logical == "" {
			return plain, err
		}
	}
	return t, err
}

// name makes a named type known under its short and its full name.
func (p avroParser) name(d map[string]any, t *avroType) {
	name, _ := d["name"].(string)
	space, _ := d["namespace"].(string)
	p[name] = t
	if space != "" {
		p[space+"."+name] = t
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		p[name[i+1:]] = t
	}
}

// avroWriter turns values into JSON.
type avroWriter struct{ logical bool }

// avroDepth is how deep values may be nested.
const avroDepth = 100

func (w avroWriter) value(out []byte, t *avroType, b *avroBuffer, depth int) []byte {
	if b.bad || depth > avroDepth || len(out) > avroBlock {
		b.bad = true
		return out
	}
	switch t.kind {
	case "null":
		return append(out, "null"...)
	case "boolean":
		if v := b.take(1); !b.bad {
			return strconv.AppendBool(out, v[0] != 0)
		}
	case "int", "long":
		return w.integer(out, t, b.long())
	case "float":
		if v := b.take(4); !b.bad {
			return jsonFloat(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(v))), 32)
		}
	case "double":
		if v := b.take(8); !b.bad {
			return jsonFloat(out, math.Float64frombits(binary.LittleEndian.Uint64(v)), 64)
		}
	case "string":
		return jsonText(out, b.take(b.long()))
	case "bytes":
		return w.binary(out, t, b.take(b.long()))
	case "fixed":
		return w.binary(out, t, b.take(t.size))
	case "enum":
		if i := b.long(); i >= 0 && i < int64(len(t.symbols)) {
			return jsonText(out, []byte(t.symbols[i]))
		}
		b.bad = true
	case "union":
		if i := b.long(); i >= 0 && i < int64(len(t.union)) {
			return w.value(out, t.union[i], b, depth+1)
		}
		b.bad = true
	case "record":
		out = append(out, '{')
		for i, f := range t.fields {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(jsonText(out, []byte(f.name)), ':')
			out = w.value(out, f.typ, b, depth+1)
		}
		return append(out, '}')
	case "array", "map":
		return w.items(out, t, b, depth)
	default:
		b.bad = true
	}
	return out
}

func (w avroWriter) items(out []byte, t *avroType, b *avroBuffer, depth int) []byte {
	brackets := "[]"
	if t.kind == "map" {
		brackets = "{}"
	}
	out = append(out, brackets[0])
	first := true
	for !b.bad {
		n := b.long()
		if n == 0 {
			break
		}
		if n < 0 {
			n = -n
			b.long() // the block's size in bytes
		}
		for i := int64(0); i < n && !b.bad; i++ {
			if !first {
				out = append(out, ',')
			}
			first = false
			if t.kind == "map" {
				out = append(jsonText(out, b.take(b.long())), ':')
			}
			out = w.value(out, t.items, b, depth+1)
		}
	}
	return append(out, brackets[1])
}

func (w avroWriter) integer(out []byte, t *avroType, v int64) []byte {
	if !w.logical {
		return strconv.AppendInt(out, v, 10)
	}
	layout := ""
	var at time.Time
	switch t.logical {
	case "date":
		at, layout = time.Unix(v*86400, 0), time.DateOnly
	case "timestamp-millis", "local-timestamp-millis":
		at, layout = time.UnixMilli(v), "2006-01-02 15:04:05.999999"
	case "timestamp-micros", "local-timestamp-micros":
		at, layout = time.UnixMicro(v), "2006-01-02 15:04:05.999999"
	default:
		return strconv.AppendInt(out, v, 10)
	}
	return append(at.UTC().AppendFormat(append(out, '"'), layout), '"')
}

// binary is a decimal's number, text that is UTF-8 as it is, or the bytes in
// hexadecimal.
func (w avroWriter) binary(out []byte, t *avroType, v []byte) []byte {
	if t.logical == "decimal" {
		n := new(big.Int).SetBytes(v)
		if len(v) > 0 && v[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(v))*8))
		}
		return append(out, scaled(n, t.scale)...)
	}
	if utf8.Valid(v) {
		return jsonText(out, v)
	}
	return append(hex.AppendEncode(append(out, '"'), v), '"')
}

// scaled prints an unscaled decimal.
func scaled(n *big.Int, scale int) string {
	text := new(big.Int).Abs(n).String()
	if scale > 0 {
		if len(text) <= scale {
			text = strings.Repeat("0", scale-len(text)+1) + text
		}
		text = text[:len(text)-scale] + "." + text[len(text)-scale:]
	}
	if n.Sign() < 0 {
		return "-" + text
	}
	return text
}

func jsonFloat(out []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.AppendQuote(out, strconv.FormatFloat(v, 'g', -1, bits))
	}
	return strconv.AppendFloat(out, v, 'g', -1, bits)
}

const hexDigits = "0123456789abcdef"

// jsonText appends a JSON string; bytes that are not UTF-8 become U+FFFD.
func jsonText(out, v []byte) []byte {
	out = append(out, '"')
	for len(v) > 0 {
		r, n := utf8.DecodeRune(v)
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\n':
			out = append(out, `\n`...)
		case r < 0x20:
			out = append(out, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		case r == utf8.RuneError && n == 1:
			out = append(out, "\ufffd"...)
		default:
			out = append(out, v[:n]...)
		}
		v = v[n:]
	}
	return append(out, '"')
}
