package graph

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strings"

	"stepwell/internal/asl/syntax"
)

// look is how the states of a type are drawn.
type look struct{ line, fill string }

var looks = map[string]look{
	"Task":     {"#2f6fb7", "#e9f2fc"},
	"Pass":     {"#7a8794", "#f1f4f6"},
	"Choice":   {"#b7791f", "#fdf3dd"},
	"Wait":     {"#7a5bb0", "#f2edfb"},
	"Succeed":  {"#2e8b57", "#e5f6ec"},
	"Fail":     {"#c0392b", "#fcebe9"},
	"Parallel": {"#1f8a8a", "#f2fafa"},
	"Map":      {"#a8508f", "#fcf4fa"},
}

var edgeColours = map[edgeKind]string{next: "#5b6770", rule: "#b7791f", fallback: "#b7791f", catch: "#c0392b"}

const margin = 24.0

// SVG draws a machine from top to bottom: states coloured by type, the rules of
// a Choice beside their edges, Catch edges dashed, Parallel and Map as boxes.
func SVG(w io.Writer, m *syntax.Machine) error {
	g := build(m, "", true)
	g.layout()
	out := bufio.NewWriter(w)
	p := &painter{out}
	top := margin
	comment := shorten(strings.Join(strings.Fields(m.Comment), " "), 110)
	width := max(g.w, textWidth(comment, 14, false)) + 2*margin
	if comment != "" {
		top += 30
	}
	height := g.h + top + margin
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="Inter, 'Segoe UI', Helvetica, Arial, sans-serif">`+"\n",
		width, height, width, height)
	p.printf("<defs>\n")
	for _, kind := range []edgeKind{next, rule, catch} {
		p.printf(`<marker id="arrow%d" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0,1 L10,5 L0,9 z" fill="%s"/></marker>`+"\n",
			kind, edgeColours[kind])
	}
	p.printf("</defs>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n")
	if comment != "" {
		p.printf(`<text x="%.1f" y="%.1f" font-size="14" fill="#39424a">%s</text>`+"\n", margin, margin+8, escape(comment))
	}
	p.graph(g, (width-g.w)/2, top, "#ffffff")
	p.printf("</svg>\n")
	return out.Flush()
}

// painter writes SVG; the buffer keeps the first error for Flush.
type painter struct{ out *bufio.Writer }

func (p *painter) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }

func escape(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return ""
	}
	return b.String()
}

// graph draws with its corner at (x, y), on a ground of that colour.
func (p *painter) graph(g *graph, x, y float64, ground string) {
	p.printf(`<g transform="translate(%.1f %.1f)">`+"\n", x, y)
	ports := g.ports()
	for _, kinds := range [][]edgeKind{{catch}, {next, rule, fallback}} {
		for _, e := range g.edges {
			if slices.Contains(kinds, e.kind) {
				p.edge(e, ports)
			}
		}
	}
	for _, e := range g.edges {
		p.labels(e, ground)
	}
	for _, n := range g.nodes {
		p.node(n)
	}
	p.printf("</g>\n")
}

// port is where a link touches a node.
type port struct {
	link *link
	top  bool // of the link: its upper end
}

// ports spreads the links of a node over its lower and its upper side.
func (g *graph) ports() map[port]float64 {
	at := map[port]float64{}
	for _, n := range g.all() {
		spread(n, n.out, func(l *link) *node { return l.to }, func(l *link, x float64) { at[port{l, true}] = x })
		spread(n, n.in, func(l *link) *node { return l.from }, func(l *link, x float64) { at[port{l, false}] = x })
	}
	for l := range links(g) {
		up, down := port{l, true}, port{l, false}
		if d := at[up] - at[down]; l.from.kind != "bend" && l.to.kind != "bend" && math.Abs(d) < 24 {
			at[up] -= d / 2
			at[down] = at[up]
		}
	}
	return at
}

func links(g *graph) iter.Seq[*link] {
	return func(yield func(*link) bool) {
		for _, e := range g.edges {
			for _, l := range e.links {
				if !yield(l) {
					return
				}
			}
		}
	}
}

func spread(n *node, links []*link, other func(*link) *node, set func(*link, float64)) {
	sorted := slices.Clone(links)
	slices.SortStableFunc(sorted, func(a, b *link) int { return cmp.Compare(other(a).x, other(b).x) })
	step := 0.0
	if k := len(sorted); k > 1 && n.kind != "bend" {
		step = min(26, n.w*0.6/float64(k-1))
	}
	reach := n.w/2 - 16
	for i, l := range sorted {
		x := n.x + step*(float64(i)-float64(len(sorted)-1)/2)
		// A straight line is better than a kink.
		if d := other(l).x; len(sorted) == 1 && other(l).kind == "bend" && d > n.x-reach && d < n.x+reach {
			x = d
		}
		set(l, x)
	}
}

func (p *painter) edge(e *edge, ports map[port]float64) {
	if len(e.links) == 0 {
		p.loop(e)
		return
	}
	var path strings.Builder
	for i, l := range e.links {
		x1, y1 := ports[port{l, true}], l.from.y+l.from.h/2
		x2, y2 := ports[port{l, false}], l.to.y-l.to.h/2
		if l.from.kind == "bend" {
			x1 = l.from.x
		}
		if l.to.kind == "bend" {
			x2 = l.to.x
		}
		if i == 0 {
			fmt.Fprintf(&path, "M%.1f,%.1f", x1, y1)
		}
		// Curves stay between the ranks: within one they would cross its nodes.
		middle := (l.from.under + l.to.above) / 2
		fmt.Fprintf(&path, " L%.1f,%.1f C%.1f,%.1f %.1f,%.1f %.1f,%.1f L%.1f,%.1f",
			x1, l.from.under, x1, middle, x2, middle, x2, l.to.above, x2, y2)
	}
	p.path(path.String(), e)
}

