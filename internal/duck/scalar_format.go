package duck

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// numberFormat is a numeric format of TO_CHAR ("Numeric format strings" of the
// guide) taken apart.
type numberFormat struct {
	tokens    []string
	whole     int // digits before the decimal point
	fraction  int
	zeroFrom  int // the digit before the point from which zeros are printed; -1
	zeroTo    int // the digits after the point that are printed in any case
	shift     int // digits after V
	fill      bool
	sign      string // "", S, MI, PL, SG, PR
	signFirst bool   // S stands before the digits
	roman     bool
	lower     bool
}

var numberWords = []string{"FM", "MI", "PL", "SG", "PR", "RN", "TH", "EEEE", "S", "D", "G", "L", "C", "V", "B", "9", "0", ".", ",", "$"}

func readNumberFormat(format string) (*numberFormat, error) {
	f := &numberFormat{zeroFrom: -1, fill: true}
	point := false
	for rest := format; rest != ""; {
		word := rest[:1]
		for _, w := range numberWords {
			if len(rest) >= len(w) && strings.EqualFold(rest[:len(w)], w) {
				word = w
				f.lower = w == "RN" && rest[0] == 'r' || f.lower
				if w == "TH" {
					word = rest[:2] // its letters are those of the suffix
				}
				break
			}
		}
		if word[0] == '"' {
			if end := strings.IndexByte(rest[1:], '"'); end >= 0 {
				word = rest[:end+2]
			}
		}
		rest = rest[len(word):]
		switch word {
		case "FM":
			f.fill = false
			continue
		case "RN":
			f.roman = true
		case "EEEE", "C":
			return nil, fmt.Errorf("0A000:not implemented: to_char with the numeric format %s", word)
		case "D", ".":
			point = true
		case "V":
			f.shift = 1
			continue
		case "0", "9":
			f.digit(word, point)
		case "S", "MI", "PL", "SG", "PR":
			f.sign, f.signFirst = word, f.whole+f.fraction == 0
		}
		f.tokens = append(f.tokens, word)
	}
	if f.shift > 0 {
		f.shift--
	}
	return f, nil
}

func (f *numberFormat) digit(word string, point bool) {
	if point {
		f.fraction++
		if word == "0" {
			f.zeroTo = f.fraction
		}
		return
	}
	if word == "0" && f.zeroFrom < 0 {
		f.zeroFrom = f.whole
	}
	f.whole++
	if f.shift > 0 {
		f.shift++
	}
}

// numberToChar is TO_CHAR(number as text, format).
func numberToChar(args []Vector, row int, out *output) error {
	f, err := readNumberFormat(args[1].Text(row))
	if err != nil {
		return err
	}
	x, ok := new(big.Rat).SetString(args[0].Text(row))
	if !ok {
		return errors.New("22P02:invalid input syntax for type numeric: \"" + args[0].Text(row) + "\"")
	}
	out.text(row, []byte(f.print(x)))
	return nil
}

func (f *numberFormat) print(x *big.Rat) string {
	if f.roman {
		return f.numeral(x)
	}
	for range f.shift {
		x = new(big.Rat).Mul(x, big.NewRat(10, 1))
	}
	negative := x.Sign() < 0
	whole, fraction, _ := strings.Cut(new(big.Rat).Abs(x).FloatString(f.fraction), ".")
	if whole == "0" && f.fraction > 0 {
		whole = ""
	}
	if len(whole) > f.whole {
		whole, fraction = strings.Repeat("#", f.whole), strings.Repeat("#", f.fraction)
	}
	for !f.fill && len(fraction) > f.zeroTo && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	w := &numberWriter{f: f, whole: strings.Repeat(" ", f.whole-len(whole)) + whole, fraction: fraction, negative: negative}
	for _, t := range f.tokens {
		w.token(t)
	}
	if f.sign == "PR" {
		w.put(map[bool]string{true: ">", false: " "}[negative])
	}
	return w.b.String()
}

// numberWriter prints the tokens of a format one after the other.
type numberWriter struct {
	f               *numberFormat
	b               strings.Builder
	whole, fraction string
	at, after       int // digits printed before and after the point
	started         bool
	point           bool
	negative        bool
}

func (w *numberWriter) put(s string) {
	if s != " " || w.f.fill {
		w.b.WriteString(s)
	}
}

// start prints the sign that stands directly before the first digit.
func (w *numberWriter) start() {
	if w.started {
		return
	}
	w.started = true
	switch {
	case w.f.sign == "PR":
		w.put(map[bool]string{true: "<", false: " "}[w.negative])
	case w.f.sign == "S" && w.f.signFirst:
		w.put(map[bool]string{true: "-", false: "+"}[w.negative])
	case w.f.sign == "", w.f.sign == "PL":
		w.put(map[bool]string{true: "-", false: " "}[w.negative])
	}
}

