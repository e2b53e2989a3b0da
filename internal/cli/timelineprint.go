package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"stepwell/internal/project"
)

// showing says what a printed timeline holds besides the states.
type showing struct {
	input, output bool
	all           bool // every iteration of every Map
}

const (
	barWidth      = 32
	iterationsMax = 4 // more are summarised
)

// started are the ids of what a .sync call started, as its answer has them.
func started(answer string) []string {
	var ids struct{ ExecutionArn, JobRunId string }
	if json.Unmarshal([]byte(answer), &ids) != nil {
		return nil
	}
	switch {
	case ids.ExecutionArn != "":
		return []string{ids.ExecutionArn}
	case ids.JobRunId != "":
		return []string{"job run " + ids.JobRunId}
	}
	return nil
}

// row is a line of a timeline.
type row struct {
	name, status, took, bar string
	below                   []string
}

// printer collects the lines of a timeline.
type timelinePrinter struct {
	*timeline
	showing
	begin time.Time
	span  time.Duration
	rows  []row
}

// print writes a line for each visit: its name, how it ended, how long it took
// and when, as a bar; errors, children and data follow below.
func (t *timeline) print(w io.Writer, s showing) {
	p := &timelinePrinter{timeline: t, showing: s, begin: t.root.entered}
	last := t.root.left
	if last.IsZero() {
		last = t.latest(t.root)
	}
	p.span = max(last.Sub(p.begin), time.Millisecond)
	p.visits(t.root.inner, 0)
	var names, statuses, times int
	for _, r := range p.rows {
		names = max(names, utf8.RuneCountInString(r.name))
		statuses = max(statuses, utf8.RuneCountInString(r.status))
		times = max(times, utf8.RuneCountInString(r.took))
	}
	for _, r := range p.rows {
		line := "  " + pad(r.name, names) + "  " + pad(r.status, statuses) + "  " + strings.Repeat(" ", times-utf8.RuneCountInString(r.took)) + r.took + "  " + r.bar
		fmt.Fprintln(w, strings.TrimRight(line, " "))
		for _, b := range r.below {
			fmt.Fprintf(w, "      %s\n", strings.ReplaceAll(b, "\n", "\n      "))
		}
	}
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", width-utf8.RuneCountInString(s))
}

// latest is the last time that a running execution's history knows of.
func (t *timeline) latest(v *visit) time.Time {
	at := v.entered
	if v.left.After(at) {
		at = v.left
	}
	for _, n := range v.inner {
		if l := t.latest(n); l.After(at) {
			at = l
		}
	}
	return at
}

func (p *timelinePrinter) visits(list []*visit, depth int) {
	iteration := int64(-1)
	for _, v := range list {
		if v.iteration >= 0 && v.parent != nil && v.parent.kind == "Map" && v.iteration != iteration {
			iteration = v.iteration
			p.rows = append(p.rows, row{name: strings.Repeat("  ", depth) + fmt.Sprintf("[%d]", iteration)})
		}
		at := depth
		if iteration >= 0 {
			at++
		}
		p.visit(v, at)
	}
}

func (p *timelinePrinter) visit(v *visit, depth int) {
	r := row{name: strings.Repeat("  ", depth) + v.name, status: v.status, bar: p.bar(v.entered, v.left)}
	if v.attempts > 1 {
		r.status += fmt.Sprintf(", %d attempts", v.attempts)
	}
	if !v.left.IsZero() {
		r.took = project.Duration(v.left.Sub(v.entered))
	}
	r.below = p.below(v)
	p.rows = append(p.rows, r)
	if v.kind == "Map" && v.iterations > iterationsMax && !p.all {
		p.summary(v, depth+1)
		return
	}
	if v.kind == "Map" {
		p.visits(byIteration(v.inner), depth+1)
		return
	}
	p.visits(v.inner, depth+1)
}

// byIteration sorts the visits within a Map by iteration.
func byIteration(list []*visit) []*visit {
	var order []int64
	groups := map[int64][]*visit{}
	for _, v := range list {
		if groups[v.iteration] == nil {
			order = append(order, v.iteration)
		}
		groups[v.iteration] = append(groups[v.iteration], v)
	}
	var sorted []*visit
	for _, i := range order {
		sorted = append(sorted, groups[i]...)
	}
	return sorted
}

// below are the lines under a visit.
func (p *timelinePrinter) below(v *visit) []string {
	var lines []string
	for _, f := range v.faults {
		if f != "" {
			lines = append(lines, "error: "+cut(f, 160))
		}
	}
	for _, n := range v.notes {
		line := "started " + n
		if run := p.runs[n]; run != nil && run.ItemCounts != nil {
			c := run.ItemCounts
			line = fmt.Sprintf("Map run %s: %d items, %d succeeded, %d failed, %d running or waiting", strings.ToLower(text(run.Status)),
				*c.Total, *c.Succeeded, *c.Failed, *c.Running+*c.Pending)
		}
		lines = append(lines, line)
	}
	if p.input && v.input != nil {
		lines = append(lines, "input "+indentJSON(*v.input))
	}
	if p.output && v.output != nil {
		lines = append(lines, "output "+indentJSON(*v.output))
	}
	return lines
}

func cut(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

// summary has a line for each state within a Map instead of one for each visit.
func (p *timelinePrinter) summary(v *visit, depth int) {
	type total struct {
		count, failed, attempts int
		slowest, sum            time.Duration
		first, last             time.Time
		fault                   string
	}
	var names []string
	totals := map[string]*total{}
	var add func(list []*visit)
	add = func(list []*visit) {
		for _, n := range list {
			t := totals[n.name]
			if t == nil {
				t = &total{first: n.entered}
				totals[n.name] = t
				names = append(names, n.name)
			}
			t.count, t.attempts = t.count+1, t.attempts+n.attempts
			if n.status == "failed" || n.status == "caught" {
				t.failed++
				if t.fault == "" && len(n.faults) > 0 {
					t.fault = n.faults[len(n.faults)-1]
				}
			}
			took := n.left.Sub(n.entered)
			t.sum, t.slowest = t.sum+took, max(t.slowest, took)
			if n.left.After(t.last) {
				t.last = n.left
			}
			add(n.inner)
		}
	}
	add(v.inner)
	p.rows = append(p.rows, row{name: strings.Repeat("  ", depth) + fmt.Sprintf("%d iterations", v.iterations), status: failedCount(v.broken)})
	for _, name := range names {
		t := totals[name]
		r := row{name: strings.Repeat("  ", depth) + name, status: count(t.count, "time"), bar: p.bar(t.first, t.last),
			took: project.Duration(t.sum/time.Duration(t.count)) + ", slowest " + project.Duration(t.slowest)}
		if t.failed > 0 {
			r.status += ", " + failedCount(t.failed)
			if t.fault != "" {
				r.below = append(r.below, "error: "+cut(t.fault, 160))
			}
		}
		p.rows = append(p.rows, r)
	}
}

func failedCount(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d failed", n)
}

// bar shows when something was under way: the whole width is the execution.
func (p *timelinePrinter) bar(from, to time.Time) string {
	open := to.IsZero()
	if open {
		to = p.begin.Add(p.span)
	}
	at := func(t time.Time) int {
		return min(max(int(float64(t.Sub(p.begin))/float64(p.span)*barWidth+0.5), 0), barWidth)
	}
	first, last := at(from), at(to)
	if last == first && first == barWidth {
		first--
	}
	last = max(last, first+1)
	b := strings.Repeat("·", first) + strings.Repeat("━", last-first)
	if open {
		return b + "›"
	}
	return b + strings.Repeat("·", barWidth-last)
}
