package glue

import (
	"cmp"
	"math/big"
	"regexp"
	"strings"
	"time"

	"stepwell/internal/awsapi/glue"
)

// nullPartition is how Hive writes a NULL partition value.
const nullPartition = "__HIVE_DEFAULT_PARTITION__"

// key is a partition key: its place among the values, and its type.
type key struct {
	index int
	name  string
	kind  keyKind
}

type keyKind uint8

const (
	textKey keyKind = iota
	numberKey
	dateKey
	timestampKey
)

// newKey reads the type of a key, e.g. "int" or "decimal(10,2)".
func newKey(index int, c glue.Column) key {
	name, _, _ := strings.Cut(fold(strings.TrimSpace(text(c.Type))), "(")
	k := key{index: index, name: text(c.Name)}
	switch name {
	case "tinyint", "smallint", "int", "integer", "bigint", "long", "float", "double", "decimal", "numeric":
		k.kind = numberKey
	case "date":
		k.kind = dateKey
	case "timestamp":
		k.kind = timestampKey
	}
	return k
}

var timestampForms = []string{"2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04", time.RFC3339Nano, "2006-01-02"}

// read reads a value of the key's type: a string, *big.Rat or time.Time.
func (k key) read(value string) (any, bool) {
	switch k.kind {
	case numberKey:
		n, ok := new(big.Rat).SetString(strings.TrimSpace(value))
		return n, ok
	case dateKey:
		t, err := time.Parse("2006-01-02", value)
		return t, err == nil
	case timestampKey:
		for _, form := range timestampForms {
			if t, err := time.Parse(form, value); err == nil {
				return t, true
			}
		}
		return nil, false
	}
	return value, true
}

// value is the partition's value for the key; ok is false for NULL.
func (k key) value(values []string) (any, bool) {
	if k.index >= len(values) || values[k.index] == nullPartition {
		return nil, false
	}
	return k.read(values[k.index])
}

func order(a, b any) int {
	switch a := a.(type) {
	case *big.Rat:
		return a.Cmp(b.(*big.Rat))
	case time.Time:
		return a.Compare(b.(time.Time))
	}
	return cmp.Compare(a.(string), b.(string))
}

// compare compares the key with a literal of its type.
func (k key) compare(op string, literal word) (predicate, error) {
	want, ok := k.read(literal.text)
	if !ok {
		return nil, glue.InvalidInputException("Invalid value %s for partition key %s", literal, k.name)
	}
	return func(values []string) truth {
		have, ok := k.value(values)
		if !ok {
			return isUnknown
		}
		c := order(have, want)
		switch op {
		case "=":
			return truthOf(c == 0)
		case "<>":
			return truthOf(c != 0)
		case "<":
			return truthOf(c < 0)
		case "<=":
			return truthOf(c <= 0)
		case ">":
			return truthOf(c > 0)
		default:
			return truthOf(c >= 0)
		}
	}, nil
}

func (k key) isNull(negated bool) predicate {
	return func(values []string) truth {
		_, ok := k.value(values)
		return truthOf(ok == negated)
	}
}

// like matches the value's text: % is any text, _ one character, \ takes the
// next character as it is.
func (k key) like(pattern string) (predicate, error) {
	var b strings.Builder
	b.WriteString("(?s)^")
	escaped := false
	for _, r := range pattern {
		switch {
		case !escaped && r == '\\':
			escaped = true
			continue
		case !escaped && r == '%':
			b.WriteString(".*")
		case !escaped && r == '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
		escaped = false
	}
	re, err := regexp.Compile(b.String() + "$")
	if err != nil {
		return nil, badExpression("LIKE '%s'", pattern)
	}
	return func(values []string) truth {
		if _, ok := k.value(values); !ok {
			return isUnknown
		}
		return truthOf(re.MatchString(values[k.index]))
	}, nil
}
