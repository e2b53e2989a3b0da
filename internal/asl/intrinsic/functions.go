package intrinsic

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"math/rand/v2"
	"strings"
	"unicode/utf8"

	"stepwell/internal/asl/value"
)

const unlimited = 1 << 20

var functions = map[string]function{
	"States.Array":          {0, unlimited, array},
	"States.ArrayPartition": {2, 2, arrayPartition},
	"States.ArrayContains":  {2, 2, arrayContains},
	"States.ArrayRange":     {3, 3, arrayRange},
	"States.ArrayGetItem":   {2, 2, arrayGetItem},
	"States.ArrayLength":    {1, 1, arrayLength},
	"States.ArrayUnique":    {1, 1, arrayUnique},
	"States.Base64Encode":   {1, 1, base64Encode},
	"States.Base64Decode":   {1, 1, base64Decode},
	"States.Hash":           {2, 2, hashOf},
	"States.JsonMerge":      {3, 3, jsonMerge},
	"States.StringToJson":   {1, 1, stringToJSON},
	"States.JsonToString":   {1, 1, jsonToString},
	"States.MathRandom":     {2, 3, mathRandom},
	"States.MathAdd":        {2, 2, mathAdd},
	"States.StringSplit":    {2, 2, stringSplit},
	"States.UUID":           {0, 0, func(c *call) (value.Value, error) { return c.env.UUID(), nil }},
	"States.Format":         {1, unlimited, format},
}

func array(c *call) (value.Value, error) { return c.args, nil }

func arrayPartition(c *call) (value.Value, error) {
	list, ok := c.list(0)
	size, whole := c.integer(1)
	if !ok || !whole || size < 1 {
		return nil, c.invalid()
	}
	chunks := []value.Value{}
	for len(list) > 0 {
		n := int(min(size, int64(len(list))))
		chunks = append(chunks, list[:n:n])
		list = list[n:]
	}
	return chunks, nil
}

func arrayContains(c *call) (value.Value, error) {
	list, ok := c.list(0)
	if !ok {
		return nil, c.invalid()
	}
	for _, v := range list {
		if value.Equal(v, c.args[1]) {
			return true, nil
		}
	}
	return false, nil
}

// The documented bound of States.ArrayRange.
const maxRange = 1000

func arrayRange(c *call) (value.Value, error) {
	first, a := c.integer(0)
	last, b := c.integer(1)
	step, d := c.integer(2)
	if !a || !b || !d || step == 0 {
		return nil, c.invalid()
	}
	list := []value.Value{}
	for i := first; step > 0 && i <= last || step < 0 && i >= last; i += step {
		if list = append(list, value.Int(i)); len(list) > maxRange {
			return nil, c.fail("The array range cannot contain more than %d elements", maxRange)
		}
		if step > 0 && i > i+step || step < 0 && i < i+step {
			break
		}
	}
	return list, nil
}

func arrayGetItem(c *call) (value.Value, error) {
	list, ok := c.list(0)
	i, whole := c.integer(1)
	if !ok || !whole || i < 0 || i >= int64(len(list)) {
		return nil, c.invalid()
	}
	return list[i], nil
}

func arrayLength(c *call) (value.Value, error) {
	list, ok := c.list(0)
	if !ok {
		return nil, c.invalid()
	}
	return value.Int(int64(len(list))), nil
}

func arrayUnique(c *call) (value.Value, error) {
	list, ok := c.list(0)
	if !ok {
		return nil, c.invalid()
	}
	seen := make(map[string]bool, len(list))
	unique := []value.Value{}
	for _, v := range list {
		key := string(value.Text(v))
		if n, ok := v.(value.Number); ok {
			key = string(value.Float(n.Float()))
		}
		if !seen[key] {
			seen[key] = true
			unique = append(unique, v)
		}
	}
	return unique, nil
}

// The documented bound of the Base64 and Hash functions.
const maxData = 10_000

func base64Encode(c *call) (value.Value, error) {
	s, ok := c.str(0)
	if !ok || utf8.RuneCountInString(s) > maxData {
		return nil, c.invalid()
	}
	return base64.StdEncoding.EncodeToString([]byte(s)), nil
}

func base64Decode(c *call) (value.Value, error) {
	s, ok := c.str(0)
	if !ok || utf8.RuneCountInString(s) > maxData {
		return nil, c.invalid()
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return nil, c.invalid()
	}
	return strings.ToValidUTF8(string(b), "\ufffd"), nil
}

