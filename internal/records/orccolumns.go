package records

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math"
	"math/big"
	"strconv"
	"time"
)

// orcColumn gives the values of a column in order: as text, or as JSON.
type orcColumn interface {
	value(out []byte, whole bool) (next []byte, null bool, err error)
}

// The kinds of streams.
const (
	orcPresent = iota
	orcData
	orcLength
	orcDictionary
	orcCount
	orcSecondary
)

// orcDepth is how deep types may be nested.
const orcDepth = 50

// column opens the reader of a type's values in the stripe.
func (s *orcStripe) column(id, depth int) (orcColumn, error) {
	if depth > orcDepth || id >= len(s.encodings) {
		return nil, errORC
	}
	c := &orcValue{typ: &s.file.tail.types[id]}
	if _, ok := s.streams[[2]int{id, orcPresent}]; ok {
		c.present = &orcBits{bytes: orcBytes{in: s.open(id, orcPresent)}}
	}
	v2 := s.encodings[id].kind >= 2
	ints := func(kind int, signed bool) *orcInts {
		return &orcInts{in: s.open(id, kind), signed: signed, v2: v2}
	}
	switch c.typ.kind {
	case orcBoolean:
		c.bits = &orcBits{bytes: orcBytes{in: s.open(id, orcData)}}
	case orcByte:
		c.bytes = &orcBytes{in: s.open(id, orcData)}
	case orcShort, orcInt, orcLong, orcDate:
		c.ints = ints(orcData, true)
	case orcFloat, orcDouble:
		c.data = s.open(id, orcData)
	case orcString, orcVarchar, orcChar, orcBinary:
		return c, s.texts(c, id, ints)
	case orcTimestamp, orcInstant:
		c.ints, c.second = ints(orcData, true), ints(orcSecondary, false)
		c.zone = time.UTC
		if zone, err := time.LoadLocation(s.zone); err == nil && c.typ.kind == orcTimestamp {
			c.zone = zone
		}
	case orcDecimal:
		c.data, c.second = s.open(id, orcData), ints(orcSecondary, true)
	case orcList, orcMap:
		c.second = ints(orcLength, false)
	case orcUnion:
		c.bytes = &orcBytes{in: s.open(id, orcData)}
	case orcStruct:
	default:
		return nil, errORC
	}
	for _, sub := range c.typ.subtypes {
		child, err := s.column(sub, depth+1)
		if err != nil {
			return nil, err
		}
		c.children = append(c.children, child)
	}
	if c.typ.kind == orcList && len(c.children) != 1 || c.typ.kind == orcMap && len(c.children) != 2 {
		return nil, errORC
	}
	return c, nil
}

// texts opens a column of texts, and reads its dictionary.
func (s *orcStripe) texts(c *orcValue, id int, ints func(int, bool) *orcInts) error {
	e := s.encodings[id]
	if e.kind%2 == 0 {
		c.data, c.second = s.open(id, orcData), ints(orcLength, false)
		return nil
	}
	c.ints = ints(orcData, false)
	if e.dictionary > orcLimit/8 {
		return errORC
	}
	lengths, data, total := ints(orcLength, false), s.open(id, orcDictionary), int64(0)
	for range e.dictionary {
		n, err := lengths.next()
		if err != nil {
			return err
		}
		if total += n; n < 0 || total > orcLimit {
			return errORC
		}
		word := make([]byte, n)
		if _, err := io.ReadFull(data, word); err != nil {
			return broken(err)
		}
		c.words = append(c.words, word)
	}
	if c.words == nil {
		c.words = [][]byte{}
	}
	return nil
}

// orcValue reads the values of one column; which streams it has follows from
// its type.
type orcValue struct {
	typ      *orcType
	present  *orcBits
	bits     *orcBits
	bytes    *orcBytes
	ints     *orcInts
	second   *orcInts
	data     *bufio.Reader
	words    [][]byte
	zone     *time.Location
	children []orcColumn
	scratch  []byte
}

func (c *orcValue) value(out []byte, whole bool) ([]byte, bool, error) {
	if c.present != nil {
		if here, err := c.present.next(); err != nil || !here {
			return out, true, err
		}
	}
	var err error
	switch c.typ.kind {
	case orcStruct, orcList, orcMap, orcUnion:
		out, err = c.nested(out)
	case orcString, orcVarchar, orcChar, orcBinary:
		out, err = c.text(out, whole)
	case orcTimestamp, orcInstant, orcDate:
		if whole {
			out = append(out, '"')
		}
		if out, err = c.time(out); whole {
			out = append(out, '"')
		}
	default:
		out, err = c.number(out)
	}
	return out, false, err
}

