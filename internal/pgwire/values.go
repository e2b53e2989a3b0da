package pgwire

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/duck"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// The PostgreSQL epoch, 2000-01-01, in days and microseconds from 1970.
const (
	epochDays   = 10957
	epochMicros = epochDays * 24 * 60 * 60 * 1_000_000
)

// secretOf and secretBytes are the four-byte cancel key of protocol 3.0.
func secretOf(key []byte) uint32 {
	if len(key) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(key)
}

func secretBytes(secret uint32) []byte { return binary.BigEndian.AppendUint32(nil, secret) }

// typeOf is the type a client declared for a parameter by its OID.
func typeOf(oid uint32) types.Type {
	for k := types.Boolean; k <= types.Name; k++ {
		if t := (types.Type{Kind: k}); t.OID() == oid && k != types.Unknown {
			return t
		}
	}
	if oid == 25 { // text
		return types.Type{Kind: types.Varchar}
	}
	return types.Type{}
}

// hasBinary says whether values of the type can be sent in binary.
func hasBinary(t types.Type) bool {
	switch t.Kind {
	case types.Boolean, types.Smallint, types.Integer, types.Bigint, types.Real, types.Double, types.Decimal,
		types.Varchar, types.Char, types.Date, types.Time, types.Timestamp, types.TimestampTZ, types.OID, types.Name, types.Super:
		return true
	}
	return false
}

// binaryForm is how values of a vector become binary ones of the described
// type. DuckDB's type can differ from it, since a parameter's value may say more
// than its place did; the values are then converted.
func binaryForm(v *duck.Vector, t types.Type) form {
	is := types.FromDuck(v.Type.String())
	if is.Kind == t.Kind || is.IsText() && t.IsText() || !fixed(t) && t.Kind != types.Decimal {
		return asBinary
	}
	return converted
}

// appendConverted appends a value in the binary format of a type that is not
// its own. One that does not fit is an error, because bytes of another width
// would put the client out of step.
func appendConverted(dst []byte, v *duck.Vector, row int, t types.Type, format duck.Format) ([]byte, error) {
	text := string(v.AppendText(nil, row, format))
	if t.Kind == types.Decimal {
		if r, ok := new(big.Rat).SetString(text); !ok || strings.ContainsAny(text, "/eE") {
			return nil, unfit(text, t)
		} else if r.IsInt() {
			text = r.Num().String()
		}
		return appendNumeric(dst, text), nil
	}
	return appendText(dst, text, t)
}

func fixed(t types.Type) bool { return hasBinary(t) && t.Size() > 0 && t.Kind != types.Name }

func unfit(text string, t types.Type) error {
	return sqlerr.New(sqlerr.NumericOutOfRange, "value \"%s\" is out of range for type %s", text, t.Base())
}

// appendText appends a value given as text in the binary format of a type of
// fixed size.
func appendText(dst []byte, text string, t types.Type) ([]byte, error) {
	switch t.Kind {
	case types.Boolean:
		b, err := decode([]byte(text), t, 0)
		if err != nil {
			return nil, err
		}
		if b == true {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case types.Real, types.Double:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, unfit(text, t)
		}
		if t.Kind == types.Real {
			return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(f))), nil
		}
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(f)), nil
	case types.Date, types.Timestamp, types.TimestampTZ:
		for _, layout := range []string{"2006-01-02 15:04:05.999999Z07", "2006-01-02 15:04:05.999999", time.DateOnly} {
			at, err := time.Parse(layout, text)
			if err != nil {
				continue
			}
			if t.Kind == types.Date {
				return binary.BigEndian.AppendUint32(dst, uint32(math.Floor(float64(at.Unix())/86400)-epochDays)), nil
			}
			return binary.BigEndian.AppendUint64(dst, uint64(at.UnixMicro()-epochMicros)), nil
		}
		return nil, unfit(text, t)
	case types.Smallint, types.Integer, types.Bigint:
		n, err := strconv.ParseInt(text, 10, int(8*t.Size()))
		switch {
		case err != nil:
			return nil, unfit(text, t)
		case t.Kind == types.Smallint:
			return binary.BigEndian.AppendUint16(dst, uint16(n)), nil
		case t.Kind == types.Integer:
			return binary.BigEndian.AppendUint32(dst, uint32(n)), nil
		}
		return binary.BigEndian.AppendUint64(dst, uint64(n)), nil
	case types.OID:
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, unfit(text, t)
		}
		return binary.BigEndian.AppendUint32(dst, uint32(n)), nil
	}
	return nil, unfit(text, t)
}