func hashOf(c *call) (value.Value, error) {
	algorithm, ok := c.str(1)
	var h hash.Hash
	switch algorithm {
	case "MD5":
		h = md5.New()
	case "SHA-1":
		h = sha1.New()
	case "SHA-256":
		h = sha256.New()
	case "SHA-384":
		h = sha512.New384()
	case "SHA-512":
		h = sha512.New()
	}
	data, isText := c.str(0)
	if !isText {
		data = string(value.Text(c.args[0]))
	}
	if !ok || h == nil || utf8.RuneCountInString(data) > maxData {
		return nil, c.invalid()
	}
	h.Write([]byte(data))
	return hex.EncodeToString(h.Sum(nil)), nil
}

func jsonMerge(c *call) (value.Value, error) {
	a, ok := c.args[0].(*value.Object)
	b, also := c.args[1].(*value.Object)
	deep, flag := c.args[2].(bool)
	if !ok || !also || !flag {
		return nil, c.invalid()
	}
	if deep {
		return nil, c.fail("States.JsonMerge only supports the shallow merging mode: the third argument must be false")
	}
	merged := a.Clone()
	for _, m := range b.Members() {
		merged.Set(m.Name, m.Value)
	}
	return merged, nil
}

func stringToJSON(c *call) (value.Value, error) {
	s, ok := c.str(0)
	if !ok {
		return nil, c.invalid()
	}
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	v, err := value.Parse([]byte(s))
	if err != nil {
		return nil, c.invalid()
	}
	if n, ok := v.(value.Number); ok && n == "-0" {
		v = value.Number("0")
	}
	return v, nil
}

func jsonToString(c *call) (value.Value, error) { return string(value.Text(c.args[0])), nil }

func mathRandom(c *call) (value.Value, error) {
	from, a := c.integer(0)
	to, b := c.integer(1)
	if !a || !b || from >= to {
		return nil, c.invalid()
	}
	r := c.env.Random
	if len(c.args) == 3 {
		seed, ok := c.integer(2)
		if !ok {
			return nil, c.invalid()
		}
		r = rand.New(rand.NewPCG(uint64(seed), 0)).Float64
	}
	return value.Int(min(from+int64(r()*float64(to-from)), to-1)), nil
}

func mathAdd(c *call) (value.Value, error) {
	a, ok := c.integer(0)
	b, also := c.integer(1)
	if !ok || !also {
		return nil, c.invalid()
	}
	return value.Int(a + b), nil
}

// stringSplit cuts at any of the characters of the second argument and drops empty parts.
func stringSplit(c *call) (value.Value, error) {
	s, ok := c.str(0)
	at, also := c.str(1)
	if !ok || !also {
		return nil, c.invalid()
	}
	parts := []value.Value{}
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(at, r) }) {
		parts = append(parts, part)
	}
	return parts, nil
}

// format fills the {} of the template. Where the template is a literal, its
// escapes count; where it comes from a path, \{ and \} do too.
func format(c *call) (value.Value, error) {
	template, ok := c.str(0)
	if t := c.Call.args[0].text; t != nil {
		template = *t
	}
	if !ok {
		return nil, c.invalid()
	}
	var b strings.Builder
	next := 1
	for i := 0; i < len(template); i++ {
		switch {
		case template[i] == '\\' && i+1 < len(template) && strings.IndexByte(`'{}\`, template[i+1]) >= 0:
			i++
			b.WriteByte(template[i])
		case strings.HasPrefix(template[i:], "{}"):
			if next >= len(c.args) {
				return nil, c.invalid()
			}
			b.WriteString(javaText(c.args[next], true))
			next++
			i++
		default:
			b.WriteByte(template[i])
		}
	}
	if next != len(c.args) {
		return nil, c.invalid()
	}
	return b.String(), nil
}

// javaText writes a value as the service's string conversion does: objects as
// {a=1, b=2}, arrays as [1, 2].
func javaText(v value.Value, top bool) string {
	switch v := v.(type) {
	case string:
		return v
	case []value.Value:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = javaText(e, false)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *value.Object:
		parts := make([]string, 0, v.Len())
		for _, m := range v.Members() {
			parts = append(parts, m.Name+"="+javaText(m.Value, false))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return string(value.Text(v))
}
