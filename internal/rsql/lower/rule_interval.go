package lower

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// intervalLiteral writes interval literals in months, days and microseconds:
// DuckDB reads neither fractions ('0.5 days') nor several of Redshift's units.
func intervalLiteral(l *lowering, e syntax.Expr) emit.Expr {
	iv, ok := e.(*syntax.Interval)
	if !ok {
		return nil
	}
	text, ok := intervalText(iv.Value, iv.Fields)
	if !ok {
		l.fail(iv, sqlerr.InvalidDatetimeFormat, "invalid input syntax for type interval: \"%s\"", iv.Value)
	}
	return &emit.Interval{Text: text}
}

// intervalCmp compares two intervals; texts are read as such.
func intervalCmp(l *lowering, c *syntax.Call) emit.Expr {
	args := make([]emit.Expr, len(c.Args))
	for i, a := range c.Args {
		if s, ok := a.(*syntax.String); ok {
			a = &syntax.Interval{Pos: s.Pos, Value: s.Value}
		}
		args[i] = l.expr(a)
	}
	return call("rs_cmp", args...)
}

// length is an interval's three counts.
type length struct {
	months, days float64
	micros       float64
}

func intervalText(value, fields string) (string, bool) {
	var s length
	fields, digits := fieldDigits(fields)
	words := strings.Fields(strings.NewReplacer(",", " ", "@", " ").Replace(strings.ToLower(value)))
	if len(words) == 0 {
		return "", false
	}
	last := fields
	if i := strings.Index(fields, " to "); i >= 0 {
		last = fields[i+4:]
	}
	sign := 1.0
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "ago":
			s.months, s.days, s.micros = -s.months, -s.days, -s.micros
			continue
		case strings.Contains(w, ":"):
			if !s.clock(w, last) {
				return "", false
			}
			continue
		case (fields == "year to month" || fields == "year" || fields == "month") && strings.Contains(strings.TrimLeft(w, "-"), "-"):
			y, m, _ := strings.Cut(strings.TrimLeft(w, "-"), "-")
			years, err1 := strconv.ParseFloat(y, 64)
			rest, err2 := strconv.ParseFloat(m, 64)
			if err1 != nil || err2 != nil {
				return "", false
			}
			if w[0] == '-' {
				sign = -1
			}
			s.months += sign * (years*12 + rest)
			continue
		}
		number, unit := splitUnit(w)
		if unit == "" && i+1 < len(words) && partName(words[i+1]) != "" {
			i++
			unit = words[i]
		}
		if unit == "" {
			if unit = last; unit == "" {
				unit = "second"
			}
			if strings.HasPrefix(fields, "day to") {
				unit = "day"
			}
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !s.add(n, partName(unit)) {
			return "", false
		}
	}
	if last != "" {
		s.cut(last, digits)
	}
	return s.text(), true
}

// fieldDigits parts the digits of SECOND(n) from the fields; -1 if it has none.
func fieldDigits(fields string) (name string, digits int) {
	name, rest, ok := strings.Cut(fields, "(")
	if !ok {
		return fields, -1
	}
	digits, err := strconv.Atoi(strings.TrimSuffix(rest, ")"))
	if err != nil {
		return name, -1
	}
	return name, digits
}

// cut drops what is smaller than a qualifier's last unit; of seconds what comes
// after the digits it has, rounded, or else after microseconds.
func (s *length) cut(last string, digits int) {
	switch last {
	case "year":
		s.months = math.Trunc(s.months/12) * 12
		fallthrough
	case "month":
		s.days, s.micros = 0, 0
	case "day":
		s.micros = 0
	case "hour":
		s.micros = wholeUnits(s.micros, 3600e6)
	case "minute":
		s.micros = wholeUnits(s.micros, 60e6)
	case "second":
		if digits >= 0 && digits < 6 {
			unit := math.Pow10(6 - digits)
			s.micros = math.Round(s.micros/unit) * unit
		} else {
			s.micros = wholeUnits(s.micros, 1)
		}
	}
}

// wholeUnits cuts a number to units, but for what a double is off by.
func wholeUnits(n, unit float64) float64 {
	if whole := math.Round(n / unit); math.Abs(n/unit-whole) < 1e-3/unit {
		return whole * unit
	}
	return math.Trunc(n/unit) * unit
}

// splitUnit parts "5days" into number and unit.
func splitUnit(w string) (number, unit string) {
	i := 0
	for i < len(w) && strings.IndexByte("+-.0123456789", w[i]) >= 0 {
		i++
	}
	return w[:i], w[i:]
}

// clock adds h:m[:s].
func (s *length) clock(w, last string) bool {
	sign := 1.0
	if w[0] == '-' {
		sign, w = -1, w[1:]
	}
	parts := strings.Split(strings.TrimPrefix(w, "+"), ":")
	scale := []float64{3600, 60, 1}
	if len(parts) == 2 && last == "second" {
		scale = scale[1:]
	}
	if len(parts) > len(scale) {
		return false
	}
	for i, p := range parts {
		n, err := strconv.ParseFloat(p, 64)
		if err != nil {
			return false
		}
		s.micros += sign * n * scale[i] * 1e6
	}
	return true
}

// add adds n units; fractions spill into the next smaller count.
func (s *length) add(n float64, unit string) bool {
	months := map[string]float64{"millennium": 12000, "century": 1200, "decade": 120, "year": 12, "quarter": 3, "month": 1}
	days := map[string]float64{"week": 7, "day": 1}
	micros := map[string]float64{"hour": 3600e6, "minute": 60e6, "second": 1e6, "millisecond": 1e3, "microsecond": 1}
	switch {
	case months[unit] > 0:
		whole, part := math.Modf(n * months[unit])
		s.months += whole
		return part == 0 || s.add(part*30, "day")
	case days[unit] > 0:
		whole, part := math.Modf(n * days[unit])
		s.days += whole
		s.micros += part * 86400e6
	case micros[unit] > 0:
		s.micros += n * micros[unit]
	default:
		return false
	}
	return true
}

func (s *length) text() string {
	var parts []string
	for _, p := range []struct {
		n    float64
		unit string
	}{{s.months, "months"}, {s.days, "days"}, {math.Round(s.micros), "microseconds"}} {
		if p.n != 0 {
			parts = append(parts, fmt.Sprintf("%d %s", int64(p.n), p.unit))
		}
	}
	if parts == nil {
		return "0 days"
	}
	return strings.Join(parts, " ")
}