// appendBinary appends a value in PostgreSQL's binary format. The vector may
// be of a wider DuckDB type than the declared one.
func appendBinary(dst []byte, v *duck.Vector, row int, t types.Type) []byte {
	switch t.Kind {
	case types.Boolean:
		if v.Bool(row) {
			return append(dst, 1)
		}
		return append(dst, 0)
	case types.Smallint:
		return binary.BigEndian.AppendUint16(dst, uint16(v.Int(row)))
	case types.Integer, types.OID:
		return binary.BigEndian.AppendUint32(dst, uint32(v.Int(row)))
	case types.Bigint:
		return binary.BigEndian.AppendUint64(dst, uint64(v.Int(row)))
	case types.Real:
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(v.Float(row))))
	case types.Double:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(v.Float(row)))
	case types.Date:
		return binary.BigEndian.AppendUint32(dst, uint32(v.Int(row)-epochDays))
	case types.Time:
		return binary.BigEndian.AppendUint64(dst, uint64(v.Int(row)))
	case types.Timestamp, types.TimestampTZ:
		return binary.BigEndian.AppendUint64(dst, uint64(v.Int(row)-epochMicros))
	case types.Decimal:
		return appendDecimal(dst, v, row)
	}
	return v.AppendText(dst, row, duck.Format{})
}

// appendDecimal appends a decimal as PostgreSQL's numeric.
func appendDecimal(dst []byte, v *duck.Vector, row int) []byte {
	if v.Type.Kind == duck.Decimal || v.Type.Kind == duck.HugeInt {
		if hi, lo := v.Huge(row); hi == int64(lo)>>63 && v.Type.Scale <= 16 {
			return appendScaled(dst, int64(lo), v.Type.Scale)
		}
	}
	return appendNumeric(dst, string(v.AppendText(nil, row, duck.Format{})))
}

// appendScaled is appendNumeric for n / 10^scale; the scale is up to 16.
func appendScaled(dst []byte, n int64, scale int) []byte {
	sign, abs := byte(0), uint64(n)
	if n < 0 {
		sign, abs = 0x40, -abs
	}
	// Base 10000 around the decimal point: whole and frac, which becomes a
	// number of full groups.
	power := uint64(1)
	for range scale {
		power *= 10
	}
	whole, frac := abs/power, abs%power
	groups := (scale + 3) / 4
	for range groups*4 - scale {
		frac *= 10
	}
	var digits [10]uint16 // five for the whole part, which has at most 20 digits, and four for the fraction
	first, last := 5, 5+groups
	for i := last - 1; i >= 5; i-- {
		digits[i], frac = uint16(frac%10000), frac/10000
	}
	for ; whole > 0; first-- {
		digits[first-1], whole = uint16(whole%10000), whole/10000
	}
	weight := 4 - first
	for ; first < last && digits[first] == 0; first++ {
		weight--
	}
	for last > first && digits[last-1] == 0 {
		last--
	}
	if last == first {
		weight = 0
	}
	dst = append(dst, 0, byte(last-first), byte(weight>>8), byte(weight), sign, 0, 0, byte(scale))
	for _, d := range digits[first:last] {
		dst = binary.BigEndian.AppendUint16(dst, d)
	}
	return dst
}

// appendNumeric appends a decimal text as PostgreSQL's numeric: groups of four
// digits, base 10000, around the decimal point.
func appendNumeric(dst []byte, text string) []byte {
	sign := uint16(0)
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		sign, text = 0x4000, rest
	}
	whole, frac, _ := strings.Cut(text, ".")
	scale := len(frac)
	whole = strings.TrimLeft(whole, "0")
	whole = strings.Repeat("0", (4-len(whole)%4)%4) + whole
	frac += strings.Repeat("0", (4-len(frac)%4)%4)
	digits := whole + frac
	weight := len(whole)/4 - 1
	for strings.HasPrefix(digits, "0000") {
		digits = digits[4:]
		weight--
	}
	for strings.HasSuffix(digits, "0000") {
		digits = digits[:len(digits)-4]
	}
	if digits == "" {
		weight = 0
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(digits)/4))
	dst = binary.BigEndian.AppendUint16(dst, uint16(weight))
	dst = binary.BigEndian.AppendUint16(dst, sign)
	dst = binary.BigEndian.AppendUint16(dst, uint16(scale))
	for i := 0; i < len(digits); i += 4 {
		n, _ := strconv.ParseUint(digits[i:i+4], 10, 16)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	}
	return dst
}

