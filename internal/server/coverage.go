package server

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"stepwell/internal/bus"
)

// WriteCoverage prints the operation tables as the page docs/coverage.md.
func WriteCoverage(w io.Writer, tables []*bus.Service) error {
	p := &printer{w: w}
	p.printf("# What is there\n\nPrinted by `stepwell services --markdown`; a test holds this page to the tables.\n\n")
	p.printf("| service | full | partial | not implemented |\n|---|---|---|---|\n")
	for _, s := range tables {
		count := map[bus.Status]int{}
		for _, o := range s.Operations {
			count[o.Status]++
		}
		p.printf("| %s | %d | %d | %d |\n", s.Name, count[bus.Full], count[bus.Partial], count[bus.NotImplemented])
	}
	for _, s := range tables {
		p.printf("\n## %s\n\n| operation | status | note |\n|---|---|---|\n", s.Name)
		for _, o := range s.Operations {
			if o.Status != bus.NotImplemented {
				p.printf("| %s | %s | %s |\n", o.Name, o.Status, o.Note)
			}
		}
		p.missing(s)
	}
	return p.err
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// missing lists the operations that are not there, by the reason.
func (p *printer) missing(s *bus.Service) {
	names := map[string][]string{} // by note
	for _, o := range s.Operations {
		if o.Status == bus.NotImplemented {
			names[o.Note] = append(names[o.Note], o.Name)
		}
	}
	if len(names) == 0 {
		return
	}
	p.printf("\nNot implemented:\n\n")
	for _, note := range slices.Sorted(maps.Keys(names)) {
		reason := note
		if note != "" {
			reason += ": "
		}
		p.printf("- %s%s\n", reason, strings.Join(names[note], ", "))
	}
}
