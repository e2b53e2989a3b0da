package duck

import (
	"errors"
	"math"
	"math/big"
	"strings"

	bindings "github.com/duckdb/duckdb-go-bindings"
)

// errZero is a division by zero, errDigits a number with too many digits.
var (
	errZero   = errors.New("22012:Divide by zero")
	errDigits = errors.New("22003:Numeric data overflow (result precision)")
)

// mostDigits are the digits of the largest decimals.
const mostDigits = 38

// decimalText reads a decimal as its digits and the number of those after the point.
func decimalText(v []byte) (digits *big.Int, scale int, err error) {
	whole, fraction, _ := strings.Cut(string(v), ".")
	digits, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return nil, 0, errDigits
	}
	return digits, len(fraction), nil
}

// finer reads a decimal with more digits after the point than scale; false if
// it is none.
func finer(v string, scale int) (bindings.Decimal, bool) {
	_, fraction, _ := strings.Cut(v, ".")
	if len(strings.TrimRight(fraction, "0")) <= scale {
		return bindings.Decimal{}, false
	}
	units, after, err := decimalText([]byte(v))
	if err != nil {
		return bindings.Decimal{}, false
	}
	digits := max(len(new(big.Int).Abs(units).String()), after)
	if digits > mostDigits {
		return bindings.Decimal{}, false
	}
	// In two's complement.
	low := new(big.Int).And(units, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	high := new(big.Int).Rsh(units, 64).Int64()
	return bindings.NewDecimal(uint8(digits), uint8(after), bindings.NewHugeInt(low, high)), true
}

func tenTo(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// sameScale reads two decimals as numbers of the same unit.
func sameScale(args []Vector, row int) (a, b *big.Int, scale int, err error) {
	a, s, err := decimalText(args[0].Bytes(row))
	if err != nil {
		return nil, nil, 0, err
	}
	b, t, err := decimalText(args[1].Bytes(row))
	if err != nil {
		return nil, nil, 0, err
	}
	if b.Sign() == 0 {
		return nil, nil, 0, errZero
	}
	scale = max(s, t)
	return a.Mul(a, tenTo(scale-s)), b.Mul(b, tenTo(scale-t)), scale, nil
}

// divideDecimals divides two decimals to one with as many digits after the
// point as the third argument says; the rest is cut off.
func divideDecimals(args []Vector, row int, out *output) error {
	a, b, _, err := sameScale(args, row)
	if err != nil {
		return err
	}
	scale := int(args[2].Int(row))
	if a.Quo(a.Mul(a, tenTo(scale)), b); a.CmpAbs(tenTo(mostDigits)) >= 0 {
		return errDigits
	}
	out.text(row, withPoint(a, scale))
	return nil
}

// decimalRemainder is what is left of a division to whole units; it has the
// dividend's sign.
func decimalRemainder(args []Vector, row int, out *output) error {
	a, b, scale, err := sameScale(args, row)
	if err != nil {
		return err
	}
	out.text(row, withPoint(a.Rem(a, b), scale))
	return nil
}

// withPoint writes a number of units of the last digit as a decimal.
func withPoint(units *big.Int, scale int) []byte {
	sign := ""
	if units.Sign() < 0 {
		sign = "-"
	}
	digits := new(big.Int).Abs(units).String()
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale+1-len(digits)) + digits
	}
	if scale == 0 {
		return []byte(sign + digits)
	}
	return []byte(sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:])
}
