package jsonata

import (
	"math"
	"strconv"
	"strings"
)

// Integers as XPath's format-integer pictures describe them
// (https://www.w3.org/TR/xpath-functions-31/#func-format-integer).

type integerStyle int

const (
	styleDecimal integerStyle = iota
	styleLetters
	styleRoman
	styleWords
	styleSequence // not supported
)

type letterCase int

const (
	caseLower letterCase = iota
	caseUpper
	caseTitle
)

type integerPicture struct {
	style     integerStyle
	letters   letterCase
	ordinal   bool
	zero      rune // the digit zero
	mandatory int  // digits
	optional  int
	every     int // a separator after so many digits; 0: at the places of separators
	places    []separator
	token     string
}

// separator stands before so many digits.
type separator struct {
	place int
	char  string
}

// decimalGroups are the zeros of the families of decimal digits.
var decimalGroups = [...]rune{0x30, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6,
	0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0,
	0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10}

func parseIntegerPicture(picture string) (*integerPicture, error) {
	p := &integerPicture{zero: '0'}
	if i := strings.LastIndexByte(picture, ';'); i >= 0 {
		p.ordinal = strings.HasPrefix(picture[i+1:], "o")
		picture = picture[:i]
	}
	switch picture {
	case "A", "a":
		p.style = styleLetters
	case "I", "i":
		p.style = styleRoman
	case "W", "w", "Ww":
		p.style = styleWords
	default:
		return p, p.digits(picture)
	}
	switch {
	case picture == "Ww":
		p.letters = caseTitle
	case picture < "a":
		p.letters = caseUpper
	}
	return p, nil
}

func (p *integerPicture) digits(picture string) error {
	chars := []rune(picture)
	zero, place := rune(-1), 0
	for i := len(chars) - 1; i >= 0; i-- {
		c := chars[i]
		group := rune(-1)
		for _, g := range decimalGroups {
			if c >= g && c <= g+9 {
				group = g
			}
		}
		switch {
		case group >= 0:
			p.mandatory++
			place++
			if zero < 0 {
				zero = group
			} else if zero != group {
				return fault("D3131")
			}
		case c == '#':
			p.optional++
			place++
		default:
			p.places = append(p.places, separator{place, string(c)})
		}
	}
	if p.mandatory == 0 {
		p.style, p.token = styleSequence, picture
		return nil
	}
	p.zero = zero
	places := make([]int, len(p.places))
	for i, s := range p.places {
		if s.char != p.places[0].char {
			return nil
		}
		places[i] = s.place
	}
	p.every = regular(places)
	return nil
}

// regular is the distance at which all the places repeat; 0: there is none.
func regular(places []int) int {
	factor := 0
	for _, place := range places {
		for a, b := factor, place; ; a, b = b, a%b {
			if b == 0 {
				factor = a
				break
			}
		}
	}
	for i := range places {
		hit := false
		for _, place := range places {
			hit = hit || place == (i+1)*factor
		}
		if !hit {
			return 0
		}
	}
	return factor
}

// format writes a whole number.
func (p *integerPicture) format(f float64) (string, error) {
	abs, out := math.Abs(f), ""
	switch p.style {
	case styleLetters:
		first := 'a'
		if p.letters == caseUpper {
			first = 'A'
		}
		if abs > 1e15 {
			return "", faultOf("D1001", f)
		}
		for n := int64(abs); n > 0; n = (n - 1) / 26 {
			out = string(first+rune((n-1)%26)) + out
		}
	case styleRoman:
		if abs > 1e6 {
			return "", faultOf("D1001", f)
		}
		out = roman(int(abs))
		if p.letters == caseUpper {
			out = strings.ToUpper(out)
		}
	case styleWords:
		if abs-abs != 0 {
			return "", faultOf("D1001", f)
		}
		out = words(abs, false, p.ordinal)
		switch p.letters {
		case caseUpper:
			out = strings.ToUpper(out)
		case caseLower:
			out = strings.ToLower(out)
		}
	case styleDecimal:
		out = p.decimal(abs)
	case styleSequence:
		return "", faultOf("D3130", p.token)
	}
	if f < 0 {
		out = "-" + out
	}
	return out, nil
}

func (p *integerPicture) decimal(abs float64) string {
	text := formatFloat(abs)
	if n := p.mandatory - len(text); n > 0 {
		text = strings.Repeat("0", min(n, 10_000)) + text
	}
	chars := make([]string, len(text))
	for i := range text {
		chars[i] = string(rune(text[i]) + p.zero - '0')
	}
	var b strings.Builder
	for i, c := range chars {
		left := len(chars) - i
		switch {
		case i == 0:
		case p.every > 0:
			if left%p.every == 0 {
				b.WriteString(p.places[0].char)
			}
		default:
			for j := len(p.places) - 1; j >= 0; j-- {
				if p.places[j].place == left {
					b.WriteString(p.places[j].char)
				}
			}
		}
		b.WriteString(c)
	}
	if !p.ordinal {
		return b.String()
	}
	last := text[len(text)-1]
	if last >= '1' && last <= '3' && (len(text) < 2 || text[len(text)-2] != '1') {
		return b.String() + [...]string{"st", "nd", "rd"}[last-'1']
	}
	return b.String() + "th"
}

