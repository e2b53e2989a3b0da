package jsonata

import (
	"math"
	"math/big"
	"slices"
	"strings"

	"stepwell/internal/asl/value"
)

// $formatNumber with the pictures of XPath's format-number
// (https://www.w3.org/TR/xpath-functions-31/#func-format-number).

// decimalFormat are the characters that a picture is made of.
type decimalFormat struct {
	decimal, grouping, exponent, minus, percent, perMille, zero, digit, pattern string
	family                                                                      []string // the ten digits
	active                                                                      []string
}

func newDecimalFormat(options any) *decimalFormat {
	d := &decimalFormat{".", ",", "e", "-", "%", "\u2030", "0", "#", ";", nil, nil}
	if o, ok := options.(*value.Object); ok {
		for name, at := range map[string]*string{"decimal-separator": &d.decimal, "grouping-separator": &d.grouping,
			"exponent-separator": &d.exponent, "minus-sign": &d.minus, "percent": &d.percent, "per-mille": &d.perMille,
			"zero-digit": &d.zero, "digit": &d.digit, "pattern-separator": &d.pattern} {
			if v, ok := o.Get(name); ok {
				if s, ok := v.(string); ok {
					*at = s
				}
			}
		}
	}
	zero := '0'
	for _, c := range d.zero {
		zero = c
		break
	}
	for i := range 10 {
		d.family = append(d.family, string(zero+rune(i)))
	}
	d.active = append(append(d.active, d.family...), d.decimal, d.exponent, d.grouping, d.digit, d.pattern)
	return d
}

// subPicture is a picture for numbers of one sign, taken apart.
type subPicture struct {
	whole                       string
	prefix, suffix              string
	active, mantissa            []string
	integer, fraction, exponent []string
	hasExponent                 bool

	groups         []int // places of separators in the integer part, from its end
	every          int
	fractionGroups []int
	minInteger     int
	scale          int
	minFraction    int
	maxFraction    int
	minExponent    int
}

func (d *decimalFormat) isDigit(c string) bool  { return slices.Contains(d.family, c) }
func (d *decimalFormat) isActive(c string) bool { return slices.Contains(d.active, c) }

func (d *decimalFormat) count(chars []string, optional bool) (n int) {
	for _, c := range chars {
		if d.isDigit(c) || optional && c == d.digit {
			n++
		}
	}
	return n
}