func (w *numberWriter) token(t string) {
	switch t {
	case "0", "9":
		w.digit()
	case "D", ".":
		w.start()
		w.point = true
		if !w.f.fill && w.fraction == "" && strings.TrimSpace(w.whole) == "" && w.f.zeroFrom < 0 {
			w.put("0")
		}
		w.put(".")
	case "G", ",":
		if w.started {
			w.put(",")
		} else {
			w.put(" ")
		}
	case "L", "$":
		w.put("$")
	case "S":
		if !w.f.signFirst {
			w.put(map[bool]string{true: "-", false: "+"}[w.negative])
		}
	case "SG":
		w.put(map[bool]string{true: "-", false: "+"}[w.negative])
	case "MI":
		w.put(map[bool]string{true: "-", false: " "}[w.negative])
	case "PL":
		w.put(map[bool]string{true: " ", false: "+"}[w.negative])
	case "PR", "B":
	case "TH", "th", "Th", "tH":
		if digits := strings.TrimSpace(w.whole); !w.negative && w.f.fraction == 0 && strings.Trim(digits, "#") != "" {
			w.put(ordinal(digits, t[0] == 'T'))
		}
	default:
		w.put(strings.Trim(t, `"`))
	}
}

func (w *numberWriter) digit() {
	if w.point {
		if w.after < len(w.fraction) {
			w.put(w.fraction[w.after : w.after+1])
		}
		w.after++
		return
	}
	c := w.whole[w.at : w.at+1]
	if c == " " && w.f.zeroFrom >= 0 && w.at >= w.f.zeroFrom {
		c = "0"
	}
	if c != " " {
		w.start()
	}
	w.put(c)
	w.at++
}

// numeral is a Roman numeral, fifteen characters wide.
func (f *numberFormat) numeral(x *big.Rat) string {
	var n int
	fmt.Sscan(x.FloatString(0), &n)
	if n < 1 || n > 3999 {
		return strings.Repeat("#", 15)
	}
	s := ""
	for _, r := range []struct {
		n    int
		text string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for ; n >= r.n; n -= r.n {
			s += r.text
		}
	}
	if f.lower {
		s = strings.ToLower(s)
	}
	if f.fill {
		return fmt.Sprintf("%15s", s)
	}
	return s
}

// parseTime reads a date or time by a pattern of strptime's codes as TO_DATE
// does without its strict parameter: a day or hour out of range runs over.
func parseTime(args []Vector, row int, out *output) error {
	s, pattern := args[0].Text(row), args[1].Text(row)
	fields := map[byte]int{'Y': 1, 'm': 1, 'd': 1}
	fault := fmt.Errorf("22007:the format is not correct: \"%s\" does not fit it", s)
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' || i+1 == len(pattern) {
			if s == "" || isWord(rune(s[0])) && !isWord(rune(pattern[i])) {
				return fault
			}
			s = s[1:]
			continue
		}
		i++
		n, rest, ok := timeField(pattern[i], s)
		if !ok {
			return fault
		}
		fields[pattern[i]], s = n, rest
	}
	year, hour := fields['Y'], fields['H']
	if y, ok := fields['y']; ok {
		year = 2000 + y - 100*(y/70)
	}
	if h, ok := fields['I']; ok {
		hour = h%12 + fields['p']
	}
	month := fields['m'] + fields['b'] + fields['B']
	if fields['b']+fields['B'] > 0 {
		month--
	}
	day := fields['d']
	if n, ok := fields['j']; ok {
		month, day = 1, n
	}
	t := time.Date(year, time.Month(month), day, hour, fields['M'], fields['S'], 0, time.UTC)
	out.bigint(row, t.UnixMicro()+int64(fields['g'])*1000+int64(fields['f']))
	return nil
}

// timeField reads the field of one code.
func timeField(code byte, s string) (n int, rest string, ok bool) {
	switch code {
	case 'b', 'B':
		for m := time.January; m <= time.December; m++ {
			for _, name := range []string{m.String(), m.String()[:3]} {
				if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
					return int(m), s[len(name):], true
				}
			}
		}
		return 0, s, false
	case 'p':
		s = strings.ReplaceAll(s, ".", "")
		if len(s) < 2 || s[1] != 'M' && s[1] != 'm' {
			return 0, s, false
		}
		return map[bool]int{true: 12}[s[0] == 'P' || s[0] == 'p'], s[2:], true
	}
	most := map[byte]int{'Y': 4, 'j': 3, 'g': 3, 'f': 6}[code]
	if most == 0 {
		most = 2
	}
	i := 0
	for i < len(s) && i < most && s[i] >= '0' && s[i] <= '9' {
		n = n*10 + int(s[i]-'0')
		i++
	}
	return n, s[i:], i > 0
}