var romanNumerals = [...]struct {
	n    int
	text string
}{{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"}, {40, "xl"}, {10, "x"}, {9, "ix"}, {5, "v"}, {4, "iv"}, {1, "i"}}

func roman(n int) string {
	var b strings.Builder
	for _, r := range romanNumerals {
		for ; n >= r.n; n -= r.n {
			b.WriteString(r.text)
		}
	}
	return b.String()
}

func fromRoman(s string) float64 {
	total, most := 0, 1
	for i := len(s) - 1; i >= 0; i-- {
		n := 0
		for _, r := range romanNumerals {
			if r.text == strings.ToLower(s[i:i+1]) {
				n = r.n
			}
		}
		if n < most {
			total -= n
		} else {
			most = n
			total += n
		}
	}
	return float64(total)
}

var (
	few = [...]string{"Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve",
		"Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen"}
	fewth = [...]string{"Zeroth", "First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth", "Eleventh",
		"Twelfth", "Thirteenth", "Fourteenth", "Fifteenth", "Sixteenth", "Seventeenth", "Eighteenth", "Nineteenth"}
	tens       = [...]string{"Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"}
	magnitudes = [...]string{"Thousand", "Million", "Billion", "Trillion"}
)

// words writes a number in English; behind is a part of a larger number.
func words(n float64, behind, ordinal bool) string {
	th := ""
	if ordinal {
		th = "th"
	}
	and, comma := "", ""
	if behind {
		and, comma = " and ", ", "
	}
	switch {
	case n < 20:
		if ordinal {
			return and + fewth[int(n)]
		}
		return and + few[int(n)]
	case n < 100:
		ten, rest := tens[int(n)/10-2], math.Mod(n, 10)
		switch {
		case rest > 0:
			return and + ten + "-" + words(rest, false, ordinal)
		case ordinal:
			return and + ten[:len(ten)-1] + "ieth"
		}
		return and + ten
	case n < 1000:
		out := comma + few[int(n)/100] + " Hundred"
		if rest := math.Mod(n, 100); rest > 0 {
			return out + words(rest, true, ordinal)
		}
		return out + th
	}
	mag := min(int(math.Floor(math.Log10(n)/3)), len(magnitudes))
	factor := math.Pow(10, float64(3*mag))
	count := math.Floor(n / factor)
	out := comma + words(count, false, false) + " " + magnitudes[mag-1]
	if rest := n - count*factor; rest > 0 {
		return out + words(rest, true, ordinal)
	}
	return out + th
}

// wordValue is the value of one English word of a number.
func wordValue(word string) (float64, bool) {
	for i := range few {
		if word == strings.ToLower(few[i]) || word == strings.ToLower(fewth[i]) {
			return float64(i), true
		}
	}
	for i, w := range tens {
		w = strings.ToLower(w)
		if word == w || word == w[:len(w)-1]+"ieth" {
			return float64(i+2) * 10, true
		}
	}
	word = strings.TrimSuffix(word, "th")
	if word == "hundred" {
		return 100, true
	}
	for i, w := range magnitudes {
		if word == strings.ToLower(w) {
			return math.Pow(10, float64(3*i+3)), true
		}
	}
	return 0, false
}

func fromWords(s string) float64 {
	s = strings.NewReplacer(", ", "-", " and ", "-", " ", "-", "\\", "-").Replace(strings.ToLower(s))
	parts := []float64{0}
	for _, word := range strings.Split(s, "-") {
		n, ok := wordValue(word)
		if !ok {
			return math.NaN()
		}
		last := len(parts) - 1
		switch {
		case n >= 100:
			parts[last] *= n
		case parts[last] >= 1000:
			parts = append(parts, n)
		default:
			parts[last] += n
		}
	}
	total := 0.0
	for _, n := range parts {
		total += n
	}
	return total
}

// parse reads a whole number.
func (p *integerPicture) parse(s string) (float64, error) {
	switch p.style {
	case styleLetters:
		first, n := rune('a'), 0.0
		if p.letters == caseUpper {
			first = 'A'
		}
		for _, c := range s {
			n = n*26 + float64(c-first+1)
		}
		return n, nil
	case styleRoman:
		return fromRoman(s), nil
	case styleWords:
		return fromWords(s), nil
	case styleSequence:
		return 0, faultOf("D3130", p.token)
	}
	if p.ordinal && len(s) >= 2 {
		s = s[:len(s)-2]
	}
	if p.every > 0 {
		s = strings.ReplaceAll(s, ",", "")
	} else {
		for _, sep := range p.places {
			s = strings.ReplaceAll(s, sep.char, "")
		}
	}
	s = strings.Map(func(c rune) rune {
		if c >= p.zero && c <= p.zero+9 {
			return c - p.zero + '0'
		}
		return c
	}, s)
	return leadingInt(s), nil
}

// leadingInt is parseInt: the number that a text begins with, else NaN.
func leadingInt(s string) float64 {
	s = strings.TrimLeft(s, " \t\n\r")
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[0] == '-' || s[0] == '+')) {
		end++
	}
	f, err := strconv.ParseFloat(s[:end], 64)
	if err != nil {
		return math.NaN()
	}
	return f
}

func fnFormatInteger(_ *run, a []any) (any, error) {
	p, err := parseIntegerPicture(str(a, 1))
	if err != nil {
		return nil, err
	}
	return p.format(math.Floor(num(a, 0)))
}

func fnParseInteger(_ *run, a []any) (any, error) {
	p, err := parseIntegerPicture(str(a, 1))
	if err != nil {
		return nil, err
	}
	return p.parse(str(a, 0))
}
