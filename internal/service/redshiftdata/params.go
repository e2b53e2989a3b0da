package redshiftdata

import (
	"fmt"
	"strings"

	api "stepwell/internal/awsapi/redshiftdata"
)

// bind turns the named parameters (:name) of a statement into $1, $2, ... and
// their values. Names that are not among the parameters stay as they are, as do
// colons inside strings, quoted names, comments and casts. used receives the
// names that occur.
func bind(sql string, parameters []api.SqlParameter, used map[string]bool) Statement {
	if len(parameters) == 0 {
		return Statement{SQL: sql}
	}
	values := make(map[string]string, len(parameters))
	for _, p := range parameters {
		values[*p.Name] = *p.Value
	}
	var out strings.Builder
	var args []string
	places := map[string]int{}
	for i := 0; i < len(sql); {
		if n := opaque(sql[i:]); n > 0 {
			out.WriteString(sql[i : i+n])
			i += n
			continue
		}
		name := parameterName(sql, i)
		value, known := values[name]
		if name == "" || !known {
			out.WriteByte(sql[i])
			i++
			continue
		}
		if places[name] == 0 {
			args = append(args, value)
			places[name] = len(args)
		}
		used[name] = true
		fmt.Fprintf(&out, "$%d", places[name])
		i += 1 + len(name)
	}
	return Statement{SQL: out.String(), Args: args}
}

// parameterName returns the name after a colon at i that begins a parameter.
func parameterName(sql string, i int) string {
	if sql[i] != ':' {
		return ""
	}
	end := i + 1
	for end < len(sql) && (sql[end] == '_' || alphanumeric(sql[end])) {
		end++
	}
	return sql[i+1 : end]
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// opaque returns the length of the string, quoted name, comment or cast operator
// that sql begins with; 0 where it begins with something else.
func opaque(sql string) int {
	switch {
	case sql[0] == '\'':
		return quoted(sql, '\'')
	case sql[0] == '"':
		return quoted(sql, '"')
	case strings.HasPrefix(sql, "::"):
		return 2
	case strings.HasPrefix(sql, "--"):
		if end := strings.IndexByte(sql, '\n'); end >= 0 {
			return end + 1
		}
		return len(sql)
	case strings.HasPrefix(sql, "/*"):
		return comment(sql)
	case sql[0] == '$':
		return dollarQuoted(sql)
	}
	return 0
}

// quoted is the length of a string or name that q begins and ends. A doubled
// quote stays inside; a backslash escapes in strings, as in Redshift.
func quoted(sql string, q byte) int {
	for i := 1; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && q == '\'':
			i++
		case sql[i] == q && i+1 < len(sql) && sql[i+1] == q:
			i++
		case sql[i] == q:
			return i + 1
		}
	}
	return len(sql)
}

// comment is the length of a block comment; they nest.
func comment(sql string) int {
	depth := 0
	for i := 0; i+1 < len(sql); i++ {
		switch sql[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(sql)
}

// dollarQuoted is the length of $tag$...$tag$; 0 where there is none.
func dollarQuoted(sql string) int {
	end := 1
	for end < len(sql) && (sql[end] == '_' || alphanumeric(sql[end])) {
		end++
	}
	if end == len(sql) || sql[end] != '$' {
		return 0
	}
	tag := sql[:end+1]
	if close := strings.Index(sql[len(tag):], tag); close >= 0 {
		return len(tag) + close + len(tag)
	}
	return len(sql)
}
