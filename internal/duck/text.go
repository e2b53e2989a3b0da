package duck

import (
	"encoding/hex"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Format says how values print, from the session's settings.
type Format struct {
	Zone        *time.Location // of timestamps with time zone; nil: UTC
	FloatDigits int            // extra_float_digits; above 0 floats print so that they read back exactly
}

// AppendText appends the value as Redshift prints it in the text format of the
// wire protocol. The value must not be NULL.
func (v *Vector) AppendText(dst []byte, row int, f Format) []byte {
	switch v.Type.Kind {
	case Bool:
		if v.Bool(row) {
			return append(dst, 't')
		}
		return append(dst, 'f')
	case TinyInt, SmallInt, Integer, BigInt, UTinyInt, USmallInt, UInteger:
		return strconv.AppendInt(dst, v.Int(row), 10)
	case UBigInt:
		return strconv.AppendUint(dst, uint64(v.Int(row)), 10)
	case Float:
		return appendFloat(dst, v.Float(row), 32, f)
	case Double:
		return appendFloat(dst, v.Float(row), 64, f)
	case Decimal, HugeInt:
		hi, lo := v.Huge(row)
		return appendDecimal(dst, hi, lo, v.Type.Scale)
	case UHugeInt:
		hi, lo := v.Huge(row)
		return appendMagnitude(dst, uint64(hi), lo)
	case Varchar, JSON:
		text := v.Bytes(row)
		dst = append(dst, text...)
		for range v.Type.Pad - len(text) {
			dst = append(dst, ' ')
		}
		return dst
	case Blob:
		return hex.AppendEncode(dst, v.Bytes(row))
	case Date:
		return appendDate(dst, v.Int(row))
	case Time:
		return appendClock(dst, v.Int(row))
	case TimeTZ:
		return appendTimeTZ(dst, uint64(v.Int(row)))
	case Timestamp, TimestampS, TimestampMS, TimestampNS:
		return appendTimestamp(dst, v.Int(row))
	case TimestampTZ:
		return appendTimestampTZ(dst, v.Int(row), f.Zone)
	case Interval:
		return appendInterval(dst, v, row)
	case UUID:
		return appendUUID(dst, v, row)
	case Enum:
		return append(dst, v.word(row)...)
	case List, Array, Map, Struct:
		if v.Type.Braces {
			return v.appendBraces(dst, row, f)
		}
		return v.appendJSON(dst, row, f)
	}
	return append(dst, '?')
}

// appendBraces prints a list as array_out of PostgreSQL does.
func (v *Vector) appendBraces(dst []byte, row int, f Format) []byte {
	dst = append(dst, '{')
	from, n := v.elements(row)
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		element := &v.children[0]
		if element.Null(from + i) {
			dst = append(dst, "NULL"...)
			continue
		}
		text := string(element.AppendText(nil, from+i, f))
		if text == "" || strings.EqualFold(text, "null") || strings.ContainsAny(text, "{},\"\\ \t\n") {
			text = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
		}
		dst = append(dst, text...)
	}
	return append(dst, '}')
}

func (v *Vector) word(row int) string {
	var i int
	switch v.Type.Width {
	case 1:
		i = int(at[uint8](v, row))
	case 2:
		i = int(at[uint16](v, row))
	default:
		i = int(at[uint32](v, row))
	}
	return v.Type.Words[i]
}