func (c *orcValue) number(out []byte) ([]byte, error) {
	switch c.typ.kind {
	case orcBoolean:
		v, err := c.bits.next()
		return strconv.AppendBool(out, v), err
	case orcByte:
		v, err := c.bytes.next()
		return strconv.AppendInt(out, int64(int8(v)), 10), err
	case orcFloat:
		var b [4]byte
		_, err := io.ReadFull(c.data, b[:])
		return strconv.AppendFloat(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(b[:]))), 'g', -1, 32), broken(err)
	case orcDouble:
		var b [8]byte
		_, err := io.ReadFull(c.data, b[:])
		return strconv.AppendFloat(out, math.Float64frombits(binary.LittleEndian.Uint64(b[:])), 'g', -1, 64), broken(err)
	case orcDecimal:
		return c.decimal(out)
	}
	v, err := c.ints.next()
	return strconv.AppendInt(out, v, 10), err
}

// decimal reads an unbounded number in groups of seven bits, lowest first.
func (c *orcValue) decimal(out []byte) ([]byte, error) {
	n, shift := new(big.Int), uint(0)
	for {
		b, err := c.data.ReadByte()
		if err != nil || shift > 1000 {
			return out, errORC
		}
		n.Or(n, new(big.Int).Lsh(big.NewInt(int64(b&0x7f)), shift))
		shift += 7
		if b < 0x80 {
			break
		}
	}
	negative := n.Bit(0) == 1
	n.Rsh(n, 1)
	if negative {
		n.Not(n)
	}
	scale, err := c.second.next()
	if err != nil || scale < 0 || scale > 1000 {
		return out, errORC
	}
	return append(out, scaled(n, int(scale))...), nil
}

func (c *orcValue) text(out []byte, whole bool) ([]byte, error) {
	word := c.scratch
	if c.words != nil {
		i, err := c.ints.next()
		if err != nil || i < 0 || i >= int64(len(c.words)) {
			return out, errORC
		}
		word = c.words[i]
	} else {
		n, err := c.second.next()
		if err != nil || n < 0 || n > orcLimit {
			return out, errORC
		}
		if int64(cap(word)) < n {
			// Grown only as far as there is data.
			if word, err = readN(c.data, n); err != nil {
				return out, errORC
			}
		} else {
			word = word[:n]
			if _, err := io.ReadFull(c.data, word); err != nil {
				return out, broken(err)
			}
		}
		c.scratch = word
	}
	switch {
	case c.typ.kind == orcBinary && whole:
		return append(hex.AppendEncode(append(out, '"'), word), '"'), nil
	case c.typ.kind == orcBinary:
		return hex.AppendEncode(out, word), nil
	case whole:
		return jsonText(out, word), nil
	}
	return append(out, word...), nil
}

// time reads days since 1970, or the seconds since 2015 in the writer's time
// zone and the nanoseconds, of which zeros at the end are left out.
func (c *orcValue) time(out []byte) ([]byte, error) {
	v, err := c.ints.next()
	if err != nil {
		return out, err
	}
	if c.typ.kind == orcDate {
		return time.Unix(v*86400, 0).UTC().AppendFormat(out, time.DateOnly), nil
	}
	nanos, err := c.second.next()
	if err != nil {
		return out, err
	}
	zeros := nanos & 7
	nanos >>= 3
	if zeros != 0 {
		for range zeros + 1 {
			nanos *= 10
		}
	}
	seconds := time.Date(2015, 1, 1, 0, 0, 0, 0, c.zone).Unix() + v
	if seconds < 0 && nanos > 999_999 {
		seconds--
	}
	return time.Unix(seconds, nanos).In(c.zone).AppendFormat(out, "2006-01-02 15:04:05.999999"), nil
}

// nested reads structs, lists, maps and unions as JSON.
func (c *orcValue) nested(out []byte) ([]byte, error) {
	switch c.typ.kind {
	case orcUnion:
		tag, err := c.bytes.next()
		if err != nil || int(tag) >= len(c.children) {
			return out, errORC
		}
		return c.child(out, int(tag))
	case orcStruct:
		out = append(out, '{')
		for i := range c.children {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(jsonText(out, []byte(c.typ.names[i])), ':')
			var err error
			if out, err = c.child(out, i); err != nil {
				return out, err
			}
		}
		return append(out, '}'), nil
	}
	n, err := c.second.next()
	if err != nil || n < 0 {
		return out, errORC
	}
	brackets := "[]"
	if c.typ.kind == orcMap {
		brackets = "{}"
	}
	out = append(out, brackets[0])
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		if c.typ.kind == orcMap {
			if out, err = c.key(out); err != nil {
				return out, err
			}
		}
		if out, err = c.child(out, len(c.children)-1); err != nil {
			return out, err
		}
		if len(out) > orcLimit {
			return out, errORC
		}
	}
	return append(out, brackets[1]), nil
}

// key reads the key of a map's pair: always a text in JSON.
func (c *orcValue) key(out []byte) ([]byte, error) {
	word, _, err := c.children[0].value(nil, false)
	return append(jsonText(out, word), ':'), err
}

func (c *orcValue) child(out []byte, i int) ([]byte, error) {
	out, null, err := c.children[i].value(out, true)
	if null {
		out = append(out, "null"...)
	}
	return out, err
}