// split takes a picture apart.
func (d *decimalFormat) split(picture string) (*subPicture, error) {
	p := &subPicture{whole: picture}
	chars := runes(picture)
	first, last := -1, -1
	for i, c := range chars {
		if d.isActive(c) && c != d.exponent {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return nil, fault("D3085")
	}
	p.prefix, p.suffix = strings.Join(chars[:first], ""), strings.Join(chars[last+1:], "")
	p.active = chars[first : last+1]
	p.mantissa = p.active
	if i := slices.Index(p.active, d.exponent); i >= 0 {
		p.mantissa, p.exponent, p.hasExponent = p.active[:i], p.active[i+1:], true
	} else {
		p.hasExponent = last+1 < len(chars) && chars[last+1] == d.exponent
	}
	p.integer, p.fraction = p.mantissa, chars[last+1:]
	if i := slices.Index(p.mantissa, d.decimal); i >= 0 {
		p.integer, p.fraction = p.mantissa[:i], p.mantissa[i+1:]
	}
	return p, d.check(p, chars)
}

// check finds what is wrong with a picture; of several faults the last one counts.
func (d *decimalFormat) check(p *subPicture, chars []string) error {
	code := ""
	fail := func(when bool, c string) {
		if when {
			code = c
		}
	}
	times := func(s string) int { return strings.Count(p.whole, s) }
	fail(times(d.decimal) > 1, "D3081")
	fail(times(d.percent) > 1, "D3082")
	fail(times(d.perMille) > 1, "D3083")
	fail(times(d.percent) > 0 && times(d.perMille) > 0, "D3084")
	fail(d.count(p.mantissa, true) == 0, "D3085")
	fail(slices.ContainsFunc(p.active, func(c string) bool { return !d.isActive(c) }), "D3086")
	if i := slices.Index(chars, d.decimal); i >= 0 {
		fail(i > 0 && chars[i-1] == d.grouping || i+1 < len(chars) && chars[i+1] == d.grouping, "D3087")
	} else {
		fail(len(p.integer) > 0 && p.integer[len(p.integer)-1] == d.grouping, "D3088")
	}
	fail(times(d.grouping+d.grouping) > 0, "D3089")
	if i := slices.Index(p.integer, d.digit); i >= 0 {
		fail(d.count(p.integer[:i], false) > 0, "D3090")
	}
	for i := len(p.fraction) - 1; i >= 0; i-- {
		if p.fraction[i] == d.digit {
			fail(d.count(p.fraction[i:], false) > 0, "D3091")
			break
		}
	}
	fail(len(p.exponent) > 0 && times(d.percent)+times(d.perMille) > 0, "D3092")
	fail(p.hasExponent && (len(p.exponent) == 0 || d.count(p.exponent, false) < len(p.exponent)), "D3093")
	if code != "" {
		return fault(code)
	}
	return nil
}

// analyse derives how numbers are written.
func (d *decimalFormat) analyse(p *subPicture) {
	for i, c := range p.integer {
		if c == d.grouping {
			p.groups = append(p.groups, d.count(p.integer[i:], true))
		}
	}
	p.every = regular(p.groups)
	for i, c := range p.fraction {
		if c == d.grouping {
			p.fractionGroups = append(p.fractionGroups, d.count(p.fraction[:i], true))
		}
	}
	p.minInteger = d.count(p.integer, false)
	p.scale = p.minInteger
	p.minFraction, p.maxFraction = d.count(p.fraction, false), d.count(p.fraction, true)
	if p.minInteger == 0 && p.maxFraction == 0 {
		if p.hasExponent {
			p.minFraction, p.maxFraction = 1, 1
		} else {
			p.minInteger = 1
		}
	}
	if p.hasExponent && p.minInteger == 0 && slices.Contains(p.integer, d.digit) {
		p.minInteger = 1
	}
	if p.minInteger == 0 && p.minFraction == 0 {
		p.minFraction = 1
	}
	p.minExponent = d.count(p.exponent, false)
}

func fnFormatNumber(r *run, a []any) (any, error) {
	d := newDecimalFormat(argument(a, 2))
	f, picture := num(a, 0), str(a, 1)
	if err := r.text(16 * len(picture)); err != nil {
		return nil, err
	}
	parts := []string{picture}
	if d.pattern != "" {
		parts = strings.Split(picture, d.pattern)
	}
	if len(parts) > 2 {
		return nil, fault("D3080")
	}
	pictures := make([]*subPicture, len(parts))
	for i, part := range parts {
		p, err := d.split(part)
		if err != nil {
			return nil, err
		}
		d.analyse(p)
		pictures[i] = p
	}
	p := pictures[0]
	if !(f >= 0) {
		if len(pictures) > 1 {
			p = pictures[1]
		} else {
			p.prefix = d.minus + p.prefix
		}
	}
	return d.format(f, p), nil
}

func (d *decimalFormat) format(f float64, p *subPicture) string {
	switch {
	case strings.Contains(p.whole, d.percent):
		f *= 100
	case strings.Contains(p.whole, d.perMille):
		f *= 1000
	}
	exponent := 0
	if p.minExponent > 0 {
		f, exponent = scaled(f, p.scale)
	}
	whole, fraction := d.digits(round(f, p.maxFraction), p.maxFraction)
	whole = trimZeros(whole, d.family[0], true)
	fraction = trimZeros(fraction, d.family[0], false)
	for len(whole) < p.minInteger {
		whole = append([]string{d.family[0]}, whole...)
	}
	for len(fraction) < p.minFraction {
		fraction = append(fraction, d.family[0])
	}
	out := p.prefix + d.grouped(whole, p)
	if len(fraction) > 0 && strings.Contains(p.whole, d.decimal) {
		out += d.decimal
		for i, c := range fraction {
			if slices.Contains(p.fractionGroups, i) {
				out += d.grouping
			}
			out += c
		}
	}
	if p.minExponent > 0 {
		digits, _ := d.digits(math.Abs(float64(exponent)), 0)
		for len(digits) < p.minExponent {
			digits = append([]string{d.family[0]}, digits...)
		}
		out += d.exponent
		if exponent < 0 {
			out += d.minus
		}
		out += strings.Join(digits, "")
	}
	return out + p.suffix
}

// scaled moves the decimal point so that the integer part has a number of digits.
func scaled(f float64, digits int) (float64, int) {
	most, least, exponent := math.Pow(10, float64(digits)), math.Pow(10, float64(digits-1)), 0
	if f == 0 || f-f != 0 {
		return f, 0
	}
	negative := f < 0
	f = math.Abs(f)
	for f < least {
		f *= 10
		exponent--
	}
	for f > most {
		f /= 10
		exponent++
	}
	if negative {
		f = -f
	}
	return f, exponent
}

// digits are those before and behind the decimal point.
func (d *decimalFormat) digits(f float64, places int) (whole, fraction []string) {
	text := formatFloat(math.Abs(f))
	if f-f == 0 {
		text = new(big.Float).SetFloat64(math.Abs(f)).Text('f', min(places, 100))
	}
	into := &whole
	for _, c := range text {
		switch {
		case c == '.':
			into = &fraction
		case c >= '0' && c <= '9':
			*into = append(*into, d.family[c-'0'])
		default:
			*into = append(*into, string(c))
		}
	}
	return whole, fraction
}

func trimZeros(chars []string, zero string, left bool) []string {
	for len(chars) > 0 && left && chars[0] == zero {
		chars = chars[1:]
	}
	for len(chars) > 0 && !left && chars[len(chars)-1] == zero {
		chars = chars[:len(chars)-1]
	}
	return chars
}

// grouped writes the integer part with its separators.
func (d *decimalFormat) grouped(whole []string, p *subPicture) string {
	var b strings.Builder
	for i, c := range whole {
		left := len(whole) - i
		if i > 0 && (p.every > 0 && left%p.every == 0 || p.every == 0 && slices.Contains(p.groups, left)) {
			b.WriteString(d.grouping)
		}
		b.WriteString(c)
	}
	return b.String()
}
