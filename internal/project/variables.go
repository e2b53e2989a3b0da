package project

import (
	"fmt"
	"os"
	"strings"
)

// Variables are the values of ${name} references in a pipeline's texts. Names
// that are not known are left as they are: a definition may hold its own.
//
//	${account} ${region} ${endpoint}     of the server
//	${redshift.host} ${redshift.port}    where the warehouse listens
//	${topic.NAME} ${state-machine.NAME}  ARNs; of a template's also by logical id
//	${job.NAME}                          the name of a job, which a template may choose
//	${stack.OUTPUT}                      outputs of the template's stack
type Variables map[string]string

func (v Variables) expand(text string) string {
	return os.Expand(escapeDollars(text), func(name string) string {
		if value, ok := v[name]; ok {
			return value
		}
		if name == "$" {
			return "$"
		}
		return "${" + name + "}"
	})
}

// escapeDollars doubles every dollar sign that does not begin "${", as
// os.Expand takes "$$" for one and "$x" for a reference.
func escapeDollars(text string) string {
	var b strings.Builder
	for i := range len(text) {
		b.WriteByte(text[i])
		if text[i] == '$' && (i+1 == len(text) || text[i+1] != '{') {
			b.WriteByte('$')
		}
	}
	return b.String()
}

// expandAny expands the texts inside a value decoded from YAML.
func (v Variables) expandAny(value any) any {
	switch value := value.(type) {
	case string:
		return v.expand(value)
	case map[string]any:
		m := make(map[string]any, len(value))
		for k, e := range value {
			m[k] = v.expandAny(e)
		}
		return m
	case []any:
		l := make([]any, len(value))
		for i, e := range value {
			l[i] = v.expandAny(e)
		}
		return l
	case map[any]any:
		m := make(map[string]any, len(value))
		for k, e := range value {
			m[fmt.Sprint(k)] = v.expandAny(e)
		}
		return m
	}
	return value
}
