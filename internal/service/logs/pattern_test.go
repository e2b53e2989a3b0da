package logs

import (
	"testing"

	"stepwell/internal/awserr"
)

func TestPattern(t *testing.T) {
	const doc = `{"level":"ERROR","n":42,"s":"7","ok":true,"none":null,"user":{"first name":"Ann","tags":["a","b"]},"list":[{"id":1},{"id":2}]}`
	cases := []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{"  ", "anything", true},
		{"ERROR", "an ERROR here", true},
		{"ERROR", "an error here", false},
		{"ERROR here", "here an ERROR", true},
		{"ERROR there", "here an ERROR", false},
		{`"an ERROR"`, "here an ERROR", true},
		{`"ERROR an"`, "here an ERROR", false},
		{`"say \"hi\""`, `say "hi"`, true},
		{"?WARN ?ERROR", "ERROR", true},
		{"?WARN ?ERROR", "INFO", false},
		{"-DEBUG", "INFO", true},
		{"-DEBUG", "DEBUG", false},
		{"ERROR -fatal", "ERROR not so fatal", false},
		{"ERROR ?WARN", "ERROR", true},
		{"ERROR ?WARN", "WARN", false},
		{`-"exit 0"`, "exit 1", true},
		{`%5\d\d%`, "status 503", true},
		{`%5\d\d%`, "status 403", false},
		{`{ $.level = "ERROR" }`, doc, true},
		{`{ $.level = "ERR*" }`, doc, true},
		{`{ $.level = ERR* }`, doc, true},
		{`{ $.level = *R }`, doc, true},
		{`{ $.level = "error" }`, doc, false},
		{`{ $.level != "INFO" }`, doc, true},
		{`{ $.absent != "INFO" }`, doc, false},
		{`{$.n=42}`, doc, true},
		{`{ $.n > 41.5 && $.n <= 42 }`, doc, true},
		{`{ $.n < 42 || $.n >= 43 }`, doc, false},
		{`{ $.s = 7 }`, doc, true},
		{`{ ($.n = 1 || $.n = 42) && $.ok IS TRUE }`, doc, true},
		{`{ $.n = 1 || $.n = 42 && $.ok IS FALSE }`, doc, false},
		{`{ $.none IS NULL }`, doc, true},
		{`{ $.absent NOT EXISTS }`, doc, true},
		{`{ $.none NOT EXISTS }`, doc, false},
		{`{ $.user.["first name"] = "Ann" }`, doc, true},
		{`{ $.user.tags[1] = b }`, doc, true},
		{`{ $.user.tags[2] = b }`, doc, false},
		{`{ $.list[*].id = 2 }`, doc, true},
		{`{ $.list[*].id = 3 }`, doc, false},
		{`{ $.level = %^E% }`, doc, true},
		{`{ $.level = "ERROR" }`, "level ERROR", false},
	}
	faults := map[string]string{
		"{ $.user['first'] = 1 }": "InvalidParameterException",
		`"open`:                   "InvalidParameterException",
		"a:b":                     "InvalidParameterException",
		"%(%":                     "InvalidParameterException",
		"- x":                     "InvalidParameterException",
		"{ $.a }":                 "InvalidParameterException",
		"{ $.a = 1":               "InvalidParameterException",
		"{ $.a < \"x\" }":         "InvalidParameterException",
		"{ a = 1 }":               "InvalidParameterException",
		"{ $.a = 1 } x":           "InvalidParameterException",
		"[ip, user]":              "NotImplemented",
	}
	for _, c := range cases {
		m, err := parsePattern(c.pattern)
		if faults[c.pattern] != "" {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		} else if m(c.message) != c.want {
			t.Errorf("%s on %s: %v", c.pattern, c.message, !c.want)
		}
	}
	for pattern, code := range faults {
		if _, err := parsePattern(pattern); awserr.From(err) == nil || awserr.From(err).Code != code {
			t.Errorf("%s: %v, want %s", pattern, err, code)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"", "a -b ?c", `"x\"`, "{ ($.a[0].b = 1) || $.c IS NULL }", "%a%", "{$[*]!=%x%}"} {
		f.Add(s, `{"a":[{"b":1}]}`)
	}
	f.Fuzz(func(t *testing.T, pattern, message string) {
		if m, err := parsePattern(pattern); err == nil {
			m(message)
		} else if awserr.From(err) == nil {
			t.Errorf("not an AWS error: %v", err)
		}
	})
}