// loop draws an edge from a state to itself, at its right.
func (p *painter) loop(e *edge) {
	n := e.from
	x, y := n.x+n.w/2, n.y
	p.path(fmt.Sprintf("M%.1f,%.1f C%.1f,%.1f %.1f,%.1f %.1f,%.1f", x, y-8, x+24, y-22, x+24, y+22, x, y+8), e)
}

func (p *painter) path(d string, e *edge) {
	dash, marker := "", e.kind
	if e.kind == catch {
		dash = ` stroke-dasharray="5 4"`
	}
	if e.kind == fallback {
		marker = rule
	}
	end := "marker-end"
	if e.reversed && e.from != e.to {
		end = "marker-start" // the path is drawn from its upper end
	}
	p.printf(`<path d="%s" fill="none" stroke="%s" stroke-width="1.4"%s %s="url(#arrow%d)"/>`+"\n", d, edgeColours[e.kind], dash, end, marker)
}

func (p *painter) labels(e *edge, ground string) {
	b := e.label
	if b == nil {
		return
	}
	high := lineHigh * float64(len(e.labels))
	p.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3" fill="%s"/>`+"\n", b.x-b.w/2, b.y-high/2-1, b.w, high+2, ground)
	for i, text := range e.labels {
		p.printf(`<text x="%.1f" y="%.1f" font-size="11" text-anchor="middle" fill="%s"><title>%s</title>%s</text>`+"\n",
			b.x, b.y-high/2+lineHigh*float64(i)+11, edgeColours[e.kind], escape(text), escape(shorten(text, labelLimit)))
	}
}

func (p *painter) node(n *node) {
	left, top := n.x-n.w/2, n.y-n.h/2
	switch {
	case n.kind == "start":
		p.printf(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="#39424a"/><path d="M%.1f,%.1f l9,5.5 l-9,5.5 z" fill="#ffffff"/>`+"\n",
			n.x, n.y, circle, n.x-3.5, n.y-5.5)
		return
	case n.kind == "end":
		p.printf(`<circle cx="%.1f" cy="%.1f" r="%.1f" fill="#ffffff" stroke="#39424a" stroke-width="2"/><rect x="%.1f" y="%.1f" width="11" height="11" rx="2" fill="#39424a"/>`+"\n",
			n.x, n.y, circle-1, n.x-5.5, n.y-5.5)
		return
	}
	l, ok := looks[n.kind]
	if !ok {
		l = look{"#39424a", "#ffffff"}
	}
	switch {
	case len(n.inner) > 0:
		p.box(n, l, left, top)
		return
	case n.kind == "Choice":
		p.printf(`<path d="M%.1f,%.1f l%.1f,%.1f h%.1f l%.1f,%.1f l%.1f,%.1f h%.1f z" fill="%s" stroke="%s" stroke-width="1.4" stroke-linejoin="round"/>`+"\n",
			left, n.y, notch, -n.h/2, n.w-2*notch, notch, n.h/2, -notch, n.h/2, -(n.w - 2*notch), l.fill, l.line)
	default:
		p.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="7" fill="%s" stroke="%s" stroke-width="1.4"/>`+"\n", left, top, n.w, n.h, l.fill, l.line)
	}
	y := n.y + 4.5
	if n.detail != "" {
		y = n.y - 3
		p.printf(`<text x="%.1f" y="%.1f" font-size="11" text-anchor="middle" fill="%s"><title>%s</title>%s</text>`+"\n",
			n.x, n.y+14, l.line, escape(n.detail), escape(shorten(n.detail, detailLimit)))
	}
	p.printf(`<text x="%.1f" y="%.1f" font-size="13" font-weight="600" text-anchor="middle" fill="#1d2429"><title>%s: %s</title>%s</text>`+"\n",
		n.x, y, n.kind, escape(n.name), escape(shorten(n.name, nameLimit)))
}

// box draws a state with the machines within it.
func (p *painter) box(n *node, l look, left, top float64) {
	p.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="9" fill="%s" stroke="%s" stroke-width="1.4"/>`+"\n", left, top, n.w, n.h, l.fill, l.line)
	if n.kind == "Map" { // a second outline behind it: it runs many times
		p.printf(`<path d="M%.1f,%.1f h%.1f a9,9 0 0 1 9,9 v%.1f" fill="none" stroke="%s" stroke-width="1.4"/>`+"\n", left+9, top-4, n.w-14, n.h-14, l.line)
	}
	p.printf(`<text x="%.1f" y="%.1f" font-size="13" font-weight="600" fill="#1d2429"><title>%s: %s</title>%s</text>`+"\n",
		left+boxPad, top+19, n.kind, escape(n.name), escape(shorten(n.name, nameLimit)))
	words := n.kind
	if n.detail != "" {
		words += ", " + n.detail
	}
	p.printf(`<text x="%.1f" y="%.1f" font-size="11" fill="%s">%s</text>`+"\n", left+boxPad, top+34, l.line, escape(shorten(words, detailLimit+12)))
	total := 0.0
	for _, g := range n.inner {
		total += g.w
	}
	gap := (n.w - total) / float64(len(n.inner)+1)
	x := left + gap
	for i, g := range n.inner {
		if i > 0 {
			p.printf(`<path d="M%.1f,%.1f v%.1f" stroke="%s" stroke-opacity="0.35" stroke-dasharray="2 4"/>`+"\n", x-gap/2, top+boxHead, n.h-boxHead-10, l.line)
		}
		p.graph(g, x, top+boxHead, l.fill)
		x += g.w + gap
	}
}
