package project

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Print writes the table as psql does: a heading, a rule, the rows.
func (t *Table) Print(w io.Writer) {
	width := make([]int, len(t.Columns))
	measure := func(row []string) {
		for i, v := range row {
			width[i] = max(width[i], utf8.RuneCountInString(v))
		}
	}
	measure(t.Columns)
	for _, row := range t.Rows {
		measure(row)
	}
	line := func(row []string) {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = v + strings.Repeat(" ", width[i]-utf8.RuneCountInString(v))
		}
		fmt.Fprintf(w, " %s\n", strings.TrimRight(strings.Join(cells, " | "), " "))
	}
	line(t.Columns)
	rules := make([]string, len(width))
	for i, n := range width {
		rules[i] = strings.Repeat("-", n+2)
	}
	fmt.Fprintln(w, strings.Join(rules, "+"))
	for _, row := range t.Rows {
		line(row)
	}
	fmt.Fprintf(w, "(%d rows)\n", len(t.Rows))
}
