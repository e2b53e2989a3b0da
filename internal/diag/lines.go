package diag

import (
	"regexp"
	"strconv"
	"unicode/utf8"
)

// Lines finds places of a source that are named by line and column.
type Lines struct {
	source string
	starts []int
}

// NewLines prepares a source.
func NewLines(source string) *Lines {
	l := &Lines{source: source, starts: []int{0}}
	for i := range len(source) {
		if source[i] == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// Offset is the byte at a line and column, both from 1, the column in
// characters: the inverse of Position. A line that is not there is the end.
func (l *Lines) Offset(line, column int) int {
	if line < 1 || line > len(l.starts) {
		return len(l.source)
	}
	at := l.starts[line-1]
	for range column - 1 {
		_, size := utf8.DecodeRuneInString(l.source[at:])
		at += size
	}
	return at
}

// yamlPlace is how the YAML library names a place: L2.C6, or L2.C6-L3.C1.
var yamlPlace = regexp.MustCompile(`L(\d+)\.C(\d+)(?:-L(\d+)\.C(\d+))?`)

// YAMLError finds the place that an error of the YAML library names, that where
// it gave up; 1, 1 where it names none.
func YAMLError(err error) (line, column int) {
	m := yamlPlace.FindStringSubmatch(err.Error())
	if m == nil {
		return 1, 1
	}
	if m[3] != "" {
		m = m[2:]
	}
	line, _ = strconv.Atoi(m[1])
	column, _ = strconv.Atoi(m[2])
	return line, column
}
