package parquet

import (
	"encoding/base64"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"stepwell/internal/asl/value"
)

// scalar writes a value that is there as JSON.
type scalar func(b []byte, v pq.Value) []byte

func scalarOf(t pq.Type) scalar {
	if l := t.LogicalType(); l != nil {
		if s := logical(l); s != nil {
			return s
		}
	}
	switch t.Kind() {
	case pq.Boolean:
		return func(b []byte, v pq.Value) []byte { return strconv.AppendBool(b, v.Boolean()) }
	case pq.Int32, pq.Int64:
		return func(b []byte, v pq.Value) []byte { return strconv.AppendInt(b, whole(v), 10) }
	case pq.Int96:
		return int96
	case pq.Float:
		return func(b []byte, v pq.Value) []byte { return float(b, float64(v.Float()), 32) }
	case pq.Double:
		return func(b []byte, v pq.Value) []byte { return float(b, v.Double(), 64) }
	}
	return plainBytes
}

// logical is how values of a logical type are written; nil: as their physical type.
func logical(l *format.LogicalType) scalar {
	switch l := l.Value.(type) {
	case *format.DecimalType:
		return decimal(int(l.Scale))
	case *format.DateType:
		return quoted(func(v pq.Value) string { return time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly) })
	case *format.TimestampType:
		return timestamp(unit(l.Unit), l.IsAdjustedToUTC)
	case *format.TimeType:
		nanos := unit(l.Unit)
		return quoted(func(v pq.Value) string { return time.Unix(0, whole(v)*nanos).UTC().Format("15:04:05.999999999") })
	case *format.UUIDType:
		return func(b []byte, v pq.Value) []byte {
			id, err := uuid.FromBytes(v.ByteArray())
			if err != nil {
				return plainBytes(b, v)
			}
			return value.AppendString(b, id.String())
		}
	case *format.Float16Type:
		return func(b []byte, v pq.Value) []byte { return float(b, half(v.ByteArray()), 32) }
	case *format.IntType:
		if !l.IsSigned {
			return unsigned
		}
	case *format.StringType, *format.EnumType, *format.JsonType:
		return func(b []byte, v pq.Value) []byte {
			return value.AppendString(b, strings.ToValidUTF8(string(v.ByteArray()), "\uFFFD"))
		}
	}
	return nil
}

func quoted(text func(pq.Value) string) scalar {
	return func(b []byte, v pq.Value) []byte { return value.AppendString(b, text(v)) }
}

func whole(v pq.Value) int64 {
	if v.Kind() == pq.Int32 {
		return int64(v.Int32())
	}
	return v.Int64()
}

func unsigned(b []byte, v pq.Value) []byte {
	if v.Kind() == pq.Int32 {
		return strconv.AppendUint(b, uint64(v.Uint32()), 10)
	}
	return strconv.AppendUint(b, v.Uint64(), 10)
}

func float(b []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	form := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		form = 'e'
	}
	return strconv.AppendFloat(b, f, form, -1, bits)
}

// half is a float of 16 bits.
func half(b []byte) float64 {
	if len(b) != 2 {
		return math.NaN()
	}
	n := uint16(b[0]) | uint16(b[1])<<8
	exponent, fraction := int(n>>10&0x1f), float64(n&0x3ff)
	f := math.Ldexp(1+fraction/1024, exponent-15)
	switch exponent {
	case 0:
		f = math.Ldexp(fraction/1024, -14)
	case 31:
		return math.NaN()
	}
	if n>>15 != 0 {
		f = -f
	}
	return f
}

// unit is a unit of time in nanoseconds.
func unit(u format.TimeUnit) int64 {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return int64(time.Millisecond)
	case *format.MicroSeconds:
		return int64(time.Microsecond)
	}
	return 1
}

func timestamp(nanos int64, utc bool) scalar {
	form := "2006-01-02T15:04:05.999999999"
	if utc {
		form += "Z"
	}
	perSecond := int64(time.Second) / nanos
	return quoted(func(v pq.Value) string {
		n := v.Int64()
		return time.Unix(n/perSecond, n%perSecond*nanos).UTC().Format(form)
	})
}

// int96 is a timestamp: nanoseconds of the day, then the Julian day.
func int96(b []byte, v pq.Value) []byte {
	const epoch = 2440588
	n := v.Int96()
	nanos := int64(n[1])<<32 | int64(n[0])
	at := time.Unix((int64(n[2])-epoch)*86400, nanos).UTC()
	return value.AppendString(b, at.Format("2006-01-02T15:04:05.999999999Z"))
}

func decimal(scale int) scalar {
	return func(b []byte, v pq.Value) []byte {
		n := new(big.Int)
		switch v.Kind() {
		case pq.Int32, pq.Int64:
			n.SetInt64(whole(v))
		default:
			text := v.ByteArray()
			n.SetBytes(text)
			if len(text) > 0 && text[0]&0x80 != 0 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(text))))
			}
		}
		if scale <= 0 {
			return append(b, n.String()...)
		}
		sign, digits := "", n.String()
		if digits[0] == '-' {
			sign, digits = "-", digits[1:]
		}
		digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
		return append(b, sign+digits[:len(digits)-scale]+"."+digits[len(digits)-scale:]...)
	}
}

func plainBytes(b []byte, v pq.Value) []byte {
	text := v.ByteArray()
	if utf8.Valid(text) {
		return value.AppendString(b, string(text))
	}
	return value.AppendString(b, base64.StdEncoding.EncodeToString(text))
}