// decode turns a parameter into what a session binds.
func decode(raw []byte, t types.Type, format int16) (any, error) {
	if format == 1 {
		return decodeBinary(raw, t)
	}
	text := string(raw)
	switch t.Kind {
	case types.Boolean:
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "t", "true", "y", "yes", "on", "1":
			return true, nil
		case "f", "false", "n", "no", "off", "0":
			return false, nil
		}
		return nil, sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type boolean: \"%s\"", text)
	case types.Smallint, types.Integer, types.Bigint, types.OID:
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for integer: \"%s\"", text)
		}
		if t.Kind == types.Bigint {
			return n, nil
		}
		return int32(n), nil
	case types.Real, types.Double:
		f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type double precision: \"%s\"", text)
		}
		return f, nil
	}
	return text, nil
}

func decodeBinary(raw []byte, t types.Type) (any, error) {
	bad := sqlerr.New("22P03", "incorrect binary data format in bind parameter")
	size := map[types.Kind]int{
		types.Boolean: 1, types.Smallint: 2, types.Integer: 4, types.OID: 4, types.Bigint: 8, types.Real: 4, types.Double: 8,
		types.Date: 4, types.Time: 8, types.Timestamp: 8, types.TimestampTZ: 8,
	}
	if n, ok := size[t.Kind]; ok && n != len(raw) {
		return nil, bad
	}
	switch t.Kind {
	case types.Boolean:
		return raw[0] != 0, nil
	case types.Smallint:
		return int32(int16(binary.BigEndian.Uint16(raw))), nil
	case types.Integer, types.OID:
		return int32(binary.BigEndian.Uint32(raw)), nil
	case types.Bigint:
		return int64(binary.BigEndian.Uint64(raw)), nil
	case types.Real:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(raw))), nil
	case types.Double:
		return math.Float64frombits(binary.BigEndian.Uint64(raw)), nil
	case types.Date:
		days := int(int32(binary.BigEndian.Uint32(raw)))
		return time.Date(2000, 1, 1+days, 0, 0, 0, 0, time.UTC).Format("2006-01-02"), nil
	case types.Time:
		micros := int64(binary.BigEndian.Uint64(raw))
		return time.UnixMicro(micros).UTC().Format("15:04:05.999999"), nil
	case types.Timestamp:
		return time.UnixMicro(int64(binary.BigEndian.Uint64(raw)) + epochMicros).UTC().Format("2006-01-02 15:04:05.999999"), nil
	case types.TimestampTZ:
		return time.UnixMicro(int64(binary.BigEndian.Uint64(raw)) + epochMicros).UTC().Format("2006-01-02 15:04:05.999999+00"), nil
	case types.Decimal:
		text, ok := numericText(raw)
		if !ok {
			return nil, bad
		}
		return text, nil
	case types.Varbyte:
		return raw, nil
	}
	return string(raw), nil
}

// numericText reads PostgreSQL's binary numeric.
func numericText(raw []byte) (string, bool) {
	if len(raw) < 8 {
		return "", false
	}
	n := int(binary.BigEndian.Uint16(raw))
	weight := int(int16(binary.BigEndian.Uint16(raw[2:])))
	negative := binary.BigEndian.Uint16(raw[4:]) == 0x4000
	scale := int(binary.BigEndian.Uint16(raw[6:]))
	if len(raw) != 8+2*n || weight > 100 || weight < -100 || scale > 200 {
		return "", false
	}
	value := new(big.Int)
	for i := range n {
		value.Mul(value, big.NewInt(10000))
		value.Add(value, big.NewInt(int64(binary.BigEndian.Uint16(raw[8+2*i:]))))
	}
	exponent := 4 * (weight - n + 1) // of the last digit group
	if exponent > 0 {
		value.Mul(value, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exponent)), nil))
		exponent = 0
	}
	digits := value.String()
	if point := -exponent; point > 0 {
		if len(digits) <= point {
			digits = strings.Repeat("0", point-len(digits)+1) + digits
		}
		digits = digits[:len(digits)-point] + "." + digits[len(digits)-point:]
	}
	if negative {
		digits = "-" + digits
	}
	return digits, true
}