func appendFloat(dst []byte, x float64, size int, f Format) []byte {
	switch {
	case math.IsNaN(x):
		return append(dst, "NaN"...)
	case math.IsInf(x, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(x, -1):
		return append(dst, "-Infinity"...)
	}
	digits := 15
	if size == 32 {
		digits = 6
	}
	if f.FloatDigits > 0 {
		digits = -1
	}
	return appendG(dst, x, digits, size)
}

// appendG prints as C's %.<digits>g does: strconv's 'g' keeps no trailing
// zeros either but switches to the exponent form at other magnitudes.
func appendG(dst []byte, x float64, digits, size int) []byte {
	limit := digits
	if digits < 0 {
		limit = 15
		if size == 32 {
			limit = 6
		}
	}
	if x == 0 {
		if math.Signbit(x) {
			dst = append(dst, '-')
		}
		return append(dst, '0')
	}
	var buf [32]byte
	e := strconv.AppendFloat(buf[:0], x, 'e', max(digits-1, -1), size)
	cut := len(e) - 1
	for e[cut] != 'e' {
		cut--
	}
	exp, _ := strconv.Atoi(string(e[cut+1:]))
	if exp < -4 || exp >= limit {
		return append(append(dst, trimZeros(e[:cut])...), e[cut:]...)
	}
	if digits < 0 {
		return strconv.AppendFloat(dst, x, 'f', -1, size)
	}
	var plain [48]byte
	return append(dst, trimZeros(strconv.AppendFloat(plain[:0], x, 'f', digits-1-exp, size))...)
}

func trimZeros(b []byte) []byte {
	dot := false
	for _, c := range b {
		dot = dot || c == '.'
	}
	if !dot {
		return b
	}
	n := len(b)
	for b[n-1] == '0' {
		n--
	}
	if b[n-1] == '.' {
		n--
	}
	return b[:n]
}

func appendDecimal(dst []byte, hi int64, lo uint64, scale int) []byte {
	uhi := uint64(hi)
	if hi < 0 {
		dst = append(dst, '-')
		var carry uint64
		lo, carry = bits.Add64(^lo, 1, 0)
		uhi, _ = bits.Add64(^uhi, 0, carry)
	}
	start := len(dst)
	dst = appendMagnitude(dst, uhi, lo)
	if scale == 0 {
		return dst
	}
	for len(dst)-start <= scale { // at least one digit before the point
		dst = append(dst, 0)
		copy(dst[start+1:], dst[start:])
		dst[start] = '0'
	}
	point := len(dst) - scale
	dst = append(dst, 0)
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

func appendMagnitude(dst []byte, hi, lo uint64) []byte {
	if hi == 0 {
		return strconv.AppendUint(dst, lo, 10)
	}
	n := new(big.Int).SetUint64(hi)
	n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(lo))
	return n.Append(dst, 10)
}

const microsPerDay = 24 * 60 * 60 * 1_000_000

func appendDate(dst []byte, days int64) []byte {
	y, m, d := civil(days)
	bc := y <= 0
	if bc {
		y = 1 - y
	}
	dst = appendPadded(dst, int64(y), 4)
	dst = appendPadded(append(dst, '-'), int64(m), 2)
	dst = appendPadded(append(dst, '-'), int64(d), 2)
	if bc {
		dst = append(dst, " BC"...)
	}
	return dst
}

// civil is the proleptic Gregorian date of a day number, 0 being 1970-01-01
// (the algorithm of Howard Hinnant's "days from civil").
func civil(days int64) (year, month, day int) {
	z := days + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	if month > 12 {
		month -= 12
	}
	year = int(yoe + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func appendClock(dst []byte, micros int64) []byte {
	s := micros / 1_000_000
	dst = appendPadded(dst, s/3600, 2)
	dst = appendPadded(append(dst, ':'), s/60%60, 2)
	dst = appendPadded(append(dst, ':'), s%60, 2)
	if frac := micros % 1_000_000; frac != 0 {
		dst = appendPadded(append(dst, '.'), frac, 6)
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	return dst
}

func appendTimestamp(dst []byte, micros int64) []byte {
	days := floorDiv(micros, microsPerDay)
	y, _, _ := civil(days)
	dst = appendDate(dst, days)
	if y <= 0 { // the era comes last
		dst = dst[:len(dst)-3]
	}
	dst = appendClock(append(dst, ' '), micros-days*microsPerDay)
	if y <= 0 {
		dst = append(dst, " BC"...)
	}
	return dst
}

func appendTimestampTZ(dst []byte, micros int64, zone *time.Location) []byte {
	offset := 0
	if zone != nil && zone != time.UTC {
		_, offset = time.UnixMicro(micros).In(zone).Zone()
	}
	return appendOffset(appendTimestamp(dst, micros+int64(offset)*1_000_000), offset)
}

// appendTimeTZ decodes DuckDB's 64 bits: 40 of microseconds, 24 of the offset
// counted down from +15:59:59.
func appendTimeTZ(dst []byte, packed uint64) []byte {
	return appendOffset(appendClock(dst, int64(packed>>24)), 57599-int(packed&0xffffff))
}

func appendOffset(dst []byte, seconds int) []byte {
	if seconds < 0 {
		dst = append(dst, '-')
		seconds = -seconds
	} else {
		dst = append(dst, '+')
	}
	dst = appendPadded(dst, int64(seconds/3600), 2)
	if m := seconds / 60 % 60; m != 0 {
		dst = appendPadded(append(dst, ':'), int64(m), 2)
	}
	return dst
}

func appendPadded(dst []byte, n int64, width int) []byte {
	var buf [20]byte
	s := strconv.AppendInt(buf[:0], n, 10)
	for range width - len(s) {
		dst = append(dst, '0')
	}
	return append(dst, s...)
}

// appendInterval prints in PostgreSQL's style: 1 year 2 mons 3 days 04:05:06.
func appendInterval(dst []byte, v *Vector, row int) []byte {
	months, days, micros := v.Interval(row)
	start := len(dst)
	part := func(n int64, unit string) {
		if n == 0 {
			return
		}
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		dst = append(strconv.AppendInt(dst, n, 10), unit...)
		if n != 1 {
			dst = append(dst, 's')
		}
	}
	part(int64(months/12), " year")
	part(int64(months%12), " mon")
	part(int64(days), " day")
	if micros != 0 || len(dst) == start {
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		if micros < 0 {
			dst = append(dst, '-')
			micros = -micros
		}
		dst = appendClock(dst, micros)
	}
	return dst
}

func appendUUID(dst []byte, v *Vector, row int) []byte {
	hi, lo := at[[2]uint64](v, row)[1]^1<<63, at[[2]uint64](v, row)[0]
	var raw [16]byte
	for i := range 8 {
		raw[i] = byte(hi >> (56 - 8*i))
		raw[8+i] = byte(lo >> (56 - 8*i))
	}
	for i, b := range raw {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, []byte{b})
	}
	return dst
}

// appendJSON prints a value as Redshift prints SUPER: compact JSON.
func (v *Vector) appendJSON(dst []byte, row int, f Format) []byte {
	if v.Null(row) {
		return append(dst, "null"...)
	}
	switch v.Type.Kind {
	case List, Array:
		from, n := v.elements(row)
		dst = append(dst, '[')
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = v.children[0].appendJSON(dst, from+i, f)
		}
		return append(dst, ']')
	case Map:
		from, n := v.elements(row)
		entry := &v.children[0]
		dst = append(dst, '{')
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			key := entry.children[0].AppendText(nil, from+i, f)
			dst = append(appendQuoted(dst, key), ':')
			dst = entry.children[1].appendJSON(dst, from+i, f)
		}
		return append(dst, '}')
	case Struct:
		dst = append(dst, '{')
		for i, field := range v.Type.Fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, []byte(field.Name)), ':')
			dst = v.children[i].appendJSON(dst, row+v.first, f)
		}
		return append(dst, '}')
	case Bool:
		return strconv.AppendBool(dst, v.Bool(row))
	case TinyInt, SmallInt, Integer, BigInt, HugeInt, UTinyInt, USmallInt, UInteger, UBigInt, UHugeInt, Float, Double, Decimal, JSON:
		return v.AppendText(dst, row, f)
	}
	return appendQuoted(dst, v.AppendText(nil, row, f))
}

func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		c := text[0]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			_, n := utf8.DecodeRune(text)
			dst = append(dst, text[:n]...)
			text = text[n:]
			continue
		}
		text = text[1:]
	}
	return append(dst, '"')
}
